"""Prices that a promotion changed: remembered by the promotion's name, looked at again, and left where that is wanted.

What was told stands in such a system, so nothing is sent again; but one who must not sell at that price has to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import structlog

from obmen.entities import Price, Record
from obmen.promotion import Promotion
from obmen.records import Native
from obmen.state import Ledger
from obmen.state.compared import KEPT, Compared, Promoted
from obmen.sync.flow import Flow, Target
from obmen.sync.readback import Seen

_AGAIN = 3600.0
"""Seconds until a promotion that was left, and still stands, is left once more: it takes a system a while."""
_UNNAMED = "?"
PRICED = frozenset({"amount", "old_amount"})
"""What of a price a promotion may change."""
_LOG = structlog.get_logger("obmen.sync")


def as_told(record: Record, shown: Native) -> Native:
    """Return what is shown of a price, but for what a promotion made of it: that is as it was told."""
    rest = {name: value for name, value in shown.items() if name not in PRICED}
    return {**rest, **record.model_dump(include=set(PRICED), exclude_unset=True)}


class Watch:
    """Gathers what promotions change of one flow's prices in one target. ``changed``: it is other than it was."""

    def __init__(self, ledger: Ledger, flow: Flow, target: Target, state: Compared) -> None:
        self._clock, self._flow, self._target = ledger.clock, flow, target
        self._known = {name: dict(keys) for name, keys in state.promotions.items()}
        self._met: dict[str, Promotion] = {}
        self.changed = False

    def kept(self) -> list[str]:
        """Return the keys of records that were changed when they were last looked at."""
        return list(dict.fromkeys(key for keys in self._known.values() for key in keys))

    def look(self, record: Record, native: Native) -> bool:
        """Note whether a promotion makes another price of what was told; return if one does."""
        return self.see(record, self._target.connector.promotion(record.entity, native))

    def see(self, record: Record, found: Promotion | None) -> bool:
        """Note a promotion, or that there is none; return whether it makes a lower price of what was told."""
        if not isinstance(record, Price):
            return False
        names = (found.names or (_UNNAMED,)) if found is not None and found.live < record.amount else ()
        for name, keys in list(self._known.items()):
            if name not in names and keys.pop(record.key, None) is not None:
                self.changed = True
        if found is None or not names:
            return False
        self._met[record.key] = found
        for name in names:
            self._note(name, record, found)
        return True

    def look_again(self, shown: Mapping[str, Seen | None], told: Mapping[str, tuple[Record, Native]]) -> list[str]:
        """Look at records that were changed; return those that no promotion changes any more.

        Those that cannot be asked for are taken to be as they were.
        """
        return [key for key, one in shown.items() if one is not None and not self.look(told[key][0], one.native)]

    def leave(self) -> int:
        """Take what was met out of its promotions, each at most once in a while; return how many are out."""
        now = self._clock.now().timestamp()
        due = [
            found
            for key, found in self._met.items()
            if any(abs(now - keys[key].left) > _AGAIN for keys in self._known.values() if key in keys)
        ]
        left = set(self._target.connector.leave(due)) if due else set()
        for key, found in self._met.items():
            if found.id in left:
                for keys in self._known.values():
                    if key in keys:
                        keys[key].left = now
                _LOG.info(
                    "promotion.left", flow=self._flow.name, target=self._target.name, key=key, names=list(found.names)
                )
        return len(left)

    def into(self, state: Compared) -> None:
        """Put what is known into what is kept."""
        state.promotions = {name: keys for name, keys in self._known.items() if keys}

    def _note(self, name: str, record: Price, found: Promotion) -> None:
        keys = self._known.setdefault(name, {})
        before = keys.get(record.key)
        if before is None:
            if len(keys) >= KEPT:
                return
            self.changed = True
            _LOG.warning(
                "price.promoted",
                flow=self._flow.name,
                target=self._target.name,
                key=record.key,
                promotion=name,
                told=_plain(record.amount),
                live=_plain(found.live),
            )
        keys[record.key] = Promoted(_plain(record.amount), _plain(found.live), before.left if before else 0.0)


def _plain(value: Decimal) -> str:
    return f"{value:f}"
