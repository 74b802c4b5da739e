"""What examined records change in the ledger: known, bound, set aside, kept as facts, put into the outbox, guarded.

Whatever way records are read by (a usual read, a period of the past), what becomes of them is written here, so it
cannot depend on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from obmen.entities import Order, OrderStatus, Product, Record, Stock, split_key
from obmen.rules.guards import is_live
from obmen.state import Transaction, bindings, facts, originals, outbox, quarantine, seen
from obmen.state.quarantine import Entry, Problem
from obmen.sync import guarding, reckon, sales, waiting
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
    """Writes what one run of one flow reads; each method works in the caller's transaction.

    ``began``: from when on the source was asked, in Unix seconds; None where it was not asked for all that it has.
    """

    def __init__(self, flow: Flow, run: int, began: float | None = None) -> None:
        self.flow, self.run, self.began = flow, run, began
        self.result = Read()
        self._concerned: dict[str, Flow] = {}
        self._emptied: dict[str, set[str]] = {}

    def decide(self, tx: Transaction, examiner: Examiner) -> None:
        """Take in what a person or another record brought back, and let the guards speak of all that was found."""
        self._lock(tx)
        waiting.missed(tx, self.flow, self.run)
        self._replay(tx, examiner)
        if self.flow.allocate is not None and self.began is not None:
            self.apply(tx, sales.counted(tx, self.flow, self.began, self.run))
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
        quarantine.ask_again(tx, self.flow.name)
        while due := quarantine.entries(tx, flow=self.flow.name, states=("due",), limit=500):
            quarantine.set_state(tx, [entry.id for entry in due], "closed")
            kept = [(entry, natives_of(entry)) for entry in due if entry.stage == "pull"]
            if not all(natives for _, natives in kept):
                seen.forget(tx, self.flow.name)
            pulled = [Slice(entry.fingerprint or b"", b"", natives=natives) for entry, natives in kept if natives]
            self.write(tx, examiner.examine(tx, pulled, again=True))
            overtaken = self._overtaken(tx, due)
            records = [
                self.flow.entity.decoded(entry.canonical)
                for entry in due
                if entry.canonical and (entry.connection, entry.key) not in overtaken
            ]
            self.apply(tx, self.propose(tx, records))
            self.result.counts["replayed"] += len(due)

    def _overtaken(self, tx: Transaction, due: Sequence[Entry]) -> set[tuple[str, str]]:
        """Return target and key of the entries whose record was decided on anew since: that is sent in any case."""
        keys: dict[str, list[str]] = {}
        for entry in due:
            if entry.canonical and not self.flow.reckoned:
                keys.setdefault(entry.connection, []).append(entry.key)
        return {
            (target, row.key)
            for target, of_target in keys.items()
            for row in outbox.of(tx, target, self.flow.entity.entity, of_target)
        }

    def guard(self, tx: Transaction) -> None:
        """Let the guards speak of what was put into the outbox since they last did."""
        for other in self._concerned.values():
            guarding.guard(tx, other, self.run, only_run=True)
        self.result.held |= guarding.guard(tx, self.flow, self.run, self._emptied)

    def write(self, tx: Transaction, changes: Changes) -> None:
        """Write what examined records come to."""
        flow = self.flow
        self._lock(tx)
        seen.drop_records(tx, flow.name, changes.gone)
        seen.save_records(tx, flow.name, changes.known)
        if changes.settled and quarantine.any_open(tx, flow.name):
            quarantine.close(tx, flow.name, stage="pull", sources=changes.settled)
        self._set_aside(tx, changes.problems)
        self._bind(tx, changes)
        self.apply(tx, Proposals(changes.decided, changes.dropped, [], changes.counts, changes.overtaken))
        self._reckon(tx, changes.made)
        if flow.entity.fact or flow.entity.history:
            facts.save(tx, flow.source.name, changes.made)
        if changes.gone:
            self.vanish(tx, changes.gone)

    def vanish(self, tx: Transaction, keys: Sequence[str]) -> None:
        """Decide what is to become of records that the source no longer has."""
        if not self.flow.reckoned:
            self.apply(tx, vanish(tx, self.flow, keys))
            return
        self.result.counts["gone"] += len(keys)
        if self.flow.missing != "ignore":
            empty = [
                Stock(sku=sku, warehouse=warehouse, available=Decimal(0)) for sku, warehouse in map(split_key, keys)
            ]
            self._reckon(tx, empty)

    def propose(self, tx: Transaction, records: Sequence[Record]) -> Proposals:
        """Decide anew on records that were decided on before."""
        if not self.flow.reckoned:
            return propose(tx, self.flow, records)
        return reckon.reckon(tx, self.flow, dict.fromkeys(record.subject_key for record in records))

    def _lock(self, tx: Transaction) -> None:
        for source in self._reckons:
            reckon.lock(tx, source)

    @property
    def _reckons(self) -> Sequence[str]:
        """The sources of which something may be reckoned anew by what this flow reads."""
        if self.flow.reckoned or self.flow.keeps:
            return (self.flow.source.name,)
        if self.flow.entity not in {Order, OrderStatus}:
            return ()
        return sorted(target.name for target in self.flow.targets if self.flow.selling.of(target.name))

    def _reckon(self, tx: Transaction, made: Sequence[Record]) -> None:
        """Keep what rules look at, and reckon anew what depends on it."""
        flow = self.flow
        if not made:
            return
        if flow.allocate is not None and flow.allocate.pools:
            self._note_emptied(tx, [one for one in made if isinstance(one, Stock)])
        if flow.reckoned or flow.keeps:
            originals.save(tx, flow.source.name, made)
        if flow.reckoned:
            plain = sales.unsold(tx, flow, [one for one in made if isinstance(one, Stock)])
            self.apply(tx, propose(tx, flow, plain))
            told = {one.key for one in plain}
            self.apply(tx, reckon.reckon(tx, flow, {one.subject_key: "" for one in made if one.key not in told}))
        elif flow.keeps and flow.entity is Product:
            for one in flow.selling.priced(flow.source.name):
                self._concerned[one.name] = one
                causes = dict.fromkeys((record.subject_key for record in made), "rules")
                reckon.settle(tx, one, causes, self.run, state="fresh")
        elif self._reckons:
            orders = [one for one in made if isinstance(one, Order)]
            steps = [one for one in made if isinstance(one, OrderStatus)]
            sales.sold(tx, flow, orders, self.run)
            sales.given_up(tx, flow, steps, self.run)

    def _note_emptied(self, tx: Transaction, stocks: Sequence[Stock]) -> None:
        empty = [one for one in stocks if one.available <= 0]
        before = originals.of(tx, self.flow.source.name, Stock.entity, [one.subject_key for one in empty])
        live = {one.key for rows in before.values() for one in rows if is_live(one.canonical)}
        for one in empty:
            if one.key in live:
                self._emptied.setdefault(one.warehouse, set()).add(one.subject_key)

    def _set_aside(self, tx: Transaction, problems: Sequence[tuple[str, Problem]]) -> None:
        for connection in dict(problems):
            of_one = [problem for name, problem in problems if name == connection]
            quarantine.add(tx, self.flow.name, connection, self.flow.entity.entity, of_one, self.run)
        self.result.counts["refused"] += sum(problem.state != "elsewhere" for _, problem in problems)

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
