"""Stock of the seller's own warehouses: one to each shop of the models FBS, Express and DBS.

What is sent is what may be sold; what Market has reserved for its orders it keeps by itself. A change is seen
after some minutes, and Market takes an unknown article without a word, so what was sent is worth reading back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from connectors.yandex_market.errors import ShopAsleep
from connectors.yandex_market.limits import within
from obmen.connector import lookup, reader, writer
from obmen.http import Reply
from obmen.records import Batch, Item, Native, Outcome, Page, decode_json

STOCK_LIMIT, STOCK_PAGE, STOCK_IDS = 2000, 200, 500
WAREHOUSE_PAGE = 30
_KEY = ("offerId", "campaignId")
_ASLEEP = 3600.0


class _Warehouse(msgspec.Struct):
    """A warehouse of ``getStocks``, its offers left as they came."""

    warehouseId: int  # noqa: N815 - Market's own name
    offers: list[msgspec.Raw]


_DECODER = msgspec.json.Decoder(_Warehouse)


class Stocks(Market):
    """Stock: natural id the pair ``offerId`` and ``campaignId``."""

    @reader("stock", key=_KEY, complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the stock of every card that is not archived, in every shop of the connection.

        Market's own warehouse of returns, which it may list beside the seller's, is passed over.
        """
        own = self.own_warehouses()
        for campaign in self.options.campaigns:
            for reply in self.pages(paths.STOCKS, limit=STOCK_PAGE, campaign=campaign, json={}):
                slices = _offers(reply, own.get(campaign))
                yield Page(slices, decode=partial(_as_set, campaign), salt=str(campaign).encode(), where=reply.what)

    @lookup("stock", batch=STOCK_IDS)
    def look_up_stocks(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these pairs; an article may itself hold the sign that joins a pair."""
        own = self.own_warehouses()
        wanted: dict[int, list[str]] = defaultdict(list)
        for id_ in ids:
            offer, _, shop = id_.rpartition("|")
            wanted[int(shop)].append(offer)
        for campaign, offers in wanted.items():
            body = {"offerIds": offers}
            reply = self.call(paths.STOCKS, safe=True, campaign=campaign, json=body, weight=len(offers))
            for raw in _offers(reply, own.get(campaign)):
                yield from (native for native in _as_set(campaign, raw) if native["offerId"] in offers)

    @writer("stock", key=_KEY, batch=STOCK_LIMIT, absolute=True)
    def set_stocks(self, batch: Batch) -> Iterator[Outcome]:
        """Set what may be sold (``updateStocks``), shop by shop; a shop that sleeps does not keep the others."""
        by_shop: dict[int, list[Item]] = defaultdict(list)
        for item in batch.items:
            by_shop[item.payload["campaignId"]].append(item)
        for campaign, items in by_shop.items():
            try:
                self._set_in_shop(campaign, items)
            except ShopAsleep as error:
                yield from (batch.later(item.id, str(error), after=_ASLEEP) for item in items)
            else:
                yield from (batch.done(item.id) for item in items)

    def own_warehouses(self) -> dict[int, int]:
        """Return campaign id → the id of the shop's own warehouse."""
        return {
            row["campaignId"]: row["id"]
            for reply in self.pages(paths.WAREHOUSES, limit=WAREHOUSE_PAGE, json={})
            for row in reply["result.warehouses"]
        }

    def _set_in_shop(self, campaign: int, items: Sequence[Item]) -> None:
        moment = self.moment()
        when = {} if moment is None else {"updatedAt": moment.isoformat(timespec="seconds")}
        skus = [
            {"sku": item.payload["offerId"], "items": [{"count": item.payload["available"], **when}]} for item in items
        ]
        for part in within(skus):
            self.call(paths.STOCKS_SET, safe=True, campaign=campaign, json={"skus": part}, weight=len(part))


def _offers(reply: Reply, own: int | None) -> list[bytes]:
    """Return the offers of the shop's own warehouse, each as the bytes in which it came."""
    warehouses = [_DECODER.decode(raw) for raw in reply.slices("result.warehouses")]
    return [bytes(raw) for one in warehouses if own in {None, one.warehouseId} for raw in one.offers]


def _as_set(campaign: int, raw: bytes) -> Iterator[Native]:
    """Turn stock as it is read into stock as it is set: ``AVAILABLE`` may be sold, ``FREEZE`` is promised."""
    for read in decode_json(raw):
        counts = {row["type"]: row["count"] for row in read["stocks"]}
        yield {
            "offerId": read["offerId"],
            "campaignId": campaign,
            "available": max(counts.get("AVAILABLE", 0), 0),
            "reserved": max(counts.get("FREEZE", 0), 0),
        }
