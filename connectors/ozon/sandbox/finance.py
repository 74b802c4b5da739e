"""Accruals: what Ozon reckons for each delivery, return and service, told day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.cabinet import Line, Posting
from connectors.ozon.sandbox.returns import Returns
from obmen.testing.sandbox import Request, Response, route

TYPES = {
    1: ("SaleCommission", "Вознаграждение за продажу"),
    2: ("DirectFlowLogistic", "Логистика"),
    3: ("LastMile", "Последняя миля"),
    4: ("ReturnFlowLogistic", "Обратная логистика: возврат"),
    5: ("Storage", "Хранение на складе"),
    6: ("Acquiring", "Эквайринг"),
    7: ("Promotion", "Продвижение товаров"),
    8: ("PenaltyShipmentDelay", "Штраф за просрочку отгрузки"),
    9: ("Compensation", "Компенсация потерянного товара"),
    10: ("Subscription", "Подписка Premium"),
}
COMMISSION = Decimal("0.2")
LOGISTICS, LAST_MILE, RETURN_FLOW = Decimal("76.00"), Decimal("25.50"), Decimal("50.00")
_CENT = Decimal("0.01")
_FIRST = 70_000
_HALF = 16


class Finance(Returns):
    """The calls about accruals.

    A delivered posting brings a sale, a commission and two services; a return takes them back. ``charge`` adds
    a fee, ``pay_out`` pays what is owed. ``accruals_per_page`` says how many a page tells. ``points`` is what a buyer
    pays in points: told beside the sale, and part of the total. ``listed``: details and payments of the statement are
    lists, as Ozon tells them, and not single objects, as its document has it.
    """

    accruals_per_page = 100
    points = Decimal(0)
    listed = False

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.accrued: list[dict[str, Any]] = []
        self.paid: list[tuple[date, Decimal]] = []

    def owed(self) -> Decimal:
        """Return the sum of all accruals."""
        return sum((Decimal(one["total_amount"]["amount"]) for one in self.accrued), Decimal(0))

    def pay_out(self) -> Decimal:
        """The bank pays what is owed and was not paid yet; return how much."""
        with self.lock:
            amount = self.owed() - sum((paid for _, paid in self.paid), Decimal(0))
            self.paid.append((self._today(), amount))
            return amount

    def move(self, number: str, status: str, substatus: str = "") -> None:
        """Put a posting into a status; a delivery is accrued."""
        with self.lock:
            super().move(number, status, substatus)
            posting = self.postings[number]
            if status == "delivered":
                services = ((2, -LOGISTICS), (3, -LAST_MILE))
                self._accrue(posting, [(line, line.quantity) for line in posting.lines], 1, services)

    def accrue_return(self, posting: Posting, line: Line, quantity: int) -> None:
        """Take the sale back, if there was one, and charge the way back."""
        sold = 1 if posting.status == "delivered" else 0
        self._accrue(posting, [(line, quantity)], -sold, ((4, -RETURN_FLOW),))

    def charge(self, type_id: int, amount: str, offer_id: str = "", unit: str = "") -> int:
        """Charge (or, above zero, pay) an amount for a product or for nothing in particular; return its id."""
        with self.lock:
            fee = {"type_id": type_id, "accrued": _money(Decimal(amount))}
            if not offer_id:
                return self._add("NON_ITEM", Decimal(amount), unit, non_item_fee=fee)
            fees = [{"sku": self.products[offer_id].sku, "fees": [fee]}]
            return self._add("ITEM", Decimal(amount), unit, item_fees={"fees": fees})

    @route("POST", "/v1/finance/accrual/types")
    def accrual_types(self, request: Request) -> Response:  # noqa: ARG002 - it asks for nothing
        """``GetFinanceAccrualTypes``."""
        rows = [{"id": id_, "name": name, "description": text} for id_, (name, text) in TYPES.items()]
        return Response(json={"accrual_types": rows})

    @route("POST", "/v1/finance/accrual/by-day")
    def accruals_of_day(self, request: Request) -> Response:
        """``GetFinanceAccrualByDay``."""
        asked = self.body(request, bodies.Accruals)
        after = int(asked.last_id or 0)
        day = asked.date.isoformat()
        chosen = [one for one in self.accrued if one["date"] == day and one["accrual_id"] > after]
        told = chosen[: self.accruals_per_page]
        more = len(chosen) > len(told)
        return Response(json={"accruals": told, "last_id": str(told[-1]["accrual_id"]) if more else ""})

    @route("POST", "/v1/finance/cash-flow-statement/list")
    def statement(self, request: Request) -> Response:
        """``FinanceAPI_FinanceCashFlowStatementList``: the halves of months, those that touch the days asked for."""
        asked = self.body(request, bodies.Statement)
        begin, end = asked.date.begin.date(), min(asked.date.end.date(), self._today())
        periods = [half for half in _halves(begin, end) if self._of(*half) or self._paid_in(*half)]
        first = (asked.page - 1) * asked.page_size
        chosen = periods[first : first + asked.page_size]
        result: dict[str, Any] = {"cash_flows": [self._flow(*half) for half in chosen]}
        if asked.with_details and chosen:
            details = [self._details(*half) for half in chosen]
            result["details"] = details if self.listed else details[0]
        pages = -(-len(periods) // asked.page_size)
        return Response(json={"result": {**result, "page_count": pages}})

    def _today(self) -> date:
        return datetime.fromtimestamp(self.now(), UTC).date()

    def _of(self, begin: date, end: date) -> list[Decimal]:
        within = [one for one in self.accrued if begin <= date.fromisoformat(one["date"]) <= end]
        return [Decimal(one["total_amount"]["amount"]) for one in within]

    def _paid_in(self, begin: date, end: date) -> list[Decimal]:
        return [amount for day, amount in self.paid if begin <= day <= end]

    def _flow(self, begin: date, end: date) -> dict[str, Any]:
        amounts = self._of(begin, end)
        return {
            "period": _period(begin, end),
            "orders_amount": sum((amount for amount in amounts if amount > 0), Decimal(0)),
            "returns_amount": sum((amount for amount in amounts if amount < 0), Decimal(0)),
            "commission_amount": 0,
            "services_amount": 0,
            "item_delivery_and_return_amount": 0,
            "currency_code": "RUB",
        }

    def _details(self, begin: date, end: date) -> dict[str, Any]:
        paid = sum(self._paid_in(begin, end), Decimal(0))
        before = sum(self._of(date.min, begin - timedelta(days=1)), Decimal(0))
        balance = before - sum(self._paid_in(date.min, begin - timedelta(days=1)), Decimal(0))
        payment = {"payment": -paid, "currency_code": "RUB"}
        return {
            "period": _period(begin, end),
            "begin_balance_amount": balance,
            "end_balance_amount": balance + sum(self._of(begin, end), Decimal(0)) - paid,
            "invoice_transfer": 0,
            "payments": [payment] if self.listed else payment,
        }

    def _accrue(
        self, posting: Posting, lines: list[tuple[Line, int]], sign: int, services: tuple[tuple[int, Decimal], ...]
    ) -> None:
        products, total = [], Decimal(0)
        for line, quantity in lines:
            sale = sign * line.price * quantity
            commission = (-sale * COMMISSION).quantize(_CENT, ROUND_HALF_UP)
            bonus = sign * self.points
            fees = sum((amount for _, amount in services), Decimal(0))
            total += sale + commission + fees + bonus
            products.append(
                {
                    "sku": line.product.sku,
                    "commission": {
                        "sale_amount": _money(sale),
                        "commission": _money(commission),
                        "sale_commission": _money(commission),
                        "commission_ratio": str(COMMISSION),
                        "seller_price": _money(line.price),
                        "sale_price": _money(line.price),
                        "bonus": _money(bonus),
                        "coinvestment": _money(Decimal(0)),
                    },
                    "delivery": {
                        "services": [{"type_id": id_, "accrued": _money(amount)} for id_, amount in services],
                        "total_accrued": _money(fees),
                    },
                }
            )
        told = {"delivery_schema": "FBS", "delivery_speed": 1, "products": products}
        self._add("POSTING", total, posting.number, posting=told)

    def _add(self, category: str, total: Decimal, unit: str, **parts: dict[str, Any]) -> int:
        id_ = _FIRST + len(self.accrued) + 1
        made = {
            "accrual_id": id_,
            "accrued_category": category,
            "date": self._today().isoformat(),
            "total_amount": _money(total),
            "unit_number": unit,
            **parts,
        }
        self.accrued.append(made)
        return id_


def _halves(begin: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the halves of months that touch these days."""
    day = begin.replace(day=1 if begin.day < _HALF else _HALF)
    while day <= end:
        following = day.replace(day=_HALF) if day.day == 1 else (day + timedelta(days=20)).replace(day=1)
        yield day, following - timedelta(days=1)
        day = following


def _period(begin: date, end: date) -> dict[str, Any]:
    id_ = 11_567_000_000_000 + begin.toordinal()
    return {"id": id_, "begin": f"{begin}T00:00:00Z", "end": f"{end}T23:59:59Z"}


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": f"{amount:.2f}", "currency": "RUB"}
