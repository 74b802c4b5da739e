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

from obmen.entities import Record
from obmen.records import Op
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, either, given
from obmen.state.ledger import Transaction

_O = tables.outbox
IN_FLIGHT = ("sent", "accepted")


class Row(msgspec.Struct, frozen=True, gc=False):
    """One decided change.

    ``sent_*`` is what is in flight where a newer decision stands behind it; the rest is the newest decision. With an
    empty ``sent_hash`` the same is said once more. ``reason``: why it waits; of what is in flight, why what stands
    behind it is to be held.
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
    cause: str
    enqueued_at: float
    run: int

    @property
    def id(self) -> tuple[str, int]:
        """What tells it from the others of its entity and connection."""
        return self.key, self.sequence

    @property
    def behind(self) -> bool:
        """Whether a newer decision stands behind what is in flight, or the same is to be said once more."""
        return self.sent_hash is not None and (self.sent_hash != self.hash or self.sent_op != self.op)


def asked(connection: str, flow: str, record: Record) -> Row:
    """Return a row that stands for a record which is only to be asked for in a connection: it is in no outbox."""
    return Row(
        connection=connection, entity=record.entity, key=record.key, sequence=0, flow=flow, state="pending", op="put",
        effect="changed", hash=b"", canonical=record.encoded(), sent_hash=None, sent_canonical=None, sent_op=None,
        attempt=0, not_before=0.0, ticket=None, waits_for=None, reason="", cause="", enqueued_at=0.0, run=0,
    )  # fmt: skip


_KEY = tuple(column.name for column in _O.primary_key)
_ROW = tuple(_O.c[name] for name in Row.__struct_fields__)
_PUT = tuple(
    name
    for name in Row.__struct_fields__
    if name not in {"sent_hash", "sent_canonical", "sent_op", "ticket"}  # what is in flight
)

_RECORDS = sa.and_(given(_O.c.connection, _O.c.entity), among(_O.c.key))
_ROWS = sa.and_(_RECORDS, given(_O.c.sequence))
_ORDER = (_O.c.key, _O.c.sequence)
_IN_STATE = given(_O.c.flow, _O.c.connection, _O.c.state)
_THERE = given(_O.c.flow, _O.c.connection)
_NOW = sa.bindparam("now", type_=_O.c.not_before.type)
_RIPE = sa.and_(_THERE, among(_O.c.state), _O.c.not_before <= _NOW)
_AFTER = sa.tuple_(*_ORDER) > sa.tuple_(*(sa.bindparam(f"after_{one.name}", type_=one.type) for one in _ORDER))
_PAGE = sa.select(*_ROW).where(given(_O.c.entity), _AFTER).order_by(*_ORDER).limit(sa.bindparam("most"))
_EARLIER = _O.alias("earlier")
_BLOCKED = (
    sa.select(sa.literal(1))
    .where(
        _EARLIER.c.connection == _O.c.connection,
        _EARLIER.c.entity == _O.c.entity,
        _EARLIER.c.key == _O.c.key,
        _EARLIER.c.sequence < _O.c.sequence,
    )
    .exists()
)

_P = tables.pause.c
_PAUSED = (
    sa.select(sa.literal(1))
    .where(
        _P.connection == _O.c.connection,
        _P.entity.in_(("", _O.c.entity)),
        sa.or_(_P.direction == "", sa.and_(_P.direction == "write", _O.c.state == "pending")),
    )
    .exists()
)

_TO_GO = either(_O.c.state, "pending", *IN_FLIGHT)
_OF = fixed(sa.select(*_ROW).where(_RECORDS).order_by(*_ORDER))
_ANY_RIPE = fixed(sa.select(sa.literal(1)).where(_RIPE).limit(1))
_DUE = fixed(_PAGE.where(_RIPE, sa.or_(_O.c.sequence == 0, ~_BLOCKED)))
_ALL_RIPE = fixed(sa.select(_O.c.flow, _O.c.connection).where(_TO_GO, _O.c.not_before <= _NOW, ~_PAUSED).distinct())
_LISTING = _PAGE.where(_THERE)
_NEXT_DUE = fixed(sa.select(sa.func.min(_O.c.not_before)).where(_THERE, _TO_GO, _O.c.not_before > _NOW))
_FLYING = fixed(sa.select(*_ORDER).where(_RECORDS, either(_O.c.state, *IN_FLIGHT)))
_COUNTS = sa.select(_O.c.state, sa.func.count()).where(given(_O.c.flow)).group_by(_O.c.state)
_COUNTS_THERE = fixed(_COUNTS.where(given(_O.c.connection)))

_DROP = fixed(sa.delete(_O).where(_ROWS))
_CHANGE = sa.update(_O).where(given(*(_O.c[name] for name in _KEY)))
_LET_GO = sa.update(_O).where(given(_O.c.flow), _O.c.state == "held")
_HOLD = sa.update(_O).where(_IN_STATE).values(state="held", reason=sa.bindparam("why"))
_WAITING = sa.update(_O).where(_O.c.state == "waiting")
_RETRY_WAITING = fixed(_WAITING.where(_THERE).values(state="pending", waits_for=None))
_WAITERS = fixed(
    sa.select(_O.c.waits_for)
    .where(_THERE, _O.c.state == "waiting", _O.c.not_before >= sa.bindparam("since"))
    .distinct()
)
_WAKE = _WAITING.where(among(_O.c.waits_for)).values(state="pending", waits_for=None, not_before=0.0, reason="")
_KEEP_SENT = (  # of what is in flight, since a newer decision is about to take its place
    sa.update(_O)
    .where(_RECORDS, _O.c.state.in_(IN_FLIGHT), sa.or_(_O.c.sent_hash.is_(None), _O.c.sent_hash == b""))
    .values(sent_hash=_O.c.hash, sent_canonical=_O.c.canonical, sent_op=_O.c.op)
)
_RETELL = (
    sa.update(_O)
    .where(_RECORDS, _O.c.state.in_(IN_FLIGHT), _O.c.sent_hash.is_(None))
    .values(sent_hash=b"", sent_canonical=_O.c.canonical, sent_op=_O.c.op)
)
_MARK_SENT = fixed(
    sa.update(_O)
    .where(_ROWS)
    .values(
        state="sent",
        attempt=_O.c.attempt + 1,
        not_before=sa.bindparam("settled"),
        sent_hash=None,
        sent_canonical=None,
        sent_op=None,
        waits_for=None,
        ticket=None,
        reason="",
    )
)


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A change to be put into the outbox. ``cause``: empty where its source changed, else what made it so."""

    key: str
    op: Op
    effect: str
    hash: bytes
    canonical: bytes
    sequence: int = 0
    reason: str = ""
    not_before: float = 0.0
    cause: str = ""


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

    ``fresh``: the guards have yet to speak of them; ``pending``: they may be sent, but for what has a reason to wait.
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
                "held" if one.reason and state == "pending" else state,
                one.op,
                one.effect,
                one.hash,
                one.canonical,
                0,
                one.not_before,
                None,
                one.reason,
                one.cause,
                tx.now,
                run,
            )
        )
    tx.upsert(_O, _PUT, resting)
    if behind:
        tx.run(_KEEP_SENT, of_connection=connection, of_entity=entity, of_key=[row[2] for row in behind])
        tx.upsert(_O, _PUT, behind, keep=("state", "attempt", "not_before", "waits_for"))


def _flying(tx: Transaction, connection: str, entity: str, keys: Sequence[str]) -> set[tuple[str, int]]:
    """Return key and sequence of those rows of these records that are in flight."""
    rows = tx.rows(_FLYING, of_connection=connection, of_entity=entity, of_key=keys)
    return {(key, sequence) for key, sequence in rows}


def drop(tx: Transaction, rows: Sequence[Row]) -> None:
    """Take rows out."""
    for which in _together(rows):
        tx.run(_DROP, **which)


def of(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> list[Row]:
    """Return the rows of these records, steps of one record in order."""
    return [Row(*row) for row in tx.rows(_OF, of_connection=connection, of_entity=entity, of_key=keys)]


def hold(tx: Transaction, flow: str, connection: str, reason: str) -> int:
    """Hold what would be sent next to one target, until a person lets it go; return how many."""
    return tx.run(_HOLD, of_flow=flow, of_connection=connection, of_state="pending", why=reason)


def unhold(tx: Transaction, flow: str, *, reason: str) -> int:
    """Let go what is held for one reason; return how many."""
    return tx.run(_LET_GO.where(_O.c.reason == reason).values(state="pending", reason=""), of_flow=flow)


def force(tx: Transaction, flow: str, rules: str, cause: str) -> int:
    """Let go what guards hold, with a cause of its own; return how many.

    What rules hold stays: its reasons begin with ``rules``.
    """
    guarded = (_O.c.reason != "", ~_O.c.reason.startswith(rules, autoescape=True))
    behind = sa.update(_O).where(given(_O.c.flow), _O.c.state.in_(IN_FLIGHT), *guarded)
    tx.run(behind.values(reason="", cause=cause), of_flow=flow)
    return tx.run(_LET_GO.where(*guarded).values(state="pending", reason="", cause=cause), of_flow=flow)


def counts(tx: Transaction, flow: str, connection: str | None = None) -> dict[str, int]:
    """Return state → how many rows of a flow, or of one of its targets, are in it."""
    whole = connection is None
    rows = tx.rows(_COUNTS, of_flow=flow) if whole else tx.rows(_COUNTS_THERE, of_flow=flow, of_connection=connection)
    return {str(name): int(number) for name, number in rows}


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
    ripe = {"of_flow": flow, "of_connection": connection, "of_state": states, "now": tx.now}
    if tx.one(_ANY_RIPE, **ripe) is None:
        return []
    key, sequence = after
    rows = tx.rows(_DUE, **ripe, of_entity=entity, after_key=key, after_sequence=sequence, most=limit)
    return [Row(*row) for row in rows]


def listing(
    tx: Transaction,
    flow: str,
    connection: str,
    entity: str,
    after: tuple[str, int] = ("", -1),
    limit: int = 1000,
) -> list[Row]:
    """Return a flow's rows for one target by key, from after the given one on: a page for lists and plans."""
    which = {"of_connection": connection, "of_entity": entity, "of_flow": flow}
    rows = tx.rows(_LISTING, **which, after_key=after[0], after_sequence=after[1], most=limit)
    return [Row(*row) for row in rows]


def next_due(tx: Transaction, flow: str, connection: str, after: float) -> float | None:
    """Return when the next row's time comes that had not come at ``after`` (both Unix seconds), if any."""
    value = tx.rows(_NEXT_DUE, of_flow=flow, of_connection=connection, now=after)[0][0]
    return float(value) if value is not None else None


def ripe(tx: Transaction) -> list[tuple[str, str]]:
    """Return the flows that have something whose time has come, each with the connection that it is for.

    What a person has paused is left out; what was sent is still asked after, unless both directions are paused.
    """
    return [(flow, connection) for flow, connection in tx.rows(_ALL_RIPE, now=tx.now)]


def mark_sent(tx: Transaction, rows: Sequence[Row], settle: float) -> list[Row]:
    """Note, before the call, what is about to be said; return the rows as they now stand.

    A row about which something else was decided since it was read is left out. If no outcome follows, they are looked
    into ``settle`` seconds later, when a late effect has landed.
    """
    rows = unmoved(tx, rows)
    for which in _together(rows):
        tx.run(_MARK_SENT, **which, settled=tx.now + settle)
    return [
        msgspec.structs.replace(
            row, state="sent", attempt=row.attempt + 1, sent_hash=None, sent_canonical=None, sent_op=None, reason=""
        )
        for row in rows
    ]


def unmoved(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    """Return those rows about which nothing else was decided since they were read."""
    now = current(tx, rows)
    return [row for row in rows if (one := now.get(row.id)) is not None and _same(one, row)]


def current(tx: Transaction, rows: Sequence[Row]) -> dict[tuple[str, int], Row]:
    """Return key and sequence → row, as they stand now; of rows of one entity in one connection."""
    if not rows:
        return {}
    found = of(tx, rows[0].connection, rows[0].entity, [row.key for row in rows])
    return {row.id: row for row in found}


def _same(one: Row, other: Row) -> bool:
    return (one.state, one.op, one.hash, one.flow) == (other.state, other.op, other.hash, other.flow)


def retell(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> None:
    """Have what is in flight said once more when it has landed, for it may meet another state than was thought."""
    tx.run(_RETELL, of_connection=connection, of_entity=entity, of_key=keys)


def retry_waiting(tx: Transaction, flow: str, connection: str) -> None:
    """Make waiting rows pending, so that what they wait for is looked up once more."""
    tx.run(_RETRY_WAITING, of_flow=flow, of_connection=connection)


def waiting_since(tx: Transaction, flow: str, connection: str, since: float) -> list[str]:
    """Return what rows wait for that have begun to since a time, in Unix seconds."""
    rows = tx.rows(_WAITERS, of_flow=flow, of_connection=connection, since=since)
    return [row[0] for row in rows if row[0]]


def change(tx: Transaction, row: Row, **values: Any) -> None:
    """Set columns of one row."""
    change_all(tx, [(row, values)])


def change_all(tx: Transaction, changes: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
    """Set columns, each row's own; those of rows that change the same columns are set together."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row, values in changes:
        groups.setdefault(tuple(values), []).append({f"of_{name}": getattr(row, name) for name in _KEY} | {**values})
    for parameters in groups.values():
        tx.run(_CHANGE, parameters)


def wake(tx: Transaction, tokens: Sequence[str]) -> int:
    """Make pending what waited for any of these; return how many."""
    return tx.run(_WAKE, of_waits_for=tokens)


def wake_under(tx: Transaction, start: str) -> None:
    """Make pending what waited for anything whose name begins so."""
    woken = {"state": "pending", "waits_for": None, "not_before": 0.0, "reason": ""}
    tx.run(_WAITING.where(_O.c.waits_for.startswith(start, autoescape=True)).values(**woken))


def _together(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield values for ``_ROWS`` that together match exactly these rows."""
    groups: dict[tuple[str, str, int], list[str]] = {}
    for row in rows:
        groups.setdefault((row.connection, row.entity, row.sequence), []).append(row.key)
    for (connection, entity, sequence), keys in groups.items():
        yield {"of_connection": connection, "of_entity": entity, "of_sequence": sequence, "of_key": keys}
