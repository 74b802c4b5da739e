"""Periods of time, half-open, and what joining, subtracting and cutting them gives.

A past that is read in pieces, in any order and more than once, comes to the same only if every moment of it belongs
to exactly one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Period(NamedTuple):
    """From ``since`` to before ``until``, Unix seconds."""

    since: float
    until: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.until - self.since


def merged(periods: Iterable[Period]) -> list[Period]:
    """Return the same moments in order, as periods that neither overlap nor touch."""
    found: list[Period] = []
    for one in sorted(period for period in periods if period.until > period.since):
        if found and one.since <= found[-1].until:
            found[-1] = Period(found[-1].since, max(found[-1].until, one.until))
        else:
            found.append(one)
    return found


def without(periods: Iterable[Period], taken: Iterable[Period]) -> list[Period]:
    """Return the moments of the first that are not among the second."""
    left = merged(periods)
    for gone in merged(taken):
        cut = []
        for one in left:
            cut += [Period(one.since, min(one.until, gone.since)), Period(max(one.since, gone.until), one.until)]
        left = merged(cut)
    return left


def pieces(periods: Iterable[Period], longest: float) -> Iterator[Period]:
    """Yield the periods from the oldest on, none longer than so many seconds."""
    for one in merged(periods):
        since = one.since
        while since < one.until:
            until = min(since + longest, one.until)
            yield Period(since, until)
            since = until
