"""The seller's steps: what is still to be said to Market so that an order stands where it should.

Pure, so that every pair of here and there can be tried. An FBS or Express order is packed by the seller and moved
on by Market; a DBS order is moved on by the seller, one stage after the other, and a stage that was skipped at
home is caught up with.
"""

from __future__ import annotations

from obmen.errors import TOO_LATE, Later, Refused
from obmen.records import Native

STARTED, READY, SHIPPED = "PROCESSING/STARTED", "PROCESSING/READY_TO_SHIP", "PROCESSING/SHIPPED"
DELIVERY, PICKUP, DELIVERED, CANCELLED = "DELIVERY", "PICKUP", "DELIVERED", "CANCELLED"
SHOP_FAILED = "SHOP_FAILED"
WANTED = frozenset({READY, DELIVERY, DELIVERED, CANCELLED})
"""The states that the seller asks for; any other needs nothing said."""

_DBS = "DBS"
_AWAITED = {"PLACING", "RESERVED", "UNPAID", "PENDING"}
_UNTOLD = {"UNKNOWN", "PROCESSING/UNKNOWN"}
_PACKING = {STARTED, "PROCESSING/PACKAGING"}
_RANK = {
    READY: 2,
    "PROCESSING/COURIER_SEARCH_NOT_STARTED": 2,
    "PROCESSING/COURIER_SEARCH": 2,
    "PROCESSING/COURIER_FOUND": 2,
    "PROCESSING/COURIER_IN_TRANSIT_TO_SENDER": 2,
    "PROCESSING/COURIER_ARRIVED_TO_SENDER": 2,
    "PROCESSING/COURIER_RECEIVED": 3,
    SHIPPED: 3,
    DELIVERY: 4,
    PICKUP: 5,
    DELIVERED: 6,
    "PARTIALLY_RETURNED": 7,
    "RETURNED": 7,
}
_WAIT = 300.0
Step = tuple[str, str]
"""A status and its substatus, "" where it has none."""


def standing(order: Native) -> str:
    """Return where an order stands, whatever its buyer wishes: its status, with the stage of processing."""
    status = str(order["status"])
    return f"{status}/{order['substatus']}" if status == "PROCESSING" else status


def is_dbs(order: Native) -> bool:
    """Whether the seller delivers."""
    return order.get("programType") == _DBS


def stands(wanted: str, order: Native) -> bool:
    """Whether an order is where it should be, or beyond, or as near as the seller can bring it."""
    now = standing(order)
    if CANCELLED in {wanted, now}:
        return wanted == now
    if wanted in {DELIVERY, DELIVERED} and not is_dbs(order):
        wanted = READY
    return _RANK.get(now, 0) >= _RANK[wanted]


def steps(wanted: str, order: Native) -> list[Step]:
    """Return the changes of status that are still to be made, in order; none for an order that ``stands``.

    Raises Later for an order that Market has not given to the seller yet or says nothing of, Refused where no step
    leads there.
    """
    now = standing(order)
    if stands(wanted, order):
        return []
    if now in _AWAITED:
        message = f"Order {order['orderId']} is {now}: Market has not given it to the shop yet."
        raise Later(message, after=_WAIT)
    if now in _UNTOLD:
        message = f"Market does not tell where order {order['orderId']} stands: {now}."
        raise Later(message, after=_WAIT)
    if wanted == CANCELLED:
        return _cancel(now, order)
    if now == CANCELLED:
        message = f"Order {order['orderId']} is cancelled ({order.get('substatus', '')}), so it cannot be {wanted}."
        raise Refused(message, code=CANCELLED, field="state")
    if now not in _PACKING and now not in _RANK:
        message = f"Order {order['orderId']} is {now}, from where the shop cannot bring it to {wanted}."
        raise Refused(message, code="no_step", field="state")
    if wanted == READY or not is_dbs(order):
        return [("PROCESSING", "READY_TO_SHIP")]
    by_pickup = (order.get("delivery") or {}).get("type") == "PICKUP"
    way = [DELIVERY, *([PICKUP] if by_pickup else []), DELIVERED]
    return [(state, "") for state in way if _RANK[now if now in _RANK else READY] < _RANK[state] <= _RANK[wanted]]


def _cancel(now: str, order: Native) -> list[Step]:
    with_shop = now.startswith("PROCESSING/") and _RANK.get(now, 0) < _RANK[SHIPPED]
    if with_shop or (is_dbs(order) and now in {DELIVERY, PICKUP}):
        return [(CANCELLED, SHOP_FAILED)]
    message = (
        f"Order {order['orderId']} is {now}: the shop can no longer cancel it. Take the cancellation back in the books;"
        " if the buyer refuses the goods, Market tells of their return."
    )
    raise Refused(message, code=TOO_LATE, field="state")
