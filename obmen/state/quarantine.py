"""The quarantine: records that cannot go on as they are, each with its reason and its payload.

Stages: ``pull`` (the native record could not be understood; ``raw`` holds it), ``push`` (it could not be put
into the target's words), ``deliver`` (the peer refused it). States: ``open`` (for a person), ``waiting`` (for
another record to be bound), ``due`` (to be tried again at the next run), ``closed``. And ``elsewhere``: it is about a
record that belongs to none of ours, so it is no problem, is neither shown nor counted here, and is kept only lest that
record turn out to be ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from obmen.errors import LATE_CANCEL
from obmen.records import Op
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, either, given
from obmen.state.ledger import Transaction

_Q = tables.quarantine
_CAUSE = (_Q.c.flow, _Q.c.connection, _Q.c.entity, _Q.c.stage, _Q.c.code, _Q.c.state)
_PAYLOADS = frozenset({"raw", "canonical"})
_CLOSED = {"state": "closed", "raw": None, "canonical": None, "waits_for": None}
UNSETTLED = ("open", "waiting", "due")
"""The states of what lies here still."""
_UNCLOSED = sa.and_(given(_Q.c.flow), _Q.c.state != "closed")
_OPEN = sa.and_(given(_Q.c.flow), _Q.c.state == "open")
_ANY = fixed(sa.select(_Q.c.id).where(_UNCLOSED).limit(1))
_UNREADABLE = fixed(sa.select(_Q.c.id).where(_OPEN, _Q.c.stage == "pull", _Q.c.source == "").limit(1))
_COUNTS = fixed(sa.select(_Q.c.state, sa.func.count()).where(_UNCLOSED, _Q.c.state != "elsewhere").group_by(_Q.c.state))
_ELSEWHERE = sa.select(_Q.c.source, _Q.c.fingerprint).where(
    given(_Q.c.flow), _Q.c.state == "elsewhere", among(_Q.c.source)
)
_CONTESTED = sa.select(_Q.c.source).where(_OPEN, _Q.c.code == "duplicate_id", among(_Q.c.source))
_REFUSED = sa.select(_Q.c.key, _Q.c.fingerprint).where(
    _OPEN, given(_Q.c.connection), _Q.c.stage == "deliver", among(_Q.c.key)
)
_SET_STATE = sa.update(_Q).where(among(_Q.c.id))
_WAKE = (
    sa.update(_Q)
    .where(among(_Q.c.waits_for), _Q.c.state.in_(("open", "waiting", "elsewhere")))
    .values(state="due", waits_for=None)
)
_NEWEST = (1 << 62) - 1
_WAITERS = (
    sa.select(_Q.c.id, _Q.c.waits_for, _Q.c.created_at)
    .where(given(_Q.c.flow), _Q.c.state.in_(("waiting", "elsewhere")), _Q.c.id < sa.bindparam("before"))
    .order_by(_Q.c.id.desc())
    .limit(1000)
)
_OWNER = sa.select(sa.literal(1)).where(
    tables.record.c.flow == _Q.c.flow,
    tables.record.c.key == _Q.c.key,
    tables.record.c.source != _Q.c.source,
)
_ASK_AGAIN = fixed(
    sa.update(_Q)
    .where(_OPEN, _Q.c.stage == "deliver", _Q.c.code == LATE_CANCEL, _Q.c.created_at <= sa.bindparam("before"))
    .values(state="due")
)
_TASKS_EVERY = 3600.0
"""Seconds between two looks whether a person has done what a task asks for."""
_MISREAD = fixed(
    sa.select(_Q.c.source, _Q.c.raw, _Q.c.created_at)
    .where(_OPEN, _Q.c.stage == "pull", _Q.c.source != "", ~either(_Q.c.code, "duplicate_id", "duplicate_key"))
    .order_by(_Q.c.id.desc())
    .limit(sa.bindparam("most"))
)
_RECONSIDER = fixed(sa.update(_Q).where(_OPEN, _Q.c.code == "duplicate_key", ~_OWNER.exists()).values(state="due"))


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
class Group:
    """Entries with one cause: how many, when the oldest and the newest were set aside, and the newest as an example.

    Times are Unix seconds.
    """

    flow: str
    connection: str
    entity: str
    stage: str
    code: str
    state: str
    count: int
    first_at: float
    last_at: float
    id: int
    key: str
    source: str
    message: str


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
    """Set records aside; an older entry for the same record and stage is replaced, also by a later one of these."""
    if not problems:
        return
    problems = list({_identity(one): one for one in problems}.values())
    pulled = [one for one in problems if one.stage == "pull"]
    close(tx, flow, stage="pull", sources=[one.source for one in pulled])
    _close_nameless(tx, flow, [one.raw for one in pulled if not one.source and one.raw is not None])
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


def _identity(problem: Problem) -> tuple[bool, str | bytes | None]:
    """What tells one record and stage from every other; a record without a readable id is told by its bytes."""
    pulled = problem.stage == "pull"
    return pulled, (problem.source or problem.raw) if pulled else problem.key


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
        wanted = set(values) - {""}
        if not wanted:
            continue
        match = [_Q.c.flow == flow, _Q.c.state != "closed", among(column, wanted)]
        match.append(_Q.c.stage == "pull" if stage == "pull" else _Q.c.stage != "pull")
        if connection is not None:
            match.append(_Q.c.connection == connection)
        tx.run(sa.update(_Q).where(*match).values(**_CLOSED))


def _close_nameless(tx: Transaction, flow: str, raws: Sequence[bytes]) -> None:
    """Close what records without a readable id left here; they are told apart by their bytes alone."""
    if raws:
        match = (_Q.c.flow == flow, _Q.c.source == "", _Q.c.stage == "pull", _Q.c.state != "closed")
        tx.run(sa.update(_Q).where(*match, _Q.c.raw.in_(raws)).values(**_CLOSED))


def entries(
    tx: Transaction,
    *,
    flow: str | None = None,
    code: str | None = None,
    states: Sequence[str] = ("open",),
    after: int = 0,
    limit: int = 1000,
    payloads: bool = True,
) -> list[Entry]:
    """Return entries by number, from after the given one on; on wish without what they hold."""
    wanted = {"of_flow": flow, "of_code": code}
    told = {name: value for name, value in wanted.items() if value is not None}
    query = _entries(tuple(told), payloads)
    return [_entry(row) for row in tx.rows(query, **told, states=states, after=after, most=limit)]


@cache
def _entries(told: tuple[str, ...], payloads: bool) -> sa.Select[Any]:
    columns = [
        column if payloads or column.name not in _PAYLOADS else sa.null().label(column.name) for column in _Q.columns
    ]
    match = [given(column) for column in (_Q.c.flow, _Q.c.code) if f"of_{column.name}" in told]
    in_state = _Q.c.state.in_(sa.bindparam("states", expanding=True))
    query = sa.select(*columns).where(*match, in_state, _Q.c.id > sa.bindparam("after"))
    return query.order_by(_Q.c.id).limit(sa.bindparam("most"))


def groups(
    tx: Transaction, *, flow: str | None = None, code: str | None = None, states: Sequence[str] = UNSETTLED
) -> list[Group]:
    """Return the causes for which entries lie here, the most frequent first. The payloads are not read."""
    first, last, count = sa.func.min(_Q.c.id), sa.func.max(_Q.c.id), sa.func.count()
    summed = sa.select(*_CAUSE, count.label("many"), first.label("first"), last.label("last"))
    cause = summed.where(*_chosen(flow, code, states)).group_by(*_CAUSE).subquery()
    oldest, newest = _Q.alias("oldest"), _Q.alias("newest")
    query = (
        sa.select(
            *(cause.c[column.name] for column in _CAUSE),
            cause.c.many,
            oldest.c.created_at,
            newest.c.created_at,
            newest.c.id,
            newest.c.key,
            newest.c.source,
            newest.c.message,
        )
        .join(oldest, oldest.c.id == cause.c.first)
        .join(newest, newest.c.id == cause.c.last)
        .order_by(cause.c.many.desc(), cause.c.first)
    )
    return [Group(*row) for row in tx.rows(query)]


def get(tx: Transaction, number: int) -> Entry | None:
    """Return one entry."""
    row = tx.one(sa.select(_Q).where(_Q.c.id == number))
    return _entry(row) if row is not None else None


def set_state(tx: Transaction, numbers: Sequence[int], state: str) -> int:
    """Move entries to another state; return how many. One that is closed gives up what it held."""
    values = _CLOSED if state == "closed" else {"state": state}
    return tx.run(_SET_STATE.values(**values), of_id=numbers)


def wake(tx: Transaction, tokens: Sequence[str]) -> int:
    """Make due what waited for any of these."""
    return tx.run(_WAKE, of_waits_for=tokens)


def waiting_since(tx: Transaction, flow: str, since: float) -> list[str]:
    """Return what entries of a flow wait for that have begun to since a time, in Unix seconds; the newest first."""
    found: list[str] = []
    before = _NEWEST
    while rows := tx.rows(_WAITERS, of_flow=flow, before=before):
        found += [row.waits_for for row in rows if row.created_at >= since and row.waits_for]
        if rows[-1].created_at < since:
            break
        before = rows[-1].id
    return found


def counts(tx: Transaction, flow: str) -> dict[str, int]:
    """Return state → how many entries of a flow are in it; what is closed or elsewhere is left out."""
    return {str(state): int(number) for state, number in tx.rows(_COUNTS, of_flow=flow)}


def any_open(tx: Transaction, flow: str) -> bool:
    """Whether anything of a flow lies here."""
    return tx.one(_ANY, of_flow=flow) is not None


def has_unreadable(tx: Transaction, flow: str) -> bool:
    """Whether a record lies here of which not even the id could be read, so none may be taken for gone."""
    return tx.one(_UNREADABLE, of_flow=flow) is not None


def reconsider_duplicates(tx: Transaction, flow: str) -> None:
    """Make due what claimed another record's key, where that record no longer has it."""
    tx.run(_RECONSIDER, of_flow=flow)


def ask_again(tx: Transaction, flow: str) -> None:
    """Make tasks due that a person may have done by now; one that is not done comes back as it was."""
    tx.run(_ASK_AGAIN, of_flow=flow, before=tx.now - _TASKS_EVERY)


def misread(tx: Transaction, flow: str, most: int) -> list[tuple[str, bytes | None, float]]:
    """Return the newest of what could not be understood: the native id, the payload and since when, Unix seconds."""
    return [(source, raw, since) for source, raw, since in tx.rows(_MISREAD, of_flow=flow, most=most)]


def refused(tx: Transaction, flow: str, connection: str, keys: Iterable[str]) -> dict[str, bytes]:
    """Return key → hash of the payload that lies in quarantine, so that it is not sent again as it is."""
    rows = tx.rows(_REFUSED, of_flow=flow, of_connection=connection, of_key=keys)
    return {key: fingerprint for key, fingerprint in rows if fingerprint}


def standing(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> set[str]:
    """Return those records that lie here, by whatever flow."""
    here = (_Q.c.connection == connection, _Q.c.entity == entity, _Q.c.state.in_(UNSETTLED), among(_Q.c.key, keys))
    return {key for (key,) in tx.rows(sa.select(_Q.c.key).where(*here))}


def of_key(tx: Transaction, flow: str, connection: str, key: str) -> list[Entry]:
    """Return what lies here of one record in one connection, the oldest first."""
    standing = (_Q.c.flow == flow, _Q.c.connection == connection, _Q.c.key == key, _Q.c.state.in_(UNSETTLED))
    return [_entry(row) for row in tx.rows(sa.select(_Q).where(*standing).order_by(_Q.c.id))]


def contested(tx: Transaction, flow: str, sources: Iterable[str]) -> set[str]:
    """Return those native ids that two records claim."""
    return {row.source for row in tx.rows(_CONTESTED, of_flow=flow, of_source=sources)}


def elsewhere(tx: Transaction, flow: str, sources: Iterable[str]) -> dict[str, bytes]:
    """Return native id → fingerprint of those records that are kept as elsewhere."""
    rows = tx.rows(_ELSEWHERE, of_flow=flow, of_source=sources)
    return {source: fingerprint for source, fingerprint in rows if fingerprint}


def _chosen(flow: str | None, code: str | None, states: Sequence[str]) -> Iterator[sa.ColumnElement[bool]]:
    yield _Q.c.state.in_(states)
    if flow is not None:
        yield _Q.c.flow == flow
    if code is not None:
        yield _Q.c.code == code


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented mapping of a row
