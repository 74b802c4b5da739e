"""Prices for a package brought to the base unit: a box of twelve at 1,200 is 100 a piece.

A price taken without its unit would sell the box at the price of a piece, or the piece at the price of a box.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from connectors.onec.odata.good import MEASURES, measure
from connectors.onec.odata.needs import UNITS
from connectors.onec.odata.words import Word, Words
from obmen.records import Native

PIECES = "КоличествоШтук"
_KOPECK = Decimal("0.01")


def needs_good(unit: Word | None) -> bool:
    """Whether it takes the good to tell how many base units a unit holds: it is one of weight, length or the like."""
    return unit is not None and not unit.is_package and not (unit.measures == PIECES and unit.size == 1)


def coefficient(unit: Word | None, good: Native | None, words: Words) -> Decimal | None:
    """Return how many base units of a good a unit holds; None where the base does not tell."""
    if unit is None or not needs_good(unit):
        return unit.size if unit else None
    own = words.word(UNITS, good.get("ЕдиницаИзмерения_Key")) if good else None
    if own is not None and own.ref == unit.ref:
        return Decimal(1)
    one: Decimal | None = None
    if own is not None and own.measures == unit.measures:
        one = own.size
    elif good is not None and unit.measures in MEASURES:
        one = measure(good, unit.measures, words)
    return unit.size / one if one and unit.size else None


def per_unit(amount: Decimal, holds: Decimal) -> Decimal:
    """Return the price of one base unit, in kopecks, half up."""
    return (amount / holds).quantize(_KOPECK, ROUND_HALF_UP)
