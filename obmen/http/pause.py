"""How long to wait before a call is repeated: as long as the peer asks, and longer each time.

Vendors tell the wait in seconds, in minutes, or as a date by their own clock; a client that reads any of
them wrongly either hammers a peer that asked for peace or sleeps for days.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

JITTER = 0.25
"""How much of a delay is added at most, so that clients that failed together do not return together."""


def asked(headers: Mapping[str, str], units: Mapping[str, float], now: datetime) -> float | None:
    """Return the seconds for which the peer asks us to wait, None if it does not say.

    ``units``: header name → seconds in one of its units; a header may also hold an HTTP date, which is
    measured against the peer's own ``Date`` header where there is one, else against ``now``. Of several
    headers the longest wait counts. What is neither a finite number nor a date is ignored.
    """
    waits = [
        _seconds(value, unit, headers, now) for name, unit in units.items() if (value := headers.get(name)) is not None
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def growing(attempt: int, first: float, longest: float) -> float:
    """Return the delay after the ``attempt``-th try (from 1), in seconds.

    Each is twice the one before, plus a jitter of at most a quarter, so the delays grow in spite of the
    jitter; none is above ``longest``.
    """
    delay = min(first * 2.0 ** min(attempt - 1, 60), longest / (1 + JITTER))
    return delay * (1 + random.random() * JITTER)  # noqa: S311 - spreads calls, protects nothing


def _seconds(value: str, unit: float, headers: Mapping[str, str], now: datetime) -> float | None:
    try:
        number = float(value)
    except ValueError:
        moment = _moment(value)
        told = _moment(headers.get("Date", ""))
        return None if moment is None else max((moment - (told or now)).total_seconds(), 0.0)
    return max(number * unit, 0.0) if math.isfinite(number) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
