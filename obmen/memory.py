"""What a connector may know again after a restart; the ledger keeps it, or nothing does."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """The little that a connector must know again after a restart: a number that may not repeat, a cached list."""

    def get(self, name: str) -> bytes | None:
        """Return what was kept under a name."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Keep a value under a name; once this returns it survives anything."""
        ...


class ShortMemory:
    """A memory that lasts as long as the process, for a connector that is used without a ledger."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Return what was kept under a name."""
        return self._kept.get(name)

    def put(self, name: str, value: bytes) -> None:
        """Keep a value under a name."""
        self._kept[name] = value
