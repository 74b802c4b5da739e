"""A clock whose waits end when the service is told to stop."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from obmen.errors import Interrupted


class ServiceClock:
    """The machine's own time. Once ``stop`` is set nobody waits any more: a wait raises Interrupted."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def now(self) -> datetime:
        """Return the wall-clock time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, unless the service stops meanwhile."""
        if seconds > 0 and self.stop.wait(seconds):
            raise Interrupted("A wait was cut off: the service was told to stop. The next start goes on.")
