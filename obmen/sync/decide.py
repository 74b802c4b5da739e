"""What to do about a record: a pure decision from what is known of it. No database, no network, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from obmen.entities import Product, Record
from obmen.records import Op
from obmen.state.agreed import Agreed
from obmen.state.outbox import IN_FLIGHT, Row

Verdict = Literal["nothing", "put", "drop"]


@dataclass(frozen=True, slots=True)
class Decision:
    """``put``: into the outbox with ``op`` and ``sequence``; ``drop``: the queued change is no longer wanted."""

    verdict: Verdict
    op: Op = "put"
    sequence: int = 0


NOTHING = Decision("nothing")


def decide(
    record: Record, digest: bytes, agreed: Agreed | None, queued: list[Row], refused: bytes | None
) -> Decision:
    """Decide on one record for one target.

    ``digest``: hash of the payload that it maps to. ``agreed``: what the target last confirmed. ``queued``:
    its rows in the outbox, oldest step first. ``refused``: hash of the payload that lies in quarantine.
    """
    if record.history:
        return _next_step(digest, agreed, queued, refused)
    row = queued[-1] if queued else None
    if row is not None and row.hash == digest:
        return NOTHING
    if agreed is not None and agreed.hash == digest:
        if row is None:
            return NOTHING
        return Decision("put", row.op) if row.state in IN_FLIGHT else Decision("drop")
    if row is None and refused == digest:
        return NOTHING
    op = operation(record, agreed)
    if op is None:
        return Decision("drop") if row is not None and row.state not in IN_FLIGHT else NOTHING
    return Decision("put", op)


def operation(record: Record, agreed: Agreed | None) -> Op | None:
    """Return what to do with a record; None for one that is archived and need not be touched."""
    if not isinstance(record, Product):
        return "put"
    was_archived = agreed is not None and bool(getattr(record.decoded(agreed.canonical), "archived", False))
    if record.archived:
        return None if was_archived or agreed is None else "archive"
    return "restore" if was_archived else "put"


def _next_step(digest: bytes, agreed: Agreed | None, queued: list[Row], refused: bytes | None) -> Decision:
    last = queued[-1].hash if queued else agreed.hash if agreed is not None else None
    if last == digest or (not queued and refused == digest):
        return NOTHING
    newest = queued[-1].sequence if queued else agreed.sequence if agreed is not None else 0
    return Decision("put", "put", newest + 1)
