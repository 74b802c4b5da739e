"""What workers do at the moment, as the ledger and the queue know it: a lane for each connection, as the service's own.

A job says which flow somebody is at, the lease of the flow which process that is, and its open run since when. Whether
its source is still being read, or all was read and is on its way, the checkpoint tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from obmen.project import FlowSettings, Project
from obmen.state import Transaction, outbox, owners, runs, seen, tables
from runner.daemon.dispatcher import Pace, pace_of
from runner.daemon.lane import DELIVERY
from runner.daemon.pulse import LaneNow
from runner.daemon.tasks import Task

_L = tables.lease.c


def lanes(tx: Transaction, project: Project, running: Mapping[str, bool]) -> Iterator[LaneNow]:
    """Yield a lane for each flow of ``running`` (whether it is only delivered), and those that rest."""
    held = {row.name: row.owner for row in tx.rows(sa.select(_L.name, _L.owner).where(_L.expires_at > tx.now))}
    ripe = set(outbox.ripe(tx)) if running else set()
    busy: set[tuple[str, Pace]] = set()
    for name in sorted(running.keys() & project.flows.keys()):
        flow = project.flows[name]
        run = runs.last(tx, name)
        begun = run if run is not None and run.status == "running" else None
        since = begun.started_at if begun is not None else tx.now
        target = ""
        if running[name] or (begun is not None and (begun.kind == DELIVERY or _was_read(tx, name, since))):
            waiting = [one for one in flow.targets if (name, one) in ripe]
            target = next(iter(waiting or flow.targets), "")
        place, pace = target or flow.source, pace_of(flow.entity)
        busy.add((place, pace))
        where = owners.place_of(held[name]) if name in held else ""
        yield LaneNow(place, pace, str(Task(name, target)), name, round(max(tx.now - since, 0.0), 1), where=where)
    for connection, pace in sorted(_seats(project.flows.values()) - busy):
        yield LaneNow(connection, pace)


def _was_read(tx: Transaction, flow: str, since: float) -> bool:
    read_at = seen.checkpoint(tx, flow).read_at
    return read_at is not None and read_at >= since


def _seats(flows: Iterable[FlowSettings]) -> set[tuple[str, Pace]]:
    return {(name, pace_of(flow.entity)) for flow in flows for name in (flow.source, *flow.targets)}
