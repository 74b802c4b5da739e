"""An order in the shape that the mapping reads: unit prices, one word for where it stands, an address in one line.

Market tells what all units of a line cost together. A price for one that is merely rounded would lose kopecks, so
a sum that does not divide becomes two lines: most units at one price, the rest a kopeck dearer.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from obmen.records import Native

PROCESSING, CANCELLED, DELIVERED = "PROCESSING", "CANCELLED", "DELIVERED"
ASKED_TO_CANCEL = "CANCELLATION_REQUESTED"
_IN_DELIVERY = {"DELIVERY", "PICKUP"}
_KOPECK, _FINEST = Decimal("0.01"), Decimal("0.0001")
_END_OF_DAY = "23:59:59"
_UNKNOWN_VAT = "UNKNOWN_VALUE"
_ADDRESS = (
    ("postcode", ""),
    ("country", ""),
    ("city", ""),
    ("district", ""),
    ("street", ""),
    ("house", "д. "),
    ("block", "корп. "),
    ("entrance", "подъезд "),
    ("entryphone", "домофон "),
    ("floor", "этаж "),
    ("apartment", "кв. "),
)


def shaped(native: Native) -> Native:
    """Return Market's order (``BusinessOrderDTO``) with what it tells only between the lines.

    ``state``: see ``state``. ``lines``: ``itemId``, ``offerId``, ``name``, ``count``, ``price`` of one unit,
    ``total``, ``vat``; no price where Market tells none. ``goods``: what the lines come to. ``payments``: ``kind``,
    ``amount``, ``paid``. ``points``: what is paid in Plus points. ``currencyId``. ``shipBy``: until when it is to be
    handed over, local time. ``address``, ``outlet``.
    """
    lines = list(_lines(native))
    told = {
        **native,
        "state": state(native),
        "lines": lines,
        "goods": sum((line.get("total", Decimal(0)) for line in lines), Decimal(0)),
        "payments": list(_payments(native)),
        "points": _value(native.get("prices") or {}, "cashback") or None,
        "currencyId": _currency(native),
        "shipBy": _ship_by(native),
        **_place(native),
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def state(native: Native) -> str:
    """Return where an order stands in one word.

    That is its status; while it is with the seller, ``PROCESSING/`` and the stage. In all other statuses the
    second word says only how or why. A buyer's wish to cancel what is on its way has a word of its own.
    """
    status = str(native["status"])
    if status == PROCESSING:
        return f"{status}/{native['substatus']}"
    if status in _IN_DELIVERY and native.get("cancelRequested"):
        return ASKED_TO_CANCEL
    return status


def live(item: Native) -> int:
    """Return how many units of a line are still in the order.

    ``count`` loses the units that are taken out; where it does not yet, the units' own statuses tell.
    """
    count = int(item["count"])
    units = item.get("itemStatuses") or ()
    cancelled = sum(int(unit["count"]) for unit in units if unit["status"] == CANCELLED)
    return count - cancelled if sum(int(unit["count"]) for unit in units) == count else count


def pieces(total: Decimal, count: int) -> list[tuple[int, Decimal]]:
    """Return how many units at which price come to exactly ``total``, the cheaper ones first."""
    step = _KOPECK if total == total.quantize(_KOPECK) else _FINEST
    low = (total / count).quantize(step, ROUND_FLOOR)
    dearer = int((total - low * count) / step)
    return [(units, price) for units, price in ((count - dearer, low), (dearer, low + step)) if units]


def _lines(native: Native) -> Iterator[Native]:
    for item in native["items"]:
        gone = 0 if native["status"] == CANCELLED else int(item["count"]) - live(item)
        prices = item.get("prices") or {}
        vat = prices.get("vat")
        for units, price in _shares(prices, int(item["count"]), gone):
            line = {"itemId": str(item["id"]), "offerId": item["offerId"], "name": item["offerName"], "count": units}
            if prices.get("payment"):
                line |= {"price": price, "total": price * units}
            yield line if vat in (None, _UNKNOWN_VAT) else {**line, "vat": vat}


def _shares(prices: Native, count: int, gone: int) -> Iterator[tuple[int, Decimal]]:
    """Yield units and prices of a line of which ``gone`` units, the dearer ones first, were taken out."""
    if count <= 0:
        return
    left = count - gone
    for units, price in pieces(_value(prices, "payment") + _value(prices, "cashback"), count):
        taken = min(units, left)
        left -= taken
        if taken:
            yield taken, price


def _payments(native: Native) -> Iterator[Native]:
    prices = native.get("prices") or {}
    kind = "prepaid" if native["paymentType"] == "PREPAID" else "on_delivery"
    if amount := _value(prices, "payment"):
        yield {"kind": kind, "amount": amount, "paid": kind == "prepaid"}
    if amount := _value(prices, "cashback"):
        yield {"kind": "plus_points", "amount": amount}
    if amount := _value(prices, "subsidy"):
        yield {"kind": "subsidy", "amount": amount}


def _value(prices: Native, name: str) -> Decimal:
    return Decimal(str((prices.get(name) or {}).get("value", 0)))


def _currency(native: Native) -> str:
    for prices in (native.get("prices"), *(item.get("prices") for item in native["items"])):
        for amount in (prices or {}).values():
            if isinstance(amount, dict) and amount.get("currencyId"):
                return str(amount["currencyId"])
    return ""


def _ship_by(native: Native) -> str:
    shipment = native["delivery"].get("shipment") or {}
    if not shipment.get("shipmentDate"):
        return ""
    time = str(shipment.get("shipmentTime") or _END_OF_DAY)
    return f"{shipment['shipmentDate']}T{time if time.count(':') > 1 else f'{time}:00'}"


def _place(native: Native) -> dict[str, Any]:
    delivery = native["delivery"]
    place = delivery.get("pickup") or delivery.get("courier") or {}
    address = place.get("address") or {}
    parts = [f"{word}{address[name]}" for name, word in _ADDRESS if address.get(name)]
    if not address.get("city") and (region := (place.get("region") or {}).get("name")):
        parts.insert(0, region)
    outlet = place.get("outletCode") or place.get("logisticPointId")
    return {"address": ", ".join(parts), "outlet": "" if outlet is None else str(outlet)}
