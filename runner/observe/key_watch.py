"""Asks systems once a day when their keys end, where only they know.

A key that ends unseen stops every flow of its connection at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from obmen import keys
from obmen.clock import Clock
from obmen.errors import ObmenError
from obmen.project import ConnectionSettings, Project
from obmen.state import Ledger
from obmen.state.memory import LedgerMemory
from obmen.sync.assemble import equip
from runner.observe.courier import Start, in_a_thread

_LOG = structlog.get_logger("obmen.service")
DAY, AGAIN = 86400.0, 3600.0
"""Seconds between two questions, and until the next one after one that was not answered."""
_EVERY = 60.0


class KeyWatch:
    """Watches the keys of one project; after a change of it, make another."""

    def __init__(self, ledger: Ledger, project: Project, clock: Clock, *, start: Start = in_a_thread) -> None:
        self._ledger, self._project, self._clock, self._start = ledger, project, clock, start
        self._asking = False
        self._next = 0.0
        self._not_before: dict[str, float] = {}

    def look(self) -> None:
        """Ask those whose turn has come, in the background. Raises StateError if the state cannot be read."""
        now = self._clock.monotonic()
        if self._asking or now < self._next:
            return
        self._next = now + _EVERY
        due = list(self._due())
        if due:
            self._asking = True
            self._start(lambda: self._ask(due), "keys")

    def _due(self) -> Iterator[ConnectionSettings]:
        now = self._clock.now().timestamp()
        for name, one in self._project.connections.items():
            if not keys.only_told(one.connector, one.options):
                continue
            if self._clock.monotonic() < self._not_before.get(name, 0.0):
                continue
            found = keys.said(one.connector, one.options, LedgerMemory(self._ledger, name).get(keys.NAME))
            if found is None or abs(now - found.asked_at) >= DAY:
                yield one

    def _ask(self, due: list[ConnectionSettings]) -> None:
        try:
            for one in due:
                self._ask_one(one)
        finally:
            self._asking = False

    def _ask_one(self, one: ConnectionSettings) -> None:
        self._not_before[one.name] = self._clock.monotonic() + AGAIN
        connector = one.connector(one.name, one.options, clock=self._clock)
        try:
            equip(connector, self._ledger)
            ends = connector.ask_key_end()
            if ends is not None:
                keys.keep(connector, ends)
            else:
                self._not_before[one.name] = self._clock.monotonic() + DAY
        except ObmenError as error:
            _LOG.info("key.not_told", connection=one.name, error=str(error))
        except Exception:
            _LOG.exception("key.not_told", connection=one.name)
        finally:
            connector.close()
