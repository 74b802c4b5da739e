"""Returns, and orders that were not fetched: read, never decided.

Market tells what comes back and how much money goes back for all of it, but not what each unit had cost; that
stands in the order, which is asked for where a return is new or has changed. A return is known by its order and
its own number together, for a list of returns can be asked for by orders only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from connectors.yandex_market import paths
from connectors.yandex_market.orders import ORDER_LIMIT, Listing, cursor_of, told
from obmen.connector import lookup, reader
from obmen.errors import Refused
from obmen.http import Reply
from obmen.records import Native, Page, decode_json

RETURN_LIMIT = 100
_OVERLAP = timedelta(days=2)
_FINAL = {"CANCELLED", "REJECTED", "FAILED"}
_GOODS_SAY_NOTHING = {"CREATED", "UNKNOWN"}
_KEY = ("orderId", "id")


class Cursor(msgspec.Struct):
    """``day``: up to which of Market's days changes are known."""

    day: date


class _Known(msgspec.Struct, rename="camel"):
    id: int
    order_id: int


_KNOWN = msgspec.json.Decoder(_Known)


class Returns(Listing):
    """Returns: natural id the pair ``orderId`` and ``id``."""

    @reader("return", key=_KEY)
    def returns(self, cursor: str | None) -> Iterator[Page]:
        """Read the returns that changed since the cursor's day, of every shop (``getReturns``)."""
        today = self.clock.now()
        since = cursor_of(cursor, Cursor).day if cursor else (today - timedelta(days=self.options.lookback_days)).date()
        params = {"fromDate": (since - _OVERLAP).isoformat()}
        theirs = None
        for campaign in self.options.order_campaigns:
            for reply in self._pages(campaign, params):
                theirs = theirs or told(reply)
                slices = reply.slices("result.returns")
                ids = ["|".join((str(one.order_id), str(one.id))) for one in map(_KNOWN.decode, slices)]
                yield Page(slices, expand=self._expanded, ids=ids, where=reply.what)
        following = Cursor(min(today, theirs or today).date())
        yield Page((), cursor=msgspec.json.encode(following).decode())

    @lookup("return", batch=ORDER_LIMIT)
    def look_up_returns(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these returns."""
        wanted = set(ids)
        orders = ",".join(dict.fromkeys(id_.partition("|")[0] for id_ in ids))
        for campaign in self.options.order_campaigns:
            for reply in self._pages(campaign, {"orderIds": orders}):
                raws = [
                    raw
                    for raw, known in ((raw, _KNOWN.decode(raw)) for raw in reply.slices("result.returns"))
                    if f"{known.order_id}|{known.id}" in wanted
                ]
                for natives in self._expanded(raws):
                    if isinstance(natives, Refused):
                        raise natives
                    yield from natives

    def _pages(self, campaign: int, params: Mapping[str, str]) -> Iterator[Reply]:
        return self.pages(paths.RETURNS, limit=RETURN_LIMIT, campaign=campaign, params=params)

    def _expanded(self, slices: Sequence[bytes]) -> Iterable[Iterable[Native] | Refused]:
        """Give each return the prices of its order."""
        natives = [native for raw in slices for native in decode_json(raw)]
        ids = list(dict.fromkeys(str(native["orderId"]) for native in natives))
        orders: dict[str, Native] = {}
        for begin in range(0, len(ids), ORDER_LIMIT):
            orders |= {str(order["orderId"]): order for order in self.orders_by_id(ids[begin : begin + ORDER_LIMIT])}
        return [_shaped(native, orders.get(str(native["orderId"]))) for native in natives]


def _shaped(native: Native, order: Native | None) -> list[Native] | Refused:
    try:
        lines = [line for item in native["items"] for line in _lines(item, _units(order))]
        made = {**native, "stage": stage(native), "lines": lines}
        currency = (native.get("amount") or {}).get("currencyId") or (order or {}).get("currencyId")
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        message = f"Return {native.get('id')} is not as Market describes returns ({error!r})."
        return Refused(message, code="bad_return")
    return [{**made, "currencyId": currency} if currency else made]


def stage(native: Native) -> str:
    """Return how far a return is, as ``goods:`` and where they are, or ``money:`` and what became of it.

    Where the goods travel, they tell; a return that was called off or turned down is over, wherever they are.
    """
    goods, money = str(native.get("shipmentStatus") or ""), str(native.get("refundStatus") or "")
    if native["returnType"] != "RETURN":
        return f"goods:{goods or 'CREATED'}"
    if money in _FINAL or goods in {"", *_GOODS_SAY_NOTHING}:
        return f"money:{money or 'UNKNOWN'}"
    return f"goods:{goods}"


def _units(order: Native | None) -> dict[str, list[tuple[str, Decimal]]]:
    """Return, by SKU, the order's line and the price of every unit."""
    units: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for line in (order or {}).get("lines", ()):
        if "price" in line:
            units[line["offerId"]] += [(line["itemId"], line["price"])] * line["count"]
    return units


def _lines(item: Native, units: Mapping[str, list[tuple[str, Decimal]]]) -> Iterator[Native]:
    """Yield the lines of an item that comes back: as many as its units had prices."""
    count = int(item["count"])
    decision: Mapping[str, Any] = next(iter(item.get("decisions") or ()), {})
    common = {"shopSku": item["shopSku"], "reason": decision.get("reasonType")}
    known = units.get(item["shopSku"], [])[:count]
    for line, price in dict.fromkeys(known):
        number = known.count((line, price))
        yield {**common, "itemId": line, "price": price, "count": number, "total": price * number}
    if count > len(known):
        yield {**common, "count": count - len(known)}
