"""Reading the cards: the list and the trash, page by page, and one native record for each size.

A card lists its sizes, and each size is a product of its own; so a card of three sizes becomes three records
that share the card's data. Both lists go on from the last (time, nmID) that they told, in ascending order,
which makes every read after the first one bring changes only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import Base, product_id
from obmen.errors import IncompleteSource
from obmen.http import Reply, encode_json
from obmen.records import Native, decode_json

PAGE = 100
_SEARCHES = 10
"""So many cards are searched one by one; for more the whole list is read, a hundred a call."""
ONE_SIZE = "0"
"""What Wildberries calls the only size of a good that has none."""
VAT = "Ставка НДС"
_RUSSIAN = {"locale": "ru"}

_TIMES = {paths.CARDS: "updatedAt", paths.TRASH: "trashedAt"}
Name = TypeVar("Name", str, int)


class Shelf(Base):
    """The seller's cards as Wildberries lists them."""

    def walk(self, path: paths.Path, start: Mapping[str, Any] | None = None, *, text: str = "") -> Iterator[Reply]:
        """Yield the pages of ``paths.CARDS`` or ``paths.TRASH`` that follow ``start`` (time and nmID).

        ``text``: an article, a barcode or an nmID to search for. Raises IncompleteSource when the list does not go
        on.
        """
        time = _TIMES[path]
        place = dict(start or {})
        wanted: dict[str, Any] = {"withPhoto": -1} if path == paths.CARDS else {}
        if text:
            wanted["textSearch"] = text
        while True:
            settings = {"sort": {"ascending": True}, "cursor": {"limit": PAGE, **place}}
            body = {"settings": {**settings, "filter": wanted} if wanted else settings}
            reply = self.call(path, json=body, params=_RUSSIAN, safe=True)
            yield reply
            if reply["cursor.total"] < PAGE:
                return
            before, place = place, {time: reply[f"cursor.{time}"], "nmID": reply["cursor.nmID"]}
            if place == before:
                raise IncompleteSource(f"{reply.what}: the list has more to give but no cursor to ask by.")

    def changed_since(self, moment: str) -> Iterator[Native]:
        """Yield the cards that were made or changed since ``moment`` (as Wildberries writes it)."""
        for reply in self.walk(paths.CARDS, {"updatedAt": moment, "nmID": 0}):
            yield from reply["cards"]

    def cards_by_code(self, codes: Collection[str]) -> dict[str, Native]:
        """Return the cards of these vendor codes, wherever they are; what is not there is left out."""
        return self._searched(codes, lambda card: str(card["vendorCode"]))

    def cards_by_number(self, numbers: Collection[int]) -> dict[int, Native]:
        """Return the cards of these nmIDs, wherever they are; what is not there is left out."""
        return self._searched(numbers, lambda card: int(card["nmID"]))

    def _searched(self, names: Collection[Name], name_of: Callable[[Native], Name]) -> dict[Name, Native]:
        found: dict[Name, Native] = {}
        for path in (paths.CARDS, paths.TRASH):
            missing = [name for name in dict.fromkeys(names) if name not in found]
            for card in self._pages_for(path, [str(name) for name in missing]):
                name = name_of(card)
                if name in missing:
                    found[name] = {**card, "trashed": path == paths.TRASH}
                if len(found) == len(set(names)):
                    return found
        return found

    def _pages_for(self, path: paths.Path, texts: list[str]) -> Iterator[Native]:
        searches = texts if len(texts) <= _SEARCHES else [""]
        for text in searches:
            for reply in self.walk(path, text=text):
                yield from reply["cards"]


def by_size(raw: bytes) -> Iterator[bytes]:
    """Yield a slice for each size of a card: the card's own bytes where it has one size."""
    card: Native = msgspec.json.decode(raw)
    sizes = card.get("sizes") or []
    if len(sizes) == 1:
        yield raw
        return
    for size in sizes:
        yield encode_json({**card, "sizes": [size], "several": True})


def on_sale(raw: bytes) -> Iterator[Native]:
    """Turn a slice of ``paths.CARDS`` into a native record."""
    return _decoded(raw, trashed=False)


def in_trash(raw: bytes) -> Iterator[Native]:
    """Turn a slice of ``paths.TRASH`` into a native record."""
    return _decoded(raw, trashed=True)


def natives(card: Native) -> Iterator[Native]:
    """Yield a record for each size of a card.

    Shape: ``id`` (nmID:chrtID), ``article`` (the vendor code, with the size where there are several), the card's
    own fields, ``techSize`` ("0" where there is one size only), ``wbSize`` and ``skus`` (barcodes) of the size,
    ``photos`` (addresses), ``vat`` in Wildberries' words where the card has it, and ``trashed``.
    """
    shared = {name: value for name, value in card.items() if name not in {"sizes", "photos", "several"}}
    several = card.get("several") or len(card.get("sizes") or []) > 1
    shared["photos"] = [photo["big"] for photo in card.get("photos") or [] if photo.get("big")]
    vat = next((one["value"] for one in card.get("characteristics") or [] if one.get("name") == VAT), None)
    if vat:
        shared["vat"] = str(vat[0] if isinstance(vat, list) else vat)
    for size in card.get("sizes") or []:
        yield {
            **shared,
            "id": product_id(card["nmID"], size["chrtID"]),
            "article": f"{card['vendorCode']}/{size_name(size)}" if several else card["vendorCode"],
            "chrtID": size["chrtID"],
            "techSize": size_name(size),
            "wbSize": size.get("wbSize") or "",
            "skus": list(size.get("skus") or []),
        }


def size_name(size: Mapping[str, Any]) -> str:
    """Return a size's name; that of a good without sizes is told as "0" or as nothing."""
    return str(size.get("techSize") or ONE_SIZE)


def _decoded(raw: bytes, *, trashed: bool) -> Iterator[Native]:
    for card in decode_json(raw):
        yield from natives({**card, "trashed": trashed})
