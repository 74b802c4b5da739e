"""The quarantine: records that cannot go on as they are, each with its reason and its payload.

Stages: ``pull`` (the native record could not be understood; ``raw`` holds it), ``push`` (it could not be put
into the target's words), ``deliver`` (the peer refused it). States: ``open`` (for a person), ``waiting`` (for
another record to be bound), ``due`` (to be tried again at the next run), ``closed``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from obmen.records import Op
from obmen.state import tables
from obmen.state.ledger import Transaction

_Q = tables.quarantine


@dataclass(frozen=True, slots=True)
class Entry:
    """One record set aside. ``connection`` is the target, or the source for stage ``pull``."""

    id: int
    flow: str
    connection: str
    entity: str
    stage: str
    state: str
    key: str
    source: str
    code: str
    message: str
    op: Op
    raw: bytes | None
    canonical: bytes | None
    fingerprint: bytes | None
    waits_for: str | None
    created_at: float
    run: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A record to be set aside."""

    stage: str
    code: str
    message: str
    key: str = ""
    source: str = ""
    op: Op = "put"
    raw: bytes | None = None
    canonical: bytes | None = None
    fingerprint: bytes | None = None
    waits_for: str | None = None
    state: str = "open"


def add(tx: Transaction, flow: str, connection: str, entity: str, problems: Sequence[Problem], run: int) -> None:
    """Set records aside; an older entry for the same record and stage is replaced."""
    if not problems:
        return
    pulled = [one.source for one in problems if one.stage == "pull"]
    close(tx, flow, stage="pull", sources=pulled)
    close(
        tx,
        flow,
        stage="deliver",
        connection=connection,
        keys=[one.key for one in problems if one.stage != "pull"],
    )
    rows = [
        {
            "flow": flow,
            "connection": connection,
            "entity": entity,
            "stage": one.stage,
            "state": one.state,
            "key": one.key,
            "source": one.source,
            "code": one.code,
            "message": one.message,
            "op": one.op,
            "raw": one.raw,
            "canonical": one.canonical,
            "fingerprint": one.fingerprint,
            "waits_for": one.waits_for,
            "created_at": tx.now,
            "run": run,
        }
        for one in problems
    ]
    tx.connection.execute(sa.insert(_Q), rows)


def close(
    tx: Transaction,
    flow: str,
    *,
    stage: str,
    sources: Iterable[str] = (),
    keys: Iterable[str] = (),
    connection: str | None = None,
) -> None:
    """Close what these records' success, or a newer entry, made obsolete."""
    for column, values in ((_Q.c.source, sources), (_Q.c.key, keys)):
        wanted = set(values)
        if not wanted:
            continue
        match = [_Q.c.flow == flow, _Q.c.state != "closed", tx.among(column, wanted)]
        match.append(_Q.c.stage == "pull" if stage == "pull" else _Q.c.stage != "pull")
        if connection is not None:
            match.append(_Q.c.connection == connection)
        tx.run(sa.update(_Q).where(*match).values(state="closed", raw=None, canonical=None, waits_for=None))


def entries(
    tx: Transaction,
    *,
    flow: str | None = None,
    states: Sequence[str] = ("open",),
    after: int = 0,
    limit: int = 1000,
) -> list[Entry]:
    """Return entries by number, from after the given one on."""
    query = sa.select(_Q).where(_Q.c.state.in_(states), _Q.c.id > after).order_by(_Q.c.id).limit(limit)
    if flow is not None:
        query = query.where(_Q.c.flow == flow)
    return [_entry(row) for row in tx.rows(query)]


def get(tx: Transaction, number: int) -> Entry | None:
    """Return one entry."""
    row = tx.one(sa.select(_Q).where(_Q.c.id == number))
    return _entry(row) if row is not None else None


def set_state(tx: Transaction, numbers: Sequence[int], state: str) -> int:
    """Move entries to another state; return how many. One that is closed gives up what it held."""
    values = {"raw": None, "canonical": None, "waits_for": None} if state == "closed" else {}
    return tx.run(sa.update(_Q).where(tx.among(_Q.c.id, numbers)).values(state=state, **values))


def wake(tx: Transaction, tokens: Sequence[str]) -> int:
    """Make due what waited for any of these."""
    return tx.run(
        sa.update(_Q)
        .where(tx.among(_Q.c.waits_for, tokens), _Q.c.state.in_(("open", "waiting")))
        .values(state="due", waits_for=None)
    )


def counts(tx: Transaction, flow: str) -> dict[str, int]:
    """Return state → how many entries of a flow are in it, the closed ones left out."""
    query = sa.select(_Q.c.state, sa.func.count()).where(_Q.c.flow == flow, _Q.c.state != "closed").group_by(_Q.c.state)
    return {str(state): int(number) for state, number in tx.rows(query)}


def any_open(tx: Transaction, flow: str) -> bool:
    """Whether anything of a flow lies here."""
    query = sa.select(_Q.c.id).where(_Q.c.flow == flow, _Q.c.state != "closed")
    return tx.one(query.limit(1)) is not None


def has_unreadable(tx: Transaction, flow: str) -> bool:
    """Whether a record lies here of which not even the id could be read, so none may be taken for gone."""
    query = sa.select(_Q.c.id).where(_Q.c.flow == flow, _Q.c.state == "open", _Q.c.stage == "pull", _Q.c.source == "")
    return tx.one(query.limit(1)) is not None


def reconsider_duplicates(tx: Transaction, flow: str) -> None:
    """Make due what claimed another record's key, where that record no longer has it."""
    owner = sa.select(sa.literal(1)).where(
        tables.record.c.flow == _Q.c.flow,
        tables.record.c.key == _Q.c.key,
        tables.record.c.source != _Q.c.source,
    )
    tx.run(
        sa.update(_Q)
        .where(_Q.c.flow == flow, _Q.c.state == "open", _Q.c.code == "duplicate_key", ~owner.exists())
        .values(state="due")
    )


def refused(tx: Transaction, flow: str, connection: str, keys: Iterable[str]) -> dict[str, bytes]:
    """Return key → hash of the payload that lies in quarantine, so that it is not sent again as it is."""
    query = sa.select(_Q.c.key, _Q.c.fingerprint).where(
        _Q.c.flow == flow,
        _Q.c.connection == connection,
        _Q.c.state == "open",
        _Q.c.stage == "deliver",
        tx.among(_Q.c.key, keys),
    )
    return {key: fingerprint for key, fingerprint in tx.rows(query) if fingerprint}


def contested(tx: Transaction, flow: str, sources: Iterable[str]) -> set[str]:
    """Return those native ids that two records claim."""
    query = sa.select(_Q.c.source).where(
        _Q.c.flow == flow, _Q.c.state == "open", _Q.c.code == "duplicate_id", tx.among(_Q.c.source, sources)
    )
    return {row.source for row in tx.rows(query)}


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented mapping of a row
