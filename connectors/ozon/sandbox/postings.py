"""Postings: a buyer's order on its way, with reserves, assembly, cancellation, and the two listings."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Cabinet, Invalid, Level, Line, Posting
from connectors.ozon.sandbox.shapes import listed_posting, one_posting
from obmen.testing.sandbox import Request, Response, route

SELLER_REASONS = {
    352: "Нет на складе",
    400: "Остался один брак",
    402: "Другое",
}
_BUYER_REASON = 505
_NEEDS_MESSAGE = 402
_YEAR = timedelta(days=365)
_FIRST_ORDER = 41_517_061
_SHIP_WITHIN = 86400.0
_DONE = {"delivered", "cancelled", "cancelled_from_split_pending"}
_BEFORE_ASSEMBLY = {"awaiting_approve", "awaiting_verification", "awaiting_packaging"}
_WITH_SELLER = {*_BEFORE_ASSEMBLY, "awaiting_registration", "awaiting_deliver"}
_SUBSTATUS = {
    "awaiting_packaging": "posting_created",
    "awaiting_registration": "posting_awaiting_registration",
    "awaiting_deliver": "posting_not_in_carriage",
    "acceptance_in_progress": "posting_acceptance_in_progress",
    "delivering": "posting_on_way_to_city",
    "driver_pickup": "posting_driver_pick_up",
    "delivered": "posting_received",
    "cancelled": "posting_canceled",
    "arbitration": "posting_in_arbitration",
    "client_arbitration": "posting_in_client_arbitration",
    "not_accepted": "posting_not_in_sort_center",
}


class Postings(Cabinet):
    """The calls about postings, and what a buyer and a carrier do.

    Custom faults: ``ship_failed`` (200, and the assembly fails), ``ship_slow`` (200, and the posting is
    assembled only after it was asked for once), ``endless_list`` (more is promised without a cursor).
    """

    # -- what others than the seller do -------------------------------------------------------------------

    def place_order(
        self,
        lines: Mapping[str, int] | Iterable[tuple[str, int]],
        *,
        warehouse: str | None = None,
        customer: dict[str, Any] | None = None,
        status: str = "awaiting_packaging",
    ) -> str:
        """A buyer orders articles in these quantities; return the posting's number.

        The goods are reserved in ``warehouse``, or in the first one that has them all. ``customer`` is shown
        as it is. Raises ValueError when there is not enough to sell.
        """
        pairs = list(lines.items() if isinstance(lines, Mapping) else lines)
        with self.lock:
            taken = [
                Line(self.products[offer_id], quantity, self.products[offer_id].price) for offer_id, quantity in pairs
            ]
            warehouse_id = self._place(taken, warehouse)
            for line in taken:
                level = line.product.stocks[warehouse_id]
                level.free, level.reserved = level.free - line.quantity, level.reserved + line.quantity
            count = len(self.postings)
            order, now = f"{_FIRST_ORDER + count}-{self.random.randrange(1000):04d}", self.now()
            posting = Posting(
                number=f"{order}-1",
                order_number=order,
                order_id=34_953_320_000 + count,
                lines=taken,
                warehouse_id=warehouse_id,
                in_process_at=now,
                shipment_date=now + _SHIP_WITHIN,
                changed_at=now,
                customer=customer,
            )
            self.postings[posting.number] = posting
            self.move(posting.number, status)
            return posting.number

    def cancel_by_buyer(self, number: str) -> None:
        """The buyer does not want it any more."""
        with self.lock:
            self._cancel(self.postings[number], _BUYER_REASON, "Покупатель передумал", "client", "Клиент")

    def hand_over(self, number: str) -> None:
        """The carrier takes an assembled posting."""
        self.move(number, "delivering")

    def deliver(self, number: str) -> None:
        """The buyer gets it."""
        with self.lock:
            if self.postings[number].status != "delivering":
                self.hand_over(number)
            self.move(number, "delivered")

    def move(self, number: str, status: str, substatus: str = "") -> None:
        """Put a posting into a status, as its life goes on; goods leave when the carrier has them."""
        with self.lock:
            posting = self.postings[number]
            if posting.status in _DONE:
                message = f"{number} is {posting.status}, its life is over"
                raise ValueError(message)
            if posting.status in _WITH_SELLER and status not in _WITH_SELLER:
                for line in posting.lines:
                    line.product.stocks[posting.warehouse_id].reserved -= line.quantity
                posting.delivering_at = self.now()
            self._enter(posting, status, substatus)

    # -- the calls ----------------------------------------------------------------------------------------

    @route("POST", "/v4/posting/fbs/list")
    def list_postings(self, request: Request) -> Response:
        """``PostingFbsList``."""
        asked = self.body(request, bodies.PostingList)
        wanted = asked.filter
        _check_period(wanted.since, wanted.to)
        chosen = [
            posting
            for posting in self.postings.values()
            if _within(posting.in_process_at, wanted.since, wanted.to)
            and _changed(posting, wanted.last_changed_status_date)
            and (not wanted.order_numbers or posting.order_number in wanted.order_numbers)
            and (not wanted.statuses or posting.status in wanted.statuses)
            and (not wanted.warehouse_ids or str(posting.warehouse_id) in wanted.warehouse_ids)
        ]
        return Response(json=self._page(chosen, asked.cursor, asked.limit, asked.sort_dir, asked.with_))

    @route("POST", "/v4/posting/fbs/unfulfilled/list")
    def list_waiting(self, request: Request) -> Response:
        """``PostingFbsUnfulfilledList``: what has not reached its buyer."""
        asked = self.body(request, bodies.WaitingList)
        wanted = asked.filter
        by_cutoff = wanted.cutoff_from is not None or wanted.cutoff_to is not None
        by_delivery = wanted.delivering_date_from is not None or wanted.delivering_date_to is not None
        if by_cutoff and by_delivery:
            raise Invalid("use either cutoff or delivering_date")
        if wanted.cutoff_from is not None and wanted.cutoff_to is not None:
            _check_period(wanted.cutoff_from, wanted.cutoff_to)
        chosen = [
            posting
            for posting in self.postings.values()
            if posting.status not in _DONE
            and _within(posting.shipment_date, wanted.cutoff_from, wanted.cutoff_to)
            and _changed(posting, wanted.last_changed_status_date)
            and (not wanted.statuses or posting.status in wanted.statuses)
            and (not wanted.warehouse_ids or str(posting.warehouse_id) in wanted.warehouse_ids)
        ]
        page = self._page(chosen, asked.cursor, asked.limit, asked.sort_dir, asked.with_)
        return Response(json={**page, "count": len(page["postings"])})

    @route("POST", "/v3/posting/fbs/get")
    def get_posting(self, request: Request) -> Response:
        """``PostingAPI_GetFbsPostingV3``."""
        posting = self._known(self.body(request, bodies.PostingGet).posting_number)
        answer = Response(json={"result": one_posting(posting, self._warehouse(posting))})
        if posting.assembling:
            posting.assembling = False
            self._enter(posting, "awaiting_deliver")
        return answer

    @route("POST", "/v4/posting/fbs/ship")
    def ship(self, request: Request) -> Response:
        """``PostingAPI_ShipFbsPostingV4``: several packages become several postings."""
        asked = self.body(request, bodies.Ship)
        posting = self._known(asked.posting_number)
        if posting.status == "cancelled":
            raise Invalid("POSTING_ALREADY_CANCELLED")
        if posting.status != "awaiting_packaging":
            awaited = posting.status in _BEFORE_ASSEMBLY
            raise Invalid("HAS_INCORRECT_STATUS" if awaited else "POSTING_ALREADY_SHIPPED")
        if posting.assembling:
            raise Invalid("POSTING_ALREADY_SHIPPED")
        _check_packages(posting, asked.packages)
        self.written["ships"] += 1
        if self.fault("ship_failed"):
            self._enter(posting, posting.status, "ship_failed")
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
        posting = self._known(asked.posting_number)
        if posting.status == "cancelled":
            raise Invalid("POSTING_ALREADY_CANCELLED")
        if posting.status not in _WITH_SELLER:
            raise Invalid("HAS_INCORRECT_STATUS")
        if asked.cancel_reason_id not in SELLER_REASONS:
            raise Invalid("HAS_INCORRECT_CANCEL_REASON")
        if asked.cancel_reason_id == _NEEDS_MESSAGE and not asked.cancel_reason_message:
            raise Invalid("cancel_reason_message is required for cancel_reason_id 402")
        title = SELLER_REASONS[asked.cancel_reason_id]
        self._cancel(posting, asked.cancel_reason_id, title, "seller", "Продавец")
        self.written["cancels"] += 1
        return Response(json={"result": True})

    # -- how they do it -----------------------------------------------------------------------------------

    def _place(self, lines: list[Line], warehouse: str | None) -> int:
        ids = [self.warehouses[warehouse]] if warehouse is not None else list(self.warehouses.values())
        for id_ in ids:
            if all(line.product.stocks.get(id_, Level()).free >= line.quantity for line in lines):
                return id_
        message = f"not enough of {[line.product.offer_id for line in lines]} in one warehouse"
        raise ValueError(message)

    def _enter(self, posting: Posting, status: str, substatus: str = "") -> None:
        posting.previous, posting.substatus = posting.substatus, substatus or _SUBSTATUS.get(status, status)
        posting.status, posting.changed_at = status, self.now()

    def _assemble(self, posting: Posting, packages: list[bodies.Package]) -> list[str]:
        goods = {line.product.sku: line for line in posting.lines}
        numbers = []
        for place, package in enumerate(packages, start=1):
            lines = [
                Line(goods[row.product_id].product, row.quantity, goods[row.product_id].price)
                for row in package.products
            ]
            part = posting
            if place > 1:
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
                )
                self.postings[part.number] = part
            elif len(packages) > 1:
                part.lines = lines
            self._enter(part, "awaiting_deliver")
            numbers.append(part.number)
        return numbers

    def _cancel(self, posting: Posting, reason_id: int, reason: str, kind: str, who: str) -> None:
        if posting.status in _DONE:
            message = f"{posting.number} is {posting.status}, its life is over"
            raise ValueError(message)
        if posting.status in _WITH_SELLER:
            for line in posting.lines:
                level = line.product.stocks[posting.warehouse_id]
                level.free, level.reserved = level.free + line.quantity, level.reserved - line.quantity
        posting.cancellation = {
            "affect_cancellation_rating": kind == "seller",
            "cancel_reason": reason,
            "cancel_reason_id": reason_id,
            "cancellation_initiator": who,
            "cancellation_type": kind,
            "cancelled_after_ship": posting.status not in _BEFORE_ASSEMBLY,
        }
        posting.assembling = False
        self._enter(posting, "cancelled")

    def _known(self, number: str) -> Posting:
        posting = self.postings.get(number)
        if posting is None:
            raise Invalid("POSTING_NOT_FOUND", 404)
        return posting

    def _warehouse(self, posting: Posting) -> str:
        names = {id_: name for name, id_ in self.warehouses.items()}
        return names.get(posting.warehouse_id, "")

    def _page(
        self, chosen: list[Posting], cursor: str, limit: int, direction: str, asked: bodies.With
    ) -> dict[str, Any]:
        down = direction == "DESC"
        ordered = sorted(chosen, key=_place_of, reverse=down)
        if cursor:
            last = _decode(cursor)
            ordered = [p for p in ordered if (_place_of(p) < last if down else _place_of(p) > last)]
        told = ordered[:limit]
        more = len(ordered) > limit
        if self.fault("endless_list"):
            return {"cursor": "", "has_next": True, "postings": []}
        return {
            "cursor": _encode(_place_of(told[-1])) if more else "",
            "has_next": more,
            "postings": [listed_posting(posting, self._warehouse(posting), asked) for posting in told],
        }


def _check_period(begin: datetime, end: datetime) -> None:
    if begin > end:
        raise Invalid("the period begins after its end")
    if end - begin > _YEAR:
        raise Invalid("PERIOD_IS_TOO_LONG: a year at most")


def _check_packages(posting: Posting, packages: list[bodies.Package]) -> None:
    wanted: dict[int, int] = {}
    for line in posting.lines:
        wanted[line.product.sku] = wanted.get(line.product.sku, 0) + line.quantity
    packed: dict[int, int] = {}
    for package in packages:
        for row in package.products:
            packed[row.product_id] = packed.get(row.product_id, 0) + row.quantity
    if set(packed) - set(wanted):
        raise Invalid("UNKNOWN_PRODUCT_DEFINED")
    if packed != wanted:
        raise Invalid("HAS_INCORRECT_PRODUCT_QUANTITY")


def _within(moment: float, begin: datetime | None, end: datetime | None) -> bool:
    return (begin is None or moment >= begin.timestamp()) and (end is None or moment <= end.timestamp())


def _changed(posting: Posting, period: bodies.Changed) -> bool:
    return _within(posting.changed_at, period.begin, period.to)


def _place_of(posting: Posting) -> tuple[float, str]:
    return posting.in_process_at, posting.number


def _encode(place: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _decode(cursor: str) -> tuple[float, str]:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[float, str])
    except ValueError as error:
        raise Invalid(f"invalid cursor {cursor!r}") from error
