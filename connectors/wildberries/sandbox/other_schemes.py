"""Orders that need no supply: DBS, DBW and pick-up from the seller's own shop, each with methods of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.wildberries.sandbox import order_bodies as bodies
from connectors.wildberries.sandbox.assembly_orders import AssemblyOrder, new_order
from connectors.wildberries.sandbox.cabinet import Invalid
from connectors.wildberries.sandbox.orders import refusal
from connectors.wildberries.sandbox.supplies import Dispatch, labelled, sticker
from obmen.testing.sandbox import Request, Response, route

_NEW = r"/api/v3/(?P<scheme>dbs|dbw|click-collect)/orders"
_MANY = r"/api/marketplace/v3/(?P<scheme>dbs|dbw|click-collect)/orders"
_FROM: dict[tuple[str, str], set[str]] = {
    ("dbs", "confirm"): {"new"},
    ("dbs", "deliver"): {"confirm"},
    ("dbs", "receive"): {"deliver"},
    ("dbs", "reject"): {"deliver"},
    ("dbs", "cancel"): {"new", "confirm"},
    ("dbw", "deliver"): {"confirm"},
    ("click-collect", "confirm"): {"new"},
    ("click-collect", "prepare"): {"confirm"},
    ("click-collect", "receive"): {"prepare"},
    ("click-collect", "reject"): {"prepare"},
    ("click-collect", "cancel"): {"new", "confirm", "prepare"},
}
"""(scheme, step) → the statuses from which it may be taken."""
_MARKED = {"deliver", "prepare"}
_CODED = {("dbs", "receive"), ("dbs", "reject")}
_THERE = {"receive": "sold", "reject": "canceled_by_client", "cancel": "canceled"}
_BECOMES = {("dbw", "deliver"): "complete"}
_PASSED = {"filled", "optional", "deadlineExceeded", "sgtinIntroduced", "uinMaySell", "imeiMaySell"}


class OtherSchemes(Dispatch):
    """The calls of the three schemes; hands are those of all orders."""

    @route("GET", _NEW + "/new")
    def list_new_of_scheme(self, _: Request, scheme: str) -> Response:
        """All orders of a scheme that nobody took up."""
        rows = [o for o in self._orders_of_scheme(scheme) if o.supplier == "new" and not o.over]
        return Response(json={"orders": [new_order(order) for order in rows]})

    @route("GET", _NEW)
    def list_ended(self, request: Request, scheme: str) -> Response:
        """Orders of a scheme whose life is over."""
        if "dateFrom" not in request.query or "dateTo" not in request.query:
            raise refusal("IncorrectParameter")
        return self.by_period(request, [order for order in self._orders_of_scheme(scheme) if order.over])

    @route("POST", "/api/v3/dbs/orders/client")
    def tell_clients(self, request: Request) -> Response:
        """Who bought; a number of his own is never told."""
        asked = self.body(request, bodies.Orders, marketplace=True)
        return Response(
            json={
                "orders": [
                    {
                        "orderID": order.id,
                        "firstName": order.client.get("name", ""),
                        "fullName": order.client.get("name", ""),
                        "replacementPhone": order.client.get("phone", ""),
                        "phone": "",
                        "phoneCode": 0,
                        "additionalPhoneCodes": [],
                    }
                    for order in self.among("dbs", asked.orders)
                    if order.client is not None
                ]
            }
        )

    # -- statuses -----------------------------------------------------------------------------------------

    @route("POST", _MANY + "/status/info")
    def tell_states_of_scheme(self, request: Request, scheme: str) -> Response:
        """Statuses by id; an id that is not known has an error in its row."""
        if scheme == "dbw":
            return self.not_found(request)
        asked = self.body(request, bodies.OrdersIds, marketplace=True)
        rows = []
        for id_ in asked.ordersIds:
            found = self.among(_name(scheme), [id_])
            rows.append(
                {"orderId": id_, "supplierStatus": found[0].supplier, "wbStatus": found[0].there}
                if found
                else {"orderId": id_, "errors": [{"code": 404, "detail": "NotFound"}]}
            )
        return Response(json={"orders": rows})

    @route("POST", "/api/v3/dbw/orders/status")
    def tell_states_of_dbw(self, request: Request) -> Response:
        """Statuses by id; ids that are not known are left out."""
        asked = self.body(request, bodies.Orders, marketplace=True)
        found = self.among("dbw", asked.orders)
        rows = [{"id": order.id, "supplierStatus": order.supplier, "wbStatus": order.there} for order in found]
        return Response(json={"orders": rows})

    @route("POST", _MANY + r"/status/(?P<step>confirm|deliver|prepare|receive|reject|cancel)")
    def take_step(self, request: Request, scheme: str, step: str) -> Response:
        """Take a step with many orders; each is answered for in its own row."""
        if (scheme, step) not in _FROM:
            return self.not_found(request)
        codes: dict[int, str] = {}
        if (scheme, step) in _CODED:
            codes = {row.orderId: row.code for row in self.body(request, bodies.CodedOrders, marketplace=True).orders}
        ids = list(codes) or self.body(request, bodies.OrdersIds, marketplace=True).ordersIds
        results = []
        for id_ in ids:
            errors = self._refuse_step(scheme, step, id_, codes.get(id_))
            results.append({"orderId": id_, "isError": bool(errors), **({"errors": errors} if errors else {})})
        return Response(json={"requestId": "0" * 32, "results": results})

    @route("PATCH", r"/api/v3/dbw/orders/(?P<number>\d+)/(?P<step>confirm|cancel)")
    def take_step_of_dbw(self, _: Request, number: str, step: str) -> Response:
        """Take a step with one order."""
        order = self.known(number, "dbw")
        if order.over or order.supplier not in ({"new"} if step == "confirm" else {"new", "confirm"}):
            raise refusal("StatusMismatch", {})
        self._take_order(order, step)
        return Response(204)

    # -- marking codes and labels -------------------------------------------------------------------------

    @route("POST", _MANY + "/meta/details")
    def tell_marks_of_scheme(self, request: Request, scheme: str) -> Response:
        """Marking codes and their check."""
        asked = self.body(request, bodies.OrdersIds, marketplace=True)
        rows = [
            {
                "orderId": order.id,
                "isError": False,
                "errors": [],
                "metaDetails": order.decisions(self.now(), self.checking),
            }
            for order in self.among(_name(scheme), asked.ordersIds)
        ]
        return Response(json={"requestId": "0" * 32, "orders": rows})

    @route("POST", _MANY + r"/meta/(?P<kind>sgtin|uin|imei|gtin)")
    def set_marks_of_scheme(self, request: Request, scheme: str, kind: str) -> Response:
        """Give orders codes of one kind; each is answered for in its own row."""
        asked = self.body(request, bodies.MarkRows, marketplace=True)
        results = []
        for row in asked.orders:
            errors = []
            try:
                self.take_mark(self.known(row.orderId, _name(scheme)), kind, row, {"confirm"})
            except Invalid as error:
                errors = [{"code": error.response.status, "detail": error.response.json["code"]}]
            results.append({"orderId": row.orderId, "isError": bool(errors), **({"errors": errors} if errors else {})})
        return Response(json={"requestId": "0" * 32, "results": results})

    @route("POST", "/api/marketplace/v3/dbs/orders/stickers")
    def labels_of_dbs(self, request: Request) -> Response:
        """Labels of orders that go to a pick-up point."""
        asked = self.body(request, bodies.Hundred, marketplace=True)
        rows = [order for order in self.among("dbs", asked.orders) if labelled(order)]
        return Response(json={"stickers": [sticker(order, "pdf") for order in rows]})

    @route("POST", "/api/v3/dbw/orders/stickers")
    def labels_of_dbw(self, request: Request) -> Response:
        """Labels of orders that Wildberries' courier fetches."""
        asked = self.body(request, bodies.Hundred, marketplace=True)
        rows = [order for order in self.among("dbw", asked.orders) if labelled(order)]
        return Response(json={"stickers": [sticker(order, request.query.get("type", "png")) for order in rows]})

    # -- how they do it -----------------------------------------------------------------------------------

    def _orders_of_scheme(self, scheme: str) -> Iterable[AssemblyOrder]:
        return [order for order in self.assembly.values() if order.scheme == _name(scheme)]

    def _refuse_step(self, scheme: str, step: str, id_: int, code: str | None) -> list[dict[str, Any]]:
        """Take a step with an order, or return why not."""
        found = self.among(_name(scheme), [id_])
        if not found:
            return [{"code": 404, "detail": "NotFound"}]
        order = found[0]
        if order.over or order.supplier not in _FROM[scheme, step] or (code is not None and code != order.code):
            return [{"code": 409, "detail": "StatusMismatch"}]
        details = [d for d in order.decisions(self.now(), self.checking) if d["decision"] not in _PASSED]
        if step in _MARKED and details:
            told = [{**one, "value": one["value"] or ""} for one in details]
            return [{"code": 409, "detail": "MetaValidationFail", "metaDetails": told}]
        self._take_order(order, step, _BECOMES.get((scheme, step), step))
        return []

    def _take_order(self, order: AssemblyOrder, step: str, becomes: str = "") -> None:
        if step == "cancel":
            self.cancelled_by_seller(order)
            return
        order.supplier, order.there = becomes or step, _THERE.get(step, order.there)
        self.written["steps"] += 1


def _name(scheme: str) -> str:
    return scheme.replace("-", "_")
