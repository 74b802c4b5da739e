"""Assembling and cancelling as Ozon does them: several packages become several postings, nothing is said twice."""

from __future__ import annotations

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.cabinet import Invalid, Line, Posting
from connectors.ozon.sandbox.postings import BEFORE_ASSEMBLY, WITH_SELLER, Postings
from obmen.testing.sandbox import Request, Response, route

SELLER_REASONS = {
    352: "Нет на складе",
    400: "Остался один брак",
    402: "Другое",
}
_NEEDS_MESSAGE = 402
_DISPUTED = {"arbitration", "not_accepted"}


class Assembling(Postings):
    """The calls by which a seller assembles, cancels, and answers a dispute.

    ``split_cancels_parent``: a shipment in several packages makes new postings of all of them, instead of
    leaving the first package in the posting itself. Custom faults: ``ship_failed`` (200, and the assembly
    fails), ``ship_slow`` (200, and the posting is assembled only after it was looked at once),
    ``cancel_slow`` (200, and goods are cancelled only after the posting was looked at once).
    """

    split_cancels_parent = False

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.closed_reasons: set[int] = set()

    @route("POST", "/v4/posting/fbs/ship")
    def ship(self, request: Request) -> Response:
        """``PostingAPI_ShipFbsPostingV4``: several packages become several postings."""
        asked = self.body(request, bodies.Ship)
        posting = self.known(asked.posting_number)
        if posting.status == "cancelled":
            raise Invalid("POSTING_ALREADY_CANCELLED")
        if posting.status != "awaiting_packaging":
            awaited = posting.status in BEFORE_ASSEMBLY
            raise Invalid("HAS_INCORRECT_STATUS" if awaited else "POSTING_ALREADY_SHIPPED")
        if posting.assembling:
            raise Invalid("POSTING_ALREADY_SHIPPED")
        _check_packages(posting, asked.packages)
        self.check_units(posting)
        self.written["ships"] += 1
        if self.fault("ship_failed"):
            self.enter(posting, posting.status, "ship_failed")
        elif self.fault("ship_slow"):
            posting.assembling = True
        else:
            numbers = self._assemble(posting, asked.packages)
            return Response(json={"additional_data": [], "result": numbers})
        return Response(json={"additional_data": [], "result": [posting.number]})

    @route("POST", "/v2/posting/fbs/cancel")
    def cancel(self, request: Request) -> Response:
        """``PostingAPI_CancelFbsPosting``."""
        asked = self.body(request, bodies.Cancel)
        posting = self.known(asked.posting_number)
        if posting.status == "cancelled":
            raise Invalid("POSTING_ALREADY_CANCELLED")
        if posting.status not in WITH_SELLER:
            raise Invalid("HAS_INCORRECT_STATUS")
        self._check_reason(asked.cancel_reason_id)
        if asked.cancel_reason_id == _NEEDS_MESSAGE and not asked.cancel_reason_message:
            raise Invalid("cancel_reason_message is required for cancel_reason_id 402")
        title = SELLER_REASONS[asked.cancel_reason_id]
        self.cancel_posting(posting, asked.cancel_reason_id, title, "seller", "Продавец")
        self.written["cancels"] += 1
        return Response(json={"result": True})

    @route("POST", "/v2/posting/fbs/product/cancel")
    def cancel_goods(self, request: Request) -> Response:
        """``PostingAPI_CancelFbsPostingProduct``: said twice, it cancels twice."""
        asked = self.body(request, bodies.CancelGoods)
        posting = self.known(asked.posting_number)
        if posting.status not in BEFORE_ASSEMBLY:
            raise Invalid("HAS_INCORRECT_STATUS")
        self._check_reason(asked.cancel_reason_id)
        held = held_by(posting)
        for row in asked.items:
            if row.quantity > held.get(row.sku, 0):
                raise Invalid("HAS_INCORRECT_PRODUCT_QUANTITY")
            held[row.sku] -= row.quantity
        if not any(held.values()):
            raise Invalid("HAS_INCORRECT_PRODUCT_QUANTITY: the whole posting is cancelled by another method")
        self.written["goods_cancelled"] += 1
        wanted = {row.sku: row.quantity for row in asked.items}
        if self.fault("cancel_slow"):
            posting.leaving = wanted
        else:
            self.take_out(posting, wanted)
        return Response(json={"result": posting.number})

    @route("POST", "/v1/posting/fbs/cancel-reason")
    def reasons(self, request: Request) -> Response:
        """``PostingAPI_GetPostingFbsCancelReasonV1``."""
        asked = self.body(request, bodies.Related)
        reasons = [
            {"id": id_, "title": title, "type_id": "seller"}
            for id_, title in SELLER_REASONS.items()
            if id_ not in self.closed_reasons
        ]
        buyers = {"id": 505, "title": "Покупатель передумал", "type_id": "buyer"}
        numbers = [self.known(number).number for number in asked.related_posting_numbers]
        rows = [{"posting_number": number, "reasons": [*reasons, buyers]} for number in numbers]
        return Response(json={"result": rows})

    @route("POST", "/v2/posting/fbs/awaiting-delivery")
    def confirm(self, request: Request) -> Response:
        """``PostingAPI_MoveFbsPostingToAwaitingDelivery``."""
        postings = [self.known(number) for number in self.body(request, bodies.Several).posting_number]
        for posting in postings:
            if posting.status not in _DISPUTED:
                raise Invalid("HAS_INCORRECT_STATUS")
        for posting in postings:
            self.enter(posting, "awaiting_deliver")
        return Response(json={"result": True})

    def check_units(self, posting: Posting) -> None:
        """Raise Invalid while something that must be told of the posting's units is not."""

    # -- how they do it -----------------------------------------------------------------------------------

    def _check_reason(self, id_: int) -> None:
        if id_ not in SELLER_REASONS or id_ in self.closed_reasons:
            raise Invalid("HAS_INCORRECT_CANCEL_REASON")

    def _assemble(self, posting: Posting, packages: list[bodies.Package]) -> list[str]:
        if len(packages) == 1:
            self._assembled(posting)
            return [posting.number]
        goods = {line.product.sku: line for line in posting.lines}
        boxes = [
            [Line(goods[row.product_id].product, row.quantity, goods[row.product_id].price) for row in package.products]
            for package in packages
        ]
        numbers = []
        if self.split_cancels_parent:
            self.enter(posting, "cancelled_from_split_pending", "posting_canceled")
        else:
            posting.lines = boxes.pop(0)
            self._assembled(posting)
            numbers.append(posting.number)
        for lines in boxes:
            part = self._part_of(posting, lines)
            self._assembled(part)
            numbers.append(part.number)
        return numbers

    def _assembled(self, posting: Posting) -> None:
        posting.assembled_at = self.now()
        self.enter(posting, "awaiting_deliver")

    def split_by_hand(self, number: str, offer_id: str, quantity: int) -> str:
        """A person parts a posting in the cabinet without assembling it; return the new posting's number."""
        with self.lock:
            posting = self.postings[number]
            line = next(line for line in posting.lines if line.product.offer_id == offer_id)
            line.quantity -= quantity
            posting.lines = [one for one in posting.lines if one.quantity]
            part = self._part_of(posting, [Line(line.product, quantity, line.price)])
            self.enter(posting, posting.status)
            return part.number

    def _part_of(self, posting: Posting, lines: list[Line]) -> Posting:
        place = sum(one.order_number == posting.order_number for one in self.postings.values()) + 1
        part = Posting(
            f"{posting.order_number}-{place}",
            posting.order_number,
            posting.order_id,
            lines,
            posting.warehouse_id,
            posting.in_process_at,
            posting.shipment_date,
            self.now(),
            parent=posting.number,
            customer=posting.customer,
            integration=posting.integration,
        )
        self.postings[part.number] = part
        return part


def held_by(posting: Posting) -> dict[int, int]:
    """Return SKU → quantity."""
    held: dict[int, int] = {}
    for line in posting.lines:
        held[line.product.sku] = held.get(line.product.sku, 0) + line.quantity
    return held


def _check_packages(posting: Posting, packages: list[bodies.Package]) -> None:
    wanted = held_by(posting)
    packed: dict[int, int] = {}
    for package in packages:
        for row in package.products:
            packed[row.product_id] = packed.get(row.product_id, 0) + row.quantity
    if set(packed) - set(wanted):
        raise Invalid("UNKNOWN_PRODUCT_DEFINED")
    if packed != wanted:
        raise Invalid("HAS_INCORRECT_PRODUCT_QUANTITY")
