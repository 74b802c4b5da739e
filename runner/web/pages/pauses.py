"""Pausing what goes to or comes from a connection, and letting it go on."""

from __future__ import annotations

from typing import get_args

from obmen.entities import ENTITIES
from obmen.state.stops import Direction
from runner import stops as doing
from runner.web.call import Answer, Away, Call, Lost, Mistake
from runner.web.pages.overview import local


def pause(call: Call) -> Answer:
    """Pause one of a connection's entities, or all of it, in a direction, or in both."""
    connection, entity, direction = _place(call)
    why = call.reason()
    with call.ledger.write() as tx:
        doing.pause(tx, connection, entity, direction, call.who, why)
    return _back(call, "paused")


def resume(call: Call) -> Answer:
    """Let go on what was paused."""
    connection, entity, direction = _place(call)
    with call.ledger.write() as tx:
        if not doing.resume(tx, call.project, connection, entity, direction, call.who):
            raise Mistake("mistake.resumed")
    return _back(call, "resumed")


def _place(call: Call) -> tuple[str, str, Direction]:
    connection = call.path["connection"]
    entity = call.form.get("entity", "")
    direction = next((one for one in get_args(Direction) if one == call.form.get("direction", "")), None)
    if connection not in call.project.connections or entity not in {"", *ENTITIES} or direction is None:
        raise Lost
    return connection, entity, direction


def _back(call: Call, said: str) -> Answer:
    path = local(call.form.get("back", "/connections"))
    return Away(f"{path}?said={said}" if "?" not in path else path)
