"""FBO: orders that Ozon takes from its own warehouses; a seller can only read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.cabinet import Invalid, offset, stamp
from connectors.ozon.sandbox.notifications import Notifications
from obmen.testing.sandbox import Request, Response, route

_FIRST_ORDER = 52_000_000
_YEAR = timedelta(days=365)


class Fbo(Notifications):
    """The list of FBO postings, and what befalls them.

    Custom fault: ``endless_fbo`` (more is promised without a cursor).
    """

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.fbo: dict[str, dict[str, Any]] = {}

    def place_fbo_order(self, lines: Mapping[str, int], status: str = "awaiting_packaging") -> str:
        """A buyer orders what lies in Ozon's warehouse; return the posting's number."""
        with self.lock:
            order = f"{_FIRST_ORDER + len(self.fbo)}-0001"
            goods = [(self.products[offer_id], quantity) for offer_id, quantity in lines.items()]
            self.fbo[f"{order}-1"] = {
                "posting_number": f"{order}-1",
                "order_number": order,
                "order_id": 44_000_000_000 + len(self.fbo),
                "status": status,
                "created_at": stamp(self.now()),
                "in_process_at": stamp(self.now()),
                "products": [
                    {
                        "offer_id": product.offer_id,
                        "name": product.card.get("name", ""),
                        "sku": product.sku,
                        "quantity": quantity,
                        "price": {"amount": f"{product.price:.2f}", "currency": product.currency},
                    }
                    for product, quantity in goods
                ],
            }
            return f"{order}-1"

    def move_fbo(self, number: str, status: str) -> None:
        """Put an FBO posting into a status, as its life goes on."""
        with self.lock:
            self.fbo[number]["status"] = status

    @route("POST", "/v3/posting/fbo/list")
    def list_fbo(self, request: Request) -> Response:
        """``PostingFboList``."""
        asked = self.body(request, bodies.FboList)
        wanted = asked.filter
        if wanted.since is None or wanted.to is None or wanted.to - wanted.since > _YEAR:
            raise Invalid("PERIOD_IS_TOO_LONG: a year at most")
        begin, end = stamp(wanted.since.timestamp()), stamp(wanted.to.timestamp())
        chosen = [
            one
            for one in self.fbo.values()
            if begin <= one["in_process_at"] <= end
            and (not wanted.posting_numbers or one["posting_number"] in wanted.posting_numbers)
            and (not wanted.statuses or one["status"] in wanted.statuses)
        ]
        if self.fault("endless_fbo"):
            return Response(json={"cursor": "", "has_next": True, "postings": []})
        start = offset(asked.cursor)
        told = chosen[start : start + asked.limit]
        more = start + len(told) < len(chosen)
        return Response(json={"cursor": str(start + len(told)) if more else "", "has_next": more, "postings": told})
