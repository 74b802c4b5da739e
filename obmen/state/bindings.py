"""Bindings: which record here is which record there. Unique both ways, so no record can be doubled by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction

_B = tables.binding


def native_ids(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> dict[str, str]:
    """Return key → native id for those of ``keys`` that are bound in ``connection``."""
    query = sa.select(_B.c.key, _B.c.native_id).where(
        _B.c.connection == connection, _B.c.entity == entity, tx.among(_B.c.key, keys)
    )
    return dict(map(tuple, tx.rows(query)))


def keys(tx: Transaction, connection: str, entity: str, native: Iterable[str]) -> dict[str, str]:
    """Return native id → key for those of ``native`` that are bound in ``connection``."""
    query = sa.select(_B.c.native_id, _B.c.key).where(
        _B.c.connection == connection, _B.c.entity == entity, tx.among(_B.c.native_id, native)
    )
    return dict(map(tuple, tx.rows(query)))


def bind(tx: Transaction, connection: str, entity: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """Bind key → native id; return the keys that were not, since their native id is bound to another key.

    The value for each is that other key. A key that was bound to another native id is bound anew.
    """
    owners = keys(tx, connection, entity, pairs.values())
    taken = {key: owners[native] for key, native in pairs.items() if owners.get(native, key) != key}
    rows = [
        (connection, entity, key, native) for key, native in pairs.items() if key not in taken and native not in owners
    ]
    tx.upsert(_B, ("connection", "entity", "key", "native_id"), rows)
    return taken


def unbind(tx: Transaction, connection: str, entity: str, gone: Sequence[str]) -> None:
    """Forget the bindings of these keys."""
    match = (_B.c.connection == connection, _B.c.entity == entity, tx.among(_B.c.key, gone))
    tx.run(sa.delete(_B).where(*match))


def count(tx: Transaction, connection: str, entity: str) -> int:
    """Return how many records of an entity are bound in a connection."""
    query = sa.select(sa.func.count()).where(_B.c.connection == connection, _B.c.entity == entity)
    return int(tx.rows(query)[0][0])
