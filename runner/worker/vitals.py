"""How one worker is: what it is at, what became of its last job, and when its loop and its database last gave a sign.

Told as numbers for Prometheus and as a judgement for whoever starts it anew. Only what this process did: what the
ledger knows of flows the service tells, so that nothing is counted twice when both are asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from obmen.clock import Clock
from obmen.state.clocks import ClockWatch

Outcome = Literal["done", "again", "failed"]
"""``again``: something stood in its way, and it is tried later; ``failed``: Obmen itself did, and it is tried later."""
TURNING = 60.0
"""Seconds without a turn of its loop after which a worker counts as stuck."""


@dataclass(frozen=True, slots=True)
class LastJob:
    """The job that ended last; ``at`` in Unix seconds."""

    flow: str
    at: float
    outcome: Outcome


@dataclass
class Vitals:
    """What a worker tells of itself; safe to be used by many threads.

    ``silence``: seconds after which a database that did not answer counts as away.
    """

    clock: Clock
    clocks: ClockWatch
    jobs: int
    silence: float
    since: float = 0.0
    draining: bool = False
    """It was told to stop: what is under way ends, and nothing else begins."""
    last: LastJob | None = None
    running: list[str] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.since = self.clock.now().timestamp()
        self._lock = threading.Lock()
        self._turned = self.clock.monotonic()
        self._reached = float("-inf")
        self._ended = Counter(
            "obmen_worker_jobs", "Jobs of this worker, by what became of them.", ("outcome",), registry=self.registry
        )
        for outcome in ("done", "again", "failed"):
            self._ended.labels(outcome)
        for name, (about, value) in self._gauges().items():
            Gauge(name, about, registry=self.registry).set_function(value)

    def began(self, flow: str) -> None:
        """A job begins."""
        with self._lock:
            self.running.append(flow)

    def ended(self, flow: str, outcome: Outcome) -> None:
        """A job ended."""
        with self._lock:
            self.running.remove(flow)
            self.last = LastJob(flow, self.clock.now().timestamp(), outcome)
        self._ended.labels(outcome).inc()

    def turned(self) -> None:
        """The loop turns."""
        self._turned = self.clock.monotonic()

    def reached(self) -> None:
        """The database answered."""
        self._reached = self.clock.monotonic()

    @property
    def reachable(self) -> bool:
        """Whether the database answered lately."""
        return self.clock.monotonic() - self._reached <= self.silence

    def health(self) -> dict[str, Any]:
        """Say whether the worker lives; if not, it should be started anew. A database that is away is no reason."""
        still = self.clock.monotonic() - self._turned
        why = f"The worker's loop stands still for {still:.0f} s."
        return self._told([{"what": "loop", "why": why}] if still >= TURNING else [])

    def readiness(self) -> dict[str, Any]:
        """Say whether the worker takes work on, and if not, why."""
        problems = self.health()["problems"]
        if not self.reachable:
            why = "The state's database does not answer; the worker waits for it, and nothing is lost."
            problems.append({"what": "state", "why": why})
        if self.draining:
            why = "The worker was told to stop: what is under way ends, and nothing else begins."
            problems.append({"what": "draining", "why": why})
        if self.clocks.trouble:
            problems.append({"what": "clock", "why": self.clocks.trouble})
        return self._told(problems)

    def _told(self, problems: list[dict[str, str]]) -> dict[str, Any]:
        with self._lock:
            running, last = sorted(self.running), self.last
        return {
            "ok": not problems,
            "problems": problems,
            "since": self.since,
            "state": "reached" if self.reachable else "away",
            "draining": self.draining,
            "jobs": {"running": running, "at_most": self.jobs},
            "last_job": last and {"flow": last.flow, "at": last.at, "outcome": last.outcome},
        }

    def _gauges(self) -> dict[str, tuple[str, Callable[[], float]]]:
        return {
            "obmen_worker_started_timestamp_seconds": ("When this worker began.", lambda: self.since),
            "obmen_worker_jobs_running": ("Jobs that it is at.", lambda: len(self.running)),
            "obmen_worker_last_job_timestamp_seconds": (
                "When its last job ended; 0 if none did.",
                lambda: self.last.at if self.last is not None else 0.0,
            ),
            "obmen_worker_draining": ("Whether it was told to stop.", lambda: float(self.draining)),
            "obmen_worker_state_reachable": ("Whether the state's database answers.", lambda: float(self.reachable)),
            "obmen_worker_clock_offset_seconds": (
                "How far its machine's clock is ahead of the database's.",
                lambda: self.clocks.offset.seconds if self.clocks.offset is not None else 0.0,
            ),
        }
