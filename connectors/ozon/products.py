"""Products: the seller's cards, read whole and written by import tasks.

An import answers at once with a task and works on it later, record by record, and Ozon's moderators look at each
card after that; taking its answer for a success is how cards get lost. So a card counts as written only when its
task and its checks say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

from connectors.ozon import moderation, paths
from connectors.ozon.card_body import Standing, Wanted, barcodes_of, card_body, lacking
from connectors.ozon.categories import MODEL, Categories, pair_of
from connectors.ozon.errors import QuotaLeft, record_errors, verdict
from obmen.connector import find, lookup, poll, reader, writer
from obmen.errors import IncompleteSource, Refused, Unavailable
from obmen.http import Http, Reply
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError, decode_json

LIST_LIMIT = 1000
IMPORT_LIMIT = 100
BARCODE_LIMIT = 100
LONGEST_ARTICLE = 50
MODERATED_WITHIN = 86400.0
"""Seconds after which a card that Ozon still looks at counts as written, so that its price and stock go on."""
_SETTLING = 30.0
_DAILY = "item_limit_exceeded"

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


class Products(Categories):
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
        """Hand cards to an import task (``ProductAPI_ImportProductsV3``); each replaces the whole card.

        So what stands in the cabinet is read first. Of a minute's quota that is nearly used up, the rest is used.
        """
        standing = self._standing(batch)
        cards: list[tuple[Item, Native]] = []
        for item in batch.items:
            known = standing.get(item.id)
            if known is not None and not known.details:
                yield batch.later(item.id, "Ozon did not tell the card whole, and an import would empty it")
                continue
            try:
                cards.append((item, self._card(item, known)))
            except Refused as error:
                yield batch.refused(item.id, [RecordError(error.code, str(error), error.field)])
        if not cards:
            return
        try:
            yield from self._import(batch, cards, "import")
        except QuotaLeft as short:
            if 0 < short.left < len(cards):
                yield from self._import(batch, cards[: short.left], "import_rest")
            raise Unavailable(str(short), after=short.after) from short

    @poll("product")
    def imported(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Ask the task; what is still pending is not mentioned (``ProductAPI_GetImportProductsInfo``).

        ``skipped`` means that nothing differed from the card. A task that Ozon no longer knows, or that took
        nothing at all (it does so for a wrong category or VAT), is worth another import. A card that is in is
        asked for its checks, and gets the barcodes that an import has no place for.
        """
        task, _, since = ticket.partition(" ")
        try:
            reply = self.http.post(paths.IMPORT_STATE, json={"task_id": int(task)}, safe=True)
        except Refused as error:
            yield from (batch.later(item.id, f"import task is gone: {error}") for item in batch.items)
            return
        rows: list[Native] = reply["result.items"]
        if not rows:
            reason = f"import task {task} took nothing: check the category and the VAT of these cards"
            yield from (batch.later(item.id, reason, after=_SETTLING) for item in batch.items)
        finished = []
        for row in rows:
            if row["offer_id"] not in batch:
                continue
            if row["status"] in {"imported", "skipped"}:
                finished.append(row["offer_id"])
            else:
                yield from self._failed(batch, row)
        if finished:
            late = bool(since) and self.clock.now().timestamp() - float(since) > MODERATED_WITHIN
            yield from self._checked(batch, finished, late=late)

    def foresee_card(self, payload: Native, before: Any) -> str:
        """Say what Ozon wants of a new card and this one has not."""
        if before is not None:
            return ""
        article = str(payload.get("offer_id") or "")
        if len(article) > LONGEST_ARTICLE:
            return f"Ozon will refuse it: its article has {len(article)} signs, and Ozon takes {LONGEST_ARTICLE}."
        missing = lacking(payload, self._assumed)
        if not payload.get("category") and not self._told_pair(payload) and self.options.category is None:
            missing.append("category (see the options categories and category)")
        return f"Ozon will make no card of it without: {', '.join(missing)}." if missing else ""

    @property
    def _assumed(self) -> Native:
        """What the connection says of cards of which nobody tells."""
        told = self.options.assumed
        found = {
            "weight": told.weight_g,
            "depth": told.length_mm,
            "width": told.width_mm,
            "height": told.height_mm,
            "vat": told.vat,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _standing(self, batch: Batch) -> dict[str, Standing]:
        """Return the cards that stand in the cabinet already, by article."""
        rows = self._attribute_rows([item.id for item in batch.items], "ALL")
        lost = [item.id for item in batch.items if item.id not in rows and (item.native_id or item.attempt > 1)]
        if lost:
            rows.update(self._attribute_rows(lost, "ARCHIVED"))
        if not rows:
            return {}
        reply = self._details("product_id", [str(row["id"]) for row in rows.values()])
        details = {native["offer_id"]: native for native in reply["items"]}
        return {offer_id: Standing(row, details.get(offer_id) or {}) for offer_id, row in rows.items()}

    def _attribute_rows(self, offers: list[str], visibility: Visibility) -> dict[str, Native]:
        body = {"filter": {"offer_id": offers, "visibility": visibility}, "last_id": "", "limit": LIST_LIMIT}
        reply = self.http.post(paths.PRODUCT_ATTRIBUTES, json=body, safe=True)
        return {row["offer_id"]: row for row in reply["result"]}

    def _card(self, item: Item, standing: Standing | None) -> Native:
        payload = item.payload
        pair = pair_of(str(payload["category"])) if payload.get("category") else self._told_pair(payload)
        if not pair and standing is None:
            if self.options.category is None:
                message = "The product has no category, and Ozon makes no card without one. Name it in the categories"
                raise Refused(f"{message} file of the connection, or set its category.", code="no_category")
            pair = self.options.category.model_dump()
        moves = standing is not None and bool(pair) and pair["description_category_id"] != standing.category
        allowed = self._ids_of(payload) if moves else None
        owned = {MODEL}
        if item.before is not None:
            with suppress(Refused):  # its category may be gone at Ozon
                owned = self.owned_attributes(item.before)
        wanted = Wanted(payload, pair, self.attribute_values(payload), allowed, item.before, owned)
        return card_body(wanted, standing, self._assumed)

    def _ids_of(self, payload: Native) -> set[int] | None:
        category = str(payload.get("category") or "")
        return {int(one.id) for one in self.catalogue.attributes(category)} if category else None

    @staticmethod
    def _told_pair(payload: Native) -> dict[str, int]:
        """Return the category's numbers where a project's own mapping writes them itself."""
        names = ("description_category_id", "type_id")
        return {name: int(payload[name]) for name in names} if all(payload.get(name) for name in names) else {}

    def _import(self, batch: Batch, cards: Sequence[tuple[Item, Native]], group: str) -> Iterator[Outcome]:
        body = {"items": [card for _, card in cards]}
        reply = self.http.post(paths.PRODUCT_IMPORT, json=body, safe=True, group=group)
        ticket = f"{reply['result.task_id']} {self.clock.now().timestamp():.0f}"
        for item, _ in cards:
            yield batch.accepted(item.id, ticket)

    def _failed(self, batch: Batch, row: Native) -> Iterator[Outcome]:
        status, errors = row["status"], row.get("errors") or ()
        if status == "failed" and any(_DAILY in f"{one.get('code')} {one.get('message')}" for one in errors):
            yield batch.later(row["offer_id"], f"{_DAILY}: the day's quota is used up", after=self._until_morning())
        elif status == "failed":
            yield verdict(batch, row["offer_id"], errors)
        elif status != "pending":
            reason = RecordError("unknown_status", f"The import ended as '{status}', which Obmen does not know.")
            yield batch.refused(row["offer_id"], [reason, *record_errors(errors)])

    def _until_morning(self) -> float:
        """Return the seconds until Ozon counts a day's quota anew: 03:00 in Moscow, which is midnight UTC."""
        now = self.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return (midnight - now).total_seconds() + 60.0

    def _checked(self, batch: Batch, offers: list[str], *, late: bool) -> Iterator[Outcome]:
        """Answer for cards that are in; those that Ozon still looks at are not mentioned, unless it is ``late``."""
        good: list[Native] = []
        for native in self._details("offer_id", offers)["items"]:
            if native["offer_id"] not in batch:
                continue
            state, errors = moderation.judge(native)
            if state == "refused":
                yield batch.refused(native["offer_id"], errors)
            elif state == "good" or late:
                good.append(native)
        faults = self._add_barcodes(batch, good)
        for native in good:
            errors = faults.get(native["offer_id"], [])
            if errors:
                yield batch.refused(native["offer_id"], errors)
            else:
                yield batch.done(native["offer_id"], native["id"])

    def _add_barcodes(self, batch: Batch, natives: Sequence[Native]) -> dict[str, list[RecordError]]:
        """Give cards those of their barcodes that they have not (``add-barcode``); none is ever taken away."""
        offers = {native["sku"]: native["offer_id"] for native in natives if native.get("sku")}
        rows = [
            {"barcode": barcode, "sku": native["sku"]}
            for native in natives
            for barcode in barcodes_of(batch.item(native["offer_id"]).payload)
            if native.get("sku") and barcode not in (native.get("barcodes") or ())
        ]
        faults: dict[str, list[RecordError]] = {}
        for start in range(0, len(rows), BARCODE_LIMIT):
            body = {"barcodes": rows[start : start + BARCODE_LIMIT]}
            reply = self.http.post(paths.BARCODES_ADD, json=body, safe=True, group="barcodes")
            for row in reply.get("errors") or ():
                message = f"{row.get('barcode', '')}: {row.get('error', '')}"
                error = RecordError(str(row.get("code") or "barcode"), message, "barcodes")
                faults.setdefault(offers[row["sku"]], []).append(error)
        return faults

    def _details(self, name: str, ids: list[str]) -> Reply:
        return self.http.post(paths.PRODUCT_DETAILS, json={name: ids}, safe=True)
