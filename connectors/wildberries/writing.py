"""Writing cards: who is new, who is blamed, and what became of them.

One wrong card makes Wildberries refuse the whole upload; it names the culprit by vendor code if it names it at
all. The named ones are refused, the others are said again; where nobody is named, the engine splits the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.wildberries import paths
from connectors.wildberries.base import product_id
from connectors.wildberries.categories import Categories
from connectors.wildberries.compose import as_sent, changed_card, new_card
from connectors.wildberries.errors import VendorRefused
from connectors.wildberries.pictures import Pictures
from connectors.wildberries.shelf import Shelf, size_name
from obmen.errors import Refused
from obmen.http import Reply
from obmen.records import Batch, Item, Native, Outcome, RecordError

_CREATED, _UPDATED = "create", "update"
_IN_USE = "used in other cards"
_IN_TRASH = (
    "The card is in the trash, which does not tell all that an update would have to send back. Take it out in the "
    "cabinet, or let the product flow restore it."
)
_SKEW = timedelta(seconds=10)
_ERROR_PAGE = 100
_LOST_AFTER = 3600.0
_QUIET_AFTER = 120.0
"""Seconds after which an updated card that is not told as changed is looked at by itself."""


class Writing(Categories, Pictures, Shelf):
    """The calls that create and overwrite, and the search for their effect."""

    # -- saying -------------------------------------------------------------------------------------------

    def create(self, batch: Batch, items: Sequence[Item]) -> Iterator[Outcome]:
        """Upload new cards, sizes of one vendor code together."""
        groups: dict[str, list[Item]] = {}
        for item in items:
            groups.setdefault(str(item.payload["vendorCode"]), []).append(item)
        bodies: dict[str, Native] = {}
        for code, group in groups.items():
            try:
                payloads = [item.payload for item in group]
                subject = _subject(payloads[0])
                variant = new_card(payloads, self.characteristics(payloads[0]))
                bodies[code] = {"subjectID": subject, "variants": [variant]}
            except Refused as error:
                yield from _refuse(batch, group, error)
        while bodies:
            try:
                reply = self.call(paths.CARDS_CREATE, json=list(bodies.values()))
            except VendorRefused as error:
                blamed = [code for code in bodies if code in _named(error)]
                if not blamed:
                    yield from self._unnamed(batch, groups, bodies, error)
                    return
                for code in blamed:
                    del bodies[code]
                    yield from _refuse(batch, groups[code], error, _named(error)[code])
                continue
            ticket = f"{_CREATED} {_moment(reply, self.clock.now())}"
            for code in bodies:
                yield from (batch.accepted(item.id, ticket) for item in groups[code])
            return

    def _unnamed(
        self, batch: Batch, groups: Mapping[str, list[Item]], bodies: Mapping[str, Native], error: VendorRefused
    ) -> Iterator[Outcome]:
        """Nobody was named: take over what is there already, and leave the rest to another attempt."""
        if _IN_USE not in error.said:
            raise error
        there = self.cards_by_code(list(bodies))
        if not there:
            items = [item for code in bodies for item in groups[code]]
            if len(bodies) > 1 and any(item.attempt == 1 for item in items):
                raise error
            message = "Wildberries says that the vendor code is in use, but shows no card of it yet."
            yield from (batch.later(item.id, message, after=_QUIET_AFTER) for item in items)
            return
        yield from self.overwrite(batch, [(card, item) for code, card in there.items() for item in groups[code]])
        rest = [item for code in bodies if code not in there for item in groups[code]]
        yield from self.create(batch, rest)

    def overwrite(self, batch: Batch, pairs: Sequence[tuple[Native, Item]]) -> Iterator[Outcome]:
        """Overwrite cards as they were just read with what the items say; what says nothing new makes no call."""
        cards: dict[int, Native] = {}
        groups: dict[int, list[Item]] = {}
        for card, item in pairs:
            cards[card["nmID"]] = card
            groups.setdefault(card["nmID"], []).append(item)
        bodies: dict[int, Native] = {}
        idle: list[int] = []
        for number, group in groups.items():
            try:
                body = self._changed(cards[number], [item.payload for item in group])
            except Refused as error:
                yield from _refuse(batch, group, error)
                continue
            if body != as_sent(cards[number]):
                bodies[number] = body
            else:
                idle.append(number)
        for number in idle:
            yield from self._unmoved(batch, cards[number], groups[number])
        yield from self._update(batch, groups, bodies)

    def _changed(self, card: Native, payloads: Sequence[Native]) -> Native:
        if card.get("trashed"):
            raise Refused(_IN_TRASH, code="in_trash")
        return changed_card(card, payloads, self.characteristics(payloads[0], card))

    def _unmoved(self, batch: Batch, card: Native, group: Sequence[Item]) -> Iterator[Outcome]:
        """The card says all this already; only its pictures may be to send."""
        ticket = f"{_UPDATED} {_written(self.clock.now() - _SKEW)}"
        for item in group:
            if not self.pictures_changed(card, pictures(item)):
                yield batch.done(item.id, _native_id(card, item))
                continue
            try:
                self.show_pictures(card, pictures(item), ticket)
            except Refused as error:
                yield from _refuse(batch, [item], error)
            else:
                yield batch.accepted(item.id, ticket)

    def _update(self, batch: Batch, groups: Mapping[int, list[Item]], bodies: dict[int, Native]) -> Iterator[Outcome]:
        while bodies:
            try:
                reply = self.call(paths.CARDS_UPDATE, json=list(bodies.values()), safe=True)
            except VendorRefused as error:
                blamed = [number for number, body in bodies.items() if body["vendorCode"] in _named(error)]
                if not blamed:
                    raise
                for number in blamed:
                    code = bodies.pop(number)["vendorCode"]
                    yield from _refuse(batch, groups[number], error, _named(error)[code])
                continue
            ticket = f"{_UPDATED} {_moment(reply, self.clock.now())}"
            for number in bodies:
                yield from (batch.accepted(item.id, ticket) for item in groups[number])
            return

    # -- asking -------------------------------------------------------------------------------------------

    def settle(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Tell what became of cards since a ticket; what is still being worked on is not mentioned."""
        what, _, since = ticket.partition(" ")
        age = (self.clock.now() - datetime.fromisoformat(since)).total_seconds()
        changed = list(self.changed_since(since))
        found = {item.id: card for item in batch.items if (card := _card_of(item, changed)) is not None}
        missing = [item for item in batch.items if item.id not in found]
        errors = self._errors_since(since) if missing or what == _UPDATED else {}
        if missing and what == _UPDATED and age > _QUIET_AFTER:
            found.update(self._looked_at(missing))
        for item in batch.items:
            card = found.get(item.id)
            said = errors.get(str((card or item.payload)["vendorCode"]))
            if said:
                yield batch.refused(item.id, [RecordError("card_error", text) for text in said])
            elif card is not None:
                yield from self._with_pictures(batch, item, card, ticket)
            elif age > _LOST_AFTER:
                yield batch.later(item.id, "Wildberries shows neither the card nor its errors")

    def _looked_at(self, items: Sequence[Item]) -> dict[str, Native]:
        """Return the cards of items by item, each searched for by itself."""
        numbers = [int(item.native_id.partition(":")[0]) for item in items if item.native_id]
        codes = [str(item.payload["vendorCode"]) for item in items if not item.native_id]
        cards = [*self.cards_by_number(numbers).values(), *self.cards_by_code(codes).values()]
        return {item.id: card for item in items if (card := _card_of(item, cards)) is not None}

    def _with_pictures(self, batch: Batch, item: Item, card: Native, ticket: str) -> Iterator[Outcome]:
        try:
            if self.show_pictures(card, pictures(item), ticket) == "shown":
                yield batch.done(item.id, _native_id(card, item))
        except Refused as error:
            yield from _refuse(batch, [item], error)

    def _errors_since(self, since: str) -> dict[str, list[str]]:
        """Return vendor code → what is wrong with the card, for errors that were found since."""
        told: dict[str, list[str]] = {}
        begin = datetime.fromisoformat(since)
        place: Native = {}
        while True:
            body: dict[str, Any] = {"cursor": {"limit": _ERROR_PAGE, **place}, "order": {"ascending": False}}
            reply = self.call(paths.CARD_ERRORS, json=body, safe=True)
            packages: list[Native] = reply["data.items"]
            for package in packages:
                if datetime.fromisoformat(package["updatedAt"]) < begin:
                    return told
                for code, texts in package["errors"].items():
                    told.setdefault(code, []).extend(texts)
            if not reply["data.cursor.next"] or not packages:
                return told
            place = {name: reply[f"data.cursor.{name}"] for name in ("updatedAt", "batchUUID")}


def pictures(item: Item) -> list[str]:
    """Return the addresses of the pictures that an item wants its card to show."""
    return [str(url) for url in item.payload.get("photos") or []]


def _native_id(card: Native, item: Item) -> str | None:
    wanted = str(item.payload["techSize"])
    sizes: list[Native] = card.get("sizes") or []
    return next(
        (product_id(card["nmID"], size["chrtID"]) for size in sizes if size_name(size) == wanted), item.native_id
    )


def _card_of(item: Item, cards: Any) -> Native | None:
    """Return the item's card once it has the item's size."""
    number = int(item.native_id.partition(":")[0]) if item.native_id else None
    for card in cards:
        mine = card["nmID"] == number if number else card["vendorCode"] == str(item.payload["vendorCode"])
        if mine and (number or _native_id(card, item) is not None):
            found: Native = card
            return found
    return None


def _subject(payload: Native) -> int:
    category = str(payload.get("category") or "")
    if not category.isdecimal():
        message = "The product has no category of Wildberries. Add its category to the project's categories file."
        raise Refused(message, code="no_category", field="category")
    return int(category)


def _named(error: VendorRefused) -> dict[str, str]:
    details = error.details
    return {str(code): str(text) for code, text in details.items()} if isinstance(details, Mapping) else {}


def _refuse(batch: Batch, items: Sequence[Item], error: Refused, said: str = "") -> Iterator[Outcome]:
    words = error.said if isinstance(error, VendorRefused) else str(error)
    text = f"{words}: {said}" if said else words
    for item in items:
        yield batch.refused(item.id, [RecordError(error.code, text, error.field)])


def _moment(reply: Reply, now: datetime) -> str:
    """Return the time of an answer by Wildberries' own clock, a little earlier; ours where it tells none."""
    try:
        told = parsedate_to_datetime(reply.headers.get("Date", ""))
    except ValueError:
        told = now - timedelta(minutes=5)
    return _written(told.astimezone(UTC) - _SKEW)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
