"""Listening: what a source tells of changes is kept, and only then acknowledged.

A source forgets what was acknowledged, and tells one mark to one listener. So a connection is listened to
under a lease of its own, and its hints are written together with the mark up to which they were told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from obmen.connector import Connector
from obmen.errors import IncompleteSource
from obmen.records import Hints
from obmen.state import Lease, Ledger, hints
from obmen.state.hints import Feed
from obmen.state.text import LONGEST_ID, fault
from obmen.sync.flow import Flow
from obmen.sync.pausing import unpaused
from obmen.sync.steps import OnStep, ignore

_LOG = structlog.get_logger("obmen.sync")


class Ear:
    """Listens to one connection for the flows that read from it."""

    def __init__(self, ledger: Ledger, source: Connector, flows: Sequence[Flow], *, on_step: OnStep = ignore) -> None:
        self.ledger, self.source, self.on_step = ledger, source, on_step
        self._flows: dict[str, list[str]] = {}
        for flow in flows:
            if flow.source.name == source.name and source.listens(flow.entity.entity):
                self._flows.setdefault(flow.entity.entity, []).append(flow.name)

    def listen(self) -> None:
        """Take in what there is. Raises Busy while another process listens, Paused if a person has paused it."""
        name = self.source.name
        with self.ledger.lease(f"feed:{name}") as lease:
            with self.ledger.write(lease) as tx:
                state = hints.feed(tx, name)
                for entity, flows in self._flows.items():
                    hints.prune(tx, name, entity, flows)
            if state.cursor is not None and not state.acknowledged:
                state = self._acknowledge(lease, state)
            for told in unpaused(self.ledger, name, "", self.source.changes(state.cursor)):
                self.on_step("listen.told")
                state = self._keep(lease, state, told)
                self.on_step("listen.kept")
                state = self._acknowledge(lease, state)

    def _keep(self, lease: Lease, state: Feed, told: Hints) -> Feed:
        name, number = self.source.name, state.number
        if wrong := fault(told.cursor):
            message = f"{name}: the mark up to which it told of changes cannot be kept: {wrong}."
            raise IncompleteSource(f"{message} Nothing of it was taken.")
        with self.ledger.write(lease) as tx:
            for entity, flows in self._flows.items():
                number = hints.add(tx, name, entity, self._kept(entity, told), number)
                if told.lost:
                    hints.lose(tx, flows)
            state = Feed(told.cursor, acknowledged=False, number=number)
            hints.save_feed(tx, name, state)
        if told.lost:
            _LOG.warning("feed.lost", connection=name, entities=sorted(self._flows))
        return state

    def _kept(self, entity: str, told: Hints) -> list[str]:
        """Return the ids that can be kept; a record that has another cannot be read by its id, or kept, either."""
        kept = []
        for native_id in told.ids.get(entity, ()):
            if wrong := fault(native_id, LONGEST_ID):
                _LOG.warning("feed.bad_id", connection=self.source.name, entity=entity, reason=wrong)
            else:
                kept.append(native_id)
        return kept

    def _acknowledge(self, lease: Lease, state: Feed) -> Feed:
        self.source.acknowledge(state.cursor or "")
        self.on_step("listen.acknowledged")
        state = replace(state, acknowledged=True)
        with self.ledger.write(lease) as tx:
            hints.save_feed(tx, self.source.name, state)
        return state
