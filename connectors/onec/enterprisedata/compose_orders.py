"""An order of a channel as Документ.ЗаказКлиента, under a reference that is always the same for the same order.

The base finds a document by its reference; so an order that is sent twice is one order, and one that changed in its
channel is sent anew, whole: the format knows no cancelled lines, so one that is gone is left out, and lines that
people changed in 1C are as the channel tells them again. What 1C says has ended stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.make import Composition, Maker, Part, number, written
from connectors.onec.enterprisedata.options import EnterpriseDataOrderOptions
from connectors.onec.enterprisedata.values import WITHOUT_VAT
from connectors.onec.enterprisedata.xml import parsed, text
from connectors.onec.odata.order_body import CHANNEL, SHORTEST_NUMBER, comment, kopecks
from connectors.onec.odata.orders import order_ref
from obmen.errors import Refused
from obmen.records import Item, Native

NUMBER = "Номер"
_ENDS = frozenset({"ПереданВДоставку", "Выполнен", "Отменен"})


def compose_orders(maker: Maker, options: EnterpriseDataOrderOptions, items: Sequence[Item]) -> Composition:
    """Return the orders' documents.

    Payloads: ``Канал``, ``Номер``, ``Дата`` (naive, in the base's zone), ``Валюта`` (the
    classifier's code), ``Склад`` (a reference), ``АдресДоставки``, ``ДатаОтгрузки``, ``Комментарий``,
    ``Покупатель`` (added to the comment), and ``Товары``: ``Товар`` (Ид), ``Наименование``, ``Количество``,
    ``Цена``, ``Сумма``, ``СтавкаНДС``.
    """
    made = Composition()
    for item in items:
        known = order_ref(str(item.payload[CHANNEL]), str(item.payload[NUMBER]))
        try:
            if item.native_id and (ended := _ended(maker, known)):
                _leave(item, ended)
                made.native_ids[item.id] = known
                continue
            made.add(keep.ORDER, known, maker.object(keep.ORDER, _order(maker, options, item.payload, known)))
        except Refused as refused:
            made.refused[item.id] = refused
        else:
            made.native_ids[item.id] = known
    return made


def _ended(maker: Maker, known: str) -> str:
    """Return how an order ended, as the base told; empty where it goes on, or the base does not tell."""
    query = "SELECT xml FROM object WHERE owner = ? AND type = ? AND deleted = 0"
    rows = maker.database.execute(query, (known, keep.STATE)).fetchall()
    states = [text(parsed(xml), "СостояниеЗаказа") for (xml,) in rows]
    return next((state for state in states if state in _ENDS), "")


def _leave(item: Item, state: str) -> None:
    """Let an order that ended be as it is. Raises Refused if its lines changed, for then a person must see to it."""
    if item.before is None or item.before.get("Товары") != item.payload.get("Товары"):
        message = (
            f"The lines of the order changed in its channel, and in 1C it is {state}. See to it there (a return, a"
            " correction), then drop the record."
        )
        raise Refused(message, code="closed", field="Товары")


def _order(maker: Maker, options: EnterpriseDataOrderOptions, payload: Native, known: str) -> list[Part]:
    rows = [_row(maker, options, line, at) for at, line in enumerate(payload.get("Товары") or (), 1)]
    if not rows:
        raise Refused("The order has no lines. Map them to Товары.", code="no_lines", field="Товары")
    total = sum((gross for _, gross in rows), Decimal(0))
    shipped = str(payload.get("ДатаОтгрузки") or "")[:10]
    said = comment(str(payload[CHANNEL]), "; ".join(_told(payload)))
    warehouse = payload.get("Склад") or next(iter(options.warehouses.values()), None)
    common = maker.comment(said)
    return [
        ("КлючевыеСвойства", _key(maker, options, payload, known)),
        ("ДатаДоставкиДоКлиента", shipped if maker.version == "1.21" else None),
        ("Валюта", [("ДанныеКлассификатора", [("Код", str(payload["Валюта"]))])]),
        ("Сумма", written(total)),
        ("Склад", maker.key(keep.WAREHOUSE, str(warehouse), option="warehouses") if warehouse else None),
        ("Контрагент", maker.key(keep.CONTRAGENT, options.contragent, option="contragent")),
        ("ДанныеВзаиморасчетов", _contract(maker, options)),
        ("АдресДоставки", str(payload.get("АдресДоставки") or "")),
        ("СуммаВключаетНДС", "true" if options.price_includes_vat else "false"),
        ("Товары", [("Строка", row) for row, _ in rows]),
        common if not maker.modern else ("Комментарий", None),
        ("ОжидаемаяДатаПоставки", shipped if maker.version != "1.21" else None),
        common if maker.modern else ("Комментарий", None),
    ]


def _key(maker: Maker, options: EnterpriseDataOrderOptions, payload: Native, known: str) -> list[Part]:
    date, number_ = str(payload.get("Дата") or ""), str(payload[NUMBER])
    if not date:
        raise Refused("The order has no Дата. Map placed_at to it.", code="no_date", field="Дата")
    if len(number_) > SHORTEST_NUMBER:
        message = (
            f"The order number '{number_}' has {len(number_)} characters; 1C keeps {SHORTEST_NUMBER} and cuts the"
            " rest without a word. Give a shorter one in the mapping."
        )
        raise Refused(message, code="number_too_long", field=NUMBER)
    incoming: list[Part] = [("НомерВходящегоДокумента", number_), ("ДатаВходящегоДокумента", date[:10])]
    own_number = maker.element("Номер", "")  # empty: 1C gives the next one
    return [
        ("Ссылка", known),
        ("Дата", date),
        ("Номер", own_number),
        ("Организация", maker.key(keep.ORGANIZATION, options.organization, option="organization")),
        ("ДанныеВходящегоДокумента", incoming),
    ]


def _contract(maker: Maker, options: EnterpriseDataOrderOptions) -> list[Part] | None:
    if options.contract is None:
        return None
    return [("Договор", maker.key(keep.CONTRACT, options.contract, option="contract"))]


def _told(payload: Native) -> list[str]:
    found: list[Any] = [payload.get("Комментарий"), payload.get("Покупатель")]
    return [str(one) for one in found if one]


def _row(maker: Maker, options: EnterpriseDataOrderOptions, line: Native, at: int) -> tuple[list[Part], Decimal]:
    """Return a line and what the buyer pays for it, VAT included."""
    where = f"Line {at}: "
    quantity, price = number(line, "Количество", where), number(line, "Цена", where)
    full = kopecks(quantity * price)
    total = kopecks(number(line, "Сумма", where)) if line.get("Сумма") is not None else full
    if not quantity or total > full:
        raise Refused(f"{where}{quantity} × {price} cannot come to {total}.", code="bad_sum", field="Сумма")
    rate = str(line.get("СтавкаНДС") or _default_rate(options))
    tax = _tax(total, rate, included=options.price_includes_vat)
    row: list[Part] = [
        ("НомерСтрокиДокумента", str(at)),
        ("ДанныеНоменклатуры", maker.good(str(line.get("Товар") or ""), str(line.get("Наименование") or ""))),
        ("Количество", written(quantity)),
        ("Сумма", written(total)),
        ("Цена", written(kopecks(price))),
        ("КоличествоУпаковок", written(quantity)),
        ("СтавкаНДС", maker.vat(rate)),
        ("СуммаНДС", written(tax) if rate else None),
        ("ИдентификаторСтроки", str(at)),
    ]
    return row, total if options.price_includes_vat else total + tax


def _default_rate(options: EnterpriseDataOrderOptions) -> str:
    if options.vat is None:
        return ""
    return WITHOUT_VAT if options.vat == "none" else options.vat


def _tax(total: Decimal, rate: str, *, included: bool) -> Decimal:
    if rate in {"", WITHOUT_VAT}:
        return Decimal(0)
    percent = number({"СтавкаНДС": rate}, "СтавкаНДС")
    return kopecks(total * percent / (100 + percent if included else Decimal(100)))
