"""Runs: what each pass over a flow did, for people and for the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import given
from obmen.state.ledger import Transaction

_BEGIN = sa.insert(tables.run)
_BEFORE = sa.select(sa.func.max(tables.run.c.id)).where(
    given(tables.run.c.flow), tables.run.c.id < sa.bindparam("this")
)
_BEGAN = fixed(sa.select(tables.run.c.started_at).where(tables.run.c.id == _BEFORE.scalar_subquery()))
_END = sa.update(tables.run).where(given(tables.run.c.id))


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over a flow; times in Unix seconds. ``counts`` are of records, by what became of them."""

    id: int
    flow: str
    kind: str
    started_at: float
    ended_at: float | None
    status: str
    counts: Mapping[str, int]
    message: str


def begin(tx: Transaction, flow: str, kind: str, message: str = "") -> int:
    """Note that a pass began; return its number."""
    values = {"flow": flow, "kind": kind, "started_at": tx.now, "status": "running", "message": message}
    key = tx.connection.execute(_BEGIN, values).inserted_primary_key
    return int(key[0]) if key is not None else 0


def end(tx: Transaction, run: int, status: str, counts: Mapping[str, int], message: str = "") -> None:
    """Note how a pass ended; an empty message leaves the one from its beginning."""
    values = {"ended_at": tx.now, "status": status, "counts": json.dumps(dict(counts))}
    if message:
        values["message"] = message
    tx.run(_END, of_id=run, **values)


def forget(tx: Transaction, run: int) -> None:
    """Forget a pass in which nothing happened."""
    tx.run(sa.delete(tables.run).where(tables.run.c.id == run))


def prune(tx: Transaction, before: float, limit: int) -> int:
    """Forget passes that ended before a time (Unix seconds), the oldest first; return how many."""
    old = sa.select(tables.run.c.id).where(tables.run.c.ended_at < before).order_by(tables.run.c.id).limit(limit)
    return tx.run(sa.delete(tables.run).where(tables.run.c.id.in_(old)))


def get(tx: Transaction, run: int) -> Run | None:
    """Return one pass by its number."""
    row = tx.one(sa.select(tables.run).where(tables.run.c.id == run))
    return None if row is None else _run(row)


def last(tx: Transaction, flow: str, kind: str | None = None) -> Run | None:
    """Return the newest pass over a flow; ``kind``: the newest of that kind."""
    found = recent(tx, flow, 1, kind)
    return found[0] if found else None


def recent(tx: Transaction, flow: str, limit: int, kind: str | None = None, *, before: int | None = None) -> list[Run]:
    """Return the newest passes over a flow, newest first; ``before``: only those with a smaller number."""
    query = sa.select(tables.run).where(tables.run.c.flow == flow).order_by(tables.run.c.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(tables.run.c.kind == kind)
    if before is not None:
        query = query.where(tables.run.c.id < before)
    return [_run(row) for row in tx.rows(query)]


def began_before(tx: Transaction, flow: str, run: int) -> float:
    """Return when the pass before a pass began, in Unix seconds; 0 if there was none."""
    found = tx.one(_BEGAN, of_flow=flow, this=run)
    return float(found[0]) if found is not None else 0.0


def _run(row: Any) -> Run:
    counts = json.loads(row.counts)
    return Run(row.id, row.flow, row.kind, row.started_at, row.ended_at, row.status, counts, row.message)
