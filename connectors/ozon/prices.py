"""Prices: written by the thousand, answered row by row.

Ozon tells a price in two dialects: decimal strings at the top of a record when it is set, numbers inside
``price`` when it is read. The reader turns the second into the first, so that one mapping serves both ways.
What may move a price without the seller (promotions that join by themselves, price strategies) is switched off
with every price, for otherwise buyers see one that nobody has set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from connectors.ozon import paths, price_rules
from connectors.ozon.errors import verdict
from obmen.connector import Connector, lookup, reader, writer
from obmen.errors import IncompleteSource
from obmen.http import Reply
from obmen.records import Batch, Native, Outcome, Page, decode_json

PRICE_LIMIT = 1000
AUTOMATIC = ("auto_action_enabled", "auto_add_to_ozon_actions_list_enabled", "price_strategy_enabled")
"""What lets Ozon move a price by itself."""
_CURRENCY = "currency"
_TOLD = ("title", "date_from", "date_to")


class Prices(Connector):
    """Prices: natural id ``offer_id``."""

    price_habits = price_rules.HABITS

    @reader("price", key="offer_id", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the price of every card that is not archived, in the shape that ``set_prices`` sends."""
        where, received = "", 0
        while True:
            body = {"cursor": where, "filter": {"visibility": "ALL"}, "limit": PRICE_LIMIT}
            reply = self.http.post(paths.PRICES, json=body, safe=True)
            slices = reply.slices("items")
            received += len(slices)
            self._note_currency(reply)
            if slices:
                yield Page(slices, decode=as_set, total=reply["total"], where=reply.what)
            if received >= reply["total"]:
                return
            if not slices or reply["cursor"] in {"", where}:
                raise IncompleteSource(f"{reply.what}: the list stopped at {received} of {reply['total']} prices.")
            where = reply["cursor"]

    @lookup("price", batch=PRICE_LIMIT)
    def look_up_prices(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the prices of these articles."""
        body = {"cursor": "", "filter": {"offer_id": list(ids), "visibility": "ALL"}, "limit": PRICE_LIMIT}
        for raw in self.http.post(paths.PRICES, json=body, safe=True).slices("items"):
            yield from as_set(raw)

    @writer("price", key="offer_id", batch=PRICE_LIMIT, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        """Set prices (``ProductAPI_ImportProductsPrices``); a product's may change ten times an hour."""
        off = dict.fromkeys(AUTOMATIC, "DISABLED") if self.options.automatic_prices == "disabled" else {}
        rows = [{**off, **payload} for payload in batch.payloads]
        reply = self.http.post(paths.PRICES_SET, json={"prices": rows}, safe=True, group="prices")
        for row in reply["result"]:
            if row["offer_id"] not in batch:
                continue
            if row["updated"]:
                yield batch.done(row["offer_id"], row.get("product_id") or None)
            else:
                yield verdict(batch, row["offer_id"], row.get("errors") or ())

    def foresee_price(self, payload: Native) -> str:
        """Say which rule a price breaks, or that the cabinet sells in another currency."""
        broken = price_rules.fault(payload)
        if broken:
            return f"Ozon will refuse this price: {broken}."
        kept = self.memory.get(_CURRENCY)
        told = payload.get("currency_code")
        if kept is None or told is None or kept.decode() == told:
            return ""
        return f"Ozon will refuse this price: it is in {told}, and the cabinet sells in {kept.decode()}."

    def currency(self) -> str:
        """Return the currency of the cabinet's prices; "" while it has none."""
        body = {"cursor": "", "filter": {"visibility": "ALL"}, "limit": 1}
        return self._note_currency(self.http.post(paths.PRICES, json=body, safe=True))

    def _note_currency(self, reply: Reply) -> str:
        """Remember the currency that a list of prices tells."""
        items: list[Native] = reply["items"]
        told = str(items[0]["price"].get("currency_code") or "") if items else ""
        if told and self.memory.get(_CURRENCY) != told.encode():
            self.memory.put(_CURRENCY, told.encode())
        return told


def as_set(raw: bytes) -> Iterator[Native]:
    """Turn a price as it is read (``ProductAPI_GetProductInfoPrices``) into one as it is set.

    An old or a minimum price of zero is Ozon's way of saying that there is none. ``marketing_seller_price`` is told
    beside, with ``promotions``, where the promotions that the seller takes part in make another price of it than was
    set.
    """
    for read in decode_json(raw):
        price: dict[str, Any] = read["price"]
        native: Native = {
            "offer_id": read["offer_id"],
            "product_id": read["product_id"],
            "price": money(price["price"]),
            "old_price": money(price.get("old_price") or 0),
            "min_price": money(price.get("min_price") or 0),
            "currency_code": price["currency_code"],
        }
        shown = price.get("marketing_seller_price")
        if shown and shown != price["price"]:
            native["marketing_seller_price"] = money(shown)
            told = (read.get("marketing_actions") or {}).get("actions") or ()
            native["promotions"] = [{name: one.get(name) for name in _TOLD} for one in told if one.get("title")]
        yield native


def money(value: Decimal | int) -> str:
    """Write an amount as Ozon takes it: two places at most, a dot, and a bare ``0`` for nothing."""
    return f"{Decimal(value):.2f}" if value else "0"
