"""What examined records change in the ledger: known, bound, set aside, kept as facts, put into the outbox, guarded.

Whatever way records are read by (a usual read, a period of the past), what becomes of them is written here, so it
cannot depend on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from obmen.rules import guards
from obmen.state import Transaction, agreed, bindings, facts, outbox, quarantine, seen
from obmen.state.quarantine import Problem
from obmen.sync import waiting
from obmen.sync.examine import Changes, Examiner
from obmen.sync.flow import Flow
from obmen.sync.propose import Proposals, propose, vanish
from obmen.sync.slices import Slice, natives_of


@dataclass(slots=True)
class Read:
    """What a read found. ``held``: target → effect → the guard's reason. ``warnings``: what a person should see."""

    counts: Counter[str] = field(default_factory=Counter)
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Intake:
    """Writes what one run of one flow reads; each method works in the caller's transaction."""

    def __init__(self, flow: Flow, run: int) -> None:
        self.flow, self.run = flow, run
        self.result = Read()

    def decide(self, tx: Transaction, examiner: Examiner) -> None:
        """Take in what a person or another record brought back, and let the guards speak of all that was found."""
        waiting.missed(tx, self.flow, self.run)
        self._replay(tx, examiner)
        self.guard(tx)
        self._retry_waiting(tx)

    def _retry_waiting(self, tx: Transaction) -> None:
        """Once a run, look again for what records with an identity wait for; none of them waits for ever."""
        if self.flow.entity.identity:
            for target in self.flow.targets:
                outbox.retry_waiting(tx, self.flow.name, target.name)

    def _replay(self, tx: Transaction, examiner: Examiner) -> None:
        """Try again what a person replayed, and what waited for something that has come."""
        quarantine.reconsider_duplicates(tx, self.flow.name)
        while due := quarantine.entries(tx, flow=self.flow.name, states=("due",), limit=500):
            quarantine.set_state(tx, [entry.id for entry in due], "closed")
            kept = [(entry, natives_of(entry)) for entry in due if entry.stage == "pull"]
            if not all(natives for _, natives in kept):
                seen.forget(tx, self.flow.name)
            pulled = [Slice(entry.fingerprint or b"", b"", natives=natives) for entry, natives in kept if natives]
            self.write(tx, examiner.examine(tx, pulled, again=True))
            records = [self.flow.entity.decoded(entry.canonical) for entry in due if entry.canonical]
            self.apply(tx, propose(tx, self.flow, records))
            self.result.counts["replayed"] += len(due)

    def guard(self, tx: Transaction) -> None:
        """Let the guards speak of what was put into the outbox since they last did."""
        for target in self.flow.targets:
            effects = outbox.effects(tx, self.flow.name, target.name, "fresh")
            if not effects:
                continue
            known = agreed.count(tx, target.name, self.flow.entity.entity)
            live = agreed.count(tx, target.name, self.flow.entity.entity, live=True)
            holding = guards.verdict(effects, known, live, self.flow.guards)
            outbox.release(tx, self.flow.name, target.name, holding)
            if holding:
                self.result.held[target.name] = holding

    def write(self, tx: Transaction, changes: Changes) -> None:
        """Write what examined records come to."""
        flow = self.flow
        seen.drop_records(tx, flow.name, changes.gone)
        seen.save_records(tx, flow.name, changes.known)
        if changes.settled and quarantine.any_open(tx, flow.name):
            quarantine.close(tx, flow.name, stage="pull", sources=changes.settled)
        self._set_aside(tx, changes.problems)
        self._bind(tx, changes)
        facts.save(tx, flow.source.name, changes.facts)
        self.apply(tx, Proposals(changes.decided, changes.dropped, [], changes.counts, changes.overtaken))
        if changes.gone:
            self.apply(tx, vanish(tx, flow, changes.gone))

    def _set_aside(self, tx: Transaction, problems: Sequence[tuple[str, Problem]]) -> None:
        for connection in dict(problems):
            of_one = [problem for name, problem in problems if name == connection]
            quarantine.add(tx, self.flow.name, connection, self.flow.entity.entity, of_one, self.run)
        self.result.counts["refused"] += len(problems)

    def _bind(self, tx: Transaction, changes: Changes) -> None:
        source, entity = self.flow.source.name, self.flow.entity.entity
        if changes.rekeyed:
            bindings.unbind(tx, source, entity, changes.rekeyed)
            for dependent in self.flow.dependents:
                seen.forget(tx, dependent)
        bindings.bind(tx, source, entity, changes.bound)
        waiting.bound(tx, source, entity, changes.bound)

    def apply(self, tx: Transaction, proposals: Proposals) -> None:
        """Put what was decided into the outbox."""
        entity = self.flow.entity.entity
        outbox.drop(tx, proposals.dropped)
        for target, decided in proposals.decided.items():
            outbox.put(tx, self.flow.name, target, entity, decided, self.run)
            waiting.decided(tx, target, self.flow.entity, [one.key for one in decided])
            self.result.counts["decided"] += len(decided)
        if proposals.overtaken and quarantine.any_open(tx, self.flow.name):
            for target, keys in proposals.overtaken.items():
                quarantine.close(tx, self.flow.name, stage="deliver", connection=target, keys=keys)
        self._set_aside(tx, proposals.problems)
        self.result.counts += proposals.counts
