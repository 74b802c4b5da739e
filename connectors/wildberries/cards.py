"""Cards: read as they change, created, overwritten, put into the trash and taken out.

Wildberries takes new cards without a word on what becomes of them: there is no task to ask, only the list of
cards, where a good one appears, and the list of errors, where a bad one does. So a card counts as written only
when one of the two has told. The ticket says since when to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import product_id, split_id
from connectors.wildberries.shelf import Shelf, by_size, in_trash, natives, on_sale, size_name
from connectors.wildberries.writing import Writing
from obmen.connector import find, lookup, poll, reader, writer
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError

KEY = ("vendorCode", "techSize")
WRITE_LIMIT = 100
MOVE_LIMIT = 1000
_SETTLING = 60.0
_START: dict[str, Native] = {"cards": {}, "trash": {}}


class Cards(Writing, Shelf):
    """Cards: native id ``nmID:chrtID``, natural id the pair of vendor code and size ("0" for the only one)."""

    @reader("product", key="id")
    def products(self, cursor: str | None) -> Iterator[Page]:
        """Read the cards that are new or changed, the trash too; a record for each size (see shelf.natives)."""
        place = {**_START, **(msgspec.json.decode(cursor) if cursor else {})}
        for name, path, decode in (("cards", paths.CARDS, on_sale), ("trash", paths.TRASH, in_trash)):
            for reply in self.walk(path, place[name]):
                raw = reply.slices("cards")
                if not raw:
                    continue
                time = "updatedAt" if path == paths.CARDS else "trashedAt"
                place = {**place, name: {time: reply[f"cursor.{time}"], "nmID": reply["cursor.nmID"]}}
                slices = [part for card in raw for part in by_size(card)]
                yield Page(slices, cursor=msgspec.json.encode(place).decode(), decode=decode, where=reply.what)

    @lookup("product", batch=WRITE_LIMIT)
    def look_up_products(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read the cards of these pairs of vendor code and size."""
        wanted = set(ids)
        for card in self.cards_by_code([id_.rpartition("|")[0] for id_ in ids]).values():
            for native in natives(card):
                if f"{native['vendorCode']}|{native['techSize']}" in wanted:
                    yield native

    @find("product")
    def find_product(self, item: Item) -> str | None:
        """Return the native id of a vendor code and size, if the cabinet has it."""
        for native in self.look_up_products([item.id]):
            return str(native["id"])
        return None

    @writer("product", key=KEY, batch=WRITE_LIMIT)
    def put_products(self, batch: Batch) -> Iterator[Outcome]:
        """Create cards (``cards/upload``) and overwrite existing ones (``cards/update``).

        Products of one vendor code are the sizes of one card. A card that is there already without our knowing
        is taken over, not refused.
        """
        known = [item for item in batch.items if item.native_id is not None]
        fresh = [item for item in batch.items if item.native_id is None]
        repeated = [item for item in fresh if item.attempt > 1]
        there = self.cards_by_code([_code(item) for item in repeated]) if repeated else {}
        if known:
            numbers = {item.id: split_id(item.native_id or "")[0] for item in known}
            cards = self.cards_by_number(list(numbers.values()))
            gone = [item for item in known if numbers[item.id] not in cards]
            yield from (batch.refused(item.id, [_gone(item)]) for item in gone)
            pairs = [(cards[numbers[item.id]], item) for item in known if numbers[item.id] in cards]
            yield from self.overwrite(batch, pairs)
        yield from self.overwrite(batch, [(there[_code(item)], item) for item in fresh if _code(item) in there])
        yield from self.create(batch, [item for item in fresh if _code(item) not in there])

    @poll("product")
    def became(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Look for the cards among those changed since the ticket, and for their errors."""
        yield from self.settle(ticket, batch)

    @writer("product", key=KEY, batch=MOVE_LIMIT, absolute=True, op="archive")
    def archive_products(self, batch: Batch) -> Iterator[Outcome]:
        """Put cards into the trash. What is left in stock is still sold, so stock should be zero before.

        A card whose other sizes are on sale stays; after 30 days in the trash without stock a card is deleted.
        """
        numbers = {item.id: split_id(item.native_id or "") for item in batch.items}
        cards = self.cards_by_number([card for card, _ in numbers.values()])
        leaving = set(numbers.values())
        moved: list[Item] = []
        for item in batch.items:
            card = cards.get(numbers[item.id][0])
            if card is None or card["trashed"]:
                yield batch.done(item.id, item.native_id)
            elif all((card["nmID"], size["chrtID"]) in leaving for size in card["sizes"]):
                moved.append(item)
            else:
                message = "The card has other sizes, which would go to the trash with it. Set this one's stock to zero."
                yield batch.refused(item.id, [RecordError("other_sizes", message)])
        yield from self._move(batch, moved, paths.CARDS_TRASH, trashed=True)

    @writer("product", key=KEY, batch=MOVE_LIMIT, absolute=True, op="restore")
    def restore_products(self, batch: Batch) -> Iterator[Outcome]:
        """Take cards out of the trash; a card that is not there any more was deleted and has to be made anew."""
        yield from self._move(batch, batch.items, paths.CARDS_RECOVER, trashed=False)

    def _move(self, batch: Batch, items: Sequence[Item], path: paths.Path, *, trashed: bool) -> Iterator[Outcome]:
        if not items:
            return
        numbers = list(dict.fromkeys(split_id(item.native_id or "")[0] for item in items))
        self.call(path, json={"nmIDs": numbers}, safe=True)
        cards = self.cards_by_number(numbers)
        for item in items:
            card = cards.get(split_id(item.native_id or "")[0])
            if card is None:
                yield batch.refused(item.id, [_gone(item)])
            elif card["trashed"] == trashed:
                yield batch.done(item.id, item.native_id)
            else:
                yield batch.later(item.id, "not moved yet", after=_SETTLING)


def size_of(card: Native, item: Item) -> str | None:
    """Return the native id of a product among a card's sizes, None if the card does not have it."""
    wanted = str(item.payload["techSize"])
    sizes: Iterable[Native] = card.get("sizes") or []
    return next((product_id(card["nmID"], size["chrtID"]) for size in sizes if size_name(size) == wanted), None)


def _code(item: Item) -> str:
    return str(item.payload["vendorCode"])


def _gone(item: Item) -> RecordError:
    message = (
        f"The cabinet has no card {item.native_id} any more, neither on sale nor in the trash. Unbind the product."
    )
    return RecordError("card_gone", message)
