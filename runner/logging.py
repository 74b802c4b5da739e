"""Logs: text for a person at a terminal, JSON lines for whatever collects them, and no secret in either."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from obmen.http.redact import Redactor

QUIET, USUAL, VERBOSE = logging.ERROR, logging.WARNING, logging.DEBUG
_TOLD_BY_THE_COMMAND = frozenset({"read.failed", "deliver.stopped", "guard.held", "guard.forced"})


class _Stderr:
    """Whatever ``sys.stderr`` is at the moment, so that a progress bar can let lines pass above it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class Redacting:
    """A processor that masks secrets and personal data in every value of an event."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._redact = Redactor(secrets)

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Mask the values; the event's own name is ours."""
        name = event.pop("event", "")
        masked: EventDict = self._redact.data(event)
        return {"event": name, **masked}


def configure(level: int = USUAL, *, secrets: Iterable[str] = ()) -> None:
    """Send logs of ``level`` and above to stderr; ``secrets`` are masked wherever they turn up.

    At a terminal, what a command tells of its own accord in the end is left out unless ``level`` is VERBOSE.
    """
    terminal = sys.stderr.isatty()
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
    ]
    if terminal:
        colours = not os.environ.get("NO_COLOR")
        if level > VERBOSE:
            processors.append(_not_twice)
        processors += [Redacting(secrets), structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0)]
    else:
        processors.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
        processors += [Redacting(secrets), structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]  # it only writes and flushes
        cache_logger_on_first_use=False,
    )


def _not_twice(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if event.get("event") in _TOLD_BY_THE_COMMAND:
        raise structlog.DropEvent
    return event
