"""From raw slices to decided changes: decode, map, validate, compare. It looks at the ledger and writes nothing.

Whatever is wrong with one record becomes a problem of that record alone; its neighbours go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from obmen.entities import Record
from obmen.errors import ConfigurationError, IncompleteSource, ObmenError, Refused
from obmen.http.redact import Redactor
from obmen.mapping import NotCarried, Unresolved
from obmen.records import Native, pick
from obmen.state import bindings, quarantine, seen
from obmen.state.ledger import Transaction
from obmen.state.outbox import Decided, Row
from obmen.state.quarantine import Problem
from obmen.state.seen import Known
from obmen.state.text import LONGEST_ID, fault
from obmen.sync import doubled, waiting
from obmen.sync.flow import Flow
from obmen.sync.names import Skus
from obmen.sync.propose import Proposals, propose
from obmen.sync.slices import Slice, set_aside, unreadable

_SHOWN = 80
_redact = Redactor()


@dataclass(slots=True)
class Changes:
    """What a page's records amount to, to be written in one transaction.

    ``made``: the records themselves. What rules make of them is reckoned in that transaction.
    """

    known: list[Known] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    rekeyed: list[str] = field(default_factory=list)
    decided: dict[str, list[Decided]] = field(default_factory=dict)
    dropped: list[Row] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    explained: list[bytes] = field(default_factory=list)
    replaced: list[Known] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    made: list[Record] = field(default_factory=list)
    overtaken: dict[str, list[str]] = field(default_factory=dict)

    def add(self, proposals: Proposals) -> None:
        """Take over what was decided about records."""
        for target, decided in proposals.decided.items():
            self.decided.setdefault(target, []).extend(decided)
        self.dropped += proposals.dropped
        self.problems += proposals.problems
        self.counts += proposals.counts
        self.overtaken |= proposals.overtaken


class DuplicateKey(Refused):
    """Another native record already has this record's key."""

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message, code="duplicate_key")
        self.key = key


class Examiner:
    """Examines the slices of one read of one flow."""

    def __init__(self, flow: Flow, run: int, pins: Mapping[str, str]) -> None:
        self.flow = flow
        self.run = run
        self.pins = dict(pins)
        self.unreadable = False
        self._loose = flow.loose
        self._skus: Skus | None = None
        reader = flow.source.readers[flow.entity.entity]
        self._key, self._complete, self._channel = reader.key, reader.complete, reader.channel

    def examine(self, tx: Transaction, slices: Sequence[Slice], *, again: bool = False) -> Changes:
        """Decide what slices change; ``again``: they are replayed, so they are looked at in any case."""
        changes = Changes()
        readable = self._decoded(slices, changes)
        known = seen.by_source(tx, self.flow.name, [one.source for one in readable])
        fresh = self._uncontested(tx, readable) if again else self._unmoved(tx, readable, known, changes)
        records = self._records(tx, fresh, known, changes)
        self._bind(tx, records, changes)
        changes.made = [record for record, _ in records]
        if not self.flow.reckoned:
            changes.add(propose(tx, self.flow, changes.made))
        return changes

    def _decoded(self, slices: Sequence[Slice], changes: Changes) -> list[Slice]:
        readable = []
        for one in slices:
            fault = one.fault
            if one.natives:
                try:
                    one.source = _kept("id", pick(one.natives[0], self._key))
                    readable.append(one)
                except (IncompleteSource, Refused) as error:
                    fault = unreadable(error)
            if fault is not None:
                self.unreadable = True
                raw = one.raw or set_aside(one.natives)
                problem = Problem(
                    "pull", fault.code, _redact(str(fault)), source=one.source, raw=raw, fingerprint=one.fingerprint
                )
                changes.problems.append((self.flow.source.name, problem))
        return readable

    def _uncontested(self, tx: Transaction, slices: list[Slice]) -> list[Slice]:
        """Leave out what two records claim to be."""
        contested = self._contested(tx, slices)
        return [one for one in slices if one.source not in contested]

    def _contested(self, tx: Transaction, slices: list[Slice]) -> set[str]:
        if not quarantine.any_open(tx, self.flow.name):
            return set()
        return quarantine.contested(tx, self.flow.name, [one.source for one in slices])

    def _unmoved(
        self, tx: Transaction, slices: list[Slice], known: Mapping[str, list[Known]], changes: Changes
    ) -> list[Slice]:
        """Leave out what only moved within the source, what two records claim to be, and what is still elsewhere."""
        contested = self._contested(tx, slices)
        elsewhere = self._left_out(tx, slices)
        fresh: dict[str, Slice] = {}
        for one in slices:
            before = known.get(one.source, [])
            changes.explained += [record.fingerprint for record in before]
            if before and all(record.fingerprint == one.fingerprint for record in before):
                changes.counts["unchanged"] += 1
                continue
            if one.source in fresh and fresh[one.source].fingerprint == one.fingerprint:
                changes.counts["unchanged"] += 1
                continue
            if elsewhere.get(one.source) == one.fingerprint:
                changes.counts["elsewhere"] += 1
                continue
            twice = one.source in fresh or any(record.run == self.run for record in before)
            if twice or one.source in contested:
                changes.problems.append((self.flow.source.name, self._doubled(one)))
                continue
            changes.replaced += before
            fresh[one.source] = one
        return list(fresh.values())

    def _left_out(self, tx: Transaction, slices: list[Slice]) -> Mapping[str, bytes]:
        if not self._channel or not quarantine.any_open(tx, self.flow.name):
            return {}
        return quarantine.elsewhere(tx, self.flow.name, [one.source for one in slices])

    def _doubled(self, one: Slice) -> Problem:
        """Set a record aside whose id another has as well.

        Of a whole source nothing is kept: when the entry is replayed, the source is asked which one is left. A
        source of changes tells each only once, so the later one is kept.
        """
        if self._complete:
            return doubled.problem(self.flow, one.source)
        message = (
            f"Two records of {self.flow.source.name} have the id {one.source} in one read. The first is taken. This "
            "one waits, and so does any later one, until it is replayed or dropped."
        )
        raw = set_aside(one.natives)
        return Problem("pull", doubled.CODE, _redact(message), source=one.source, raw=raw, fingerprint=one.fingerprint)

    def _records(
        self, tx: Transaction, slices: list[Slice], known: Mapping[str, list[Known]], changes: Changes
    ) -> list[tuple[Record, Slice]]:
        refs = self._references(tx, slices)
        skus = self._skus = self._skus or Skus.known(tx, self.flow.pull)
        made: dict[str, tuple[Record, Slice]] = {}
        keys_of: dict[str, list[str]] = {}
        failed: set[str] = set()
        changes.counts["changed"] += len(slices)
        for one in slices:
            keys_of[one.source] = []
            for native in one.natives:
                try:
                    fields = skus.put_into(self.flow.pull.pull(native, refs))
                    if self._elsewhere(fields):
                        changes.counts["elsewhere"] += 1
                        continue
                    record = self._record(fields)
                    key = _kept("key", record.key)
                except NotCarried:
                    continue
                except (Refused, Unresolved) as error:
                    failed.add(one.source)
                    foreign = one.source not in known and self._foreign(native, error)
                    self._problem(changes, one, error, "elsewhere" if foreign else "waiting")
                    continue
                if not self._passes(record):
                    changes.counts["elsewhere"] += 1
                    continue
                keys_of[one.source].append(key)
                if key in made:
                    failed.add(one.source)
                    self._problem(changes, one, _same_key(record, made[key][1].source, one.source))
                    continue
                made[key] = (record, one)
        self._contested_keys(tx, made, keys_of, failed, changes)
        for one in slices:
            before = {record.key for record in known.get(one.source, ())}
            kept = [key for key in keys_of[one.source] if key in made and made[key][1] is one]
            if one.source in failed:
                kept = sorted(before.union(kept))
            else:
                changes.settled.append(one.source)
                if before:
                    changes.gone += sorted(before.difference(kept))
            for key in kept:
                changes.known.append(Known(key, one.source, one.fingerprint, self.run))
        return list(made.values())

    def _contested_keys(
        self,
        tx: Transaction,
        made: dict[str, tuple[Record, Slice]],
        keys_of: Mapping[str, list[str]],
        failed: set[str],
        changes: Changes,
    ) -> None:
        """Take out records whose key belongs to another native record that still stands."""
        for owner in seen.by_key(tx, self.flow.name, made).values():
            record, one = made[owner.key]
            released = owner.source in keys_of and owner.key not in keys_of[owner.source]
            if owner.source != one.source and not released:
                del made[owner.key]
                failed.add(one.source)
                self._problem(changes, one, _same_key(record, owner.source, one.source))

    def _references(self, tx: Transaction, slices: list[Slice]) -> dict[tuple[str, str], str]:
        wanted: dict[str, set[str]] = {}
        for one in slices:
            for native in one.natives:
                for entity, native_id in self.flow.pull.pull_refs(native):
                    wanted.setdefault(entity, set()).add(native_id)
        found: dict[tuple[str, str], str] = {}
        for entity, ids in wanted.items():
            for native_id, key in bindings.keys(tx, self.flow.source.name, entity, ids).items():
                found[entity, native_id] = key
        return found

    def _elsewhere(self, fields: Mapping[str, Any]) -> bool:
        """Whether the flow surely does not carry the record, such as a price of another type; it need not be made."""
        return any(
            isinstance(given := fields.get(name), str) and not self.flow.passes(name, given.strip())
            for name in self.flow.where
        )

    def _foreign(self, native: Native, error: ObmenError) -> bool:
        """Whether what is not known is an order of a channel whose orders none of our flows brings to the source."""
        ours, subject = self.flow.orders_of, self.flow.entity.subject
        if ours is None or subject is None or not isinstance(error, Unresolved) or error.entity != subject[0]:
            return False
        try:
            return bool(self._channel) and pick(native, self._channel) not in ours
        except IncompleteSource:
            return False

    def _record(self, fields: Mapping[str, Any]) -> Record:
        try:
            return self.flow.entity.model_validate(fields)
        except ValidationError as error:
            raise _invalid(self.flow.entity, error) from None

    def _passes(self, record: Record) -> bool:
        """Whether the flow carries the record; of one that it carries, the loose key fields are pinned."""
        if not all(self.flow.passes(name, str(getattr(record, name))) for name in self.flow.where):
            return False
        for name in self._loose:
            self._pin(name, str(getattr(record, name)))
        return True

    def _pin(self, name: str, value: str) -> None:
        pinned = self.pins.setdefault(name, value)
        if pinned != value:
            targets = ", ".join(target.name for target in self.flow.targets)
            message = (
                f"The flow '{self.flow.name}' meets several values of {name} ('{pinned}', '{value}'), but {targets} "
                f"takes only one for each record. Choose it: where: {{ {name}: {pinned} }}."
            )
            raise ConfigurationError(message, where=self.flow.where_line)

    def _bind(self, tx: Transaction, records: list[tuple[Record, Slice]], changes: Changes) -> None:
        if not self.flow.entity.identity:
            return
        wanted = {record.key: one.source for record, one in records if len(one.natives) == 1}
        chosen = bindings.chosen(tx, self.flow.source.name, self.flow.entity.entity, wanted)
        wanted = {key: source for key, source in wanted.items() if chosen.get(key, source) == source}
        before = bindings.keys(tx, self.flow.source.name, self.flow.entity.entity, wanted.values())
        changes.rekeyed += [before[source] for key, source in wanted.items() if before.get(source, key) != key]
        changes.bound.update((key, source) for key, source in wanted.items() if before.get(source) != key)

    def _problem(self, changes: Changes, one: Slice, error: ObmenError, unbound: str = "waiting") -> None:
        waits = None
        if isinstance(error, Unresolved):
            waits = waiting.for_native(self.flow.source.name, error.entity, error.id)
        problem = Problem(
            "pull",
            _code(error, "unresolved"),
            _redact(str(error)),
            key=error.key if isinstance(error, DuplicateKey) else "",
            source=one.source,
            raw=set_aside(one.natives),
            fingerprint=one.fingerprint,
            waits_for=waits,
            state=unbound if waits else "open",
        )
        if problem.state == "elsewhere":
            changes.counts["elsewhere"] += 1
        changes.problems.append((self.flow.source.name, problem))


def _kept(what: str, value: str) -> str:
    """Return an id or a key; raises Refused for one that the ledger cannot keep."""
    if wrong := fault(value, LONGEST_ID):
        shown = repr(value[:_SHOWN])
        raise Refused(f"The record's {what} {shown} cannot be kept: {wrong}. Correct it there.", code="bad_id")
    return value


def _code(error: Exception, otherwise: str) -> str:
    return error.code if isinstance(error, Refused) else otherwise


def _same_key(record: Record, first: str, second: str) -> DuplicateKey:
    message = (
        f"Two records have the {' + '.join(record.key_fields)} '{record.key}': {first} and {second}. The first keeps "
        "it, nothing is taken from the second. Give one of them another in the source."
    )
    return DuplicateKey(message, record.key)


def _invalid(entity: type[Record], error: ValidationError) -> Refused:
    personal = entity.personal_fields()
    parts: list[str] = []
    name = ""
    for one in error.errors(include_url=False)[:3]:
        name = ".".join(str(step) for step in one["loc"] if not isinstance(step, int))
        value: Any = "" if name in personal or one["type"] == "missing" else f" (it is {one['input']!r:.80})"
        parts.append(f"{name}: {one['msg'].lower()}{value}")
    return Refused(f"{entity.entity} cannot be made of it: {'; '.join(parts)}.", code="bad_value", field=name)
