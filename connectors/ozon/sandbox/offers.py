"""Prices and stock: absolute sets, each row answered for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Invalid, Level, Product, offset
from connectors.ozon.sandbox.promotions import Promotions
from connectors.ozon.sandbox.shapes import stock_row
from obmen.testing.sandbox import Request, Response, route

AUTO = "auto_action_enabled"
SWITCHES = (AUTO, "auto_add_to_ozon_actions_list_enabled", "price_strategy_enabled")
CURRENCY_DIFFERS = "currency_differs_from_cabinet"
_AMOUNT = re.compile(r"-?\d+(\.\d{1,2})?\Z")
_LOW, _TOP = Decimal(400), Decimal(10_000)
_TOO_MUCH = 1_000_000
_HOUR = 3600.0
Fault = tuple[str, str]


class Offers(Promotions):
    """The calls about prices and stock.

    Custom faults: ``item_error`` (the first row is refused for good), ``silent_row`` (the first row is done
    but not mentioned).
    """

    @route("POST", "/v1/product/import/prices")
    def set_prices(self, request: Request) -> Response:
        """``ProductAPI_ImportProductsPrices``."""
        rows = []
        for index, row in enumerate(self.body(request, bodies.SetPrices).prices):
            product = self._named(row.offer_id, row.product_id)
            faults = list(self._price_faults(product, row))
            if index == 0 and self.fault("item_error"):
                faults.append(("price_out_of_range", "the price is out of its category's range"))
            if product is not None and not faults:
                self._set_price(product, row)
            rows.append(_answer(product, row.offer_id, faults))
        return Response(json={"result": rows[1:] if self.fault("silent_row") else rows})

    @route("POST", "/v5/product/info/prices")
    def read_prices(self, request: Request) -> Response:
        """``ProductAPI_GetProductInfoPrices``: amounts are numbers here."""
        asked = self.body(request, bodies.ReadPrices)
        chosen = self.chosen(asked.filter)
        begin = offset(asked.cursor)
        told = chosen[begin : begin + asked.limit]
        more = begin + len(told) < len(chosen)
        items = [
            {
                "offer_id": product.offer_id,
                "product_id": product.product_id,
                "price": {
                    "price": product.price,
                    "old_price": product.old_price,
                    "min_price": product.min_price,
                    "currency_code": product.currency,
                    "auto_action_enabled": AUTO in product.automatic,
                    "auto_add_to_ozon_actions_list_enabled": "auto_add_to_ozon_actions_list_enabled"
                    in product.automatic,
                    "marketing_seller_price": self.live_price(product),
                },
                "marketing_actions": self.actions_of(product),
                "volume_weight": 0,
            }
            for product in told
        ]
        cursor = str(begin + len(told)) if more else ""
        return Response(json={"cursor": cursor, "items": items, "total": len(chosen)})

    @route("POST", "/v2/products/stocks")
    def set_stocks(self, request: Request) -> Response:
        """``ProductAPI_ProductsStocksV2``: what may be sold, without what is reserved."""
        limit = self.limits.stock_calls_per_minute
        if limit is not None:
            if self._stock_calls.room(self.now(), limit) <= 0:
                raise Invalid("You have reached request rate limit per minute", 429)
            self._stock_calls.take(self.now())
        rows = []
        for index, row in enumerate(self.body(request, bodies.SetStocks).stocks):
            product = self._named(row.offer_id, row.product_id)
            faults = list(self._stock_faults(product, row))
            if index == 0 and self.fault("item_error"):
                faults.append(("OVER_MAX_OVH_NON_KGT", "the goods are too large for this warehouse"))
            if product is not None and not faults:
                level = product.stocks.setdefault(row.warehouse_id, Level())
                level.free, level.set_at = row.stock, self.now()
                self.written["stocks"] += 1
            rows.append({**_answer(product, row.offer_id, faults), "warehouse_id": row.warehouse_id})
        return Response(json={"result": rows[1:] if self.fault("silent_row") else rows})

    @route("POST", "/v2/product/info/stocks-by-warehouse/fbs")
    def read_stocks(self, request: Request) -> Response:
        """``ProductAPI_GetProductInfoStocksByWarehouseFbsV2``: pairs that were ever set."""
        asked = self.body(request, bodies.ReadStocks)
        if bool(asked.offer_id) == bool(asked.sku):
            raise Invalid("use one of offer_id and sku")
        names = {id_: name for name, id_ in self.warehouses.items()}
        skus = set(asked.sku)
        found = [self.products[offer_id] for offer_id in asked.offer_id if offer_id in self.products]
        found += [product for product in self.products.values() if str(product.sku) in skus]
        pairs = [
            stock_row(product, id_, names[id_], level)
            for product in found
            for id_, level in sorted(product.stocks.items())
        ]
        begin = offset(asked.cursor)
        told = pairs[begin : begin + asked.limit]
        more = begin + len(told) < len(pairs)
        cursor = str(begin + len(told)) if more else ""
        return Response(json={"cursor": cursor, "has_next": more, "products": told})

    def _named(self, offer_id: str, product_id: int) -> Product | None:
        return self.products.get(offer_id) if offer_id else self.by_id.get(product_id)

    def _price_faults(self, product: Product | None, row: bodies.PriceRow) -> Iterator[Fault]:
        if product is None:
            yield "NOT_FOUND_ERROR", "no such product in the cabinet"
            return
        price = money(row.price)
        old = product.old_price if row.old_price is None else money(row.old_price or "0")
        lowest = product.min_price if row.min_price is None else money(row.min_price or "0")
        if price is None or old is None or lowest is None:
            yield "invalid_price", "an amount needs a dot and two decimals at most"
            return
        if row.currency_code != self.currency:
            yield CURRENCY_DIFFERS, f"the cabinet is in {self.currency}"
        yield from price_faults(price, old, lowest)
        if lowest != product.min_price and AUTO in product.automatic and row.auto_action_enabled != "DISABLED":
            yield "action_price_enabled_min_price_missing", "promotions join by themselves: switch that off first"
        limit = self.limits.price_updates_per_hour
        if limit is not None:
            while product.priced_at and self.now() - product.priced_at[0] >= _HOUR:
                product.priced_at.popleft()
            if len(product.priced_at) >= limit:
                yield "error limiting", "acquire limit per item: items limit: limit exceeded"

    def _set_price(self, product: Product, row: bodies.PriceRow) -> None:
        product.price = Decimal(row.price)
        if row.old_price is not None:
            product.old_price = Decimal(row.old_price or "0")
        if row.min_price is not None:
            product.min_price = Decimal(row.min_price or "0")
        for name in SWITCHES:
            said = getattr(row, name)
            if said == "ENABLED":
                product.automatic.add(name)
            elif said == "DISABLED":
                product.automatic.discard(name)
        product.priced_at.append(self.now())
        self.written["prices"] += 1

    def _stock_faults(self, product: Product | None, row: bodies.StockRow) -> Iterator[Fault]:
        if product is None:
            yield ("offer_id_not_found" if row.offer_id else "NOT_FOUND_ERROR"), "no such product"
            return
        if row.warehouse_id not in self.warehouses.values():
            yield "WAREHOUSE_NOT_FOUND", f"no active warehouse {row.warehouse_id}"
        if not product.price or product.archived:
            yield "product_is_not_created", "the product is not for sale yet"
        if row.stock >= _TOO_MUCH:
            yield "STOCK_TOO_BIG", "a stock must be less than a million"
        level = product.stocks.get(row.warehouse_id)
        pause = self.limits.stock_pair_seconds
        if level is not None and level.set_at is not None and self.now() - level.set_at < pause:
            yield "TOO_MANY_REQUESTS", f"one pair may be set once in {pause:.0f} seconds"


def money(text: str) -> Decimal | None:
    """Read an amount; None for what is not one."""
    return Decimal(text) if _AMOUNT.match(text) else None


def price_faults(price: Decimal, old: Decimal, lowest: Decimal) -> Iterator[Fault]:
    """Tell what is wrong between a price, the crossed-out one and the lowest one."""
    if price < 0:
        yield "price_negative", "the price is negative"
        return
    if price == 0:
        yield "invalid_category_price", "the price is zero"
        return
    gap = old - price
    if old:
        if gap <= 0:
            yield "old_price_less_than_price", "the old price must be above the price"
        elif price <= _LOW and gap <= 20:  # noqa: PLR2004 - Ozon's table of gaps
            yield "discount_for_low_price_is_too_small", "the gap must be over 20"
        elif _LOW < price <= _TOP and gap * 20 <= old:
            yield "discount_for_average_price_is_too_small", "the gap must be over 5 %"
        elif price > _TOP and gap <= 500:  # noqa: PLR2004 - Ozon's table of gaps
            yield "discount_for_top_price_is_too_small", "the gap must be over 500"
        if gap * 10 >= old * 9:
            yield "discount_too_big", "the gap must be under 90 %"
    if lowest and lowest > price:
        yield "price_less_than_min_auto_price", "the price is below the lowest"
    elif lowest and lowest * 2 < price:
        yield "min_auto_price_too_small", "the lowest price is under half of the price"


def _answer(product: Product | None, offer_id: str, faults: list[Fault]) -> dict[str, Any]:
    return {
        "offer_id": product.offer_id if product else offer_id,
        "product_id": product.product_id if product else 0,
        "updated": not faults,
        "errors": [{"code": code, "message": message} for code, message in faults],
    }
