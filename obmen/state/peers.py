"""What all processes know of the systems at the other end: which does not answer, and is left in peace.

What one process found out keeps the others from asking a dead system each for itself. Times are those of the one clock
that all share (see ``obmen.state.clocks``); a clock that is set back makes nobody wait for longer than before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from obmen.clock import Clock
from obmen.state import clocks, tables
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_P = tables.peer
_EVERY = sa.select(_P)
_ONE = _EVERY.where(given(_P.c.connection))
_HOLD = _ONE.with_for_update()
_PAUSE = ("connection", "failures", "paused_at", "paused_until", "reason")


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them. ``failures``: how many in a row; ``rest``: seconds for which it is left in peace still."""

    connection: str
    failures: int = 0
    rest: float = 0.0
    reason: str = ""


def every(tx: Transaction, clock: Clock) -> dict[str, Peer]:
    """Return what is known, by connection."""
    rows = tx.rows(_EVERY)
    now = clocks.time_of(tx, clock) if any(row.failures for row in rows) else 0.0
    return {row.connection: _peer(row, now) for row in rows}


def of(tx: Transaction, clock: Clock, connection: str) -> Peer:
    """Return what is known of one."""
    row = tx.one(_ONE, of_connection=connection)
    return Peer(connection) if row is None else _peer(row, clocks.time_of(tx, clock) if row.failures else 0.0)


def held(tx: Transaction, clock: Clock, connection: str) -> Peer:
    """Return what is known of one, for nobody else to change meanwhile."""
    tx.upsert(_P, ("connection",), [(connection,)])
    row = tx.one(_HOLD, of_connection=connection)
    assert row is not None  # noqa: S101 - it was made above
    return _peer(row, clocks.time_of(tx, clock))


def leave(tx: Transaction, clock: Clock, peer: Peer, failures: int, seconds: float, reason: str) -> None:
    """Leave one in peace for so long, after so many failures; ``seconds`` may be 0."""
    now = clocks.time_of(tx, clock)
    tx.upsert(_P, _PAUSE, [(peer.connection, failures, now, now + seconds, reason)])


def lift(tx: Transaction, connections: Collection[str]) -> None:
    """End the pauses of these: somebody wants to know now. Whether they work is still to be seen."""
    tx.run(sa.update(_P).where(among(_P.c.connection, connections)).values(paused_until=0.0))


def _peer(row: sa.Row[tuple[object, ...]], now: float) -> Peer:
    rest = max(0.0, row.paused_until - max(now, row.paused_at)) if row.failures else 0.0
    return Peer(row.connection, row.failures, rest, row.reason)
