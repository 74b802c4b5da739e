"""Why a channel shows a number: what the source told, what the rules made of it, what was sent, and what came of that.

Everything is reckoned anew from what the ledger keeps, by the same functions that decide; so an explanation cannot
tell another story than what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from obmen.entities import ENTITIES, Price, Product, Record, Stock, join_key, split_key
from obmen.errors import Refused
from obmen.rules.pricing import Priced
from obmen.rules.steps import Step
from obmen.state import Transaction, agreed, bindings, originals, outbox, quarantine, taken, written
from obmen.state.agreed import Agreed
from obmen.state.outbox import Row
from obmen.state.quarantine import Entry
from obmen.state.taken import Taken
from obmen.state.written import Written
from obmen.sync import reckon
from obmen.sync.flow import Flow, Target

_CHANNEL = "channel:"


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
    where no rule knows of it. ``told``: what it confirmed last, ``sent`` the writing of that with run and cause.
    ``queued``: what waits to be sent, or is on its way. ``refused``: what was set aside of it.
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
    return made


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
            tuple(quarantine.of_key(tx, flow.name, target.name, key)),
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
    native_id = bindings.native_ids(tx, name, Product.entity, [subject]).get(subject)
    sku = split_key(subject)[0]
    return Source(name, native_id, tuple(records), tuple(taken.of(tx, name, [sku]).get(sku, ())))
