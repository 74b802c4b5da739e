"""How times and dates are written: with a zone, without one, as a day, or as a day's midnight.

What is pulled is aware and in UTC; a time of the year 1, as 1C writes an empty one, is no time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import Any

from obmen.mapping.values import LONGEST, BadValue

NO_TIME = "0001-01-01T00:00:00"


def _time_in(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise BadValue("is not a time such as 2026-06-15T09:50:09Z")
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        raise BadValue("is not a time such as 2026-06-15T09:50:09Z") from None


def _shift(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        raise BadValue("is a time beyond the calendar") from None


def _aware(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadValue("is not a time with a zone")
    return value


def utc_in(value: Any) -> datetime:
    """Return the time of a text that names its zone."""
    moment = _time_in(value)
    if moment.tzinfo is None:
        raise BadValue("is a time without a zone; a peer that writes local times needs `as: local_time`")
    return _shift(moment, UTC)


def utc_out(value: Any) -> str:
    """Return it as 2026-06-15T09:50:09Z."""
    return _shift(_aware(value), UTC).isoformat().replace("+00:00", "Z")


def local_in(zone: tzinfo, value: Any) -> datetime | None:
    """Return the time of a text without a zone, of the connection's; None for an empty one."""
    moment = _time_in(value)
    if moment.year == 1:
        return None
    return _shift(moment if moment.tzinfo else moment.replace(tzinfo=zone), UTC)


def local_out(zone: tzinfo, value: Any) -> str:
    """Return it in the connection's zone, without naming it."""
    local = _shift(_aware(value), zone)
    return local.replace(tzinfo=None, microsecond=0).isoformat()


def date_in(value: Any) -> date:
    """Return the day of a text such as 2026-06-15."""
    try:
        return date.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise BadValue("is not a date such as 2026-06-15") from None


def date_out(value: Any) -> str:
    """Return it as 2026-06-15."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise BadValue("is not a date")
    return value.isoformat()


def midnight_in(value: Any) -> date | None:
    """Return the day of a time; None for an empty one."""
    moment = _time_in(value)
    return None if moment.year == 1 else moment.date()


def midnight_out(value: Any) -> str:
    """Return the day's first moment."""
    return f"{date_out(value)}T00:00:00"
