"""What the connectors' calls come to: how long peers take, what they answer, how long budgets made us wait.

Counted by connection alone: nothing of what was called or said is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

from obmen.connector import Connector

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds."""
_LIMITED = {420, 429}


class Meter:
    """Hears every call of the connectors that it is attached to; safe to be used by many threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        names, own = ("connection",), self.registry
        self._seconds = Histogram(
            "obmen_call_seconds", "How long a call to a system took.", names, buckets=BUCKETS, registry=own
        )
        self._answers = Counter(
            "obmen_calls", "Calls to a system, by the kind of the answer.", ("connection", "answer"), registry=own
        )
        self._waited = Counter(
            "obmen_budget_wait_seconds", "Seconds that calls waited for a budget.", names, registry=own
        )
        self._waits = Counter("obmen_budget_waits", "Calls that waited for a budget.", names, registry=own)

    def attach(self, connectors: Iterable[Connector]) -> None:
        """Hear the calls of these connectors from now on."""
        for connector in connectors:
            connector.http.listener = self

    def called(self, connection: str, seconds: float, waited: float, status: int | None) -> None:
        """Count a call. See ``obmen.http.HttpListener``."""
        self._seconds.labels(connection).observe(seconds)
        self._answers.labels(connection, _kind(status)).inc()
        if waited > 0:
            self._waits.labels(connection).inc()
            self._waited.labels(connection).inc(waited)


def _kind(status: int | None) -> str:
    if status is None:
        return "lost"
    return "limited" if status in _LIMITED else f"{status // 100}xx"
