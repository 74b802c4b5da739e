"""A lane: does one connection's tasks, one after the other, and keeps what came of them."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from obmen.errors import Interrupted, ObmenError, StateError
from obmen.state import Lease, Ledger, outbox, runs, wishes
from obmen.sync.deliver import Delivered
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import Pass
from runner.daemon.checks import Checker
from runner.daemon.dispatcher import Dispatcher, FlowState, Seat
from runner.daemon.leases import Leases
from runner.daemon.tasks import Task

_LOG = structlog.get_logger("obmen.service")
DELIVERY = "delivery"
"""The kind of a pass that reads nothing: what was left by those before it is tried again."""


class TaskFailed(ObmenError):  # noqa: N818 - named as what became of the task
    """Obmen itself failed; the log says where. The task is tried again, and all others go on."""


class Lane:
    """Works for one seat. ``flows``: all of the project's, for what a source tells of changes is kept for each."""

    def __init__(
        self,
        seat: Seat,
        dispatcher: Dispatcher,
        ledger: Ledger,
        leases: Leases,
        flows: Sequence[Flow],
        checker: Checker,
    ) -> None:
        self.seat, self.dispatcher = seat, dispatcher
        self._ledger, self._leases, self._flows, self._checker = ledger, leases, flows, checker

    def step(self) -> bool:
        """Do the next task; return False if there is none."""
        task = self.dispatcher.take(self.seat)
        if task is None:
            return False
        error: ObmenError | None = None
        idle, answered = False, True
        state = self.dispatcher.flows[task.flow]
        try:
            with structlog.contextvars.bound_contextvars(flow=task.flow, connection=self.seat.connection):
                if task.check:
                    self._check(task)
                    answered = False  # one that found nothing to compare has asked nobody
                elif task.target:
                    delivered = self._deliver(state, task)
                    idle, answered = not delivered.counts, delivered.answered
                else:
                    answered = self._read(state)
        except ObmenError as caught:
            error = caught
            if isinstance(caught, StateError):
                _LOG.error("state.failed", error=str(caught))
        except Exception as caught:
            _LOG.exception("task.failed", task=str(task))
            error = TaskFailed(
                f"Obmen failed while {task} ({type(caught).__name__}). Its log says where; it is tried again."
            )
        if error is not None and not task.check and state.open is not None and error not in state.open.report.trouble:
            state.open.report.trouble.append(error)
        self.dispatcher.done(self.seat, task, error, idle=idle, answered=answered)
        self._close(state)
        return True

    # -- the listener of the engine -----------------------------------------------------------------------

    def reading(self, flow: str, done: int, total: int | None) -> None:
        """Stop between two pages once the service is to stop; what was read stays read."""
        self.seat.progress = (done, total)
        if self.dispatcher.stopping:
            message = f"Reading {flow} was cut off: the service was told to stop. The next start goes on."
            raise Interrupted(message)

    def delivering(self, flow: str, target: str, count: int) -> None:  # noqa: ARG002 - the engine's signature
        """Note how far a delivery is."""
        self.seat.progress = (self.seat.progress[0] + count, None)

    # -- tasks --------------------------------------------------------------------------------------------

    def _read(self, state: FlowState) -> bool:
        """Read; return whether the source was asked."""
        self.end(self.dispatcher.leave(state))
        name = state.flow.name
        with self._ledger.read() as tx:
            wish = wishes.of(tx, name)
        state.open = work = Pass(state.flow)
        Engine(self._ledger, self._flows, listener=self).read(work, wish.reason or None if wish is not None else None)
        if work.report.trouble:
            raise work.report.trouble[-1]
        if wish is not None and not work.report.paused:
            with self._ledger.write() as tx:
                wishes.done(tx, wish)
        with self._ledger.read() as tx:
            ripe = [(flow, target) for flow, target in outbox.ripe(tx) if flow == name]
        self.dispatcher.deliver(ripe)
        return not work.report.paused

    def _deliver(self, state: FlowState, task: Task) -> Delivered:
        """Deliver what is due."""
        target = next(one for one in state.flow.targets if one.name == task.target)
        with self._leases.of(state.flow.name) as lease:
            work = self._opened(state, lease)
            engine = Engine(self._ledger, self._flows, listener=self)
            delivered = engine.deliver(work, target, lease, enough=lambda: self.dispatcher.enough(self.seat, task))
        if delivered.trouble is not None:
            raise delivered.trouble
        return delivered

    def _check(self, task: Task) -> None:
        """Compare what the target shows with what it was told."""
        if not self._checker.check(task, self, enough=lambda: self.dispatcher.others_wait(self.seat)):
            self.dispatcher.go_on(task)

    def _opened(self, state: FlowState, lease: Lease) -> Pass:
        """Return the pass that is under way; one of its own if what those before it left is tried again."""
        with self.dispatcher.opening:
            work = state.open
            if work is None:
                work = Pass(state.flow, kind=DELIVERY)
                with self._ledger.write(lease) as tx:
                    work.begin(runs.begin(tx, state.flow.name, DELIVERY))
                state.open = work
        return work

    def _close(self, state: FlowState) -> None:
        try:
            self.end(self.dispatcher.finished(state))
        except StateError as error:
            _LOG.error("state.failed", error=str(error))

    def end(self, work: Pass | None) -> None:
        """Keep what a pass came to; one that only looked whether something could be sent is forgotten."""
        if work is None or not work.run:
            return
        if work.kind == DELIVERY and not work.report.trouble and not any(work.report.sent.values()):
            with self._ledger.write() as tx:
                runs.forget(tx, work.run)
            work.span.forget()
            return
        Engine(self._ledger, self._flows).close(work)
