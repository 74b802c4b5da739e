"""Lines of documents as every reader of them gives them: one field for the product, the VAT as people say it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from connectors.onec.odata.client import NO_REF
from connectors.onec.odata.names import Names
from obmen.records import Native

ZERO = Decimal(0)


def product_id(row: Native) -> str:
    """Return a line's product as ``GUID``, or ``GUID#GUID`` with a characteristic, as in CommerceML's Ид."""
    variant = row.get("Характеристика_Key") or NO_REF
    product = str(row["Номенклатура_Key"])
    return product if variant == NO_REF else f"{product}#{variant}"


def number(value: Any) -> Decimal:
    """Return a number of 1C, zero for one that is not there."""
    return Decimal(str(value)) if value not in (None, "") else ZERO


def line(row: Native, names: Names) -> Native:
    """Return a line with ``Товар``, ``НДС`` and ``СуммаСкидки`` beside what 1C has."""
    discount = number(row.get("СуммаРучнойСкидки")) + number(row.get("СуммаАвтоматическойСкидки"))
    shaped = {**row, "Товар": product_id(row)}
    rate = row.get("СтавкаНДС_Key") or row.get("СтавкаНДС")
    if rate:
        shaped["СтавкаНДС"] = rate
    if (vat := names.vat(row)) is not None:
        shaped["НДС"] = vat
    if discount:
        shaped["СуммаСкидки"] = discount
    return shaped


def total(rows: Iterable[Native]) -> Decimal:
    """Return what lines come to, VAT included where they tell it."""
    return sum((number(row.get("СуммаСНДС", row.get("Сумма"))) for row in rows), ZERO)


def bonuses(rows: Iterable[Native]) -> Decimal:
    """Return how much of the lines is paid in bonuses, in the document's currency."""
    return sum((number(row.get("СуммаБонусныхБалловКСписаниюВВалюте")) for row in rows), ZERO)
