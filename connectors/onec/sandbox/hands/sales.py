"""Hands that sell: orders, their statuses, shipments, returns, receipts, a shift's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox import references
from connectors.onec.sandbox.base import Record
from connectors.onec.sandbox.books import item_id
from connectors.onec.sandbox.hands.desk import Desk, item_row, numbered
from connectors.onec.sandbox.kinds import NAMESPACE, NO_REF
from connectors.onec.sandbox.model import ORDER, STATUSES
from connectors.onec.sandbox.objects.goods import GOODS
from connectors.onec.sandbox.objects.orders import RETURN, RETURN_REQUEST, SHIPMENT
from connectors.onec.sandbox.objects.retail import RECEIPT, RECEIPT_RETURN, RETAIL_REPORT

Line = tuple[str, Any, Any]
"""A product's id, how many, at which price."""

_VAT_INSIDE = Decimal(20) / 120
_SELLER: Mapping[str, Any] = {
    "Организация_Key": references.ORGANIZATION,
    "Валюта_Key": references.ROUBLE,
    "Склад_Key": references.WAREHOUSE,
    "ЦенаВключаетНДС": True,
    "НалогообложениеНДС": "ПродажаОблагаетсяНДС",
}


class SalesHands(Desk):
    """Handles orders and what comes of them, and a shop's receipts."""

    def order(self, number: str) -> Record:
        """Return the order with this number of the client (НомерПоДаннымКлиента), of 1C itself, or reference."""
        with self.lock:
            for order in self.base.objects[ORDER].values():
                if number in {order["НомерПоДаннымКлиента"], order["Number"], order["Ref_Key"]}:
                    return dict(order)
        raise KeyError(number)

    def add_order(
        self,
        lines: Sequence[Line],
        *,
        number: str = "",
        partner: str = references.PARTNER,
        status: str = "КОбеспечению",
        supply: str = "СоСклада",
        card: str = NO_REF,
        **more: Any,
    ) -> str:
        """Enter an order as a manager does, and post it; return its reference."""
        own = {
            "Партнер_Key": partner,
            "Контрагент_Key": references.CONTRAGENT,
            "Соглашение_Key": references.AGREEMENT,
            "Приоритет_Key": references.PRIORITY,
            "КартаЛояльности_Key": card,
            "НомерПоДаннымКлиента": number,
            "Статус": status,
            "ХозяйственнаяОперация": "РеализацияКлиенту",
            "СпособДоставки": "Самовывоз",
            "СкидкиРассчитаны": True,
            "Товары": [{**row, "ВариантОбеспечения": supply} for row in self._rows(lines)],
        }
        return self._post(ORDER, {**_SELLER, "СуммаДокумента": _total(lines), **own, **more})

    def set_status(self, number: str, status: str) -> None:
        """Set an order's status and post it, as a manager does."""
        if status not in STATUSES:
            message = f"{status!r} is none of {', '.join(STATUSES)}"
            raise ValueError(message)
        self._by_hand(number, {"Статус": status})

    def add_cancel_reason(self, title: str) -> str:
        """Enter a reason for which orders are cancelled; return its reference."""
        return self._create("Catalog_ПричиныОтменыЗаказовКлиентов", {"Description": title})

    def note(self, number: str, text: str) -> None:
        """Write something behind an order's comment, as a manager does."""
        self._by_hand(number, {"Комментарий": f"{self.order(number)['Комментарий']} {text}"})

    def cancel(self, number: str, reason: str = references.CANCEL_REASON) -> None:
        """Cancel all lines of an order with a reason and close it, as a manager does."""
        lines = [{**line, "Отменено": True, "ПричинаОтмены_Key": reason} for line in self.order(number)["Товары"]]
        self._by_hand(number, {"Статус": "Закрыт", "Товары": lines})

    def cancel_lines(self, number: str, quantities: Mapping[str, Any], reason: str = references.CANCEL_REASON) -> None:
        """Cancel so much of an order's goods by product's id, as a manager does; a line is split where a part stays."""
        left, rows = dict(quantities), []
        for row in self.order(number)["Товары"]:
            item = item_id(row["Номенклатура_Key"], row["Характеристика_Key"])
            gone = 0 if row["Отменено"] else min(left.get(item, 0), row["Количество"])
            if gone < row["Количество"]:
                rows.append(_part(row, row["Количество"] - gone))
            if gone:
                left[item] -= gone
                rows.append({**_part(row, gone), "Отменено": True, "ПричинаОтмены_Key": reason})
        if any(left.values()):
            message = f"the order {number} does not hold {left}"
            raise ValueError(message)
        standing = sum(row["СуммаСНДС"] for row in rows if not row["Отменено"])
        self._by_hand(number, {"Товары": numbered(rows), "СуммаДокумента": standing})

    def ship(self, number: str, quantities: Mapping[str, Any] | None = None) -> str:
        """Ship an order, or as much of it as ``quantities`` say by product's id; return the shipment.

        A shipment that was written for the whole of it is posted.
        """
        with self.lock:
            drafts = [one["Ref_Key"] for one in self.shipments(number) if not one["Posted"]]
            ref: str = drafts[0] if drafts and quantities is None else self.draft(number, quantities)
            self.base.post(SHIPMENT, ref)
            return ref

    def draft(self, number: str, quantities: Mapping[str, Any] | None = None) -> str:
        """Write the shipment of an order, or of as much of it, without posting it; return it."""
        order = self.order(number)
        lines = _some(order["Товары"], quantities)
        named = {"ЗаказКлиента": order["Ref_Key"], "ЗаказКлиента_Type": f"{NAMESPACE}.{ORDER}"}
        common = {name: order[name] for name in ("Партнер_Key", "Контрагент_Key", "КартаЛояльности_Key", "Склад_Key")}
        own = {
            "Статус": "Реализовано",
            "РеализацияПоЗаказам": True,
            "ХозяйственнаяОперация": "РеализацияКлиенту",
            "Товары": [{**row, **named} for row in self._rows(lines)],
        }
        return self._create(SHIPMENT, {**_SELLER, **common, **named, "СуммаДокумента": _total(lines), **own})

    def shipments(self, number: str) -> list[Record]:
        """Return the shipments of an order that are not deleted, those that are not posted yet first."""
        order = self.order(number)["Ref_Key"]
        known = self.base.objects[SHIPMENT].values()
        found = [one for one in known if one["ЗаказКлиента"] == order and not one["DeletionMark"]]
        return sorted(found, key=lambda one: bool(one["Posted"]))

    def add_return(self, shipment: str, quantities: Mapping[str, Any] | None = None, *, reason: str = "") -> str:
        """Take goods of a shipment back, all or as many as ``quantities`` say; return the document."""
        return self._returned(RETURN, "Товары", "ДокументРеализации", shipment, quantities, ПричинаВозврата=reason)

    def request_return(
        self, shipment: str, quantities: Mapping[str, Any] | None = None, *, status: str = "КВозврату"
    ) -> str:
        """Agree that goods of a shipment come back; return the document."""
        section = "ВозвращаемыеТовары"
        return self._returned(RETURN_REQUEST, section, "ДокументОснование", shipment, quantities, Статус=status)

    def add_receipt(
        self,
        lines: Sequence[Line],
        *,
        card: str = NO_REF,
        partner: str = NO_REF,
        by_card: Any = 0,
        status: str = "Пробит",
        warehouse: str = references.WAREHOUSE,
    ) -> str:
        """Punch a receipt in a shop; ``by_card`` is what was paid with a bank card. Return the document."""
        own = {"КартаЛояльности_Key": card, "Партнер_Key": partner, "Склад_Key": warehouse, "Статус": status}
        return self._punched(RECEIPT, lines, by_card, **own)

    def add_receipt_return(self, receipt: str, quantities: Mapping[str, Any] | None = None) -> str:
        """Give money back for goods of a receipt; return the document."""
        sold = self.object(receipt)
        lines = _some(sold["Товары"], quantities)
        kept = {name: sold[name] for name in ("КартаЛояльности_Key", "Партнер_Key", "Склад_Key")}
        return self._punched(RECEIPT_RETURN, lines, 0, ЧекККМ_Key=receipt, Статус="Пробит", **kept)

    def close_shift(self, warehouse: str = references.WAREHOUSE) -> str:
        """Make the report of a shop's receipts, which takes their goods off the warehouse; return the document."""
        with self.lock:
            punched = [
                record
                for record in self.base.objects[RECEIPT].values()
                if (record["Статус"], record["Склад_Key"]) == ("Пробит", warehouse) and record["Posted"]
            ]
            lines = [line for record in punched for line in _some(record["Товары"], None)]
            for ref in [record["Ref_Key"] for record in punched]:
                self.change(ref, Статус="Архивный")
            own = {"КассаККМ_Key": references.CASH_REGISTER, "Склад_Key": warehouse, "Товары": self._rows(lines)}
            return self._post(RETAIL_REPORT, {**_SELLER, "СуммаДокумента": _total(lines), **own})

    def add_products(self, *refs: str) -> None:
        """Bring goods into the catalog."""
        for ref in refs:
            self._create(GOODS, {"Ref_Key": ref, "Description": "Товар"})

    # -- behind it -------------------------------------------------------------------------------------------

    def _by_hand(self, number: str, change: Record) -> None:
        with self.lock:
            ref = self.order(number)["Ref_Key"]
            self.base.change(ORDER, ref, change, None)
            self.base.post(ORDER, ref)

    def _returned(
        self,
        name: str,
        section: str,
        basis: str,
        shipment: str,
        quantities: Mapping[str, Any] | None,
        **more: str,
    ) -> str:
        shipped = self.object(shipment)
        lines = _some(shipped["Товары"], quantities)
        based = {basis: shipment, f"{basis}_Type": f"{NAMESPACE}.{SHIPMENT}"}
        named = {"ДокументРеализации": shipment, "ДокументРеализации_Type": f"{NAMESPACE}.{SHIPMENT}"}
        kept = {part: shipped[part] for part in ("Партнер_Key", "Контрагент_Key", "Склад_Key")}
        own = {
            "ХозяйственнаяОперация": "ВозвратТоваровОтКлиента",
            section: [{**row, **named} for row in self._rows(lines)],
            **more,
        }
        return self._post(name, {**_SELLER, **kept, **based, "СуммаДокумента": _total(lines), **own})

    def _punched(self, name: str, lines: Sequence[Line], by_card: Any, **more: str) -> str:
        total = _total(lines)
        own = {
            "КассаККМ_Key": references.CASH_REGISTER,
            "НомерЧекаККМ": len(self.base.objects[name]) + 1,
            "СуммаДокумента": total,
            "ПолученоНаличными": total - by_card,
            "ОплатаПлатежнымиКартами": numbered([{"Сумма": by_card}] if by_card else []),
            "Товары": self._rows(lines),
        }
        return self._post(name, {**_SELLER, **own, **more})

    def _rows(self, lines: Sequence[Line]) -> list[Record]:
        vat = references.VAT["20"]
        rate = {"СтавкаНДС": vat[2]} if self.model.vat_names else {"СтавкаНДС_Key": vat[0]}
        return numbered({**item_row(item), **_sums(quantity, price), **rate} for item, quantity, price in lines)


def _part(row: Record, quantity: Any) -> Record:
    """Return so much of a line; the whole of it is left as it is."""
    return row if quantity == row["Количество"] else {**row, **_sums(quantity, row["Цена"])}


def _some(rows: Sequence[Record], quantities: Mapping[str, Any] | None) -> list[Line]:
    """Return the lines of a document that are not cancelled, all or as many as wanted."""
    lines = []
    for row in rows:
        item = item_id(row["Номенклатура_Key"], row["Характеристика_Key"])
        quantity = row["Количество"] if quantities is None else quantities.get(item, 0)
        if quantity and not row.get("Отменено"):
            lines.append((item, quantity, row["Цена"]))
    return lines


def _sums(quantity: Any, price: Any) -> Record:
    total = quantity * price
    vat = (Decimal(total) * _VAT_INSIDE).quantize(Decimal("0.01"))
    return {
        "Количество": quantity,
        "КоличествоУпаковок": quantity,
        "Цена": price,
        "Сумма": total,
        "СуммаНДС": vat,
        "СуммаСНДС": total,
    }


def _total(lines: Sequence[Line]) -> Any:
    return sum(quantity * price for _, quantity, price in lines)
