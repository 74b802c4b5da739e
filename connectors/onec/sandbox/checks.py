"""What 1C refuses to post, and its reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox.kinds import NO_REF
from connectors.onec.sandbox.model import STATUSES, Model
from connectors.onec.sandbox.objects.goods import GOODS, VAT_RATES
from connectors.onec.sandbox.objects.orders import ORDER, SHIPMENT
from connectors.onec.sandbox.objects.people import BONUSES, PARTNERS, PROGRAMS
from connectors.onec.sandbox.objects.registers import ON_HAND, POINTS
from connectors.onec.sandbox.objects.retail import SHORTAGE
from connectors.onec.sandbox.registers import Record, Registers
from connectors.onec.sandbox.values import Refusal

_MUST_EXIST = {
    "Организация_Key": "Catalog_Организации",
    "Партнер_Key": PARTNERS,
    "Контрагент_Key": "Catalog_Контрагенты",
    "Соглашение_Key": "Catalog_СоглашенияСКлиентами",
    "Валюта_Key": "Catalog_Валюты",
    "Склад_Key": "Catalog_Склады",
}
_MUST_BE_SAID = ("НалогообложениеНДС", "ХозяйственнаяОперация", "СпособДоставки")


class Refuser:
    """Looks at a document before it is posted."""

    def __init__(
        self,
        objects: Mapping[str, Mapping[str, Record]],
        registers: Registers,
        model: Model,
        *,
        strict_products: bool,
    ) -> None:
        self._objects = objects
        self._registers = registers
        self._model = model
        self._strict_products = strict_products
        self._checks: dict[str, Callable[[Record], Iterator[str]]] = {
            ORDER: self._order,
            SHIPMENT: self._stock,
            SHORTAGE: self._stock,
            BONUSES: self._bonuses,
        }

    def check(self, name: str, document: Record) -> None:
        """Raise Refusal with 1C's reasons where the document cannot be posted."""
        if document["DeletionMark"]:
            raise Refusal("Помеченный на удаление документ не может быть проведен")
        if name in self._checks and (wrong := list(self._checks[name](document))):
            raise Refusal("Документ не проведен: " + "; ".join(wrong))

    def _order(self, order: Record) -> Iterator[str]:
        for name, catalog in _MUST_EXIST.items():
            if order[name] not in self._objects[catalog]:
                yield f"поле {name.removesuffix('_Key')} не заполнено или указывает на удаленный объект"
        yield from (f"поле {name} не заполнено" for name in _MUST_BE_SAID if not order[name])
        if order["Статус"] not in STATUSES:
            yield f"нет статуса «{order['Статус']}»"
        if not order["СкидкиРассчитаны"]:
            yield "скидки не рассчитаны"
        if order["ЭтоЗаказКакСчет"] and order["Статус"] != STATUSES[0]:
            yield "заказ как счет может быть только несогласованным"
        if not order["Товары"]:
            yield "нет строк"
        for at, row in enumerate(order["Товары"], 1):
            yield from (f"строка {at}: {wrong}" for wrong in self._line(row))
        yield from self._shipped(order)

    def _shipped(self, order: Record) -> Iterator[str]:
        """An order may not come to less than posted shipments took from it."""
        left: Counter[tuple[str, str]] = Counter()
        for shipment in self._objects[SHIPMENT].values():
            for row in shipment["Товары"] if shipment["Posted"] else ():
                if order["Ref_Key"] == (row["ЗаказКлиента"] or shipment["ЗаказКлиента"]):
                    left[_item(row)] += row["Количество"]
        for row in order["Товары"]:
            left[_item(row)] -= 0 if row["Отменено"] else row["Количество"]
        for (product, _), quantity in left.items():
            if quantity > 0:
                yield f"по товару {product} оформлено на {quantity} больше, чем заказано"

    def _line(self, row: Record) -> Iterator[str]:
        product = row["Номенклатура_Key"]
        if product == NO_REF or (self._strict_products and product not in self._objects[GOODS]):
            yield "номенклатура не заполнена или удалена"
        if not self._has_vat(row):
            yield "ставка НДС не заполнена"
        if row["ВариантОбеспечения"] not in self._model.supply:
            yield f"нет варианта обеспечения «{row['ВариантОбеспечения']}»"
        if _number(row["Количество"]) <= 0 or _number(row["КоличествоУпаковок"]) <= 0:
            yield "количество не заполнено"

    def _has_vat(self, row: Record) -> bool:
        if self._model.vat_names:
            return row["СтавкаНДС"] in self._model.vat_names
        return row["СтавкаНДС_Key"] in self._objects[VAT_RATES]

    def _stock(self, document: Record) -> Iterator[str]:
        if document["Склад_Key"] == NO_REF:
            return
        wanted: Counter[tuple[str, str]] = Counter()
        for row in document["Товары"]:
            wanted[row["Номенклатура_Key"], row["Характеристика_Key"]] += row["Количество"]
        for (product, characteristic), quantity in wanted.items():
            there = self._registers.total(
                ON_HAND,
                "ВНаличии",
                but=document["Ref_Key"],
                Номенклатура_Key=product,
                Характеристика_Key=characteristic,
                Склад_Key=document["Склад_Key"],
            )
            if there < quantity:
                yield f"недостаточно товара {product}: есть {there}, нужно {quantity}"

    def _bonuses(self, document: Record) -> Iterator[str]:
        if document["БонуснаяПрограммаЛояльности_Key"] not in self._objects[PROGRAMS]:
            yield "поле БонуснаяПрограммаЛояльности не заполнено или указывает на удаленный объект"
            return
        rows = [*document["Начисление"], *document["Списание"]]
        if not rows:
            yield "нет строк"
        for row in rows:
            if row["Партнер_Key"] not in self._objects[PARTNERS]:
                yield "поле Партнер не заполнено или указывает на удаленный объект"
            if _number(row["Баллы"]) <= 0:
                yield "баллы не заполнены"
        for row in document["Списание"]:
            there = self._points(document, row["Партнер_Key"])
            if there < row["Баллы"]:
                yield f"недостаточно баллов: есть {there}, нужно {row['Баллы']}"

    def _points(self, document: Record, partner: str) -> Any:
        accrued, owed = (
            self._registers.total(
                POINTS,
                resource,
                until=document["Date"],
                but=document["Ref_Key"],
                БонуснаяПрограммаЛояльности_Key=document["БонуснаяПрограммаЛояльности_Key"],
                Партнер_Key=partner,
            )
            for resource in ("Начислено", "КСписанию")
        )
        return accrued - owed


def _item(row: Record) -> tuple[str, str]:
    return row["Номенклатура_Key"], row["Характеристика_Key"]


def _number(value: Any) -> Decimal:
    return Decimal(str(value))
