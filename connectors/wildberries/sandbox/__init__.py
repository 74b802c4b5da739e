"""A stand-in of Wildberries' API for rehearsals, tests and the demo: it keeps state and it refuses.

Start it with ``with WildberriesSandbox() as wb:`` and give ``wb.connection()`` to a connection; all hosts of
Wildberries are served at one address. ``pace=VENDOR`` makes it as strict and as slow as Wildberries is.
"""

from __future__ import annotations

from connectors.wildberries.sandbox.cabinet import RELAXED, VENDOR, WAREHOUSES, Pace
from connectors.wildberries.sandbox.cards import Cards
from connectors.wildberries.sandbox.claims import Counter
from connectors.wildberries.sandbox.fbw import Statistics
from connectors.wildberries.sandbox.finance import Accounting
from connectors.wildberries.sandbox.other_schemes import OtherSchemes
from connectors.wildberries.sandbox.prices import Prices
from connectors.wildberries.sandbox.stocks import Stocks

__all__ = ["RELAXED", "VENDOR", "WAREHOUSES", "Pace", "WildberriesSandbox"]


class WildberriesSandbox(Cards, Prices, Stocks, OtherSchemes, Counter, Statistics, Accounting):
    """Wildberries on loopback."""

    @classmethod
    def strict(cls) -> WildberriesSandbox:
        """Return one that minds Wildberries' own limits: what ``obmen sandbox wildberries`` serves."""
        return cls(pace=VENDOR)
