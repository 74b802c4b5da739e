"""How often somebody may try to log in: by address and by user, so that neither guessing nor flooding pays."""

from __future__ import annotations

import threading
from collections import OrderedDict

from obmen.clock import Clock

PER_ADDRESS = 10
PER_USER = 20
WINDOW = 600.0
"""Seconds after which attempts are forgotten."""
MOST_KNOWN = 10_000


class Attempts:
    """Counts attempts; the oldest are forgotten first, so that a flood of names takes no memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait(self, address: str, user: str) -> float:
        """Count one; return 0.0, or the seconds to wait if there were too many."""
        now = self._clock.monotonic()
        with self._lock:
            return max(
                self._count(("address", address), PER_ADDRESS, now), self._count(("user", user[:100]), PER_USER, now)
            )

    def forget(self, address: str, user: str) -> None:
        """Forget the attempts of somebody who got in."""
        with self._lock:
            for key in (("address", address), ("user", user[:100])):
                self._known.pop(key, None)

    def _count(self, key: tuple[str, str], most: int, now: float) -> float:
        count, began = self._known.get(key, (0, now))
        if now - began >= WINDOW:
            count, began = 0, now
        if count >= most:
            return began + WINDOW - now
        self._known[key] = (count + 1, began)
        self._known.move_to_end(key)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return 0.0
