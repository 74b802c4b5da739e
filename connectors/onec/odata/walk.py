"""Reads a list by pages while people work in the base: each row once, none left out.

1C pages by counting rows, so a row that is deleted or added before the place already reached moves all others.
What is missed in a whole list would be taken for gone. So each page begins with a row that is known already, and
where that is not so, the place is looked for before going on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from obmen.errors import Refused, Unavailable

Row = TypeVar("Row")
PAGE_BYTES = 1_000_000
FIRST_TOP = 100
LARGEST_TOP = 10_000
_KNOWN = 50
_FARTHEST = 20_000


Fetch = Callable[[int, int], tuple[list[Row], int]]
"""Given how many rows to skip and how many to take, returns them and the bytes of the answer."""


def walk(fetch: Fetch[Row], key: Callable[[Row], Hashable]) -> Iterator[list[Row]]:
    """Yield the rows in pages that follow the bytes of the answer before.

    Raises Unavailable where the list changed too much to find the place again.
    """
    top, at = FIRST_TOP, 0
    known: list[Row] = []
    while True:
        start, wanted = (max(at - 1, 0), top + 1) if known else (0, top)
        rows, size, wanted = _fetched(fetch, start, wanted)
        place = _after(rows, known, key)
        back = _KNOWN
        while place is None:
            if start == 0 or back > _FARTHEST:
                message = "The list changed so much while it was being read that the place in it is lost."
                raise Unavailable(message)
            start = max(at - back, 0)
            rows, size, wanted = _fetched(fetch, start, at - start + back + top)
            place = _after(rows, known, key)
            back *= 4
        fresh = rows[place:]
        if fresh:
            yield fresh
            known = rows[-_KNOWN:]
        if len(rows) < wanted:
            return
        at = start + len(rows)
        top = min(max(PAGE_BYTES * len(rows) // max(size, 1), 1), LARGEST_TOP)


def _fetched(fetch: Fetch[Row], start: int, wanted: int) -> tuple[list[Row], int, int]:
    """Fetch rows, fewer of them where they are too many bytes for one answer; return how many were wanted at last."""
    while True:
        try:
            rows, size = fetch(start, wanted)
        except Refused as refused:
            if refused.code != "too_large" or wanted <= 2:  # noqa: PLR2004 - one that is known and one that is not
                raise
            wanted = max(wanted // 4, 2)
        else:
            return rows, size, wanted


def _after(rows: Sequence[Row], known: Sequence[Row], key: Callable[[Row], Hashable]) -> int | None:
    """Return where the rows begin that were not given yet; None if none of the known ones is among them."""
    if not known:
        return 0
    if rows and key(rows[0]) == key(known[-1]):
        return 1
    last = {key(row) for row in known}
    return next((at + 1 for at in range(len(rows) - 1, -1, -1) if key(rows[at]) in last), None)
