"""The rows of the registers of prices: which register a base uses, and how each of the two tells a price.

11.5 has two. ЦеныНоменклатуры25 knows characteristics "for pricing", other objects than the characteristics
themselves; a base that still prices in the old way has it empty.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.needs import PRICES, PRICES_25
from connectors.onec.odata.tables import Table, slice_last

_MOST_KINDS = 5
_DIMENSIONS = (
    "Номенклатура_Key",
    "Характеристика_Key",
    "ХарактеристикаЦО_Key",
    "СерияЦО_Key",
    "УпаковкаЦО_Key",
    "ВидЦены_Key",
)


class Price(NamedTuple):
    """What a row says beside its good; ``variant`` is one for pricing in the newer register, ``unit`` may be empty."""

    variant: str
    kind: str
    amount: str
    unit: str
    currency: str


class PriceRow(
    msgspec.Struct,
    rename={
        "good": "Номенклатура_Key",
        "kind": "ВидЦены_Key",
        "amount": "Цена",
        "unit": "Упаковка_Key",
        "currency": "Валюта_Key",
        "older": "Характеристика_Key",
        "newer": "ХарактеристикаЦО_Key",
        "series": "СерияЦО_Key",
        "package": "УпаковкаЦО_Key",
    },
):
    """A row of either register, as far as the base has its properties."""

    good: str
    kind: str
    amount: Decimal | None = None
    unit: str | None = NO_REF
    currency: str | None = NO_REF
    older: str | None = NO_REF
    newer: str | None = NO_REF
    series: str | None = NO_REF
    package: str | None = NO_REF

    def price(self) -> Price:
        """Return what the row says."""
        variant = _first(self.newer, self.older) or NO_REF
        return Price(variant, self.kind, str(self.amount), _first(self.unit, self.package), self.currency or NO_REF)


class UnitRow(msgspec.Struct, rename={"unit": "Упаковка_Key", "package": "УпаковкаЦО_Key"}):
    """What the price of a row is for, and no more of it."""

    unit: str | None = NO_REF
    package: str | None = NO_REF


def units_in(rows: Iterable[UnitRow]) -> set[str]:
    """Return what rows are for, where it is not a good's own unit."""
    return {_first(*told) for told in {(row.unit, row.package) for row in rows}} - {""}


def register_of(base: OData) -> str:
    """Return the register that the base prices by: the newer one if it is published and has any record."""
    published = base.metadata().sets
    if PRICES_25 not in published:
        return PRICES
    if PRICES not in published:
        return PRICES_25
    records = f"{PRICES_25}_RecordType"
    return PRICES_25 if base.has_rows(Table(records, records, ()), "Номенклатура_Key") else PRICES


def of_kinds(kinds: Collection[str]) -> str:
    """Return a condition by which 1C itself leaves out other price types; none if there are too many of these."""
    return " or ".join(f"ВидЦены_Key eq guid'{kind}'" for kind in sorted(kinds)) if len(kinds) <= _MOST_KINDS else ""


def price_list(register: str, at: str, condition: str = "") -> Table:
    """Return the latest prices of a register at a moment (a literal)."""
    return slice_last(register, _DIMENSIONS, at, condition)


def prices_in(rows: Iterable[PriceRow], kinds: Collection[str]) -> Iterator[tuple[str, Price]]:
    """Yield pairs of a good and a price of it, for these price types.

    A price of zero is how 1C says that there is none; a price for one series of goods is not the good's.
    """
    for row in rows:
        if row.amount and row.kind in kinds and not _first(row.series):
            yield row.good, row.price()


def _first(*refs: str | None) -> str:
    """Return the first reference to anything; empty for none."""
    for ref in refs:
        if ref and ref != NO_REF:
            return ref
    return ""
