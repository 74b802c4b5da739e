"""Hints: which records a source said have changed, kept until every flow that reads them has looked.

The source forgets what it told once that is acknowledged; so the hints and the mark up to which they were
told are written in one transaction, and only then acknowledged. A hint names a record and holds nothing of
it: the record is fetched anew, and hearing of it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.given import given
from obmen.state.ledger import Transaction

_F, _H = tables.feed.c, tables.hint.c
_FEED = sa.select(tables.feed).where(given(_F.connection))
_NEXT = (
    sa.select(_H.native_id, _H.number)
    .where(given(_H.connection, _H.entity), _H.number > sa.bindparam("after"))
    .order_by(_H.number)
    .limit(sa.bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Feed:
    """How far a connection was listened to: ``number`` is that of its newest hint."""

    cursor: str | None = None
    acknowledged: bool = True
    number: int = 0


@dataclass(frozen=True, slots=True)
class Hint:
    """A record that changed; hints of one connection are numbered in the order in which they came."""

    native_id: str
    number: int


def feed(tx: Transaction, connection: str) -> Feed:
    """Return how far a connection was listened to."""
    row = tx.one(_FEED, of_connection=connection)
    return Feed() if row is None else Feed(row.cursor, bool(row.acknowledged), row.number)


def save_feed(tx: Transaction, connection: str, state: Feed) -> None:
    """Keep how far a connection was listened to."""
    row = (connection, state.cursor, int(state.acknowledged), state.number)
    tx.upsert(tables.feed, ("connection", "cursor", "acknowledged", "number"), [row])


def add(tx: Transaction, connection: str, entity: str, native_ids: Iterable[str], number: int) -> int:
    """Note that records changed, numbered from after ``number``; return the last number given."""
    rows = []
    for native_id in dict.fromkeys(native_ids):
        number += 1
        rows.append((connection, entity, native_id, number))
    tx.upsert(tables.hint, ("connection", "entity", "native_id", "number"), rows)
    return number


def after(tx: Transaction, connection: str, entity: str, number: int, limit: int) -> list[Hint]:
    """Return the next hints after a number."""
    rows = tx.rows(_NEXT, of_connection=connection, of_entity=entity, after=number, most=limit)
    return [Hint(*row) for row in rows]


def prune(tx: Transaction, connection: str, entity: str, flows: Collection[str]) -> None:
    """Forget the hints that all of these flows have read; one that never listened needs none."""
    heard = tables.checkpoint.c.heard
    lowest = tx.one(sa.select(sa.func.min(heard)).where(tables.checkpoint.c.flow.in_(flows), heard.is_not(None)))
    if lowest is not None and lowest[0] is not None:
        match = (_H.connection == connection, _H.entity == entity, _H.number <= lowest[0])
        tx.run(sa.delete(tables.hint).where(*match))


def lose(tx: Transaction, flows: Collection[str]) -> None:
    """Make these flows read everything again, because the source no longer knows what it told."""
    values = {"heard": None, "epoch": tables.checkpoint.c.epoch + 1}
    tx.run(sa.update(tables.checkpoint).where(tables.checkpoint.c.flow.in_(flows)).values(values))
