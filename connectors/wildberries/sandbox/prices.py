"""Prices: uploads that are worked on later, each good answered for itself, and the price quarantine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.wildberries.sandbox import bodies
from connectors.wildberries.sandbox.cabinet import Card, content_error, stamp
from connectors.wildberries.sandbox.promotions import Promotions, sold
from obmen.testing.sandbox import Request, Response, route

_LIMIT, _FIRST_UPLOAD = 1000, 395_000_001
_PROCESSING, _DONE, _CANCELLED, _PARTLY, _FAILED = 1, 3, 4, 5, 6
_GOOD, _BAD = 2, 3
_TIMES = 3
_QUARANTINED = "The new price is several times lower than the current price. Item has been moved to Price Quarantine"
_ON_SALE = "You can't change the item price. Item was added to the Sale due to high inventory"


@dataclass
class Upload:
    """An upload of prices: what was asked, when it is worked on, and what became of each good."""

    number: int
    asked: list[bodies.PriceRow]
    made_at: float
    due_at: float
    status: int = _PROCESSING
    rows: list[dict[str, Any]] = field(default_factory=list)


class Prices(Promotions):
    """The calls about prices.

    Custom faults: ``price_error`` (the first good of an upload keeps its price), ``cancelled_upload``.
    """

    def reset(self) -> None:
        """Forget uploads too."""
        super().reset()
        self.price_uploads: dict[int, Upload] = {}
        self.on_sale: set[int] = set()

    # -- hands --------------------------------------------------------------------------------------------

    def confirm_price(self, nm_id: int) -> None:
        """Let a price out of the quarantine, as a person does in the cabinet."""
        card = self.cards[nm_id]
        if card.held is not None:
            (card.price, card.discount), card.held = card.held, None

    # -- calls --------------------------------------------------------------------------------------------

    @route("POST", "/api/v2/upload/task")
    def upload_prices(self, request: Request) -> Response:
        """Prices to be set, in a while; the same rows again are the same upload."""
        rows = self.body(request, bodies.Prices).data
        refused = self._price_refusal(rows)
        if refused is not None:
            return refused
        same = next(
            (one for one in self.price_uploads.values() if one.asked == rows and one.status == _PROCESSING), None
        )
        if same is not None:
            told = {"id": same.number, "alreadyExists": True}
            return Response(208, {"data": told, "error": False, "errorText": "This task already exists"})
        number = _FIRST_UPLOAD + len(self.price_uploads)
        upload = Upload(number, rows, self.now(), self.now() + self.pace.pricing)
        self.price_uploads[number] = upload
        if self.fault("cancelled_upload"):
            upload.status = _CANCELLED
        if self.fault("price_error"):
            self.on_sale.add(rows[0].nmID)
        return Response(json={"data": {"id": number, "alreadyExists": False}, "error": False, "errorText": ""})

    @route("GET", "/api/v2/history/tasks")
    def upload_state(self, request: Request) -> Response:
        """What became of an upload; nothing while it is worked on."""
        self.set_prices_due()
        upload = self.price_uploads.get(int(request.query.get("uploadID", "0")))
        if upload is None or upload.status == _PROCESSING:
            return Response(json={"data": None, "error": False, "errorText": ""})
        told = {
            "uploadID": upload.number,
            "status": upload.status,
            "uploadDate": stamp(upload.made_at),
            "activationDate": stamp(upload.due_at),
            "overAllGoodsNumber": len(upload.asked),
            "successGoodsNumber": sum(row["status"] == _GOOD for row in upload.rows),
        }
        return Response(json={"data": told, "error": False, "errorText": ""})

    @route("GET", "/api/v2/history/goods/task")
    def upload_rows(self, request: Request) -> Response:
        """What became of each good of an upload."""
        upload = self.price_uploads.get(int(request.query.get("uploadID", "0")))
        if upload is None or "limit" not in request.query:
            return _no("Invalid request parameters")
        offset = int(request.query.get("offset", "0"))
        rows = upload.rows[offset : offset + min(int(request.query["limit"]), _LIMIT)]
        return Response(json={"data": {"uploadID": upload.number, "historyGoods": rows}})

    @route("GET", "/api/v2/list/goods/filter")
    def list_prices(self, request: Request) -> Response:
        """Prices of every card that is not in the trash."""
        if "limit" not in request.query or not 0 < int(request.query["limit"]) <= _LIMIT:
            return _no("Invalid request parameters")
        offset, limit = int(request.query.get("offset", "0")), int(request.query["limit"])
        return self._goods(self._priced()[offset : offset + limit])

    @route("POST", "/api/v2/list/goods/filter")
    def find_prices(self, request: Request) -> Response:
        """Prices of some cards."""
        wanted = set(self.body(request, bodies.PricesOf).nmList)
        return self._goods([card for card in self._priced() if card.nm_id in wanted])

    @route("GET", "/api/v2/quarantine/goods")
    def quarantine(self, request: Request) -> Response:
        """Prices that wait for a person."""
        self.set_prices_due()
        rows = [
            {
                "nmID": card.nm_id,
                "sizeID": None,
                "techSizeName": "",
                "currencyIsoCode4217": self.currency,
                "newPrice": card.held[0],
                "oldPrice": card.price,
                "newDiscount": card.held[1],
                "oldDiscount": card.discount,
                "priceDiff": sold(*card.held) - sold(card.price, card.discount),
            }
            for card in self.cards.values()
            if card.held is not None
        ]
        offset, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "1000"))
        told = {"quarantineGoods": rows[offset : offset + limit]}
        return Response(json={"data": told, "error": False, "errorText": ""})

    # -- inside -------------------------------------------------------------------------------------------

    def set_prices_due(self) -> None:
        """Work on the uploads whose time has come."""
        self.run_promotions()
        for upload in self.price_uploads.values():
            if upload.status == _PROCESSING and upload.due_at <= self.now():
                upload.rows = [self._set_price(row) for row in upload.asked]
                good = sum(row["status"] == _GOOD for row in upload.rows)
                upload.status = _DONE if good == len(upload.rows) else _PARTLY if good else _FAILED

    def _set_price(self, row: bodies.PriceRow) -> dict[str, Any]:
        card = self.cards[row.nmID]
        price = card.price if row.price is None else row.price
        discount = card.discount if row.discount is None else row.discount
        fault = ""
        if card.nm_id in self.on_sale:
            fault = _ON_SALE
        elif card.price and sold(price, discount) * _TIMES <= sold(card.price, card.discount):
            fault, card.held = _QUARANTINED, (price, discount)
        else:
            card.price, card.discount, card.held = price, discount, None
            self.written["prices"] += 1
            self.leave_promotions(card)
        return {
            "nmID": card.nm_id,
            "vendorCode": card.vendor_code,
            "sizeID": None,
            "techSizeName": "",
            "price": price,
            "currencyIsoCode4217": self.currency,
            "discount": discount,
            "clubDiscount": None,
            "status": _BAD if fault else _GOOD,
            "errorText": fault,
        }

    def _price_refusal(self, rows: list[bodies.PriceRow]) -> Response | None:
        if not 0 < len(rows) <= _LIMIT:
            return _no("Upload limit exceeded: You can upload a maximum of 1 000 items")
        if len({row.nmID for row in rows}) < len(rows):
            return _no("Duplicate item Nos.")
        if any(row.price is None and row.discount is None for row in rows):
            return _no("Price and discount not specified")
        known = {card.nm_id for card in self._priced()}
        if any(row.nmID not in known for row in rows):
            return _no("Invalid item No.")
        if all(
            (row.price, row.discount) == (self.cards[row.nmID].price, self.cards[row.nmID].discount) for row in rows
        ):
            return _no("The specified prices and discounts are already set")
        return None

    def _priced(self) -> list[Card]:
        self.set_prices_due()
        cards = [card for card in self.cards.values() if card.trashed_at is None and card.synced_at <= self.now()]
        return sorted(cards, key=lambda card: card.nm_id)

    def _goods(self, cards: list[Card]) -> Response:
        goods = [
            {
                "nmID": card.nm_id,
                "vendorCode": card.vendor_code,
                "sizes": [
                    {
                        "sizeID": size.chrt_id,
                        "price": card.price,
                        "discountedPrice": sold(card.price, card.discount),
                        "clubDiscountedPrice": sold(card.price, card.discount),
                        "techSizeName": size.tech_size,
                    }
                    for size in card.sizes
                ],
                "currencyIsoCode4217": self.currency,
                "discount": card.discount,
                "clubDiscount": 0,
                "editableSizePrice": False,
                "isBadTurnover": card.nm_id in self.on_sale,
            }
            for card in cards
        ]
        return Response(json={"data": {"listGoods": goods}, "error": False, "errorText": ""})


def _no(text: str) -> Response:
    refused = content_error(400, text)
    del refused.json["additionalErrors"]
    return refused
