"""One call of the page as a handler sees it: who calls, in which language, and what was asked; and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from obmen.clock import Clock
from obmen.errors import ObmenError
from obmen.http.redact import Redactor
from obmen.project import FlowSettings, Project
from obmen.state import Ledger, Transaction, deeds
from runner.daemon.pulse import Pulse
from runner.web.access import Person
from runner.web.attempts import Attempts
from runner.web.jobs import Jobs
from runner.web.sessions import Session, Sessions
from runner.web.words import Words

_LONGEST = 500
_MOST_ID = 2**62


class Lost(Exception):  # noqa: N818 - it is an answer
    """There is no such page or record."""


class Mistake(Exception):  # noqa: N818 - it is an answer
    """What was sent cannot be done; ``message`` names what the page says of it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Shown:
    """A page to be shown: a template with its values. ``status``: of HTTP; ``retry``: seconds to wait."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    retry: float = 0.0


@dataclass(frozen=True)
class Away:
    """Go to another page. ``session``: the one to go on with."""

    to: str
    session: Session | None = None
    language: str = ""


Answer = Shown | Away


@dataclass
class Call:
    """What a handler works with; ``person`` is None only where a route lets anybody in."""

    project: Project
    ledger: Ledger
    pulse: Pulse | None
    person: Person | None
    session: Session
    sessions: Sessions
    attempts: Attempts
    jobs: Jobs
    words: Words
    redact: Redactor
    address: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def clock(self) -> Clock:
        """The service's clock."""
        return self.ledger.clock

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.clock.now().timestamp()

    @property
    def operates(self) -> bool:
        """Whether the person may do more than look."""
        return self.person is not None and self.person.may("operate")

    @property
    def who(self) -> str:
        """The person's name, as it is kept with what they do."""
        assert self.person is not None  # noqa: S101 - nobody unknown comes to where something is done
        return self.person.name

    def flow(self) -> FlowSettings:
        """Return the flow that the path names."""
        found = self.project.flows.get(self.path["flow"])
        if found is None:
            raise Lost
        return found

    def number(self, text: str) -> int:
        """Return a number of a path or a form."""
        if not (text.isascii() and text.isdecimal() and int(text) < _MOST_ID):
            raise Lost
        return int(text)

    def reason(self, *, asked: bool = True) -> str:
        """Return the reason that a form gives."""
        reason = " ".join(self.form.get("reason", "").split())[:_LONGEST]
        if asked and not reason:
            raise Mistake("mistake.reason")
        return reason

    def note(self, tx: Transaction, what: str, about: str, reason: str = "") -> None:
        """Keep what the person did, with what it changed."""
        deeds.note(tx, self.who, what, about, reason)

    def said(self, error: ObmenError | str) -> str:
        """Return what a system or an error says, without what nobody may see."""
        return self.redact(str(error))


def link(path: str, **query: object) -> str:
    """Return an address with a query; what is empty is left out."""
    pairs = {name: value for name, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(pairs)}" if pairs else path
