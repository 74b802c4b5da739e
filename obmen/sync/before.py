"""The pages of the last complete read, looked up many at once as the next one goes by."""

from __future__ import annotations

from obmen.state import Ledger, seen
from obmen.state.seen import Seen

_AHEAD = 16


class Before:
    """What a flow's last read found on each page."""

    def __init__(self, ledger: Ledger, flow: str) -> None:
        self._ledger, self._flow = ledger, flow
        self._pages: dict[int, Seen] = {}
        self._looked_ahead = 0

    def page(self, number: int) -> Seen:
        """Return a page as it was, empty if there was none; to be asked for in order, each once."""
        if number >= self._looked_ahead:
            self._looked_ahead = number + _AHEAD
            with self._ledger.read() as tx:
                self._pages = seen.numbered_pages(tx, self._flow, number, self._looked_ahead)
        return self._pages.pop(number, Seen())
