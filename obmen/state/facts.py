"""Facts: what happened, as last read, for the reports over all channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from obmen.entities import Record
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_F = tables.fact.c
_COLUMNS = ("connection", "entity", "key", "occurred_at", "canonical", "read_at")
Told = TypeVar("Told", bound=Record)
_WHEN = ("occurred_at", "placed_at")
_BY_KEY = fixed(sa.select(_F.key, _F.canonical).where(given(_F.connection, _F.entity), among(_F.key)))


def save(tx: Transaction, connection: str, records: Sequence[Record]) -> None:
    """Keep records as facts of a connection; a newer one replaces an older one of the same key."""
    rows = [(connection, one.entity, one.key, _when(one), one.encoded(), tx.now) for one in records]
    tx.upsert(tables.fact, _COLUMNS, rows)


def of(
    tx: Transaction, entity: type[Record], *, since: float | None = None, until: float | None = None
) -> Iterator[tuple[str, Record]]:
    """Yield (connection, record) by time; ``since`` and ``until`` in Unix seconds, the latter exclusive."""
    match: list[Any] = [_F.entity == entity.entity]
    if since is not None:
        match.append(_F.occurred_at >= since)
    if until is not None:
        match.append(_F.occurred_at < until)
    query = sa.select(_F.connection, _F.canonical).where(*match).order_by(_F.occurred_at, _F.connection, _F.key)
    for row in tx.connection.execute(query.execution_options(yield_per=500)):
        yield row.connection, entity.decoded(row.canonical)


def read_when(tx: Transaction, entity: type[Told], since: float) -> Iterator[tuple[Told, float]]:
    """Yield what happened since a time, each with when it was read last; both in Unix seconds."""
    query = sa.select(_F.canonical, _F.read_at).where(_F.entity == entity.entity, _F.occurred_at >= since)
    for canonical, read_at in tx.connection.execute(query.execution_options(yield_per=500)):
        yield entity.model_validate_json(canonical), read_at


def by_key(tx: Transaction, connection: str, entity: type[Told], keys: Iterable[str]) -> dict[str, Told]:
    """Return key → record for those of ``keys`` that a connection told."""
    rows = tx.rows(_BY_KEY, of_connection=connection, of_entity=entity.entity, of_key=keys)
    return {key: entity.model_validate_json(canonical) for key, canonical in rows}


def _when(record: Record) -> float | None:
    for name in _WHEN:
        moment = getattr(record, name, None)
        if isinstance(moment, datetime):
            return moment.timestamp()
    return None
