"""FBW: what is sold out of Wildberries' own warehouses, as its statistics tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from connectors.wildberries.sandbox.cabinet import Card, Invalid
from connectors.wildberries.sandbox.orders import OrderBook
from obmen.testing.sandbox import Request, Response, route

_MOSCOW = timezone(timedelta(hours=3))
_OWN, _SELLERS = "Склад WB", "Склад продавца"
_NEVER = "0001-01-01T00:00:00"


@dataclass
class Unit:
    """One unit that somebody ordered; times are Unix seconds."""

    srid: str
    card: Card
    at: float
    changed_at: float
    cancelled_at: float | None = None
    sold_at: float | None = None
    back_at: float | None = None
    warehouse_type: str = _OWN


class Statistics(OrderBook):
    """Hands: ``place_fbw_order``, ``cancel_fbw``, ``sell_fbw``, ``take_back_fbw``.

    ``page``: how many rows an answer has at most.
    """

    page = 80_000

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.units: dict[str, Unit] = {}

    def place_fbw_order(self, article: str) -> str:
        """A buyer orders what lies in Wildberries' warehouse; return the order's ``srid``."""
        with self.lock:
            card = next(card for card in self.cards.values() if card.vendor_code == article)
            srid = f"eb.r{len(self.units):030x}.0.0"
            self.units[srid] = Unit(srid, card, self.now(), self.now())
            return srid

    def cancel_fbw(self, srid: str) -> None:
        """The buyer does not want it."""
        with self.lock:
            unit = self.units[srid]
            unit.cancelled_at = unit.changed_at = self.now()

    def sell_fbw(self, srid: str) -> None:
        """The buyer takes it."""
        with self.lock:
            unit = self.units[srid]
            unit.sold_at = unit.changed_at = self.now()

    def take_back_fbw(self, srid: str) -> None:
        """The buyer gives it back into Wildberries' warehouse."""
        with self.lock:
            self.units[srid].back_at = self.now()

    @route("GET", "/api/v1/supplier/orders")
    def list_ordered(self, request: Request) -> Response:
        """Units that were ordered, by the time of their last change, the sellers' own warehouses among them."""
        rows = [
            {
                **_row(one, one.at, one.changed_at),
                "isCancel": one.cancelled_at is not None,
                "cancelDate": _NEVER if one.cancelled_at is None else _local(one.cancelled_at),
            }
            for one in [*self.units.values(), *self._assembled()]
        ]
        return self._page(request, rows)

    @route("GET", "/api/v1/supplier/sales")
    def list_sold(self, request: Request) -> Response:
        """Units that were sold, and those that came back."""
        rows = []
        for number, one in enumerate(self.units.values()):
            for letter, at in (("S", one.sold_at), ("R", one.back_at)):
                if at is not None:
                    money = {"saleID": f"{letter}{number:010d}", "forPay": 500.5, "paymentSaleAmount": 0}
                    rows.append({**_row(one, at, at), **money})
        return self._page(request, rows)

    def _assembled(self) -> list[Unit]:
        return [
            Unit(order.rid, order.card, order.created_at, order.created_at, warehouse_type=_SELLERS)
            for order in self.assembly.values()
        ]

    def _page(self, request: Request, rows: list[dict[str, Any]]) -> Response:
        since = request.query.get("dateFrom", "")
        try:
            datetime.fromisoformat(since)
        except ValueError:
            raise Invalid(Response(400, {"errors": ["dateFrom: Field required"]})) from None
        rows = sorted((row for row in rows if row["lastChangeDate"] >= since), key=lambda row: row["lastChangeDate"])
        return Response(json=rows[: self.page])


def _local(moment: float) -> str:
    return datetime.fromtimestamp(moment, _MOSCOW).replace(tzinfo=None).isoformat(timespec="seconds")


def _row(unit: Unit, at: float, changed_at: float) -> dict[str, Any]:
    card, price = unit.card, unit.card.price * (100 - unit.card.discount) / 100
    return {
        "date": _local(at),
        "lastChangeDate": _local(changed_at),
        "warehouseName": "Образцово",
        "warehouseType": unit.warehouse_type,
        "countryName": "Россия",
        "oblastOkrugName": "Примерский округ",
        "regionName": "Примерская область",
        "supplierArticle": card.vendor_code,
        "nmId": card.nm_id,
        "barcode": card.sizes[0].skus[0],
        "category": "Посуда",
        "subject": "Кружки",
        "brand": card.brand,
        "techSize": card.sizes[0].tech_size,
        "incomeID": 0,
        "isSupply": False,
        "isRealization": True,
        "totalPrice": card.price,
        "discountPercent": card.discount,
        "spp": 0,
        "finishedPrice": price,
        "priceWithDisc": price,
        "sticker": "926912515",
        "gNumber": "34343462218572569531",
        "srid": unit.srid,
    }
