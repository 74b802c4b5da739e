"""Sales reports: made by the cabinet's owner from what was sold, and told a page a minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from connectors.wildberries.sandbox.assembly_orders import AssemblyOrder
from connectors.wildberries.sandbox.cabinet import Invalid, stamp
from connectors.wildberries.sandbox.orders import OrderBook
from obmen.testing.sandbox import Request, Response, route

_MOSCOW = timezone(timedelta(hours=3))
_FIRST_REPORT, _FIRST_ROW = 307_401_554, 1_232_610_467
_DAILY = 9_007_199_254_740_993
"""Numbers of daily reports do not fit into a JavaScript number."""
_COLUMNS = {
    "forPay": "forPaySum",
    "retailAmount": "retailAmountSum",
    "deliveryService": "deliveryServiceSum",
    "paidStorage": "paidStorageSum",
    "paidAcceptance": "paidAcceptanceSum",
    "deduction": "deductionSum",
    "penalty": "penaltySum",
    "additionalPayment": "additionalPaymentSum",
    "cashbackAmount": "cashbackAmountSum",
    "cashbackDiscount": "cashbackDiscountSum",
    "cashbackCommissionChange": "cashbackCommissionChangeSum",
    "paymentSchedule": "paymentSchedule",
}
_ADDED = {"forPay", "additionalPayment", "cashbackDiscount"}
_MONEY = (*_COLUMNS, "retailPrice", "retailPriceWithDisc", "ppvzSalesCommission", "ppvzReward", "acquiringFee")
_MONEY_TOO = ("vw", "vwNds", "rebillLogisticCost", "installmentCofinancingAmount")
_TEXTS = ("subjectName", "brandName", "title", "officeName", "giBoxTypeName", "paymentProcessing", "acquiringBank")
_TEXTS_TOO = ("ppvzOfficeName", "ppvzSupplierName", "ppvzSupplierInn", "declarationNumber", "country", "trbxId")
_TEXTS_THREE = ("deliveryMethod", "uuidPromocode", "articleSubstitution", "b2bCustomerTin", "orderUid", "sellerPromo")
_NUMBERS = ("giId", "salePercent", "deliveryAmount", "returnAmount", "ppvzOfficeId", "sellerPromoId", "loyaltyId")
_RATES = ("dlvPrc", "commissionPercent", "productDiscountForReport", "spp", "kvwBase", "kvw", "supRatingUp")
_RATES_TOO = ("isKgvpV2", "acquiringPercent", "wibesDiscountPercent", "sellerPromoDiscount", "loyaltyDiscount")
_RATES_THREE = ("salePricePromocodeDiscountPrc", "salePriceAffiliatedDiscountPrc", "salePriceWholesaleDiscountPrc")


class ListOf(Struct):
    """``sales-reports/list``."""

    dateFrom: str  # noqa: N815 - the vendor's word
    dateTo: str  # noqa: N815 - the vendor's word
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000
    offset: Annotated[int, Meta(ge=0)] = 0
    period: Literal["daily", "weekly"] = "weekly"


class RowsOf(Struct):
    """``sales-reports/detailed``."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 100_000
    rrdId: int = 0  # noqa: N815 - the vendor's word
    fields: list[str] = []


@dataclass
class Report:
    """A report: its rows carry the columns that differ from nothing."""

    id: int
    period: str
    begin: date
    end: date
    rows: list[dict[str, Any]] = field(default_factory=list)


class Accounting(OrderBook):
    """Hands: ``open_report``, ``book`` (any columns), ``book_sale``, ``book_return``."""

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.reports: dict[int, Report] = {}
        self._last_row = _FIRST_ROW

    def state(self) -> dict[str, Any]:
        """Return also what each report pays out."""
        return {**super().state(), "payouts": {str(id_): str(_payout(r)) for id_, r in self.reports.items()}}

    # -- what the accountants do --------------------------------------------------------------------------

    def open_report(self, begin: date, *, period: str = "weekly") -> int:
        """Begin a report; return its id."""
        with self.lock:
            days = 6 if period == "weekly" else 0
            id_ = (_FIRST_REPORT if period == "weekly" else _DAILY) + len(self.reports)
            self.reports[id_] = Report(id_, period, begin, begin + timedelta(days=days))
            return id_

    def book(self, report: int, *, order: str | None = None, **columns: Any) -> None:
        """Add a row; ``columns`` as in ``sales-reports/detailed``, amounts as text."""
        with self.lock:
            self._last_row += 1
            bought = self.assembly[int(order)] if order is not None else None
            self.reports[report].rows.append(self._report_row(self.reports[report], bought, columns))

    def book_sale(self, report: int, order: str, *, due: str, acquiring: str = "0") -> None:
        """A unit was sold: ``due`` of its price goes to the seller."""
        self._report_goods(report, order, "Продажа", due, acquiring)

    def book_return(self, report: int, order: str, *, due: str, acquiring: str = "0") -> None:
        """A unit that was sold came back."""
        self._report_goods(report, order, "Возврат", due, acquiring)

    def _report_goods(self, report: int, order: str, kind: str, due: str, acquiring: str) -> None:
        price = f"{Decimal(self.assembly[int(order)].price) / 100:.2f}"
        how = {"docTypeName": kind, "sellerOperName": kind, "quantity": 1, "paymentProcessing": "Комиссия за эквайринг"}
        self.book(report, order=order, retailAmount=price, forPay=due, acquiringFee=acquiring, **how)

    # -- the calls ----------------------------------------------------------------------------------------

    @route("POST", "/api/finance/v1/sales-reports/list")
    def list_reports(self, request: Request) -> Response:
        """Reports whose period lies within the one that is asked for."""
        asked = self._report_asked(request, ListOf)
        begin, end = date.fromisoformat(asked.dateFrom[:10]), date.fromisoformat(asked.dateTo[:10])
        rows = [r for r in self.reports.values() if r.period == asked.period and begin <= r.end <= end]
        told = [self._report_listed(report) for report in rows[asked.offset : asked.offset + asked.limit]]
        return Response(json=told) if told else Response(204)

    @route("POST", r"/api/finance/v1/sales-reports/detailed/(?P<number>\d+)")
    def list_rows(self, request: Request, number: str) -> Response:
        """Rows after one that was told; no content after the last."""
        asked = self._report_asked(request, RowsOf)
        report = self.reports.get(int(number))
        rows = [row for row in report.rows if row["rrdId"] > asked.rrdId] if report is not None else []
        return Response(json=rows[: asked.limit]) if rows else Response(204)

    def _report_asked(self, request: Request, kind: Any) -> Any:
        try:
            return self.body(request, kind)
        except Invalid as error:
            body = {
                "title": "Bad Request",
                "detail": str(error),
                "origin": "sandbox",
                "requestId": "0" * 32,
                "status": 400,
            }
            raise Invalid(Response(400, body, headers={"Content-Type": "application/problem+json"})) from error

    def _report_listed(self, report: Report) -> dict[str, Any]:
        sums = {total: str(_sum(report, column)) for column, total in _COLUMNS.items()}
        return {
            **_head(report, self.currency, self._report_made(report)),
            "sellerFinanceName": "ИП Образцов О. О.",
            **sums,
            "avgSalePercent": 0,
            "bankPaymentSum": str(_payout(report)),
        }

    def _report_made(self, report: Report) -> date:
        return report.end + timedelta(days=1)

    def _report_row(self, report: Report, order: AssemblyOrder | None, columns: dict[str, Any]) -> dict[str, Any]:
        at = datetime.combine(report.end, datetime.min.time(), _MOSCOW).timestamp()
        return {
            **_head(report, self.currency, self._report_made(report)),
            **dict.fromkeys((*_MONEY, *_MONEY_TOO), "0"),
            **dict.fromkeys((*_TEXTS, *_TEXTS_TOO, *_TEXTS_THREE), ""),
            **dict.fromkeys((*_NUMBERS, *_RATES, *_RATES_TOO, *_RATES_THREE), 0),
            "rrdId": self._last_row,
            "fixTariffDateFrom": str(report.begin),
            "fixTariffDateTo": str(report.end),
            "nmId": order.card.nm_id if order else 0,
            "vendorCode": order.card.vendor_code if order else "",
            "techSize": order.size.tech_size if order else "",
            "sku": order.size.skus[0] if order else "",
            "docTypeName": "",
            "quantity": 0,
            "sellerOperName": "",
            "orderDt": stamp(order.created_at if order else at),
            "saleDt": stamp(at),
            "rrDate": str(report.end),
            "shkId": 0,
            "stickerId": str(order.id) if order else "0",
            "srvDbs": False,
            "orderId": order.id if order else 0,
            "isB2b": False,
            "srid": order.rid if order else "",
            **columns,
        }


def _head(report: Report, currency: str, made: date) -> dict[str, Any]:
    period = {"dateFrom": str(report.begin), "dateTo": str(report.end), "createDate": str(made)}
    return {"reportId": report.id, **period, "currency": currency, "reportType": 1}


def _sum(report: Report, column: str) -> Decimal:
    total = Decimal(0)
    for row in report.rows:
        sign = -1 if row["docTypeName"] == "Возврат" and column in {"forPay", "retailAmount"} else 1
        total += sign * Decimal(row[column])
    return total


def _payout(report: Report) -> Decimal:
    total = Decimal(0)
    for column in _COLUMNS:
        if column != "retailAmount":
            total += _sum(report, column) * (1 if column in _ADDED else -1)
    return total
