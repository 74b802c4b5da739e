"""What came before the match: orders that name goods by a name which nobody knew, and so wait in vain.

They were pulled when the name was only a name; now that it is known whose it is, they go on under our sku.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from obmen.entities import Record
from obmen.errors import Refused
from obmen.mapping import NotCarried
from obmen.state import Transaction, outbox, quarantine, seen, tables
from obmen.state.outbox import IN_FLIGHT, Decided, Row
from obmen.sync.flow import Flow, Target, payload_hash
from obmen.sync.names import Names, goods_of, places


def rename(tx: Transaction, flows: Sequence[Flow], connection: str, skus: Mapping[str, str]) -> int:
    """Put skus in place of names (name → sku) in what waits of a connection's records; return how many were mended.

    Its whole sources are looked at anew as well.
    """
    mended = 0
    for flow in flows:
        if flow.source.name != connection or not places(flow.entity):
            continue
        seen.forget(tx, flow.name)
        if set(flow.entity.key_fields) & {steps[0] for steps in places(flow.entity)}:
            continue  # it is keyed by what is renamed, so only reading it anew tells what it is now
        names = Names(skus)
        mended += sum(_in_outbox(tx, flow, target, names, skus) for target in flow.targets)
        mended += _in_quarantine(tx, flow, names, skus)
    return mended


def _in_outbox(tx: Transaction, flow: Flow, target: Target, names: Names, skus: Mapping[str, str]) -> int:
    mended = 0
    for row in _rows(tx, flow, target):
        record = flow.entity.decoded(row.canonical)
        if row.state in IN_FLIGHT or skus.keys().isdisjoint(goods_of(record)):
            continue
        renamed = names.put_into(record)
        try:
            digest = payload_hash(target.mapping, renamed)
        except (NotCarried, Refused):
            continue  # it waits on, and is set aside with its reason when it is sent
        one = Decided(row.key, row.op, row.effect, digest, renamed.encoded(), row.sequence, not_before=row.not_before)
        outbox.put(tx, flow.name, target.name, flow.entity.entity, [one], row.run)
        mended += 1
    return mended


def _rows(tx: Transaction, flow: Flow, target: Target) -> Iterator[Row]:
    after = ("", -1)
    while rows := outbox.listing(tx, flow.name, target.name, flow.entity.entity, after):
        yield from rows
        after = (rows[-1].key, rows[-1].sequence)


def _in_quarantine(tx: Transaction, flow: Flow, names: Names, skus: Mapping[str, str]) -> int:
    """Mend what was set aside for such a name, and have it tried again at the next run."""
    mended, after = 0, 0
    column = tables.quarantine.c
    while entries := quarantine.entries(tx, flow=flow.name, states=("open", "waiting"), after=after):
        for entry in entries:
            record: Record | None = flow.entity.decoded(entry.canonical) if entry.canonical else None
            if record is None or skus.keys().isdisjoint(goods_of(record)):
                continue
            values = {"canonical": names.put_into(record).encoded(), "state": "due", "waits_for": None}
            tx.run(tables.quarantine.update().where(column.id == entry.id).values(values))
            mended += 1
        after = entries[-1].id
    return mended
