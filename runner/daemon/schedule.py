"""When a flow is due: so often, or by the calendar, never in quiet hours, and what was missed is made up for once.

Time between runs is counted by the clock that nobody can set, so a machine clock that jumps neither starves a flow
nor makes it run a hundred times; times of the calendar are looked at anew after every jump.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from obmen.clock import Clock
from obmen.project import Project
from obmen.project.settings import Schedule
from obmen.project.times import Hours
from obmen.state import Ledger, runs
from obmen.state.runs import Run

_MOMENT = timedelta(microseconds=1)
_CUT_OFF = ("running", "stopped")
"""How a run stands that did not come to its end: the next one takes its place at once."""


class Timer:
    """Tells when one flow is due. ``last``: when it last ran, as far as is known."""

    def __init__(
        self,
        schedule: Schedule,
        zone: ZoneInfo,
        clock: Clock,
        *,
        last: datetime | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._schedule, self._zone, self._clock, self._chance = schedule, zone, clock, chance
        self._trigger = _trigger(schedule.cron, zone)
        self._due_in: float | None = None
        """Of a flow that runs so often: the monotonic time at which it is due."""
        self._due_at: datetime | None = None
        """Of one that runs by the calendar: the wall time."""
        self._begin(last)

    def due(self) -> bool:
        """Whether the flow should run now."""
        return self._come() and not self._quiet()

    def began(self) -> None:
        """Note that it runs; it is due next after its time, however long the run takes."""
        now = self._clock.now()
        if self._schedule.every is not None:
            self._due_in = self._clock.monotonic() + self._schedule.every.total_seconds() + self._late()
        else:
            self._by_calendar(now + _MOMENT)

    def jumped(self) -> None:
        """Look at the calendar anew: the wall clock was set. What it jumped over is made up for once."""
        now = self._clock.now()
        if self._due_at is not None and self._due_at > now:
            self._by_calendar(now)

    def next(self) -> datetime | None:
        """Return when it is due next, as far as is known now; None if only when somebody asks."""
        now = self._clock.now()
        at = self._due_at
        if self._due_in is not None:
            at = now + timedelta(seconds=max(0.0, self._due_in - self._clock.monotonic()))
        return None if at is None else self._after_quiet(max(at, now))

    def _begin(self, last: datetime | None) -> None:
        now = self._clock.now()
        if self._schedule.every is not None:
            since = (now - last).total_seconds() if last is not None else None
            every = self._schedule.every.total_seconds()
            rest = every - since if since is not None and 0 <= since < every else 0.0
            self._due_in = self._clock.monotonic() + rest
        elif self._trigger is not None:
            self._by_calendar(last + _MOMENT if last is not None and last < now else now)

    def _by_calendar(self, since: datetime) -> None:
        """Find the first time from ``since`` on; if it has passed, one run makes up for all that were missed."""
        at = self._fires(since)
        self._due_at = at + timedelta(seconds=self._late()) if at is not None else None

    def _fires(self, since: datetime) -> datetime | None:
        if self._trigger is None:
            return None
        found: datetime | None = self._trigger.get_next_fire_time(None, since.astimezone(self._zone))
        return found.astimezone(UTC) if found is not None else None

    def _late(self) -> float:
        return self._schedule.jitter.total_seconds() * self._chance()

    def _come(self) -> bool:
        if self._due_in is not None:
            return self._clock.monotonic() >= self._due_in
        return self._due_at is not None and self._clock.now() >= self._due_at

    def _quiet(self) -> bool:
        return self._hours(self._clock.now()) is not None

    def _hours(self, at: datetime) -> Hours | None:
        local = at.astimezone(self._zone).time()
        return next((hours for hours in self._schedule.quiet if hours.hold(local)), None)

    def _after_quiet(self, at: datetime) -> datetime:
        for _ in self._schedule.quiet:
            hours = self._hours(at)
            if hours is None:
                break
            local = at.astimezone(self._zone)
            end = local.replace(hour=hours.end.hour, minute=hours.end.minute, second=0, microsecond=0)
            if end.time() <= local.time():
                end += timedelta(days=1)
            at = end.astimezone(UTC)
        return at


def _trigger(cron: str | None, zone: ZoneInfo) -> Any:  # a CronTrigger, which has no types
    if cron is None:
        return None
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - loaded only by projects that use it

    return CronTrigger.from_crontab(cron, zone)


def timers(project: Project, ledger: Ledger, clock: Clock) -> dict[str, Timer]:
    """Return the timer of each flow, in the order of their dependence. A run that was cut off counts as none."""
    zone = ZoneInfo(project.service.timezone)
    with ledger.read() as tx:
        return {
            flow.name: Timer(flow.schedule, zone, clock, last=_ended(runs.last(tx, flow.name, "sync")))
            for flow in project.ordered_flows()
        }


def _ended(run: Run | None) -> datetime | None:
    """Return when a run began that came to its end."""
    whole = run is not None and run.status not in _CUT_OFF
    return datetime.fromtimestamp(run.started_at, UTC) if run is not None and whole else None
