"""Runs: what each pass over a flow did, for people and for the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction


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
    statement = sa.insert(tables.run).values(flow=flow, kind=kind, started_at=tx.now, status="running", message=message)
    key = tx.connection.execute(statement).inserted_primary_key
    return int(key[0]) if key is not None else 0


def end(tx: Transaction, run: int, status: str, counts: Mapping[str, int], message: str = "") -> None:
    """Note how a pass ended; an empty message leaves the one from its beginning."""
    values = {"ended_at": tx.now, "status": status, "counts": json.dumps(dict(counts))}
    if message:
        values["message"] = message
    tx.run(sa.update(tables.run).where(tables.run.c.id == run).values(**values))


def last(tx: Transaction, flow: str) -> Run | None:
    """Return the newest pass over a flow."""
    found = recent(tx, flow, 1)
    return found[0] if found else None


def recent(tx: Transaction, flow: str, limit: int) -> list[Run]:
    """Return the newest passes over a flow, newest first."""
    query = sa.select(tables.run).where(tables.run.c.flow == flow).order_by(tables.run.c.id.desc()).limit(limit)
    return [
        Run(
            row.id,
            row.flow,
            row.kind,
            row.started_at,
            row.ended_at,
            row.status,
            json.loads(row.counts),
            row.message,
        )
        for row in tx.rows(query)
    ]
