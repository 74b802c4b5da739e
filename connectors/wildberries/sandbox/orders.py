"""Orders: how they come, what becomes of them without the seller, and the calls that ask about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.wildberries.sandbox import order_bodies as bodies
from connectors.wildberries.sandbox.assembly_orders import (
    AssemblyOrder,
    Mark,
    listed_order,
    new_order,
    verdict_of,
)
from connectors.wildberries.sandbox.cabinet import Cabinet, Card, Invalid, Size, market_error
from obmen.testing.sandbox import Request, Response, route

_FIRST = 2_800_000_001
_LONGEST = 30 * 86400
_KEPT = 92 * 86400
MOST = 1000
_MARKS: dict[str, type[msgspec.Struct]] = {
    "sgtin": bodies.Sgtins,
    "uin": bodies.Uin,
    "imei": bodies.Imei,
    "gtin": bodies.Gtin,
    "expiration": bodies.Expiration,
    "customsDeclaration": bodies.Customs,
}
_MESSAGES = {
    "NotFound": (404, "Не найдено"),
    "IncorrectParameter": (400, "Передан некорректный параметр"),
    "StatusMismatch": (409, "Несоответствие статусов, проверьте их правильность"),
    "FailedToUpdateMeta": (409, "The label identifiers of the order were not updated."),
    "MetaKeyNotRequired": (409, "Order doesn't require ID"),
    "FailedToAddSupplyOrder": (409, "Не удалось закрепить сборочное задание за поставкой."),
    "SupplyHasZeroOrders": (409, "Не удалось обработать поставку: в ней нет сборочных заданий."),
    "SupplyHasOrders": (409, "Не удалось обработать поставку: в ней есть сборочные задания."),
    "SupplyNotClosed": (409, "Поставка не передана в доставку"),
    "MetaValidationFail": (409, "Fix them to dispatch items"),
}


def refusal(code: str, data: Any = None) -> Invalid:
    """Refuse as the marketplace does, by its code."""
    status, message = _MESSAGES[code]
    return Invalid(market_error(status, code, message, data))


class OrderBook(Cabinet):
    """FBS orders, and what buyers and carriers do with orders of any scheme.

    Hands: ``place_order``, ``cancel_by_buyer``, ``sort``, ``arrive``, ``sell``, ``refuse_at_pickup``,
    ``find_defect``, ``move``. ``checking`` is for how many seconds a marking code is being checked; ``verdicts``:
    code → what its check comes to. ``stuck``: a cursor at which lists of orders stand still. Custom fault:
    ``unknown_word`` (a status that nobody has heard of).
    """

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.assembly: dict[int, AssemblyOrder] = {}
        self.checking = 0.0
        self.stuck = 0
        self.verdicts: dict[str, str] = {}
        self.taken_back: set[int] = set()

    def state(self) -> dict[str, Any]:
        """Return also the orders by id."""
        orders = {
            str(order.id): {
                "scheme": order.scheme,
                "article": order.card.vendor_code,
                "warehouse": order.warehouse_id,
                "price": order.price,
                "supplier": order.supplier,
                "wb": order.there,
                "supply": order.supply,
                "marks": sorted(order.marks),
            }
            for order in self.assembly.values()
        }
        return {**super().state(), "orders": orders}

    # -- what others than the seller do -------------------------------------------------------------------

    def place_order(
        self, article: str, *, size: str | None = None, warehouse: str | None = None, scheme: str = "fbs", **more: Any
    ) -> str:
        """A buyer takes one unit; return the order's id. ``more``: fields of ``AssemblyOrder``.

        The unit leaves the stock of ``warehouse``, or of the first one that has it. Raises ValueError when there
        is none to sell.
        """
        with self.lock:
            card, chosen = self._ordered_goods(article, size)
            names = [warehouse] if warehouse is not None else list(self.warehouses)
            place = next((self.warehouses[n] for n in names if chosen.stocks.get(self.warehouses[n], 0) > 0), None)
            if place is None:
                message = f"nothing of {article} is left to sell"
                raise ValueError(message)
            chosen.stocks[place] -= 1
            number = _FIRST + len(self.assembly)
            price = card.price * (100 - card.discount)
            made = AssemblyOrder(
                **{
                    "id": number,
                    "rid": f"{self.random.randrange(16**12):012x}.{number}.0",
                    "scheme": scheme,
                    "card": card,
                    "size": chosen,
                    "warehouse_id": place,
                    "created_at": self.now(),
                    "price": price,
                    "converted": price,
                    "delivery": scheme,
                    **more,
                }
            )
            self.assembly[number] = made
            return str(number)

    def cancel_by_buyer(self, number: str) -> None:
        """The buyer does not want it any more, before the seller began with it."""
        self._order_leaves(number, "declined_by_client", {"new"})

    def refuse_at_pickup(self, number: str) -> None:
        """The buyer looks at it and does not take it."""
        self._order_leaves(number, "canceled_by_client", {"confirm", "complete", "deliver", "prepare"}, back=False)

    def find_defect(self, number: str) -> None:
        """Wildberries finds a defect."""
        self._order_leaves(number, "defect", {"confirm", "complete", "deliver", "prepare"}, back=False)

    def sort(self, number: str) -> None:
        """Wildberries receives it."""
        self.move(number, wb="sorted")

    def arrive(self, number: str) -> None:
        """It lies at the buyer's pick-up point."""
        self.move(number, wb="ready_for_pickup")

    def sell(self, number: str) -> None:
        """The buyer takes it."""
        self.move(number, wb="sold")

    def move(self, number: str, *, supplier: str | None = None, wb: str | None = None) -> None:
        """Put an order into a status, as a person in the cabinet or Wildberries does."""
        with self.lock:
            order = self.assembly[int(number)]
            order.supplier, order.there = supplier or order.supplier, wb or order.there

    def _order_leaves(self, number: str, why: str, allowed: set[str], *, back: bool = True) -> None:
        with self.lock:
            order = self.assembly[int(number)]
            if order.over or order.supplier not in allowed:
                message = f"{number} is {order.supplier}/{order.there}"
                raise ValueError(message)
            order.there = why
            if back:
                order.size.stocks[order.warehouse_id] += 1

    def _ordered_goods(self, article: str, size: str | None) -> tuple[Card, Size]:
        for card in self.cards.values():
            if card.vendor_code == article and card.trashed_at is None:
                for one in card.sizes:
                    if size in (None, one.tech_size, one.wb_size):
                        return card, one
        message = f"no card {article} {size or ''}"
        raise ValueError(message)

    # -- the calls ----------------------------------------------------------------------------------------

    @route("GET", "/api/v3/orders/new")
    def list_new(self, _: Request) -> Response:
        """All orders that nobody took up."""
        return Response(json={"orders": [new_order(order) for order in self._orders_unstarted("fbs")]})

    @route("GET", "/api/v3/orders")
    def list_orders(self, request: Request) -> Response:
        """Orders made in a period, by id."""
        rows = [order for order in self.assembly.values() if order.scheme == "fbs"]
        rows = [order for order in rows if order.created_at >= self.now() - _KEPT]
        return self.by_period(request, rows)

    @route("POST", "/api/v3/orders/status")
    def tell_states(self, request: Request) -> Response:
        """Statuses by id; ids that are not known are left out."""
        asked = self.body(request, bodies.Orders, marketplace=True)
        unknown = self.fault("unknown_word")
        return Response(
            json={
                "orders": [
                    {
                        "id": order.id,
                        "supplierStatus": order.supplier,
                        "wbStatus": "teleported" if unknown else order.there,
                        "isCancellable": order.cancellable,
                    }
                    for order in self.among("fbs", asked.orders)
                ]
            }
        )

    @route("PATCH", r"/api/v3/orders/(?P<number>\d+)/cancel")
    def cancel(self, _: Request, number: str) -> Response:
        """The seller cancels."""
        order = self.known(number, "fbs")
        if not order.cancellable:
            raise refusal("StatusMismatch")
        self.cancelled_by_seller(order)
        return Response(204)

    @route("POST", "/api/marketplace/v3/orders/meta")
    def tell_marks(self, request: Request) -> Response:
        """Marking codes and their check."""
        asked = self.body(request, bodies.MetaOf, marketplace=True)
        found = self.among("fbs", asked.orders)
        rows = [{"id": order.id, "metaDetails": order.decisions(self.now(), self.checking)} for order in found]
        return Response(json={"orders": rows})

    @route("PUT", r"/api/v3/orders/(?P<number>\d+)/meta/(?P<kind>sgtin|uin|imei|gtin|expiration)")
    def set_mark(self, request: Request, number: str, kind: str) -> Response:
        """Give an order in assembly a code of one kind."""
        self.take_mark(self.known(number, "fbs"), kind, self.body(request, _MARKS[kind], marketplace=True), {"confirm"})
        return Response(204)

    @route("PUT", r"/api/marketplace/v3/orders/(?P<number>\d+)/meta/customs-declaration")
    def set_customs(self, request: Request, number: str) -> Response:
        """Give an order the number of its customs declaration."""
        said = self.body(request, bodies.Customs, marketplace=True)
        self.take_mark(self.known(number, "fbs"), "customsDeclaration", said, {"confirm", "complete"})
        return Response(204)

    # -- shared by all schemes ----------------------------------------------------------------------------

    def take_mark(self, order: AssemblyOrder, kind: str, said: Any, allowed: set[str]) -> None:
        """Note a code; raises Invalid for an order that takes none now or never."""
        if kind not in (*order.needs, *order.may):
            raise refusal("MetaKeyNotRequired")
        if order.over or order.supplier not in allowed:
            raise refusal("FailedToUpdateMeta")
        value = said.sgtins if kind == "sgtin" else [getattr(said, kind)]
        verdict = next((self.verdicts[code] for code in value if code in self.verdicts), verdict_of(kind, value))
        if kind == "sgtin" and self._sold_codes() & set(value):
            verdict = "sgtinWithdrawn"
        order.marks[kind] = Mark(list(value), self.now(), verdict)
        self.written["marks"] += 1

    def _sold_codes(self) -> set[str]:
        """Return the codes of units that buyers have: out of circulation until the seller has them again."""
        gone = [one for one in self.assembly.values() if one.there == "sold" and one.id not in self.taken_back]
        return {code for order in gone for mark in order.marks.values() for code in mark.codes}

    def cancelled_by_seller(self, order: AssemblyOrder) -> None:
        """Take an order out of its supply; what it held may be sold again."""
        order.supplier, order.there, order.supply = "cancel", "canceled", ""
        order.size.stocks[order.warehouse_id] += 1
        self.written["cancels"] += 1

    def known(self, number: str | int, scheme: str) -> AssemblyOrder:
        """Return an order of a scheme; raises Invalid if there is none."""
        order = self.assembly.get(int(number))
        if order is None or order.scheme != scheme:
            raise refusal("NotFound")
        return order

    def among(self, scheme: str, ids: Iterable[int]) -> list[AssemblyOrder]:
        """Return those of the ids that are orders of a scheme."""
        return [self.assembly[id_] for id_ in ids if id_ in self.assembly and self.assembly[id_].scheme == scheme]

    def _orders_unstarted(self, scheme: str) -> list[AssemblyOrder]:
        return [o for o in self.assembly.values() if o.scheme == scheme and o.supplier == "new" and not o.over]

    def by_period(self, request: Request, rows: list[AssemblyOrder]) -> Response:
        """Answer a page of a list by period, which goes on from the last id."""
        try:
            limit, after = int(request.query["limit"]), int(request.query["next"])
            begin = int(request.query.get("dateFrom", self.now() - _LONGEST))
            end = int(request.query.get("dateTo", begin + _LONGEST))
        except (KeyError, ValueError):
            raise refusal("IncorrectParameter") from None
        if not 1 <= limit <= MOST or end - begin > _LONGEST or end < begin:
            raise refusal("IncorrectParameter")
        chosen = sorted(
            (order for order in rows if begin <= order.created_at <= end and order.id > after), key=lambda o: o.id
        )
        told = [listed_order(order) for order in chosen[:limit]]
        if self.stuck:
            return Response(json={"next": self.stuck, "orders": told or [listed_order(rows[0])]})
        return Response(json={"next": chosen[limit - 1].id if len(chosen) > limit else 0, "orders": told})
