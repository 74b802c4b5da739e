"""Cards: the list and the trash, errors, pictures, and what people do to cards."""

from __future__ import annotations

from typing import Any

from connectors.wildberries.sandbox import bodies
from connectors.wildberries.sandbox.cabinet import Card, content_error, stamp
from connectors.wildberries.sandbox.catalogue import VOLUME_ID
from connectors.wildberries.sandbox.making import Making
from connectors.wildberries.sandbox.shapes import listed, trashed
from obmen.testing.sandbox import Request, Response, route


class Cards(Making):
    """The calls about cards.

    Custom faults: ``bad_picture`` (nothing of this
    set is loaded, with an answer of 200), ``not_moved`` (the trash takes nothing).
    """

    def state(self) -> dict[str, Any]:
        """Add cards by vendor code."""
        self.work_off()
        return {**super().state(), "cards": {card.vendor_code: self._card_state(card) for card in self.cards.values()}}

    def _card_state(self, card: Card) -> dict[str, Any]:
        names = {id_: name for name, id_ in self.warehouses.items()}
        return {
            "nmID": card.nm_id,
            "subjectID": card.subject_id,
            "title": card.title,
            "brand": card.brand,
            "characteristics": card.characteristics,
            "dimensions": card.dimensions,
            "photos": card.photos,
            "trashed": card.trashed_at is not None,
            "price": card.price,
            "discount": card.discount,
            "held": card.held is not None,
            "sizes": {
                size.tech_size: {
                    "chrtID": size.chrt_id,
                    "skus": size.skus,
                    "stocks": {names.get(id_, str(id_)): amount for id_, amount in sorted(size.stocks.items())},
                }
                for size in card.sizes
            },
        }

    # -- hands: what people and Wildberries itself do -------------------------------------------------------

    def add_card(self, vendor_code: str, **told: Any) -> Card:
        """Put a card into the cabinet, ready to be sold.

        ``told``: fields of the card (``title``, ``subject_id``, ``price`` …); ``sizes``: name → barcodes.
        """
        sizes: dict[str, list[str]] = told.pop("sizes", None) or {"0": [f"20{self._cards_made:011d}"]}
        subject = told.pop("subject_id", 105)
        card = self._make(vendor_code, subject, [(name, name, skus) for name, skus in sizes.items()], self.now())
        for name, value in told.items():
            setattr(card, name, value)
        return card

    def fill(self, goods: int) -> list[str]:
        """Put so many invented cards into the cabinet; return their vendor codes."""
        codes = [f"SKU-{number:05d}" for number in range(1, goods + 1)]
        for number, code in enumerate(codes, 1):
            volume = [{"id": VOLUME_ID, "value": 350}]
            self.add_card(code, title=f"Кружка пробная {number}", brand="Образец", characteristics=volume)
        return codes

    def card(self, vendor_code: str) -> Card:
        """Return the card of a vendor code."""
        self.work_off()
        return next(card for card in self.cards.values() if card.vendor_code == vendor_code)

    def edit(self, vendor_code: str, **told: Any) -> Card:
        """Change a card as a person does in the cabinet."""
        card = self.card(vendor_code)
        for name, value in told.items():
            setattr(card, name, value)
        card.updated_at = self.tick()
        return card

    # -- lists --------------------------------------------------------------------------------------------

    @route("POST", "/content/v2/get/cards/list")
    def list_cards(self, request: Request) -> Response:
        """Cards on sale, by the time of their last change."""
        self.work_off()
        asked = self.body(request, bodies.CardList).settings
        chosen = [card for card in self.cards.values() if card.trashed_at is None and _meant(card, asked.filter)]
        rows = [(stamp(card.updated_at), card.nm_id, card) for card in chosen]
        told = _after(rows, asked, asked.cursor.updatedAt)
        return Response(
            json={
                "cards": [listed(card) for _, _, card in told],
                "cursor": {
                    "updatedAt": told[-1][0] if told else "",
                    "nmID": told[-1][1] if told else 0,
                    "total": len(told),
                },
            }
        )

    @route("POST", "/content/v2/get/cards/trash")
    def list_trash(self, request: Request) -> Response:
        """Cards in the trash, by the time when they came there."""
        asked = self.body(request, bodies.CardList).settings
        chosen = [card for card in self.cards.values() if card.trashed_at is not None and _meant(card, asked.filter)]
        rows = [(stamp(card.trashed_at or 0.0), card.nm_id, card) for card in chosen]
        told = _after(rows, asked, asked.cursor.trashedAt)
        return Response(
            json={
                "cards": [trashed(card) for _, _, card in told],
                "cursor": {
                    "trashedAt": told[-1][0] if told else "",
                    "nmID": told[-1][1] if told else 0,
                    "total": len(told),
                },
            }
        )

    @route("POST", "/content/v2/cards/error/list")
    def list_errors(self, request: Request) -> Response:
        """What is wrong with cards that could not be made or changed."""
        self.work_off()
        asked = self.body(request, bodies.ErrorList)
        rows = sorted(
            self.card_errors, key=lambda row: (row["updatedAt"], row["batchUUID"]), reverse=not asked.order.ascending
        )
        if asked.cursor.updatedAt:
            place = (asked.cursor.updatedAt, asked.cursor.batchUUID or "")
            rows = [
                row for row in rows
                if ((row["updatedAt"], row["batchUUID"]) > place) == asked.order.ascending
                and (row["updatedAt"], row["batchUUID"]) != place
            ]  # fmt: skip
        told = rows[: asked.cursor.limit]
        empty = {"updatedAt": "0001-01-01T00:00:00Z", "batchUUID": "00000000-0000-0000-0000-000000000000"}
        last = told[-1] if told else empty
        cursor = {"next": len(told) < len(rows), "updatedAt": last["updatedAt"], "batchUUID": last["batchUUID"]}
        return Response(
            json={"data": {"items": told, "cursor": cursor}, "error": False, "errorText": "", "additionalErrors": None}
        )

    # -- the trash and pictures -----------------------------------------------------------------------------

    @route("POST", "/content/v2/cards/delete/trash")
    def trash_cards(self, request: Request) -> Response:
        """Put cards into the trash; what is left in stock is sold all the same."""
        return self._move(request, trashing=True)

    @route("POST", "/content/v2/cards/recover")
    def recover_cards(self, request: Request) -> Response:
        """Take cards out of the trash."""
        return self._move(request, trashing=False)

    @route("POST", "/content/v3/media/save")
    def save_media(self, request: Request) -> Response:
        """Replace all pictures of a card; a bad one among them leaves it without any, with an answer of 200."""
        asked = self.body(request, bodies.Media)
        card = self.cards.get(asked.nmId)
        if card is None:
            return content_error(400, "Invalid request format: no such nmId")
        if any(not url.startswith(("http://", "https://")) for url in asked.data):
            return content_error(409, "Some links could not be saved")
        bad = self.fault("bad_picture") or any(url.endswith(".txt") for url in asked.data)
        card.photos = [] if bad else list(asked.data)
        card.updated_at = self.tick()
        self.written["pictures"] += 1
        return Response(json={"data": {}, "error": False, "errorText": "", "additionalErrors": None})

    # -- inside -------------------------------------------------------------------------------------------

    def _move(self, request: Request, *, trashing: bool) -> Response:
        numbers = self.body(request, bodies.Numbers).nmIDs
        cards = [self.cards[number] for number in numbers if number in self.cards]
        if len(cards) < len(numbers):
            return content_error(400, "Invalid request format: unknown nmID")
        for card in cards:
            if (card.trashed_at is not None) != trashing and not self.fault("not_moved"):
                card.trashed_at = self.tick() if trashing else None
                card.updated_at = self.tick()
                self.written["moves"] += 1
        return Response(json={"data": None, "error": False, "errorText": "", "additionalErrors": {}})


def _meant(card: Card, wanted: bodies.ListFilter) -> bool:
    text = wanted.textSearch
    photo = {1: bool(card.photos), 2: not card.photos}.get(wanted.withPhoto, True)
    if not text:
        return photo
    skus = {sku for size in card.sizes for sku in size.skus}
    return photo and (text.lower() in card.vendor_code.lower() or text == str(card.nm_id) or text in skus)


def _after(
    rows: list[tuple[str, int, Card]], asked: bodies.ListSettings, time: str | None
) -> list[tuple[str, int, Card]]:
    """Return the page that follows the cursor."""
    rows = sorted(rows, key=lambda row: row[:2], reverse=not asked.sort.ascending)
    if time:
        place = (time, asked.cursor.nmID)
        rows = [row for row in rows if row[:2] != place and (row[:2] > place) == asked.sort.ascending]
    return rows[: asked.cursor.limit]
