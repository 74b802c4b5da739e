"""Why a channel shows a number: what the source told, what the rules made of it, what was sent, and what came of that.

Everything is reckoned anew from what the ledger keeps, by the same functions that decide; so an explanation cannot
tell another story than what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import sqlalchemy as sa

from obmen.entities import ENTITIES, Price, Product, Record, Stock, join_key, split_key
from obmen.errors import Refused
from obmen.rules.pricing import Priced
from obmen.rules.steps import Step
from obmen.state import Transaction, agreed, bindings, originals, outbox, quarantine, tables, taken, written
from obmen.state.agreed import Agreed
from obmen.state.given import given
from obmen.state.outbox import Row
from obmen.state.quarantine import Entry
from obmen.state.taken import Taken
from obmen.state.written import Written
from obmen.sync import reckon
from obmen.sync.flow import Flow, Target

_CHANNEL = "channel:"
_R, _RUN = tables.record.c, tables.run.c
_READ = (
    sa.select(_R.key, _RUN.started_at)
    .outerjoin(tables.run, _RUN.id == _R.run)
    .where(given(_R.flow), sa.func.substr(_R.key, 1, sa.bindparam("length")) == sa.bindparam("start"))
    .order_by(_R.key)
)
Answer = Literal["", "confirmed", "refused", "accepted", "sent"]
"""What a channel said to what it was told last: nothing yet (it was never told), that it did it, that it refused it
(which stands first in ``refused``), that it took it and works on it; ``sent``: its answer is not known."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a source told of a SKU, as it was read last: ``records`` with the time of reading, in Unix seconds.

    ``taken``: what orders took of it that the source does not count yet.
    """

    connection: str
    native_id: str | None
    records: tuple[tuple[Record, float], ...]
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a SKU in one channel.

    ``steps``: how it comes about by the rules as they are now. ``due``: what the channel is to be told by them; None
    where nothing is known of it. ``sent``: what it was told last and confirmed, with run and cause. ``told``: what it
    shows by all that is known: that, or what it or its buyers made of it since. ``queued``: what waits to be sent, or
    is on its way. ``refused``: what was set aside of it, the newest first.
    """

    flow: str
    channel: str
    entity: str
    key: str
    steps: tuple[Step, ...]
    due: Record | None
    told: Agreed | None
    sent: Written | None
    queued: tuple[Row, ...]
    refused: tuple[Entry, ...]
    native_id: str | None

    @property
    def told_record(self) -> Record | None:
        """What the channel confirmed last."""
        return self.decoded(self.told.canonical) if self.told is not None else None

    @property
    def sent_record(self) -> Record | None:
        """What the channel was told last and confirmed; where that was forgotten, what it shows."""
        return self.decoded(self.sent.after) if self.sent is not None else self.told_record

    @property
    def moved(self) -> bool:
        """Whether it is known to show something else than it was told: it sold some, or was seen to."""
        return self.sent is not None and self.sent_record != self.told_record

    @property
    def answer(self) -> Answer:
        """What the channel said to what it was told last."""
        for state in ("accepted", "sent"):
            if any(row.state == state for row in self.queued):
                return state
        said = [one for one in self.refused if one.stage == "deliver"]
        if said and (self.told is None or said[0].created_at >= self.told.at):
            return "refused"
        return "confirmed" if self.told is not None else ""

    def decoded(self, canonical: bytes) -> Record:
        """Return a record of this number's kind."""
        return ENTITIES[self.entity].decoded(canonical)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of a SKU's stock and prices."""

    sku: str
    sources: tuple[Source, ...]
    numbers: tuple[Number, ...]


def explain(tx: Transaction, flows: Sequence[Flow], sku: str, channels: Sequence[str] = ()) -> Explanation:
    """Explain every number of a SKU that the flows of stock and prices tell; ``channels``: only of these."""
    subject = join_key([sku])
    about = [flow for flow in flows if flow.entity in {Stock, Price}]
    numbers: list[Number] = []
    for flow in about:
        made = _by_rules(tx, flow, subject)
        for target in flow.targets:
            if not channels or target.name in channels:
                numbers += _numbers(tx, flow, target, subject, made)
    names = dict.fromkeys(flow.source.name for flow in about)
    return Explanation(sku, tuple(_source(tx, name, about, subject) for name in names), tuple(numbers))


_Made = dict[str, dict[str, tuple[tuple[Step, ...], Record | None]]]
"""Record's key → target → the steps, and what they come to."""


def _by_rules(tx: Transaction, flow: Flow, subject: str) -> _Made:
    made: _Made = {}
    if flow.allocate is not None:
        sku = split_key(subject)[0]
        for pool, allotment in reckon.allotments(tx, flow, [subject]).get(sku, {}).items():
            of_pool = made.setdefault(join_key([sku, pool]), {})
            for name, count in allotment.told.items():
                record = Stock(sku=sku, warehouse=pool, available=Decimal(count))
                of_pool[name] = (tuple(_for_channel(allotment.steps, name)), record)
    elif flow.pricing is not None:
        for base, told in reckon.priced(tx, flow, [subject]).values():
            made[base.key] = {name: _priced(one) for name, one in told.items()}
    else:
        for passed, _ in _as_it_is(tx, flow, subject):
            step = Step("source", _amount(passed), f"as {flow.source.name} tells it; no rule of this flow changes it")
            made[passed.key] = {target.name: ((step,), passed) for target in flow.targets}
    return made


def _amount(record: Record) -> Decimal:
    assert isinstance(record, Stock | Price)  # noqa: S101 - nothing else is explained
    return record.available if isinstance(record, Stock) else record.amount


def _as_it_is(tx: Transaction, flow: Flow, subject: str) -> Iterator[tuple[Record, float]]:
    """Yield what the source of a flow without rules told last, and when it was read: it was passed on as it is."""
    start = f"{subject}|"
    entity = flow.entity.entity
    for key, read_at in tx.rows(_READ, of_flow=flow.name, start=start, length=len(start)):
        for target in flow.targets:
            queued = [row.canonical for row in outbox.of(tx, target.name, entity, [key]) if _of_source(row.cause)]
            sent = [one.after for one in written.of_key(tx, target.name, entity, key) if _of_source(one.cause)]
            if told := [*queued[-1:], *sent[:1]]:
                yield flow.entity.decoded(told[0]), read_at or 0.0
                break


def _of_source(cause: str) -> bool:
    """Whether a change came from the source, be it that a person let it go."""
    return not cause or cause.startswith("forced:")


def _for_channel(steps: Sequence[Step], channel: str) -> Iterator[Step]:
    """Leave out what concerns other channels."""
    mine = f"{_CHANNEL}{channel}/"
    for step in steps:
        if step.name.startswith(mine):
            yield Step(step.name.removeprefix(mine), step.amount, step.note)
        elif not step.name.startswith(_CHANNEL):
            yield step


def _priced(one: Priced | Refused) -> tuple[tuple[Step, ...], Record | None]:
    if isinstance(one, Refused):
        return (Step("refused", Decimal(0), str(one)),), None
    held = (Step("held", one.record.amount, one.held),) if one.held else ()
    return (*one.steps, *held), one.record


def _numbers(tx: Transaction, flow: Flow, target: Target, subject: str, made: _Made) -> Iterator[Number]:
    entity = flow.entity.entity
    known = {*agreed.keys_under(tx, target.name, entity, subject)}
    keys = sorted(key for key in {*made, *known} if _mine(flow, key))
    told = agreed.of(tx, target.name, entity, keys)
    rows = outbox.of(tx, target.name, entity, keys)
    native_id = bindings.native_ids(tx, target.name, Product.entity, [subject]).get(subject)
    for key in keys:
        steps, due = made.get(key, {}).get(target.name, ((), None))
        last = written.of_key(tx, target.name, entity, key, 1)
        yield Number(
            flow.name,
            target.name,
            entity,
            key,
            steps,
            due,
            told.get(key),
            last[0] if last else None,
            tuple(row for row in rows if row.key == key),
            tuple(reversed(quarantine.of_key(tx, flow.name, target.name, key))),
            native_id,
        )


def _mine(flow: Flow, key: str) -> bool:
    """Whether a flow tells of a key: of several prices only the one that it carries."""
    values = dict(zip(flow.entity.key_fields, split_key(key), strict=True))
    return all(values.get(name, wanted) == wanted for name, wanted in flow.where.items())


def _source(tx: Transaction, name: str, flows: Sequence[Flow], subject: str) -> Source:
    kinds = {flow.entity for flow in flows if flow.source.name == name}
    records = [
        (kind.decoded(one.canonical), one.read_at)
        for kind in (Stock, Price)
        if kind in kinds
        for one in originals.of(tx, name, kind.entity, [subject]).get(subject, ())
    ]
    kept = {record.key for record, _ in records}
    for flow in flows:
        if flow.source.name == name and not flow.reckoned:
            records += [one for one in _as_it_is(tx, flow, subject) if one[0].key not in kept]
    native_id = bindings.native_ids(tx, name, Product.entity, [subject]).get(subject)
    sku = split_key(subject)[0]
    return Source(name, native_id, tuple(records), tuple(taken.of(tx, name, [sku]).get(sku, ())))
