"""``obmen pause`` and ``obmen resume``: stop within one batch what goes to or comes from a system, and let it go on."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from obmen.errors import ConfigurationError, meant
from obmen.state import stops
from obmen.state.stops import Direction, Stop
from runner import stops as doing
from runner.cli.entities import carried, connection_of, entity_of, who
from runner.cli.remains import Known
from runner.cli.service_status import as_stop
from runner.cli.session import session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode

_DIRECTIONS: dict[str, Direction] = {
    **{name: name for name in get_args(Direction) if name},
    "reading": "read",
    "writing": "write",
    "both": "",
}

Which = Annotated[str, typer.Argument(metavar="CONNECTION", help="A connection of the project.")]
What = Annotated[
    str | None, typer.Argument(metavar="[ENTITY]", help="What of it: prices, stock, orders…; all if none is given.")
]
Way = Annotated[
    str | None, typer.Argument(metavar="[DIRECTION]", help="read (from it) or write (to it); both if none is given.")
]
Why = Annotated[str, typer.Option("--reason", metavar="WHY", help="Kept, and shown wherever the pause is.")]


def pause(
    context: typer.Context,
    connection: Which,
    entity: What = None,
    direction: Way = None,
    reason: Why = "",
    json: Json = False,
) -> int:
    """Pause a connection, one entity of it, or one direction, until 'obmen resume'.

    No further call is made after the batch that is under way, whichever process makes it; all else goes on. What was
    to be sent stays as it is. A restart changes nothing of that.
    """
    current = session(context)
    known = current.known()
    place = _place("pause", known, connection, entity, direction)
    why = " ".join(reason.split())
    if not why:
        raise ConfigurationError('A reason is asked for, since others will wonder: --reason "why".')
    with current.ledger(known.project) as ledger, ledger.write() as tx:
        made = doing.pause(tx, *place, who(), why)
    if json:
        current.screen.json(as_stop(made))
    else:
        current.screen.line(f"{stops.named(made)} is paused: no call after the batch that is under way.")
        current.screen.line(f"What is to be sent stays in the outbox. To go on: obmen resume {made.about}")
    return ExitCode.DONE


def resume(
    context: typer.Context,
    connection: Which,
    entity: What = None,
    direction: Way = None,
    reason: Why = "",
    json: Json = False,
) -> int:
    """Let go on what was paused, and everything narrower that was paused within it."""
    current = session(context)
    known = current.known()
    place = _place("resume", known, connection, entity, direction)
    with current.ledger(known.project) as ledger, ledger.write() as tx:
        lifted = doing.resume(tx, known.project, *place, who(), " ".join(reason.split()))
        still = [one for one in stops.every(tx) if one.connection == place[0]]
        covering = stops.standing(tx, *place)
    if not lifted:
        raise ConfigurationError(_not_paused(place, covering, still))
    if json:
        current.screen.json({"resumed": [as_stop(one) for one in lifted], "paused": [as_stop(one) for one in still]})
        return ExitCode.DONE
    for one in lifted:
        current.screen.line(f"{stops.named(one)} goes on.")
    for one in still:
        current.screen.line(f"Still paused: {stops.sentence(one)}", "yellow")
    return ExitCode.DONE


def _place(
    command: str, known: Known, given: str, entity: str | None, direction: str | None
) -> tuple[str, str, Direction]:
    if given not in known.connections and (said := carried(known.project, given)):
        message = (
            f"'{given}' is no connection. Say first whose: {' or '.join(f'obmen {command} {one}' for one in said)}"
        )
        raise ConfigurationError(message)
    connection = connection_of(known.connections, given)
    if entity is not None and direction is None and entity.lower() in _DIRECTIONS:
        entity, direction = None, entity
    return connection, entity_of(known.project, connection, entity) if entity is not None else "", _direction(direction)


def _direction(given: str | None) -> Direction:
    if given is None:
        return ""
    found = _DIRECTIONS.get(given.lower())
    if found is None:
        raise ConfigurationError(f"There is no direction '{given}'.{meant(given.lower(), _DIRECTIONS)}")
    return found


def _not_paused(place: tuple[str, str, Direction], covering: Stop | None, still: list[Stop]) -> str:
    asked = " ".join(filter(None, place))
    if covering is not None:
        return f"'{asked}' is not paused by itself, but with more: obmen resume {covering.about}"
    others = f" Paused are: {', '.join(one.about for one in still)}." if still else ""
    return f"'{asked}' is not paused.{others}"
