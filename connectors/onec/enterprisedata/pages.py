"""Makes pages of what stands in the mirror: the kept bytes of each record with those of what belongs to it.

Pages begin where they began before, so that a change in one of them leaves the others as they were; and as long as
nothing arrived that they are made of, they are not made.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import xxhash

from connectors.onec.enterprisedata.message import DELETION
from connectors.onec.enterprisedata.mirror import arrivals, node_of
from obmen.records import Late, Native, Page

PAGE = 500
"""Objects of one page."""
SEPARATOR = b"\0"
"""Stands between the parts of a slice; no XML holds it."""
WITHIN = b"\x01"
"""Stands between the values of a part that holds several."""
Decode = Callable[[bytes], Iterable[Native]]
_RANGE = "SELECT max(number) FROM (SELECT number FROM object WHERE type = ? AND number > ? ORDER BY number LIMIT ?)"


@dataclass(frozen=True, slots=True)
class Part:
    """What one page is made of: ``about`` names it, ``make`` yields its slices."""

    about: tuple[Any, ...]
    make: Callable[[], Iterable[bytes]]


def pages(
    database: sqlite3.Connection, parts: Iterable[Part], decode: Decode, *, of: Iterable[str], salt: bytes, where: str
) -> Iterator[Page]:
    """Yield a page for each part. ``of``: the kinds of objects that slices are made of."""
    partial, state = not node_of(database).whole, arrivals(database, DELETION, *of)
    for part in parts:
        mark = xxhash.xxh3_128_digest(state + msgspec.json.encode(part.about))
        yield Page(Late(part.make), decode=decode, salt=salt, partial=partial, where=where, mark=mark)


def ranges(database: sqlite3.Connection, kind: str) -> Iterator[tuple[int, int]]:
    """Yield the numbers after which, and up to which, each next ``PAGE`` objects of a kind stand."""
    after = 0
    while last := database.execute(_RANGE, (kind, after, PAGE)).fetchone()[0]:
        yield after, last
        after = last


def joined(values: Iterable[str]) -> bytes:
    """Return values as one part of a slice."""
    return WITHIN.join(value.encode() for value in values)


def split(part: bytes) -> list[str]:
    """Undo ``joined``."""
    return [value.decode() for value in part.split(WITHIN)] if part else []
