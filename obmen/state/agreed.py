"""What each system last confirmed of each record: the snapshot against which every change is judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction

_A = tables.agreed
_COLUMNS = ("connection", "entity", "key", "sequence", "hash", "canonical", "live", "agreed_at", "run")


class Agreed(msgspec.Struct, frozen=True, gc=False):
    """``hash`` of the payload that was confirmed, the canonical record it was made from, and its step.

    ``live``: it is stocked, or not archived: what a guard counts as something that can be lost. ``at``: when it
    was confirmed, Unix seconds.
    """

    key: str
    hash: bytes
    canonical: bytes
    sequence: int = 0
    live: bool = True
    at: float = 0.0


def of(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> dict[str, Agreed]:
    """Return key → what ``connection`` last confirmed."""
    query = sa.select(_A.c.key, _A.c.hash, _A.c.canonical, _A.c.sequence, _A.c.live, _A.c.agreed_at).where(
        _A.c.connection == connection, _A.c.entity == entity, tx.among(_A.c.key, keys)
    )
    return {
        key: Agreed(key, digest, canonical, sequence, bool(live), at)
        for key, digest, canonical, sequence, live, at in tx.rows(query)
    }


def page(tx: Transaction, connection: str, entity: str, after: str = "", limit: int = 1000) -> list[Agreed]:
    """Return what ``connection`` confirmed of an entity by key, from after the given one on."""
    query = (
        sa.select(_A.c.key, _A.c.hash, _A.c.canonical, _A.c.sequence, _A.c.live, _A.c.agreed_at)
        .where(_A.c.connection == connection, _A.c.entity == entity, _A.c.key > after)
        .order_by(_A.c.key)
        .limit(limit)
    )
    return [Agreed(*row) for row in tx.rows(query)]


def keys_under(tx: Transaction, connection: str, entity: str, first: str) -> list[str]:
    """Return the keys of an entity whose first part is ``first`` (as it stands in a key) and that have more parts."""
    start = f"{first}|"
    query = sa.select(_A.c.key).where(
        _A.c.connection == connection, _A.c.entity == entity, sa.func.substr(_A.c.key, 1, len(start)) == start
    )
    return [key for (key,) in tx.rows(query)]


def save(tx: Transaction, connection: str, entity: str, snapshots: Sequence[Agreed], run: int) -> None:
    """Keep what ``connection`` confirmed."""
    rows = [
        (connection, entity, one.key, one.sequence, one.hash, one.canonical, int(one.live), tx.now, run)
        for one in snapshots
    ]
    tx.upsert(_A, _COLUMNS, rows)


def count(tx: Transaction, connection: str, entity: str, *, live: bool = False) -> int:
    """Return how many records of an entity a connection has confirmed; with ``live``, of those only."""
    query = sa.select(sa.func.count()).where(_A.c.connection == connection, _A.c.entity == entity)
    return int(tx.rows(query.where(_A.c.live == 1) if live else query)[0][0])
