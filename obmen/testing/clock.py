"""A clock that tests move by hand, so that hours pass at once and nothing depends on the machine's speed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that moves only when told to; ``sleep`` moves it on and is noted in ``sleeps`` (seconds).

    ``jump`` moves the wall clock alone, as a mended or wrong machine clock does.
    """

    simulated = True
    """It rules alone: no database's clock may be asked beside it."""

    def __init__(self, start: datetime = datetime(2026, 6, 15, 6, 0, tzinfo=UTC)) -> None:
        self.sleeps: list[float] = []
        self._lock = threading.Lock()
        self._wall = start
        self._seconds = 1000.0

    def now(self) -> datetime:
        """Return the wall-clock time, aware and in UTC."""
        return self._wall

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Note the wait and move on by it at once."""
        self.sleeps.append(seconds)
        if seconds > 0:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        with self._lock:
            self._seconds += seconds
            self._wall += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forwards, or back if negative; the monotonic one runs on undisturbed."""
        with self._lock:
            self._wall += timedelta(seconds=seconds)
