"""What a worker does with one flow: read it if somebody wants that, and deliver what is due.

What was wanted is forgotten only once it has been done, so a worker that dies leaves it to the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from obmen.errors import Busy, Interrupted, LeaseLost, ObmenError, Unavailable
from obmen.state import Lease, Ledger, outbox, runs, wishes
from obmen.sync.deliver import Delivered
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.sync.passes import Pass
from runner.daemon.lane import DELIVERY
from runner.daemon.leases import Leases
from runner.worker.breakers import Breakers, LeftInPeace, Way

_LOG = structlog.get_logger("obmen.worker")
Later = Callable[[str, str, ObmenError], None]
"""Has a flow (of an entity) delivered again after a while, because of what went wrong."""


class Idle(Unavailable):
    """There was something to be sent, and nothing of it could be: steps wait for others."""


class FlowJob:
    """Works on one flow, once. ``flows``: all of the project's, of one assembly that nobody else uses meanwhile."""

    def __init__(
        self,
        ledger: Ledger,
        flows: tuple[Flow, ...],
        leases: Leases,
        breakers: Breakers,
        stopping: threading.Event,
        later: Later,
    ) -> None:
        self._ledger, self._flows, self._leases, self._breakers = ledger, flows, leases, breakers
        self._stopping, self._later = stopping, later
        self._engine = Engine(ledger, flows, listener=self)
        self._way: Way | None = None
        """That to the connection which is being used."""
        self._answered = False

    def run(self, name: str, *, delivery: bool) -> None:
        """Do what is due. Raises what stopped it, so that the job is tried again."""
        flow = next((one for one in self._flows if one.name == name), None)
        if flow is None:
            _LOG.warning("flow.unknown", flow=name, hint="the project has no such flow any more")
            return
        with self._ledger.read() as tx:
            wish = None if delivery else wishes.of(tx, name)
        work = Pass(flow, "sync" if wish is not None else DELIVERY)
        read = self._read(work, wish) if wish is not None else None
        try:
            if isinstance(read, Busy | LeaseLost | Interrupted):
                raise read
            sent = self._deliver(work)
        finally:
            self._close(work)
        if read is not None:
            raise read
        if isinstance(sent, Interrupted) or (sent is not None and delivery):
            raise sent
        if sent is not None:
            self._later(name, flow.entity.entity, sent)

    # -- the listener of the engine -----------------------------------------------------------------------

    def reading(self, flow: str, done: int, total: int | None) -> None:  # noqa: ARG002 - the engine's signature
        """Stop between two pages once the worker is to stop; what was read stays read."""
        if self._way is not None:
            self._way.answers()
        self._stop_if_told(flow)

    def delivering(self, flow: str, target: str, count: int) -> None:  # noqa: ARG002 - the engine's signature
        """Note that a connection answers. It is called within a transaction, so nothing is written here."""
        self._answered = True

    # -- parts --------------------------------------------------------------------------------------------

    def _read(self, work: Pass, wish: wishes.Wish) -> ObmenError | None:
        """Read the source; a pass in which it is left in peace only delivers."""
        try:
            with self._breakers.way(work.flow.source.name) as way:
                self._way = way
                self._engine.read(work, wish.reason or None)
                if work.report.trouble:
                    way.failed(work.report.trouble[-1])
                    return work.report.trouble[-1]
                way.worked()
        except LeftInPeace as error:
            work.kind = DELIVERY
            return error
        finally:
            self._way = None
        if not work.report.paused:  # else it is done when somebody lets it go on
            with self._ledger.write() as tx:
                wishes.done(tx, wish)
        return None

    def _deliver(self, work: Pass) -> ObmenError | None:
        """Deliver to every target for which something's time has come; return what is to be tried again first."""
        name, troubles, idle = work.flow.name, list[ObmenError](), False
        with self._ledger.read() as tx:
            ripe = {target for flow, target in outbox.ripe(tx) if flow == name}
        targets = [target for target in work.flow.targets if target.name in ripe]
        if not targets:
            return None
        with self._leases.of(name) as lease:
            for target in targets:
                try:
                    delivered = self._deliver_to(work, target, lease)
                except LeftInPeace as error:
                    troubles.append(error)
                    continue
                if delivered.trouble is not None:
                    troubles.append(delivered.trouble)
                if isinstance(delivered.trouble, LeaseLost):
                    raise delivered.trouble
                idle = idle or not delivered.counts
        if self._stopping.is_set():
            return Interrupted(f"Delivering {name} was cut off: the worker was told to stop. Another one goes on.")
        if idle and not troubles:
            return Idle(f"Nothing of {name} that is due can be sent yet.")
        return min(troubles, key=_patience, default=None)

    def _deliver_to(self, work: Pass, target: Target, lease: Lease) -> Delivered:
        """Deliver to one target. Raises LeftInPeace."""
        try:
            with self._breakers.way(target.name) as way:
                self._way, self._answered = way, False
                if not work.run:
                    with self._ledger.write(lease) as tx:
                        work.begin(runs.begin(tx, work.flow.name, work.kind))
                delivered = self._engine.deliver(work, target, lease, enough=self._enough)
                if delivered.trouble is not None:
                    way.failed(delivered.trouble)
                elif delivered.answered:
                    way.worked()
                return delivered
        finally:
            self._way = None

    def _close(self, work: Pass) -> None:
        """Keep what the pass came to; one in which nothing happened is forgotten."""
        if not work.run:
            return
        if work.kind == DELIVERY and not work.report.trouble and not any(work.report.sent.values()):
            with self._ledger.write() as tx:
                runs.forget(tx, work.run)
            work.span.forget()
            return
        self._engine.close(work)

    def _enough(self) -> bool:
        """Asked between two calls: let others use a connection that works again, and whether to stop."""
        if self._answered and self._way is not None:
            self._answered = False
            self._way.answers()
        return self._stopping.is_set()

    def _stop_if_told(self, flow: str) -> None:
        if self._stopping.is_set():
            raise Interrupted(f"Reading {flow} was cut off: the worker was told to stop. Another one goes on.")


def _patience(error: ObmenError) -> float:
    """Seconds for which it asks, as far as it says."""
    return getattr(error, "after", None) or 0.0
