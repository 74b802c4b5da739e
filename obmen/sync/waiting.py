"""What a record may wait for, and the waking of those that waited.

Three things: a binding in a target by key (a stock waits for its card), a binding in a source by native id (a
price read before its product), and another record's own change (a card waits for its price).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from obmen.entities import Record
from obmen.state import outbox, quarantine, tables
from obmen.state.ledger import Transaction


def for_binding(connection: str, entity: str, key: str) -> str:
    """Name the binding of a key in a connection."""
    return f"{connection}/{entity}/{key}"


def for_native(connection: str, entity: str, native_id: str) -> str:
    """Name the binding of a native id in a connection."""
    return f"{connection}/{entity}#{native_id}"


def for_record(connection: str, entity: str, subject: str) -> str:
    """Name what is to be told to a connection of a subject (its price, whichever price type that has)."""
    return f"{connection}:{entity}/{subject}"


def bound(tx: Transaction, connection: str, entity: str, pairs: Mapping[str, str]) -> None:
    """Wake what waited for these bindings (key → native id)."""
    if pairs and _any(tx):
        tokens = [for_binding(connection, entity, key) for key in pairs]
        outbox.wake(tx, tokens)
        tokens += [for_native(connection, entity, native) for native in pairs.values()]
        quarantine.wake(tx, tokens)


def decided(tx: Transaction, connection: str, entity: type[Record], keys: Sequence[str]) -> None:
    """Wake what waited for these records' own changes."""
    if keys and _any(tx):
        tokens = [for_record(connection, entity.entity, entity.subject_of(key)) for key in keys]
        outbox.wake(tx, tokens)
        quarantine.wake(tx, tokens)


def _any(tx: Transaction) -> bool:
    waiting = [
        sa.select(sa.literal(1)).select_from(table).where(table.c.waits_for.is_not(None)).limit(1)
        for table in (tables.outbox, tables.quarantine)
    ]
    return any(tx.one(query) is not None for query in waiting)
