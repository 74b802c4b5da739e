"""What ``obmen reconcile --written`` does: ask only for what was written since it was last checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from obmen.errors import ConfigurationError
from obmen.project.verify_model import Verify, VerifyModel
from obmen.state import Ledger, runs
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import Pass
from obmen.sync.scales import Drift, Side
from obmen.sync.sides import Told
from obmen.sync.suspects import orders_of
from obmen.sync.turns import turn
from obmen.sync.verify import How, Verification, of_flow


class Lately:
    """Checks what a flow wrote into all its targets that can be asked; in the place of a whole comparison."""

    def __init__(
        self,
        ledger: Ledger,
        work: Pass,
        rules: Verify,
        flows: Sequence[Flow],
        *,
        on_drift: Callable[[Drift], None],
        on_note: Callable[[str], None],
        repair: bool,
    ) -> None:
        self.ledger, self.work, self.flow, self.repair = ledger, work, work.flow, repair
        self._after = rules.after or VerifyModel().after
        self._leave, self._flows = rules.leave, flows
        self._on_drift, self._on_note = on_drift, on_note
        self.sides: list[Side] = []
        self.here = Told()

    def run(self) -> None:
        """Ask and compare. Raises ConfigurationError where no target can be asked, and the errors of those asked."""
        targets = list(of_flow(self.flow))
        if not targets:
            message = f"No target of the flow '{self.flow.name}' can be asked by id for what was written."
            raise ConfigurationError(message, where=self.flow.where_line)
        with self.ledger.write() as tx:
            self.work.run = runs.begin(tx, self.flow.name, self.work.kind)
        after = self._after.total_seconds() if self._after is not None else 0.0
        for target in targets:
            one = Verification(
                self.ledger,
                self.flow,
                target,
                How(after, self.repair, self._leave, keep=self.repair),
                lambda: turn(self.ledger, self.flow.name, on_note=self._on_note),
                on_drift=self._on_drift,
                run=self.work.run,
                orders=orders_of(self._flows, self.flow, target),
            )
            self.sides.append(one.result.side)
            one.run()
        self.work.report.read["read"] = sum(sum(side.counts.values()) for side in self.sides)

    def deliver(self, engine: Engine, patience: float) -> None:
        """Deliver what is to be repaired, and end the pass."""
        if self.repair:
            engine.finish(self.work, patience)
        else:
            engine.close(self.work)
