"""Yandex Market Partner API: the seller's cards, prices and stock, orders, returns and money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from connectors.yandex_market import checks, limits
from connectors.yandex_market.cards import Cards
from connectors.yandex_market.errors import explain
from connectors.yandex_market.options import MarketOptions
from connectors.yandex_market.order_side import OrderSide
from connectors.yandex_market.prices import Prices
from connectors.yandex_market.stocks import Stocks
from obmen.connector import Finding, Native, Transport

__all__ = ["YandexMarket"]


class YandexMarket(Cards, Prices, Stocks, OrderSide):
    """Yandex Market Partner API."""

    title: ClassVar[str] = "Яндекс Маркет"
    sandbox: ClassVar[str] = "connectors.yandex_market.sandbox:YandexMarketSandbox"
    Options = MarketOptions

    @classmethod
    def transport(cls, options: Any) -> Transport:
        """Market's address, key, limits, and its way of saying when to come back."""
        return Transport(
            base_url=options.url,
            headers={"Api-Key": options.api_key.get_secret_value()},
            budgets=limits.budgets(),
            remaining=limits.REMAINING,
            explain=explain,
        )

    def foresee(self, entity: str, payload: Native, before: Mapping[str, Any] | None) -> str:
        """Say why Market will hold back or refuse a price or a card."""
        if entity == "price":
            return self.foresee_price(payload, before)
        return self.foresee_card(payload, before) if entity == "product" else ""

    def check(self) -> Iterator[Finding]:
        """Try the key and compare the shops, the way of prices and the warehouses; writes nothing."""
        yield from checks.check_key(self)
        yield from checks.check_paths(self)
        yield from checks.check_shops(self)
        yield from checks.check_prices(self)
        yield from checks.check_promotions(self)
        yield from checks.check_warehouses(self)
        yield from checks.check_clock(self)
