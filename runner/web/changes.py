"""What is decided of a flow's records, and what a run did to them, field by field and a page at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from obmen.project import FlowSettings
from obmen.state import Transaction, agreed, runs, tables, written
from obmen.state.outbox import Row
from obmen.state.runs import Run
from obmen.state.written import Written
from runner.web import values

_O, _A, _Q = tables.outbox.c, tables.agreed.c, tables.quarantine.c
PAGE = 50
MOST_GROUPS = 30


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Changes that guards hold for one reason. Times are Unix seconds."""

    connection: str
    reason: str
    effect: str
    count: int
    since: float
    example: str

    @property
    def id(self) -> str:
        """What a form calls it by."""
        parts = "\0".join((self.connection, self.effect, self.reason))
        return hashlib.sha256(parts.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Change:
    """One decided change: ``fields`` is name → (what the target last confirmed, what it is to be)."""

    row: Row
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A record as a target confirmed it."""

    connection: str
    key: str
    at: float
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wrote:
    """A record as it was written: ``fields`` is name → (what stood there before, what after)."""

    connection: str
    entity: str
    key: str
    at: float
    run: int
    cause: str
    fields: dict[str, tuple[Any, Any]]


def held(tx: Transaction, flow: str) -> list[HeldGroup]:
    """Return what guards hold of a flow, by reason, the largest groups first; ``MOST_GROUPS`` at most."""
    columns = (_O.connection, _O.reason, _O.effect)
    count, since, example = sa.func.count(), sa.func.min(_O.enqueued_at), sa.func.min(_O.key)
    query = (
        sa.select(*columns, count, since, example)
        .where(_O.flow == flow, _O.state == "held")
        .group_by(*columns)
        .order_by(count.desc(), _O.reason)
        .limit(MOST_GROUPS)
    )
    return [HeldGroup(*row) for row in tx.rows(query)]


def by_target(tx: Transaction, flow: str) -> dict[str, dict[str, int]]:
    """Return target → state → how many records of a flow are decided and not confirmed."""
    query = sa.select(_O.connection, _O.state, sa.func.count()).where(_O.flow == flow)
    found: dict[str, dict[str, int]] = {}
    for connection, state, count in tx.rows(query.group_by(_O.connection, _O.state)):
        found.setdefault(connection, {})[state] = int(count)
    return found


def decided(
    tx: Transaction,
    flow: str,
    *,
    state: str = "",
    reason: str = "",
    run: int | None = None,
    after: tuple[str, str, str, int] | None = None,
    limit: int = PAGE,
) -> list[Change]:
    """Return decided changes in the order of their keys, from after the given one on."""
    key = (_O.connection, _O.entity, _O.key, _O.sequence)
    query = sa.select(*(_O[name] for name in Row.__struct_fields__)).where(_O.flow == flow).order_by(*key).limit(limit)
    for column, value in ((_O.state, state), (_O.reason, reason), (_O.run, run)):
        if value not in ("", None):
            query = query.where(column == value)
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
    return _compared(tx, [Row(*row) for row in tx.rows(query)])


def release(tx: Transaction, flow: str, group: HeldGroup) -> int:
    """Let go exactly what is held at one target for one reason; return how many."""
    match = (_O.flow == flow, _O.connection == group.connection, _O.effect == group.effect, _O.reason == group.reason)
    return tx.run(sa.update(tables.outbox).where(*match, _O.state == "held").values(state="pending", reason=""))


def run(tx: Transaction, number: int) -> Run | None:
    """Return one run."""
    return runs.get(tx, number)


def runs_before(tx: Transaction, flow: str, before: int | None, limit: int) -> list[Run]:
    """Return runs of a flow, newest first; ``before``: only those with a smaller number."""
    return runs.recent(tx, flow, limit, before=before)


def wrote(tx: Transaction, run: int, limit: int = PAGE) -> list[Wrote]:
    """Return what a run wrote, field by field, in the order of writing; of a run of long ago nothing is known."""
    return [of_written(one) for one in written.of_run(tx, run, limit=limit)]


def of_written(one: Written) -> Wrote:
    """Say what was written field by field."""
    fields = values.differences(one.entity, one.before, one.after)
    return Wrote(one.connection, one.entity, one.key, one.at, one.run, one.cause, fields)


def confirmed(tx: Transaction, flow: FlowSettings, run: int, *, personal: bool, limit: int = PAGE) -> list[Confirmed]:
    """Return what targets confirmed in a run and is still as it was confirmed then."""
    query = (
        sa.select(_A.connection, _A.key, _A.agreed_at, _A.canonical)
        .where(_A.connection.in_(flow.targets), _A.entity == flow.entity, _A.run == run)
        .limit(limit)
    )
    return [
        Confirmed(connection, key, at, values.fields(flow.entity, canonical, personal=personal))
        for connection, key, at, canonical in tx.rows(query)
    ]


def set_aside(tx: Transaction, flow: str, run: int, limit: int = PAGE) -> Sequence[Any]:
    """Return (number, key, source, code, message, state) of what a run of a flow set aside."""
    columns = (_Q.id, _Q.key, _Q.source, _Q.code, _Q.message, _Q.state)
    return tx.rows(sa.select(*columns).where(_Q.flow == flow, _Q.run == run).order_by(_Q.id).limit(limit))


def _compared(tx: Transaction, rows: Sequence[Row]) -> list[Change]:
    before: dict[tuple[str, str, str], bytes] = {}
    for connection, entity in {(row.connection, row.entity) for row in rows}:
        keys = [row.key for row in rows if (row.connection, row.entity) == (connection, entity)]
        for key, one in agreed.of(tx, connection, entity, keys).items():
            before[connection, entity, key] = one.canonical
    return [
        Change(row, values.differences(row.entity, before.get((row.connection, row.entity, row.key)), row.canonical))
        for row in rows
    ]
