"""What documents record when they are posted: stock, reserves, prices, bonus points.

A version keeps free stock in a register of its own, so a document says what it does to all of them, and those
that the version does not have pass it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.onec.sandbox.kinds import NAMESPACE, NO_DATE, NO_REF
from connectors.onec.sandbox.model import STATUSES, Model
from connectors.onec.sandbox.objects.goods import CHARACTERISTICS, PRICE_TYPES
from connectors.onec.sandbox.objects.orders import ORDER, RETURN, SHIPMENT
from connectors.onec.sandbox.objects.people import BONUSES, CARD_KINDS, CARDS
from connectors.onec.sandbox.objects.registers import (
    FREE_STOCK,
    ON_HAND,
    ORDERS,
    POINTS,
    PRICES,
    PRICES_25,
    SUPPLY_AND_NEED,
)
from connectors.onec.sandbox.objects.retail import (
    PRICE_SETTING,
    RECEIPT,
    RECEIPT_RETURN,
    RETAIL_REPORT,
    RETAIL_RETURNS,
    SHORTAGE,
    SURPLUS,
)
from connectors.onec.sandbox.registers import Entry, Record

COMES, LEAVES = 1, -1
_RESERVES = {"Отгрузить", "СоСклада", "УдалитьОтгрузитьОбособленно", "УдалитьОбособленно"}
_OLDER = {
    "Отгрузить": "ВРезервеСоСклада",
    "СоСклада": "ВРезервеСоСклада",
    "ИзЗаказов": "ВРезервеПодЗаказ",
    "Обособленно": "ВРезервеПодЗаказ",
    "ОтгрузитьОбособленно": "ВРезервеПодЗаказ",
}
_NEED = {
    "РезервироватьПоМереПоступления": "РезервироватьПоМереПоступления",
    "КОбеспечению": "КОбеспечению",
    "НеТребуется": "НеОбеспечивать",
}
_PUNCHED = "Пробит"


class Poster:
    """Tells what a document records."""

    def __init__(self, objects: Mapping[str, Mapping[str, Record]], model: Model) -> None:
        self._objects = objects
        self._model = model
        self._pricing_25 = False
        self._ways: dict[str, Callable[[Record], Iterator[Entry]]] = {
            ORDER: self._order,
            SHIPMENT: self._shipment,
            RETURN: lambda document: self._moved(document, COMES),
            SURPLUS: lambda document: self._moved(document, COMES),
            SHORTAGE: lambda document: self._moved(document, LEAVES),
            RECEIPT: self._receipt,
            RECEIPT_RETURN: lambda document: self._moved(document, COMES),
            RETAIL_REPORT: lambda document: self._moved(document, LEAVES),
            RETAIL_RETURNS: lambda document: self._moved(document, COMES),
            PRICE_SETTING: self._prices,
            BONUSES: self._bonuses,
        }

    def entries(self, name: str, document: Record, *, pricing_25: bool) -> Iterator[Entry]:
        """Yield what the document records; with ``pricing_25`` prices go to the newer register."""
        self._pricing_25 = pricing_25
        if name in self._ways:
            yield from self._ways[name](document)

    # -- stock -----------------------------------------------------------------------------------------------

    def _moved(self, document: Record, sign: int) -> Iterator[Entry]:
        """Goods come to a warehouse or leave it; in a department they are nobody's free stock."""
        warehouse, department = document["Склад_Key"], document.get("Подразделение_Key", NO_REF)
        for row in document["Товары"]:
            if warehouse == NO_REF and department != NO_REF:
                place = _place(row, department, "Catalog_СтруктураПредприятия")
                yield Entry(SUPPLY_AND_NEED, {**place, "ВНаличии": row["Количество"]}, sign)
            else:
                yield from _on_hand(row, warehouse, sign)

    def _shipment(self, document: Record) -> Iterator[Entry]:
        for row in document["Товары"]:
            warehouse = row["Склад_Key"] if row["Склад_Key"] != NO_REF else document["Склад_Key"]
            yield from _on_hand(row, warehouse, LEAVES)
            ref = row["ЗаказКлиента"] or document["ЗаказКлиента"]
            order = self._objects[ORDER].get(ref)
            if order is not None:
                yield from self._taken_from(order, row)
        yield from self._points_of(document)

    def _taken_from(self, order: Record, row: Record) -> Iterator[Entry]:
        """Release what the order held of these goods."""
        left = row["Количество"]
        for line in order["Товары"] if order["Posted"] else ():
            if _item(line) == _item(row) and not line["Отменено"] and left > 0:
                quantity = min(left, line["Количество"])
                left -= quantity
                yield from self._held(order, {**line, "Количество": quantity}, LEAVES)

    def _order(self, order: Record) -> Iterator[Entry]:
        """Hold the goods of an order that is agreed; of one that is closed, only what was shipped and so released."""
        if order["Статус"] not in STATUSES[1:]:
            return
        shipped = self._shipped(order["Ref_Key"]) if order["Статус"] == STATUSES[-1] else None
        for row in order["Товары"]:
            quantity = row["Количество"]
            if shipped is not None:
                item = tuple(_item(row).values())
                quantity = min(quantity, shipped[item])
                shipped[item] -= quantity
            if row["Отменено"] or not quantity:
                continue
            yield from self._held(order, {**row, "Количество": quantity}, COMES)
            yield Entry(ORDERS, {**self._ordered(order, row), "Заказано": quantity}, COMES)
            if shipped is None:
                yield from self._points_held(order, row, COMES)

    def _ordered(self, order: Record, row: Record) -> Record:
        return {
            **_item(row),
            "Склад_Key": _warehouse(order, row),
            "ЗаказКлиента": order["Ref_Key"],
            "ЗаказКлиента_Type": f"{NAMESPACE}.{ORDER}",
            "КодСтроки": row["КодСтроки"],
            "КОформлению": row["Количество"] if order["Статус"] == "КОтгрузке" else 0,
            "Сумма": row["Сумма"],
        }

    def _shipped(self, order: str) -> Counter[tuple[str, ...]]:
        """Return how much of each item posted shipments took from an order."""
        shipped: Counter[tuple[str, ...]] = Counter()
        for shipment in self._objects[SHIPMENT].values():
            for row in shipment["Товары"] if shipment["Posted"] else ():
                if order == (row["ЗаказКлиента"] or shipment["ЗаказКлиента"]):
                    shipped[tuple(_item(row).values())] += row["Количество"]
        return shipped

    def _held(self, order: Record, row: Record, sign: int) -> Iterator[Entry]:
        """Reserve goods for an order's line, or release them, in the way that the line asks for."""
        supply, quantity, warehouse = row["ВариантОбеспечения"], row["Количество"], _warehouse(order, row)
        if self._model.version == "11.4.2":
            if supply in _OLDER:
                own = {**_item(row), "Склад_Key": warehouse, _OLDER[supply]: quantity}
                yield Entry(FREE_STOCK, own, sign)
            return
        resource = "РезервироватьНаСкладе" if supply in _RESERVES else _NEED.get(supply)
        if resource is not None:
            place = _place(row, warehouse, "Catalog_Склады")
            ordered = {
                "Заказ": order["Ref_Key"],
                "Заказ_Type": f"{NAMESPACE}.{ORDER}",
                "ДатаСобытия": row["ДатаОтгрузки"] if row["ДатаОтгрузки"] != NO_DATE else order["ДатаОтгрузки"],
            }
            yield Entry(SUPPLY_AND_NEED, {**place, **ordered, resource: quantity}, sign)

    def _receipt(self, receipt: Record) -> Iterator[Entry]:
        """A receipt holds its goods until the shift's report takes them off the warehouse."""
        if receipt["Статус"] != _PUNCHED:
            return
        for row in receipt["Товары"]:
            own = {**_item(row), "Склад_Key": receipt["Склад_Key"], "ВРезервеСоСклада": row["Количество"]}
            yield Entry(FREE_STOCK, own, COMES)
            place = _place(row, receipt["Склад_Key"], "Catalog_Склады")
            held = {"Заказ": receipt["Ref_Key"], "Заказ_Type": f"{NAMESPACE}.{RECEIPT}"}
            yield Entry(SUPPLY_AND_NEED, {**place, **held, "РезервироватьНаСкладе": row["Количество"]}, COMES)

    # -- prices and points -------------------------------------------------------------------------------------

    def _prices(self, document: Record) -> Iterator[Entry]:
        for row in document["Товары"]:
            price_type = self._objects[PRICE_TYPES].get(row["ВидЦены_Key"], {})
            common = {
                "Номенклатура_Key": row["Номенклатура_Key"],
                "ВидЦены_Key": row["ВидЦены_Key"],
                "Цена": row["Цена"],
                "Упаковка_Key": row["Упаковка_Key"],
                "Валюта_Key": price_type.get("ВалютаЦены_Key", NO_REF),
            }
            if self._pricing_25:
                priced = self._objects[CHARACTERISTICS].get(row["Характеристика_Key"], {})
                key = priced.get("ХарактеристикаНоменклатурыДляЦенообразования_Key", NO_REF)
                yield Entry(PRICES_25, {**common, "ХарактеристикаЦО_Key": key})
            else:
                yield Entry(PRICES, {**common, "Характеристика_Key": row["Характеристика_Key"]})

    def _bonuses(self, document: Record) -> Iterator[Entry]:
        """Points are accrued at once or from a later day, and are to be written off when they expire."""
        program = document["БонуснаяПрограммаЛояльности_Key"]
        starts = self._starts(document)
        for row in document["Начисление"]:
            own = _account(program, row["Партнер_Key"])
            dated = {"ДатаНачалаДействия": starts} if self._model.version == "11.5.20" else {}
            yield Entry(POINTS, {**own, **dated, "Начислено": row["Баллы"]}, COMES, starts)
            expires = document["ДатаОкончанияСрокаДействия"]
            if expires != NO_DATE:
                yield Entry(POINTS, {**own, "КСписанию": row["Баллы"]}, COMES, expires)
        for row in document["Списание"]:
            own = _account(program, row["Партнер_Key"])
            yield Entry(POINTS, {**own, "Начислено": row["Баллы"]}, LEAVES)

    def _points_held(self, order: Record, row: Record, sign: int) -> Iterator[Entry]:
        """Keep the points that an order is to be paid with from being spent twice."""
        points, program = row["СуммаБонусныхБалловКСписанию"], self._program(order["КартаЛояльности_Key"])
        if points and program:
            resource = "Зарезервировано" if self._model.version == "11.5.20" else "КСписанию"
            yield Entry(POINTS, {**_account(program, order["Партнер_Key"]), resource: points}, sign)

    def _points_of(self, shipment: Record) -> Iterator[Entry]:
        """Accrue the points that a shipment gives, from the day it names."""
        for row in shipment["НачислениеБонусныхБаллов"]:
            own = _account(row["БонуснаяПрограммаЛояльности_Key"], shipment["Партнер_Key"])
            begins = row["ДатаНачисления"] if row["ДатаНачисления"] != NO_DATE else ""
            yield Entry(POINTS, {**own, "Начислено": row["СуммаБонусныхБаллов"]}, COMES, begins)
            if row["ДатаСписания"] != NO_DATE:
                yield Entry(POINTS, {**own, "КСписанию": row["СуммаБонусныхБаллов"]}, COMES, row["ДатаСписания"])

    def _program(self, card: str) -> str:
        kind = self._objects[CARDS].get(card, {}).get("Owner_Key", "")
        program: str = self._objects[CARD_KINDS].get(kind, {}).get("БонуснаяПрограммаЛояльности_Key", "")
        return program

    def _starts(self, document: Record) -> str:
        days = {"День": 1, "Неделя": 7, "Месяц": 30}.get(document["ПериодОтсрочкиНачалаДействия"], 0)
        delay = timedelta(days=days * document["КоличествоПериодовОтсрочкиНачалаДействия"])
        return (datetime.fromisoformat(document["Date"]) + delay).isoformat()


def _account(program: str, partner: str) -> Record:
    return {"БонуснаяПрограммаЛояльности_Key": program, "Партнер_Key": partner}


def _item(row: Mapping[str, Any]) -> Record:
    return {"Номенклатура_Key": row["Номенклатура_Key"], "Характеристика_Key": row["Характеристика_Key"]}


def _place(row: Mapping[str, Any], place: str, catalog: str) -> Record:
    purpose = {"Назначение_Key": row["Назначение_Key"]} if "Назначение_Key" in row else {}
    return {**_item(row), **purpose, "Склад": place, "Склад_Type": f"{NAMESPACE}.{catalog}"}


def _on_hand(row: Mapping[str, Any], warehouse: str, sign: int) -> Iterator[Entry]:
    quantity = row["Количество"]
    place = _place(row, warehouse, "Catalog_Склады")
    purpose = {"Назначение_Key": place.get("Назначение_Key", NO_REF)}
    yield Entry(ON_HAND, {**_item(row), **purpose, "Склад_Key": warehouse, "ВНаличии": quantity}, sign)
    if purpose["Назначение_Key"] == NO_REF:
        yield Entry(FREE_STOCK, {**_item(row), "Склад_Key": warehouse, "ВНаличии": quantity}, sign)
    yield Entry(SUPPLY_AND_NEED, {**place, "ВНаличии": quantity}, sign)


def _warehouse(order: Record, row: Record) -> str:
    own: str = row["Склад_Key"]
    return own if own != NO_REF else order["Склад_Key"]
