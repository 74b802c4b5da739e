"""Comparing, as a lane does it: what was written soon after, and both sides whole from time to time.

It has the lowest priority and the calm lane of the target, so that neither orders nor stock ever wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from obmen.clock import Clock
from obmen.connector import Connector
from obmen.errors import Busy, Interrupted, ObmenError, Paused, StateError
from obmen.project import Project
from obmen.project.settings import Schedule
from obmen.state import Ledger, compared
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.scales import Drift
from obmen.sync.sides import whole
from obmen.sync.suspects import orders_of
from obmen.sync.verify import How, Verification, alone, can_verify
from runner.daemon.leases import Leases
from runner.daemon.schedule import Timer
from runner.daemon.tasks import Check, Task

_LOG = structlog.get_logger("obmen.service")


class Listener(Protocol):
    """Who is told how far a reading is, and may cut it off by raising Interrupted."""

    def reading(self, flow: str, done: int, total: int | None) -> None:
        """So many records have been read."""
        ...


def checks_of(project: Project, flow: Flow, ledger: Ledger, clock: Clock) -> Iterator[Check]:
    """Yield what is compared of a flow, and when. What is due by now is made up for once."""
    settings = project.flows[flow.name]
    zone, rules = ZoneInfo(project.service.timezone), settings.verify
    for target in flow.targets:
        with ledger.read() as tx:
            known = compared.of(tx, flow.name, target.name)
        if rules.after is not None and can_verify(flow, target):
            yield Check(target.name, "written", Timer(Schedule(every=rules.after), zone, clock))
        if rules.every is not None and target.back is not None and (whole(flow, target) or can_verify(flow, target)):
            schedule = Schedule(every=rules.every, quiet=settings.schedule.quiet)
            last = datetime.fromtimestamp(known.whole_at, UTC) if known.whole_at is not None else None
            yield Check(target.name, "whole", Timer(schedule, zone, clock, last=last))


class Checker:
    """Compares with an assembly of this process; a source that another thread may be using gets one more connector.

    ``alone``: nobody else uses the assembly.
    """

    def __init__(
        self, project: Project, ledger: Ledger, leases: Leases, assembly: Assembly, *, alone: bool = False
    ) -> None:
        self._project, self._ledger, self._leases, self._assembly = project, ledger, leases, assembly
        self._sources: dict[str, Connector] = dict(assembly.connectors) if alone else {}

    def check(self, task: Task, listener: Listener, enough: Callable[[], bool]) -> bool:
        """Do it; return False if the rest was left for later. What a person has paused is not done, nor waited for."""
        flow = next(one for one in self._assembly.flows if one.name == task.flow)
        try:
            if task.check == "written":
                return self._written(flow, task.target, enough)
            self._whole(flow, task.target, listener)
        except Paused:
            pass
        except (Busy, Interrupted, StateError):
            raise
        except ObmenError as error:
            _LOG.warning("check.failed", flow=flow.name, target=task.target, error=str(error))
            raise
        return True

    def _written(self, flow: Flow, name: str, enough: Callable[[], bool]) -> bool:
        rules = self._project.flows[flow.name].verify
        target = next(one for one in flow.targets if one.name == name)
        after = rules.after.total_seconds() if rules.after is not None else 0.0
        how = How(after, rules.repair, rules.leave)
        one = Verification(
            self._ledger,
            flow,
            target,
            how,
            lambda: self._leases.of(flow.name),
            enough=enough,
            orders=orders_of(self._assembly.flows, flow, target),
        )
        return one.run().whole

    def _whole(self, flow: Flow, name: str, listener: Listener) -> None:
        target = next(one for one in flow.targets if one.name == name)
        source, rules = flow.source.name, self._project.flows[flow.name].verify
        if source not in self._sources:
            self._sources[source] = self._assembly.beside(source)
        work = Pass(replace(flow, source=self._sources[source]), kind="reconcile")
        with self._ledger.lease(alone(flow.name, name)) as lease:

            def on_read(done: int, total: int | None) -> None:
                listener.reading(flow.name, done, total)
                self._ledger.ensure(lease)

            one = Reconciliation(
                self._ledger,
                work,
                on_drift=_say,
                on_read=on_read,
                repair=rules.repair,
                target=name,
                leave=rules.leave,
                orders=orders_of(self._assembly.flows, flow, target),
            )
            try:
                one.run()
            finally:
                Engine(self._ledger, self._assembly.flows).close(work)


def _say(drift: Drift) -> None:
    _LOG.warning("drift.found", flow=drift.flow, target=drift.target, key=drift.key, fields=drift.fields or "not there")
