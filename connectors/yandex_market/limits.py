"""Market's budgets: a limit of its own for each method, told again in the headers of every answer.

Most of them count goods and not calls, so a call says how many it carries. Market lets a seller make two to
four calls at one time, and Obmen makes one. Every answer says how much is left and until when, so that Obmen waits
for that moment instead of asking in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.yandex_market import paths
from obmen.http import Rate, Remaining, encode_json
from obmen.records import Native

LEFT, UNTIL = "X-RateLimit-Resource-Remaining", "X-RateLimit-Resource-Until"
"""How much is left of a method's limit, and the moment at which it begins anew (an HTTP date)."""

REMAINING = Remaining(left=LEFT, reset=UNTIL)
LARGEST_BODY = 512 * 1024
"""Bytes of a request at most."""
_ROOM = 1024


def budgets() -> dict[str, tuple[Rate, ...]]:
    """Return the rate of every method, by the name of its budget."""
    return {operation.group: (operation.rate,) for operation in paths.ALL}


def within(rows: Sequence[Native]) -> Iterator[list[Native]]:
    """Divide records so that no call's body is larger than Market takes."""
    part: list[Native] = []
    size = _ROOM
    for row in rows:
        own = len(encode_json(row)) + 1
        if part and size + own > LARGEST_BODY:
            yield part
            part, size = [], _ROOM
        part.append(row)
        size += own
    if part:
        yield part
