"""Reading back: what a target holds now, compared with what it was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from obmen.entities import Record
from obmen.errors import ObmenError, Refused
from obmen.mapping import BoundMapping, NotCarried, Unresolved
from obmen.records import Native, pick
from obmen.state import Ledger, bindings, outbox
from obmen.state.outbox import Row
from obmen.sync.flow import Flow, Target
from obmen.sync.names import Skus
from obmen.sync.prepare import Preparer

_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A record that reads back otherwise than it was sent: ``fields`` is name → (told, shown)."""

    flow: str
    target: str
    key: str
    fields: dict[str, tuple[Any, Any]]


def compare(ledger: Ledger, flows: Sequence[Flow], sent: Sequence[Row], *, patience: float = 0.0) -> list[Mismatch]:
    """Read rows back and return those that differ; a peer that needs a while gets up to ``patience`` seconds."""
    deadline = ledger.clock.monotonic() + patience
    while True:
        found = [
            mismatch
            for flow in flows
            for target in flow.targets
            for mismatch in _of_target(
                ledger,
                flow,
                target,
                [row for row in sent if (row.flow, row.connection) == (flow.name, target.name)],
            )
        ]
        if not found or ledger.clock.monotonic() + _PAUSE > deadline:
            return found
        ledger.clock.sleep(_PAUSE)


def show(ledger: Ledger, flow: Flow, target: Target, records: Sequence[Record]) -> dict[str, dict[str, Any]] | None:
    """Return key → the canonical fields that a target shows of records now; None where it cannot be asked.

    Raises the errors of a target that does not answer.
    """
    entity = flow.entity.entity
    if target.back is None or entity not in target.connector.lookups:
        return None
    rows = [outbox.asked(target.name, flow.name, one) for one in records]
    with ledger.read() as tx:
        ready = Preparer(flow, target).prepare(tx, rows).ready
    ids = {row.key: item.id for row, item in ready}
    found = shown_fields(ledger, flow, target, target.back, list(ids.values()))
    return {key: found[id_] for key, id_ in ids.items() if id_ in found}


def _of_target(ledger: Ledger, flow: Flow, target: Target, rows: Sequence[Row]) -> list[Mismatch]:
    if not rows or target.back is None or flow.entity.entity not in target.connector.lookups:
        return []
    with ledger.read() as tx:
        prepared = Preparer(flow, target).prepare(tx, rows)
    told = {item.id: flow.entity.decoded(row.canonical) for row, item in prepared.ready}
    shown = _shown(ledger, flow, target, target.back, list(told))
    mismatches = []
    for natural, record in told.items():
        difference = _difference(record, shown.get(natural), target.mapping.carries)
        if difference:
            mismatches.append(Mismatch(flow.name, target.name, record.key, difference))
    return mismatches


def _shown(ledger: Ledger, flow: Flow, target: Target, back: BoundMapping, ids: list[str]) -> dict[str, Record]:
    """Return natural id → what the target shows, in canonical words."""
    found = shown_fields(ledger, flow, target, back, ids)
    return {natural: flow.entity.model_construct(**fields) for natural, fields in found.items()}


class Seen(NamedTuple):
    """What a target shows of one record: in its own words, and as canonical fields; None where those cannot be made."""

    native: Native
    fields: dict[str, Any] | None


def shown_fields(
    ledger: Ledger, flow: Flow, target: Target, back: BoundMapping, ids: list[str]
) -> dict[str, dict[str, Any]]:
    """Return natural id → the canonical fields that the target shows; what it does not hold is left out."""
    found = seen(ledger, flow, target, back, ids)
    return {natural: one.fields for natural, one in found.items() if one.fields is not None}


def seen(ledger: Ledger, flow: Flow, target: Target, back: BoundMapping, ids: list[str]) -> dict[str, Seen]:
    """Return natural id → what the target shows; what it does not hold is left out."""
    entity = flow.entity.entity
    spec = target.connector.lookups[entity]
    key = target.connector.writers[entity, "put"].key
    natives: list[Native] = []
    for start in range(0, len(ids), spec.batch):
        natives += target.connector.look_up(entity, ids[start : start + spec.batch])
    with ledger.read() as tx:
        skus = Skus.known(tx, back)
    pulled = pulled_fields(ledger, target.name, back, skus, natives)
    return {pick(native, key): Seen(native, got if isinstance(got, dict) else None) for native, got in pulled}


def pulled_fields(
    ledger: Ledger, connection: str, pull: BoundMapping, skus: Skus, natives: Sequence[Native]
) -> Iterator[tuple[Native, dict[str, Any] | ObmenError]]:
    """Yield natives with the canonical fields that they give, or with why they give none; unwanted ones not at all."""
    wanted: dict[str, set[str]] = {}
    for native in natives:
        for entity, native_id in pull.pull_refs(native):
            wanted.setdefault(entity, set()).add(native_id)
    refs: dict[tuple[str, str], str] = {}
    with ledger.read() as tx:
        for entity, ids in wanted.items():
            refs.update({(entity, one): key for one, key in bindings.keys(tx, connection, entity, ids).items()})
    for native in natives:
        try:
            yield native, skus.put_into(pull.pull(native, refs))
        except NotCarried:
            continue
        except (Refused, Unresolved) as error:
            yield native, error


def _difference(told: Record, shown: Record | None, carries: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    if shown is None:
        return {"*": ("sent", "not there")}
    there = type(told).model_validate({**told.model_dump(), **shown.model_dump(exclude_unset=True)})
    return {
        name: (getattr(told, name), getattr(there, name))
        for name in sorted(told.model_fields_set & shown.model_fields_set & carries)
        if getattr(told, name) != getattr(there, name)
    }
