"""Wishes: flows that somebody wants to be run now, asked for through the state, whichever process runs them.

A page, a command or a system that rang may be another process than the one that runs flows, so what they want
is kept where that one looks. Asked for twice before it began, a flow is run once.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction

_W = tables.wish.c
_COLUMNS = ("flow", "asked_at", "asked_by", "reason")


@dataclass(frozen=True, slots=True)
class Wish:
    """A flow to be run now. ``reason`` is set where what guards hold shall be let go with it."""

    flow: str
    asked_at: float
    asked_by: str
    reason: str = ""


def ask(tx: Transaction, flow: str, who: str, reason: str = "") -> None:
    """Want a flow to be run; a reason that was given before is not lost by asking again without one."""
    if not reason:
        standing = tx.one(sa.select(_W.reason).where(_W.flow == flow))
        reason = standing.reason if standing is not None else ""
    tx.upsert(tables.wish, _COLUMNS, [(flow, tx.now, who, reason)])


def waiting(tx: Transaction) -> list[Wish]:
    """Return what is wanted and has not begun, the oldest first."""
    query = sa.select(*(_W[name] for name in _COLUMNS)).order_by(_W.asked_at, _W.flow)
    return [Wish(*row) for row in tx.rows(query)]


def of(tx: Transaction, flow: str) -> Wish | None:
    """Return what is wanted of a flow."""
    row = tx.one(sa.select(*(_W[name] for name in _COLUMNS)).where(_W.flow == flow))
    return None if row is None else Wish(row.flow, row.asked_at, row.asked_by, row.reason)


def done(tx: Transaction, wish: Wish) -> None:
    """Forget what was wanted, unless it was asked for again since; what was let go by it is not let go again."""
    tx.run(sa.delete(tables.wish).where(_W.flow == wish.flow, _W.asked_at <= wish.asked_at))
    if wish.reason:
        again = sa.update(tables.wish).where(_W.flow == wish.flow, _W.reason == wish.reason)
        tx.run(again.values(reason=""))
