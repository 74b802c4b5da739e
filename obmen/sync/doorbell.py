"""The doorbell: what a system says by itself is kept at once, and looked at by the next run.

A marketplace forgets what it has pushed as soon as it is answered, and its pushes come twice, late or not at
all. So nothing in them is believed: the ids are kept before the answer goes out, and the records are fetched by
them, besides the usual reading, which a service then begins at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from obmen.errors import Busy
from obmen.state import Ledger, hints, wishes
from obmen.state.text import fault
from obmen.sync.flow import Flow

_LOG = structlog.get_logger("obmen.sync")
_PATIENCE = 4.0
"""Seconds: systems that push wait five for an answer."""
_PAUSE = 0.05


class Doorbell:
    """Takes in what the system of one connection tells, for the flows that read from it."""

    def __init__(self, ledger: Ledger, connection: str, flows: Sequence[Flow]) -> None:
        self._ledger, self._connection = ledger, connection
        self._flows: dict[str, list[str]] = {}
        for flow in flows:
            entity = flow.entity.entity
            if flow.source.name == connection and entity in flow.source.lookups:
                self._flows.setdefault(entity, []).append(flow.name)

    def ring(self, ids: Mapping[str, Sequence[str]]) -> None:
        """Keep which records changed, entity → native ids. Raises Busy if the state is in use for too long."""
        wanted = {entity: [one for one in ids[entity] if not fault(one)] for entity in self._flows if entity in ids}
        if not any(wanted.values()):
            return None
        until = self._ledger.clock.monotonic() + _PATIENCE
        while True:
            try:
                return self._keep(wanted)
            except Busy:
                if self._ledger.clock.monotonic() > until:
                    raise
                self._ledger.clock.sleep(_PAUSE)

    def _keep(self, wanted: Mapping[str, Sequence[str]]) -> None:
        name = self._connection
        with self._ledger.lease(f"feed:{name}") as lease, self._ledger.write(lease) as tx:
            state = hints.feed(tx, name)
            number = state.number
            for entity, ids in wanted.items():
                hints.prune(tx, name, entity, self._flows[entity])
                number = hints.add(tx, name, entity, ids, number)
                for flow in self._flows[entity] if ids else ():
                    wishes.ask(tx, flow, name)
            hints.save_feed(tx, name, replace(state, number=number))
        _LOG.info("doorbell.rung", connection=name, records=sum(map(len, wanted.values())))
