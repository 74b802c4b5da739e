"""From canonical records to what each target should be told, judged against what it last confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from obmen.entities import OrderStatus, Record
from obmen.errors import Refused
from obmen.http.redact import Redactor
from obmen.mapping import NotCarried
from obmen.rules import guards
from obmen.state import agreed, outbox, quarantine
from obmen.state.agreed import Agreed
from obmen.state.ledger import Transaction
from obmen.state.outbox import Decided, Row
from obmen.state.quarantine import Problem
from obmen.sync.decide import DROP, NOTHING, Decision, decide
from obmen.sync.flow import Flow, Target, payload_hash

_redact = Redactor()
HELD = "by the rules of this flow: "
"""How the reasons begin for which rules, not guards, hold a change; they may pass by themselves."""
_NONE: Mapping[Any, str] = MappingProxyType({})


@dataclass(slots=True)
class Proposals:
    """Changes by target, queued rows that are no longer wanted, and records that a target cannot be told.

    ``overtaken``: target → keys of records that hold nothing new for it, so that what it refused of them is over.
    """

    decided: dict[str, list[Decided]] = field(default_factory=dict)
    dropped: list[Row] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    overtaken: dict[str, list[str]] = field(default_factory=dict)

    def overtake(self, target: str, key: str) -> None:
        """Note that a target need not be told a record any more."""
        self.overtaken.setdefault(target, []).append(key)


def propose(tx: Transaction, flow: Flow, records: Sequence[Record]) -> Proposals:
    """Decide, for every target of a flow, what these records change there."""
    proposals = Proposals()
    if not records or not flow.targets:
        return proposals
    records = _without_echoes(tx, flow, records, proposals)
    for target in flow.targets:
        _for_target(tx, flow, target, records, proposals)
    return proposals


def propose_each(
    tx: Transaction,
    flow: Flow,
    told: Mapping[str, Sequence[Record]],
    *,
    held: Mapping[tuple[str, str], str] = _NONE,
    causes: Mapping[str, str] = _NONE,
) -> Proposals:
    """Decide what each target is to be told, where a rule made the records of each its own.

    ``told``: target → its records. ``held``: target and key → why a person should look before it is sent, beginning as
    ``HELD``. ``causes``: subject → what made it so, where that is not the source.
    """
    proposals = Proposals()
    for target in flow.targets:
        if records := told.get(target.name):
            reasons = {key: reason for (name, key), reason in held.items() if name == target.name}
            _for_target(tx, flow, target, records, proposals, reasons, causes)
    return proposals


def vanish(tx: Transaction, flow: Flow, keys: Sequence[str]) -> Proposals:
    """Decide what is to become of records that the source no longer has, by the flow's ``missing`` policy."""
    proposals = Proposals()
    entity = flow.entity.entity
    for target in flow.targets:
        queued = _queued(tx, target, entity, keys)
        confirmed = agreed.of(tx, target.name, entity, keys)
        for key in keys:
            rows = queued.get(key, [])
            if key not in confirmed:
                proposals.dropped += [row for row in rows if row.state not in outbox.IN_FLIGHT]
        if flow.missing == "ignore":
            continue
        update: dict[str, object] = {"available": 0} if flow.missing == "zero" else {"archived": True}
        ghosts = [
            flow.entity.model_validate({**flow.entity.decoded(one.canonical).model_dump(exclude_unset=True), **update})
            for one in confirmed.values()
        ]
        _for_target(tx, flow, target, ghosts, proposals)
    proposals.counts["gone"] = len(keys)
    return proposals


def _for_target(
    tx: Transaction,
    flow: Flow,
    target: Target,
    records: Sequence[Record],
    into: Proposals,
    held: Mapping[str, str] = _NONE,
    causes: Mapping[str, str] = _NONE,
) -> None:
    entity = flow.entity.entity
    keys = [record.key for record in records]
    confirmed = agreed.of(tx, target.name, entity, keys)
    queued = _queued(tx, target, entity, keys)
    refused = quarantine.refused(tx, flow.name, target.name, keys) if quarantine.any_open(tx, flow.name) else {}
    decided = into.decided.setdefault(target.name, [])
    for key, record in zip(keys, records, strict=True):
        if flow.channels and flow.elsewhere(target, record):
            into.counts["elsewhere"] += 1
            continue
        try:
            digest = payload_hash(target.mapping, record)
        except NotCarried:
            into.counts["not_carried"] += 1
            continue
        except Refused as error:
            problem = Problem("push", error.code, _redact(str(error)), key=key, canonical=record.encoded())
            into.problems.append((target.name, problem))
            continue
        before = confirmed.get(key)
        rows = queued.get(key, [])
        why, there = held.get(key, ""), before is not None and before.hash == digest
        decision = decide(record, digest, before, rows, refused.get(key))
        if decision is NOTHING and rows and _otherwise_held(rows[-1], digest, why):
            decision = DROP if there and not why else Decision("put", rows[-1].op, rows[-1].sequence)
        elif why and there and (decision is DROP or not rows):
            decision, why = Decision("put"), f"{why}; {target.name} shows it already"
        if key in refused and before is not None and before.hash == digest != refused[key]:
            into.overtake(target.name, key)
        if decision.verdict == "drop":
            into.dropped += [row for row in rows if row.state not in outbox.IN_FLIGHT]
        elif decision.verdict == "put":
            snapshot = record.decoded(before.canonical) if before is not None else None
            effect = "unchanged" if there and why else guards.effect(snapshot, record, decision.op)
            cause = causes.get(record.subject_key, "")
            reason = why or ("" if cause.startswith("order:") else _guarded(snapshot, record, flow, effect, rows))
            spec = target.connector.writers.get((entity, decision.op))
            pause = spec.every if spec is not None else 0.0
            decided.append(
                Decided(
                    key,
                    decision.op,
                    effect,
                    digest,
                    record.encoded(),
                    decision.sequence,
                    reason,
                    not_before=before.at + pause if before is not None and pause else 0.0,
                    cause=cause,
                )
            )


def _guarded(before: Record | None, record: Record, flow: Flow, effect: str, rows: Sequence[Row]) -> str:
    """Return why one record is held: for what it would become, or still for what happened to others beside it."""
    reason = guards.jump(before, record, flow.guards)
    if not reason and rows and rows[-1].effect == effect and rows[-1].reason.startswith(guards.TOGETHER):
        reason = rows[-1].reason
    return reason


def _otherwise_held(row: Row, digest: bytes, reason: str) -> bool:
    """Whether rules held the same change for another reason than they do now, or do not hold it any more."""
    if row.hash != digest or row.state in outbox.IN_FLIGHT or (reason and row.reason.startswith(reason)):
        return False
    return bool(reason) or row.reason.startswith(HELD)


def _without_echoes(tx: Transaction, flow: Flow, records: Sequence[Record], into: Proposals) -> list[Record]:
    """Leave out what the source only repeats to us because we wrote it there.

    What was written with a field that the source never tells, such as the reason of a cancellation, is repeated
    without it.
    """
    if flow.echo is None:
        return list(records)
    entity, told = flow.entity.entity, flow.pull.tells
    written: dict[str, Agreed] = agreed.of(tx, flow.source.name, entity, [record.key for record in records])
    kept = []
    for record in records:
        ours = written.get(record.key)
        try:
            echoed = ours is not None and payload_hash(flow.echo, _as_written(record, ours, told)) == ours.hash
        except (NotCarried, Refused):
            echoed = False
        if echoed:
            into.counts["echo"] += 1
            for target in flow.targets:
                into.overtake(target.name, record.key)
        else:
            kept.append(record)
    return kept


def _as_written(record: Record, ours: Agreed, told: frozenset[str]) -> Record:
    """Return the record with the fields that its source cannot tell as they were written there.

    One step that two systems give different reasons for is still one step.
    """
    written = record.decoded(ours.canonical)
    untold = {name: getattr(written, name) for name in written.model_fields_set - told}
    if isinstance(record, OrderStatus) and isinstance(written, OrderStatus) and record.status == written.status:
        untold["reason"] = written.reason
    return record.model_copy(update=untold) if untold else record


def _queued(tx: Transaction, target: Target, entity: str, keys: Sequence[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in outbox.of(tx, target.name, entity, keys):
        found.setdefault(row.key, []).append(row)
    return found
