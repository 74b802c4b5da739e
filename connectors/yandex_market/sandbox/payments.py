"""What is paid out, and the report of payments: an archive of sheets, made in a while."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from msgspec import Struct

from connectors.yandex_market.sandbox.cabinet import Invalid, ok
from connectors.yandex_market.sandbox.finance import Finance
from connectors.yandex_market.sandbox.order_records import day_of
from connectors.yandex_market.sandbox.papers import Report
from obmen.testing.sandbox import Request, Response, route

COLUMNS = (
    *("BUSINESS_ID", "MODEL", "PARTNER_ID", "SHOP_NAME", "INN", "PLACEMENT_CONTRACT", "PROMOTION_CONTRACT"),
    *("TRANSACTION_DATE", "TRANSACTION_ID", "ORDER_ID", "SHOP_ORDER_ID", "ORDER_CREATION_DATE"),
    *("ORDER_DELIVERY_DATE", "CLAIM_NUMBER", "ORDER_TYPE", "SHOP_SKU", "ACT_ID", "ACT_DATE"),
    *("OFFER_OR_SERVICE_NAME", "COUNT", "TRANSACTION_SUM", "VAT_RATE", "VAT_SUM", "TRANSACTION_TYPE"),
    *("TRANSACTION_SOURCE", "PAYMENT_STATUS", "BONUS_ACCOUNT_YEAR_MONTH", "BANK_ORDER_DATE", "BANK_ORDER_ID"),
    *("BANK_SUM", "COMMENTS"),
)
_LONGEST = timedelta(days=93)
_FIRST = 92_735
_SOURCES = {"payments": "Платёж покупателя", "services": "Оплата услуг Яндекс Маркета", "points": "Баллы Маркета"}


class Netting(Struct, rename="camel"):
    """``GenerateUnitedNettingReportRequest``, without what is retired."""

    business_id: int
    date_from: date | None = None
    date_to: date | None = None
    campaign_ids: list[int] | None = None
    bank_order_id: int | None = None
    bank_order_date_time: str | None = None
    placement_programs: list[str] | None = None
    inns: list[str] | None = None


@dataclass
class Payment:
    """A line of the account with the seller; ``bank``: the payment order that holds it and its day, once it is paid."""

    order: str
    campaign: int
    source: str
    service: str
    amount: Decimal
    day: str
    status: str = ""
    bank: tuple[int, str] | None = None


class Payments(Finance):
    """Hands: ``charge``, ``pay_out``; ``columns``: what the sheet has. Custom fault: ``report_failed``."""

    def reset(self) -> None:
        """Forget what was charged and paid."""
        super().reset()
        self.charged: list[Payment] = []
        self.paid_lines: list[Payment] = []
        self.columns = COLUMNS
        self.largest_report = 0
        self._bank_orders = 0

    def charge(self, service: str, amount: str) -> None:
        """Take (below zero) or give money for no order."""
        with self.lock:
            self.charged.append(Payment("", 0, "Оплата услуг", service, Decimal(amount), day_of(self.now())))

    def owed(self) -> dict[str, Decimal]:
        """Return what each order has brought or cost so far; under "" what belongs to none."""
        found = {line.order: Decimal(0) for line in self._lines()}
        for line in self._lines():
            found[line.order] += line.amount
        return {order: amount for order, amount in found.items() if amount}

    def pay_out(self) -> Decimal:
        """The bank pays what is owed and was not paid yet; return how much."""
        with self.lock:
            lines = self._unpaid()
            bank = (_FIRST + self._bank_orders, day_of(self.now()))
            self._bank_orders += 1
            for line in lines:
                line.bank = bank
                line.status = "Переведён по графику выплат" if line.amount > 0 else "Удержан из платежей покупателей"
            self.paid_lines += lines
            return sum((line.amount for line in lines), Decimal(0))

    @route("POST", "/v2/reports/united-netting/generate")
    def make_payments_report(self, request: Request) -> Response:
        """``generateUnitedNettingReport`` of a period."""
        asked = self.body(request, Netting)
        if asked.business_id != self.business_id:
            raise Invalid(f"No access to business {asked.business_id}", 403, "FORBIDDEN")
        if asked.date_from is None or asked.date_to is None or not timedelta(0) <= asked.date_to - asked.date_from:
            raise Invalid("dateFrom and dateTo are required")
        if asked.date_to - asked.date_from > _LONGEST or asked.date_to.isoformat() > day_of(self.now()):
            raise Invalid("Right date bound is in the future, or the period is longer than 3 months")
        if request.query.get("format") != "CSV":
            raise Invalid("The sandbox makes this report as CSV only")
        lines = self._told(asked)
        too_large = self.largest_report and (asked.date_to - asked.date_from).days >= self.largest_report
        problem = "TOO_LARGE" if too_large else "" if lines else "NO_DATA"
        if self.fault("report_failed"):
            problem = "RESOURCE_NOT_FOUND"
        id_, now = str(900_000 + len(self.reports) + 1), self.now()
        file = self._archive(lines)
        self.reports[id_] = Report(id_, [], now, now + self.report_seconds, problem, file)
        return ok({"reportId": id_, "estimatedGenerationTime": int(self.report_seconds * 1000)})

    def _lines(self) -> list[Payment]:
        """Return the whole account, order by order."""
        found = []
        for number, order in self.orders.items():
            money = self.money(str(number))
            for name, sign in (("payments", 1), ("services", -1), ("points", 1)):
                amount = sign * money[name]
                if amount:
                    day = day_of(order.updated_at)
                    found.append(Payment(str(number), order.campaign, _SOURCES[name], "Заказ", amount, day))
        return [*found, *self.charged]

    def _unpaid(self) -> list[Payment]:
        left: dict[tuple[str, str, str], Payment] = {}
        for line in self._lines():
            key = (line.order, line.source, line.service)
            amount = line.amount + (left[key].amount if key in left else 0)
            left[key] = Payment(line.order, line.campaign, line.source, line.service, amount, line.day)
        for line in self.paid_lines:
            left[line.order, line.source, line.service].amount -= line.amount
        return [line for line in left.values() if line.amount]

    def _told(self, asked: Netting) -> list[Payment]:
        waiting = self._unpaid()
        for line in waiting:
            line.status = (
                "Будет переведён по графику выплат" if line.amount > 0 else "Будет удержан из платежей покупателей"
            )
        chosen = []
        for line in (*self.paid_lines, *waiting):
            days = {line.day, line.bank[1]} if line.bank else {line.day}
            within = any(asked.date_from <= date.fromisoformat(day) <= asked.date_to for day in days)  # type: ignore[operator] # the call refuses a period without its ends
            if within and (not line.campaign or not asked.campaign_ids or line.campaign in asked.campaign_ids):
                chosen.append(line)
        return chosen

    def _archive(self, lines: list[Payment]) -> bytes:
        text = StringIO()
        table = csv.DictWriter(text, self.columns, extrasaction="ignore", restval="")
        table.writeheader()
        for line in lines:
            table.writerow(self._row(line))
        packed = BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            archive.writestr("summary.csv", "BUSINESS_ID,TOTAL\n")
            archive.writestr("transaction_date.csv", "\ufeff" + text.getvalue())
        return packed.getvalue()

    def _row(self, line: Payment) -> dict[str, Any]:
        row: dict[str, Any] = {
            "BUSINESS_ID": self.business_id,
            "PARTNER_ID": line.campaign or "",
            "TRANSACTION_DATE": _local(line.day),
            "ORDER_ID": line.order,
            "OFFER_OR_SERVICE_NAME": line.service,
            "TRANSACTION_SUM": f"{line.amount:.2f}",
            "TRANSACTION_TYPE": "Начисление" if line.amount > 0 else "Удержание",
            "TRANSACTION_SOURCE": line.source,
            "PAYMENT_STATUS": line.status,
        }
        if line.bank:
            row |= {"BANK_ORDER_ID": line.bank[0], "BANK_ORDER_DATE": _local(line.bank[1])}
        return row


def _local(day: str) -> str:
    return datetime.fromisoformat(day).strftime("%d.%m.%Y")
