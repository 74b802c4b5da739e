"""Supplies of FBS orders, their boxes, and labels."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from connectors.wildberries.sandbox import order_bodies as bodies
from connectors.wildberries.sandbox.assembly_orders import AssemblyOrder
from connectors.wildberries.sandbox.cabinet import stamp
from connectors.wildberries.sandbox.orders import MOST, OrderBook, refusal
from obmen.testing.sandbox import Request, Response, route

_FIRST = 92_937_001
_PASSED = {
    "filled",
    "optional",
    "deadlineExceeded",
    "imeiMaySell",
    "uinMaySell",
    "sgtinIntroduced",
    "sgtinSoldB2B",
    "imeiSoldB2B",
}
_FORMATS = {"svg", "zplv", "zplh", "png"}
_UNNUMBERED = {"partA": "", "partB": "", "barcode": "", "file": ""}
_SIZES = {("58", "40"), ("40", "30")}


@dataclass
class Supply:
    """A supply: its kind is that of the first order that was put into it."""

    id: str
    name: str
    created_at: float
    closed_at: float | None = None
    boxes: list[str] = field(default_factory=list)


class Dispatch(OrderBook):
    """Supplies and labels.

    ``track_numbers`` False: a carrier abroad has not numbered its parcels yet.
    """

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.supplies: dict[str, Supply] = {}
        self.track_numbers = True
        self._next_supply = _FIRST

    def state(self) -> dict[str, Any]:
        """Return also the supplies by id, with their orders."""
        supplies = {
            supply.id: {
                "name": supply.name,
                "done": supply.closed_at is not None,
                "orders": [order.id for order in self._orders_inside(supply)],
                "boxes": len(supply.boxes),
            }
            for supply in self.supplies.values()
        }
        return {**super().state(), "supplies": supplies}

    # -- supplies -----------------------------------------------------------------------------------------

    @route("POST", "/api/v3/supplies")
    def make_supply(self, request: Request) -> Response:
        """Make an empty supply."""
        asked = self.body(request, bodies.SupplyName, marketplace=True)
        supply = Supply(f"WB-GI-{self._next_supply}", asked.name, self.now())
        self._next_supply += 1
        self.supplies[supply.id] = supply
        self.written["supplies"] += 1
        return Response(201, {"id": supply.id})

    @route("GET", "/api/v3/supplies")
    def list_supplies(self, request: Request) -> Response:
        """Supplies in the order of their making."""
        try:
            limit, after = int(request.query["limit"]), int(request.query["next"])
        except (KeyError, ValueError):
            raise refusal("IncorrectParameter") from None
        if not 1 <= limit <= MOST:
            raise refusal("IncorrectParameter")
        rows = list(self.supplies.values())[after : after + limit]
        more = after + limit < len(self.supplies)
        return Response(
            json={"next": after + limit if more else 0, "supplies": [self._supply_shown(row) for row in rows]}
        )

    @route("GET", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)")
    def get_supply(self, _: Request, id_: str) -> Response:
        """One supply."""
        return Response(json=self._supply_shown(self._known_supply(id_)))

    @route("DELETE", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)")
    def delete_supply(self, _: Request, id_: str) -> Response:
        """Only an empty one may go."""
        if self._orders_inside(self._known_supply(id_)):
            raise refusal("SupplyHasOrders")
        del self.supplies[id_]
        return Response(204)

    @route("GET", r"/api/marketplace/v3/supplies/(?P<id_>WB-GI-\d+)/order-ids")
    def list_inside(self, _: Request, id_: str) -> Response:
        """The orders of a supply."""
        return Response(json={"orderIds": [order.id for order in self._orders_inside(self._known_supply(id_))]})

    @route("PATCH", r"/api/marketplace/v3/supplies/(?P<id_>WB-GI-\d+)/orders")
    def put_into(self, request: Request, id_: str) -> Response:
        """Put orders into an open supply, all or none: of one warehouse, one size of cargo, one side of the border."""
        asked = self.body(request, bodies.Hundred, marketplace=True)
        supply = self._known_supply(id_)
        orders = [self.known(number, "fbs") for number in asked.orders]
        kinds = {_kind(order) for order in (*orders, *self._orders_inside(supply))}
        free = all(not order.over and order.supplier in {"new", "confirm"} for order in orders)
        if supply.closed_at is not None or len(kinds) > 1 or not free:
            raise refusal("FailedToAddSupplyOrder")
        for order in orders:
            order.supplier, order.supply = "confirm", id_
        self.written["supplied"] += len(orders)
        return Response(204)

    @route("PATCH", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)/deliver")
    def hand_over(self, _: Request, id_: str) -> Response:
        """Close a supply: every code must be there and have passed its check."""
        supply = self._known_supply(id_)
        inside = self._orders_inside(supply)
        if not inside or supply.closed_at is not None:
            raise refusal("SupplyHasZeroOrders")
        wrong = []
        for order in inside:
            details = [d for d in order.decisions(self.now(), self.checking) if d["decision"] not in _PASSED]
            if details:
                wrong.append({"id": order.id, "metaDetails": details})
        if wrong:
            raise refusal("MetaValidationFail", {"orders": wrong})
        supply.closed_at = self.now()
        for order in inside:
            order.supplier = "complete"
        self.written["deliveries"] += 1
        return Response(204)

    # -- labels -------------------------------------------------------------------------------------------

    @route("GET", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)/barcode")
    def supply_label(self, request: Request, id_: str) -> Response:
        """The code of a supply that was handed over."""
        supply = self._known_supply(id_)
        if request.query.get("type") not in _FORMATS:
            raise refusal("IncorrectParameter")
        if supply.closed_at is None:
            raise refusal("SupplyNotClosed")
        return Response(json={"barcode": id_, "file": _file(id_, request.query["type"])})

    @route("POST", r"/api/v3/orders/stickers")
    def order_labels(self, request: Request) -> Response:
        """Labels of orders in assembly or on their way; the others are left out."""
        asked = self.body(request, bodies.Hundred, marketplace=True)
        kind = _checked(request)
        rows = [order for order in self.among("fbs", asked.orders) if labelled(order) and not order.border]
        return Response(json={"stickers": [sticker(order, kind) for order in rows]})

    @route("POST", r"/api/v3/orders/stickers/cross-border")
    def labels_abroad(self, request: Request) -> Response:
        """Labels of orders that cross the border, once the carrier has numbered them."""
        asked = self.body(request, bodies.Hundred, marketplace=True)
        rows = [order for order in self.among("fbs", asked.orders) if labelled(order) and order.border]
        ready = self.track_numbers
        return Response(
            json={
                "stickers": [
                    {
                        **(sticker(order, "pdf") if ready else {"orderId": order.id, **_UNNUMBERED}),
                        "status": "ready" if ready else "awaitingTrackNumber",
                        "parcelId": f"WB{order.id}" if ready else "",
                    }
                    for order in rows
                ]
            }
        )

    # -- boxes --------------------------------------------------------------------------------------------

    @route("GET", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)/trbx")
    def list_boxes(self, _: Request, id_: str) -> Response:
        """The boxes of a supply."""
        return Response(json={"trbxes": [{"id": box} for box in self._known_supply(id_).boxes]})

    @route("POST", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)/trbx")
    def add_boxes(self, request: Request, id_: str) -> Response:
        """Add boxes to an open supply: as many as it has goods, and one more."""
        asked = self.body(request, bodies.Boxes, marketplace=True)
        supply = self._known_supply(id_)
        if supply.closed_at is not None or len(supply.boxes) + asked.amount > len(self._orders_inside(supply)) + 1:
            raise refusal("IncorrectParameter")
        made = [f"WB-TRBX-{id_[6:]}{len(supply.boxes) + n}" for n in range(asked.amount)]
        supply.boxes += made
        return Response(201, {"trbxIds": made})

    @route("POST", r"/api/v3/supplies/(?P<id_>WB-GI-\d+)/trbx/stickers")
    def box_labels(self, request: Request, id_: str) -> Response:
        """Labels of boxes."""
        asked = self.body(request, bodies.BoxIds, marketplace=True)
        boxes = [box for box in asked.trbxIds if box in self._known_supply(id_).boxes]
        kind = request.query.get("type", "")
        if kind not in _FORMATS or not boxes:
            raise refusal("IncorrectParameter")
        return Response(json={"stickers": [{"barcode": f"$WBMP:{box}", "file": _file(box, kind)} for box in boxes]})

    def _known_supply(self, id_: str) -> Supply:
        if id_ not in self.supplies:
            raise refusal("NotFound")
        return self.supplies[id_]

    def _orders_inside(self, supply: Supply) -> list[AssemblyOrder]:
        return [order for order in self.assembly.values() if order.supply == supply.id]

    def _supply_shown(self, supply: Supply) -> dict[str, Any]:
        first = next(iter(self._orders_inside(supply)), None)
        return {
            "id": supply.id,
            "isB2b": first.business if first else None,
            "isPickupPointShipmentAllowed": True,
            "done": supply.closed_at is not None,
            "createdAt": stamp(supply.created_at),
            "closedAt": stamp(supply.closed_at) if supply.closed_at is not None else None,
            "scanDt": None,
            "name": supply.name,
            "cargoType": first.cargo if first else 0,
            "crossBorderType": first.border if first else None,
            "destinationOfficeId": None,
            "recommendedWhId": 0,
        }


def labelled(order: AssemblyOrder) -> bool:
    """Whether there is a label for an order now."""
    return not order.over and order.supplier in {"confirm", "complete", "deliver"}


def sticker(order: AssemblyOrder, kind: str) -> dict[str, Any]:
    """A label as the lists of labels show it."""
    parts = {"partA": str(order.id)[:6], "partB": str(order.id)[6:], "barcode": f"!{order.id}"}
    return {"orderId": order.id, **parts, "file": _file(str(order.id), kind)}


def _kind(order: AssemblyOrder) -> tuple[int, int, int, bool]:
    return order.warehouse_id, order.cargo, order.border, order.business


def _checked(request: Request) -> str:
    kind = request.query.get("type", "")
    if kind not in _FORMATS or (request.query.get("width", ""), request.query.get("height", "")) not in _SIZES:
        raise refusal("IncorrectParameter")
    return kind


def _file(what: str, kind: str) -> str:
    return base64.b64encode(f"{kind} of {what}".encode()).decode()
