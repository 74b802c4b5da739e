"""Makes pages of what stands in the mirror: the kept bytes of each record with those of what belongs to it.

Pages hold a fixed number of records, so that a change in one of them leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from obmen.records import Native, Page

PAGE = 1000
SEPARATOR = b"\0"
"""Stands between the parts of a slice; no XML holds it."""
WITHIN = b"\x01"
"""Stands between the values of a part that holds several."""
Decode = Callable[[bytes], Iterable[Native]]


def pages(slices: Iterable[bytes], decode: Decode, *, salt: bytes, partial: bool, where: str) -> Iterator[Page]:
    """Yield pages of ``PAGE`` slices each."""
    rest = iter(slices)
    while page := list(islice(rest, PAGE)):
        yield Page(page, decode=decode, salt=salt, partial=partial, where=where)


def joined(values: Iterable[str]) -> bytes:
    """Return values as one part of a slice."""
    return WITHIN.join(value.encode() for value in values)


def split(part: bytes) -> list[str]:
    """Undo ``joined``."""
    return [value.decode() for value in part.split(WITHIN)] if part else []
