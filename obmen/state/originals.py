"""Records as their source last told them, for rules that look beyond one record: a kit at its parts, a price at a cost.

What a channel is told is reckoned from these, so that it can be reckoned anew, and explained, without reading again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from obmen.entities import Record
from obmen.rules.guards import is_live
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_O = tables.original.c
_COLUMNS = ("connection", "entity", "subject", "key", "canonical", "read_at")
_ORIGINAL = (_O.subject, _O.key, _O.canonical, _O.read_at)
_OF = fixed(
    sa.select(*_ORIGINAL).where(given(_O.connection, _O.entity), among(_O.subject)).order_by(_O.subject, _O.key)
)
_PAGE = (
    sa.select(_O.subject)
    .distinct()
    .where(given(_O.connection, _O.entity), _O.subject > sa.bindparam("after"))
    .order_by(_O.subject)
    .limit(sa.bindparam("most"))
)
_UNDER = (
    sa.select(_O.key, _O.canonical)
    .where(given(_O.connection, _O.entity), _O.key > sa.bindparam("after"))
    .order_by(_O.key)
    .limit(sa.bindparam("most"))
)
_DROP = sa.delete(tables.original).where(given(_O.connection, _O.entity), among(_O.subject), among(_O.key))
_FORGET = sa.delete(tables.original).where(given(_O.connection, _O.entity))


class Original(NamedTuple):
    """One record, encoded; ``subject`` is what it is a facet of, ``read_at`` Unix seconds."""

    subject: str
    key: str
    canonical: bytes
    read_at: float


def save(tx: Transaction, connection: str, records: Sequence[Record]) -> None:
    """Keep records as a source tells them now."""
    rows = [(connection, one.entity, one.subject_key, one.key, one.encoded(), tx.now) for one in records]
    tx.upsert(tables.original, _COLUMNS, rows)


def of(tx: Transaction, connection: str, entity: str, subjects: Iterable[str]) -> dict[str, list[Original]]:
    """Return subject → its records, by key."""
    found: dict[str, list[Original]] = {}
    for row in tx.rows(_OF, of_connection=connection, of_entity=entity, of_subject=subjects):
        found.setdefault(row[0], []).append(Original(*row))
    return found


def subjects(tx: Transaction, connection: str, entity: str, after: str = "", limit: int = 1000) -> list[str]:
    """Return what there are records about, from after the given one on."""
    rows = tx.rows(_PAGE, of_connection=connection, of_entity=entity, after=after, most=limit)
    return [subject for (subject,) in rows]


def any_live(tx: Transaction, connection: str, entity: str, last: str) -> bool:
    """Whether anything is live whose key ends with this part (as it stands in a key)."""
    query = _UNDER.where(_O.key.endswith(f"|{last}", autoescape=True))
    after = ""
    while rows := tx.rows(query, of_connection=connection, of_entity=entity, after=after, most=1000):
        if any(is_live(canonical) for _, canonical in rows):
            return True
        after = rows[-1][0]
    return False


def keys(tx: Transaction, connection: str, entity: str) -> Iterator[str]:
    """Yield the keys of all records of a connection."""
    query = sa.select(_O.key).where(_O.connection == connection, _O.entity == entity)
    for (key,) in tx.connection.execute(query.execution_options(yield_per=1000)):
        yield key


def drop(tx: Transaction, connection: str, entity: type[Record], keys: Sequence[str]) -> None:
    """Forget records that the source no longer has."""
    if keys:
        about = {entity.subject_of(key) for key in keys}
        tx.run(_DROP, of_connection=connection, of_entity=entity.entity, of_subject=about, of_key=keys)


def forget(tx: Transaction, connection: str, entity: str) -> None:
    """Forget all of them, when no rule needs them any more."""
    tx.run(_FORGET, of_connection=connection, of_entity=entity)
