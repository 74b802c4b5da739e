"""Words for time in a project: how long, how often, and when to be quiet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from obmen.errors import meant

_DURATION = re.compile(r"(?:(\d{1,6})d)? ?(?:(\d{1,6})h)? ?(?:(\d{1,6})m)? ?(?:(\d{1,6})s)?")
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d) ?[-–] ?([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of every day, from ``start`` up to ``end``; past midnight where ``end`` is the earlier one."""

    start: time
    end: time

    def hold(self, moment: time) -> bool:
        """Whether a time of the day lies in them."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def _duration(value: Any) -> timedelta:
    matched = _DURATION.fullmatch(value) if isinstance(value, str) else None
    parts = [int(part or 0) for part in matched.groups()] if matched else []
    if not any(parts):
        raise ValueError("a time is written as 90s, 2m, 1h, 1d or 1h30m")
    days, hours, minutes, seconds = parts
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _often(value: Any) -> timedelta | None:
    """Return the time between runs, None for never."""
    return None if value == "off" else _duration(value)


def _hours(value: Any) -> Hours:
    matched = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if matched is None or (matched[1], matched[2]) == (matched[3], matched[4]):
        raise ValueError("hours are written as 23:00-07:00, in quotes")
    return Hours(time(int(matched[1]), int(matched[2])), time(int(matched[3]), int(matched[4])))


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        message = f"there is no time zone '{value}'.{meant(value, available_timezones())}"
        raise ValueError(message) from None
    return value


def _cron(value: str) -> str:
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - loaded only by projects that use it

    try:
        CronTrigger.from_crontab(value, "UTC")
    except (ValueError, TypeError, AttributeError):
        message = 'is meant to be five fields: minute hour day month weekday, such as "30 3 * * *"'
        raise ValueError(message) from None
    return value


_EXAMPLES = ["90s", "2m", "1h"]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+[dhms]", "examples": _EXAMPLES}),
]
Often = Annotated[
    timedelta | None,
    BeforeValidator(_often),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+[dhms]|off)", "examples": [*_EXAMPLES, "off"]}),
]
Within = Annotated[
    Hours,
    BeforeValidator(lambda value: value if isinstance(value, Hours) else _hours(value)),
    WithJsonSchema({"type": "string", "examples": ["09:00-21:00"]}),
]
Quiet = Annotated[
    tuple[Annotated[Hours, BeforeValidator(_hours)], ...],
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Zone = Annotated[str, AfterValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Moscow"]})]
Cron = Annotated[str, AfterValidator(_cron), WithJsonSchema({"type": "string", "examples": ["30 3 * * *"]})]
