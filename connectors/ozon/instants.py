"""Times as Ozon takes and tells them, and cursors that hold one."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from obmen.errors import StateError
from obmen.http import Reply

Cursor = TypeVar("Cursor", bound=msgspec.Struct)


def text_of(moment: datetime) -> str:
    """Write a time as Ozon takes it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reading_from(cursor: str | None, kind: type[Cursor], what: str) -> Cursor | None:
    """Return what a cursor says, None for a first read. Raises StateError for one of another shape."""
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(cursor, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        message = f"The checkpoint of {what} cannot be read ({error}). Remove it; the next pass begins anew."
        raise StateError(message) from error


def told_at(reply: Reply) -> datetime | None:
    """Return when Ozon answered, by its own clock."""
    try:
        moment = parsedate_to_datetime(reply.headers.get("Date", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
