"""Making and changing cards: uploads that are worked on later, whole cards overwritten, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from connectors.wildberries.sandbox import bodies
from connectors.wildberries.sandbox.cabinet import Card, Invalid, Size, content_error, stamp
from connectors.wildberries.sandbox.catalogue import SUBJECTS, Catalogue, lacking, wrong
from obmen.testing.sandbox import Request, Response, route

_FIRST_CARD, _FIRST_GROUP, _FIRST_SIZE = 100_000_001, 300_000_001, 500_000_001
_LONGEST_TITLE, _LONGEST_CODE = 60, 72
_UPLOADS, _UPDATES = 100, 3000
_LIST_OF_NEW = msgspec.json.Decoder(list[bodies.NewCards])
_LIST_OF_CHANGED = msgspec.json.Decoder(list[bodies.ChangedCard])
_TICK = 0.000001


class Making(Catalogue):
    """The calls that make and change cards.

    Custom fault: ``card_error`` (the first card of this request fails later).
    """

    def reset(self) -> None:
        """Forget uploads and errors too."""
        super().reset()
        self.uploads: list[tuple[float, bodies.NewCards, bodies.Variant, int]] = []
        self.card_errors: list[dict[str, Any]] = []
        self._cards_made = 0
        self._ticks = 0

    def tick(self) -> float:
        """Return the time, later than any that was returned before."""
        self._ticks += 1
        return self.now() + self._ticks * _TICK

    def moderate(self, vendor_code: str, *texts: str) -> None:
        """Reject a card that waits in an upload: it will be listed among the errors with these texts."""
        for upload in list(self.uploads):
            if upload[2].vendorCode == vendor_code:
                self.uploads.remove(upload)
                self._fail(vendor_code, upload[1].subjectID, texts)

    @route("POST", "/content/v2/cards/upload")
    def upload_cards(self, request: Request) -> Response:
        """Cards to be made, in a while; some faults are seen at once and refuse the whole request."""
        asked = _decoded(_LIST_OF_NEW, request)
        if not 0 < len(asked) <= _UPLOADS:
            return content_error(400, "Invalid request format: from 1 to 100 groups")
        self.work_off()
        variants = [(group, variant) for group in asked for variant in group.variants]
        refused = self._refused_at_once(variants)
        if refused is not None:
            return refused
        codes = {variant.vendorCode for _, variant in variants}
        self._forgive(codes)
        groups: dict[int, int] = {}
        for group, variant in variants:
            number = groups.setdefault(id(group), self._cards_made + len(groups))
            self.uploads.append((self.now() + self.pace.creation, group, variant, number))
        if self.fault("card_error"):
            self.moderate(variants[0][1].vendorCode, "Карточка не прошла проверку")
        self.work_off()
        return _taken()

    @route("POST", "/content/v2/cards/update")
    def update_cards(self, request: Request) -> Response:
        """Overwrite whole cards; barcodes stay, and so do sizes that are not named."""
        asked = _decoded(_LIST_OF_CHANGED, request)
        if not 0 < len(asked) <= _UPDATES:
            return content_error(400, "Invalid request format: from 1 to 3000 cards")
        self.work_off()
        lacks = {}
        for body in asked:
            card = self.cards.get(body.nmID)
            if card is not None and (ids := lacking(card.subject_id, _plain(body.characteristics))):
                lacks[body.vendorCode] = f"missing required characteristics with ids: {ids}"
        if lacks:
            return content_error(
                400, "some items lacks required characteristics. please fill them and try again.", lacks
            )
        self._forgive({body.vendorCode for body in asked})
        failing = self.fault("card_error")
        for index, body in enumerate(asked):
            texts = list(self._update_faults(body))
            if index == 0 and failing:
                texts.append("Карточка не прошла проверку")
            card = self.cards.get(body.nmID)
            if texts or card is None:
                self._fail(body.vendorCode, card.subject_id if card else 0, texts)
            else:
                self._overwrite(card, body)
        return _taken()

    def work_off(self) -> None:
        """Make the cards whose time has come."""
        due = [upload for upload in self.uploads if upload[0] <= self.now()]
        self.uploads = [upload for upload in self.uploads if upload[0] > self.now()]
        for _, group, variant, number in due:
            texts = list(self._faults(group.subjectID, variant))
            if texts:
                self._fail(variant.vendorCode, group.subjectID, texts)
                continue
            sizes = [(size.techSize, size.wbSize, size.skus) for size in variant.sizes] or [("", "", [])]
            card = self._make(variant.vendorCode, group.subjectID, sizes, self.now() + self.pace.sync)
            card.imt_id = _FIRST_GROUP + number
            self._fill(card, variant)
            card.price = max((size.price for size in variant.sizes), default=0)
            self.written["cards"] += 1

    def _make(
        self, vendor_code: str, subject_id: int, sizes: Sequence[tuple[str, str, list[str]]], synced_at: float
    ) -> Card:
        number = self._cards_made
        self._cards_made += 1
        now = self.tick()
        card = Card(_FIRST_CARD + number, _FIRST_GROUP + number, vendor_code, subject_id, [], now, now, synced_at)
        self.cards[card.nm_id] = card
        for tech_size, wb_size, skus in sizes:
            self._add_size(card, tech_size, wb_size, skus)
        return card

    def _add_size(self, card: Card, tech_size: str, wb_size: str, skus: list[str]) -> None:
        count = sum(len(other.sizes) for other in self.cards.values())
        barcodes = list(skus) or [f"20{count:011d}"]
        name = tech_size or "0"
        card.sizes.append(Size(_FIRST_SIZE + count, name, "" if name == "0" else wb_size, barcodes))

    def _fill(self, card: Card, body: bodies.Variant | bodies.ChangedCard) -> None:
        card.brand, card.title, card.description = body.brand, body.title, body.description
        card.kiz_marked = body.kizMarked
        card.dimensions = msgspec.to_builtins(body.dimensions)
        card.characteristics = _plain(body.characteristics)
        card.updated_at = self.tick()

    def _overwrite(self, card: Card, body: bodies.ChangedCard) -> None:
        known = {size.chrt_id: size for size in card.sizes}
        for size in body.sizes:
            if size.chrtID:
                there = known[size.chrtID]
                there.skus = list(dict.fromkeys([*there.skus, *size.skus]))
                there.wb_size = size.wbSize
            else:
                self._add_size(card, size.techSize, size.wbSize, size.skus)
        card.vendor_code = body.vendorCode
        self._fill(card, body)
        self.written["cards"] += 1

    def _refused_at_once(self, variants: list[tuple[bodies.NewCards, bodies.Variant]]) -> Response | None:
        for group, variant in variants:
            if not variant.vendorCode:
                return content_error(400, "A card cannot be created without a vendorCode")
            if group.subjectID not in SUBJECTS:
                return content_error(400, "This category does not exist", {"id": str(group.subjectID)})
        used = {card.vendor_code for card in self.cards.values()} | {upload[2].vendorCode for upload in self.uploads}
        codes = [variant.vendorCode for _, variant in variants]
        if used & set(codes) or len(set(codes)) < len(codes):
            text = "bad request; Unexpected the specified card's vendor code is used in other cards"
            return content_error(400, text)
        lacks = {
            variant.vendorCode: f"missing required characteristics with ids: {ids}"
            for group, variant in variants
            if (ids := lacking(group.subjectID, _plain(variant.characteristics)))
        }
        if lacks:
            return content_error(
                400, "some items lacks required characteristics. please fill them and try again.", lacks
            )
        return None

    def _faults(self, subject_id: int, body: bodies.Variant | bodies.ChangedCard) -> Iterator[str]:
        if not body.title:
            yield "Не заполнено наименование товара"
        if len(body.title) > _LONGEST_TITLE:
            yield f"Наименование длиннее {_LONGEST_TITLE} символов"
        if len(body.vendorCode) > _LONGEST_CODE:
            yield f"Артикул продавца длиннее {_LONGEST_CODE} символов"
        yield from wrong(subject_id, _plain(body.characteristics))
        used = {sku for card in self.cards.values() if card.vendor_code != body.vendorCode
                for size in card.sizes for sku in size.skus}  # fmt: skip
        for size in body.sizes:
            yield from (f"Баркод {sku} уже используется" for sku in size.skus if sku in used)

    def _update_faults(self, body: bodies.ChangedCard) -> Iterator[str]:
        card = self.cards.get(body.nmID)
        if card is None:
            yield "Карточка не найдена"
            return
        yield from self._faults(card.subject_id, body)
        known = {size.chrt_id for size in card.sizes}
        yield from (
            f"Размер {size.chrtID} не найден" for size in body.sizes if size.chrtID and size.chrtID not in known
        )
        taken = {size.tech_size for size in card.sizes}
        yield from (
            f"Размер {size.techSize} уже есть" for size in body.sizes if not size.chrtID and size.techSize in taken
        )

    def _fail(self, vendor_code: str, subject_id: int, texts: Sequence[str]) -> None:
        self.card_errors.append(
            {
                "batchUUID": f"00000000-0000-4000-8000-{len(self.card_errors):012d}",
                "subjects": {vendor_code: {"id": subject_id, "name": SUBJECTS.get(subject_id, (0, ""))[1]}},
                "brands": {},
                "vendorCodes": [vendor_code],
                "errors": {vendor_code: list(texts)},
                "updatedAt": stamp(self.tick()),
            }
        )

    def _forgive(self, codes: set[str]) -> None:
        self.card_errors = [row for row in self.card_errors if not codes & set(row["vendorCodes"])]


def _decoded(decoder: msgspec.json.Decoder[Any], request: Request) -> Any:
    try:
        return decoder.decode(request.body or b"[]")
    except msgspec.DecodeError as error:
        raise Invalid(content_error(400, f"Invalid request format: {error}")) from error


def _plain(rows: Sequence[bodies.Charc]) -> list[dict[str, Any]]:
    return [{"id": row.id, "value": row.value} for row in rows]


def _taken() -> Response:
    return Response(json={"data": None, "error": False, "errorText": "", "additionalErrors": {}})
