"""Reconciliation: whether each target still holds what it confirmed, and sending it again where it does not.

A target may take a record, say so, and not keep it; a person may change it there. Neither is seen by comparing with
what was confirmed. So both sides are read and compared field by field, by what would be written: a difference that the
mapping does not carry is none. What differs is repaired by taking back that it was confirmed; then it goes the usual
way, with guards and outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from obmen import spans
from obmen.entities import Record
from obmen.errors import ConfigurationError, Paused
from obmen.records import Native
from obmen.state import Ledger, Transaction, agreed, compared, outbox, runs
from obmen.state.agreed import Agreed
from obmen.sync import reckon
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target, hash_payload
from obmen.sync.intake import Intake
from obmen.sync.passes import Pass
from obmen.sync.pausing import refuse
from obmen.sync.prepare import Preparer
from obmen.sync.promotions import Watch, as_told
from obmen.sync.readback import shown_fields
from obmen.sync.repair import Found, repair
from obmen.sync.scales import EXAMPLES, Drift, Scales, Side, is_nothing
from obmen.sync.sides import Sides, Told, match_of, whole
from obmen.sync.suspects import Suspects
from obmen.sync.turns import turn

OnRead = Callable[[int, int | None], None]


class Reconciliation:
    """Compares one flow's source with its targets. Raises ConfigurationError where nothing can be compared.

    ``on_drift`` is told of each record as it is found. ``repair``: what drifted is put into the outbox again.
    ``target``: the only one that is compared. ``leave``: prices are taken out of promotions that changed them. The flow
    may run meanwhile: what was confirmed after the reading began is not judged. ``orders``: nobody has seen to it that
    all orders were read before; the flows that read them (see ``suspects``).
    """

    def __init__(
        self,
        ledger: Ledger,
        work: Pass,
        *,
        on_drift: Callable[[Drift], None],
        on_read: OnRead = lambda _done, _total: None,
        on_note: Callable[[str], None] = lambda _why: None,
        repair: bool = False,
        target: str = "",
        leave: bool = False,
        orders: Sequence[str] | None = None,
    ) -> None:
        self.ledger, self.work, self.repair, self._leave = ledger, work, repair, leave
        self._orders = orders
        self.flow = _with_one(work.flow, target) if target else work.flow
        self._on_drift, self._on_read, self._on_note = on_drift, on_read, on_note
        self._entity = self.flow.entity.entity
        self.sides: list[Side] = []
        self.here = Told()
        _refuse_what_cannot_be_compared(self.flow)

    def run(self) -> None:
        """Read both sides and compare them; raises the errors of whoever cannot be read."""
        with self.ledger.write() as tx:
            self.work.begin(runs.begin(tx, self.flow.name, "reconcile"), "reconcile")
            self._began = tx.now
        self._intake = Intake(self.work.flow, self.work.run)
        with (
            spans.begin("compare", parent=self.work.span),
            Sides(self.ledger, self.flow, self._on_read) as sides,
        ):
            self.here = sides.here
            try:
                self._read(sides)
            except Paused as error:
                self.work.report.pause(str(error))
                raise
        if self.repair:
            with turn(self.ledger, self.flow.name, on_note=self._on_note) as lease, self.ledger.write(lease) as tx:
                self._intake.guard(tx)
        report = self.work.report
        report.read, report.held = self._intake.result.counts, self._intake.result.held
        report.read["read"] = self.here.counts["read"]

    def _read(self, sides: Sides) -> None:
        sides.read()
        for target in self.flow.targets:
            side = Side(target.name)
            self.sides.append(side)
            with self.ledger.read() as tx:
                state = compared.of(tx, self.flow.name, target.name)
                self._watch = Watch(self.ledger, self.flow, target, state)
                self._suspects = None if self._orders is None else Suspects(tx, state, self._orders)
            self._of_target(sides, target, side)
            if self._leave:
                self._watch.leave()
            with self.ledger.write() as tx:
                self._keep(tx, side)

    def _keep(self, tx: Transaction, side: Side) -> None:
        """Keep what was found of a target, in the place of what was found before."""
        state = compared.of(tx, self.flow.name, side.target)
        state.at = state.whole_at = tx.now
        state.counts = compared.positive(side.counts)
        state.drifted += side.drift
        self._watch.into(state)
        if self._suspects is not None:
            self._suspects.into(state)
        compared.save(tx, self.flow.name, side.target, state)

    def deliver(self, engine: Engine, patience: float) -> None:
        """Deliver what is to be repaired, and end the pass."""
        if self.repair:
            engine.finish(self.work, patience)
        else:
            engine.close(self.work)

    def _of_target(self, sides: Sides, target: Target, side: Side) -> None:
        there = sides.there.get(target.name)
        scales = Scales(self.flow, target, there)
        scales.unsure = scales.unsure or sides.strangers(target)
        side.blind = scales.blind
        for records in sides.batches():
            found = self._compare(sides, scales, records, side)
            if found and self.repair:
                self._put_again(target, found, side)
        for match in sides.only_there(target):
            side.counts["only_there"] += 1
            if len(side.only_there) < EXAMPLES:
                side.only_there.append(match)
        if there is not None and there.counts["unreadable"]:
            side.counts["unreadable"] += there.counts["unreadable"]
            side.reasons += there.reasons

    def _compare(self, sides: Sides, scales: Scales, records: Sequence[Record], side: Side) -> list[Found]:
        """Count what a batch of records comes to; return those that drifted."""
        target = scales.target
        there = sides.there.get(target.name)
        if self.flow.reckoned:
            records = self._told(target, records)
        told = {record.key: (record, payload) for record, payload in scales.told(records, side)}
        names = {key: match_of(self.flow, target, record) for key, (record, _) in told.items()}
        with self.ledger.read() as tx:
            confirmed = agreed.of(tx, target.name, self._entity, told)
        if scales.whole:
            shown: Mapping[str, Native | None] = sides.shown(target, list(names.values()))
            shown = {key: shown.get(name) for key, name in names.items()}
            shown = {**shown, **self._asked_by_id(target, {key: told[key] for key in told if shown[key] is None})}
        else:
            shown = self._look(target, told)
        promoted = sides.promoted(target, list(names.values()))
        found = []
        for key, (record, payload) in told.items():
            if key not in shown:
                side.counts["unsent"] += 1
                continue
            native = shown[key]
            if native is not None and there is not None and self._watch.see(record, promoted.get(names[key])):
                side.counts["promoted"] += 1
                native = as_told(record, native)
            one = self._judge(scales, record, payload, native, confirmed.get(key), side)
            if one is not None:
                found.append(one)
        return found

    def _told(self, target: Target, records: Sequence[Record]) -> list[Record]:
        """Return what a target was told of these goods last: the flow's rules made it of what the source tells."""
        with self.ledger.read() as tx:
            told = agreed.of(tx, target.name, self._entity, reckon.told_keys(self.flow, records))
        return [self.flow.entity.decoded(one.canonical) for one in told.values()]

    def _judge(
        self, scales: Scales, record: Record, payload: Native, shown: Native | None, known: Agreed | None, side: Side
    ) -> Found | None:
        confirmed = known is not None and known.hash == hash_payload(payload, record) and known.at <= self._began
        if shown is None:
            if is_nothing(record):
                side.counts["same"] += 1
            elif known is None or not confirmed:
                side.counts["unsent"] += 1
            elif scales.unsure:
                side.counts["unsure"] += 1
            else:
                side.counts["missing"] += 1
                self._on_drift(Drift(self.flow.name, side.target, record.key, {}))
                return Found(record, None, known)
            return None
        there = scales.there(record, shown)
        names = scales.differing(record, payload, there, shown) if there is not None else []
        if there is None or not names or known is None or not confirmed:
            side.counts["unreadable" if there is None else "unsent" if names else "same"] += 1
            return None
        if self._suspects is not None and self._suspects.sold(record, there, shown):
            side.counts["unsure"] += 1
            return None
        side.counts["drift"] += 1
        side.fields.update(names)
        found = Found(record, there, known)
        shown_there = {name: values for name, values in found.fields.items() if name in names}
        self._on_drift(Drift(self.flow.name, side.target, record.key, shown_there))
        return found

    def _asked_by_id(self, target: Target, told: Mapping[str, tuple[Record, Native]]) -> Mapping[str, Native | None]:
        """Ask once more for what a list did not tell: a list may leave out what is there."""
        return self._look(target, told) if told and self._entity in target.connector.lookups else {}

    def _look(self, target: Target, told: Mapping[str, tuple[Record, Native]]) -> dict[str, Native | None]:
        """Return key → what the target shows when it is asked by id; what it cannot be asked for is left out."""
        assert target.back is not None  # noqa: S101 - it was looked at before
        rows = [outbox.asked(target.name, self.flow.name, record) for record, _ in told.values()]
        with self.ledger.read() as tx:
            ready = Preparer(self.flow, target).prepare(tx, rows).ready
        ids = {row.key: item.id for row, item in ready}
        refuse(self.ledger, target.name, self._entity)
        found = shown_fields(self.ledger, self.flow, target, target.back, list(ids.values()))
        return {key: found.get(id_) for key, id_ in ids.items()}

    def _put_again(self, target: Target, found: Sequence[Found], side: Side) -> None:
        """Take back that these records were confirmed, and decide on them anew."""
        with turn(self.ledger, self.flow.name, on_note=self._on_note) as lease, self.ledger.write(lease) as tx:
            repaired = repair(tx, self.work.flow, target, found, self.work.run)
            self._intake.apply(tx, repaired.proposals)
        side.counts["not_kept"] += len(repaired.aside)
        side.repaired += sum(map(len, repaired.proposals.decided.values()))


def _with_one(flow: Flow, target: str) -> Flow:
    """Return a flow as if it had but one target; its rules are not asked of it."""
    return replace(flow, targets=tuple(one for one in flow.targets if one.name == target), _sellers={})


def _refuse_what_cannot_be_compared(flow: Flow) -> None:
    entity = flow.entity
    if not flow.targets:
        raise ConfigurationError(f"The flow '{flow.name}' has no target, so there is nothing to compare with.")
    if entity.history or (entity.fact and not entity.identity):
        message = (
            f"A {entity.entity} is a step, not a state: each system goes on from it by itself, so the two are not "
            "compared."
        )
        raise ConfigurationError(message, where=flow.where_line)
    for target in flow.targets:
        if target.back is None or not (whole(flow, target) or entity.entity in target.connector.lookups):
            message = f"{target.name} cannot be asked what it holds of a {entity.entity}, so nothing can be compared."
            raise ConfigurationError(message, where=flow.where_line)
