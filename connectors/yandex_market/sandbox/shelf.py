"""Stock: what the seller says, what orders take of it, and what is seen of both."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.yandex_market.sandbox.cabinet import Cabinet, Invalid, Shop, ok
from connectors.yandex_market.sandbox.offers import Level, Offer
from obmen.testing.sandbox import Request, Response, route

_DAY = 86400.0
RETURNS_WAREHOUSE = 9000


class Count(Struct):
    """One of ``items``."""

    count: Annotated[int, Meta(ge=0, le=2_000_000_000)]
    updatedAt: datetime | None = None  # noqa: N815 - Market's own name


class Sku(Struct):
    """One of ``skus``."""

    sku: Annotated[str, Meta(min_length=1, max_length=255)]
    items: Annotated[list[Count], Meta(min_length=1, max_length=1)]


class SetStocks(Struct):
    """``updateStocks``."""

    skus: Annotated[list[Sku], Meta(min_length=1, max_length=2000)]


class GetStocks(Struct):
    """``getStocks``."""

    offerIds: Annotated[list[str], Meta(min_length=1, max_length=500)] | None = None  # noqa: N815 - Market's own name
    archived: bool = False


class Shelf(Cabinet):
    """The calls about stock, and hands that move goods as orders do.

    An article that the catalogue does not hold to the letter is passed over without a word, and so is what is
    older than the last known. Warehouses of one group share one stock.
    """

    def stock(self, offer_id: str, campaign: int) -> dict[str, int]:
        """Return what may be sold and what is promised, as taken, seen yet or not."""
        level = self.level(self.offers[offer_id], self.shops[campaign])
        return {"free": level.free.last or 0, "reserved": level.reserved}

    def reserve(self, offer_id: str, campaign: int, quantity: int) -> None:
        """Promise goods to a buyer: they may no longer be sold."""
        self._move_stock(offer_id, campaign, -quantity, quantity)

    def release(self, offer_id: str, campaign: int, quantity: int) -> None:
        """Take a promise back, as a cancellation before the shipment does."""
        self._move_stock(offer_id, campaign, quantity, -quantity)

    def take_away(self, offer_id: str, campaign: int, quantity: int) -> None:
        """Let promised goods leave."""
        self._move_stock(offer_id, campaign, 0, -quantity)

    def forgotten_return(self, offer_id: str, quantity: int) -> None:
        """Let goods that came back lie in Market's warehouse of returns, which is then told beside the seller's."""
        self.returned[offer_id] = quantity

    def level(self, offer: Offer, shop: Shop) -> Level:
        """Return the stock of an offer in a shop's warehouse."""
        place = f"w{shop.warehouse_id}" if shop.group is None else f"g{shop.group}"
        return offer.stocks.setdefault(place, Level())

    def reset(self) -> None:
        """Empty the warehouse of returns too."""
        super().reset()
        self.returned: dict[str, int] = {}

    def state(self) -> dict[str, Any]:
        """Add stock: article → warehouse → free and reserved."""
        stocks = {
            offer_id: {shop.warehouse: self.stock(offer_id, shop.id) for shop in self.shops.values()}
            for offer_id in self.offers
        }
        return {**super().state(), "stocks": stocks}

    @route("PUT", r"/v2/campaigns/(?P<campaign>\d+)/offers/stocks")
    def set_stocks(self, request: Request, campaign: str) -> Response:
        """``updateStocks``."""
        asked, shop, now = self.body(request, SetStocks), self.shops[int(campaign)], self.now()
        seen: set[str] = set()
        for row in asked.skus:
            if row.sku.strip() in seen:
                raise Invalid(f"Duplicate shop-sku '{row.sku}' for warehouse '{shop.warehouse_id}'")
            seen.add(row.sku.strip())
            at = row.items[0].updatedAt
            if at is not None and at.timestamp() > now:
                raise Invalid(f"Stock for '{row.sku}' should not be in the future")
            if at is not None and at.timestamp() < now - _DAY:
                raise Invalid(f"Stock for '{row.sku}' should not be older than a day")
        for row in asked.skus:
            self._take_stock(row, shop, now)
        return ok()

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/offers/stocks")
    def get_stocks(self, request: Request, campaign: str) -> Response:
        """``getStocks``."""
        asked, shop = self.body(request, GetStocks), self.shops[int(campaign)]
        paging: dict[str, str] = {}
        if asked.offerIds is not None:
            rows = [self.offers[id_] for id_ in asked.offerIds if id_ in self.offers]
        else:
            chosen = [offer for offer in self.offers.values() if offer.archived == asked.archived]
            rows, paging = self.page(request, chosen, 200)
        own = [self._stock_of(offer, self.level(offer, shop)) for offer in rows]
        back = [
            {"offerId": offer.offer_id, "stocks": [{"type": "FIT", "count": self.returned[offer.offer_id]}]}
            for offer in rows
            if offer.offer_id in self.returned
        ]
        warehouses = [{"warehouseId": shop.warehouse_id, "offers": own}]
        if back:
            warehouses.insert(0, {"warehouseId": RETURNS_WAREHOUSE, "offers": back})
        return ok({"paging": paging, "warehouses": warehouses})

    def _take_stock(self, row: Sku, shop: Shop, now: float) -> None:
        offer = self.offers.get(row.sku.strip())
        if offer is None:
            return
        level = self.level(offer, shop)
        at = row.items[0].updatedAt
        moment = now if at is None else at.timestamp()
        if moment < level.updated_at:
            return
        level.updated_at = moment
        level.free.put(row.items[0].count, now + self.settle)
        self.written["stocks"] += 1

    def _stock_of(self, offer: Offer, level: Level) -> dict[str, Any]:
        free = level.free.seen(self.now())
        if free is None:
            return {"offerId": offer.offer_id, "stocks": []}
        counts = {"FIT": free + level.reserved, "FREEZE": level.reserved, "AVAILABLE": free}
        return {
            "offerId": offer.offer_id,
            "stocks": [{"type": kind, "count": count} for kind, count in counts.items()],
            "updatedAt": self.stamp(level.updated_at),
        }

    def _move_stock(self, offer_id: str, campaign: int, free: int, reserved: int) -> None:
        level = self.level(self.offers[offer_id], self.shops[campaign])
        level.reserved = max(level.reserved + reserved, 0)
        level.free.taken = [(at, max(count + free, 0)) for at, count in level.free.taken]
