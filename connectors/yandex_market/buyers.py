"""Who bought: told only to a seller who delivers himself, only by a call for each order, and only while it is his.

The phone is a stand-in of Market's. Of an order that is over, or that a company bought, nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from connectors.yandex_market import paths
from connectors.yandex_market.orders import ORDER_LIMIT, Listing
from obmen.connector import lookup, reader
from obmen.errors import Denied, Refused
from obmen.records import Native, Page

_TOLD_IN = {"PROCESSING", "DELIVERY", "PICKUP"}
_NAMES = ("lastName", "firstName", "middleName")


class Orders(Listing):
    """Orders: natural id ``orderId``."""

    @reader("order", key="orderId")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read the orders that changed (``getBusinessOrders``), those of DBS with their buyers."""
        for page in self.read_orders("order", cursor):
            yield replace(page, expand=self.orders_with_buyers) if page.slices else page

    @lookup("order", batch=ORDER_LIMIT)
    def look_up_orders(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these orders."""
        return map(self.with_buyer, self.orders_by_id(ids))

    def orders_with_buyers(self, slices: Sequence[bytes]) -> Iterable[list[Native] | Refused]:
        """Give the orders of each slice, those of DBS with ``buyer``: ``name`` and ``phone``, as far as told."""
        for raw in slices:
            try:
                natives = list(self.as_orders(raw))
            except Refused as error:
                yield error
                continue
            yield [self.with_buyer(native) for native in natives]

    def with_buyer(self, native: Native) -> Native:
        """Return an order with its buyer, where Market tells who that is (``getOrderBuyerInfo``)."""
        if native["programType"] != "DBS" or native["status"] not in _TOLD_IN:
            return native
        ids = {"orderId": native["orderId"]}
        try:
            told = self.call(paths.BUYER, safe=True, campaign=native["campaignId"], ids=ids)["result"]
        except (Refused, Denied):  # it is over by now, or a company's, or not told to this key: the order comes anyway
            return native
        buyer = {"name": " ".join(told[name] for name in _NAMES if told.get(name)), "phone": told.get("phone")}
        return {**native, "buyer": {name: value for name, value in buyer.items() if value}}
