"""A posting that was split: its parts are told as the one order that the buyer made and that 1C knows.

Assembling into several boxes, or a person in the cabinet, makes several postings of one; each has a number of
its own and names its parent. Told one by one, the parent would seem to lose goods, and 1C would cancel rows of
an order that is whole. So a family is one record, under the number of its first posting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from obmen.records import Native

CANCELLED, SPLIT = "cancelled", "cancelled_from_split_pending"
TO_ASSEMBLE, ASSEMBLED, DELIVERING, DELIVERED = "awaiting_packaging", "awaiting_deliver", "delivering", "delivered"
_STEPS = (
    "awaiting_verification",
    "awaiting_approve",
    TO_ASSEMBLE,
    "awaiting_registration",
    ASSEMBLED,
    "acceptance_in_progress",
    "sent_by_seller",
    "driver_pickup",
    DELIVERING,
    DELIVERED,
)
"""From the first to the last. A status that is none of these, such as a dispute, speaks for its whole family."""


def by_root(postings: Iterable[Native], parents: Mapping[str, str]) -> dict[str, list[Native]]:
    """Group postings by the number of the one that they were split from, each group's first posting first.

    ``parents``: part → parent, of parts that may be absent here.
    """
    found = {native["posting_number"]: native for native in postings}
    known = dict(parents)
    for number, native in found.items():
        if native.get("parent_posting_number"):
            known[number] = native["parent_posting_number"]
    groups: dict[str, list[Native]] = {}
    for number in sorted(found, key=_place):
        groups.setdefault(root_of(number, known), []).append(found[number])
    return groups


def root_of(number: str, parents: Mapping[str, str]) -> str:
    """Return the number of the posting that a part was split from, through all generations."""
    seen = {number}
    while (parent := parents.get(number)) and parent not in seen:
        seen.add(parent)
        number = parent
    return number


def living(parts: Sequence[Native]) -> list[Native]:
    """Return the parts that hold goods which are on their way, or that have arrived."""
    return [part for part in parts if part["status"] not in {CANCELLED, SPLIT}]


def is_being_split(parts: Sequence[Native]) -> bool:
    """Whether a posting is gone because it was split, and its parts cannot be seen yet."""
    return all(part["status"] == SPLIT for part in parts)


def status_of(parts: Sequence[Native]) -> str:
    """Return the status of a family: that of the part that is least far."""
    statuses = [str(part["status"]) for part in living(parts)]
    if not statuses:
        return CANCELLED
    strange = next((status for status in statuses if status not in _STEPS), None)
    return strange or min(statuses, key=_STEPS.index)


def as_one(root: str, parts: Sequence[Native]) -> Native:
    """Return a family in the shape of one posting of the list, with the goods that were not cancelled."""
    holding = living(parts) or [part for part in parts if part["status"] == CANCELLED] or list(parts)
    tracks = [str(part.get("tracking_number") or "") for part in holding]
    ship_by = [part["shipment_date"] for part in holding if part.get("shipment_date")]
    whole = {
        **parts[0],
        "posting_number": root,
        "parent_posting_number": "",
        "status": status_of(parts),
        "products": _together(product for part in holding for product in part["products"]),
        "tracking_number": ", ".join(dict.fromkeys(track for track in tracks if track)),
        "cancellation": holding[0].get("cancellation"),
    }
    return {**whole, "shipment_date": min(ship_by)} if ship_by else whole


def _together(products: Iterable[Mapping[str, Any]]) -> list[Native]:
    """Add up the goods that were parted: rows of one product at one price are one row again."""
    rows: dict[tuple[str, str], Native] = {}
    for product in products:
        key = (str(product["sku"]), str(product.get("price")))
        if key in rows:
            rows[key]["quantity"] += product["quantity"]
        else:
            rows[key] = dict(product)
    return list(rows.values())


def _place(number: str) -> tuple[str, int, str]:
    order, _, place = number.rpartition("-")
    return order, int(place) if place.isdecimal() else 0, number
