"""What a record may wait for, and the waking of those that waited.

Three things: a binding in a target by key (a stock waits for its card), a binding in a source by native id (a
price read before its product), and another record's own change (a card waits for its price).

What is waited for may come just between the look for it and the note that it is missing, since flows run at the same
time; then nobody would wake the record ever. So what has begun to wait is looked for once more by the next run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa

from obmen.entities import Record
from obmen.state import bindings, outbox, quarantine, runs, tables
from obmen.state.fixed import fixed
from obmen.state.ledger import Transaction
from obmen.sync.flow import Flow

_WAITING = tuple(
    fixed(sa.select(sa.literal(1)).select_from(table).where(table.c.waits_for.is_not(None)).limit(1))
    for table in (tables.outbox, tables.quarantine)
)

_BINDING = re.compile(r"(?P<connection>[^/:]+)/(?P<entity>\w+)(?P<mark>[/#])(?P<id>.+)", re.DOTALL)
"""What ``for_binding`` and ``for_native`` give: no connection and no entity has any of these marks in its name."""

_ANY = re.compile(r"([^/:]+)[/:](\w+)[/#](.+)", re.DOTALL)


def for_binding(connection: str, entity: str, key: str) -> str:
    """Name the binding of a key in a connection."""
    return f"{connection}/{entity}/{key}"


def for_native(connection: str, entity: str, native_id: str) -> str:
    """Name the binding of a native id in a connection."""
    return f"{connection}/{entity}#{native_id}"


def for_record(connection: str, entity: str, subject: str) -> str:
    """Name what is to be told to a connection of a subject (its price, whichever price type that has)."""
    return f"{connection}:{entity}/{subject}"


def named(token: str) -> tuple[str, str, str] | None:
    """Return connection, entity and key (or native id, or subject) of what any of these names."""
    found = _ANY.fullmatch(token)
    return (found[1], found[2], found[3]) if found is not None else None


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


def released(tx: Transaction, connection: str, entity: str) -> None:
    """Wake what waited for any record of an entity, since some of them may now be told."""
    if _any(tx):
        outbox.wake_under(tx, for_record(connection, entity, ""))


def missed(tx: Transaction, flow: Flow, run: int) -> None:
    """Wake what has begun to wait in this run of a flow, or since the one before it began, for what is there by now."""
    since = runs.began_before(tx, flow.name, run)
    tokens = quarantine.waiting_since(tx, flow.name, since)
    for target in flow.targets:
        tokens += outbox.waiting_since(tx, flow.name, target.name, since)
    come = list(_come(tx, tokens))
    if come:
        outbox.wake(tx, come)
        quarantine.wake(tx, come)


def _come(tx: Transaction, tokens: Iterable[str]) -> Iterator[str]:
    """Yield those that name a binding which stands."""
    by_key: dict[tuple[str, str], list[str]] = {}
    by_native: dict[tuple[str, str], list[str]] = {}
    for token in dict.fromkeys(tokens):
        named = _BINDING.fullmatch(token)
        if named is not None:
            group = by_native if named["mark"] == "#" else by_key
            group.setdefault((named["connection"], named["entity"]), []).append(named["id"])
    for (connection, entity), keys in by_key.items():
        for key in bindings.native_ids(tx, connection, entity, keys):
            yield for_binding(connection, entity, key)
    for (connection, entity), ids in by_native.items():
        for native_id in bindings.keys(tx, connection, entity, ids):
            yield for_native(connection, entity, native_id)


def _any(tx: Transaction) -> bool:
    return any(tx.one(query) is not None for query in _WAITING)
