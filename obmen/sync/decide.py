"""What to do about a record: a pure decision from what is known of it. No database, no network, no clock."""

from __future__ import annotations

from typing import Literal

import msgspec

from obmen.entities import Product, Record
from obmen.records import Op
from obmen.state.agreed import Agreed
from obmen.state.outbox import IN_FLIGHT, Row

Verdict = Literal["nothing", "put", "drop"]


class Decision(msgspec.Struct, frozen=True):
    """``put``: into the outbox with ``op`` and ``sequence``; ``drop``: the queued change is no longer wanted."""

    verdict: Verdict
    op: Op = "put"
    sequence: int = 0


class _Archived(msgspec.Struct):
    archived: bool | None = None


NOTHING = Decision("nothing")
DROP = Decision("drop")


def decide(record: Record, digest: bytes, agreed: Agreed | None, queued: list[Row], refused: bytes | None) -> Decision:
    """Decide on one record for one target.

    ``digest``: hash of the payload that it maps to. ``agreed``: what the target last confirmed. ``queued``:
    its rows in the outbox, oldest step first. ``refused``: hash of the payload that lies in quarantine.
    """
    if record.history:
        return _next_step(digest, agreed, queued, refused)
    row = queued[-1] if queued else None
    if row is None:
        return NOTHING if digest in (agreed.hash if agreed else None, refused) else _put(record, agreed)
    if row.hash == digest:
        return NOTHING
    if row.state in IN_FLIGHT:
        return _behind(record, digest, row)
    decision = NOTHING if agreed is not None and agreed.hash == digest else _put(record, agreed)
    if decision is not NOTHING:
        return decision
    may_be_there = agreed is None and (row.attempt or is_archived(row.canonical))
    return Decision("put") if may_be_there else DROP  # only what is surely there can be archived


def _put(record: Record, agreed: Agreed | None) -> Decision:
    op = operation(record, agreed)
    return NOTHING if op is None else Decision("put", op)


def _behind(record: Record, digest: bytes, row: Row) -> Decision:
    """Decide on a record of which something is on its way: it follows when that has landed."""
    landed = Agreed(row.key, row.sent_hash or row.hash, as_landed(row))
    if landed.hash == digest:
        return Decision("put", row.sent_op or row.op)
    return _put(record, landed)


def operation(record: Record, agreed: Agreed | None) -> Op | None:
    """Return what to do with a record; None for one that is archived and need not be touched."""
    if not isinstance(record, Product):
        return "put"
    if agreed is None:
        return None if record.archived else "put"
    shown = [content for content in (agreed.canonical, agreed.maybe) if content is not None]
    if record.archived:
        return None if all(map(is_archived, shown)) else "archive"
    return "restore" if any(map(is_archived, shown)) else "put"


def as_landed(row: Row) -> bytes:
    """Return what stands there when a row has landed: what was archived before it was there is not archived yet."""
    content = row.sent_canonical or row.canonical
    if (row.sent_op or row.op) != "put" or row.entity != Product.entity or not is_archived(content):
        return content
    return Product.model_validate_json(content).model_copy(update={"archived": False}).encoded()


def is_archived(content: bytes) -> bool:
    """Whether an encoded record is an archived product."""
    return bool(msgspec.json.decode(content, type=_Archived).archived)


def _next_step(digest: bytes, agreed: Agreed | None, queued: list[Row], refused: bytes | None) -> Decision:
    last = queued[-1].hash if queued else agreed.hash if agreed is not None else None
    if last == digest or (not queued and refused == digest):
        return NOTHING
    newest = queued[-1].sequence if queued else agreed.sequence if agreed is not None else 0
    return Decision("put", "put", newest + 1)
