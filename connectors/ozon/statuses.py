"""Statuses of postings: read from the same listing as orders, and set where the seller may set them.

A seller assembles and cancels; all other steps are the carrier's and the buyer's. Neither call is safe to
repeat, and an answer of 200 is no promise: so the posting is read before and after each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from connectors.ozon import paths
from connectors.ozon.errors import ALREADY_CANCELLED, ALREADY_SHIPPED
from connectors.ozon.postings import POSTING_LIMIT, look_up_postings, posting, read_postings
from obmen.connector import Connector, find, lookup, reader, writer
from obmen.errors import Refused
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError

ASSEMBLED, CANCELLED, TO_ASSEMBLE = "awaiting_deliver", "cancelled", "awaiting_packaging"
_NOT_YET = {"awaiting_approve", "awaiting_verification"}
_SPLIT = "cancelled_from_split_pending"
_SHIP_FAILED = "ship_failed"
_SETTLING = 60.0


class Statuses(Connector):
    """Statuses: natural id ``posting_number``; the native status is the posting's own."""

    @reader("order_status", key="posting_number")
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read the postings whose status changed, and those that wait for the seller."""
        lookback = timedelta(days=self.options.lookback_days)
        return read_postings(self.http, self.clock, cursor, lookback)

    @lookup("order_status", batch=POSTING_LIMIT)
    def look_up_statuses(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these postings."""
        return look_up_postings(self.http, self.clock, ids)

    @find("order_status")
    def find_status(self, item: Item) -> str | None:
        """Return the posting's number if the status's effect already stands there."""
        try:
            now = posting(self.http, item.id)
        except Refused:
            return None
        return item.id if _stands(item.payload["status"], now["status"]) else None

    @writer("order_status", key="posting_number")
    def set_status(self, batch: Batch) -> Iterator[Outcome]:
        """Assemble or cancel a posting; a status that is not the seller's to set needs nothing done."""
        (item,) = batch.items
        wanted = item.payload["status"]
        if wanted not in {ASSEMBLED, CANCELLED}:
            yield batch.done(item.id, item.id)
            return
        try:
            now = posting(self.http, item.id)
            if _stands(wanted, now["status"]):
                yield batch.done(item.id, item.id)
            elif wanted == ASSEMBLED:
                yield self._assemble(batch, item, now)
            else:
                yield self._cancel(batch, item)
        except Refused as error:
            yield batch.refused(item.id, [RecordError(error.code, str(error), "status")])

    def _assemble(self, batch: Batch, item: Item, now: Native) -> Outcome:
        if now["status"] in _NOT_YET:
            return batch.later(item.id, f"the posting is {now['status']} yet", after=_SETTLING)
        if now["status"] != TO_ASSEMBLE:
            reason = f"The posting is {now['status']}, so it cannot be assembled."
            return batch.refused(item.id, [RecordError(now["status"], reason, "status")])
        quantities: Counter[int] = Counter()
        for product in now["products"]:
            quantities[product["sku"]] += product["quantity"]
        whole = [{"product_id": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        try:
            body = {"packages": [{"products": whole}], "posting_number": item.id}
            self.http.post(paths.SHIP, json=body)
        except Refused as error:
            if error.code != ALREADY_SHIPPED:
                raise
        after = posting(self.http, item.id)
        if _stands(ASSEMBLED, after["status"]):
            return batch.done(item.id, item.id)
        failed = after.get("substatus") == _SHIP_FAILED
        reason = "Ozon failed to assemble it" if failed else "Ozon is still assembling it"
        return batch.later(item.id, reason, after=_SETTLING)

    def _cancel(self, batch: Batch, item: Item) -> Outcome:
        body: Native = {"cancel_reason_id": self.options.cancel_reason, "posting_number": item.id}
        message = item.payload.get("reason") or self.options.cancel_message
        if message:
            body["cancel_reason_message"] = message
        try:
            self.http.post(paths.CANCEL, json=body)
        except Refused as error:
            if error.code != ALREADY_CANCELLED:
                raise
        if _stands(CANCELLED, posting(self.http, item.id)["status"]):
            return batch.done(item.id, item.id)
        return batch.later(item.id, "Ozon has not cancelled it yet", after=_SETTLING)


def _stands(wanted: str, now: str) -> bool:
    if wanted == CANCELLED:
        return now == CANCELLED
    if wanted == ASSEMBLED:
        return now not in {TO_ASSEMBLE, CANCELLED, _SPLIT} and now not in _NOT_YET
    return True
