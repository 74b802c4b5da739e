"""Bindings: which record here is which record there. Unique both ways, so no record can be doubled by them.

A system may call a record otherwise than our key (a card that was made by hand under another article). Then the
binding keeps that name, its natural id there, and whatever is written or read goes by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from obmen.errors import Refused
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_B = tables.binding
_COLUMNS = ("connection", "entity", "key", "native_id", "natural_id", "chosen")
_OF = given(_B.c.connection, _B.c.entity)
_NATIVE_IDS = fixed(sa.select(_B.c.key, _B.c.native_id).where(_OF, among(_B.c.key)))
_CHOSEN = _NATIVE_IDS.where(_B.c.chosen == 1)
_KEYS = fixed(sa.select(_B.c.native_id, _B.c.key).where(_OF, among(_B.c.native_id)))
_UNBIND = fixed(sa.delete(_B).where(_OF, among(_B.c.key)))
_COUNT = fixed(sa.select(sa.func.count()).where(_OF))
_PAGE = (
    sa.select(_B.c.key, _B.c.native_id, _B.c.natural_id, _B.c.chosen)
    .where(_OF, _B.c.key > sa.bindparam("after"))
    .order_by(_B.c.key)
    .limit(sa.bindparam("most"))
)
_OTHERWISE = sa.and_(_OF, _B.c.natural_id.is_not(None))
_ANY_NAMED = fixed(sa.select(sa.literal(1)).where(_OTHERWISE).limit(1))
_NATURALS = fixed(sa.select(_B.c.key, _B.c.natural_id).where(_OTHERWISE, among(_B.c.key)))
_NAMED = sa.select(_B.c.natural_id, _B.c.key).where(_OTHERWISE)
_NAMED_SO = _NAMED.where(among(_B.c.natural_id))


@dataclass(frozen=True, slots=True)
class Binding:
    """``natural_id``: what the system calls the record, None where that is our key; ``chosen``: by a person."""

    key: str
    native_id: str
    natural_id: str | None = None
    chosen: bool = False


def native_ids(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> dict[str, str]:
    """Return key → native id for those of ``keys`` that are bound in ``connection``."""
    return dict(map(tuple, tx.rows(_NATIVE_IDS, of_connection=connection, of_entity=entity, of_key=keys)))


def keys(tx: Transaction, connection: str, entity: str, native: Iterable[str]) -> dict[str, str]:
    """Return native id → key for those of ``native`` that are bound in ``connection``."""
    return dict(map(tuple, tx.rows(_KEYS, of_connection=connection, of_entity=entity, of_native_id=native)))


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
    tx.run(_UNBIND, of_connection=connection, of_entity=entity, of_key=gone)


def count(tx: Transaction, connection: str, entity: str) -> int:
    """Return how many records of an entity are bound in a connection."""
    return int(tx.rows(_COUNT, of_connection=connection, of_entity=entity)[0][0])


def save(tx: Transaction, connection: str, entity: str, bound: Sequence[Binding]) -> None:
    """Bind these keys as they are given, whatever they were bound to before.

    Raises Refused where a native or natural id belongs to a key that is not among them, and writes nothing.
    """
    own = {one.key for one in bound}
    ids = (("native_id", [one.native_id for one in bound]), ("natural_id", [one.natural_id or "" for one in bound]))
    for column, values in ids:
        query = sa.select(_B.c.key, _B.c[column]).where(_OF, among(_B.c[column], values))
        for key, value in tx.rows(query, of_connection=connection, of_entity=entity):
            if key not in own:
                raise Refused(f"{value} of {connection} is bound to '{key}' already.", code="bound_twice")
    unbind(tx, connection, entity, sorted(own))
    rows = [(connection, entity, one.key, one.native_id, one.natural_id, int(one.chosen)) for one in bound]
    tx.upsert(_B, _COLUMNS, rows)


def page(tx: Transaction, connection: str, entity: str, after: str = "", limit: int = 1000) -> list[Binding]:
    """Return bindings by key, from after the given one on."""
    rows = tx.rows(_PAGE, of_connection=connection, of_entity=entity, after=after, most=limit)
    return [Binding(key, native, natural, bool(chosen)) for key, native, natural, chosen in rows]


def chosen(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> dict[str, str]:
    """Return key → native id for those of ``keys`` that a person bound."""
    return dict(map(tuple, tx.rows(_CHOSEN, of_connection=connection, of_entity=entity, of_key=keys)))


def any_named(tx: Transaction, connection: str, entity: str) -> bool:
    """Whether any record of an entity goes by another name than its key in a connection."""
    return tx.one(_ANY_NAMED, of_connection=connection, of_entity=entity) is not None


def naturals(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> dict[str, str]:
    """Return key → natural id for those of ``keys`` that go by another name."""
    return dict(map(tuple, tx.rows(_NATURALS, of_connection=connection, of_entity=entity, of_key=keys)))


def named(tx: Transaction, connection: str, entity: str, natural: Iterable[str] | None = None) -> dict[str, str]:
    """Return natural id → key of the records that go by another name; of all of them, unless some are given."""
    of = {"of_connection": connection, "of_entity": entity}
    rows = tx.rows(_NAMED, **of) if natural is None else tx.rows(_NAMED_SO, **of, of_natural_id=natural)
    return dict(map(tuple, rows))
