"""From raw slices to decided changes: decode, map, validate, compare. It looks at the ledger and writes nothing.

Whatever is wrong with one record becomes a problem of that record alone; its neighbours go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
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
from obmen.sync import waiting
from obmen.sync.flow import Flow
from obmen.sync.propose import Proposals, propose

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_redact = Redactor()


@dataclass(slots=True)
class Slice:
    """One raw record on its way: its natives or why it has none, and the id that its system knows it by."""

    fingerprint: bytes
    raw: bytes
    natives: list[Native] = field(default_factory=list)
    fault: Refused | None = None
    source: str = ""

    @classmethod
    def of(cls, fingerprint: bytes, raw: bytes, decode: Callable[[bytes], Iterable[Native]]) -> Slice:
        """Decode a slice at once, so that nothing of its page need be kept until it is examined."""
        try:
            return cls(fingerprint, raw, list(decode(raw)))
        except (Refused, IncompleteSource) as error:
            return cls(fingerprint, raw, fault=_unreadable(error))


@dataclass(slots=True)
class Changes:
    """What a page's records amount to, to be written in one transaction."""

    known: list[Known] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    rekeyed: list[str] = field(default_factory=list)
    decided: dict[str, list[Decided]] = field(default_factory=dict)
    dropped: list[Row] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    explained: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, proposals: Proposals) -> None:
        """Take over what was decided about records."""
        for target, decided in proposals.decided.items():
            self.decided.setdefault(target, []).extend(decided)
        self.dropped += proposals.dropped
        self.problems += proposals.problems
        self.counts += proposals.counts


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
        self._key = flow.source.readers[flow.entity.entity].key

    def examine(self, tx: Transaction, slices: Sequence[Slice], *, again: bool = False) -> Changes:
        """Decide what slices change; ``again``: they are replayed, so they are looked at in any case."""
        changes = Changes()
        readable = self._decoded(slices, changes)
        known = seen.by_source(tx, self.flow.name, [one.source for one in readable])
        fresh = readable if again else self._unmoved(tx, readable, known, changes)
        records = self._records(tx, fresh, known, changes)
        self._bind(tx, records, changes)
        changes.add(propose(tx, self.flow, [record for record, _ in records]))
        return changes

    def _decoded(self, slices: Sequence[Slice], changes: Changes) -> list[Slice]:
        readable = []
        for one in slices:
            fault = one.fault
            if one.natives:
                try:
                    one.source = pick(one.natives[0], self._key)
                    readable.append(one)
                except IncompleteSource as error:
                    fault = _unreadable(error)
            if fault is not None:
                self.unreadable = True
                problem = Problem("pull", fault.code, _redact(str(fault)), raw=one.raw, fingerprint=one.fingerprint)
                changes.problems.append((self.flow.source.name, problem))
        return readable

    def _unmoved(
        self, tx: Transaction, slices: list[Slice], known: Mapping[str, list[Known]], changes: Changes
    ) -> list[Slice]:
        """Leave out what only moved within the source, and what two records claim to be."""
        contested = quarantine.contested(tx, self.flow.name, [one.source for one in slices])
        fresh: dict[str, Slice] = {}
        for one in slices:
            before = known.get(one.source, [])
            changes.explained += [record.fingerprint for record in before]
            if before and all(record.fingerprint == one.fingerprint for record in before):
                changes.counts["unchanged"] += 1
                continue
            twice = one.source in fresh or any(record.run == self.run for record in before)
            if twice or one.source in contested:
                message = (
                    f"Two records of {self.flow.source.name} have the id {one.source} in one read. Nothing more is "
                    "taken from either until one of them is removed; then replay this entry."
                )
                self._problem(changes, one, Refused(message, code="duplicate_id"))
                continue
            fresh[one.source] = one
        return list(fresh.values())

    def _records(
        self, tx: Transaction, slices: list[Slice], known: Mapping[str, list[Known]], changes: Changes
    ) -> list[tuple[Record, Slice]]:
        refs = self._references(tx, slices)
        made: dict[str, tuple[Record, Slice]] = {}
        keys_of: dict[str, list[str]] = {}
        failed: set[str] = set()
        for one in slices:
            changes.counts["changed"] += 1
            keys_of[one.source] = []
            for native in one.natives:
                try:
                    record = self._record(native, refs)
                except NotCarried:
                    continue
                except (Refused, Unresolved) as error:
                    failed.add(one.source)
                    self._problem(changes, one, error)
                    continue
                if record is None:
                    continue
                key = record.key
                keys_of[one.source].append(key)
                if key in made:
                    failed.add(one.source)
                    self._problem(changes, one, _same_key(record, made[key][1].source, one.source))
                    continue
                made[key] = (record, one)
        self._contested_keys(tx, made, keys_of, failed, changes)
        for one in slices:
            before = {record.key for record in known.get(one.source, [])}
            kept = [key for key in keys_of[one.source] if key in made and made[key][1] is one]
            if one.source in failed:
                kept = sorted(set(kept) | before)
            else:
                changes.gone += sorted(before - set(kept))
                changes.settled.append(one.source)
            changes.known += [Known(key, one.source, one.fingerprint, self.run) for key in kept]
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

    def _record(self, native: Native, refs: Mapping[tuple[str, str], str]) -> Record | None:
        fields = self.flow.pull.pull(native, refs)
        try:
            record = self.flow.entity.model_validate(fields)
        except ValidationError as error:
            raise _invalid(self.flow.entity, error) from None
        for name, value in self.flow.where.items():
            if str(getattr(record, name)) != value:
                return None
        for name in self._loose:
            self._pin(name, str(getattr(record, name)))
        return record

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
        wanted = {record.key: one.source for record, one in records}
        before = bindings.keys(tx, self.flow.source.name, self.flow.entity.entity, wanted.values())
        changes.rekeyed += [before[source] for key, source in wanted.items() if before.get(source, key) != key]
        changes.bound.update((key, source) for key, source in wanted.items() if before.get(source) != key)

    def _problem(self, changes: Changes, one: Slice, error: ObmenError) -> None:
        waits = None
        if isinstance(error, Unresolved):
            waits = waiting.for_native(self.flow.source.name, error.entity, error.id)
        problem = Problem(
            "pull",
            _code(error, "unresolved"),
            _redact(str(error)),
            key=error.key if isinstance(error, DuplicateKey) else "",
            source=one.source,
            raw=_ENCODER.encode(one.natives),
            fingerprint=one.fingerprint,
            waits_for=waits,
            state="waiting" if waits else "open",
        )
        changes.problems.append((self.flow.source.name, problem))


def _unreadable(error: ObmenError) -> Refused:
    return Refused(str(error), code=_code(error, "unreadable"))


def _code(error: ObmenError, otherwise: str) -> str:
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
