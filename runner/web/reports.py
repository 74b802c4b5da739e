"""Reports: a name, and what makes its table. An entity that brings facts adds its own here, and the page shows it.

A report is reckoned by the database; nothing of what it sums is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from obmen.entities import Order
from obmen.project import Project
from obmen.state import Transaction, tables

DAYS = 30
_SLOT = 900
"""Seconds; every zone's days begin on such a boundary."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: a value for each of the table's rows."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Table:
    """What a report says. ``days`` head the rows; ``series`` are its columns, drawn as stacked bars too."""

    days: Sequence[date]
    series: Sequence[Series]

    @property
    def total(self) -> float:
        """The sum of everything."""
        return sum(sum(one.values) for one in self.series)


Make = Callable[[Transaction, Project], Table]


def orders_by_day(tx: Transaction, project: Project) -> Table:
    """Count orders for each of the last days (of the service's zone) and each channel that took them."""
    return _counted(tx, project, Order.entity)


REPORTS: Mapping[str, Make] = {"orders": orders_by_day}
"""Name → what makes it. Its title and what it tells stand in the catalogue as ``report.NAME.title`` and ``.about``."""


def _counted(tx: Transaction, project: Project, entity: str) -> Table:
    zone = ZoneInfo(project.service.timezone)
    today = datetime.fromtimestamp(tx.now, zone).date()
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    since = datetime.combine(days[0], time(), zone).timestamp()
    until = datetime.combine(today + timedelta(days=1), time(), zone).timestamp()
    fact = tables.fact.c
    slot = sa.cast(sa.func.floor((fact.occurred_at - since) / _SLOT), sa.Integer).label("slot")
    query = (
        sa.select(fact.connection, slot, sa.func.count())
        .where(fact.entity == entity, fact.occurred_at >= since, fact.occurred_at < until)
        .group_by(fact.connection, slot)
    )
    numbers = {day: number for number, day in enumerate(days)}
    sums: dict[str, list[float]] = {}
    for connection, number, count in tx.rows(query):
        day = datetime.fromtimestamp(since + number * _SLOT, zone).date()
        sums.setdefault(connection, [0.0] * DAYS)[numbers[day]] += count
    return Table(days, [Series(name, sums[name]) for name in sorted(sums)])
