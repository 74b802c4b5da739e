"""Reconciliation: whether each target still holds what it confirmed, and sending it again where it does not.

A target may take a record, say so, and not keep it; a person may change it there. Neither is seen by comparing with
what was confirmed. So both sides are read and compared field by field, by what would be written: a difference that the
mapping does not carry is none. What differs is repaired by taking back that it was confirmed; then it goes the usual
way, with guards and outbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import msgspec
from pydantic import ValidationError

from obmen import spans
from obmen.entities import Product, Record, Stock
from obmen.errors import ConfigurationError, Refused
from obmen.mapping import NotCarried
from obmen.records import Native
from obmen.state import Ledger, agreed, bindings, runs
from obmen.state.agreed import Agreed
from obmen.state.outbox import Row
from obmen.sync.engine import Engine, Pass
from obmen.sync.flow import Flow, Target, hash_payload, payload_of
from obmen.sync.intake import Intake
from obmen.sync.plan import difference_of
from obmen.sync.prepare import Preparer
from obmen.sync.propose import propose
from obmen.sync.readback import shown_fields
from obmen.sync.sides import Sides, Told, match_of, whole
from obmen.sync.turns import turn

_EXAMPLES = 20
_ARCHIVED = "archived"
OnRead = Callable[[int, int | None], None]


class Drift(msgspec.Struct, frozen=True):
    """A record that a target confirmed and does not show so.

    ``fields``: name → [what it shows, what it was told], personal values masked; empty where it shows nothing of it.
    """

    flow: str
    target: str
    key: str
    fields: dict[str, list[Any]]


@dataclass(slots=True)
class Side:
    """What was found of one target.

    ``counts``: ``same``, ``drift``, ``missing`` (confirmed and not there), ``unsent`` (differs and was not confirmed as
    it is now: the next sync, a guard or the quarantine has it), ``unsure`` (not met among what could be read there),
    ``only_there``, ``not_carried``, ``unreadable``.
    ``fields``: by field, how many records drift in it. ``blind``: fields that are written and cannot be read there.
    ``only_there``: the first records that only the target has. ``repaired``: how many are sent again.
    """

    target: str
    counts: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    blind: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    repaired: int = 0

    @property
    def drift(self) -> int:
        """How many records are not as they were confirmed."""
        return self.counts["drift"] + self.counts["missing"]


@dataclass(slots=True)
class _Found:
    """A record that drifted: what it is here, and what the target shows instead, None where nothing."""

    record: Record
    shown: Record | None


class Reconciliation:
    """Compares one flow's source with its targets. Raises ConfigurationError where nothing can be compared.

    ``on_drift`` is told of each record as it is found. ``repair``: what drifted is put into the outbox again. The flow
    may run meanwhile: what was confirmed after the reading began is not judged.
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
    ) -> None:
        self.ledger, self.work, self.flow, self.repair = ledger, work, work.flow, repair
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
        self._intake = Intake(self.flow, self.work.run)
        with (
            spans.begin("compare", parent=self.work.span),
            Sides(self.ledger, self.flow, self._on_read) as sides,
        ):
            self.here = sides.here
            sides.read()
            for target in self.flow.targets:
                side = Side(target.name)
                self.sides.append(side)
                self._of_target(sides, target, side)
        if self.repair:
            with turn(self.ledger, self.flow.name, on_note=self._on_note) as lease, self.ledger.write(lease) as tx:
                self._intake.guard(tx)
        report = self.work.report
        report.read, report.held = self._intake.result.counts, self._intake.result.held
        report.read["read"] = self.here.counts["read"]

    def deliver(self, engine: Engine, patience: float) -> None:
        """Deliver what is to be repaired, and end the pass."""
        if self.repair:
            engine.finish(self.work, patience)
        else:
            engine.close(self.work)

    def _of_target(self, sides: Sides, target: Target, side: Side) -> None:
        there = sides.there.get(target.name)
        scales = _Scales(self.flow, target, there)
        scales.unsure = scales.unsure or sides.strangers(target)
        side.blind = scales.blind
        for records in sides.batches():
            found = self._compare(sides, scales, records, side)
            if found and self.repair:
                self._put_again(target, found, side)
        for match in sides.only_there(target):
            side.counts["only_there"] += 1
            if len(side.only_there) < _EXAMPLES:
                side.only_there.append(match)
        if there is not None and there.counts["unreadable"]:
            side.counts["unreadable"] += there.counts["unreadable"]
            side.reasons += there.reasons

    def _compare(self, sides: Sides, scales: _Scales, records: Sequence[Record], side: Side) -> list[_Found]:
        """Count what a batch of records comes to; return those that drifted."""
        target = scales.target
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
        found = []
        for key, (record, payload) in told.items():
            if key not in shown:
                side.counts["unsent"] += 1
                continue
            one = self._judge(scales, record, payload, shown[key], confirmed.get(key), side)
            if one is not None:
                found.append(one)
        return found

    def _judge(
        self, scales: _Scales, record: Record, payload: Native, shown: Native | None, known: Agreed | None, side: Side
    ) -> _Found | None:
        confirmed = known is not None and known.hash == hash_payload(payload, record) and known.at <= self._began
        if shown is None:
            if isinstance(record, Product) and record.archived:
                side.counts["same"] += 1
            elif not confirmed:
                side.counts["unsent"] += 1
            elif scales.unsure:
                side.counts["unsure"] += 1
            else:
                side.counts["missing"] += 1
                self._on_drift(Drift(self.flow.name, side.target, record.key, {}))
                return _Found(record, None)
            return None
        there = scales.there(record, shown)
        names = scales.differing(record, payload, there, shown) if there is not None else []
        if there is None or not names or not confirmed:
            side.counts["unreadable" if there is None else "unsent" if names else "same"] += 1
            return None
        side.counts["drift"] += 1
        side.fields.update(names)
        fields = difference_of(self.flow.entity, there.encoded(), record.encoded())
        shown_there = {name: fields[name] for name in names if name in fields}
        self._on_drift(Drift(self.flow.name, side.target, record.key, shown_there))
        return _Found(record, there)

    def _asked_by_id(self, target: Target, told: Mapping[str, tuple[Record, Native]]) -> Mapping[str, Native | None]:
        """Ask once more for what a list did not tell: a list may leave out what is there."""
        return self._look(target, told) if told and self._entity in target.connector.lookups else {}

    def _look(self, target: Target, told: Mapping[str, tuple[Record, Native]]) -> dict[str, Native | None]:
        """Return key → what the target shows when it is asked by id; what it cannot be asked for is left out."""
        assert target.back is not None  # noqa: S101 - it was looked at before
        rows = [
            Row(
                connection=target.name,
                entity=self._entity,
                key=key,
                sequence=0,
                flow=self.flow.name,
                state="pending",
                op="put",
                effect="changed",
                hash=b"",
                canonical=record.encoded(),
                sent_hash=None,
                sent_canonical=None,
                sent_op=None,
                attempt=0,
                not_before=0.0,
                ticket=None,
                waits_for=None,
                reason="",
                enqueued_at=0.0,
                run=self.work.run,
            )
            for key, (record, _) in told.items()
        ]
        with self.ledger.read() as tx:
            ready = Preparer(self.flow, target).prepare(tx, rows).ready
        ids = {row.key: item.id for row, item in ready}
        found = shown_fields(self.ledger, self.flow, target, target.back, list(ids.values()))
        return {key: found.get(id_) for key, id_ in ids.items()}

    def _put_again(self, target: Target, found: Sequence[_Found], side: Side) -> None:
        """Take back that these records were confirmed, and decide on them anew."""
        flow = replace(self.flow, targets=(target,))
        shown = {one.record.key: one.shown.encoded() if one.shown is not None else None for one in found}
        absent = [key for key, canonical in shown.items() if canonical is None]
        with turn(self.ledger, flow.name, on_note=self._on_note) as lease, self.ledger.write(lease) as tx:
            agreed.doubt(tx, target.name, self._entity, shown)
            if flow.entity.identity and absent:
                bindings.unbind(tx, target.name, self._entity, absent)
            proposals = propose(tx, flow, [one.record for one in found])
            self._intake.apply(tx, proposals)
        side.repaired += sum(map(len, proposals.decided.values()))


class _Scales:
    """Weighs what one target shows against what it is told."""

    def __init__(self, flow: Flow, target: Target, there: Told | None) -> None:
        assert target.back is not None  # noqa: S101 - it was looked at before
        self.flow, self.target = flow, target
        self.whole = whole(flow, target)
        self.unsure = there is not None and (there.partial or there.counts["unreadable"] > 0)
        written = {name for name in target.mapping.carries if name in flow.entity.model_fields}
        written -= set(flow.entity.key_fields)
        seen = target.back.tells if there is None else target.back.tells & there.fields
        self._compared = written & seen
        self._archived = flow.entity is Product and _ARCHIVED in seen
        self._told_if_set = there is not None
        self.blind = sorted(written - seen)

    def told(self, records: Sequence[Record], side: Side) -> Iterator[tuple[Record, Native]]:
        """Yield the records that the target is told of, as they are written."""
        for record in records:
            try:
                yield record, payload_of(self.target.mapping, record)
            except NotCarried:
                side.counts["not_carried"] += 1
            except Refused as error:
                side.counts["unreadable"] += 1
                if len(side.reasons) < _EXAMPLES:
                    side.reasons.append(str(error))

    def there(self, record: Record, shown: Native) -> Record | None:
        """Return the record as the target shows it: what cannot be seen there is taken to be as it was told."""
        values = record.model_dump(exclude_unset=True)
        for name in (*self._compared, *((_ARCHIVED,) if self._archived else ())):
            if name in shown:
                values[name] = _overlaid(values.get(name), shown[name])
            elif self._told_if_set and not self.flow.entity.model_fields[name].is_required():
                values.pop(name, None)
        try:
            return self.flow.entity.model_validate(values)
        except ValidationError:
            return None

    def differing(self, record: Record, payload: Native, there: Record, shown: Native) -> list[str]:
        """Return the fields in which what the target shows is not what would be written."""
        gone = bool(getattr(record, _ARCHIVED, False)), bool(getattr(there, _ARCHIVED, False))
        if self._archived and gone[0] != gone[1]:
            return [_ARCHIVED]
        if any(gone) or self._writes_the_same(payload, there):
            return []
        names = sorted(name for name in self._compared if getattr(record, name) != getattr(there, name))
        if _ordered_since(record, there, shown):
            return []
        alone = [name for name in names if not self._writes_the_same(payload, _with(record, name, there))]
        return alone or names

    def _writes_the_same(self, payload: Native, there: Record) -> bool:
        try:
            return _covers(payload, payload_of(self.target.mapping, there))
        except (NotCarried, Refused):
            return False


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


def _ordered_since(record: Record, there: Record, shown: Native) -> bool:
    """Whether a stock is less than was told by what buyers have reserved there: to set it anew would oversell."""
    if not (isinstance(record, Stock) and isinstance(there, Stock)):
        return False
    return 0 < record.available - there.available <= Decimal(str(shown.get("reserved") or 0))


def _with(record: Record, name: str, there: Record) -> Record:
    """Return the record with one field as it is there."""
    values = record.model_dump(exclude_unset=True)
    values.pop(name, None)
    if name in there.model_fields_set:
        values[name] = getattr(there, name)
    return type(record).model_validate(values)


def _overlaid(told: Any, shown: Any) -> Any:
    """Return what is shown, with the parts that it leaves out as they were told."""
    if isinstance(told, Mapping) and isinstance(shown, Mapping):
        return {**told, **{name: _overlaid(told.get(name), value) for name, value in shown.items()}}
    if isinstance(told, list | tuple) and isinstance(shown, list | tuple) and len(told) == len(shown):
        return [_overlaid(one, other) for one, other in zip(told, shown, strict=True)]
    return shown


def _covers(told: Any, shown: Any) -> bool:
    """Whether all that is told stands in what is shown; more may stand there."""
    if isinstance(told, Mapping) and isinstance(shown, Mapping):
        return all(name in shown and _covers(value, shown[name]) for name, value in told.items())
    if isinstance(told, list | tuple) and isinstance(shown, list | tuple):
        return len(told) == len(shown) and all(_covers(one, other) for one, other in zip(told, shown, strict=True))
    return bool(told == shown)
