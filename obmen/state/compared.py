"""What comparisons with what was told found, of each flow and target: when, how much drifted, and how far they are.

It survives a restart, so that nothing that was written goes unchecked, and so that nobody is told twice of the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction

_M = tables.memory.c
_PREFIX = "compared|"
_COLUMNS = ("connection", "name", "value")
KEPT = 100
"""Records of one promotion that are remembered, to look whether it lasts."""


class Promoted(msgspec.Struct, omit_defaults=True):
    """A price that a promotion changed: as it was told, as buyers see it; ``left``: when it was asked to be left."""

    told: str
    live: str
    left: float = 0.0


class Suspect(msgspec.Struct):
    """A stock that is lower than it was told: what is ``shown``, and since when (Unix seconds)."""

    shown: str
    at: float


class Compared(msgspec.Struct, omit_defaults=True):
    """``mark``: the id up to which what was written has been checked. Times are Unix seconds.

    ``at``: when anything was last compared; ``whole_at``: when both sides were last read whole. ``counts``: what that
    comparison found (``same``, ``drift``, ``missing``, ``not_kept``, ``promoted``, ``withheld``, ``confirmed`` …);
    ``drifted``: how many records ever did. ``promotions``: name → the first of the records that it changes, by key.
    ``suspects``: by key, stock that is lower than it was told, which may be sold.
    """

    mark: int = 0
    at: float | None = None
    whole_at: float | None = None
    counts: dict[str, int] = {}
    drifted: int = 0
    promotions: dict[str, dict[str, Promoted]] = {}
    suspects: dict[str, Suspect] = {}

    @property
    def drift(self) -> int:
        """How many records were not as they were confirmed, when they were last compared."""
        return self.counts.get("drift", 0) + self.counts.get("missing", 0)


def of(tx: Transaction, flow: str, target: str) -> Compared:
    """Return what is known of one flow's target."""
    row = tx.one(sa.select(_M.value).where(_M.connection == target, _M.name == _PREFIX + flow))
    return Compared() if row is None else msgspec.json.decode(bytes(row.value), type=Compared)


def save(tx: Transaction, flow: str, target: str, compared: Compared) -> None:
    """Keep it."""
    tx.upsert(tables.memory, _COLUMNS, [(target, _PREFIX + flow, msgspec.json.encode(compared))])


def positive(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts without those of nothing."""
    return {name: count for name, count in counts.items() if count}
