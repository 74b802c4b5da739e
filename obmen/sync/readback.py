"""Reading back: what a target holds now, compared with what it was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from obmen.entities import Record
from obmen.errors import Refused
from obmen.mapping import BoundMapping, NotCarried, Unresolved
from obmen.records import Native, pick
from obmen.state import Ledger, bindings
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


def _of_target(ledger: Ledger, flow: Flow, target: Target, rows: Sequence[Row]) -> list[Mismatch]:
    if not rows or target.back is None:
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
    entity = flow.entity.entity
    spec = target.connector.lookups[entity]
    key = target.connector.writers[entity, "put"].key
    natives: list[Native] = []
    for start in range(0, len(ids), spec.batch):
        natives += target.connector.look_up(entity, ids[start : start + spec.batch])
    shown: dict[str, Record] = {}
    with ledger.read() as tx:
        skus = Skus.known(tx, back)
        for native in natives:
            refs = {}
            for referred, native_id in back.pull_refs(native):
                found = bindings.keys(tx, target.name, referred, [native_id])
                refs.update({(referred, one): bound for one, bound in found.items()})
            try:
                fields = skus.put_into(back.pull(native, refs))
                shown[pick(native, key)] = flow.entity.model_construct(**fields)
            except (Refused, Unresolved, NotCarried):
                continue
    return shown


def _difference(told: Record, shown: Record | None, carries: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    if shown is None:
        return {"*": ("sent", "not there")}
    there = type(told).model_validate({**told.model_dump(), **shown.model_dump(exclude_unset=True)})
    return {
        name: (getattr(told, name), getattr(there, name))
        for name in sorted(told.model_fields_set & shown.model_fields_set & carries)
        if getattr(told, name) != getattr(there, name)
    }
