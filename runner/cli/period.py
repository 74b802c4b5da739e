"""``--from`` and ``--to`` of the commands that report: days of the service's zone, the last one exclusive."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from obmen.errors import ConfigurationError
from obmen.project import Project

From = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="The first day; by default the first of the month before this one."),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="The day before which it ends; by default it ends now.")
]


def period(project: Project, since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Return a period's beginning and end; None where it is not said."""
    zone = ZoneInfo(project.service.timezone)
    begin = _day(since, "--from", zone) if since is not None else None
    end = _day(until, "--to", zone) if until is not None else None
    if begin is not None and end is not None and end <= begin:
        message = f"--from {since} is not before --to {until}. The period ends before --to: for one day, say the next."
        raise ConfigurationError(message)
    return begin, end


def _day(text: str, option: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone)
    except ValueError:
        raise ConfigurationError(f"{option} {text} is no date. Write it like 2026-01-31.") from None
