"""Applying a plan: exactly that, or nothing; on wish a few records first, read back, then the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from obmen.errors import ConfigurationError
from obmen.state import Ledger, Transaction, outbox, stops
from obmen.state.outbox import Row
from obmen.sync import plan as plans
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.sync.passes import FlowReport, Listener
from obmen.sync.readback import Mismatch, compare
from obmen.sync.steps import OnStep, ignore

_CANARY = "the canary did not read back as it was sent"


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
        returned, and what those targets were to get next is held until a person lets it go.
        """
        for flow in self.flows:
            for target in flow.targets:
                if target.back is None or flow.entity.entity not in target.connector.lookups:
                    message = f"{target.name} cannot read back a {flow.entity.entity}: apply the plan without --canary."
                    raise ConfigurationError(message)
        self._refuse_paused()
        self._verify()
        with plans.chosen(self.path, held=force is not None) as membership:
            reports = self.engine.read_only(self.names, force=force)
            sent = self._hold_all_but(count, membership)
            reports = self._then(reports, membership, patience)
            mismatches = compare(self.ledger, self.flows, sent, patience=patience)
            if not mismatches:
                self._let_go()
                reports = self._then(reports, membership, patience)
        return reports, mismatches

    def _refuse_paused(self) -> None:
        """A canary that is not sent cannot be read back; raises Paused."""
        with self.ledger.read() as tx:
            for flow in self.flows:
                for target in flow.targets:
                    for direction in ("read", "write"):
                        stops.refuse(tx, target.name, flow.entity.entity, direction)

    def _hold_all_but(self, count: int, membership: plans.Membership) -> list[Row]:
        """Hold what is not among the first, so that whatever ends this process, nothing else goes out."""
        first: list[Row] = []
        for flow in self.flows:
            with self.ledger.lease(flow.name) as lease, self.ledger.write(lease) as tx:
                for target in flow.targets:
                    chosen = _first(tx, flow, target, count, membership)
                    outbox.hold(tx, flow.name, target.name, _CANARY)
                    for row in chosen:
                        outbox.change(tx, row, state="pending", reason="")
                    first += chosen
        return first

    def _let_go(self) -> None:
        for flow in self.flows:
            with self.ledger.lease(flow.name) as lease, self.ledger.write(lease) as tx:
                outbox.unhold(tx, flow.name, reason=_CANARY)

    def _then(self, before: Sequence[FlowReport], membership: plans.Membership, patience: float) -> list[FlowReport]:
        after = self.engine.sync(self.names, patience=patience, only=membership)
        return [_joined(one, other) for one, other in zip(before, after, strict=True)]

    def _verify(self) -> None:
        plans.verify(self.path, plans.plan(self.ledger, self.engine.flows, self.names))


def _first(tx: Transaction, flow: Flow, target: Target, count: int, membership: plans.Membership) -> list[Row]:
    """Return all steps of the first so many records of a plan that could be sent now."""
    rows: list[Row] = []
    keys: set[str] = set()
    after = ("", -1)
    while page := outbox.listing(tx, flow.name, target.name, flow.entity.entity, after):
        for row in page:
            if row.key not in keys and len(keys) == count:
                return rows
            if row.state == "pending" and membership(row):
                keys.add(row.key)
                rows.append(row)
        after = (page[-1].key, page[-1].sequence)
    return rows


def _joined(before: FlowReport, after: FlowReport) -> FlowReport:
    """Return what both runs did, and what the second left."""
    for target, counts in before.sent.items():
        after.sent[target] = counts + after.sent.get(target, Counter())
    after.read, after.held, after.released = before.read, before.held, before.released
    after.warnings = before.warnings
    return after
