"""Barcodes of what is sold by the unit.

They stand in a register of their own that has no versions, so it is read whole. The barcode of a package, such as
a box of twelve, is left out: sold by it, twelve would go for the price of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.lists import Readable
from connectors.onec.odata.needs import BARCODES, UNITS
from connectors.onec.odata.tables import either, of_set
from connectors.onec.odata.words import Words

BARCODE = "barcode"
"""The kind of parts: the characteristic and, right after it, the barcode, by the good."""

BARCODE_LIST = of_set(BARCODES, ("Штрихкод", "Партнер_Key", "Производитель_Key"))


class BarcodeRow(
    msgspec.Struct,
    rename={
        "code": "Штрихкод",
        "good": "Номенклатура_Key",
        "variant": "Характеристика_Key",
        "package": "Упаковка_Key",
        "partner": "Партнер_Key",
        "maker": "Производитель_Key",
    },
):
    """A row of the register: of what the barcode is, and what it is one of beside its own digits."""

    code: str
    good: str | None = NO_REF
    variant: str | None = NO_REF
    package: str | None = NO_REF
    partner: str | None = NO_REF
    maker: str | None = NO_REF


def barcodes(base: Readable, words: Words, where: str = "") -> Iterator[list[tuple[str, str]]]:
    """Yield pairs of a good and what ``codes_of`` understands, page by page; nothing if they are not published.

    ``words`` must know the units of measure, and the packages if it knows any.
    """
    if BARCODES not in base.metadata().sets:
        return
    for rows in base.rows(BARCODE_LIST, BarcodeRow, where=where):
        yield [
            (row.good or NO_REF, (row.variant or NO_REF) + row.code)
            for row in rows
            if row.package == NO_REF or _is_unit(words, row.package)
        ]


def barcodes_among(base: OData, words: Words, goods: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the same for some goods."""
    for where in either("Номенклатура_Key", goods):
        for rows in barcodes(base, words, where):
            yield from rows


def codes_of(variant: str, said: Iterable[str]) -> list[str]:
    """Return the barcodes of one characteristic of a good, or of the good itself, each once."""
    whose = variant or NO_REF
    return sorted({code for one in said if one.startswith(whose) and (code := one[len(whose) :].strip())})


def _is_unit(words: Words, package: str | None) -> bool:
    if not package or package == NO_REF:
        return True
    word = words.word(UNITS, package)
    return word is not None and not word.is_package
