"""What is published, remembered for a day: a fully published base tells it in 15 MB, and builds them anew each time.

Kept in the process and in the connector's memory, in the filtered form alone. An administrator who changes the
composition is noticed after a day, or at once where the base says that it knows something no longer.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.needs import OBJECTS
from obmen.clock import Clock
from obmen.connector import Memory

LASTS = timedelta(days=1)
_NAME = "odata.metadata"
_FORMAT = 1


class _Kept(msgspec.Struct):
    """``about``: what decides the form and the content: the format, the objects that are wanted, the address."""

    about: tuple[int, tuple[str, ...], str]
    read_at: datetime
    metadata: Metadata


class Cache:
    """The metadata of the base at ``address``. ``memory`` is asked for anew each time: a connector gets it late."""

    def __init__(self, memory: Callable[[], Memory], clock: Clock, address: str) -> None:
        self._memory, self._clock = memory, clock
        self._about = (_FORMAT, OBJECTS, address)
        self._kept: _Kept | None = None

    def get(self) -> Metadata | None:
        """Return what is known and not too old."""
        if self._kept is None:
            self._kept = self._remembered()
        kept = self._kept
        if kept is None or not timedelta(0) <= self._clock.now() - kept.read_at < LASTS:
            return None
        return kept.metadata

    def put(self, metadata: Metadata) -> None:
        """Keep what was just read."""
        self._kept = _Kept(self._about, self._clock.now(), metadata)
        self._memory().put(_NAME, zlib.compress(msgspec.json.encode(self._kept)))

    def forget(self) -> None:
        """Have it read again, here and after a restart."""
        self._kept = None
        if self._memory().get(_NAME):
            self._memory().put(_NAME, b"")

    def _remembered(self) -> _Kept | None:
        packed = self._memory().get(_NAME)
        if not packed:
            return None
        try:
            kept = msgspec.json.decode(zlib.decompress(packed), type=_Kept)
        except (zlib.error, msgspec.DecodeError):
            return None
        return kept if kept.about == self._about else None
