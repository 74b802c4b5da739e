"""Budgets: how many calls a peer allows per method group, kept before the peer has to say no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from pyrate_limiter import InMemoryBucket, RateItem
from pyrate_limiter import Rate as BucketRate

from obmen.clock import Clock

EVERY_CALL = "*"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``calls`` in any window of ``seconds``."""

    calls: int
    seconds: float


class Budgets:
    """The budgets of one connection. ``take`` waits until every rate of the group allows one call more."""

    def __init__(self, rates: Mapping[str, tuple[Rate, ...]], clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._buckets = {
            group: InMemoryBucket([BucketRate(rate.calls, int(rate.seconds * 1000)) for rate in several])
            for group, several in rates.items()
        }
        self._blocked_until: dict[str, float] = {}

    def take(self, group: str) -> float:
        """Wait for a place in ``group`` and in the connection as a whole; return the seconds waited."""
        waited = self._wait_out_block(group) + self._wait_out_block(EVERY_CALL)
        for name in dict.fromkeys((group, EVERY_CALL)):
            bucket = self._buckets.get(name)
            while bucket is not None:
                delay = self._place(bucket, name)
                if delay <= 0:
                    break
                self._clock.sleep(delay)
                waited += delay
        return waited

    def block(self, group: str, seconds: float) -> None:
        """Let nothing of ``group`` pass for so long: the peer said so."""
        self._blocked_until[group] = max(
            self._blocked_until.get(group, 0.0), self._clock.monotonic() + seconds
        )

    def _wait_out_block(self, group: str) -> float:
        rest = self._blocked_until.get(group, 0.0) - self._clock.monotonic()
        if rest <= 0:
            return 0.0
        self._clock.sleep(rest)
        return rest

    def _place(self, bucket: InMemoryBucket, name: str) -> float:
        with self._lock:
            now = int(self._clock.monotonic() * 1000)
            bucket.leak(now)
            item = RateItem(name, now)
            if bucket.put(item):
                return 0.0
            return max(int(bucket.waiting(item)), 1) / 1000
