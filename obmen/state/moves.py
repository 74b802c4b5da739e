"""The mark of a state that moves: whoever opens one that is on its way, or has left, is told where it is.

Without it an old ``state:`` line would silently go on with the ledger of the day of the move, and send everything
that was sent since then once more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from obmen.errors import StateError
from obmen.state import tables

Stage = Literal["leaving", "left", "arriving", "arrived"]
_M = tables.move.c
_NAME = "state"
_LOOK = sa.select(_M.number, _M.state, _M.place, _M.at, _M.position).where(_M.name == _NAME)


@dataclass(frozen=True, slots=True)
class Move:
    """How a state takes part in a move.

    ``number`` is the same on both sides, ``place`` the other side's address without its password, ``at`` Unix seconds,
    ``position`` what of the copy is done.
    """

    number: str
    stage: Stage
    place: str
    at: float
    position: dict[str, Any] = field(default_factory=dict)

    def now(self, stage: Stage) -> Move:
        """Return it at another stage."""
        return replace(self, stage=stage)


def found(connection: Connection) -> Move | None:
    """Return the mark, if there is one."""
    row = connection.execute(_LOOK).first()
    return None if row is None else Move(row.number, row.state, row.place, row.at, json.loads(row.position))


def put(connection: Connection, move: Move) -> None:
    """Set the mark."""
    clear(connection)
    values = {"number": move.number, "state": move.stage, "place": move.place, "at": move.at}
    connection.execute(sa.insert(tables.move), {"name": _NAME, **values, "position": json.dumps(move.position)})


def clear(connection: Connection) -> None:
    """Take the mark away."""
    connection.execute(sa.delete(tables.move).where(_M.name == _NAME))


def refuse(connection: Connection) -> None:
    """Raise StateError if this state may not be worked with."""
    move = found(connection)
    if move is None or move.stage == "arrived":
        return
    day = datetime.fromtimestamp(move.at, UTC).strftime("%Y-%m-%d")
    messages = {
        "left": f"The state has moved to {move.place} (on {day}). Write that address as 'state:' in the project; what "
        "is kept here is of the day of the move, and would send again what was sent since.",
        "leaving": f"The state is being moved to {move.place}. Wait until that has ended; if it was cut off, say "
        "'obmen state migrate' with the same address again, and it goes on where it was (--cancel stays here).",
        "arriving": f"This is an unfinished copy of {move.place}. Say 'obmen state migrate' again where the state "
        "was, and it goes on where it was cut off.",
    }
    raise StateError(messages[move.stage])
