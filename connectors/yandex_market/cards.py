"""Cards: the seller's catalogue, read whole, written with its characteristics, archived and restored.

One bad card makes Market save none of its batch, and an answer of 200 may say so; so the bad ones are taken out
by name and the others sent again. What is saved is then checked by Market's moderators: a card counts as
written only when its state says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from connectors.yandex_market import paths
from connectors.yandex_market.card_body import lacking, offer_body
from connectors.yandex_market.categories import Categories
from connectors.yandex_market.errors import Rejected, ShopAsleep, record_errors
from connectors.yandex_market.limits import within
from connectors.yandex_market.paths import Operation
from obmen.connector import find, lookup, poll, reader, writer
from obmen.errors import IncompleteSource, Refused
from obmen.http import Reply
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError, decode_json

OFFER_PAGE, UPDATE_LIMIT, ARCHIVE_LIMIT, STATE_LIMIT = 100, 100, 200, 200
_SETTLING = 60.0
_HOUR, _DAY = 3600.0, 86400.0
_STOCKED, _UNKNOWN = 6 * _HOUR, _HOUR
_SOON, _RARELY = 60.0, 600.0

CHECKING = {"HAS_CARD_CAN_UPDATE_PROCESSING", "NO_CARD_PROCESSING"}
REFUSED = {"HAS_CARD_CAN_UPDATE_ERRORS", "NO_CARD_ERRORS", "NO_CARD_NEED_CONTENT"}
"""States of a card (``OfferCardStatusType``); all others mean that nothing is left for the seller to do."""


class Cards(Categories):
    """Cards: natural id and native id are ``offerId``, the seller's article, to the letter."""

    @reader("product", key="offer.offerId", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:  # noqa: ARG002 - a whole read needs none
        """Read every card, archived ones too, in the shape of ``getOfferMappings`` rows."""
        for archived in (False, True):
            for reply in self.pages(paths.OFFERS, limit=OFFER_PAGE, json={"archived": archived}):
                yield Page(reply.slices("result.offerMappings"), where=reply.what)

    @lookup("product", batch=OFFER_PAGE)
    def look_up_products(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the cards of these articles."""
        reply = self.call(paths.OFFERS, safe=True, json={"offerIds": list(ids)})
        for raw in reply.slices("result.offerMappings"):
            yield from decode_json(raw)

    @find("product")
    def find_product(self, item: Item) -> str | None:
        """Return the article if the cabinet has it."""
        found = (native["offer"]["offerId"] for native in self.look_up_products([item.id]))
        return item.id if item.id in found else None

    @writer("product", key="offer.offerId", batch=UPDATE_LIMIT, absolute=True)
    def put_products(self, batch: Batch) -> Iterator[Outcome]:
        """Create and change cards with their characteristics (``updateOfferMappings``)."""
        bodies: dict[str, Native] = {}
        ids: dict[str, str] = {}
        for item in batch.items:
            try:
                values = self.parameter_values(item.payload) if item.payload.get("category") else []
            except Refused as error:
                yield batch.refused(item.id, [RecordError(error.code, str(error), error.field)])
                continue
            body = offer_body(item, values)
            offer_id = body["offer"]["offerId"]
            bodies[offer_id], ids[offer_id] = body, item.id
        ticket = f"{self.clock.now().timestamp() // _HOUR:.0f}"
        for part in within(list(bodies.values())):
            for offer_id, errors in self._save({body["offer"]["offerId"]: body for body in part}):
                if errors:
                    yield batch.refused(ids[offer_id], errors)
                else:
                    yield batch.accepted(ids[offer_id], ticket, after=_SETTLING)

    @poll("product")
    def moderated(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Ask in which state the cards are; one that is not seen yet is not mentioned.

        A card that is good also gets its VAT in each shop, for Market takes that only there. The ticket is the
        hour of the call, so that cards of several calls are asked for together; what moderators did not look through
        soon is asked for less often.
        """
        age = self.clock.now().timestamp() - float(ticket) * _HOUR
        late, again = age > _DAY, _SOON if age < 2 * _HOUR else _RARELY
        for start in range(0, len(batch.items), STATE_LIMIT):
            by_offer = {item.native_id or item.id: item for item in batch.items[start : start + STATE_LIMIT]}
            reply = self.call(paths.CARDS, safe=True, json={"offerIds": list(by_offer)})
            good: list[Item] = []
            for row in reply["result.offerCards"]:
                item = by_offer.get(row["offerId"])
                state = row.get("cardStatus")
                if item is None or state is None:
                    continue
                if state in CHECKING:
                    yield batch.accepted(item.id, ticket, after=again)
                elif state in REFUSED:
                    yield batch.refused(item.id, _moderators_words(row))
                else:
                    good.append(item)
            yield from self._set_vat(batch, good)
            seen = {row["offerId"] for row in reply["result.offerCards"]}
            for item in [one for offer_id, one in by_offer.items() if late and offer_id not in seen]:
                yield batch.later(item.id, "Market saved the card a day ago and does not show it")

    @writer("product", key="offer.offerId", batch=ARCHIVE_LIMIT, absolute=True, op="archive")
    def archive_products(self, batch: Batch) -> Iterator[Outcome]:
        """Move cards to the archive. Goods in Market's own warehouse have to be sold or taken away before."""
        left = self._move(paths.ARCHIVE, batch)
        errors = {row["offerId"]: row["error"] for row in left.get("notArchivedOffers") or ()}
        for item in batch.items:
            error = errors.get(item.native_id or item.id)
            if error is None:
                yield batch.done(item.id, item.native_id or item.id)
            else:
                after = _STOCKED if error == "OFFER_HAS_STOCKS" else _UNKNOWN
                yield batch.later(item.id, f"Market did not archive it: {error}", after=after)

    @writer("product", key="offer.offerId", batch=ARCHIVE_LIMIT, absolute=True, op="restore")
    def restore_products(self, batch: Batch) -> Iterator[Outcome]:
        """Bring cards back from the archive."""
        left = set(self._move(paths.UNARCHIVE, batch).get("notUnarchivedOfferIds") or ())
        for item in batch.items:
            offer_id = item.native_id or item.id
            if offer_id in left:
                yield batch.later(item.id, "Market did not bring it back from the archive", after=_UNKNOWN)
            else:
                yield batch.done(item.id, offer_id)

    def foresee_card(self, payload: Native, before: Mapping[str, Any] | None) -> str:
        """Say what Market wants of a new card and this one has not."""
        missing = lacking(payload) if before is None else []
        return f"Market will make no card of it without: {', '.join(missing)}." if missing else ""

    def _save(self, bodies: dict[str, Native]) -> Iterator[tuple[str, tuple[RecordError, ...]]]:
        """Send cards until those that Market does not name are saved; yield each with its errors, if any."""
        left = dict(bodies)
        while left:
            body = {"offerMappings": list(left.values())}
            try:
                reply = self.call(paths.OFFERS_SET, safe=True, json=body, weight=len(left))
            except Rejected as refusal:
                named = refusal.by_offer(left)
                if not named:
                    raise
            else:
                if reply["status"] == "OK":
                    yield from ((offer_id, ()) for offer_id in left)
                    return
                named = _named(reply, left)
            for offer_id, errors in named.items():
                yield offer_id, errors
                del left[offer_id]

    def _set_vat(self, batch: Batch, good: Sequence[Item]) -> Iterator[Outcome]:
        """Set the VAT where there is one to set, then answer for the cards.

        Each rate is a call of its own: one that the seller's taxation does not allow is refused for itself.
        """
        by_rate: dict[int | None, list[Item]] = defaultdict(list)
        for item in good:
            by_rate[item.payload.get("vat") if _changed(item, "vat") else None].append(item)
        for rate, items in by_rate.items():
            trouble = None if rate is None else self._tax(rate, items)
            for item in items:
                if isinstance(trouble, Rejected):
                    yield batch.refused(item.id, trouble.errors)
                elif trouble is not None:
                    yield batch.later(item.id, str(trouble), after=_UNKNOWN)
                else:
                    yield batch.done(item.id, item.native_id or item.id)

    def _tax(self, rate: int, items: Sequence[Item]) -> Rejected | ShopAsleep | None:
        """Set a rate in every shop of the connection; return what kept it from one of them."""
        rows = [{"offerId": item.native_id or item.id, "vat": rate} for item in items]
        trouble: Rejected | ShopAsleep | None = None
        for campaign in self.options.campaigns:
            body = {"offers": rows}
            try:
                self.call(paths.SHOP_OFFERS_SET, safe=True, campaign=campaign, json=body, weight=len(rows))
            except (Rejected, ShopAsleep) as error:
                trouble = error
        return trouble

    def _move(self, operation: Operation, batch: Batch) -> Native:
        ids = [item.native_id or item.id for item in batch.items]
        reply = self.call(operation, safe=True, json={"offerIds": ids}, weight=len(ids))
        result: Native = reply.get("result") or {}
        return result


def _named(reply: Reply, sent: Container[str]) -> dict[str, tuple[RecordError, ...]]:
    """Return the cards for whose sake nothing was saved, each with its errors."""
    rows: list[Native] = reply.get("results") or []
    bad = {row["offerId"]: record_errors(row["errors"]) for row in rows if row.get("errors") and row["offerId"] in sent}
    if not bad:
        raise IncompleteSource(f"{reply.what}: nothing was saved, and no card is named as the cause.")
    return bad


def _moderators_words(row: Native) -> list[RecordError]:
    state = row["cardStatus"]
    said = [
        RecordError(state, ": ".join(filter(None, (one.get("message"), one.get("comment")))))
        for one in row.get("errors") or ()
    ]
    return said or [RecordError(state, f"Market does not take the card as it is: {state}. See it in the cabinet.")]


def _changed(item: Item, name: str) -> bool:
    return item.before is None or item.before.get(name) != item.payload.get(name)
