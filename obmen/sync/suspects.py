"""Stock that a channel shows lower than it was told: a row that it swallowed, or something that a buyer just took.

To send the higher number again would sell the same unit twice, if its order was only not read yet. So where a channel
does not tell what buyers have reserved, a lower stock is a suspect first. It has drifted once it is still the same
after all orders of that channel were read: an order would have taken back what was confirmed, and changed what is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from obmen.entities import Order, Record, Stock
from obmen.records import Native
from obmen.state import Transaction, runs
from obmen.state.compared import Compared, Suspect
from obmen.sync.flow import Flow, Target

_LAG = 120.0
"""Seconds by which a channel may tell of an order later than its stock has fallen."""
_BACK = 20
_CUT_OFF = ("running", "stopped", "failed", "paused")
MOST = 1000
"""Suspects that are remembered of one target; the whole comparison finds the others again."""


def orders_of(flows: Sequence[Flow], flow: Flow, target: Target) -> tuple[str, ...]:
    """Return the flows by which the orders of a target come to where a flow's stock is counted."""
    return tuple(
        one.name
        for one in flows
        if one.entity is Order
        and one.source.name == target.name
        and any(there.name == flow.source.name for there in one.targets)
    )


class Suspects:
    """Those of one flow's target. ``orders``: the flows that read its orders; without any, nothing can be sure."""

    def __init__(self, tx: Transaction, state: Compared, orders: Sequence[str]) -> None:
        self._now, self._known = tx.now, dict(state.suspects)
        self._read_at = min((_read_from(tx, name) for name in orders), default=0.0) - _LAG
        self._watches = bool(orders)

    def due(self) -> list[str]:
        """Return the keys of those that can be judged now: all orders were read since they were seen."""
        return [key for key, one in self._known.items() if self._read_at > one.at]

    def sold(self, record: Record, there: Record, shown: Native) -> bool:
        """Whether a lower stock may still be what a buyer took."""
        if not (isinstance(record, Stock) and isinstance(there, Stock)) or "reserved" in shown:
            return False
        if there.available >= record.available:
            return False
        before, now = self._known.get(record.key), f"{there.available:f}"
        if before is not None and before.shown == now:
            return self._read_at <= before.at
        if self._watches and (before is not None or len(self._known) < MOST):
            self._known[record.key] = Suspect(now, self._now)
        return True

    def clear(self, keys: Sequence[str]) -> None:
        """Let go of those that were judged, or changed since; one that is shown otherwise again is another one."""
        for key in keys:
            if key in self._known and self._known[key].at < self._now:
                del self._known[key]

    def into(self, state: Compared) -> None:
        """Put what is known into what is kept."""
        state.suspects = self._known


def _read_from(tx: Transaction, flow: str) -> float:
    """Return when the newest reading of a flow began that came to its end; 0 for none."""
    ended = (run for run in runs.recent(tx, flow, _BACK, "sync") if run.status not in _CUT_OFF)
    return next((run.started_at for run in ended), 0.0)
