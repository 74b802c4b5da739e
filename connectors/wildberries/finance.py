"""Money: the rows of the sales reports, taken apart into one record for each kind of money.

A row of a report holds a dozen columns of money; a few of them repeat others in another way. What is taken here
are the columns that the report itself adds up to what it pays out, each with its sign, and what its own sums leave
unexplained, so that the records of a report come to its total to the kopeck. A report does not change once it is
made, and may be asked for once a minute; so each is read once, to the end, which is an answer without content, and
a read that broke off goes on after the last row that was kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.claims import MOSCOW, day
from obmen.connector import reader
from obmen.errors import IncompleteSource, Refused, StateError
from obmen.http import Reply
from obmen.records import Native, Page, decode_json

LISTED = 1000
ROWS = 10_000
LATE = timedelta(days=35)
"""How long after its period a report may still appear."""
_RETURNED = "Возврат"
_ADVERTISING = "Продвижение"
_LATER = "Разовое изменение срока перечисления"
_COLUMNS = (
    ("deliveryService", -1, "delivery"),
    ("paidStorage", -1, "storage"),
    ("paidAcceptance", -1, "acceptance"),
    ("deduction", -1, "deduction"),
    ("penalty", -1, "penalty"),
    ("additionalPayment", 1, "correction"),
    ("cashbackAmount", -1, "cashback"),
    ("cashbackDiscount", 1, "cashback_compensation"),
    ("cashbackCommissionChange", -1, "cashback_fee"),
)
"""Column → its sign in what is paid out, and the kind of money."""


class _Cursor(msgspec.Struct):
    """``read``: the day of the last pass; ``done``: ids of the reports that were read.

    ``at``: the report that is being read, and its last row that was.
    """

    read: date
    done: list[int]
    at: tuple[int, int] = (0, 0)


class Finance(Base):
    """Accruals: natural id ``operation_id``, made of the report, the row and the kind of money."""

    @reader("accrual", key="operation_id")
    def accruals(self, cursor: str | None) -> Iterator[Page]:
        """Read the reports that were not read yet (``sales-reports/list``, ``sales-reports/detailed/{reportId}``).

        Natives: ``operation_id``, ``kind``, ``amount`` (signed, + to the seller), ``currency``, ``occurred`` (UTC),
        ``title``, ``report``, and ``order``, ``article``, ``quantity`` where the row has them.
        """
        today = day(self.clock.now())
        kept = _kept(cursor, today - timedelta(days=self.options.reports_days))
        begin = kept.read - LATE if cursor else kept.read
        reports = list(self._reports(begin, today))
        listed = [msgspec.json.decode(raw, type=_Report).reportId for raw in reports]
        done = [id_ for id_ in listed if id_ in set(kept.done)]
        for id_, raw in zip(listed, reports, strict=True):
            if id_ not in done:
                for reply, last in self._rows_of(id_, kept.at[1] if kept.at[0] == id_ else 0):
                    following = _told(_Cursor(kept.read, done, (id_, last)))
                    yield Page(reply.slices(""), decode=taken_apart, cursor=following, where=reply.what)
                done.append(id_)
                yield Page([raw], decode=paid_out, cursor=_told(_Cursor(kept.read, done)))
        yield Page((), cursor=_told(_Cursor(today, done)))

    def _reports(self, begin: date, end: date) -> Iterator[bytes]:
        offset = 0
        while True:
            body = {
                "dateFrom": str(begin),
                "dateTo": str(end),
                "period": self.options.reports,
                "limit": LISTED,
                "offset": offset,
            }
            reply = self.call(paths.REPORTS, json=body, safe=True)
            rows = _rows(reply)
            yield from rows
            if len(rows) < LISTED:
                return
            offset += len(rows)

    def _rows_of(self, report: int, last: int) -> Iterator[tuple[Reply, int]]:
        """Yield the rows of a report after its row ``last``, each portion with the number of its own last one."""
        while True:
            body = {"limit": ROWS, "rrdId": last}
            reply = self.call(paths.REPORT_ROWS, parts={"reportId": report}, json=body, safe=True)
            rows = _rows(reply)
            if not rows:
                return
            before, last = last, msgspec.json.decode(rows[-1], type=_Row).rrdId
            if last == before:
                raise IncompleteSource(f"{reply.what}: the report has more rows but its cursor stands still.")
            yield reply, last


class _Report(msgspec.Struct):
    reportId: int  # noqa: N815 - the vendor's word


class _Row(msgspec.Struct):
    rrdId: int  # noqa: N815 - the vendor's word


def _rows(reply: Reply) -> list[bytes]:
    """Return the rows of an answer; none are left where it has no content."""
    return reply.slices("") if reply.content else []


def taken_apart(raw: bytes) -> Iterator[Native]:
    """Turn a row of a report into one native for each kind of money that it moves."""
    for row in decode_json(raw):
        shared: Native = {
            "currency": row["currency"],
            "occurred": _moscow_day(row["rrDate"]),
            "title": row.get("bonusTypeName") or row["sellerOperName"],
            "article": row["vendorCode"],
            "report": str(row["reportId"]),
        }
        if row["orderId"]:
            shared["order"] = str(row["orderId"])
        for kind, amount, more in _moved(row):
            if amount:
                id_ = f"{row['reportId']}:{row['rrdId']}:{kind}"
                yield {"operation_id": id_, "kind": kind, "amount": amount, **shared, **more}


def paid_out(raw: bytes) -> Iterator[Native]:
    """Turn a report of the list into what it pays out, and what its own sums do not explain of that."""
    for row in decode_json(raw):
        shared = {
            "currency": row["currency"],
            "occurred": _moscow_day(row["createDate"]),
            "report": str(row["reportId"]),
        }
        paid = _money(row, "bankPaymentSum")
        known = _money(row, "forPaySum") + sum(sign * _money(row, f"{name}Sum") for name, sign, _ in _COLUMNS)
        if paid != known:
            title = _LATER if abs(paid - known) == abs(_money(row, "paymentSchedule")) else "Прочее в отчёте"
            id_ = f"{row['reportId']}:rest"
            yield {"operation_id": id_, "kind": "rest", "amount": paid - known, "title": title, **shared}
        title = f"Отчёт {row['reportId']}, {row['dateFrom']} – {row['dateTo']}"
        id_ = f"{row['reportId']}:payout"
        yield {"operation_id": id_, "kind": "payout", "amount": paid, "title": title, **shared}


def _moved(row: Native) -> Iterator[tuple[str, Decimal, Native]]:
    sign = -1 if row["docTypeName"] == _RETURNED else 1
    sold, due, acquiring = (_money(row, name) for name in ("retailAmount", "forPay", "acquiringFee"))
    goods = {"title": row["sellerOperName"], "quantity": row["quantity"]}
    if due or sold:
        yield "sale" if sign > 0 else "refund", sign * sold, goods
        yield "commission", sign * (due - sold + acquiring), {"title": row["sellerOperName"]}
        yield "acquiring", -sign * acquiring, {"title": row.get("paymentProcessing") or row["sellerOperName"]}
    for column, direction, kind in _COLUMNS:
        amount = direction * _money(row, column)
        if kind == "delivery" and row["returnAmount"] and not row["deliveryAmount"]:
            kind = "return_delivery"  # noqa: PLW2901 - the same column, by the way that the goods went
        if kind == "deduction" and _ADVERTISING in (row.get("bonusTypeName") or ""):
            kind = "promotion"  # noqa: PLW2901 - the same column, by what was deducted
        yield kind, amount, {}


def _money(row: Native, name: str) -> Decimal:
    try:
        return Decimal(str(row.get(name) or 0))
    except InvalidOperation:
        raise Refused(f"The {name} of a report's row is no amount.", code="bad_value", field=name) from None


def _moscow_day(text: Any) -> str:
    moment = datetime.fromisoformat(str(text))
    return moment.replace(tzinfo=moment.tzinfo or MOSCOW).astimezone(UTC).isoformat()


def _told(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _kept(cursor: str | None, otherwise: date) -> _Cursor:
    if cursor is None:
        return _Cursor(otherwise, [])
    try:
        return msgspec.json.decode(cursor, type=_Cursor)
    except msgspec.DecodeError as error:
        raise StateError(
            f"The checkpoint of the reports cannot be read ({error}). Remove it; the next pass begins anew."
        ) from error
