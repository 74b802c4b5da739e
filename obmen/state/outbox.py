"""The outbox: what was decided and not yet confirmed. A dirty set, so it never outgrows the records.

States: ``fresh`` (the read has not ended, so the guards have not spoken), ``held`` (a guard said no),
``pending`` (to be sent once ``not_before`` has passed), ``waiting`` (for another record), ``sent`` (in
flight; after a restart: in doubt), ``accepted`` (the peer works on it under ``ticket``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from obmen.records import Op
from obmen.state import tables
from obmen.state.ledger import Transaction

_O = tables.outbox
IN_FLIGHT = ("sent", "accepted")


class Row(msgspec.Struct, frozen=True, gc=False):
    """One decided change.

    ``sent_*`` is what is in flight where a newer decision stands behind it; the rest is the newest decision.
    """

    connection: str
    entity: str
    key: str
    sequence: int
    flow: str
    state: str
    op: Op
    effect: str
    hash: bytes
    canonical: bytes
    sent_hash: bytes | None
    sent_canonical: bytes | None
    sent_op: Op | None
    attempt: int
    not_before: float
    ticket: str | None
    waits_for: str | None
    reason: str
    enqueued_at: float
    run: int


_KEY = tuple(column.name for column in _O.primary_key)
_ROW = tuple(_O.c[name] for name in Row.__struct_fields__)
_PUT = tuple(
    name
    for name in Row.__struct_fields__
    if name not in {"sent_hash", "sent_canonical", "sent_op", "ticket"}  # what is in flight
)


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A change to be put into the outbox."""

    key: str
    op: Op
    effect: str
    hash: bytes
    canonical: bytes
    sequence: int = 0
    reason: str = ""
    not_before: float = 0.0


def put(
    tx: Transaction,
    flow: str,
    connection: str,
    entity: str,
    decided: Sequence[Decided],
    run: int,
    *,
    state: Literal["fresh", "pending"] = "fresh",
) -> None:
    """Put changes in; one that is not yet in flight is replaced, one in flight follows when that has landed.

    ``fresh``: the guards have yet to speak of them; ``pending``: they may be sent.
    """
    flying = _flying(tx, connection, entity, [one.key for one in decided])
    resting: list[tuple[Any, ...]] = []
    behind: list[tuple[Any, ...]] = []
    for one in decided:
        (behind if (one.key, one.sequence) in flying else resting).append(
            (
                connection,
                entity,
                one.key,
                one.sequence,
                flow,
                state,
                one.op,
                one.effect,
                one.hash,
                one.canonical,
                0,
                one.not_before,
                None,
                one.reason,
                tx.now,
                run,
            )
        )
    tx.upsert(_O, _PUT, resting)
    if behind:
        _keep_sent(tx, connection, entity, [row[2] for row in behind])
        tx.upsert(_O, _PUT, behind, keep=("state", "attempt", "not_before", "waits_for", "reason"))


def _keep_sent(tx: Transaction, connection: str, entity: str, keys: Sequence[str]) -> None:
    """Copy what is in flight of these records, since a newer decision is about to take its place."""
    match = (_O.c.connection == connection, _O.c.entity == entity, tx.among(_O.c.key, keys))
    values = {"sent_hash": _O.c.hash, "sent_canonical": _O.c.canonical, "sent_op": _O.c.op}
    tx.run(sa.update(_O).where(*match, _O.c.state.in_(IN_FLIGHT), _O.c.sent_hash.is_(None)).values(values))


def _flying(tx: Transaction, connection: str, entity: str, keys: Sequence[str]) -> set[tuple[str, int]]:
    """Return key and sequence of those rows of these records that are in flight."""
    query = sa.select(_O.c.key, _O.c.sequence).where(
        _O.c.connection == connection,
        _O.c.entity == entity,
        tx.among(_O.c.key, keys),
        _O.c.state.in_(IN_FLIGHT),
    )
    return {(key, sequence) for key, sequence in tx.rows(query)}


def drop(tx: Transaction, rows: Sequence[Row]) -> None:
    """Take rows out."""
    for match in _matches(tx, rows):
        tx.run(sa.delete(_O).where(match))


def of(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> list[Row]:
    """Return the rows of these records, steps of one record in order."""
    query = (
        sa.select(*_ROW)
        .where(_O.c.connection == connection, _O.c.entity == entity, tx.among(_O.c.key, keys))
        .order_by(_O.c.key, _O.c.sequence)
    )
    return [Row(*row) for row in tx.rows(query)]


def release(tx: Transaction, flow: str, connection: str, holding: Mapping[str, str]) -> None:
    """Let the guards' verdict fall on the fresh rows: those whose effect is in ``holding`` are held.

    The value is the reason. A row that has a reason of its own is held with that.
    """
    fresh = sa.and_(_O.c.flow == flow, _O.c.connection == connection, _O.c.state == "fresh")
    for effect, reason in holding.items():
        match = fresh if effect == "*" else sa.and_(fresh, _O.c.effect == effect)
        tx.run(sa.update(_O).where(match).values(state="held", reason=reason))
    state = sa.case((_O.c.reason != "", "held"), else_="pending")
    tx.run(sa.update(_O).where(fresh).values(state=state))


def hold(tx: Transaction, flow: str, connection: str, reason: str) -> int:
    """Hold what would be sent next to one target, until a person lets it go; return how many."""
    pending = sa.and_(_O.c.flow == flow, _O.c.connection == connection, _O.c.state == "pending")
    return tx.run(sa.update(_O).where(pending).values(state="held", reason=reason))


def unhold(tx: Transaction, flow: str, *, reason: str | None = None) -> int:
    """Let go what is held, for one reason or for any; return how many."""
    held = [_O.c.flow == flow, _O.c.state == "held"]
    if reason is not None:
        held.append(_O.c.reason == reason)
    return tx.run(sa.update(_O).where(*held).values(state="pending", reason=""))


def effects(tx: Transaction, flow: str, connection: str, state: str) -> dict[str, int]:
    """Return effect → how many rows have it."""
    query = (
        sa.select(_O.c.effect, sa.func.count())
        .where(_O.c.flow == flow, _O.c.connection == connection, _O.c.state == state)
        .group_by(_O.c.effect)
    )
    return {str(name): int(number) for name, number in tx.rows(query)}


def counts(tx: Transaction, flow: str, connection: str | None = None) -> dict[str, int]:
    """Return state → how many rows of a flow, or of one of its targets, are in it."""
    query = sa.select(_O.c.state, sa.func.count()).where(_O.c.flow == flow).group_by(_O.c.state)
    if connection is not None:
        query = query.where(_O.c.connection == connection)
    return {str(name): int(number) for name, number in tx.rows(query)}


def due(
    tx: Transaction,
    flow: str,
    connection: str,
    entity: str,
    states: Sequence[str],
    limit: int,
    after: tuple[str, int] = ("", -1),
) -> list[Row]:
    """Return rows whose time has come, by key, from after the given one on; of one record its earliest step."""
    ripe = (_O.c.flow == flow, _O.c.connection == connection, _O.c.state.in_(states), _O.c.not_before <= tx.now)
    if tx.one(sa.select(sa.literal(1)).where(*ripe).limit(1)) is None:
        return []
    earlier = _O.alias("earlier")
    blocked = (
        sa.select(sa.literal(1))
        .where(
            earlier.c.connection == _O.c.connection,
            earlier.c.entity == _O.c.entity,
            earlier.c.key == _O.c.key,
            earlier.c.sequence < _O.c.sequence,
        )
        .exists()
    )
    query = (
        sa.select(*_ROW)
        .where(
            *ripe,
            _O.c.entity == entity,
            sa.tuple_(_O.c.key, _O.c.sequence) > sa.tuple_(*after),
            sa.or_(_O.c.sequence == 0, ~blocked),
        )
        .order_by(_O.c.key, _O.c.sequence)
        .limit(limit)
    )
    return [Row(*row) for row in tx.rows(query)]


def listing(
    tx: Transaction,
    flow: str,
    connection: str,
    entity: str,
    after: tuple[str, int] = ("", -1),
    limit: int = 1000,
) -> list[Row]:
    """Return a flow's rows for one target by key, from after the given one on: a page for lists and plans."""
    query = (
        sa.select(*_ROW)
        .where(
            _O.c.connection == connection,
            _O.c.entity == entity,
            _O.c.flow == flow,
            sa.tuple_(_O.c.key, _O.c.sequence) > sa.tuple_(*after),
        )
        .order_by(_O.c.key, _O.c.sequence)
        .limit(limit)
    )
    return [Row(*row) for row in tx.rows(query)]


def next_due(tx: Transaction, flow: str, connection: str, after: float) -> float | None:
    """Return when the next row's time comes that had not come at ``after`` (both Unix seconds), if any."""
    query = sa.select(sa.func.min(_O.c.not_before)).where(
        _O.c.flow == flow,
        _O.c.connection == connection,
        _O.c.state.in_(("pending", *IN_FLIGHT)),
        _O.c.not_before > after,
    )
    value = tx.rows(query)[0][0]
    return float(value) if value is not None else None


def mark_sent(tx: Transaction, rows: Sequence[Row], settle: float) -> list[Row]:
    """Note, before the call, what is about to be said; return the rows as they now stand.

    If no outcome follows, they are looked into ``settle`` seconds later, when a late effect has landed.
    """
    values = {
        "state": "sent",
        "attempt": _O.c.attempt + 1,
        "not_before": tx.now + settle,
        "sent_hash": None,
        "sent_canonical": None,
        "sent_op": None,
        "waits_for": None,
        "ticket": None,
    }
    for match in _matches(tx, rows):
        tx.run(sa.update(_O).where(match).values(values))
    return [
        msgspec.structs.replace(
            row, state="sent", attempt=row.attempt + 1, sent_hash=None, sent_canonical=None, sent_op=None
        )
        for row in rows
    ]


def retry_waiting(tx: Transaction, flow: str, connection: str) -> None:
    """Make waiting rows pending, so that what they wait for is looked up once more."""
    match = (_O.c.flow == flow, _O.c.connection == connection, _O.c.state == "waiting")
    tx.run(sa.update(_O).where(*match).values(state="pending", waits_for=None))


def change(tx: Transaction, row: Row, **values: Any) -> None:
    """Set columns of one row."""
    change_all(tx, [(row, values)])


def change_all(tx: Transaction, changes: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
    """Set columns, each row's own; those of rows that change the same columns are set together."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row, values in changes:
        groups.setdefault(tuple(values), []).append({f"of_{name}": getattr(row, name) for name in _KEY} | {**values})
    for parameters in groups.values():
        tx.run(sa.update(_O).where(*(_O.c[name] == sa.bindparam(f"of_{name}") for name in _KEY)), parameters)


def wake(tx: Transaction, tokens: Sequence[str]) -> int:
    """Make pending what waited for any of these; return how many."""
    return tx.run(
        sa.update(_O)
        .where(tx.among(_O.c.waits_for, tokens), _O.c.state == "waiting")
        .values(state="pending", waits_for=None, not_before=0.0, reason="")
    )


def _matches(tx: Transaction, rows: Sequence[Row]) -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions that together match exactly these rows."""
    groups: dict[tuple[str, str, int], list[str]] = {}
    for row in rows:
        groups.setdefault((row.connection, row.entity, row.sequence), []).append(row.key)
    for (connection, entity, sequence), keys in groups.items():
        yield sa.and_(
            _O.c.connection == connection,
            _O.c.entity == entity,
            _O.c.sequence == sequence,
            tx.among(_O.c.key, keys),
        )
