"""Logs: text for a person at a terminal, JSON lines for whatever collects them, and no secret in either."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import structlog
from structlog.typing import EventDict, Processor

from obmen.errors import ConfigurationError, meant
from obmen.http.redact import Redactor

Value = TypeVar("Value")

QUIET, USUAL, TELLING, VERBOSE = logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG
LEVEL, FORM = "OBMEN_LOG", "OBMEN_LOG_FORMAT"
"""Variables of the environment: the level where no option says it, and ``text`` or ``json``."""
_LEVELS = {"error": QUIET, "warning": USUAL, "info": TELLING, "debug": VERBOSE}
_FORMS = {"text": True, "json": False}
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


def chosen(*, verbose: bool, quiet: bool, usual: int = USUAL) -> int:
    """Return the level that the options ask for, else the environment, else the usual one.

    Raises ConfigurationError for a level in the environment that there is not.
    """
    if verbose or quiet:
        return VERBOSE if verbose else QUIET
    return _asked(LEVEL, _LEVELS, usual)


def configure(level: int = USUAL, *, secrets: Iterable[str] = ()) -> None:
    """Send logs of ``level`` and above to stderr; ``secrets`` are masked wherever they turn up.

    At a terminal they are text, elsewhere JSON lines, unless the environment says it. As text, what a command tells of
    its own accord in the end is left out unless ``level`` is VERBOSE.
    """
    text = _asked(FORM, _FORMS, sys.stderr.isatty())
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,  # as text, so that it is masked too; and without the values of variables
    ]
    if text:
        colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        if level > VERBOSE:
            processors.append(_not_twice)
        renderer = structlog.dev.ConsoleRenderer(
            colors=colours, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
        processors += [Redacting(secrets), renderer]
    else:
        processors.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
        processors += [Redacting(secrets), structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]  # it only writes and flushes
        cache_logger_on_first_use=False,
    )


def _asked(variable: str, words: Mapping[str, Value], usual: Value) -> Value:
    word = os.environ.get(variable, "").strip().lower()
    if word and word not in words:
        raise ConfigurationError(f"{variable} is '{word}'.{meant(word, words)}")
    return words[word] if word else usual


def _not_twice(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if event.get("event") in _TOLD_BY_THE_COMMAND:
        raise structlog.DropEvent
    return event
