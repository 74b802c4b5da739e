"""A stand-in of Yandex Market's Partner API for rehearsals, tests and the demo: it keeps state and it refuses.

Start it with ``with YandexMarketSandbox() as market:`` and give ``market.connection()`` to a connection.
``limited=True`` makes it as strict about frequency as Market is.
"""

from __future__ import annotations

from connectors.yandex_market.sandbox.cabinet import API_KEY, BUSINESS, Invalid, Shop
from connectors.yandex_market.sandbox.catalogue import Catalogue
from connectors.yandex_market.sandbox.notifications import Notifications
from connectors.yandex_market.sandbox.tree import Tree

__all__ = ["API_KEY", "BUSINESS", "Invalid", "Shop", "YandexMarketSandbox"]


class YandexMarketSandbox(Catalogue, Tree, Notifications):
    """Yandex Market on loopback; its hands and faults are told in the classes that it is made of."""

    @classmethod
    def strict(cls) -> YandexMarketSandbox:
        """Return one that minds Market's own limits and delays: what ``obmen sandbox yandex_market`` serves."""
        return cls(limited=True, settle=60.0)
