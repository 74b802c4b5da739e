"""Guards: what is so unusual that a person should look before it is sent.

A price list that fell by 90 % or a stock that went to zero all at once is far more often a slip in the source
than a seller's wish, and a slip that is sent costs money within minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from obmen.entities import Price, Record, Stock
from obmen.records import Op

FEWEST = 5
"""A share is judged from so many records on (or when it is all of them): one of three sold out is no alarm."""


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits as shares of one (0.2 is 20 %); None: no limit.

    ``change``: how far one price may move, relative to what it was. ``floor``: the least price, in its currency.
    ``share``: how many of the known records may change in one read. ``created``: how many records, not a share, may be
    new in one read, unless all are. ``zeroed``: how many stocks that were above zero may become zero. ``vanished``:
    whether it is held that all that a warehouse had does. ``gone``: how many products may be archived.
    """

    change: Decimal | None = None
    floor: Decimal | None = None
    created: int | None = None
    vanished: bool = False
    share: Decimal | None = None
    zeroed: Decimal | None = None
    gone: Decimal | None = None


DEFAULT_GUARDS: Mapping[str, Guards] = {
    "price": Guards(change=Decimal("0.5")),
    "stock": Guards(zeroed=Decimal("0.3"), vanished=True),
    "product": Guards(gone=Decimal("0.1")),
}


def effect(before: Record | None, after: Record, op: Op) -> str:
    """Name what a change does: created, changed, zeroed, archived or restored."""
    if op == "archive":
        return "archived"
    if op == "restore":
        return "restored"
    if before is None:
        return "created"
    if isinstance(before, Stock) and isinstance(after, Stock) and before.available > 0 and after.available == 0:
        return "zeroed"
    return "changed"


def jump(before: Record | None, after: Record, guards: Guards) -> str:
    """Return why one record must be held, or an empty string."""
    if not isinstance(after, Price):
        return ""
    if guards.floor is not None and after.amount < guards.floor:
        return f"the price would be {after.amount} {after.currency}; the guard 'floor' allows none below {guards.floor}"
    limit = guards.change
    if limit is None or not isinstance(before, Price) or before.amount == 0:
        return ""
    moved = (after.amount - before.amount) / before.amount
    if abs(moved) <= limit:
        return ""
    return (
        f"the price would move by {moved:+.0%}, from {before.amount} to {after.amount} {after.currency}; "
        f"the guard 'change' allows {limit:.0%}"
    )


def verdict(effects: Mapping[str, int], known: int, live: int, guards: Guards) -> dict[str, str]:
    """Return which effects are held, and why; ``*`` holds everything.

    ``effects``: how many records of this read are changed in which way. ``known``: how many records the
    target holds; ``live``: how many of them could be lost (see ``is_live``).
    """
    held: dict[str, str] = {}
    moved = sum(effects.get(name, 0) for name in ("changed", "zeroed", "archived"))
    judged = (
        ("*", "share", "change", moved, known, guards.share),
        ("zeroed", "zeroed", "go to zero", effects.get("zeroed", 0), live, guards.zeroed),
        ("archived", "gone", "be archived", effects.get("archived", 0), live, guards.gone),
    )
    for held_effect, guard, verb, count, of, limit in judged:
        if limit is not None and _too_many(count, of, limit):
            share = f"{count} of {of} records ({count / of:.0%}) would {verb}"
            held[held_effect] = f"{share}; the guard '{guard}' allows {limit:.0%}"
    new = effects.get("created", 0)
    if guards.created is not None and known and new > guards.created:
        held["created"] = f"{new} records would be new; the guard 'created' allows {guards.created}"
    return held


def vanished(warehouse: str, zeroed: int, live: int) -> str:
    """Return why it must be held that so many of the ``live`` stocks of a warehouse go to zero, or an empty string."""
    if zeroed < max(live, FEWEST):
        return ""
    return f"all {zeroed} stocks of '{warehouse}' would go to zero; the guard 'vanished' does not allow it"


class _Life(msgspec.Struct):
    available: Decimal | None = None
    archived: bool | None = None


_LIFE = msgspec.json.Decoder(_Life)


def is_live(canonical: bytes) -> bool:
    """Whether a record, encoded, is something that can be lost: a stock above zero, a product not archived."""
    life = _LIFE.decode(canonical)
    return life.available != 0 and not life.archived


def _too_many(count: int, of: int, limit: Decimal) -> bool:
    if of == 0 or count == 0:
        return False
    return Decimal(count) / Decimal(of) > limit and (count >= FEWEST or (count == of and of > 1))
