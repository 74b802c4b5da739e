"""Budgets: how many calls a peer allows per method group, kept before the peer has to say no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from pyrate_limiter import InMemoryBucket, RateItem
from pyrate_limiter import Rate as BucketRate

from obmen.clock import Clock
from obmen.errors import Unavailable

EVERY_CALL = "*"
LONGEST_WAIT = 180.0
"""Seconds. A wait for a place up to this is a pause in the work; a longer one is left to the engine."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``calls`` in any window of ``seconds``."""

    calls: int
    seconds: float


class Budgets:
    """The budgets of one connection, by method group; the group ``*`` counts every call."""

    def __init__(self, rates: Mapping[str, tuple[Rate, ...]], clock: Clock, *, connection: str = "") -> None:
        self._clock = clock
        self._connection = connection
        self._lock = Lock()
        self._buckets = {
            group: InMemoryBucket([BucketRate(rate.calls, int(rate.seconds * 1000)) for rate in several])
            for group, several in rates.items()
        }
        self._blocked_until: dict[str, float] = {}

    def take(self, group: str, patience: float = LONGEST_WAIT) -> float:
        """Wait until every rate of ``group`` and of the connection allows one call more.

        Return the seconds waited. Raises Unavailable, with the seconds still to wait, where a block that the
        peer asked for outlasts ``patience``, or a place is further away than ``LONGEST_WAIT``.
        """
        waited = 0.0
        while True:
            blocked = self._blocked(group)
            delay = blocked or self._place(group)
            if delay <= 0:
                return waited
            if delay > (patience if blocked else max(patience, LONGEST_WAIT)):
                raise Unavailable(
                    f"{self._connection}: no call of the group '{group}' may be made for {delay:.0f} s: "
                    f"{'the peer asked for it' if blocked else 'the budget is spent'}. "
                    "The work goes on by itself then.",
                    after=delay,
                )
            self._clock.sleep(delay)
            waited += delay

    def block(self, group: str, seconds: float) -> None:
        """Let nothing of ``group`` pass for so long: the peer said so."""
        until = self._clock.monotonic() + seconds
        with self._lock:
            self._blocked_until[group] = max(self._blocked_until.get(group, 0.0), until)

    def _blocked(self, group: str) -> float:
        with self._lock:
            until = max(self._blocked_until.get(name, 0.0) for name in (group, EVERY_CALL))
        return max(until - self._clock.monotonic(), 0.0)

    def _place(self, group: str) -> float:
        """Take a place in all buckets at one moment, or none and return the seconds until it may be tried.

        A place taken early in one bucket while another still makes us wait would let two calls through
        closer together than the peer allows.
        """
        with self._lock:
            item = RateItem(group, int(self._clock.monotonic() * 1000))
            taken: list[InMemoryBucket] = []
            for name in dict.fromkeys((group, EVERY_CALL)):
                bucket = self._buckets.get(name)
                if bucket is None:
                    continue
                bucket.leak(item.timestamp)
                if not bucket.put(item):
                    for earlier in taken:
                        earlier.items.pop()
                    wait = bucket.waiting(item)
                    return max(wait, 1) / 1000 if isinstance(wait, int) else 0.001
                taken.append(bucket)
            return 0.0
