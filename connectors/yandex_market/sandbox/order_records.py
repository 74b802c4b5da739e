"""What the cabinet keeps of an order, a return and a shipment, and how Market shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

_MOSCOW = timedelta(hours=3)
OWN, CARRIER = "Своя доставка", "Доставка Маркета"
OWN_ID, CARRIER_ID = 99, 1005


@dataclass
class Line:
    """One line: sums are for all ``count`` units. ``gone`` units were taken out of it."""

    id: int
    offer_id: str
    name: str
    count: int
    payment: Decimal
    cashback: Decimal
    subsidy: Decimal
    vat: str = "VAT_22"
    marks: tuple[str, ...] = ()
    promo: bool = False
    gone: int = 0
    codes: list[dict[str, str]] = field(default_factory=list)

    @property
    def cost(self) -> Decimal:
        """What the buyer pays in money and points."""
        return self.payment + self.cashback

    def take_out(self, units: int) -> None:
        """Take units out, and their share of every sum."""
        left = self.count - units
        for name in ("payment", "cashback", "subsidy"):
            whole: Decimal = getattr(self, name)
            setattr(self, name, (whole * left / self.count).quantize(Decimal("0.01")))
        self.count, self.gone = left, self.gone + units


@dataclass
class Order:
    """An order and where it stands. Times are Unix seconds."""

    id: int
    campaign: int
    program: str
    lines: list[Line]
    created_at: float
    updated_at: float
    status: str = "PROCESSING"
    substatus: str = "STARTED"
    delivery: str = "DELIVERY"
    prepaid: bool = True
    fake: bool = False
    external_id: str = ""
    shipment: int | None = None
    ship_on: str = ""
    boxes: list[list[dict[str, Any]]] | None = None
    asked_to_cancel_at: float | None = None
    left: bool = False
    notes: str = ""
    track: str = ""


@dataclass
class Return:
    """Goods that a buyer gives back or did not fetch: ``items`` are article → units."""

    id: int
    order: Order
    kind: str
    items: dict[str, int]
    amount: Decimal
    created_at: float
    updated_at: float
    money: str
    goods: str


@dataclass
class Shipment:
    """Orders that travel to the sorting centre together; it can be confirmed from ``opens_at`` on."""

    id: int
    campaign: int
    day: str
    opens_at: float
    status: str = "OUTBOUND_CREATED"


def day_of(moment: float) -> str:
    """Return the day in Moscow."""
    return (datetime.fromtimestamp(moment, UTC) + _MOSCOW).date().isoformat()


def money(value: Decimal) -> dict[str, Any]:
    """``CurrencyValueDTO``."""
    return {"value": value, "currencyId": "RUR"}


def shown_order(order: Order, stamp: Callable[[float], str]) -> dict[str, Any]:
    """``BusinessOrderDTO``."""
    sums = {name: sum((getattr(line, name) for line in order.lines), Decimal(0)) for name in _SUMS}
    shown: dict[str, Any] = {
        "orderId": order.id,
        "campaignId": order.campaign,
        "programType": order.program,
        "status": order.status,
        "substatus": order.substatus,
        "creationDate": stamp(order.created_at),
        "updateDate": stamp(order.updated_at),
        "paymentType": "PREPAID" if order.prepaid else "POSTPAID",
        "paymentMethod": "YANDEX" if order.prepaid else "CARD_ON_DELIVERY",
        "fake": order.fake,
        "items": [_item(line, order) for line in order.lines if line.count],
        "prices": {name: money(value) for name, value in sums.items()},
        "delivery": _delivery(order),
        "buyerType": "PERSON",
        "cancelRequested": order.asked_to_cancel_at is not None,
        "sourcePlatform": "MARKET",
    }
    if order.external_id:
        shown["externalOrderId"] = order.external_id
    if order.notes:
        shown["notes"] = order.notes
    return shown


def shown_return(back: Return, stamp: Callable[[float], str]) -> dict[str, Any]:
    """``ReturnDTO``."""
    shown = {
        "id": back.id,
        "orderId": back.order.id,
        "creationDate": stamp(back.created_at),
        "updateDate": stamp(back.updated_at),
        "returnType": back.kind,
        "amount": money(back.amount),
        "items": [
            {
                "shopSku": offer_id,
                "count": count,
                "decisions": [{"returnItemId": back.id * 10 + at, "count": count, "reasonType": "DOES_NOT_FIT"}],
            }
            for at, (offer_id, count) in enumerate(back.items.items())
        ],
    }
    if back.kind == "RETURN":
        shown["refundStatus"] = back.money
    if back.goods:
        shown["shipmentStatus"] = back.goods
    return shown


_SUMS = ("payment", "cashback", "subsidy")


def _item(line: Line, order: Order) -> dict[str, Any]:
    sums = {name: money(getattr(line, name)) for name in _SUMS}
    shown: dict[str, Any] = {
        "id": line.id,
        "offerId": line.offer_id,
        "offerName": line.name,
        "count": line.count,
        "prices": {**sums, "vat": line.vat},
    }
    unit = "CANCELLED" if order.status == "CANCELLED" else "CREATED"
    if line.gone:
        shown["itemStatuses"] = [{"status": unit, "count": line.count}, {"status": "CANCELLED", "count": line.gone}]
    if line.marks:
        shown["requiredInstanceTypes"] = list(line.marks)
    if line.codes:
        shown["instances"] = line.codes
    return shown


def _delivery(order: Order) -> dict[str, Any]:
    own = order.program == "DBS"
    region = {"id": 43, "name": "Казань", "type": "CITY"}
    address = {"country": "Россия", "city": "Казань", "street": "Примерная", "house": "1"}
    shown: dict[str, Any] = {
        "type": order.delivery,
        "serviceName": OWN if own else CARRIER,
        "deliveryServiceId": OWN_ID if own else CARRIER_ID,
        "deliveryPartnerType": "SHOP" if own else "YANDEX_MARKET",
        "dispatchType": "BUYER" if order.delivery == "DELIVERY" else "MARKET_BRANDED_OUTLET",
        "dates": {"fromDate": day_of(order.created_at + 3 * 86400), "toDate": day_of(order.created_at + 4 * 86400)},
        "shipment": {"id": order.shipment, "shipmentDate": order.ship_on},
        "estimated": False,
    }
    if order.delivery == "PICKUP":
        shown["pickup"] = {"address": address, "region": region, "logisticPointId": 90001}
    else:
        shown["courier"] = {"address": {**address, "apartment": "7"}, "region": region}
    if order.boxes:
        shown["boxesLayout"] = [
            {"items": items, "boxId": order.id * 10 + at, "barcode": f"{order.id}-{at}"}
            for at, items in enumerate(order.boxes, 1)
        ]
    if order.track:
        shown["tracks"] = [{"trackCode": order.track, "deliveryServiceId": OWN_ID}]
    return shown
