"""The engine: reads flows into the outbox, then delivers them, each under its lease, until nothing is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from obmen import spans
from obmen.clock import Clock
from obmen.errors import (
    Busy,
    ConfigurationError,
    Denied,
    Interrupted,
    LeaseLost,
    ObmenError,
    Paused,
    StateError,
    meant,
)
from obmen.state import Lease, Ledger, failing, outbox, quarantine, runs
from obmen.sync import lanes, waiting
from obmen.sync.deliver import Delivered, Deliverer, Enough, Only, never
from obmen.sync.flow import Flow, Target
from obmen.sync.listen import Ear
from obmen.sync.passes import FlowReport, Listener, Pass, Silent
from obmen.sync.propose import HELD
from obmen.sync.read import Reader
from obmen.sync.steps import OnStep, ignore

_TICK = 0.001
_NO_FAILURE = (StateError, Busy, Paused, Interrupted, LeaseLost)
"""What tells nothing of the system at the other end."""
_LOG = structlog.get_logger("obmen.sync")


class Engine:
    """Runs flows on a ledger. Flows come in the order in which they depend on each other."""

    def __init__(
        self,
        ledger: Ledger,
        flows: Sequence[Flow],
        *,
        listener: Listener | None = None,
        on_step: OnStep = ignore,
    ) -> None:
        self.ledger, self.flows = ledger, tuple(flows)
        self.clock: Clock = ledger.clock
        self.listener: Listener = listener or Silent()
        self.on_step = on_step
        self._listened: dict[str, bool] = {}
        self._heard_at: dict[str, float] = {}

    def choose(self, names: Sequence[str]) -> tuple[Flow, ...]:
        """Return the flows of these names in their order; all, if no name is given."""
        known = {flow.name for flow in self.flows}
        for name in names:
            if name not in known:
                raise ConfigurationError(f"There is no flow '{name}'.{meant(name, known)}")
        return tuple(flow for flow in self.flows if not names or flow.name in names)

    def sync(
        self,
        names: Sequence[str] = (),
        *,
        patience: float = 0.0,
        force: str | None = None,
        only: Only | None = None,
    ) -> list[FlowReport]:
        """Read and deliver flows.

        ``patience``: seconds to wait for what is not due yet, such as a peer's task. ``force``: the reason
        for which held changes are let go; it is kept with the run.
        """
        passes = [Pass(flow) for flow in self.choose(names)]
        self._listened.clear()
        self._heard_at.clear()
        for one in passes:
            self.read(one, force)
        self._deliver_all(passes, patience, only)
        for one in passes:
            self.close(one)
        return [one.report for one in passes]

    def read_only(self, names: Sequence[str] = (), *, force: str | None = None) -> list[FlowReport]:
        """Read flows into the outbox and deliver nothing: what a plan is made from."""
        passes = [Pass(flow) for flow in self.choose(names)]
        for one in passes:
            self.read(one, force)
            self.close(one)
        return [one.report for one in passes]

    def read(self, work: Pass, force: str | None = None) -> None:
        """Read the flow of a pass into the outbox, under its lease; what goes wrong is told in its report."""
        flow, report = work.flow, work.report
        try:
            with self.ledger.lease(flow.name) as lease, self._minding(flow, flow.source.name):
                self._read(work, lease, force)
            self._worked(flow, flow.source.name)
        except StateError:
            raise
        except Busy as error:
            report.trouble.append(error)
            _LOG.info("flow.busy", flow=flow.name, error=str(error))
        except Paused as error:
            report.pause(str(error))
        except ObmenError as error:
            report.trouble.append(error)
            _LOG.warning("read.failed", flow=flow.name, run=work.run, error=str(error))
        for warning in report.warnings:
            _LOG.warning("source.emptied", flow=flow.name, run=work.run, warning=warning)
        for target, reasons in report.held.items():
            _LOG.warning("guard.held", flow=flow.name, run=work.run, target=target, reasons=list(reasons.values()))

    def _read(self, work: Pass, lease: Lease, force: str | None) -> None:
        flow = work.flow
        with self.ledger.write(lease) as tx:
            number = runs.begin(tx, flow.name, work.kind, f"forced: {force}" if force else "")
            work.begin(number, "plan" if self.ledger.rehearsing else "")
        with (
            structlog.contextvars.bound_contextvars(run=work.run),
            spans.begin("read", {"obmen.connection": flow.source.name}, parent=work.span) as span,
        ):
            try:
                self._read_on(work, lease, force)
            finally:
                span.note(spans.counted(work.report.read))

    def _read_on(self, work: Pass, lease: Lease, force: str | None) -> None:
        flow, report = work.flow, work.report
        began = self.clock.now().timestamp()
        reader = Reader(
            self.ledger,
            lease,
            flow,
            work.run,
            on_step=self.on_step,
            on_read=lambda done, total: self.listener.reading(flow.name, done, total),
            forced=force is not None,
            listening=self._listen(flow),
            began=self._as_of(flow, began),
        )
        try:
            reader.read()
        finally:
            found = reader.result
            report.read, report.held, report.warnings = found.counts, found.held, found.warnings
        if force:
            self._force(work, lease, force)

    def _as_of(self, flow: Flow, began: float) -> float:
        """Return from when on what the source took in may be missing in what it tells now."""
        heard, written = self._heard_at.get(flow.source.name), flow.source.as_of(flow.entity.entity)
        return min(began, *(at for at in (heard, written) if at is not None), began)

    def _listen(self, flow: Flow) -> bool:
        """Take in, once a run, what a flow's source tells of changes; return whether it can be relied on."""
        source = flow.source
        if self.ledger.rehearsing or not source.listens(flow.entity.entity):
            return False
        if source.name not in self._listened:
            self._listened[source.name] = True
            self._heard_at[source.name] = self.clock.now().timestamp()
            try:
                Ear(self.ledger, source, self.flows, on_step=self.on_step).listen()
            except Busy:
                _LOG.info("feed.busy", connection=source.name)
            except StateError:
                raise
            except ObmenError as error:
                self._listened[source.name] = False
                _LOG.warning("feed.failed", connection=source.name, error=str(error))
        return self._listened[source.name]

    def _force(self, work: Pass, lease: Lease, reason: str) -> None:
        with self.ledger.write(lease) as tx:
            work.report.released = outbox.force(tx, work.flow.name, HELD, f"forced:{reason}")
            for target in work.flow.targets:
                waiting.released(tx, target.name, work.flow.entity.entity)
        work.report.held = {}
        _LOG.warning("guard.forced", flow=work.flow.name, released=work.report.released, reason=reason)

    def _deliver_all(self, work: Sequence[Pass], patience: float, only: Only | None) -> None:
        deadline = self.clock.monotonic() + patience
        down: set[str] = set()
        while True:
            began = self.clock.now().timestamp()
            while self._round(work, only, down):
                pass
            if not self._wait(work, began, deadline, down):
                return

    def _round(self, work: Sequence[Pass], only: Only | None, down: set[str]) -> bool:
        """Tell every system what is due for it, all at the same time; return whether more may be due now."""
        due: dict[str, list[_Delivery]] = {}
        with ExitStack() as leases:
            for one in work:
                targets = [target for target in one.flow.targets if target.name not in down and self._any(one, target)]
                if not targets:
                    continue
                try:
                    lease = leases.enter_context(self.ledger.lease(one.flow.name))
                except Busy as error:
                    one.busy = True
                    one.report.trouble.append(error)
                    continue
                for target in targets:
                    due.setdefault(target.name, []).append(_Delivery(one, target, lease))
            ways = {name: partial(self._deliver_to, deliveries, only, down) for name, deliveries in due.items()}
            return lanes.run(ways, together=self.on_step is ignore)

    def _any(self, work: Pass, target: Target) -> bool:
        with self.ledger.read() as tx:
            return not work.busy and bool(outbox.counts(tx, work.flow.name, target.name))

    def _deliver_to(self, deliveries: Sequence[_Delivery], only: Only | None, down: set[str]) -> bool:
        progress = False
        for one in deliveries:
            if one.target.name not in down:
                progress = self._deliver(one, only, down) or progress
        return progress

    def _deliver(self, delivery: _Delivery, only: Only | None, down: set[str]) -> bool:
        """Deliver what is due; return whether it may have made something else due."""
        delivered = self.deliver(delivery.work, delivery.target, delivery.lease, only=only)
        if delivered.trouble is not None:
            down.add(delivery.target.name)
        return delivered.counts["done"] + delivered.counts["idle"] > 0

    def deliver(
        self, work: Pass, target: Target, lease: Lease, *, only: Only | None = None, enough: Enough = never
    ) -> Delivered:
        """Deliver what is due for one target, under the flow's lease, until ``enough`` or nothing is left."""
        flow, report = work.flow, work.report
        deliverer = Deliverer(
            self.ledger,
            lease,
            flow,
            target,
            work.run,
            only=only,
            enough=enough,
            on_step=self.on_step,
            on_sent=lambda count: self.listener.delivering(flow.name, target.name, count),
        )
        facts = {"obmen.connection": target.name}
        with (
            structlog.contextvars.bound_contextvars(run=work.run),
            spans.begin(f"deliver {target.name}", facts, parent=work.span) as span,
        ):
            with self._minding(flow, target.name):
                delivered = deliverer.deliver()
            span.note(spans.counted(delivered.counts))
            if delivered.trouble is not None:
                span.failed(delivered.trouble)
            elif not delivered.counts:
                span.forget()
        report.sent.setdefault(target.name, Counter()).update(delivered.counts)
        if delivered.paused:
            report.pause(delivered.paused)
        if delivered.trouble is None and delivered.answered:
            self._worked(flow, target.name)
        if delivered.trouble is not None:
            self._failed(flow, target.name, delivered.trouble)
            report.trouble.append(delivered.trouble)
            error = str(delivered.trouble)
            _LOG.warning("deliver.stopped", flow=flow.name, run=work.run, target=target.name, error=error)
        return delivered

    @contextmanager
    def _minding(self, flow: Flow, connection: str) -> Iterator[None]:
        """Keep for everybody to see that what is done within has failed, whatever it was."""
        try:
            yield
        except Exception as error:
            self._failed(flow, connection, error)
            raise

    def _failed(self, flow: Flow, connection: str, error: Exception) -> None:
        if isinstance(error, _NO_FAILURE):
            return
        words = str(error) if isinstance(error, ObmenError) else f"Obmen failed ({type(error).__name__}); see its log."
        with self.ledger.write() as tx:
            failing.failed(tx, flow.name, connection, words, denied=isinstance(error, Denied))

    def _worked(self, flow: Flow, connection: str) -> None:
        with self.ledger.read() as tx:
            if not failing.of(tx, flow.name, [connection]):
                return
        with self.ledger.write() as tx:
            failing.worked(tx, flow.name, connection)

    def _wait(self, work: Sequence[Pass], began: float, deadline: float, down: set[str]) -> bool:
        """Sleep until something is due; False if nothing will be before the deadline."""
        with self.ledger.read() as tx:
            times = [
                outbox.next_due(tx, one.flow.name, target.name, began)
                for one in work
                for target in one.flow.targets
                if target.name not in down and not one.busy
            ]
            now = tx.now
        soonest = min((at for at in times if at is not None), default=None)
        if soonest is None or self.clock.monotonic() + (soonest - now) > deadline:
            return False
        self.clock.sleep(max(soonest - now, _TICK))
        return True

    def finish(self, work: Pass, patience: float = 0.0, *, only: Only | None = None) -> None:
        """Deliver what another way of reading put into the outbox, as ``sync`` does, and end the pass."""
        self._deliver_all([work], patience, only)
        self.close(work)

    def close(self, work: Pass) -> None:
        """Note with the run what the pass did and what is left; one in which all was paused is forgotten."""
        report = work.report
        with self.ledger.write() as tx:
            report.outbox = outbox.counts(tx, report.flow)
            report.quarantine = quarantine.counts(tx, report.flow)
            if work.run and report.idle:
                runs.forget(tx, work.run)
            elif work.run:
                counts = {**report.read, "written": report.written}
                message = "; ".join([*map(str, report.trouble), *report.warnings, *report.paused])
                runs.end(tx, work.run, report.status, counts, message)
        work.end()


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What one flow has for one target, under the flow's lease."""

    work: Pass
    target: Target
    lease: Lease
