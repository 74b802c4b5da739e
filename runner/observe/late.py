"""When a flow is late: how old what it read may get, by its schedule or by the project's word.

A service that only tells of errors is silent when nothing runs any more; age is what tells that. Quiet hours do not
count, or every morning would begin with a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from obmen.periods import Period, merged
from obmen.project import FlowSettings
from obmen.project.alerts import RulesModel
from obmen.project.times import Hours

TIMES = 3
"""So many of its intervals a flow may miss."""
LEAST = 900.0
"""Seconds. Below this nobody calls a flow late, however often it runs."""
_MISSED = 2
_LONGEST = 60 * 86400.0
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Age:
    """How old what a flow read is, and how old it may get; seconds, quiet hours left out. No limit: nobody minds."""

    seconds: float
    limit: float | None

    @property
    def late(self) -> bool:
        """Whether it is older than it may be."""
        return self.limit is not None and self.seconds > self.limit


def age(flow: FlowSettings, rules: RulesModel, zone: ZoneInfo, since: float, now: float) -> Age:
    """Return how old what a flow last read at ``since`` is."""
    quiet = within(flow.schedule.quiet, zone, since, now)
    seconds = max(now - since - quiet, 0.0)
    if flow.name in rules.late:
        asked = rules.late[flow.name]
        return Age(seconds, asked.total_seconds() if asked is not None else None)
    if flow.schedule.every is not None:
        return Age(seconds, max(TIMES * flow.schedule.every.total_seconds(), LEAST))
    if flow.schedule.cron is not None:
        return Age(max(now - since, 0.0), _by_calendar(flow.schedule.cron, zone, since))
    return Age(seconds, None)


def within(hours: tuple[Hours, ...], zone: ZoneInfo, since: float, until: float) -> float:
    """Return how many seconds between two moments lie in some hours of the day; of the last sixty days at most."""
    if not hours or until <= since:
        return 0.0
    since = max(since, until - _LONGEST)
    day = datetime.fromtimestamp(since, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(until, zone).date()
    found = []
    while day <= last:
        for one in hours:
            end = day if one.start < one.end else day + timedelta(days=1)
            begins = datetime.combine(day, one.start, zone).timestamp()
            ends = datetime.combine(end, one.end, zone).timestamp()
            found.append(Period(max(begins, since), min(ends, until)))
        day += timedelta(days=1)
    return sum(period.seconds for period in merged(found))


def _by_calendar(cron: str, zone: ZoneInfo, since: float) -> float | None:
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - loaded only by projects that use it

    trigger = CronTrigger.from_crontab(cron, zone)
    at = datetime.fromtimestamp(since, UTC)
    for _ in range(_MISSED):
        fires: datetime | None = trigger.get_next_fire_time(None, (at + _MOMENT).astimezone(zone))
        if fires is None:
            return None
        at = fires.astimezone(UTC)
    return at.timestamp() - since + LEAST
