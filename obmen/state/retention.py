"""What of the state may be forgotten with time, and giving its room back: a service that runs for years stays small.

Forgotten is only what tells of the past and decides nothing: ended runs, what they wrote, closed quarantine, deeds,
troubles that are over. Facts are what reports are made of, and are never forgotten; nor is what was agreed, bound,
seen or read of the past.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from obmen.errors import StateError
from obmen.state import runs, tables, written
from obmen.state.ledger import Ledger, Transaction
from obmen.state.restore import refuse_work
from obmen.state.trouble import shown

_YEAR = 365 * 86400.0
_AT_ONCE = 1000
_ROUNDS = 100
_FREE = 1 / 3
"""The share of an SQLite file that may be free before it is worth writing it anew; what is free is used first."""
_Q, _D, _A = tables.quarantine.c, tables.deed.c, tables.alert.c


@dataclass(frozen=True, slots=True)
class Size:
    """An SQLite file: its bytes, and how many of them are free."""

    total: int
    free: int

    @property
    def worth_compacting(self) -> bool:
        """Whether enough of it is free."""
        return self.free > self.total * _FREE


def sweep(ledger: Ledger, keep: float) -> Counter[str]:
    """Forget what ended more than ``keep`` seconds ago, a few rows at a time; return how many of what.

    What people did by hand is kept for a year at least.
    """
    swept: Counter[str] = Counter()
    for name, forget in _WAYS.items():
        for _ in range(_ROUNDS):
            with ledger.write() as tx:
                count = forget(tx, keep)
            swept[name] += count
            if count < _AT_ONCE:
                break
    return swept


def size(ledger: Ledger) -> Size | None:
    """Return the size of an SQLite file; None for PostgreSQL, whose autovacuum sees to it."""
    if ledger.engine.dialect.name != "sqlite":
        return None
    with ledger.read() as tx:
        page, count, free = (
            tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_size", "page_count", "freelist_count")
        )
    return Size(page * count, page * free)


def compact(ledger: Ledger) -> None:
    """Write an SQLite file anew without what is free in it.

    Raises Busy while a flow runs, since it would have to wait for all of it; StateError where there is no room for a
    second file meanwhile. Then the state is as before.
    """
    with ledger.read() as tx:
        refuse_work(tx)
    raw = ledger.engine.raw_connection()
    try:
        for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            raw.driver_connection.execute(statement).fetchall()  # type: ignore[union-attr]  # it is sqlite3's
    except sqlite3.DatabaseError as error:
        raise StateError(f"{shown(ledger.url)} was not compacted: {error}. It is as it was before.") from error
    finally:
        raw.close()


def _runs(tx: Transaction, keep: float) -> int:
    return runs.prune(tx, tx.now - keep, _AT_ONCE)


def _quarantine(tx: Transaction, keep: float) -> int:
    old = sa.select(_Q.id).where(_Q.state == "closed", _Q.created_at < tx.now - keep).order_by(_Q.id).limit(_AT_ONCE)
    return tx.run(sa.delete(tables.quarantine).where(_Q.id.in_(old)))


def _deeds(tx: Transaction, keep: float) -> int:
    old = sa.select(_D.id).where(_D.at < tx.now - max(keep, _YEAR)).order_by(_D.id).limit(_AT_ONCE)
    return tx.run(sa.delete(tables.deed).where(_D.id.in_(old)))


def _written(tx: Transaction, keep: float) -> int:
    return written.prune(tx, tx.now - keep, _AT_ONCE)


def _alerts(tx: Transaction, keep: float) -> int:
    old = sa.select(_A.name).where(_A.over_at < tx.now - keep).limit(_AT_ONCE)
    return tx.run(sa.delete(tables.alert).where(_A.name.in_(old)))


_WAYS: dict[str, Callable[[Transaction, float], int]] = {
    "runs": _runs,
    "quarantine": _quarantine,
    "deeds": _deeds,
    "alerts": _alerts,
    "written": _written,
}
