"""What the page is given: the project, its state, and what the service says of itself.

The page holds nothing of the service's, so that it can be served beside it, in another process, or alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from obmen.project import Project
from obmen.state import Ledger
from runner.daemon import pulse as pulses
from runner.daemon.pulse import LaneNow, Pulse


class View(Protocol):
    """What the page looks at. ``project`` may be another one at the next call, after a reload."""

    @property
    def project(self) -> Project:
        """The project as it is now."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Its state."""
        ...

    def pulse(self) -> Pulse | None:
        """Return what the service says of itself; None where none is known to live."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """A view from a process of its own: the service is what its pulse in the state says."""

    project: Project
    ledger: Ledger

    def pulse(self) -> Pulse | None:
        """Return the newest pulse, unless it is too old for a service that lives."""
        found = pulses.found(self.ledger)
        now = self.ledger.clock.now().timestamp()
        return found if found is not None and abs(now - found.at) < pulses.FRESH else None


def working_on(pulse: Pulse, flow: str) -> LaneNow | None:
    """Return the lane that is busy with a flow."""
    return next((lane for lane in pulse.lanes if lane.flow == flow and lane.task), None)


def paused(pulse: Pulse) -> dict[str, float]:
    """Return connection → until when it is left in peace, in Unix seconds."""
    return {one.connection: pulse.at + one.seconds for one in pulse.paused}


def doing(lane: LaneNow) -> str:
    """Return what a lane does, as a word of the catalogue: rest, read, deliver or check."""
    if not lane.task:
        return "rest"
    if lane.task.startswith("check"):
        return "check"
    return "deliver" if lane.task.startswith("deliver") else "read"
