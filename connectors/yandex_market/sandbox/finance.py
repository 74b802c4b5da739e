"""The money of orders: payments once an order has its buyer, services, and points given and taken back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.yandex_market.sandbox.cabinet import Invalid, ok
from connectors.yandex_market.sandbox.order_records import Order, day_of
from connectors.yandex_market.sandbox.returns import Returns
from obmen.testing.sandbox import Request, Response, route

FEE, TRANSFER, DELIVERY = Decimal("0.10"), Decimal("0.016"), Decimal("75.50")
_KOPECK = Decimal("0.01")
_PAID = {"DELIVERED", "PARTIALLY_RETURNED", "RETURNED"}
_LATE = 2400.0
_STATUS = {
    "PENDING": "PENDING",
    "UNPAID": "UNPAID",
    "PROCESSING": "PROCESSING",
    "DELIVERY": "DELIVERY",
    "PICKUP": "PICKUP",
    "DELIVERED": "DELIVERED",
    "PARTIALLY_RETURNED": "PARTIALLY_RETURNED",
    "RETURNED": "RETURNED",
    "CANCELLED": "CANCELLED_IN_PROCESSING",
}


class Stats(Struct, rename="camel"):
    """``GetOrdersStatsRequest``."""

    date_from: date | None = None
    date_to: date | None = None
    update_from: date | None = None
    update_to: date | None = None
    orders: Annotated[list[int], Meta(min_length=1)] | None = None
    statuses: Annotated[list[str], Meta(min_length=1)] | None = None
    has_cis: bool | None = None


class Finance(Returns):
    """The report over orders; what is younger than forty minutes is not in it yet."""

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/stats/orders")
    def orders_stats(self, request: Request, campaign: str) -> Response:
        """``getOrdersStats``."""
        asked = self.body(request, Stats)
        if (asked.date_from or asked.date_to) and (asked.update_from or asked.update_to):
            raise Invalid("dateFrom and dateTo cannot be used with updateFrom and updateTo")
        chosen = [
            order
            for order in self.orders.values()
            if order.campaign == int(campaign)
            and order.created_at <= self.now() - _LATE
            and (asked.orders is None or order.id in asked.orders)
            and _within(order.created_at, asked.date_from, asked.date_to)
            and _within(self._changed(order), asked.update_from, asked.update_to)
        ]
        rows, paging = self.page(request, chosen, 200, 100)
        return ok({"paging": paging, "orders": [self._money_of(order) for order in rows]})

    def money(self, number: str) -> dict[str, Decimal]:
        """Return what an order has brought so far: ``payments``, ``services`` (taken) and ``points``."""
        told = self._money_of(self.orders[int(number)])
        signs = {"PAYMENT": 1, "REFUND": -1, "ACCRUAL": 1, "DEDUCTION": -1}
        return {
            "payments": sum((signs[row["type"]] * row["total"] for row in told["payments"]), Decimal(0)),
            "services": sum((row["actual"] for row in told["commissions"]), Decimal(0)),
            "points": sum(
                (signs[row["operationType"]] * row["amount"] for row in told.get("subsidies", ())), Decimal(0)
            ),
        }

    def _changed(self, order: Order) -> float:
        backs = [back.updated_at for back in self.returns.values() if back.order is order]
        return max([order.updated_at, *backs])

    def _money_of(self, order: Order) -> dict[str, Any]:
        cost = sum((line.payment for line in order.lines), Decimal(0))
        points = sum((line.cashback for line in order.lines), Decimal(0))
        subsidy = sum((line.subsidy for line in order.lines), Decimal(0))
        told: dict[str, Any] = {
            "id": order.id,
            "creationDate": day_of(order.created_at),
            "statusUpdateDate": self.stamp(order.updated_at + 3 * 3600).removesuffix("+00:00") + "+03:00",
            "status": _STATUS.get(order.status, "UNKNOWN"),
            "paymentType": "PREPAID" if order.prepaid else "POSTPAID",
            "fake": order.fake,
            "currency": "RUR",
            "items": [{"offerName": line.name, "shopSku": line.offer_id, "count": line.count} for line in order.lines],
            "payments": [],
            "commissions": [],
        }
        if order.status not in _PAID:
            return told
        day = day_of(order.updated_at)
        payment = {"type": "PAYMENT", "source": "BUYER", "total": cost, "date": day}
        told["payments"] = [{"id": f"{order.id}-1", **payment}]
        for back in self.returns.values():
            if back.order is order and back.money == "REFUNDED":
                refund = {"type": "REFUND", "source": "BUYER", "total": back.amount, "date": day_of(back.updated_at)}
                told["payments"].append({"id": f"{order.id}-r{back.id}", **refund})
        services = {"FEE": cost * FEE, "PAYMENT_TRANSFER": cost * TRANSFER, "DELIVERY_TO_CUSTOMER": DELIVERY}
        told["commissions"] = [{"type": kind, "actual": sum_.quantize(_KOPECK)} for kind, sum_ in services.items()]
        given = {"YANDEX_CASHBACK": points, "SUBSIDY": subsidy}
        subsidies = [
            {"operationType": "ACCRUAL", "type": kind, "amount": amount} for kind, amount in given.items() if amount
        ]
        if subsidies:
            told["subsidies"] = subsidies
        return told


def _within(moment: float, begin: date | None, end: date | None) -> bool:
    day = day_of(moment)
    return (begin is None or day >= begin.isoformat()) and (end is None or day <= end.isoformat())
