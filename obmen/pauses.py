"""Pauses between the calls of a slow method, known again after a restart.

A vendor that allows a report once a minute, or ten in ten minutes, counts whoever asks. A process that was just
started has forgotten what the last one spent, and its first calls would be refused, each of which may cost ten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import msgspec

from obmen.http import Http
from obmen.memory import Memory


class _Kept(msgspec.Struct):
    """``taken``: when each place that counted was taken, ``at``: when that was noted; Unix seconds.

    ``blocked``: for how many seconds from then on no call may be made.
    """

    taken: list[float]
    at: float
    blocked: float


class Pauses:
    """The budgets of some of a connection's method groups; ``memory`` is asked for anew, for it may come late."""

    def __init__(self, http: Http, memory: Callable[[], Memory], groups: Collection[str]) -> None:
        self._http, self._memory, self._groups = http, memory, groups
        self._recalled: set[str] = set()

    @contextmanager
    def kept(self, group: str) -> Iterator[None]:
        """Let calls of a group be made within; what they spent is kept, however they end."""
        if group not in self._groups:
            yield
            return
        if group not in self._recalled:
            self._recall(group)
            self._recalled.add(group)
        before = self._http.budgets.spent(group)
        try:
            yield
        finally:
            after = self._http.budgets.spent(group)
            if after != before:
                self._keep(group, *after)

    def _recall(self, group: str) -> None:
        raw = self._memory().get(_name(group))
        if raw:
            kept = msgspec.json.decode(raw, type=_Kept)
            now = self._http.clock.now().timestamp()
            left = kept.blocked - max(now - kept.at, 0.0)
            self._http.budgets.recall(group, [now - at for at in kept.taken], left)

    def _keep(self, group: str, ago: list[float], blocked: float) -> None:
        now = self._http.clock.now().timestamp()
        kept = _Kept([now - seconds for seconds in ago], now, blocked)
        self._memory().put(_name(group), msgspec.json.encode(kept))


def _name(group: str) -> str:
    return f"pause/{group}"
