"""Comparing, as a worker does it: after a flow has run, what is due of it; the flow's own schedule brings it there.

What fails here fails nothing else: the flow has run, and the next time it does the rest is compared.
"""

from __future__ import annotations

import threading

import structlog

from obmen.errors import Busy, Interrupted, ObmenError, StateError
from obmen.state import Ledger, compared
from obmen.sync.assemble import Assembly
from runner.daemon.checks import Checker, checks_of
from runner.daemon.leases import Leases
from runner.daemon.tasks import Check, Task

_LOG = structlog.get_logger("obmen.worker")


class FlowChecks:
    """Compares what one flow's targets show. ``assembly``: one that nobody else uses meanwhile."""

    def __init__(self, ledger: Ledger, assembly: Assembly, leases: Leases, stopping: threading.Event) -> None:
        self._ledger, self._assembly, self._stopping = ledger, assembly, stopping
        self._checker = Checker(assembly.project, ledger, leases, assembly, alone=True)

    def run(self, name: str) -> None:
        """Do what is due; an error is told, and stops nothing."""
        flow = next((one for one in self._assembly.flows if one.name == name), None)
        if flow is None:
            return
        for check in checks_of(self._assembly.project, flow, self._ledger, self._ledger.clock):
            if self._stopping.is_set():
                return
            if not self._due(name, check):
                continue
            try:
                self._checker.check(Task(name, check.target, check.kind), self, self._stopping.is_set)
            except (Busy, Interrupted) as error:
                _LOG.debug("check.left", target=check.target, reason=str(error))
            except StateError:
                raise
            except ObmenError:  # it was told
                continue

    def reading(self, flow: str, done: int, total: int | None) -> None:  # noqa: ARG002 - the listener's signature
        """Stop between two pages once the worker is to stop."""
        if self._stopping.is_set():
            raise Interrupted(f"Comparing {flow} was cut off: the worker was told to stop.")

    def _due(self, name: str, check: Check) -> bool:
        every = self._assembly.project.flows[name].verify.every
        if check.kind == "written" or every is None:
            return True
        with self._ledger.read() as tx:
            last = compared.of(tx, name, check.target).whole_at
            return last is None or abs(tx.now - last) >= every.total_seconds()  # the clock may have been set back
