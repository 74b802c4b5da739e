"""What the base holds now, reckoned apart from its virtual tables so that a test can compare: prices, stock, points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.onec.sandbox.allocation import free_of
from connectors.onec.sandbox.base import Base
from connectors.onec.sandbox.kinds import NO_REF
from connectors.onec.sandbox.objects.goods import CHARACTERISTICS, PRICE_TYPES, WAREHOUSES
from connectors.onec.sandbox.objects.registers import FREE_STOCK, ON_HAND, POINTS, PRICES, PRICES_25, SUPPLY_AND_NEED
from connectors.onec.sandbox.registers import Record


def item_id(product: str, characteristic: str) -> str:
    """Return ``GUID`` or ``GUID#GUID``, as everything outside names a product."""
    return product if characteristic == NO_REF else f"{product}#{characteristic}"


def split_id(item: str) -> tuple[str, str]:
    """Return the references of a product and its characteristic, the latter empty where there is none."""
    product, _, characteristic = item.partition("#")
    return product, characteristic or NO_REF


def prices(base: Base) -> dict[str, dict[str, Any]]:
    """Return the prices that hold now, by product and the price type's name.

    A price of a characteristic for pricing is told of each characteristic that has it.
    """
    now = base.local_time()
    latest: dict[tuple[str, str, str], tuple[str, Any]] = {}
    for register, part in ((PRICES, "Характеристика_Key"), (PRICES_25, "ХарактеристикаЦО_Key")):
        for period, dimensions, resources in _recorded(base, register):
            key = (dimensions["Номенклатура_Key"], dimensions[part], dimensions["ВидЦены_Key"])
            if period <= now and period >= latest.get(key, ("", None))[0]:
                latest[key] = (period, resources["Цена"])
    told: dict[str, dict[str, Any]] = {}
    priced = _priced(base)
    for (product, characteristic, price_type), (_, amount) in latest.items():
        name = base.objects[PRICE_TYPES][price_type]["Description"]
        for own in priced.get(characteristic, [characteristic]):
            told.setdefault(item_id(product, own), {})[name] = amount
    return told


def stock(base: Base) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what lies at each warehouse, ``on_hand`` and ``free`` of reserves, by product and warehouse's name."""
    names = {ref: record["Description"] for ref, record in base.objects[WAREHOUSES].items()}
    sums: dict[tuple[str, str, str], dict[str, Any]] = {}
    for _, dimensions, resources in _recorded(base, ON_HAND):
        place = (dimensions["Номенклатура_Key"], dimensions["Характеристика_Key"], dimensions["Склад_Key"])
        _add(sums, place, "on_hand", resources["ВНаличии"])
        if dimensions["Назначение_Key"] == NO_REF:
            _add(sums, place, "unassigned", resources["ВНаличии"])
    for place, reserved, coming in _reserves(base):
        _add(sums, place, "reserved", reserved)
        _add(sums, place, "coming", coming)
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for (product, characteristic, warehouse), own in sums.items():
        if warehouse in names and any(own.values()):
            free = free_of(own.get("unassigned", 0), own.get("reserved", 0), own.get("coming", 0))
            places = told.setdefault(item_id(product, characteristic), {})
            places[names[warehouse]] = {"on_hand": own.get("on_hand", 0), "free": free}
    return told


def bonuses(base: Base) -> dict[str, dict[str, Any]]:
    """Return bonus points by partner: ``balance`` that can be spent now, ``pending`` that begin later."""
    now = base.local_time()
    told: dict[str, dict[str, Any]] = {}
    for period, dimensions, resources in _recorded(base, POINTS):
        own = told.setdefault(dimensions["Партнер_Key"], {"balance": 0, "pending": 0})
        if period <= now:
            own["balance"] += resources["Начислено"] - resources["КСписанию"] - resources.get("Зарезервировано", 0)
        else:
            own["pending"] += resources["Начислено"]
    return told


def _recorded(base: Base, register: str) -> Iterator[tuple[str, Record, Record]]:
    """Yield the time, the dimensions and the signed resources of a register's movements; none if it is not there."""
    if register not in base.registers.known:
        return
    for movement in base.registers.movements(register):
        dimensions, resources = base.registers.split(register, movement)
        sign = movement.sign
        yield (
            movement.period,
            dimensions,
            {name: sign * value for name, value in resources.items()} if sign else resources,
        )


def _reserves(base: Base) -> Iterator[tuple[tuple[str, str, str], Any, Any]]:
    for _, dimensions, resources in _recorded(base, FREE_STOCK):
        place = (dimensions["Номенклатура_Key"], dimensions["Характеристика_Key"], dimensions["Склад_Key"])
        yield place, resources["ВРезервеСоСклада"] + resources["ВРезервеПодЗаказ"], 0
    for _, dimensions, resources in _recorded(base, SUPPLY_AND_NEED):
        place = (dimensions["Номенклатура_Key"], dimensions["Характеристика_Key"], dimensions["Склад"])
        yield place, resources["РезервироватьНаСкладе"], resources["РезервироватьПоМереПоступления"]


def _priced(base: Base) -> dict[str, list[str]]:
    """Return the characteristics that share each characteristic for pricing."""
    shared: dict[str, list[str]] = {}
    for ref, record in base.objects[CHARACTERISTICS].items():
        key = record.get("ХарактеристикаНоменклатурыДляЦенообразования_Key", NO_REF)
        if key != NO_REF:
            shared.setdefault(key, []).append(ref)
    return shared


def _add(sums: dict[tuple[str, str, str], dict[str, Any]], place: tuple[str, str, str], name: str, amount: Any) -> None:
    own = sums.setdefault(place, {})
    own[name] = own.get(name, 0) + amount
