"""Pausing and going on, as the command line and the page do it: what is noted with it, and what runs afterwards."""

from __future__ import annotations

from obmen.project import Project
from obmen.state import Transaction, deeds, stops, wishes
from obmen.state.stops import Direction, Stop


def pause(tx: Transaction, connection: str, entity: str, direction: Direction, who: str, reason: str) -> Stop:
    """Pause something, and note who did and why."""
    made = stops.put(tx, connection, entity, direction, who, reason)
    deeds.note(tx, who, "pause", made.about, reason)
    return made


def resume(
    tx: Transaction, project: Project, connection: str, entity: str, direction: Direction, who: str, reason: str = ""
) -> list[Stop]:
    """Let go on what was paused within this; return what that was.

    A flow that was not read meanwhile is wanted at once, whenever its next time may be.
    """
    lifted = stops.lift(tx, connection, entity, direction)
    for one in lifted:
        deeds.note(tx, who, "resume", one.about, reason)
    for flow in project.flows.values():
        was = any(one.covers(flow.source, flow.entity, "read") for one in lifted)
        if was and stops.standing(tx, flow.source, flow.entity, "read") is None:
            wishes.ask(tx, flow.name, who)
    return lifted
