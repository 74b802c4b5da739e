"""The rows of the registers of prices: which register a base uses, and how each of the two tells a price.

11.5 has two. ЦеныНоменклатуры25 knows characteristics "for pricing", other objects than the characteristics
themselves; a base that still prices in the old way has it empty.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.needs import PRICES, PRICES_25
from connectors.onec.odata.parts import decoded, encoded
from connectors.onec.odata.tables import Table, slice_last

PRICE = "price"
"""The kind of parts: a price (see ``Price``) by the good."""

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


class _Row(
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
    good: str
    kind: str
    amount: Decimal | None = None
    unit: str | None = NO_REF
    currency: str | None = NO_REF
    older: str | None = NO_REF
    newer: str | None = NO_REF
    series: str | None = NO_REF
    package: str | None = NO_REF

    def said(self) -> str:
        variant = next((ref for ref in (self.newer, self.older) if _is_ref(ref)), NO_REF)
        unit = next((ref for ref in (self.unit, self.package) if _is_ref(ref)), "")
        return encoded(variant, self.kind, str(self.amount), unit, self.currency or NO_REF)


def read_price(said: str) -> Price:
    """Return a price as it was kept."""
    return Price(*decoded(said))


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


def price_rows(
    base: OData, register: str, at: str, kinds: Collection[str], condition: str = ""
) -> Iterator[list[tuple[str, str]]]:
    """Yield pairs of a good and a price of it, page by page, for these price types.

    ``at`` is a literal. A price of zero is how 1C says that there is none; a price for one series of goods is not
    the good's.
    """
    for rows in base.rows(slice_last(register, _DIMENSIONS, at, condition), _Row):
        yield [(row.good, row.said()) for row in rows if row.amount and row.kind in kinds and not _is_ref(row.series)]


def _is_ref(ref: str | None) -> bool:
    return bool(ref) and ref != NO_REF
