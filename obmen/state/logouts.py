"""Which sessions of the page were ended by their people, so that no restart and no other process revives one."""

from __future__ import annotations

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.given import given
from obmen.state.ledger import Transaction

PAGE_SECRET = "page/secret"  # noqa: S105 - the name under which the memory keeps it
_KEPT = 30 * 86400.0
"""Seconds; a session without a call ends by itself much sooner."""
_L = tables.logout.c
_ENDED = sa.select(_L.at).where(given(_L.session))


def note(tx: Transaction, session: str) -> None:
    """Let a session open nothing any more; those that have long ended by themselves are forgotten."""
    tx.run(sa.delete(tables.logout).where(_L.at < tx.now - _KEPT))
    tx.upsert(tables.logout, ("session", "at"), [(session, tx.now)])


def ended(tx: Transaction, session: str) -> bool:
    """Whether a session was ended."""
    return tx.one(_ENDED, of_session=session) is not None
