"""Brings goods and their offers together in constant memory.

A good stands in one file, what is sold of it in another, and either may be a million records long. 1C mostly
writes both in the same order, so a window over the offers finds nearly all of them as their goods come by.
The others are remembered on disk by where they stand, and looked up when the goods are read once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, Self

import msgspec

from connectors.onec.commerceml.files import Source
from connectors.onec.commerceml.keys import product_part
from connectors.onec.commerceml.outline import OFFER
from connectors.onec.commerceml.places import Place
from connectors.onec.scratch import scratch

WINDOW = 4096
WINDOW_BYTES = 32 << 20
"""Offers that are held in memory at most, and the bytes of what they say."""
_TAG = f"<{OFFER}".encode()


class Given:
    """The ids that were given already, on disk. To be used as a context manager."""

    def __init__(self) -> None:
        self._database = scratch()
        self._database.execute("CREATE TABLE given (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def fresh(self, ids: Sequence[str | None]) -> list[int]:
        """Return which are given for the first time, and remember them. One without an id always is."""
        insert = "INSERT OR IGNORE INTO given VALUES (?)"
        self._database.execute("BEGIN")
        kept = [
            number for number, id_ in enumerate(ids) if id_ is None or self._database.execute(insert, (id_,)).rowcount
        ]
        self._database.execute("COMMIT")
        return kept


class Offer(NamedTuple):
    """An offer: what it says of the product (see ``product_part``), and where it stands.

    ``good`` is the Ид of the good that it sells. ``length`` is that of its slice, where the slice can be read again
    from its file; otherwise 0.
    """

    id: str | None
    good: str | None
    said: bytes
    place: Place
    length: int


def good_of(id_: str) -> str:
    """Return the good's part of an Ид, ``GUID`` or ``GUID#GUID``."""
    return id_.partition("#")[0]


class Window:
    """The next offers, by their good. What no good takes in time goes to ``left``."""

    def __init__(self, offers: Iterator[Offer], left: Left) -> None:
        self._offers = offers
        self._left = left
        self._held: dict[str, list[Offer]] = {}
        self._count = 0
        self._bytes = 0

    def fill(self) -> None:
        """Hold as many offers as there is room for, and make room if there is none."""
        if self._is_full():
            self._drop(max(1, self._count // 4))
        while not self._is_full() and (offer := next(self._offers, None)) is not None:
            good = offer.good
            if good is None:
                self._left.add([offer])
            else:
                self._held.setdefault(good, []).append(offer)
                self._count += 1
                self._bytes += len(offer.said)

    def take(self, id_: str) -> list[Offer]:
        """Return the offers of a good that are held, and hold them no longer."""
        good = good_of(id_)
        held = self._held.pop(good, [])
        taken = [offer for offer in held if offer.id == id_] if "#" in id_ else held
        if len(taken) < len(held):
            self._held[good] = [offer for offer in held if offer.id != id_]
        self._let_go(taken)
        return taken

    def drain(self) -> None:
        """Give all other offers to ``left``."""
        self._drop(self._count)
        self._left.add(self._offers)

    def _drop(self, count: int) -> None:
        oldest: list[Offer] = []
        for group in self._held.values():
            if len(oldest) >= count:
                break
            oldest += group
        for offer in oldest:
            self._held.pop(offer.good or "", None)
        self._let_go(oldest)
        self._left.add(oldest)

    def _let_go(self, offers: list[Offer]) -> None:
        self._count -= len(offers)
        self._bytes -= sum(len(offer.said) for offer in offers)

    def _is_full(self) -> bool:
        return self._count >= WINDOW or self._bytes >= WINDOW_BYTES


class Left:
    """The offers that were left over, on disk. To be used as a context manager."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._database = scratch()
        self._database.execute(
            "CREATE TABLE offer (number INTEGER PRIMARY KEY, id TEXT, good TEXT, source INT, at INT,"
            " is_line INT, length INT, said BLOB)"
        )
        self._taken = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, offers: Iterable[Offer]) -> None:
        """Remember offers: where they stand, or what they say if that cannot be read again."""
        rows = (
            (
                offer.id,
                offer.good,
                self._sources.index(offer.place.source),
                offer.place.at,
                offer.place.is_line,
                offer.length,
                None if offer.length else offer.said,
            )
            for offer in offers
        )
        insert = "INSERT INTO offer VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
        self._database.execute("BEGIN")
        self._database.executemany(insert, rows)
        self._database.execute("COMMIT")

    def index(self) -> int:
        """Be ready to be asked; return how many there are."""
        self._database.execute("CREATE INDEX offer_good ON offer (good)")
        count: int = self._database.execute("SELECT count(*) FROM offer").fetchone()[0]
        self._taken = bytearray(count + 1)
        return count

    def of(self, ids: Sequence[str | None]) -> list[list[Offer]]:
        """Return for each good, by its id, the offers that nobody took so far; they are taken by that."""
        query = "SELECT * FROM offer WHERE good IN (SELECT value FROM json_each(?)) ORDER BY number"
        goods = msgspec.json.encode([good_of(id_) for id_ in ids if id_]).decode()
        rows: dict[str, list[_Row]] = {}
        for row in map(_Row._make, self._database.execute(query, (goods,))):
            rows.setdefault(row.good or "", []).append(row)
        taken = [self._take(id_, rows.get(good_of(id_), [])) if id_ else [] for id_ in ids]
        said = self._said([row for group in taken for row in group])
        return [[self._offer(row, said[row.number]) for row in group] for group in taken]

    def orphans(self, size: int) -> Iterator[list[Offer]]:
        """Yield the offers that no good took, so many at a time."""
        cursor = self._database.execute("SELECT * FROM offer ORDER BY number")
        while page := list(map(_Row._make, cursor.fetchmany(size))):
            rows = [row for row in page if not self._taken[row.number]]
            said = self._said(rows)
            yield [self._offer(row, said[row.number]) for row in rows]

    def _take(self, id_: str, rows: list[_Row]) -> list[_Row]:
        exactly = "#" in id_
        own = [row for row in rows if not self._taken[row.number] and (row.id == id_ or not exactly)]
        for row in own:
            self._taken[row.number] = True
        return own

    def _said(self, rows: Sequence[_Row]) -> dict[int, bytes]:
        """Read offers again, each file once. Raises IncompleteSource if it is not the one that was read."""
        said = {row.number: row.said for row in rows if row.said is not None}
        again = sorted((row.source, row.at, row.length, row.number) for row in rows if row.said is None)
        for number, group in groupby(again, key=itemgetter(0)):
            source = self._sources[number]
            with source.opened() as file:
                for _, at, length, row in group:
                    file.seek(source.bom + at + len(_TAG))
                    said[row] = product_part(file.read(length)) or b""
        return said

    def _offer(self, row: _Row, said: bytes) -> Offer:
        return Offer(row.id, row.good, said, Place(self._sources[row.source], row.at, bool(row.is_line)), row.length)


class _Row(NamedTuple):
    number: int
    id: str | None
    good: str | None
    source: int
    at: int
    is_line: int
    length: int
    said: bytes | None
