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
_NOT_FOR_SALE = "product_is_not_created"


class Stocks(Connector):
    """Stock: natural id the pair ``offer_id`` and ``warehouse_id``."""

    @reader("stock", key=_KEY, complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the stock of every card that is not archived, in every warehouse of the seller.

        Shape: items of ``ProductAPI_GetProductInfoStocksByWarehouseFbsV2``; ``free_stock`` may be sold.
        """
        for items in listed(self.http, "ALL"):
            for reply in self.stocks_of([item["offer_id"] for item in items]):
                yield Page(reply.slices("products"), where=reply.what)

    @lookup("stock", batch=READ_LIMIT)
    def look_up_stocks(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these pairs; an article may itself hold the sign that joins a pair."""
        wanted = set(ids)
        offers = list(dict.fromkeys(id_.rpartition("|")[0] for id_ in ids))
        for reply in self.stocks_of(offers):
            for raw in reply.slices("products"):
                for native in decode_json(raw):
                    if f"{native['offer_id']}|{native['warehouse_id']}" in wanted:
                        yield native

    @writer("stock", key=_KEY, batch=PAIRS_LIMIT, absolute=True, every=PAIR_SECONDS)
    def set_stocks(self, batch: Batch) -> Iterator[Outcome]:
        """Set what may be sold (``ProductAPI_ProductsStocksV2``).

        A card that is not for sale, such as one in the archive, takes none; that it has none is true of it anyway.
        """
        reply = self.http.post(paths.STOCKS_SET, json={"stocks": batch.payloads}, safe=True, group="stocks")
        empty: list[Outcome] = []
        for row in reply["result"]:
            pair = (row["offer_id"], row["warehouse_id"])
            if pair not in batch:
                continue
            outcome = batch.done(pair) if row["updated"] else verdict(batch, pair, row.get("errors") or ())
            if outcome.kind == "later" and _NOT_FOR_SALE in outcome.reason and batch.item(pair).payload["stock"] == 0:
                empty.append(outcome)
            else:
                yield outcome
        if empty:
            held = {f"{one['offer_id']}|{one['warehouse_id']}" for one in self._stocked([one.id for one in empty])}
            yield from (one if one.id in held else batch.done(one.id) for one in empty)

    def _stocked(self, ids: Sequence[str]) -> Iterator[Native]:
        return (native for native in self.look_up_stocks(ids) if native["free_stock"] > 0)

    def stocks_of(self, offers: list[str]) -> Iterator[Reply]:
        """Yield the stock of these articles page by page."""
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
