"""From outbox rows to the items of a batch: what they need is looked up, and what is not there is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import xxhash

from obmen.entities import Record
from obmen.errors import IncompleteSource, Refused
from obmen.mapping import NotCarried, Unresolved
from obmen.records import Item, Native, pick
from obmen.state import agreed, bindings, outbox, seen, stops
from obmen.state.ledger import Transaction
from obmen.state.outbox import Row
from obmen.sync import waiting
from obmen.sync.flow import Companion, Flow, Target
from obmen.sync.names import Names, goods_of


@dataclass(slots=True)
class Prepared:
    """Rows ready to be sent, with their items; rows that wait, with what for; rows that cannot be put.

    ``idle``: rows about which nothing need be done there.
    """

    ready: list[tuple[Row, Item]] = field(default_factory=list)
    waits: list[tuple[Row, str]] = field(default_factory=list)
    refused: list[tuple[Row, Refused]] = field(default_factory=list)
    idle: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a batch needs from the ledger: native ids that are referred to, its own, its companions.

    ``before``: of what has an identity of its own, what was last confirmed. ``names``: what the target calls the
    goods; ``others``: names there that belong to other goods.
    """

    refs: Mapping[tuple[str, str], str]
    native_ids: Mapping[str, str]
    companions: Mapping[str, Mapping[str, Record]]
    before: Mapping[str, Record]
    names: Names
    others: Mapping[str, str]


class _Waits(Exception):  # noqa: N818 - a signal between two functions of this file
    """The row waits for what this names."""


class _Idle(Exception):  # noqa: N818 - a signal between two functions of this file
    """Nothing need be done about the row."""


class Preparer:
    """Prepares the rows of one flow for one target."""

    def __init__(self, flow: Flow, target: Target) -> None:
        self.flow, self.target = flow, target
        self._entity = flow.entity.entity
        self._subject = flow.entity.subject[0] if flow.entity.subject else self._entity

    def prepare(self, tx: Transaction, rows: Sequence[Row], *, in_flight: bool = False) -> Prepared:
        """Put rows into the target's words; with ``in_flight``, what was sent instead of the newest."""
        prepared = Prepared()
        records = [self.flow.entity.decoded(_content(row, in_flight=in_flight)) for row in rows]
        subjects = [record.subject_key for record in records]
        known = self._look_up(tx, records, subjects)
        taken: set[str] = set()
        for row, record, subject in zip(rows, records, subjects, strict=True):
            try:
                item = self._item(row, record, subject, known, in_flight=in_flight)
            except (_Idle, NotCarried):
                prepared.idle.append(row)
            except _Waits as signal:
                prepared.waits.append((row, str(signal)))
            except Unresolved as error:
                token = waiting.for_binding(self.target.name, error.entity, error.id)
                prepared.waits.append((row, token))
            except Refused as error:
                prepared.refused.append((row, error))
            else:
                if item.id not in taken:
                    taken.add(item.id)
                    prepared.ready.append((row, item))
        return prepared

    def _item(self, row: Row, record: Record, subject: str, known: _Known, *, in_flight: bool) -> Item:
        op = (row.sent_op if in_flight else None) or row.op
        spec = self.target.connector.writers.get((self._entity, op))
        if spec is None:
            message = f"{self.target.name} has no way to {op} a {self._entity}."
            raise Refused(message, code="unsupported")
        native_id = known.native_ids.get(subject)
        if not self.flow.entity.identity and native_id is None:
            raise _Waits(waiting.for_binding(self.target.name, self._subject, subject))
        if self.flow.entity.identity and (native_id is None if op != "put" else native_id and not spec.updates):
            raise _Idle
        self._refuse_names_of_others(record, known)
        payload = self._pushed(record, subject, known)
        try:
            natural = pick(payload, spec.key)
        except IncompleteSource as error:
            raise Refused(f"{error} {self.target.name} knows the record by it.", code="no_id") from error
        digest = (row.sent_hash if in_flight else None) or row.hash
        name = "\n".join((row.connection, row.entity, row.key, str(row.sequence), digest.hex()))
        return Item(
            id=natural,
            payload=payload,
            key=row.key,
            op=op,
            native_id=native_id,
            idempotency_key=xxhash.xxh3_128_hexdigest(name.encode()),
            attempt=row.attempt + (0 if in_flight else 1),
            before=self._before(row.key, subject, known) if native_id else None,
        )

    def _before(self, key: str, subject: str, known: _Known) -> Native | None:
        """Put what was last confirmed into today's words; None where it was never, or no longer can be said."""
        record = known.before.get(key)
        if record is None:
            return None
        try:
            return self._pushed(record, subject, known)
        except (NotCarried, Unresolved, Refused):
            return None

    def _pushed(self, record: Record, subject: str, known: _Known) -> Native:
        beside = {entity: known.names.put_into(one) for entity, one in self._beside(subject, known).items()}
        return self.target.mapping.push(known.names.put_into(record), known.refs, beside)

    def _refuse_names_of_others(self, record: Record, known: _Known) -> None:
        if not known.others:
            return
        for sku in goods_of(record):
            if sku in known.others:
                message = (
                    f"{self.target.name} calls '{known.others[sku]}' by the name '{sku}', since that card was bound "
                    f"to it; this would be written over it. Give this one another sku, or free the name: "
                    f"obmen match {self.target.name} product --unbind {known.others[sku]}."
                )
                raise Refused(message, code="name_taken", field="sku")

    def _beside(self, subject: str, known: _Known) -> dict[str, Record]:
        beside = {}
        for entity in self.flow.companions:
            found = known.companions[entity].get(subject)
            if found is None:
                raise _Waits(waiting.for_record(self.target.name, entity, subject))
            beside[entity] = found
        return beside

    def _look_up(self, tx: Transaction, records: Sequence[Record], subjects: Sequence[str]) -> _Known:
        wanted: dict[str, set[str]] = {}
        kept = self.flow.entity
        before = self._confirmed(tx, records) if kept.fact or kept.identity else {}
        for record in (*records, *before.values()):
            for entity, key in self.target.mapping.push_refs(record):
                wanted.setdefault(entity, set()).add(key)
        refs = {
            (entity, key): native_id
            for entity, keys in wanted.items()
            for key, native_id in bindings.native_ids(tx, self.target.name, entity, keys).items()
        }
        own = bindings.native_ids(tx, self.target.name, self._subject, subjects)
        beside = {
            entity: self._companions(tx, companion, records) for entity, companion in self.flow.companions.items()
        }
        names, others = Names.of_records(tx, self.target.name, (*records, *before.values()))
        return _Known(names.refs(refs), own, beside, before, names, others)

    def _confirmed(self, tx: Transaction, records: Sequence[Record]) -> dict[str, Record]:
        keys = [record.key for record in records]
        known = agreed.of(tx, self.target.name, self._entity, keys)
        return {key: self.flow.entity.decoded(one.canonical) for key, one in known.items()}

    def _companions(self, tx: Transaction, companion: Companion, records: Sequence[Record]) -> dict[str, Record]:
        """What was last confirmed of each companion, or what is being told of it; nothing that is held or paused."""
        pinned = companion.pinned(seen.checkpoint(tx, companion.flow).pins)
        keys = {pinned.key_for(record): record.subject_key for record in records}
        entity = companion.entity.entity
        newest = {one.key: one.canonical for one in agreed.of(tx, self.target.name, entity, keys).values()}
        if stops.standing(tx, self.target.name, entity, "write") is None:
            rows = outbox.of(tx, self.target.name, entity, keys)
            newest.update((row.key, _told(row)) for row in rows if row.state not in {"fresh", "held"})
        return {keys[key]: companion.entity.decoded(canonical) for key, canonical in newest.items()}


def _told(row: Row) -> bytes:
    """Return what a target is being told; of what is in flight, not what stands behind it, for that may be held yet."""
    return row.sent_canonical or row.canonical


def _content(row: Row, *, in_flight: bool) -> bytes:
    return row.sent_canonical if in_flight and row.sent_canonical is not None else row.canonical
