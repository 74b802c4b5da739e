"""What people have paused: a connection, one entity of it, one direction, until somebody lets it go on.

A person who sees wrong prices go out needs them to stop now, in whichever process they are being sent, and not to
begin again when that one is started anew. So it is kept here, and every call that would carry something looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import sqlalchemy as sa

from obmen.errors import Paused
from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import given
from obmen.state.ledger import Transaction

Direction = Literal["", "read", "write"]
"""What is paused: reading from it, writing to it, or (empty) both."""
_P = tables.pause.c
_COLUMNS = ("connection", "entity", "direction", "at", "who", "reason")
_ALL = sa.select(*(_P[name] for name in _COLUMNS)).order_by(_P.connection, _P.entity, _P.direction)
_COVERING = fixed(
    _ALL.where(given(_P.connection))
    .where(_P.entity.in_(["", sa.bindparam("of_entity", type_=_P.entity.type)]))
    .where(_P.direction.in_(["", sa.bindparam("of_direction", type_=_P.direction.type)]))
    .limit(1)
)
_DROP = sa.delete(tables.pause).where(given(_P.connection, _P.entity, _P.direction))


class Stop(NamedTuple):
    """One pause. ``entity``: empty for all of them; ``at``: since when, Unix seconds."""

    connection: str
    entity: str
    direction: Direction
    at: float
    who: str
    reason: str = ""

    @property
    def about(self) -> str:
        """What is paused, as it stands after ``obmen resume``."""
        return " ".join(filter(None, (self.connection, self.entity, self.direction)))

    def covers(self, connection: str, entity: str, direction: str) -> bool:
        """Whether it keeps this from being done; an empty entity or direction asks for all of them."""
        return self.connection == connection and self.entity in {"", entity} and self.direction in {"", direction}

    def within(self, connection: str, entity: str, direction: Direction) -> bool:
        """Whether all that it pauses lies in this; an empty entity or direction stands for all of them."""
        return self.connection == connection and entity in {"", self.entity} and direction in {"", self.direction}


def put(tx: Transaction, connection: str, entity: str, direction: Direction, who: str, reason: str = "") -> Stop:
    """Pause something; what is paused already keeps its hour, and tells the newest reason."""
    row = (connection, entity, direction, tx.now, who, reason)
    tx.upsert(tables.pause, _COLUMNS, [row], keep=("at",))
    return next(one for one in every(tx) if one[:3] == row[:3])


def lift(tx: Transaction, connection: str, entity: str, direction: Direction) -> list[Stop]:
    """Let go on whatever was paused within this; return what that was."""
    lifted = [one for one in every(tx) if one.within(connection, entity, direction)]
    for one in lifted:
        tx.run(_DROP, of_connection=one.connection, of_entity=one.entity, of_direction=one.direction)
    return lifted


def every(tx: Transaction) -> list[Stop]:
    """Return all that is paused."""
    return [Stop(*row) for row in tx.rows(_ALL)]


def standing(tx: Transaction, connection: str, entity: str, direction: Direction) -> Stop | None:
    """Return what pauses an entity of a connection in a direction; with none, what pauses it in both by one word."""
    row = tx.one(_COVERING, of_connection=connection, of_entity=entity, of_direction=direction)
    return Stop(*tuple(row)) if row is not None else None


def of_flow(stood: Iterable[Stop], source: str, entity: str, targets: Iterable[str]) -> list[Stop]:
    """Return those that keep a flow from being read from its source, or from being written to any of its targets."""
    places = [(source, "read"), *((target, "write") for target in targets)]
    return [one for one in stood if any(one.covers(place, entity, way) for place, way in places)]


def refuse(tx: Transaction, connection: str, entity: str, direction: Direction) -> None:
    """Raise Paused if somebody has paused this."""
    found = standing(tx, connection, entity, direction)
    if found is not None:
        raise Paused(sentence(found))


def sentence(stop: Stop) -> str:
    """Say what is paused, by whom, why, and how it goes on."""
    why = f": {stop.reason}" if stop.reason else ""
    return f"{named(stop)} was paused by {stop.who}{why}. To go on: obmen resume {stop.about}"


def named(stop: Stop) -> str:
    """Name what is paused in words."""
    what = stop.entity or "all"
    if stop.direction == "read":
        return f"reading {what} from {stop.connection}"
    if stop.direction == "write":
        return f"writing {what} to {stop.connection}"
    return f"{stop.connection} {stop.entity}".rstrip()
