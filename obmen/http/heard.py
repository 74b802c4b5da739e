"""What a host may hear of every call: how long it took and what became of it, never what was said in it."""

from __future__ import annotations

from typing import Protocol


class HttpListener(Protocol):
    """Who is told of a connection's calls; called from whichever thread makes them."""

    def called(self, connection: str, seconds: float, waited: float, status: int | None) -> None:
        """A call was answered with a status, or with none; before it, its budget made it wait so many seconds."""
        ...
