"""Orders: a buyer's order on its way, what it takes of the stock, and the listing that a seller reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from connectors.yandex_market.sandbox.cabinet import Invalid
from connectors.yandex_market.sandbox.offers import Offer, Price
from connectors.yandex_market.sandbox.order_records import Line, Order, Shipment, day_of, shown_order
from connectors.yandex_market.sandbox.promotions import Promotions
from connectors.yandex_market.sandbox.shelf import Shelf
from obmen.testing.sandbox import Request, Response, route

_FIRST = 50_000_000
_HOUR, _DAY = 3600.0, 86400.0
_ANSWER_WITHIN = 48 * _HOUR
_LONGEST = timedelta(days=30)
_USUAL = {
    "PENDING": "AWAIT_CONFIRMATION",
    "UNPAID": "AWAIT_PAYMENT",
    "DELIVERY": "COURIER_RECEIVED",
    "PICKUP": "PICKUP_SERVICE_RECEIVED",
    "DELIVERED": "DELIVERY_SERVICE_DELIVERED",
    "CANCELLED": "USER_CHANGED_MIND",
}
_OVER = {"CANCELLED", "DELIVERED", "PARTIALLY_RETURNED", "RETURNED"}
Ids = Annotated[list[int], Meta(min_length=1, max_length=50)]
Words = Annotated[list[str], Meta(min_length=1)]


class Dates(Struct, rename="camel"):
    """``OrderDatesFilterDTO``."""

    creation_date_from: date | None = None
    creation_date_to: date | None = None
    shipment_date_from: date | None = None
    shipment_date_to: date | None = None
    update_date_from: datetime | None = None
    update_date_to: datetime | None = None


class Asked(Struct, rename="camel"):
    """``GetBusinessOrdersRequest``."""

    order_ids: Ids | None = None
    external_order_ids: Annotated[list[str], Meta(min_length=1, max_length=50)] | None = None
    program_types: Words | None = None
    campaign_ids: Ids | None = None
    statuses: Words | None = None
    substatuses: Words | None = None
    dates: Dates = field(default_factory=Dates)
    fake: bool = False
    waiting_for_cancellation_approve: bool = False
    source_platforms: Words | None = None


class Orders(Promotions, Shelf):
    """The listing of orders, and the hands of buyers and carriers.

    An order that was placed more than thirty days ago is told only to those who name its days. Test orders are
    told only to those who ask for them.
    """

    def reset(self) -> None:
        """Forget the orders too."""
        super().reset()
        self.orders: dict[int, Order] = {}
        self.shipments: dict[int, Shipment] = {}
        self.notes: list[dict[str, Any]] = []

    def state(self) -> dict[str, Any]:
        """Add orders: number → where it stands, its lines and sums."""
        orders = {
            str(order.id): {
                "status": order.status,
                "substatus": order.substatus,
                "program": order.program,
                "warehouse": self.shops[order.campaign].warehouse,
                "external_id": order.external_id,
                "boxes": len(order.boxes or ()),
                "lines": [
                    {"offer_id": line.offer_id, "count": line.count, "cost": f"{line.cost:.2f}"}
                    for line in order.lines
                    if line.count
                ],
            }
            for order in self.orders.values()
        }
        return {**super().state(), "orders": orders}

    # -- what others than the seller do -------------------------------------------------------------------

    def put_on_sale(self, offer_id: str, price: str, amount: int, campaign: int | None = None) -> None:
        """Let an article be sold, as if its card, price and stock had been sent."""
        with self.lock:
            now = self.now()
            offer = self.offers.setdefault(offer_id, Offer(offer_id, 7_000_000 + len(self.offers), now))
            offer.card.setdefault("name", f"Товар {offer_id}")
            offer.price.put(Price(Decimal(price), None, "RUR", now), now)
            shop = self.shops[campaign or next(iter(self.shops))]
            self.level(offer, shop).free.put(amount, now)

    def place_order(
        self,
        lines: Mapping[str, int] | Iterable[tuple[str, int]],
        *,
        campaign: int | None = None,
        pickup: bool = False,
        prepaid: bool = True,
        fake: bool = False,
        status: tuple[str, str] = ("PROCESSING", "STARTED"),
        points: str = "0",
        subsidy: str = "0",
        off: str = "0",
        marks: Mapping[str, tuple[str, ...]] | None = None,
        notes: str = "",
    ) -> str:
        """A buyer orders articles in these quantities; return the order's number.

        ``campaign``: the shop, the first by default; its model of work is the order's. ``points``, ``subsidy``,
        ``off``: what of the first line is paid in Plus points, added by Market, given off as a discount. ``marks``:
        article → kinds of marking that it needs. The goods are reserved. Raises ValueError where there are too few.
        """
        pairs = list(lines.items() if isinstance(lines, Mapping) else lines)
        with self.lock:
            now, shop = self.now(), self.shops[campaign or next(iter(self.shops))]
            for offer_id, count in pairs:
                free = self.stock(offer_id, shop.id)["free"]
                if free < count:
                    message = f"{free} of {offer_id} are left in {shop.warehouse}"
                    raise ValueError(message)
            made = [self._line(at, offer_id, count, marks or {}) for at, (offer_id, count) in enumerate(pairs, 1)]
            made[0].payment -= Decimal(points) + Decimal(off)
            made[0].cashback, made[0].subsidy = Decimal(points), Decimal(subsidy)
            order = Order(
                id=_FIRST + len(self.orders) + 1,
                campaign=shop.id,
                program=shop.placement,
                lines=made,
                created_at=now,
                updated_at=now,
                status=status[0],
                substatus=status[1],
                delivery="PICKUP" if pickup else "DELIVERY",
                prepaid=prepaid,
                fake=fake,
                ship_on=day_of(now + _DAY),
                notes=notes,
            )
            for offer_id, count in pairs:
                self.reserve(offer_id, shop.id, count)
            if shop.placement == "FBS":
                order.shipment = self._shipment(order).id
            self.orders[order.id] = order
            self._note("ORDER_CREATED", order, createdAt=self.stamp(), items=self._items(order))
            return str(order.id)

    def cancel_by_buyer(self, number: str, substatus: str = "USER_CHANGED_MIND") -> None:
        """The buyer does not want it any more; of what a DBS shop has sent off already, only a wish remains."""
        with self.lock:
            order = self.orders[int(number)]
            if order.program == "DBS" and order.status in {"DELIVERY", "PICKUP"}:
                order.asked_to_cancel_at = order.updated_at = self.now()
                self._note("ORDER_CANCELLATION_REQUEST", order, requestedAt=self.stamp())
                return
            self.enter(order, "CANCELLED", substatus)

    def hand_over(self, number: str) -> None:
        """Market's sorting centre takes a packed order."""
        self.move(number, "PROCESSING", "SHIPPED")

    def deliver(self, number: str) -> None:
        """The buyer gets it, at the door or the pickup point; stages between are not always told."""
        with self.lock:
            order = self.orders[int(number)]
            self.enter(order, "DELIVERY", "")
            if order.delivery == "PICKUP":
                self.enter(order, "PICKUP", "")
            self.enter(order, "DELIVERED", "")

    def move(self, number: str, status: str, substatus: str = "") -> None:
        """Put an order into a status, as its life goes on; without a substatus, into the usual one."""
        with self.lock:
            self.enter(self.orders[int(number)], status, substatus)

    def remove_item(self, number: str, offer_id: str, units: int | None = None) -> None:
        """Market or the buyer takes units of an article out of an order, all by default."""
        with self.lock:
            order = self.orders[int(number)]
            line = next(line for line in order.lines if line.offer_id == offer_id and line.count)
            self.take_out(order, line, line.count if units is None else units)
            self._note("ORDER_UPDATED", order, updatedAt=self.stamp())

    # -- how an order changes -----------------------------------------------------------------------------

    def enter(self, order: Order, status: str, substatus: str) -> None:
        """Change where an order stands; goods leave with the carrier, and come free when it is cancelled before."""
        if order.status in _OVER and status not in {"PARTIALLY_RETURNED", "RETURNED"}:
            message = f"order {order.id} is {order.status}, its life is over"
            raise ValueError(message)
        leaves = status in {"DELIVERY", "PICKUP", "DELIVERED"} or (status, substatus) == ("PROCESSING", "SHIPPED")
        if not order.left and (leaves or status == "CANCELLED"):
            for line in order.lines:
                (self.take_away if leaves else self.release)(line.offer_id, order.campaign, line.count)
            order.left = leaves
        order.status, order.substatus = status, substatus or _USUAL.get(status, "STARTED")
        order.updated_at = self.now()
        if status == "CANCELLED":
            order.asked_to_cancel_at = None
            self._note("ORDER_CANCELLED", order, cancelledAt=self.stamp(), items=self._items(order))
        else:
            self._note(
                "ORDER_STATUS_UPDATED",
                order,
                status=status,
                substatus=order.substatus,
                updatedAt=self.stamp(),
            )

    def take_out(self, order: Order, line: Line, units: int) -> None:
        """Take units out of an order for ever: they may be sold again."""
        line.take_out(units)
        if not order.left:
            self.release(line.offer_id, order.campaign, units)
        order.updated_at = self.now()

    def order_of(self, number: str, campaign: str) -> Order:
        """Return an order of a shop, or refuse."""
        order = self.orders.get(int(number))
        if order is None or order.campaign != int(campaign):
            raise Invalid(f"Order not found: {number}", 404, "NOT_FOUND")
        return order

    @route("POST", r"/v1/businesses/\d+/orders")
    def list_orders(self, request: Request) -> Response:
        """``getBusinessOrders``."""
        asked = self.body(request, Asked)
        self._give_up_waiting()
        begin, end = self._placed(asked.dates)
        changed_from, changed_to = asked.dates.update_date_from, asked.dates.update_date_to
        if changed_from and (changed_to or self._today()).timestamp() - changed_from.timestamp() > 30 * _DAY:
            raise Invalid("Date range must not exceed 30 days")
        chosen = [
            order
            for order in self.orders.values()
            if begin <= day_of(order.created_at) < end
            and (changed_from is None or order.updated_at >= changed_from.timestamp())
            and (changed_to is None or order.updated_at <= changed_to.timestamp())
            and order.fake == asked.fake
            and _among(order.id, asked.order_ids)
            and _among(order.external_id, asked.external_order_ids)
            and _among(order.program, asked.program_types)
            and _among(order.campaign, asked.campaign_ids)
            and _among(order.status, asked.statuses)
            and _among(order.substatus, asked.substatuses)
            and (not asked.waiting_for_cancellation_approve or order.asked_to_cancel_at is not None)
        ]
        rows, paging = self.page(request, chosen, 50, 50)
        if self.fault("endless_list"):
            paging = {"nextPageToken": request.query.get("pageToken", "0")}
        told = [shown_order(order, self.stamp) for order in rows]
        if told and self.fault("unknown_status"):
            told[0] = {**told[0], "status": "UNKNOWN", "substatus": "UNKNOWN"}
        return Response(json={"orders": told, "paging": paging})

    def _placed(self, dates: Dates) -> tuple[str, str]:
        """Return the days of placing that are asked for, the last one not included."""
        today = self._today().date()
        end = dates.creation_date_to or today + timedelta(days=1)
        begin = dates.creation_date_from or end - _LONGEST
        if end <= begin or end - begin > _LONGEST:
            raise Invalid("Date range must not exceed 30 days")
        return begin.isoformat(), end.isoformat()

    def _today(self) -> datetime:
        return datetime.fromisoformat(self.stamp()) + timedelta(hours=3)

    def _give_up_waiting(self) -> None:
        """Cancel what a shop did not answer for."""
        for order in self.orders.values():
            if order.asked_to_cancel_at is not None and self.now() - order.asked_to_cancel_at >= _ANSWER_WITHIN:
                self.enter(order, "CANCELLED", "USER_CHANGED_MIND")

    def _line(self, at: int, offer_id: str, count: int, marks: Mapping[str, tuple[str, ...]]) -> Line:
        offer, price = self.offers[offer_id], self.live_price(offer_id)
        if price is None:
            message = f"{offer_id} has no price"
            raise ValueError(message)
        total, nothing = price * count, Decimal(0)
        name = str(offer.card.get("name") or offer_id)
        return Line(at, offer_id, name, count, total, nothing, nothing, marks=marks.get(offer_id, ()))

    def _shipment(self, order: Order) -> Shipment:
        for shipment in self.shipments.values():
            same = (shipment.campaign, shipment.day) == (order.campaign, order.ship_on)
            if same and shipment.status == "OUTBOUND_CREATED":
                return shipment
        made = Shipment(70_000 + len(self.shipments) + 1, order.campaign, order.ship_on, self.now() + 12 * _HOUR)
        self.shipments[made.id] = made
        return made

    def _items(self, order: Order) -> list[dict[str, Any]]:
        return [{"offerId": line.offer_id, "count": line.count} for line in order.lines]

    def _note(self, kind: str, order: Order, **more: Any) -> None:
        self.notes.append({"notificationType": kind, "orderId": order.id, "campaignId": order.campaign, **more})


def _among(value: object, wanted: list[Any] | None) -> bool:
    return wanted is None or value in wanted
