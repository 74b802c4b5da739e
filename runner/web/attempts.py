"""How often somebody may try to log in: by address and by user, so that neither guessing nor flooding pays.

A limit by user alone would let any stranger keep that user out by guessing wrong; so it holds only at addresses from
which the user has not logged in yet.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from obmen.clock import Clock

PER_ADDRESS = 10
PER_USER = 20
WINDOW = 600.0
"""Seconds after which attempts are forgotten."""
MOST_KNOWN = 10_000
_LONGEST_NAME = 100


class Attempts:
    """Counts attempts; the oldest are forgotten first, so that a flood of names takes no memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Users, each with an address from which they have logged in."""

    def wait(self, address: str, user: str) -> float:
        """Count one; return 0.0, or the seconds to wait if there were too many."""
        now, user = self._clock.monotonic(), user[:_LONGEST_NAME]
        with self._lock:
            wait = self._count(("address", address), PER_ADDRESS, now)
            if not wait and (user, address) not in self._at_home:
                wait = self._count(("user", user), PER_USER, now)
            return wait

    def succeeded(self, address: str, user: str) -> None:
        """Remember that somebody got in, and forget the attempts from there; those from elsewhere go on counting."""
        home = (user[:_LONGEST_NAME], address)
        with self._lock:
            self._known.pop(("address", address), None)
            self._at_home[home] = None
            self._at_home.move_to_end(home)
            _bound(self._at_home)

    def _count(self, key: tuple[str, str], most: int, now: float) -> float:
        count, began = self._known.get(key, (0, now))
        if now - began >= WINDOW:
            count, began = 0, now
        if count >= most:
            return began + WINDOW - now
        self._known[key] = (count + 1, began)
        self._known.move_to_end(key)
        _bound(self._known)
        return 0.0


def _bound(known: OrderedDict[tuple[str, str], Any]) -> None:
    while len(known) > MOST_KNOWN:
        known.popitem(last=False)
