"""Stock of the seller's own warehouses, by size of a card.

Wildberries does not check the names of what it is sent: a misspelt one is answered with 204, and nothing
changes. So the rows that go out are of one typed shape, and nothing else can. A refusal (409) names its rows; the
others are said again without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import product_id, split_id
from connectors.wildberries.errors import Fault, ManyRefused, VendorRefused
from connectors.wildberries.shelf import Shelf
from obmen.connector import lookup, reader, writer
from obmen.errors import Later
from obmen.http import encode_json
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError

LIMIT = 1000
_KEY = ("product", "warehouse_id")
_SYNCING = 300.0
_NO_WAREHOUSE = "NotFound"
_WAITS = {"NotFound": _SYNCING, "StoreIsProcessing": _SYNCING}
"""Code of a row → seconds until it is worth saying again; a new card is not known here for half an hour."""


class Row(msgspec.Struct, frozen=True):
    """The only shape in which stock is sent."""

    chrtId: int  # noqa: N815 - the vendor's word
    amount: int


class Stocks(Shelf):
    """Stock: natural id the pair ``product`` (nmID:chrtID) and ``warehouse_id``."""

    @reader("stock", key=_KEY, complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read the stock of every card on sale in every warehouse of the connection.

        Shape: ``product``, ``warehouse_id``, ``amount``. What was never set is not told.
        """
        products: dict[int, str] = {}
        for reply in self.walk(paths.CARDS):
            for card in reply["cards"]:
                for size in card.get("sizes") or []:
                    products[size["chrtID"]] = product_id(card["nmID"], size["chrtID"])
            if len(products) >= LIMIT:
                yield from self._pages(products)
                products = {}
        yield from self._pages(products)

    def _pages(self, products: dict[int, str]) -> Iterator[Page]:
        numbers = list(products)
        for start in range(0, len(numbers), LIMIT):
            part = numbers[start : start + LIMIT]
            for warehouse in self.options.warehouses.values():
                rows = [_native(products[row["chrtId"]], warehouse, row) for row in self._told(warehouse, part)]
                if rows:
                    yield Page([encode_json(row) for row in rows], where=f"stock in {warehouse}")

    @lookup("stock", batch=LIMIT)
    def look_up_stocks(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these pairs."""
        wanted: dict[int, dict[int, str]] = {}
        for id_ in ids:
            product, _, warehouse = id_.rpartition("|")
            wanted.setdefault(int(warehouse), {})[split_id(product)[1]] = product
        for number, products in wanted.items():
            for row in self._told(number, list(products)):
                yield _native(products[row["chrtId"]], number, row)

    @writer("stock", key=_KEY, batch=LIMIT, absolute=True)
    def set_stocks(self, batch: Batch) -> Iterator[Outcome]:
        """Set what may be sold, a call for each warehouse."""
        by_warehouse: dict[int, list[Item]] = {}
        for item in batch.items:
            by_warehouse.setdefault(item.payload["warehouse_id"], []).append(item)
        for warehouse, items in by_warehouse.items():
            yield from self._set(batch, warehouse, items)

    def _set(self, batch: Batch, warehouse: int, items: list[Item]) -> Iterator[Outcome]:
        waiting = {split_id(item.payload["product"])[1]: item for item in items}
        while waiting:
            rows = [Row(number, item.payload["amount"]) for number, item in waiting.items()]
            try:
                self.call(paths.STOCKS_SET, parts={"warehouseId": warehouse}, json={"stocks": rows}, safe=True)
            except ManyRefused as error:
                refused = _blamed(batch, waiting, error)
                if not refused:
                    raise
                for number, outcome in refused.items():
                    del waiting[number]
                    yield outcome
                continue
            except VendorRefused as error:
                if error.code != _NO_WAREHOUSE:
                    raise
                reason = RecordError("no_warehouse", f"Wildberries has no warehouse {warehouse}. Mend warehouses.")
                yield from (batch.refused(item.id, [reason]) for item in waiting.values())
                return
            except Later as error:
                yield from (batch.later(item.id, str(error), after=error.after) for item in waiting.values())
                return
            yield from (batch.done(item.id) for item in waiting.values())
            return

    def _told(self, warehouse: int, numbers: Sequence[int]) -> list[Native]:
        body = {"chrtIds": list(numbers)}
        reply = self.call(paths.STOCKS, parts={"warehouseId": warehouse}, json=body, safe=True)
        rows: list[Native] = reply["stocks"]
        return rows


def _blamed(batch: Batch, waiting: dict[int, Item], error: ManyRefused) -> dict[int, Outcome]:
    """Return the outcome of each row that a 409 names; one that names no row is about the only one, or all."""
    outcomes: dict[int, Outcome] = {}
    for fault in error.faults:
        named = [int(row["chrtId"]) for row in _rows(fault) if row.get("chrtId") in waiting]
        if not named and len(waiting) == 1 and len(error.faults) == 1:
            named = list(waiting)
        for number in named:
            outcomes[number] = _outcome(batch, waiting[number], fault)
    return outcomes


def _outcome(batch: Batch, item: Item, fault: Fault) -> Outcome:
    wait = _WAITS.get(fault.code)
    if wait is not None:
        return batch.later(item.id, f"{fault.code}: {fault.message}", after=wait)
    return batch.refused(item.id, [RecordError(fault.code, fault.message, "amount")])


def _rows(fault: Fault) -> list[dict[str, Any]]:
    return fault.data if isinstance(fault.data, list) else []


def _native(product: str, warehouse: int, row: Native) -> Native:
    return {"product": product, "warehouse_id": warehouse, "amount": row["amount"]}
