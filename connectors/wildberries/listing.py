"""The lists of orders: what is new, and what was made in a period, each order once in a pass.

A period is at most thirty days, is told by the peer's clock, not by ours, and an order at the edge of two
periods belongs to either. So a pass begins where the last one began, by the earlier of the two clocks, less an
overlap; its periods touch; and beside them it reads all orders that nobody took up, so that even one that the
period missed is seen while it matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from connectors.wildberries.base import Base
from connectors.wildberries.schemes import Scheme
from obmen.errors import IncompleteSource
from obmen.http import Reply

LISTED = 1000
OVERLAP = timedelta(hours=1)
PERIOD = timedelta(days=29)
KEPT = timedelta(days=89)
"""The list goes back three months; what is older stands in the archive."""
_BACKWARDS = tuple(timedelta(days=days) for days in (2, 8, 19, 29, 29))


Value = TypeVar("Value")


class _Numbered(msgspec.Struct):
    id: int


_NUMBER = msgspec.json.Decoder(_Numbered)


@dataclass(frozen=True, slots=True)
class Listed:
    """Some orders as they came, by id. ``at``: when the pass began, by the earlier of the two clocks."""

    reply: Reply
    rows: dict[int, bytes]
    at: datetime


def passing(wb: Base, scheme: Scheme, since: datetime) -> Iterator[Listed]:
    """Yield the orders that are new, then those made since; none twice."""
    seen: set[int] = set()
    reply = wb.call(scheme.new)
    ours = wb.clock.now()
    theirs = _told(reply) or ours
    at = min(ours, theirs)
    yield Listed(reply, _fresh(reply, seen), at)
    begin = min(since, at) - OVERLAP
    end = max(ours, theirs)
    begin = min(begin, end - PERIOD) if scheme.ended_only else max(begin, end - KEPT)
    while begin < end:
        until = min(begin + PERIOD, end)
        for page in _pages(wb, scheme, begin, until, last=until == end):
            yield Listed(page, _fresh(page, seen), at)
        begin = until


def look_for(wb: Base, scheme: Scheme, ids: Collection[int]) -> Iterator[dict[int, bytes]]:
    """Yield those of these orders that the lists still hold: the new ones, then backwards by period."""
    wanted = set(ids)
    if not wanted:
        return
    yield _taken(wb.call(scheme.new), wanted)
    now = wb.clock.now()
    end = now
    for span in _BACKWARDS:
        if not wanted:
            return
        for page in _pages(wb, scheme, end - span, end, last=end == now):
            yield _taken(page, wanted)
            if not wanted:
                return
        end -= span


def made_between(wb: Base, scheme: Scheme, begin: datetime, end: datetime) -> Iterator[bytes]:
    """Yield the orders made in a period of thirty days at most."""
    for page in listed_between(wb, scheme, begin, end):
        yield from page.slices("orders")


def listed_between(wb: Base, scheme: Scheme, begin: datetime, end: datetime) -> Iterator[Reply]:
    """Yield the pages of the orders made in a period of thirty days at most."""
    return _pages(wb, scheme, begin, end, last=False)


def ids_of(reply: Reply) -> list[int]:
    """Return the ids of the orders of a page."""
    return [_NUMBER.decode(raw).id for raw in reply.slices("orders")]


def portions(values: Sequence[Value], most: int) -> Iterator[Sequence[Value]]:
    """Yield the values, so many at once."""
    for start in range(0, len(values), most):
        yield values[start : start + most]


def _pages(wb: Base, scheme: Scheme, begin: datetime, end: datetime, *, last: bool) -> Iterator[Reply]:
    """Yield the pages of a period; the last one stays open at its end, where the method lets it."""
    period = {"dateFrom": str(int(begin.timestamp()))}
    if scheme.ended_only or not last:
        period["dateTo"] = str(int(end.timestamp()) + 1)
    where = 0
    while True:
        reply = wb.call(scheme.listed, params={"limit": str(LISTED), "next": str(where), **period})
        following = reply["next"]
        if reply["orders"]:
            yield reply
        if not reply["orders"] or not following:
            return
        if following == where:
            raise IncompleteSource(f"{reply.what}: the list has more to give but its cursor stands still.")
        where = following


def _fresh(reply: Reply, seen: set[int]) -> dict[int, bytes]:
    fresh = {_NUMBER.decode(raw).id: raw for raw in reply.slices("orders")}
    fresh = {id_: raw for id_, raw in fresh.items() if id_ not in seen}
    seen.update(fresh)
    return fresh


def _taken(reply: Reply, wanted: set[int]) -> dict[int, bytes]:
    rows = {_NUMBER.decode(raw).id: raw for raw in reply.slices("orders")}
    found = {id_: raw for id_, raw in rows.items() if id_ in wanted}
    wanted.difference_update(found)
    return found


def _told(reply: Reply) -> datetime | None:
    try:
        moment = parsedate_to_datetime(reply.headers.get("Date", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
