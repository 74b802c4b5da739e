"""Barcodes and pictures of goods: told as one number in a read, and as they are for the goods that are new in it.

Those of a good stand in its share of the lists. The pictures of characteristics are in no share: few of them are
asked for, and once many goods turn out to be new, as at the first read, their list is gone through and kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

import xxhash

from connectors.onec.odata.barcodes import BARCODE, barcodes, barcodes_among
from connectors.onec.odata.client import OData
from connectors.onec.odata.lists import Lists, Readable
from connectors.onec.odata.needs import CHARACTERISTIC_PICTURES, PICTURES
from connectors.onec.odata.parts import Parts, Tally
from connectors.onec.odata.pictures import PICTURE, PICTURE_LISTS, pictures, pictures_among
from connectors.onec.odata.words import Words

_MANY = 300
_OF_VARIANTS = PICTURE_LISTS[CHARACTERISTIC_PICTURES]
Belonging = dict[tuple[str, str], list[str]]
"""Texts by owner and kind, as ``Parts`` gives them."""


class Belongings:
    """The barcodes and pictures of one base during one read. To be used as a context manager.

    ``lists`` hold them as they are at this read.
    """

    def __init__(self, base: OData, lists: Lists, words: Words) -> None:
        self._base, self._lists, self._words = base, lists, words
        self._tally: Tally | None = None
        self._asked = 0
        self._parts: Parts | None = None
        self._last: tuple[Readable | None, list[tuple[str, str, str]]] = (None, [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._parts is not None:
            self._parts.__exit__(kind, error, at)

    def marks(self, share: Readable, owners: Iterable[str]) -> Mapping[str, int]:
        """Return for goods and characteristics of a share what changes with all that is theirs, if anything is."""
        sums: dict[str, int] = {}
        for _, owner, said in self._in(share):
            sums[owner] = sums.get(owner, 0) + xxhash.xxh3_64_intdigest(said.encode())
        if not self._lists.count(_OF_VARIANTS):
            return sums
        if self._tally is None:
            self._tally = Tally()
            for rows in self._of_variants():
                self._tally.add(rows)
        for owner in owners:
            sums[owner] = sums.get(owner, 0) + self._tally.of(owner)
        return sums

    def of(self, share: Readable, goods: Collection[str], variants: Collection[str]) -> Belonging:
        """Return what belongs to a share's goods and to characteristics; barcodes belong to goods."""
        found: Belonging = {}
        for kind, owner, said in self._in(share):
            if owner in goods:
                found.setdefault((owner, kind), []).append(said)
        if variants and self._lists.count(_OF_VARIANTS):
            found.update(self._pictures(variants))
        return found

    def _in(self, share: Readable) -> list[tuple[str, str, str]]:
        """Return kind, owner and text of all that belongs to a share's goods; the last share's is asked for twice."""
        if self._last[0] is not share:
            told = [(BARCODE, *one) for rows in barcodes(share, self._words) for one in rows]
            told += [(PICTURE, *one) for rows in pictures(share, catalogs=[PICTURES]) for one in rows]
            self._last = share, told
        return self._last[1]

    def _pictures(self, variants: Collection[str]) -> Belonging:
        self._asked += len(variants)
        if self._asked <= _MANY:
            return _by_owner(PICTURE, pictures_among(self._base, variants, [CHARACTERISTIC_PICTURES]))
        if self._parts is None:
            self._parts = Parts()
            for rows in self._of_variants():
                self._parts.put(PICTURE, rows)
            self._parts.index()
        return self._parts.of(variants)

    def _of_variants(self) -> Iterator[list[tuple[str, str]]]:
        return pictures(self._lists, catalogs=[CHARACTERISTIC_PICTURES])


def among(base: OData, words: Words, goods: Collection[str], variants: Collection[str]) -> Belonging:
    """Ask for what belongs to some goods and characteristics."""
    files = pictures_among(base, [*goods, *variants])
    return _by_owner(BARCODE, barcodes_among(base, words, goods)) | _by_owner(PICTURE, files)


def _by_owner(kind: str, rows: Iterable[tuple[str, str]]) -> Belonging:
    found: Belonging = {}
    for owner, said in rows:
        found.setdefault((owner, kind), []).append(said)
    return found
