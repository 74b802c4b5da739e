"""Wildberries: the seller's cards, prices, stock and FBS orders."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.wildberries.cards import Cards
from connectors.wildberries.checks import Checks
from connectors.wildberries.claims import Returns
from connectors.wildberries.errors import explain
from connectors.wildberries.finance import Finance
from connectors.wildberries.labels import OrderLabels
from connectors.wildberries.limits import BUDGETS, REFUSAL_WEIGHT
from connectors.wildberries.options import WildberriesOptions
from connectors.wildberries.prices import Prices
from connectors.wildberries.steps import Steps
from connectors.wildberries.stocks import Stocks
from obmen.connector import Options as BaseOptions
from obmen.connector import Transport
from obmen.http import Remaining, Retry

__all__ = ["Wildberries"]


class Wildberries(Cards, Prices, Stocks, Checks, Returns, Steps, OrderLabels, Finance):
    """Wildberries' API for sellers."""

    title: ClassVar[str] = "Wildberries"
    sandbox: ClassVar[str] = "connectors.wildberries.sandbox:WildberriesSandbox"
    Options = WildberriesOptions

    def __init__(self, name: str, options: BaseOptions, **more: Any) -> None:
        super().__init__(name, options, **more)
        if self.only_reads:
            self.writers = {key: spec for key, spec in self.writers.items() if key[0] != "order_status"}

    @classmethod
    def transport(cls, options: Any) -> Transport:
        """The token, the limits, and how Wildberries says when to come back."""
        return Transport(
            headers={"Authorization": options.token.get_secret_value()},
            budgets=BUDGETS,
            retry=Retry(after_headers={"X-Ratelimit-Retry": 1.0, "Retry-After": 1.0}),
            remaining=Remaining(left="X-Ratelimit-Remaining", reset="X-Ratelimit-Retry"),
            refusal_weight=REFUSAL_WEIGHT,
            explain=explain,
        )
