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

_BUYER_REASON = 505
_YEAR = timedelta(days=365)
_FIRST_ORDER = 41_517_061
_SHIP_WITHIN = 86400.0
_DONE = {"delivered", "cancelled", "cancelled_from_split_pending"}
BEFORE_ASSEMBLY = {"awaiting_approve", "awaiting_verification", "awaiting_packaging"}
WITH_SELLER = {*BEFORE_ASSEMBLY, "awaiting_registration", "awaiting_deliver"}
_LEFT = {"acceptance_in_progress", "sent_by_seller", "delivering", "driver_pickup", "delivered", "client_arbitration"}
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
    """The calls that read postings, and what a buyer and a carrier do.

    Custom fault: ``endless_list`` (more is promised without a cursor).
    """

    # -- what others than the seller do -------------------------------------------------------------------

    def place_order(
        self,
        lines: Mapping[str, int] | Iterable[tuple[str, int]],
        *,
        warehouse: str | None = None,
        customer: dict[str, Any] | None = None,
        status: str = "awaiting_packaging",
        integration: str = "ozon",
    ) -> str:
        """A buyer orders articles in these quantities; return the posting's number.

        The goods are reserved in ``warehouse``, or in the first one that has them all. ``customer`` is shown
        as it is. ``integration``: who carries it: ``ozon`` (FBS), ``non_integrated`` (rFBS, the seller says how
        far it is), ``3pl_tracking`` (rFBS, the seller tells the carrier's number). Raises ValueError when there
        is not enough to sell.
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
                integration=integration,
            )
            self.postings[posting.number] = posting
            self.move(posting.number, status)
            self.note("TYPE_NEW_POSTING", posting)
            return posting.number

    def cancel_by_buyer(self, number: str) -> None:
        """The buyer does not want it any more."""
        with self.lock:
            self.cancel_posting(self.postings[number], _BUYER_REASON, "Покупатель передумал", "client", "Клиент")

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
            if posting.delivering_at is None and status in _LEFT:
                for line in posting.lines:
                    line.product.stocks[posting.warehouse_id].reserved -= line.quantity
                posting.delivering_at = self.now()
            self.enter(posting, status, substatus)

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
        posting = self.known(self.body(request, bodies.PostingGet).posting_number)
        answer = Response(json={"result": one_posting(posting, self._warehouse(posting), self.requirements(posting))})
        self.looked_at(posting)
        return answer

    # -- how they do it -----------------------------------------------------------------------------------

    def _place(self, lines: list[Line], warehouse: str | None) -> int:
        ids = [self.warehouses[warehouse]] if warehouse is not None else list(self.warehouses.values())
        for id_ in ids:
            if all(line.product.stocks.get(id_, Level()).free >= line.quantity for line in lines):
                return id_
        message = f"not enough of {[line.product.offer_id for line in lines]} in one warehouse"
        raise ValueError(message)

    def enter(self, posting: Posting, status: str, substatus: str = "") -> None:
        """Note a posting's new status, and when it was entered."""
        posting.previous, posting.substatus = posting.substatus, substatus or _SUBSTATUS.get(status, status)
        changed, posting.status, posting.changed_at = status != posting.status, status, self.now()
        if changed:
            self.note("TYPE_POSTING_CANCELLED" if status == "cancelled" else "TYPE_STATE_CHANGED", posting)

    def looked_at(self, posting: Posting) -> None:
        """Let happen what a call had only promised: it is there at the next look."""
        if posting.assembling:
            posting.assembling, posting.assembled_at = False, self.now()
            self.enter(posting, "awaiting_deliver")
        if posting.leaving:
            wanted, posting.leaving = posting.leaving, {}
            self.take_out(posting, wanted)
        if posting.pending:
            status, substatus = posting.pending
            posting.pending = None
            self.move(posting.number, status, substatus)

    def take_out(self, posting: Posting, wanted: Mapping[int, int]) -> None:
        """Cancel goods of a posting: SKU → how many."""
        left = dict(wanted)
        for line in posting.lines:
            taken = min(left.get(line.product.sku, 0), line.quantity)
            left[line.product.sku] = left.get(line.product.sku, 0) - taken
            level = line.product.stocks[posting.warehouse_id]
            level.free, level.reserved = level.free + taken, level.reserved - taken
            line.quantity -= taken
        posting.lines = [line for line in posting.lines if line.quantity]
        posting.units = []
        self.enter(posting, posting.status)

    def note(self, kind: str, posting: Posting) -> None:
        """Note what Ozon would push about a posting."""

    def requirements(self, posting: Posting) -> dict[str, list[str]]:  # noqa: ARG002 - for those who have some
        """Return what must be told of a posting's units before it is assembled: requirement → SKUs."""
        return {}

    def cancel_posting(self, posting: Posting, reason_id: int, reason: str, kind: str, who: str) -> None:
        """Cancel a posting; its goods are free again, unless they are on their way."""
        if posting.status in _DONE:
            message = f"{posting.number} is {posting.status}, its life is over"
            raise ValueError(message)
        if posting.delivering_at is None:
            for line in posting.lines:
                level = line.product.stocks[posting.warehouse_id]
                level.free, level.reserved = level.free + line.quantity, level.reserved - line.quantity
        posting.cancellation = {
            "affect_cancellation_rating": kind == "seller",
            "cancel_reason": reason,
            "cancel_reason_id": reason_id,
            "cancellation_initiator": who,
            "cancellation_type": kind,
            "cancelled_after_ship": posting.status not in BEFORE_ASSEMBLY,
        }
        posting.assembling = False
        self.enter(posting, "cancelled")

    def known(self, number: str) -> Posting:
        """Return a posting, or refuse as Ozon does."""
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
            "postings": [self._listed(posting, asked) for posting in told],
        }

    def _listed(self, posting: Posting, asked: bodies.With) -> dict[str, Any]:
        shown = listed_posting(posting, self._warehouse(posting), asked, self.requirements(posting))
        self.looked_at(posting)
        return shown


def _check_period(begin: datetime, end: datetime) -> None:
    if begin > end:
        raise Invalid("the period begins after its end")
    if end - begin > _YEAR:
        raise Invalid("PERIOD_IS_TOO_LONG: a year at most")


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
