"""The watchman: looks at the service every little while and tells people of trouble, once.

Judging is pure (``troubles``, ``notices``), telling is somebody else's (``courier``); here they only meet. Whatever
goes wrong in it is logged and stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import structlog

from obmen.clock import Clock
from obmen.errors import StateError
from obmen.http.redact import Redactor
from obmen.project import Project
from obmen.state import Ledger, alerts
from runner.observe import notices, snapshot
from runner.observe.courier import Courier, Start, in_a_thread
from runner.observe.deadlines import Deadlines
from runner.observe.explanations import Explanations
from runner.observe.notices import Notice
from runner.observe.senders import Sender
from runner.observe.troubles import Trouble, evaluate
from runner.observe.words import Words

_LOG = structlog.get_logger("obmen.alerts")
EVERY = 30.0
"""Seconds between two looks; asked more often, it does nothing."""


class Watchman:
    """Watches one project; after a change of it, make another. Without a channel it looks at nothing."""

    def __init__(
        self,
        ledger: Ledger,
        project: Project,
        clock: Clock,
        senders: Mapping[str, Sender],
        *,
        start: Start = in_a_thread,
    ) -> None:
        self._ledger, self._project, self._clock = ledger, project, clock
        self._words = Words(project.alerts.language, ZoneInfo(project.service.timezone))
        self._redact = Redactor(project.secrets)
        self._explanations = Explanations(project)
        self._deadlines = Deadlines(project)
        self._next = 0.0
        most = project.alerts.per_hour
        self._couriers = [
            Courier(name, sender, ledger, self._words, self._redact, most=most, start=start)
            for name, sender in senders.items()
        ]

    def look(self) -> None:
        """Look, and tell what is to be told."""
        now = self._clock.monotonic()
        if not self._couriers or now < self._next:
            return
        self._next = now + EVERY
        try:
            self._look()
        except StateError as error:
            _LOG.warning("alerts.blind", error=str(error))
        except Exception:
            _LOG.exception("alerts.failed")

    def close(self) -> None:
        """Let go of the channels."""
        for courier in self._couriers:
            courier.close()

    def _look(self) -> None:
        seen = snapshot.take(self._ledger, self._project, due=self._deadlines)
        troubles = evaluate(seen)
        channels = [courier.channel for courier in self._couriers]
        with self._ledger.write() as tx:
            stand, gone = notices.advance(alerts.every(tx), troubles, tx.now, channels, self._told)
            alerts.save(tx, stand)
            alerts.drop(tx, gone)
            now = tx.now
        for courier in self._couriers:
            courier.tell(notices.untold(stand, troubles, courier.channel, now, self._words.over))

    def _told(self, trouble: Trouble) -> str:
        connection, said = str(trouble.values.get("connection", "")), str(trouble.values.get("words", ""))
        meant = self._explanations.of(connection, str(trouble.values.get("code", "")), said) if said else None
        return self._redact(self._words.trouble(trouble, meant))


def trial(words: Words, now: float) -> Notice:
    """Return what a test of the channels says."""
    return Notice("", "test", "test", "test", "", words.test(), now)
