"""Wildberries' sandbox as a cabinet: one order is one unit, a return goes in steps, and each day has its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connectors.wildberries.sandbox import Pace, WildberriesSandbox
from connectors.wildberries.sandbox.assembly_orders import AssemblyOrder
from connectors.wildberries.sandbox.prices import sold
from obmen.testing.clock import FakeClock
from tests.clocked import by
from tests.e2e.markets.cabinet import Bought, Sold

SLOW = Pace(limits=True, creation=200.0, sync=700.0, pricing=20.0)
"""As strict as Wildberries, and slower than the time between two runs."""
_FIRST_SUBJECT, _SUBJECTS = 101, 10
_COMPOSED, _MEASURED = range(101, 105), range(105, 108)
_APPROVED = (2, 10)
_DUE, _ACQUIRING, _CARRYING, _STORAGE = Decimal("0.7123"), Decimal("0.0137"), Decimal("57.35"), Decimal("815.40")
_KOPECK = Decimal("0.01")
_DAY = timedelta(days=1)


class WildberriesCabinet:
    """FBS orders of one cabinet. The carrier takes whatever was handed over (see ``rest``)."""

    connector = "wildberries"
    most_lines = 1
    partial = False
    entities: frozenset[str] = frozenset({"return", "accrual"})
    troubles = (
        *("cancelled_upload", "unknown_word", "withdrawn_token", "unpaid", "banned"),
        *("card_error", "price_error", "swallowed"),
    )
    refusals = frozenset({"card_error", "price_refused"})
    unseen = frozenset({"stock"})
    sandbox: WildberriesSandbox

    def __init__(self, pace: Pace = SLOW) -> None:
        self._pace = pace
        self._claims: dict[str, str] = {}
        self._owed: dict[str, Decimal] = {}
        self._booked: set[tuple[str, str]] = set()
        self._reported: date | None = None

    def serve(self, clock: FakeClock, warehouse: str) -> None:
        self.sandbox = by(clock, WildberriesSandbox)(warehouses={warehouse: 501001}, pace=self._pace)
        self.sandbox.start()

    def options(self, folder: Any) -> dict[str, Any]:
        path = Path(folder) / "wildberries.categories.json"
        path.write_bytes(msgspec.json.encode({f"Раздел {n}": _category(n) for n in range(_SUBJECTS)}))
        return {**self.sandbox.connection(), "categories": str(path), "reports": "daily"}

    def rest(self) -> None:
        """The carrier takes what was handed over, what a buyer gives back goes one step on, and a day is reported."""
        for order in self.sandbox.assembly.values():
            if order.supplier == "complete" and order.there == "waiting":
                self.sandbox.sort(str(order.id))
        for number, claim in list(self._claims.items()):
            parcel = self.sandbox.parcels.get(int(number))
            if not self.sandbox.claims[claim].status:
                self.sandbox.decide(claim, *_APPROVED)
            elif parcel is None:
                self.sandbox.send_back(number)
            else:
                self.sandbox.give_back(number)
                del self._claims[number]
        self._report_day()

    def place(self, lines: Sequence[tuple[str, int]]) -> str:
        ((sku, _),) = lines
        return self.sandbox.place_order(sku)

    def give_up(self, number: str) -> None:
        self.sandbox.cancel_by_buyer(number)

    def give_up_part(self, number: str, sku: str, quantity: int) -> None:
        raise NotImplementedError

    def take(self, number: str) -> None:
        """Nothing leaves before the seller hands its supply over."""

    def deliver(self, number: str) -> None:
        self.sandbox.sell(number)

    def send_back(self, number: str, _sku: str, _quantity: int) -> None:
        self._claims[number] = self.sandbox.claim(number)

    def tell(self, send: Callable[[str, bytes], None]) -> None:
        """Wildberries pushes nothing."""

    def mend(self) -> None:
        self.sandbox.on_sale.clear()

    def pay(self) -> None:
        """Each report pays out what it says."""

    def cards(self) -> set[str]:
        return {card.vendor_code for card in self.sandbox.cards.values() if card.trashed_at is None}

    def prices(self) -> dict[str, Decimal]:
        return {card.vendor_code: sold(card.price, card.discount) for card in self.sandbox.cards.values()}

    def free(self) -> dict[str, int]:
        return {
            card.vendor_code: sum(amount for size in card.sizes for amount in size.stocks.values())
            for card in self.sandbox.cards.values()
        }

    def bought(self) -> dict[str, Bought]:
        return {
            str(order.id): Bought(
                _state(order), {order.card.vendor_code: 1}, {order.card.vendor_code: Decimal(order.price) / 100}
            )
            for order in self.sandbox.assembly.values()
        }

    def given_back(self) -> dict[str, dict[str, int]]:
        return {
            parcel.order.rid: {parcel.order.card.vendor_code: 1}
            for parcel in self.sandbox.parcels.values()
            if parcel.given_at is not None
        }

    def owed(self) -> dict[str, Decimal]:
        """Under "" stands what no order brought or cost: storage, and what the reports paid out of all the rest."""
        payouts: dict[str, str] = self.sandbox.state()["payouts"]
        paid = sum((Decimal(payout) - _STORAGE for payout in payouts.values()), Decimal(0))
        return {**self._owed, "": paid} if payouts else {}

    def _report_day(self) -> None:
        """Report the day before, once, if anything was sold or came back since the last report."""
        wb = self.sandbox
        yesterday = datetime.fromtimestamp(wb.now(), UTC).date() - _DAY
        sold_now = {number for number, one in self.bought().items() if one.state == "delivered"}
        back = {str(parcel.order.id) for parcel in wb.parcels.values() if parcel.given_at is not None}
        news = {*(("sale", one) for one in sold_now), *(("return", one) for one in back)} - self._booked
        if yesterday == self._reported or not news:
            return
        self._reported = yesterday
        report = wb.open_report(yesterday, period="daily")
        wb.book(report, sellerOperName="Хранение", paidStorage=str(_STORAGE))
        for kind, number in sorted(news):
            self._book(report, kind, number)
        self._booked |= news

    def _book(self, report: int, kind: str, number: str) -> None:
        price = Decimal(self.sandbox.assembly[int(number)].price) / 100
        due, acquiring = (_kopecks(price * share) for share in (_DUE, _ACQUIRING))
        book = self.sandbox.book_sale if kind == "sale" else self.sandbox.book_return
        book(report, number, due=str(due), acquiring=str(acquiring))
        way = "deliveryAmount" if kind == "sale" else "returnAmount"
        self.sandbox.book(report, order=number, sellerOperName="Логистика", deliveryService=str(_CARRYING), **{way: 1})
        self._owed[number] = self._owed.get(number, Decimal(0)) + (due if kind == "sale" else -due) - _CARRYING


def _category(number: int) -> dict[str, Any]:
    """Return which subject a group of 1C is, and what a card of it must tell."""
    subject = _FIRST_SUBJECT + number
    attributes: dict[str, Any] = {"Цвет": {"attribute": "Цвет"}}
    if subject in _COMPOSED:
        attributes["Состав"] = {"value": "хлопок"}
    if subject in _MEASURED:
        attributes["Объем"] = {"value": "350"}
    return {"category": str(subject), "attributes": attributes}


def _state(order: AssemblyOrder) -> Sold:
    if order.there == "sold":
        return "delivered"
    if order.over:
        return "cancelled"
    states: dict[str, Sold] = {"new": "open", "confirm": "assembling", "complete": "gone"}
    return states[order.supplier]


def _kopecks(amount: Decimal) -> Decimal:
    return amount.quantize(_KOPECK)
