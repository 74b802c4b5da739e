"""Barcodes and pictures of goods: told as one number in a read, and fetched for the goods that are new in it.

Most reads find nothing new, so what is only to be compared is counted and let go of. Once many goods turn out to be
new, as at the first read, the lists are gone through once more and kept, rather than asked for good by good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import TracebackType
from typing import Self

from connectors.onec.odata.barcodes import BARCODE, barcodes, barcodes_among
from connectors.onec.odata.client import OData
from connectors.onec.odata.lists import Readable
from connectors.onec.odata.parts import Parts, Tally
from connectors.onec.odata.pictures import PICTURE, pictures, pictures_among
from connectors.onec.odata.words import Words

_MANY = 300
Belonging = dict[tuple[str, str], list[str]]
"""Texts by owner and kind, as ``Parts`` gives them."""


class Belongings:
    """The barcodes and pictures of one base during one read. To be used as a context manager.

    ``lists`` hold them as they are at this read.
    """

    def __init__(self, base: OData, lists: Readable, words: Words) -> None:
        self._base, self._lists, self._words = base, lists, words
        self._tally: Tally | None = None
        self._asked = 0
        self._parts: Parts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._parts is not None:
            self._parts.__exit__(kind, error, at)

    def mark(self, owner: str) -> int:
        """Return a number that changes with what belongs to a good or a characteristic."""
        if self._tally is None:
            self._tally = Tally()
            for _, rows in self._told():
                self._tally.add(rows)
        return self._tally.of(owner)

    def of(self, goods: Collection[str], variants: Collection[str]) -> Belonging:
        """Return what belongs to goods and characteristics; barcodes belong to goods."""
        self._asked += len(goods)
        if self._asked <= _MANY:
            return among(self._base, self._words, goods, variants)
        if self._parts is None:
            self._parts = Parts()
            for kind, rows in self._told():
                self._parts.put(kind, rows)
            self._parts.index()
        return self._parts.of({*goods, *variants})

    def _told(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        for rows in barcodes(self._lists, self._words):
            yield BARCODE, rows
        for rows in pictures(self._lists):
            yield PICTURE, rows


def among(base: OData, words: Words, goods: Collection[str], variants: Collection[str]) -> Belonging:
    """Ask for what belongs to some goods and characteristics."""
    found: Belonging = {}
    for kind, rows in (
        (BARCODE, barcodes_among(base, words, goods)),
        (PICTURE, pictures_among(base, [*goods, *variants])),
    ):
        for owner, said in rows:
            found.setdefault((owner, kind), []).append(said)
    return found
