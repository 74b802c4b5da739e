"""Applying a plan: exactly that, or nothing; on wish a few records first, read back, then the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from obmen.errors import ConfigurationError
from obmen.state import Ledger
from obmen.state.outbox import Row
from obmen.sync import plan as plans
from obmen.sync.engine import Engine, FlowReport, Listener
from obmen.sync.flow import Flow
from obmen.sync.readback import Mismatch, compare
from obmen.sync.steps import OnStep, ignore


class Applier:
    """Applies the plan in a file."""

    def __init__(
        self,
        ledger: Ledger,
        flows: Sequence[Flow],
        path: Path,
        *,
        listener: Listener | None = None,
        on_step: OnStep = ignore,
    ) -> None:
        self.ledger, self.path = ledger, path
        self.names = list(plans.header(path).flows)
        self.engine = Engine(ledger, flows, listener=listener, on_step=on_step)
        self.flows = self.engine.choose(self.names)

    def apply(self, *, patience: float = 0.0, force: str | None = None) -> list[FlowReport]:
        """Send what the plan says; raises StalePlan, and sends nothing, if it is no longer true.

        ``force``: the reason for which what the plan shows as held is let go and sent too.
        """
        self._verify()
        with plans.chosen(self.path, held=force is not None) as membership:
            return self.engine.sync(self.names, patience=patience, force=force, only=membership)

    def canary(
        self, count: int, *, patience: float = 0.0, force: str | None = None
    ) -> tuple[list[FlowReport], list[Mismatch]]:
        """Send the first ``count`` records to each target, and read them back.

        The rest is sent only if every one of them reads back as it was sent; otherwise the mismatches are
        returned and the rest waits in the outbox for a new plan or a sync.
        """
        for flow in self.flows:
            for target in flow.targets:
                if target.back is None:
                    message = f"{target.name} cannot read back a {flow.entity.entity}: apply the plan without --canary."
                    raise ConfigurationError(message)
        self._verify()
        sent: list[Row] = []
        with plans.chosen(self.path, held=force is not None) as membership:
            first = _First(membership, count, sent)
            reports = self.engine.sync(self.names, patience=patience, force=force, only=first)
            mismatches = compare(self.ledger, self.flows, sent, patience=patience)
            if not mismatches:
                rest = self.engine.sync(self.names, patience=patience, only=membership)
                reports = [_joined(one, other) for one, other in zip(reports, rest, strict=True)]
        return reports, mismatches

    def _verify(self) -> None:
        plans.verify(self.path, plans.plan(self.ledger, self.engine.flows, self.names))


class _First:
    """Chooses the first so many rows for each target, and remembers them."""

    def __init__(self, membership: plans.Membership, count: int, sent: list[Row]) -> None:
        self._membership, self._count, self._sent = membership, count, sent
        self._taken: dict[tuple[str, str], set[str]] = {}

    def __call__(self, row: Row) -> bool:
        if not self._membership(row):
            return False
        taken = self._taken.setdefault((row.flow, row.connection), set())
        if row.key not in taken:
            if len(taken) >= self._count:
                return False
            taken.add(row.key)
            self._sent.append(row)
        return True


def _joined(first: FlowReport, second: FlowReport) -> FlowReport:
    for target, counts in first.sent.items():
        second.sent[target] = counts + second.sent.get(target, Counter())
    return second
