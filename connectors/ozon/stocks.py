"""Stock of the seller's own warehouses: pairs of a product and a warehouse.

What is sent is what may be sold, without what Ozon has reserved already; what is read tells both. One pair
may be set once in 30 seconds, and a pair that was set too early is only asked to wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.ozon import paths
from connectors.ozon.errors import verdict
from connectors.ozon.products import listed
from obmen.connector import Connector, lookup, reader, writer
from obmen.errors import IncompleteSource
from obmen.http import Reply
from obmen.records import Batch, Native, Outcome, Page, decode_json

PAIRS_LIMIT = 100
READ_LIMIT = 1000
PAIR_SECONDS = 30.0
_KEY = ("offer_id", "warehouse_id")


class Stocks(Connector):
    """Stock: natural id the pair ``offer_id`` and ``warehouse_id``."""

    @reader("stock", key=_KEY, complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the stock of every card that is not archived, in every warehouse of the seller.

        Shape: items of ``ProductAPI_GetProductInfoStocksByWarehouseFbsV2``; ``free_stock`` may be sold.
        """
        for items in listed(self.http, "ALL"):
            for reply in self._stocks_of([item["offer_id"] for item in items]):
                yield Page(reply.slices("products"), where=reply.what)

    @lookup("stock", batch=READ_LIMIT)
    def look_up_stocks(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these pairs; an article may itself hold the sign that joins a pair."""
        wanted = set(ids)
        offers = list(dict.fromkeys(id_.rpartition("|")[0] for id_ in ids))
        for reply in self._stocks_of(offers):
            for raw in reply.slices("products"):
                for native in decode_json(raw):
                    if f"{native['offer_id']}|{native['warehouse_id']}" in wanted:
                        yield native

    @writer("stock", key=_KEY, batch=PAIRS_LIMIT, absolute=True, every=PAIR_SECONDS)
    def set_stocks(self, batch: Batch) -> Iterator[Outcome]:
        """Set what may be sold (``ProductAPI_ProductsStocksV2``)."""
        reply = self.http.post(paths.STOCKS_SET, json={"stocks": batch.payloads}, safe=True, group="stocks")
        for row in reply["result"]:
            pair = (row["offer_id"], row["warehouse_id"])
            if pair not in batch:
                continue
            if row["updated"]:
                yield batch.done(pair)
            else:
                yield verdict(batch, pair, row.get("errors") or ())

    def _stocks_of(self, offers: list[str]) -> Iterator[Reply]:
        where = ""
        while offers:
            body = {"cursor": where, "limit": READ_LIMIT, "offer_id": offers}
            reply = self.http.post(paths.STOCKS, json=body, safe=True)
            yield reply
            if not reply["has_next"]:
                return
            if reply["cursor"] in {"", where}:
                raise IncompleteSource(f"{reply.what}: the list has more to give but no cursor to ask by.")
            where = reply["cursor"]
