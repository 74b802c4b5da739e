"""Budgets: how many calls a peer allows per method group, kept before the peer has to say no.

Some peers count what a call carries (goods in a minute) or charge more for a call that they refuse; so a call
has a weight, and may be charged for afterwards.
"""

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
        self._heaviest = {group: min(rate.calls for rate in several) for group, several in rates.items()}
        self._blocked_until: dict[str, float] = {}

    def take(self, group: str, patience: float = LONGEST_WAIT, *, weight: int = 1) -> float:
        """Wait until every rate of ``group`` and of the connection allows one call more.

        The call takes ``weight`` places in its group, or all that there are, and one among the connection's.
        Return the seconds waited. Raises Unavailable, with the seconds still to wait, where a block that the
        peer asked for outlasts ``patience``, or a place is further away than ``LONGEST_WAIT``.
        """
        waited = 0.0
        while True:
            blocked = self._blocked(group)
            delay = blocked or self._place(group, weight)
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

    def charge(self, group: str, weight: int) -> None:
        """Count a call that was made as so many more: the peer does."""
        now = int(self._clock.monotonic() * 1000)
        with self._lock:
            for name in dict.fromkeys((group, EVERY_CALL)):
                if name in self._buckets:
                    self._buckets[name].items.extend([RateItem(group, now)] * weight)

    def block(self, group: str, seconds: float) -> None:
        """Let nothing of ``group`` pass for so long: the peer said so."""
        until = self._clock.monotonic() + seconds
        with self._lock:
            self._blocked_until[group] = max(self._blocked_until.get(group, 0.0), until)

    def _blocked(self, group: str) -> float:
        with self._lock:
            until = max(self._blocked_until.get(name, 0.0) for name in (group, EVERY_CALL))
        return max(until - self._clock.monotonic(), 0.0)

    def _place(self, group: str, weight: int) -> float:
        """Take a place in all buckets at one moment, or none and return the seconds until it may be tried.

        A place taken early in one bucket while another still makes us wait would let two calls through
        closer together than the peer allows.
        """
        with self._lock:
            now = int(self._clock.monotonic() * 1000)
            taken: list[tuple[InMemoryBucket, int]] = []
            for name in dict.fromkeys((group, EVERY_CALL)):
                bucket = self._buckets.get(name)
                if bucket is None:
                    continue
                places = 1 if name == EVERY_CALL else min(weight, self._heaviest[name])
                item = RateItem(group, now, places)
                bucket.leak(now)
                if not bucket.put(item):
                    for earlier, put in taken:
                        del earlier.items[-put:]
                    wait = bucket.waiting(item)
                    return max(wait, 1) / 1000 if isinstance(wait, int) else 0.001
                taken.append((bucket, places))
            return 0.0
