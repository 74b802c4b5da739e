"""Exit codes: what a script, a timer or a service manager may conclude from how a command ended.

One code for every next step, so that a monitor need not read texts. ``docs/reference/cli.md`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from obmen.errors import (
    Busy,
    ConfigurationError,
    LeaseLost,
    ObmenError,
    Paused,
    StalePlan,
    StateError,
)

if TYPE_CHECKING:
    from obmen.sync.passes import FlowReport


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    BUG = 1
    MISTAKE = 2
    ATTENTION = 3
    PEER = 4
    STATE = 5
    STALE = 6
    BUSY = 7
    CHANGES = 10
    INTERRUPTED = 130
    PIPE = 141
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.BUG: "a bug in Obmen",
    ExitCode.MISTAKE: "a mistake in the command or the project; a person mends it",
    ExitCode.ATTENTION: "finished, but quarantine, a guard, match or undo asks, a source is empty, or it is paused",
    ExitCode.PEER: "a system could not be reached, refused our key or was not whole; what is undone stays",
    ExitCode.STATE: "the state database cannot be used",
    ExitCode.STALE: "the plan is stale, or the canary read back otherwise than it was sent",
    ExitCode.BUSY: "another process runs the flow",
    ExitCode.CHANGES: "plan --exit-code found changes",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C; nothing is lost",
    ExitCode.PIPE: "whoever read the output went away",
    ExitCode.TERMINATED: "stopped by SIGTERM; nothing is lost",
}
_OF_ERRORS: tuple[tuple[type[ObmenError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.MISTAKE),
    (StateError, ExitCode.STATE),
    (StalePlan, ExitCode.STALE),
    (Paused, ExitCode.ATTENTION),
    (Busy, ExitCode.BUSY),
    (LeaseLost, ExitCode.BUSY),
)
_SEVEREST = (ExitCode.MISTAKE, ExitCode.STATE, ExitCode.PEER, ExitCode.BUSY, ExitCode.ATTENTION)


def of_error(error: ObmenError | type[ObmenError]) -> ExitCode:
    """Return the code of an error, or of a kind of errors; whatever is none of ours is the peer's."""
    kind = error if isinstance(error, type) else type(error)
    return next((code for one, code in _OF_ERRORS if issubclass(kind, one)), ExitCode.PEER)


def of_reports(reports: Iterable[FlowReport]) -> ExitCode:
    """Return the code of a run: the one that most needs somebody."""
    found: set[ExitCode] = set()
    for report in reports:
        found.update(of_error(error) for error in report.trouble)
        if report.outbox.get("held") or report.quarantine.get("open") or report.warnings:
            found.add(ExitCode.ATTENTION)
    return severest(found)


def severest(found: Iterable[ExitCode]) -> ExitCode:
    """Return the code that most needs somebody, ``DONE`` if there is none."""
    codes = set(found)
    return next((code for code in _SEVEREST if code in codes), ExitCode.DONE)
