"""Orders whose time to be handed over is near and that nobody has assembled yet.

Only what was read since the last look is decoded, and only orders that still have time are remembered, so that a
channel with many orders costs no more than its open ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from obmen.entities import split_key
from obmen.project import Project
from obmen.state import Transaction, tables
from runner.observe.snapshot import Due

SETTLED = frozenset({"ready", "shipped", "delivered", "cancelled", "returned", "disputed"})
"""Statuses after which nobody need hurry any more."""
_PAST = 12 * 3600.0
_BACK = 30 * 86400.0
_OVERLAP = 3600.0
_BUCKET = 1800.0
_MANY = 500
_EVERY = 120.0
"""Seconds between two looks for orders that are new; those that are known are judged at every look."""
_F, _A, _O = tables.fact.c, tables.agreed.c, tables.outbox.c


class _Delivery(msgspec.Struct):
    ship_by: datetime | None = None


class _Order(msgspec.Struct):
    delivery: _Delivery | None = None


class _Status(msgspec.Struct):
    status: str = ""


_ORDER, _STATUS = msgspec.json.Decoder(_Order), msgspec.json.Decoder(_Status)


class Deadlines:
    """Remembers the open orders of channels whose statuses Obmen carries; of others it cannot know."""

    def __init__(self, project: Project) -> None:
        self._before = project.alerts.rules.deadline.warning.total_seconds()
        self._channels = frozenset(
            name
            for flow in project.flows.values()
            if flow.entity == "order_status"
            for name in (flow.source, *flow.targets)
        )
        self._open: dict[tuple[str, str], float] = {}
        self._mark = self._looked = 0.0

    def __call__(self, tx: Transaction) -> tuple[Due, ...]:
        """Return the orders that are near their time, by channel and time."""
        if not self._channels:
            return ()
        self._take_in(tx)
        near = {one: at for one, at in self._open.items() if at - tx.now <= self._before}
        settled = _settled(tx, sorted(self._channels), [key for _, key in near])
        grouped: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
        for (connection, key), at in near.items():
            if key in settled:
                del self._open[connection, key]
            else:
                grouped[connection, int(at // _BUCKET)].append((at, split_key(key)[-1]))
        return tuple(
            Due(connection, bucket, min(rows)[0], tuple(number for _, number in sorted(rows)))
            for (connection, bucket), rows in sorted(grouped.items())
        )

    def _take_in(self, tx: Transaction) -> None:
        if abs(tx.now - self._looked) < _EVERY:
            return
        self._looked = tx.now
        query = sa.select(_F.connection, _F.key, _F.canonical, _F.read_at).where(
            _F.entity == "order",
            _F.occurred_at >= tx.now - _BACK,
            _F.read_at > self._mark - _OVERLAP,
            _F.connection.in_(sorted(self._channels)),
        )
        for connection, key, canonical, read_at in tx.connection.execute(query.execution_options(yield_per=_MANY)):
            self._mark = max(self._mark, read_at)
            at = _ship_by(canonical)
            if at is not None:
                self._open[connection, key] = at
            else:
                self._open.pop((connection, key), None)
        self._open = {one: at for one, at in self._open.items() if at > tx.now - _PAST}


def _ship_by(canonical: bytes) -> float | None:
    delivery = _ORDER.decode(canonical).delivery
    return delivery.ship_by.timestamp() if delivery is not None and delivery.ship_by is not None else None


def _settled(tx: Transaction, places: Sequence[str], keys: Sequence[str]) -> set[str]:
    """Return the keys of orders whose channel knows that they are assembled, or that told so itself."""
    return {key for key, canonical in _steps(tx, places, keys) if _STATUS.decode(canonical).status in SETTLED}


def _steps(tx: Transaction, places: Sequence[str], keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the steps of orders that somebody confirmed, or that their channel told and nobody has yet."""
    for start in range(0, len(keys), _MANY):
        some = keys[start : start + _MANY]
        agreed = sa.select(_A.key, _A.canonical).where(*_of(_A, places, some))
        yield from ((key, canonical) for key, canonical in tx.rows(agreed))
        told = sa.select(_O.connection, _O.key, _O.canonical).where(*_of(_O, places, some))
        yield from ((key, canonical) for one, key, canonical in tx.rows(told) if split_key(key)[0] != one)


def _of(columns: Any, places: Sequence[str], keys: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return columns.connection.in_(places), columns.entity == "order_status", columns.key.in_(keys)
