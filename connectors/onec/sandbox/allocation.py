"""РаспределениеЗапасов: an information register that 1C fills by itself, here reckoned from stock and reserves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.onec.sandbox.kinds import NO_REF, UNDEFINED, empty
from connectors.onec.sandbox.objects.registers import ALLOCATION, SUPPLY_AND_NEED
from connectors.onec.sandbox.registers import Record, Registers

_PLACE = ("Номенклатура_Key", "Характеристика_Key", "Назначение_Key", "Склад", "Склад_Type")
_RESERVES = ("РезервироватьНаСкладе", "РезервироватьПоМереПоступления")


def free_of(on_hand: Any, reserved: Any, coming: Any) -> Any:
    """Return what is free: what nobody reserved, or how much the reserves exceed what is there."""
    return on_hand - reserved if on_hand < reserved else max(0, on_hand - reserved - coming)


def allocation(registers: Registers) -> list[Record]:
    """Return the register's rows: one for what lies at each place, one for each order that holds some of it."""
    places: dict[tuple[Any, ...], dict[tuple[str, str], dict[str, Any]]] = {}
    for movement in registers.movements(SUPPLY_AND_NEED):
        dimensions, resources = registers.split(SUPPLY_AND_NEED, movement)
        orders = places.setdefault(tuple(dimensions[name] for name in _PLACE), {})
        sums = orders.setdefault((dimensions["Заказ"], dimensions["Заказ_Type"]), dict.fromkeys(resources, 0))
        for name, amount in resources.items():
            sums[name] += movement.sign * amount
    blank = empty(registers.known[ALLOCATION].own)
    return [
        {**blank, **dict(zip(_PLACE, place, strict=True)), **row}
        for place, orders in places.items()
        for row in _rows(place, orders)
    ]


def _rows(place: tuple[Any, ...], orders: dict[tuple[str, str], dict[str, Any]]) -> Iterator[Record]:
    on_hand, reserved, coming = (sum(sums[name] for sums in orders.values()) for name in ("ВНаличии", *_RESERVES))
    free = free_of(on_hand, reserved, coming) if place[2] == NO_REF else 0
    if on_hand or reserved or coming:
        yield {
            "Состояние": "ОстатокНаСкладе",
            "ВНаличии": on_hand,
            "Запас": on_hand,
            "Резерв": reserved,
            "Свободно": free,
            "ЗаказНаОтгрузку_Type": UNDEFINED,
        }
    for (order, kind), sums in orders.items():
        held = sums["РезервироватьНаСкладе"]
        if order and held:
            yield {
                "Состояние": "РезервНаСкладе",
                "ЗаказНаОтгрузку": order,
                "ЗаказНаОтгрузку_Type": kind,
                "Резервировать": held,
                "Зарезервировано": held,
            }
