"""Where a version of UT tells free stock, and how it is reckoned there.

11.5.20 has ЗапасыИПотребности, 11.5.8 РаспределениеЗапасов, 11.4 СвободныеОстатки; physical stock less what is to be
shipped (ТоварыНаСкладах) is in all of them and knows of fewer reserves, so it comes last. Goods with a Назначение
are kept for an order, and goods in a department lie in no warehouse: neither is free.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

import msgspec

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.needs import (
    ALLOCATION,
    FREE_STOCK,
    ON_HAND,
    PUBLISH,
    STOCK_SOURCES,
    SUPPLY_AND_NEED,
    WAREHOUSES,
    russian,
)
from connectors.onec.odata.tables import Table, balance, of_set
from obmen.errors import ConfigurationError

_NOT_KEPT = f"Назначение_Key eq guid'{NO_REF}'"
_THOUSANDTHS = 1000
_DIMENSIONS = ("Номенклатура", "Характеристика", "Склад")
_ORDER = ("Номенклатура_Key", "Характеристика_Key", "Склад_Key", "Склад")
_ALLOCATION_ORDER = (
    *_ORDER,
    "Состояние",
    "ЗаказНаОтгрузку",
    "ЖелаемаяДатаОтгрузки",
    "ЗаказНаПоступление",
    "ДатаПоступления",
    "ТипЗаписиРаспределенияЗапасов",
)
_ITEM = {
    "good": "Номенклатура_Key",
    "variant": "Характеристика_Key",
    "place": "Склад_Key",
    "any_place": "Склад",
    "any_place_type": "Склад_Type",
}


class Rest(NamedTuple):
    """What lies of a product at a place, in thousandths; ``free`` is not told but reckoned."""

    good: str
    variant: str
    place: str
    on_hand: int
    reserved: int
    coming: int


class RestRow(msgspec.Struct, rename=_ITEM):
    """A row of a register, of which each tells in its own way what is there."""

    good: str
    variant: str | None = NO_REF
    place: str | None = None
    any_place: str | None = None
    any_place_type: str | None = None

    @abstractmethod
    def told(self) -> tuple[Decimal | None, ...]:
        """Return what is on hand, then what is reserved of it, then what is reserved as goods come in."""

    def rest(self) -> Rest:
        """Return what the row says."""
        on_hand, reserved, coming = (int((number or 0) * _THOUSANDTHS) for number in self.told())
        place = self.place
        if place is None and self.any_place_type == f"StandardODATA.{WAREHOUSES}":
            place = self.any_place
        return Rest(self.good, self.variant or NO_REF, place or "", on_hand, reserved, coming)


class _Supply(
    RestRow,
    rename={
        "on_hand": "ВНаличииBalance",
        "reserved": "РезервироватьНаСкладеBalance",
        "coming": "РезервироватьПоМереПоступленияBalance",
    },
):
    on_hand: Decimal | None = None
    reserved: Decimal | None = None
    coming: Decimal | None = None

    def told(self) -> tuple[Decimal | None, ...]:
        return self.on_hand, self.reserved, self.coming


class _Free(
    RestRow,
    rename={"on_hand": "ВНаличииBalance", "stock": "ВРезервеСоСкладаBalance", "orders": "ВРезервеПодЗаказBalance"},
):
    on_hand: Decimal | None = None
    stock: Decimal | None = None
    orders: Decimal | None = None

    def told(self) -> tuple[Decimal | None, ...]:
        return self.on_hand, (self.stock or 0) + (self.orders or Decimal(0)), None


class _OnHand(RestRow, rename={"on_hand": "ВНаличииBalance", "to_ship": "КОтгрузкеBalance"}):
    on_hand: Decimal | None = None
    to_ship: Decimal | None = None

    def told(self) -> tuple[Decimal | None, ...]:
        return self.on_hand, self.to_ship, None


class _Allocated(
    RestRow,
    rename={
        "free": "Свободно",
        "state": "Состояние",
        "order": "ЗаказНаОтгрузку",
        "ship_at": "ЖелаемаяДатаОтгрузки",
        "supply": "ЗаказНаПоступление",
        "supply_type": "ЗаказНаПоступление_Type",
        "supply_at": "ДатаПоступления",
        "number": "ТипЗаписиРаспределенияЗапасов",
    },
):
    """A row of goods that are still to come names the order that they come by; they are not here yet."""

    free: Decimal | None = None
    state: str | None = None
    order: str | None = None
    ship_at: str | None = None
    supply: str | None = None
    supply_type: str | None = None
    supply_at: str | None = None
    number: int | str | None = None

    def told(self) -> tuple[Decimal | None, ...]:
        is_here = self.supply_type in {None, "", "StandardODATA.Undefined"}
        return (self.free if is_here else None), None, None


_ROWS: dict[str, type[RestRow]] = {
    SUPPLY_AND_NEED: _Supply,
    ALLOCATION: _Allocated,
    FREE_STOCK: _Free,
    ON_HAND: _OnHand,
}


def source_of(published: Collection[str], wanted: str | None) -> str:
    """Return the register that free stock is read from: the best that is published, or the wanted one.

    ``wanted`` is a name without its kind. Raises ConfigurationError if it is not published, or none is.
    """
    if wanted is None:
        return next((name for name in STOCK_SOURCES if name in published), ON_HAND)
    source = next(name for name in STOCK_SOURCES if name.endswith(f"_{wanted}"))
    if source not in published:
        message = f"stock_source: {russian(source)} is not published, or this version of UT has none. {PUBLISH}"
        raise ConfigurationError(message)
    return source


class Rests(NamedTuple):
    """A list of what lies where: its condition, and what its rows are.

    A place is told in several rows, and empty where it is no warehouse.
    """

    table: Table
    where: str
    kind: type[RestRow]


def rests(base: OData, source: str, condition: str = "") -> Rests:
    """Return what tells the rests of a register."""
    if source == ALLOCATION:
        where = f"{_NOT_KEPT} and (ВНаличии ne 0 or Свободно ne 0)"
        return Rests(of_set(source, _ALLOCATION_ORDER), _both(where, condition), _ROWS[source])
    kept = _NOT_KEPT if "Назначение_Key" in base.metadata().properties(f"{source}_Balance") else ""
    return Rests(_balance(source, _both(kept, condition)), "", _ROWS[source])


def free(on_hand: int, reserved: int, coming: int) -> int:
    """Return what is free: less what is reserved, and as much as is left of what comes in reserved for others.

    Where more is reserved than is there, how much too much: what lacks is told, not hidden.
    """
    left = on_hand - reserved
    return left if left < 0 else max(0, left - coming)


def _balance(source: str, condition: str) -> Table:
    return balance(source, _ORDER, _DIMENSIONS, condition)


def _both(first: str, second: str) -> str:
    return f"{first} and ({second})" if first and second else first or second
