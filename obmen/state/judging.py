"""What the guards have yet to speak of in the outbox of one target, and what their verdict does to it.

That is what was found by a read that has not ended (``fresh``), and what a run put behind something that is in flight:
left out, it would be sent as soon as the other has landed, whatever the guards say of the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import NamedTuple

import sqlalchemy as sa

from obmen.rules.guards import TOGETHER
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, either, given
from obmen.state.ledger import Transaction
from obmen.state.outbox import IN_FLIGHT

_O = tables.outbox
_THERE = given(_O.c.flow, _O.c.connection)
_OF_RUN = _O.c.run == sa.bindparam("judged_run")
_BEFORE = _O.c.reason.startswith(TOGETHER, autoescape=True)
_KIND = sa.case((_O.c.state == "held", "held"), (_BEFORE, "again"), else_="new")


class _Statements(NamedTuple):
    effects: sa.Select[tuple[str, str, int]]
    zeroed: sa.Select[tuple[str]]
    trust: sa.Update
    doubt: sa.Update
    release: sa.Update


@cache
def _statements(only_run: bool) -> _Statements:
    fresh = sa.and_(_O.c.state == "fresh", _OF_RUN) if only_run else _O.c.state == "fresh"
    behind = sa.and_(either(_O.c.state, *IN_FLIGHT), _O.c.sent_hash.is_not(None), _OF_RUN)
    judged = sa.and_(_THERE, sa.or_(fresh, behind))
    held = sa.and_(_THERE, _O.c.state == "held", _BEFORE)
    again = sa.and_(judged, _BEFORE, ~_O.c.reason.contains("'vanished'"), ~among(_O.c.effect))
    doubtful = sa.case((_O.c.reason != "", "held"), else_="pending")
    return _Statements(
        fixed(sa.select(_KIND, _O.c.effect, sa.func.count()).where(sa.or_(judged, held)).group_by(_KIND, _O.c.effect)),
        sa.select(_O.c.key).where(judged, _O.c.effect == "zeroed"),
        sa.update(_O).where(again).values(reason=""),
        sa.update(_O).where(judged, _O.c.reason == "").values(reason=sa.bindparam("why")),
        sa.update(_O).where(_THERE, fresh).values(state=doubtful),
    )


class Judging:
    """What one run decided for one target of a flow; ``only_run``: nothing of other runs, which may go on still."""

    def __init__(self, tx: Transaction, flow: str, connection: str, run: int, *, only_run: bool = False) -> None:
        self._tx, self._only_run, self._said = tx, only_run, _statements(only_run)
        self._there = {"of_flow": flow, "of_connection": connection}
        self._of = {**self._there, "judged_run": run}

    def effects(self) -> dict[str, Counter[str]]:
        """Return kind → effect → how many rows.

        ``new``: decided now; ``again``: too, and held before for what happened to others beside it; ``held``: held for
        that still.
        """
        found = {"new": Counter[str](), "again": Counter[str](), "held": Counter[str]()}
        for kind, effect, count in self._tx.rows(self._said.effects, **self._of):
            found[kind][effect] += count
        return found

    def zeroed(self) -> list[str]:
        """Return the keys of what would go to zero."""
        return [key for (key,) in self._tx.rows(self._said.zeroed, **self._of)]

    def trust(self, still: Collection[str]) -> None:
        """Forget why rows were held before for what happened to others, but of the effects (or ``*``) in ``still``.

        What belongs to a warehouse that vanished stays held until a person looks.
        """
        if "*" not in still:
            self._tx.run(self._said.trust, **self._of, of_effect=list(still))

    def doubt(self, holding: Mapping[str, str]) -> None:
        """Give what has none a reason to be held: effect (or ``*``) → reason."""
        for effect, reason in holding.items():
            doubted = self._said.doubt
            self._tx.run(doubted if effect == "*" else doubted.where(_O.c.effect == effect), **self._of, why=reason)

    def doubt_keys(self, keys: Iterable[str], reason: str) -> int:
        """Give those of these records that have none a reason to be held; return how many."""
        return self._tx.run(self._said.doubt.where(among(_O.c.key)), **self._of, of_key=keys, why=reason)

    def release(self) -> None:
        """Let go what has no reason to be held."""
        self._tx.run(self._said.release, **(self._of if self._only_run else self._there))
