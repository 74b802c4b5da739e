"""Alerts: which troubles there are and who was told what of them, so that a restart tells nobody twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Transaction

_A = tables.alert.c
_COLUMNS = ("name", "rule", "subject", "level", "text", "since", "told", "over_at")


@dataclass(frozen=True, slots=True)
class Alert:
    """One trouble. ``told``: channel → the level that was told there last, or ``over``; times are Unix seconds."""

    name: str
    rule: str
    subject: str
    level: str
    text: str
    since: float
    told: Mapping[str, str] = field(default_factory=dict)
    over_at: float | None = None


def every(tx: Transaction) -> list[Alert]:
    """Return all that are kept, the oldest first; those that are over as long as somebody is still to be told."""
    query = sa.select(*(_A[name] for name in _COLUMNS)).order_by(_A.since, _A.name)
    return [
        Alert(name, rule, subject, level, text, since, json.loads(told or "{}"), over_at)
        for name, rule, subject, level, text, since, told, over_at in tx.rows(query)
    ]


def save(tx: Transaction, alerts: Iterable[Alert]) -> None:
    """Keep alerts as they stand now; whom they were told is kept by ``tell`` alone."""
    rows = [
        (one.name, one.rule, one.subject, one.level, one.text, one.since, json.dumps(dict(one.told)), one.over_at)
        for one in alerts
    ]
    tx.upsert(tables.alert, _COLUMNS, rows, keep=("told",))


def tell(tx: Transaction, channel: str, levels: Mapping[str, str]) -> None:
    """Note what a channel was told: name → level, or ``over``."""
    query = sa.select(_A.name, _A.told).where(_A.name.in_(list(levels))).with_for_update()
    for name, told in tx.rows(query):
        known = {**json.loads(told or "{}"), channel: levels[name]}
        tx.run(sa.update(tables.alert).where(_A.name == name).values(told=json.dumps(known)))


def drop(tx: Transaction, names: Iterable[str]) -> None:
    """Forget alerts."""
    tx.run(sa.delete(tables.alert).where(_A.name.in_(list(names))))
