"""The scheduler: says when a flow's turn has come, and leaves the work to workers.

Any number of them may run, on any machine: one is at it, and the others stand by until its lease ends. It remembers
nothing that matters: what is due is written down together with the job that is to see to it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from obmen.clock import Clock
from obmen.errors import Busy, LeaseLost
from obmen.project import Project
from obmen.state import Lease, Ledger, Transaction, outbox, peers, stops, wishes
from runner.daemon.breaker import TOLERANCE
from runner.daemon.pulse import Doing, PausedNow
from runner.daemon.schedule import timers
from runner.worker import now
from runner.worker.place import prepare
from runner.worker.queue import Queue, Standing, name_of

_LOG = structlog.get_logger("obmen.service")
LEASE = ":schedule"
"""No flow can have this name."""
BY_SCHEDULE = "schedule"


class Scheduler:
    """Hands out the flows of a project. It takes the place of a ``Plant`` in the service."""

    def __init__(self, project: Project, ledger: Ledger, clock: Clock) -> None:
        prepare(ledger.url)
        self.project, self.ledger, self.clock = project, ledger, clock
        self._queue = Queue()
        self._timers = timers(project, ledger, clock)
        self._heard: dict[str, float] = {}
        """Flow → the newest wish of a person that was passed on."""
        self._lease: Lease | None = None
        self._held = False

    def start(self) -> None:
        """Begin; there is nothing to do but to tick."""

    def tick(self) -> None:
        """Hand out what is due by time, what people ask for, and what can be sent."""
        if self._held:
            return
        try:
            self._lease = self._lease or self.ledger.take_lease(LEASE)
            with self.ledger.write(self._lease) as tx:
                due = self._due(tx)
                self._hand_out(tx)
        except Busy:
            return
        except LeaseLost:
            self._lease = None
            return
        for name in due:
            self._timers[name].began()

    def stop(self, _patience: float, _wait: Callable[[float], object]) -> bool:
        """Let another one schedule. What is in the queue is done by the workers that still run."""
        if self._lease is not None:
            self.ledger.release_lease(self._lease)
            self._lease = None
        return True

    def hold(self, on: bool) -> None:
        """Hand out nothing for a while; or go on."""
        self._held = on

    def jumped(self) -> None:
        """The wall clock was set: look at the calendar anew."""
        for timer in self._timers.values():
            timer.jumped()

    def doing(self) -> Doing:
        """Return what runs where, which connections do not answer, and when each flow is due.

        What runs, the ledger and the queue know: jobs that workers are at, the leases that those hold, open runs.
        """
        due = {name: timer.next() for name, timer in self._timers.items()}
        with self.ledger.read() as tx:
            lanes = list(now.lanes(tx, self.project, self._queue.running(tx)))
            known = peers.every(tx, self.ledger.clock)
        paused = [
            PausedNow(name, round(one.rest, 1), one.reason)
            for name, one in known.items()
            if one.failures > TOLERANCE and name in self.project.connections
        ]
        return Doing(tuple(lanes), tuple(paused), {name: at for name, at in due.items() if at is not None})

    def _due(self, tx: Transaction) -> list[str]:
        """Write down as wishes what is due by time; a flow that is still wanted is not piled up."""
        due = [name for name, timer in self._timers.items() if timer.due()]
        for name in due:
            if wishes.of(tx, name) is None:
                wishes.ask(tx, name, BY_SCHEDULE)
        return due

    def _hand_out(self, tx: Transaction) -> None:
        standing = self._queue.standing(tx)
        for wish in wishes.waiting(tx):
            if wish.flow in self.project.flows and not self._paused(tx, wish.flow):
                self._want(tx, wish, standing)
        for flow in dict.fromkeys(flow for flow, _ in outbox.ripe(tx)):
            jobs = [job for delivery in (False, True) for job in standing.get(name_of(flow, delivery=delivery), ())]
            idle = all(job.asleep and job.name == flow for job in jobs)
            if flow in self.project.flows and idle:
                self._put(tx, flow, delivery=True)

    def _paused(self, tx: Transaction, flow: str) -> bool:
        """Whether a person has paused reading it; what is wanted meanwhile is done when it goes on."""
        settings = self.project.flows[flow]
        return stops.standing(tx, settings.source, settings.entity, "read") is not None

    def _want(self, tx: Transaction, wish: wishes.Wish, standing: dict[str, list[Standing]]) -> None:
        """See that a job waits for a wish, and that none sleeps in its way; a person need not wait for a pause."""
        jobs = standing.get(wish.flow, [])
        by_person = wish.asked_by not in {BY_SCHEDULE, *self.project.connections}
        by_person = by_person and wish.asked_at > self._heard.get(wish.flow, 0.0)
        if by_person:
            self._heard[wish.flow] = wish.asked_at
            flow = self.project.flows[wish.flow]
            peers.lift(tx, (flow.source, *flow.targets))
            for job in jobs:
                if job.asleep:
                    self._queue.drop(tx, job)
            jobs = [job for job in jobs if not job.asleep]
        if jobs:
            return
        for job in standing.get(name_of(wish.flow, delivery=True), ()):
            if job.asleep:
                self._queue.drop(tx, job)
        self._put(tx, wish.flow, delivery=False)

    def _put(self, tx: Transaction, flow: str, *, delivery: bool) -> None:
        if self._queue.put(tx, flow, self.project.flows[flow].entity, delivery=delivery):
            _LOG.debug("flow.handed_out", flow=flow, delivery=delivery)
