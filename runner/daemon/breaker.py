"""Breakers: what fails is left in peace, and tried now and then whether it works again.

Without them every flow of a dead system would wait through all its time-outs, again and again, and a key that was
refused would be tried until the vendor locks it. One stands before every task, so that a right that a key lacks or
a spent budget stops nothing else; and one before every connection, for when nothing in it works any more. Where workers
run the flows, that of a connection stands in the ledger, for all of them (``runner.worker.breakers``).
"""

from __future__ import annotations

from dataclasses import dataclass

from obmen.clock import Clock
from obmen.errors import ConfigurationError, Denied, ObmenError, Unavailable
from obmen.http.pause import growing

FIRST, LONGEST = 5.0, 600.0
"""Seconds. What fails is tried again after the first, then after twice as long each time, up to the longest.

A connection rests no longer, whatever one of its tasks was told: a budget that is spent for hours is one task's.
"""
SHUT_OUT = 900.0
"""Seconds before a key that was refused, or a setting that cannot work, is tried again without anybody's doing."""
TOLERANCE = 3
"""How many failures in a row a connection may have before all its work pauses."""


@dataclass(slots=True)
class Breaker:
    """Stands before a task or a connection. ``tolerance``: how many failures in a row make no pause yet."""

    clock: Clock
    tolerance: int = 0
    failures: int = 0
    until: float = 0.0
    reason: str = ""

    @property
    def open(self) -> bool:
        """Whether there is a pause now; once it is over one try is let through."""
        return self.clock.monotonic() < self.until

    @property
    def down(self) -> bool:
        """Whether it fails too often, and nothing has worked since: also while it is being tried."""
        return self.failures > self.tolerance

    @property
    def rest(self) -> float:
        """Seconds of the pause that are left."""
        return max(0.0, self.until - self.clock.monotonic())

    def failed(self, error: ObmenError | Exception) -> None:
        """Note a failure."""
        self.failures += 1
        over = self.failures - self.tolerance
        if over > 0:
            pause = pause_for(error, over)
            self.until = self.clock.monotonic() + (min(pause, LONGEST) if self.tolerance else pause)
            self.reason = str(error)

    def worked(self) -> None:
        """Nothing stands in the way any more."""
        self.failures, self.until, self.reason = 0, 0.0, ""


def pause_for(error: ObmenError | Exception, times: int) -> float:
    """Return the seconds for which what has failed so many times beyond what is borne is left in peace."""
    if isinstance(error, Denied | ConfigurationError):
        return SHUT_OUT
    asked = error.after if isinstance(error, Unavailable) else None
    return max(asked or 0.0, growing(times, FIRST, LONGEST))
