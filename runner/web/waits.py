"""For what the records of a flow wait: the other record, the flow that should bring it, and whether it was refused."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from obmen.project import FlowSettings, Project
from obmen.state import Transaction, tables
from obmen.sync import waiting

_O, _Q = tables.outbox.c, tables.quarantine.c
_OLDEST = (
    sa.select(_O.enqueued_at, _O.waits_for).where(_O.state == "waiting").order_by(_O.enqueued_at).limit(1),
    sa.select(_Q.created_at, _Q.waits_for).where(_Q.state == "waiting").order_by(_Q.created_at).limit(1),
)


@dataclass(frozen=True, slots=True)
class Wait:
    """For what the record waits that has waited longest, and since when (Unix seconds).

    ``flow``: which brings it, empty if none does. ``refused``: in which words it was refused there, if it was.
    """

    since: float
    token: str
    flow: str = ""
    refused: str = ""


def of(tx: Transaction, project: Project, flow: FlowSettings) -> Wait | None:
    """Return for what a flow waits longest, if for anything."""
    queries = (_OLDEST[0].where(_O.flow == flow.name), _OLDEST[1].where(_Q.flow == flow.name))
    found = [(float(at), str(token or "")) for query in queries for at, token in tx.rows(query)]
    if not found:
        return None
    since, token = min(found)
    place = waiting.named(token)
    if place is None:
        return Wait(since, token)
    connection, entity, key = place
    flows = [one for one in project.flows.values() if one.entity == entity]
    bringing = [one for one in flows if connection in one.targets] or [one for one in flows if connection == one.source]
    for one in bringing:
        refused = _refused(tx, one.name, connection, key)
        if refused is not None:
            return Wait(since, token, one.name, refused)
    return Wait(since, token, bringing[0].name if bringing else "")


def _refused(tx: Transaction, flow: str, connection: str, key: str) -> str | None:
    query = sa.select(_Q.message).where(_Q.flow == flow, _Q.connection == connection, _Q.state == "open")
    row = tx.one(query.where(sa.or_(_Q.key == key, _Q.source == key)).limit(1))
    return None if row is None else str(row.message)
