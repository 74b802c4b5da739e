"""Returns and orders that were not fetched, on their way back to the seller."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.yandex_market.sandbox.cabinet import Invalid, ok
from connectors.yandex_market.sandbox.order_records import Order, Return, day_of, shown_return
from connectors.yandex_market.sandbox.papers import Papers
from obmen.testing.sandbox import Request, Response, route

_FIRST = 80_000
_MOST_ORDERS = 50


class Returns(Papers):
    """The listing of returns, and the hands of those who bring goods back."""

    def reset(self) -> None:
        """Forget the returns too."""
        super().reset()
        self.returns: dict[int, Return] = {}

    def state(self) -> dict[str, Any]:
        """Add returns: number → order, articles, and where goods and money are."""
        returns = {
            str(back.id): {
                "order": str(back.order.id),
                "kind": back.kind,
                "items": back.items,
                "amount": f"{back.amount:.2f}",
                "money": back.money,
                "goods": back.goods,
            }
            for back in self.returns.values()
        }
        return {**super().state(), "returns": returns}

    def give_back(self, number: str, items: Mapping[str, int], *, keeps_goods: bool = False) -> str:
        """The buyer wants to give articles back; return the return's number. ``keeps_goods``: money only."""
        with self.lock:
            order = self.orders[int(number)]
            if order.status not in {"DELIVERED", "PARTIALLY_RETURNED"}:
                message = f"order {number} is {order.status}, nothing can be given back"
                raise ValueError(message)
            whole = sum(line.count for line in order.lines)
            back = self._returned(order, "RETURN", dict(items), "" if keeps_goods else "CREATED")
            given = sum(sum(one.items.values()) for one in self.returns.values() if one.order is order)
            self.enter(order, "RETURNED" if given >= whole else "PARTIALLY_RETURNED", "USER_REFUSED_QUALITY")
            return str(back.id)

    def refuse(self, number: str) -> str:
        """The buyer did not fetch an order that is on its way: it is cancelled and comes back; return the return."""
        with self.lock:
            order = self.orders[int(number)]
            self.enter(order, "CANCELLED", "PICKUP_EXPIRED")
            items = {line.offer_id: line.count for line in order.lines if line.count}
            return str(self._returned(order, "UNREDEEMED", items, "CREATED").id)

    def move_return(self, number: str, *, goods: str = "", money: str = "") -> None:
        """Let a return go on: where its goods are, or what became of the money."""
        with self.lock:
            back = self.returns[int(number)]
            back.goods, back.money = goods or back.goods, money or back.money
            back.updated_at = self.now()
            changed = {"shipmentStatus": goods} if goods else {"refundStatus": money}
            ids = {"returnId": back.id, "statuses": changed, "updatedAt": self.stamp()}
            self._note("ORDER_RETURN_STATUS_UPDATED", back.order, **ids)

    def freed(self, _code: str) -> set[str]:
        """Return the numbers of the orders whose goods came back to the seller: their codes may be sold again."""
        return {str(back.order.id) for back in self.returns.values() if back.goods == "PICKED"}

    @route("GET", r"/v2/campaigns/(?P<campaign>\d+)/returns")
    def list_returns(self, request: Request, campaign: str) -> Response:
        """``getReturns``."""
        asked = request.query
        begin, end = asked.get("fromDate", ""), asked.get("toDate", "9999-12-31")
        orders = [part for part in asked.get("orderIds", "").split(",") if part]
        if len(orders) > _MOST_ORDERS:
            raise Invalid(f"orderIds: {_MOST_ORDERS} at most")
        chosen = [
            back
            for back in self.returns.values()
            if back.order.campaign == int(campaign)
            and begin <= day_of(back.updated_at) <= end
            and (not orders or str(back.order.id) in orders)
            and asked.get("type", back.kind) == back.kind
        ]
        rows, paging = self.page(request, chosen, 100, 50)
        return ok({"paging": paging, "returns": [shown_return(back, self.stamp) for back in rows]})

    def _returned(self, order: Order, kind: str, items: dict[str, int], goods: str) -> Return:
        cost = Decimal(0)
        for offer_id, count in items.items():
            line = next(line for line in order.lines if line.offer_id == offer_id)
            cost += (line.cost * count / line.count).quantize(Decimal("0.01"))
        now = self.now()
        back = Return(_FIRST + len(self.returns) + 1, order, kind, items, cost, now, now, "STARTED_BY_USER", goods)
        self.returns[back.id] = back
        told = {"returnId": back.id, "returnType": kind, "createdAt": self.stamp(now)}
        listed = [{"offerId": offer_id, "count": count} for offer_id, count in items.items()]
        self._note("ORDER_RETURN_CREATED", order, items=listed, **told)
        return back
