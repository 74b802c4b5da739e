"""How a flow is: one sentence for a person, and a level for the eye; the worst that is true of it comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from obmen.project import FlowSettings
from obmen.state.backfills import Unfinished
from obmen.state.failing import Failing
from obmen.state.runs import Run
from obmen.state.stops import Stop
from runner.daemon.pulse import LaneNow
from runner.web.view import doing
from runner.web.waits import Wait

Level = Literal["good", "busy", "care", "bad", "idle"]
_BESIDE = ("backfill", "reconcile", "verify", "undo")
_ON_THE_WAY = ("fresh", "pending", "sent", "accepted")
MOMENT = 300.0
"""Seconds for which a record may wait for another one before anybody need look."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a flow stands. ``outbox`` and ``aside`` count records by state; times are Unix seconds.

    ``late``: what it last read is older than it may get. ``past``: what a backfill has still to read. ``stops``: what
    people have paused of it. ``failing``: connection → what fails, reading its source or telling a target.
    ``waits``: for what it has waited longest.
    """

    flow: FlowSettings
    at: float = 0.0
    runs: Sequence[Run] = ()
    outbox: Mapping[str, int] = field(default_factory=dict)
    aside: Mapping[str, int] = field(default_factory=dict)
    read_at: float | None = None
    next_at: float | None = None
    paused_until: float | None = None
    late: bool = False
    lane: LaneNow | None = None
    wished: bool = False
    past: Unfinished | None = None
    stops: Sequence[Stop] = ()
    failing: Mapping[str, Failing] = field(default_factory=dict)
    waits: Wait | None = None

    @property
    def to_send(self) -> int:
        """How many records are on their way."""
        return sum(self.outbox.get(state, 0) for state in _ON_THE_WAY)

    @property
    def held(self) -> int:
        """How many records wait for a person's decision."""
        return self.outbox.get("held", 0)

    @property
    def waiting(self) -> int:
        """How many records wait for another one."""
        return self.outbox.get("waiting", 0) + self.aside.get("waiting", 0)

    @property
    def set_aside(self) -> int:
        """How many records lie in quarantine for a person, or to be tried again."""
        return self.aside.get("open", 0) + self.aside.get("due", 0)

    @property
    def last(self) -> Run | None:
        """The newest run."""
        return self.runs[0] if self.runs else None

    @property
    def ended(self) -> Run | None:
        """The newest run that came to an end of its own; what was asked for beside the schedule tells nothing of it."""
        return next((run for run in self.runs if run.ended_at is not None and _tells(run)), None)

    @property
    def rate(self) -> float | None:
        """Records read and written in a second, over the runs that are shown; None where that says nothing."""
        ended = [run for run in self.runs if run.ended_at is not None]
        seconds = sum((run.ended_at or 0.0) - run.started_at for run in ended)
        records = sum(run.counts.get("read", 0) + run.counts.get("written", 0) for run in ended)
        return records / seconds if records and seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Health:
    """``sentence`` names a message, ``values`` are what it tells.

    ``detail``: the words of the run itself; ``meaning``: what they mean to a seller and what to do, where it is known.
    """

    level: Level
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""
    meaning: str = ""


def _tells(run: Run) -> bool:
    return run.status != "stopped" and not run.kind.startswith(_BESIDE)


def health(one: Standing) -> Health:
    """Say how a flow is."""
    for judge in (_trouble, _care, _work):
        found = judge(one)
        if found is not None:
            return found
    if one.ended is None:
        return Health("idle", "health.never")
    return Health("good", "health.good")


def _trouble(one: Standing) -> Health | None:
    run = one.ended
    if run is not None and run.status == "failed":
        return Health("bad", "health.failed", {}, run.message)
    for connection, failing in one.failing.items():
        told = {"connection": connection, "count": failing.times}
        what = "unread" if connection == one.flow.source else "untold"
        return Health("bad", f"health.{what}", told, failing.words)
    if one.late:
        return Health("bad", "health.late")
    return None


def _care(one: Standing) -> Health | None:
    return _person(one) or _others(one)


def _person(one: Standing) -> Health | None:
    """Say what waits for somebody to decide it."""
    run = one.ended
    if one.stops:
        return Health("care", "health.stopped", {"who": one.stops[0].who}, one.stops[0].reason)
    if one.held:
        return Health("care", "health.held", {"count": one.held})
    if run is not None and run.status == "emptied":
        return Health("care", "health.emptied", {}, run.message)
    if one.aside.get("open", 0):
        return Health("care", "health.aside", {"count": one.aside["open"]})
    return None


def _others(one: Standing) -> Health | None:
    """Say what waits for a system or for another record."""
    if one.paused_until is not None:
        return Health("care", "health.paused")
    if one.waits is not None and one.at - one.waits.since > MOMENT:
        return _waits("care", one)
    return None


def _work(one: Standing) -> Health | None:
    if one.lane is not None:
        return Health("busy", f"health.{doing(one.lane)}")
    if one.wished:
        return Health("busy", "health.wished")
    if one.to_send:
        return Health("busy", "health.sending", {"count": one.to_send})
    return _waits("busy", one)


def _waits(level: Level, one: Standing) -> Health | None:
    if one.waits is None:
        return None
    told = {"count": one.waiting, "flow": one.waits.flow}
    if one.waits.refused:
        return Health(level, "health.waits_refused", told, one.waits.refused)
    return Health(level, "health.waits" if one.waits.flow else "health.waits_alone", told, one.waits.token)
