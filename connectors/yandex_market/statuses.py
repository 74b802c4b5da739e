"""Order statuses: read from the orders' listing, and the seller's own steps said to Market.

Nothing is said blindly. Every batch begins with a look at its orders, so a step whose answer was lost is found
done, and what does not follow from where an order stands is refused before it is sent. Market answers for each
order of a call by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.yandex_market import paths
from connectors.yandex_market.boxes import demands_marks, judge_marks, layout, without_marks
from connectors.yandex_market.orders import ORDER_LIMIT, Listing
from connectors.yandex_market.shipments import Shipments
from connectors.yandex_market.steps import CANCELLED, DELIVERED, DELIVERY, PICKUP, READY, WANTED, Step, is_dbs, standing
from connectors.yandex_market.steps import stands as order_stands
from connectors.yandex_market.steps import steps as steps_to
from obmen.connector import find, lookup, reader, writer
from obmen.errors import Later, Refused
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError

STATUS_LIMIT = 30
_DECLINED = {DELIVERY: "ORDER_IN_DELIVERY", DELIVERED: "ORDER_DELIVERED"}


@dataclass(slots=True)
class _Way:
    """An order that is to be brought somewhere, and the steps that are left."""

    item: Item
    order: Native
    left: list[Step]

    def walk(self) -> None:
        """Note that the next step is made."""
        status, substatus = self.left.pop(0)
        self.order = {**self.order, "status": status, "substatus": substatus}


class Statuses(Shipments, Listing):
    """Statuses: natural id ``orderId``; ``state`` is that of ``order_shape.state``."""

    @reader("order_status", key="orderId")
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read the orders that changed."""
        return self.read_orders("order_status", cursor)

    @lookup("order_status", batch=ORDER_LIMIT)
    def look_up_statuses(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these orders."""
        return self.orders_by_id(ids)

    @find("order_status")
    def find_status(self, item: Item) -> str | None:
        """Return the order's id if it already stands where the payload wants it, or beyond."""
        wanted = item.payload["state"]
        if wanted not in WANTED:
            return item.id
        there = [order for order in self.orders_by_id([item.id]) if order_stands(wanted, order)]
        try:
            return item.id if any(not self.to_confirm(wanted, order, {}) for order in there) else None
        except Later:
            return None

    @writer("order_status", key="orderId", batch=STATUS_LIMIT)
    def set_status(self, batch: Batch) -> Iterator[Outcome]:
        """Pack, mark ready, hand over, deliver or cancel; a status that is not the seller's needs nothing said."""
        orders = {str(order["orderId"]): order for order in self.orders_by_id([item.id for item in _to_say(batch)])}
        ways: list[_Way] = []
        for item in batch.items:
            if item.payload["state"] not in WANTED:
                yield batch.done(item.id, item.id)
                continue
            try:
                ways.append(self._prepared(item, orders.get(item.id)))
            except Later as error:
                yield batch.later(item.id, str(error), after=error.after)
            except Refused as error:
                yield batch.refused(item.id, [RecordError(error.code, str(error), error.field)])
        yield from self._go(batch, ways)

    # -- before a change of status ------------------------------------------------------------------------

    def _prepared(self, item: Item, order: Native | None) -> _Way:
        if order is None:
            message = f"{self.name} has no order {item.id} in the shops of this connection."
            raise Refused(message, code="unknown_order", field="orderId")
        wanted = item.payload["state"]
        if order.get("cancelRequested") and standing(order) in {DELIVERY, PICKUP}:
            if wanted == CANCELLED:
                self._answer(order, {"accepted": True})
                return _Way(item, order, [])
            if wanted in _DECLINED and self.options.orders.decline_cancellations:
                self._answer(order, {"accepted": False, "reason": _DECLINED[wanted]})
        left = steps_to(wanted, order)
        if left and wanted != CANCELLED and standing(order) != READY:
            self._pack(item, order)
        return _Way(item, order, left)

    def _answer(self, order: Native, answer: Native) -> None:
        """Answer the buyer's wish to cancel a DBS order that is on its way (``acceptOrderCancellation``)."""
        ids = {"orderId": order["orderId"]}
        self.call(paths.CANCELLATION, safe=False, campaign=order["campaignId"], ids=ids, json=answer)

    def _pack(self, item: Item, order: Native) -> None:
        """Say the shop's own number, the boxes and the codes: all of it is taken only until the order is ready."""
        where = {"campaign": order["campaignId"], "ids": {"orderId": order["orderId"]}}
        number, packages = item.payload.get("externalOrderId"), item.payload.get("packages")
        body = None if is_dbs(order) and packages is None else layout(order, packages)
        if number and not order.get("externalOrderId"):
            self.call(paths.OWN_NUMBER, safe=False, json={"externalOrderId": number}, **where)
        if body is not None:
            try:
                self.call(paths.BOXES_SET, safe=True, json=body, **where)
            except Refused as error:
                raise Refused(without_marks(str(error), body), code=error.code, field="packages") from None
        if demands_marks(order) and not is_dbs(order):
            judge_marks(order["orderId"], self.call(paths.MARKS, safe=True, **where)["result.items"])

    # -- the change itself --------------------------------------------------------------------------------

    def _go(self, batch: Batch, ways: list[_Way]) -> Iterator[Outcome]:
        """Bring the orders on, shop by shop, one step of all at a time."""
        shipments: dict[int, Native] = {}
        for campaign in dict.fromkeys(way.order["campaignId"] for way in ways):
            moving = [way for way in ways if way.order["campaignId"] == campaign]
            while moving:
                yield from (self._arrived(batch, way, shipments) for way in moving if not way.left)
                moving = [way for way in moving if way.left]
                if moving:
                    told = self._say(campaign, moving)
                    yield from (_not_taken(batch, way, told) for way in moving if _refusal(way, told))
                    moving = [way for way in moving if way.item.id in told and not _refusal(way, told)]
                    for way in moving:
                        way.walk()

    def _say(self, campaign: int, ways: list[_Way]) -> dict[str, Native]:
        """Say the next step of each order (``updateOrderStatuses``); return what Market answers, by order."""
        body = {"orders": [_step(way) for way in ways]}
        reply = self.call(paths.STATUSES_SET, safe=False, campaign=campaign, json=body, weight=len(ways))
        return {str(row["id"]): row for row in reply["result.orders"]}

    def _arrived(self, batch: Batch, way: _Way, shipments: dict[int, Native]) -> Outcome:
        try:
            if self.to_confirm(way.item.payload["state"], way.order, shipments):
                self.confirm(way.order, shipments)
        except Later as error:
            return batch.later(way.item.id, str(error), after=error.after)
        except Refused as error:
            return batch.refused(way.item.id, [RecordError(error.code, str(error), "state")])
        return batch.done(way.item.id, way.item.id)


def _to_say(batch: Batch) -> list[Item]:
    return [item for item in batch.items if item.payload["state"] in WANTED]


def _step(way: _Way) -> Native:
    status, substatus = way.left[0]
    step = {"id": way.order["orderId"], "status": status}
    return {**step, "substatus": substatus} if substatus else step


def _refusal(way: _Way, told: dict[str, Native]) -> bool:
    return way.item.id in told and told[way.item.id].get("updateStatus") != "OK"


def _not_taken(batch: Batch, way: _Way, told: dict[str, Native]) -> Outcome:
    said = str(told[way.item.id].get("errorDetails") or "Market did not change the status and gave no reason.")
    return batch.refused(way.item.id, [RecordError("status_refused", said, "state")])
