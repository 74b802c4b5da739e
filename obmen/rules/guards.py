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
TOGETHER = "too many at once: "
"""How the reasons begin for which records are held for what happened to others beside them."""
_GROWN_FROM = 10
_MUCH_LOWER = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits as shares of one (0.2 is 20 %); None: no limit.

    ``change``: how far one price or stock may move, relative to what it was. ``floor``: the least price, in its
    currency. ``grown``: how many times what it was one stock may become, if it becomes ten or more.
    ``share``: how many of the known records may change in one read. ``created``: how many records, not a share, may be
    new in one read, unless all are. ``lowered``: how many prices may fall by more than a tenth. ``zeroed``: how many
    stocks that were above zero may become zero. ``vanished``: whether it is held that all that a warehouse had does.
    ``gone``: how many products may be archived.
    """

    change: Decimal | None = None
    floor: Decimal | None = None
    grown: Decimal | None = None
    created: int | None = None
    vanished: bool = False
    share: Decimal | None = None
    lowered: Decimal | None = None
    zeroed: Decimal | None = None
    gone: Decimal | None = None


DEFAULT_GUARDS: Mapping[str, Guards] = {
    "price": Guards(change=Decimal("0.5"), lowered=Decimal("0.5")),
    "stock": Guards(zeroed=Decimal("0.3"), vanished=True, grown=Decimal(100)),
    "product": Guards(gone=Decimal("0.1")),
}


def effect(before: Record | None, after: Record, op: Op) -> str:
    """Name what a change does: created, changed, lowered, zeroed, archived or restored."""
    if op == "archive":
        return "archived"
    if op == "restore":
        return "restored"
    if before is None:
        return "created"
    if isinstance(before, Stock) and isinstance(after, Stock) and before.available > 0 and after.available == 0:
        return "zeroed"
    if isinstance(before, Price) and isinstance(after, Price) and after.amount < before.amount * _MUCH_LOWER:
        return "lowered"
    return "changed"


def jump(before: Record | None, after: Record, guards: Guards) -> str:
    """Return why one record must be held, or an empty string."""
    if isinstance(after, Price):
        if guards.floor is not None and after.amount < guards.floor:
            would_be = f"the price would be {after.amount} {after.currency}"
            return f"{would_be}; the guard 'floor' allows none below {guards.floor}"
        if isinstance(before, Price):
            return _moved("price", before.amount, after.amount, f" {after.currency}", guards.change)
    elif isinstance(after, Stock) and isinstance(before, Stock):
        was, becomes = before.available, after.available
        if guards.grown is not None and becomes >= _GROWN_FROM and 0 < was * guards.grown < becomes:
            return (
                f"the stock would grow from {was} to {becomes}; the guard 'grown' allows {guards.grown} times as much"
            )
        return _moved("stock", was, becomes, "", guards.change)
    return ""


def _moved(what: str, before: Decimal, after: Decimal, unit: str, limit: Decimal | None) -> str:
    if limit is None or before == 0:
        return ""
    moved = (after - before) / before
    if abs(moved) <= limit:
        return ""
    return (
        f"the {what} would move by {moved:+.0%}, from {before} to {after}{unit}; the guard 'change' allows {limit:.0%}"
    )


def verdict(effects: Mapping[str, int], known: int, live: int, guards: Guards) -> dict[str, str]:
    """Return which effects are held, and why; ``*`` holds everything.

    ``effects``: how many records of this read are changed in which way. ``known``: how many records the
    target holds; ``live``: how many of them could be lost (see ``is_live``).
    """
    held: dict[str, str] = {}
    moved = sum(effects.get(name, 0) for name in ("changed", "lowered", "zeroed", "archived"))
    judged = (
        ("*", "share", "change", moved, known, guards.share),
        ("lowered", "lowered", "fall by more than a tenth", effects.get("lowered", 0), known, guards.lowered),
        ("zeroed", "zeroed", "go to zero", effects.get("zeroed", 0), live, guards.zeroed),
        ("archived", "gone", "be archived", effects.get("archived", 0), live, guards.gone),
    )
    for held_effect, guard, verb, count, of, limit in judged:
        if limit is not None and _too_many(count, of, limit):
            share = f"{count} of {of} records ({count / of:.0%}) would {verb}"
            held[held_effect] = f"{TOGETHER}{share}; the guard '{guard}' allows {limit:.0%}"
    new = effects.get("created", 0)
    if guards.created is not None and known and new > guards.created:
        held["created"] = f"{TOGETHER}{new} records would be new; the guard 'created' allows {guards.created}"
    return held


def vanished(warehouse: str, zeroed: int, live: int, source: str = "") -> str:
    """Return why it must be held that so many of the ``live`` stocks of a warehouse go to zero, or an empty string.

    ``source``: the system that tells so, where it is one of several warehouses that channels are told of as one.
    """
    if zeroed < max(live, FEWEST):
        return ""
    where = f"'{warehouse}' of {source}" if source else f"'{warehouse}'"
    return f"{TOGETHER}all {zeroed} stocks of {where} would go to zero; the guard 'vanished' does not allow it"


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
