"""Errors, named by what to do next.

An error that only says what broke leaves the reader guessing whether to wait, to mend the project or to
mend a record. Each class here is one answer to that question, and each message says who, what, where and
the next step.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ObmenError(Exception):
    """Base of every error that Obmen raises on purpose."""


class ConfigurationError(ObmenError):
    """A person mends the project.

    ``where`` is ``file:line`` when the fault stands in a file.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class Refused(ObmenError):  # noqa: N818 - the name is the peer's answer, not a state of ours
    """The record will never be taken as it is; it goes to quarantine with this reason.

    ``code`` is the peer's or Obmen's own short name of the reason, by which equal refusals are grouped.
    """

    def __init__(self, message: str, *, code: str = "refused", field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


TOO_LATE = "too_late"
"""The code for a seller's cancellation of what the channel has in its hands by now."""

LATE_CANCEL = "late_cancel"
"""The code of a task that ends by itself: once a person has seen to it there, the record is taken when asked again."""


class Later(ObmenError):  # noqa: N818 - see Refused
    """The record may be said again after a while: the peer took the call but not yet the record.

    ``after`` is in seconds; None leaves the delay to the engine.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unavailable(ObmenError):  # noqa: N818 - see Refused
    """The peer, after a while. The call surely had no effect, so nothing is in doubt."""

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Interrupted(Unavailable):
    """The process was told to stop, before the call; what is left is done after the next start."""


class InDoubt(ObmenError):  # noqa: N818 - see Refused
    """The call may have had its effect: look before repeating."""


class Denied(ObmenError):  # noqa: N818 - see Refused
    """The peer does not let us in: an expired key, a missing right. A person mends it; nothing is lost."""


class IncompleteSource(ObmenError):  # noqa: N818 - see Refused
    """The source is not whole: a truncated file, a page that is not what was promised.

    Nothing after the fault was taken, and what is missing from it is not taken for deleted.
    """


class StateError(ObmenError):
    """The state database cannot be used: locked, read-only, full, damaged, or of a newer version."""


class LeaseLost(ObmenError):  # noqa: N818 - see Refused
    """Another process runs this flow now; this one may commit nothing more."""


class Busy(ObmenError):  # noqa: N818 - see Refused
    """Another process runs this flow; try again when it has finished."""


class Paused(ObmenError):  # noqa: N818 - see Refused
    """A person has paused this; it goes on when somebody lets it. Nothing is wrong, and nothing is lost."""


class StalePlan(ObmenError):  # noqa: N818 - see Refused
    """The source or the ledger moved since the plan was made; make a new plan."""


def meant(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for a misspelt ``name``, or the list of what is known."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known: {', '.join(choices)}." if choices else ""
