"""Deeds: what people did by hand, and why, so that a change nobody remembers can be traced to its hour."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction

_D = tables.deed.c


@dataclass(frozen=True, slots=True)
class Deed:
    """One of them: ``what`` is a short word such as ``run`` or ``replay``, ``about`` names what it was done to."""

    id: int
    at: float
    who: str
    what: str
    about: str
    reason: str


def note(tx: Transaction, who: str, what: str, about: str, reason: str = "") -> None:
    """Keep what was done."""
    tx.run(sa.insert(tables.deed).values(at=tx.now, who=who, what=what, about=about, reason=reason))


def recent(tx: Transaction, limit: int, *, before: int | None = None) -> list[Deed]:
    """Return the newest deeds, newest first; ``before``: only those with a smaller number."""
    query = sa.select(tables.deed).order_by(_D.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_D.id < before)
    return [Deed(row.id, row.at, row.who, row.what, row.about, row.reason) for row in tx.rows(query)]
