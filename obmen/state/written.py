"""Everything that was written into a system: what stood there before, what after, when, by which run, and why.

It answers "which price did we show on Tuesday, and why", and it is what a run is undone from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from obmen.records import Op
from obmen.state import tables
from obmen.state.given import given
from obmen.state.ledger import Transaction

_W = tables.written
_COLUMNS = ("at", "run", "flow", "connection", "entity", "key", "op", "before", "after", "cause")
_INSERT = sa.insert(_W)
_ROW = tuple(_W.c[name] for name in ("id", *_COLUMNS))
_OF_KEY = (
    sa.select(*_ROW)
    .where(given(_W.c.connection, _W.c.entity, _W.c.key))
    .order_by(_W.c.id.desc())
    .limit(sa.bindparam("most"))
)
_OF_RUN = (
    sa.select(*_ROW)
    .where(given(_W.c.run), _W.c.id > sa.bindparam("after"))
    .order_by(_W.c.id)
    .limit(sa.bindparam("most"))
)
_SINCE = (
    sa.select(*_ROW)
    .where(given(_W.c.flow, _W.c.connection), _W.c.id > sa.bindparam("after"), _W.c.at <= sa.bindparam("until"))
    .order_by(_W.c.id)
    .limit(sa.bindparam("most"))
)
_NEWEST = sa.select(sa.func.max(_W.c.id)).where(_W.c.id > sa.bindparam("after"), _W.c.at <= sa.bindparam("until"))
_COUNT = sa.select(sa.func.count()).select_from(_W).where(given(_W.c.run))


class Written(NamedTuple):
    """One record as it was written. ``before`` is what the system had confirmed before, None if nothing.

    ``cause``: empty where its source changed; otherwise what else made it so, such as ``order:ozon|123``.
    """

    id: int
    at: float
    run: int
    flow: str
    connection: str
    entity: str
    key: str
    op: Op
    before: bytes | None
    after: bytes
    cause: str


def add(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Note what was written: dicts with the fields of ``Written`` but ``id`` and ``at``."""
    if rows:
        tx.connection.execute(_INSERT, [{"at": tx.now, **row} for row in rows])


def of_key(tx: Transaction, connection: str, entity: str, key: str, limit: int = 100) -> list[Written]:
    """Return what was written of one record, the newest first."""
    rows = tx.rows(_OF_KEY, of_connection=connection, of_entity=entity, of_key=key, most=limit)
    return [Written(*row) for row in rows]


def of_run(tx: Transaction, run: int, after: int = 0, limit: int = 1000) -> list[Written]:
    """Return what a run wrote in the order of writing, from after the given id on."""
    return [Written(*row) for row in tx.rows(_OF_RUN, of_run=run, after=after, most=limit)]


def since(tx: Transaction, flow: str, connection: str, after: int, until: float, limit: int = 500) -> list[Written]:
    """Return what a flow wrote into a connection up to a time (Unix seconds), from after the given id on."""
    rows = tx.rows(_SINCE, of_flow=flow, of_connection=connection, after=after, until=until, most=limit)
    return [Written(*row) for row in rows]


def newest(tx: Transaction, after: int, until: float) -> int:
    """Return the id of the last of all that was written up to a time; ``after`` if nothing was since that id."""
    return int(tx.rows(_NEWEST, after=after, until=until)[0][0] or after)


def count(tx: Transaction, run: int) -> int:
    """Return how many times a run wrote."""
    return int(tx.rows(_COUNT, of_run=run)[0][0])


def prune(tx: Transaction, before: float, limit: int) -> int:
    """Forget what was written before a time (Unix seconds), the oldest first; return how many."""
    old = sa.select(_W.c.id).where(_W.c.at < before).order_by(_W.c.id).limit(limit)
    return tx.run(sa.delete(_W).where(_W.c.id.in_(old)))


def pages(tx: Transaction, run: int) -> Iterator[Iterable[Written]]:
    """Yield all that a run wrote, some at a time."""
    after = 0
    while rows := of_run(tx, run, after):
        yield rows
        after = rows[-1].id
