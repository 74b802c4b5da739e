"""What each system last confirmed of each record: the snapshot against which every change is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_A = tables.agreed
_COLUMNS = ("connection", "entity", "key", "sequence", "hash", "canonical", "live", "agreed_at", "run", "maybe")
_ALL = sa.select(_A.c.key, _A.c.hash, _A.c.canonical, _A.c.sequence, _A.c.live, _A.c.agreed_at, _A.c.maybe).where(
    given(_A.c.connection, _A.c.entity)
)
_OF = fixed(_ALL.where(among(_A.c.key)))
_PAGE = fixed(_ALL.where(_A.c.key > sa.bindparam("after")).order_by(_A.c.key).limit(sa.bindparam("most")))
_FORGET = fixed(sa.delete(_A).where(given(_A.c.connection, _A.c.entity), among(_A.c.key)))
_DOUBT = (
    sa.update(_A)
    .where(given(_A.c.connection, _A.c.entity, _A.c.key))
    .values(hash=b"", canonical=sa.bindparam("shown", type_=sa.LargeBinary()))
)
_LOST = (
    sa.update(_A)
    .where(given(_A.c.connection, _A.c.entity, _A.c.key))
    .values(hash=b"", maybe=sa.bindparam("said", type_=sa.LargeBinary()))
)
_MOVE = (
    sa.update(_A)
    .where(given(_A.c.connection, _A.c.entity, _A.c.key))
    .values(
        hash=sa.bindparam("digest", type_=sa.LargeBinary()),
        canonical=sa.bindparam("shown", type_=sa.LargeBinary()),
        live=sa.bindparam("alive", type_=sa.Integer()),
    )
)
_COUNT = sa.select(sa.func.count()).where(given(_A.c.connection, _A.c.entity))
_COUNT_LIVE = fixed(_COUNT.where(_A.c.live == 1))


class Agreed(msgspec.Struct, frozen=True, gc=False):
    """``hash`` of the payload that was confirmed, the canonical record it was made from, and its step.

    ``live``: it is stocked, or not archived: what a guard counts as something that can be lost. ``at``: when it
    was confirmed, Unix seconds. ``maybe``: what it may show instead, since it was told so and the answer was lost.
    """

    key: str
    hash: bytes
    canonical: bytes
    sequence: int = 0
    live: bool = True
    at: float = 0.0
    maybe: bytes | None = None


def of(tx: Transaction, connection: str, entity: str, keys: Iterable[str]) -> dict[str, Agreed]:
    """Return key → what ``connection`` last confirmed."""
    rows = tx.rows(_OF, of_connection=connection, of_entity=entity, of_key=keys)
    return {
        key: Agreed(key, digest, canonical, sequence, bool(live), at, maybe)
        for key, digest, canonical, sequence, live, at, maybe in rows
    }


def page(tx: Transaction, connection: str, entity: str, after: str = "", limit: int = 1000) -> list[Agreed]:
    """Return what ``connection`` confirmed of an entity by key, from after the given one on."""
    rows = tx.rows(_PAGE, of_connection=connection, of_entity=entity, after=after, most=limit)
    return [Agreed(*row) for row in rows]


def keys_under(tx: Transaction, connection: str, entity: str, first: str) -> list[str]:
    """Return the keys of an entity whose first part is ``first`` (as it stands in a key) and that have more parts."""
    start = f"{first}|"
    query = sa.select(_A.c.key).where(
        _A.c.connection == connection, _A.c.entity == entity, sa.func.substr(_A.c.key, 1, len(start)) == start
    )
    return [key for (key,) in tx.rows(query)]


def live_in(tx: Transaction, connection: str, entity: str, last: str) -> int:
    """Return how many confirmed records are live whose key ends with this part (as it stands in a key)."""
    match = (_A.c.connection == connection, _A.c.entity == entity, _A.c.live == 1)
    ends = _A.c.key.endswith(f"|{last}", autoescape=True)
    return int(tx.rows(sa.select(sa.func.count()).where(*match, ends))[0][0])


def save(tx: Transaction, connection: str, entity: str, snapshots: Sequence[Agreed], run: int) -> None:
    """Keep what ``connection`` confirmed."""
    rows = [
        (connection, entity, one.key, one.sequence, one.hash, one.canonical, int(one.live), tx.now, run, one.maybe)
        for one in snapshots
    ]
    tx.upsert(_A, _COLUMNS, rows)


def doubt(tx: Transaction, connection: str, entity: str, shown: Mapping[str, bytes | None]) -> None:
    """Take back that these records were confirmed: key → what the connection shows instead, None where nothing.

    What it shows stays as the snapshot that the next change is judged against.
    """
    absent = [key for key, canonical in shown.items() if canonical is None]
    tx.run(_FORGET, of_connection=connection, of_entity=entity, of_key=absent)
    otherwise = [
        {"of_connection": connection, "of_entity": entity, "of_key": key, "shown": canonical}
        for key, canonical in shown.items()
        if canonical is not None
    ]
    if otherwise:
        tx.run(_DOUBT, otherwise)


def lost(tx: Transaction, connection: str, entity: str, said: Mapping[str, bytes]) -> None:
    """Take back that these records were confirmed: key → what was said and may have arrived."""
    rows = [
        {"of_connection": connection, "of_entity": entity, "of_key": key, "said": canonical}
        for key, canonical in said.items()
    ]
    if rows:
        tx.run(_LOST, rows)


def move(tx: Transaction, connection: str, entity: str, moved: Sequence[Agreed]) -> None:
    """Note that a connection shows something else by its own doing; when it confirmed something stays."""
    rows = [
        {
            "of_connection": connection,
            "of_entity": entity,
            "of_key": one.key,
            "digest": one.hash,
            "shown": one.canonical,
            "alive": int(one.live),
        }
        for one in moved
    ]
    if rows:
        tx.run(_MOVE, rows)


def count(tx: Transaction, connection: str, entity: str, *, live: bool = False) -> int:
    """Return how many records of an entity a connection has confirmed; with ``live``, of those only."""
    rows = tx.rows(_COUNT_LIVE if live else _COUNT, of_connection=connection, of_entity=entity)
    return int(rows[0][0])
