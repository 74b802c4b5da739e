"""Products: the seller's cards, read whole, written by import tasks, archived and restored.

An import answers at once with a task and works on it later, record by record; taking its answer for a
success is how cards get lost. So a card counts as written only when its task says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from connectors.ozon import paths
from connectors.ozon.errors import record_errors, verdict
from obmen.connector import Connector, find, lookup, poll, reader, writer
from obmen.errors import IncompleteSource, Later, Refused
from obmen.http import Http, Reply
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError, decode_json

LIST_LIMIT = 1000
IMPORT_LIMIT = 100
_SETTLING = 30.0

Visibility = Literal["ALL", "ARCHIVED"]
"""``ALL`` is Ozon's word for everything but the archive."""


def listed(http: Http, visibility: Visibility) -> Iterator[list[Native]]:
    """Yield the cabinet's products page by page, as {offer_id, product_id, …}.

    Raises IncompleteSource when the list does not go on or ends before the number that it promised.
    """
    last_id, received = "", 0
    while True:
        body = {"filter": {"visibility": visibility}, "last_id": last_id, "limit": LIST_LIMIT}
        reply = http.post(paths.PRODUCT_LIST, json=body, safe=True)
        items: list[Native] = reply["result.items"]
        received += len(items)
        if items:
            yield items
        if received >= reply["result.total"]:
            return
        if not items or reply["result.last_id"] == last_id:
            raise IncompleteSource(f"{reply.what}: the list stopped at {received} of {reply['result.total']} products.")
        last_id = reply["result.last_id"]


class Products(Connector):
    """Cards: natural id ``offer_id`` (the seller's article), native id ``product_id``."""

    @reader("product", key="id", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read every card, archived ones too, in the shape of ``ProductAPI_GetProductInfoList`` items.

        A page for which Ozon told fewer details than products says that it is partial, so that nothing is
        taken for deleted.
        """
        visibilities: tuple[Visibility, ...] = ("ALL", "ARCHIVED")
        for visibility in visibilities:
            for items in listed(self.http, visibility):
                reply = self._details("product_id", [str(item["product_id"]) for item in items])
                slices = reply.slices("items")
                yield Page(slices, partial=len(slices) < len(items), where=reply.what)

    @lookup("product", batch=LIST_LIMIT)
    def look_up_products(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the cards of these articles."""
        for raw in self._details("offer_id", list(ids)).slices("items"):
            yield from decode_json(raw)

    @find("product")
    def find_product(self, item: Item) -> str | None:
        """Return the product_id of the article, if the cabinet has it."""
        for native in self.look_up_products([item.id]):
            if native["offer_id"] == item.id:
                return str(native["id"])
        return None

    @writer("product", key="offer_id", batch=IMPORT_LIMIT, absolute=True)
    def import_products(self, batch: Batch) -> Iterator[Outcome]:
        """Hand cards to an import task (``ProductAPI_ImportProductsV3``); each replaces the whole card."""
        reply = self.http.post(paths.PRODUCT_IMPORT, json={"items": batch.payloads}, safe=True, group="import")
        for item in batch.items:
            yield batch.accepted(item.id, reply["result.task_id"])

    @poll("product")
    def imported(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Ask the task; what is still pending is not mentioned (``ProductAPI_GetImportProductsInfo``).

        ``skipped`` means that nothing differed from the card. A task that Ozon no longer knows, or that took
        nothing at all (it does so for a wrong category or VAT), is worth another import.
        """
        try:
            reply = self.http.post(paths.IMPORT_STATE, json={"task_id": int(ticket)}, safe=True)
        except Refused as error:
            yield from (batch.later(item.id, f"import task is gone: {error}") for item in batch.items)
            return
        rows: list[Native] = reply["result.items"]
        if not rows:
            reason = f"import task {ticket} took nothing: check the category and the VAT of these cards"
            yield from (batch.later(item.id, reason, after=_SETTLING) for item in batch.items)
        for row in rows:
            if row["offer_id"] in batch:
                yield from _became(batch, row)

    @writer("product", key="offer_id", batch=IMPORT_LIMIT, absolute=True, op="archive")
    def archive_products(self, batch: Batch) -> Iterator[Outcome]:
        """Move cards to the archive. Ozon wants their stock to be zero before."""
        yield from self._move(batch, archived=True)

    @writer("product", key="offer_id", batch=IMPORT_LIMIT, absolute=True, op="restore")
    def restore_products(self, batch: Batch) -> Iterator[Outcome]:
        """Bring cards back from the archive; of those that Ozon archived itself, 100 a day at most."""
        yield from self._move(batch, archived=False)

    def _move(self, batch: Batch, *, archived: bool) -> Iterator[Outcome]:
        known = {item.id: int(item.native_id) for item in batch.items if item.native_id is not None}
        for item in batch.items:
            if item.id not in known:
                reason = RecordError("no_product_id", "The product has no product_id in this cabinet yet.")
                yield batch.refused(item.id, [reason])
        if not known:
            return
        path = paths.ARCHIVE if archived else paths.UNARCHIVE
        try:
            self.http.post(path, json={"product_id": list(known.values())}, safe=True)
        except Later as error:
            yield from (batch.later(id_, str(error), after=error.after) for id_ in known)
            return
        reply = self._details("product_id", [str(id_) for id_ in known.values()])
        for native in reply["items"]:
            if native["offer_id"] not in known:
                continue
            if (native["is_archived"] or native["is_autoarchived"]) == archived:
                yield batch.done(native["offer_id"], native["id"])
            else:
                yield batch.later(native["offer_id"], "not moved yet", after=_SETTLING)

    def _details(self, name: str, ids: list[str]) -> Reply:
        return self.http.post(paths.PRODUCT_DETAILS, json={name: ids}, safe=True)


def _became(batch: Batch, row: dict[str, Any]) -> Iterator[Outcome]:
    status = row["status"]
    if status in {"imported", "skipped"}:
        yield batch.done(row["offer_id"], row.get("product_id") or None)
    elif status == "failed":
        yield verdict(batch, row["offer_id"], row.get("errors") or ())
    elif status != "pending":
        reason = RecordError("unknown_status", f"The import ended as '{status}', which Obmen does not know.")
        yield batch.refused(row["offer_id"], [reason, *record_errors(row.get("errors") or ())])
