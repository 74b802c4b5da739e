"""What belongs to goods and changes without them: characteristics, barcodes, pictures, prices.

1C tells each of these as one long list in an order of its own. To say what belongs to one good, the lists are put
on disk by owner, so that a base of a million goods is read in the memory of a small one.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Self, TypeVar

import msgspec
import xxhash

from connectors.onec.scratch import scratch

_BUCKETS = 1 << 20
_MASK = _BUCKETS - 1
_LARGEST = (1 << 64) - 1
Given = TypeVar("Given")


class Parts:
    """Texts by owner and kind. To be used as a context manager; ``index`` comes between putting and asking."""

    def __init__(self) -> None:
        self._database = scratch()
        self._database.execute("CREATE TABLE part (owner TEXT, kind TEXT, said TEXT)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def put(self, kind: str, rows: Iterable[tuple[str, str]]) -> None:
        """Keep (owner, text) pairs."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO part VALUES (?, ?, ?)", ((owner, kind, said) for owner, said in rows))
        self._database.execute("COMMIT")

    def index(self) -> None:
        """Be ready to be asked."""
        self._database.execute("CREATE INDEX part_owner ON part (owner, kind, said)")

    def of(self, owners: Iterable[str], *kinds: str) -> dict[tuple[str, str], list[str]]:
        """Return the texts of these owners by owner and kind, in an order that is the same at every read.

        ``kinds``: these alone.
        """
        query = (
            "SELECT owner, kind, said FROM part WHERE owner IN (SELECT value FROM json_each(?))"
            " AND (? = '[]' OR kind IN (SELECT value FROM json_each(?))) ORDER BY 1, 2, 3"
        )
        asked, only = (msgspec.json.encode(sorted(names)).decode() for names in (set(owners), kinds))
        found: dict[tuple[str, str], list[str]] = {}
        for owner, kind, said in self._database.execute(query, (asked, only, only)):
            found.setdefault((owner, kind), []).append(said)
        return found

    def each(self, kind: str, size: int) -> Iterator[dict[str, list[str]]]:
        """Yield all of a kind by owner, so many owners at a time, in the order of the owners."""
        query = "SELECT owner, said FROM part WHERE kind = ? ORDER BY owner, said"
        group: dict[str, list[str]] = {}
        for owner, rows in groupby(self._database.execute(query, (kind,)), key=itemgetter(0)):
            group[owner] = [said for _, said in rows]
            if len(group) == size:
                yield group
                group = {}
        if group:
            yield group


class Tally:
    """What belongs to each owner, as one number that changes whenever any of it does.

    Of a fixed size, whatever the base's: two owners may share a number, and then what changes for one makes the
    other be looked at too, which does no harm.
    """

    def __init__(self) -> None:
        self._sums = array("Q", bytes(8 * _BUCKETS))

    def add(self, rows: Iterable[tuple[str, str]]) -> None:
        """Count (owner, text) pairs in, in any order."""
        sums, digest = self._sums, xxhash.xxh3_64_intdigest
        for owner, said in rows:
            at = digest(owner.encode()) & _MASK
            sums[at] = (sums[at] + digest((owner + said).encode())) & _LARGEST

    def of(self, owner: str) -> int:
        """Return the owner's number; zero if nothing belongs to it."""
        return self._sums[xxhash.xxh3_64_intdigest(owner.encode()) & _MASK]


def encoded(*fields: object) -> str:
    """Return fields as one text that sorts and reads back the same: a JSON array."""
    return msgspec.json.encode(fields).decode()


def decoded(said: str) -> list[str]:
    """Return the fields of a text that ``encoded`` made of texts."""
    fields: list[str] = msgspec.json.decode(said)
    return fields


def batches(slices: Iterable[Given], size: int) -> Iterator[Sequence[Given]]:
    """Yield slices, or rows that they are made of, in pages of one size, so that a change in one leaves the others."""
    each = iter(slices)
    while page := list(islice(each, size)):
        yield page
