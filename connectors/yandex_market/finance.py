"""What Market adds to what it owes the seller, and what it takes: payments, services and points of each order.

What it paid out, and what it took for no order, comes after that from another report (see payouts).

One order of the report holds several operations, and services have no number of their own. So each is named by
its order and its kind, which stays the same however often the report is read; only payments have Market's ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from connectors.yandex_market import paths
from connectors.yandex_market.orders import cursor_of, told
from connectors.yandex_market.payouts import Payouts
from obmen.connector import reader
from obmen.errors import Refused
from obmen.records import Native, Page, decode_json

STATS_LIMIT = 200
_MOSCOW = timedelta(hours=3)
_OVERLAP = timedelta(days=2)
"""The report is late by up to forty minutes and knows days only, those of Moscow."""


class Cursor(msgspec.Struct):
    """``day``: up to which of Market's days changes are known; ``paid``: up to which day payouts are."""

    day: date
    paid: date | None = None


class Finance(Payouts):
    """Accruals: natural id ``operationId``."""

    @reader("accrual", key="operationId")
    def accruals(self, cursor: str | None) -> Iterator[Page]:
        """Read the money of the orders that changed since the cursor's day (``getOrdersStats``), then the payouts."""
        now = self.clock.now()
        kept = (
            cursor_of(cursor, Cursor) if cursor else Cursor((now - timedelta(days=self.options.lookback_days)).date())
        )
        since = kept.day
        theirs = None
        today = (now + _MOSCOW).date()
        body = {"updateFrom": (since - _OVERLAP).isoformat(), "updateTo": max(since, today).isoformat()}
        for campaign in self.options.order_campaigns:
            for reply in self.pages(paths.ORDERS_STATS, limit=STATS_LIMIT, campaign=campaign, json=body):
                theirs = theirs or told(reply)
                yield Page(reply.slices("result.orders"), decode=self._operations, where=reply.what)
        day = min(now, theirs or now).date()
        yield Page((), cursor=_told(Cursor(day, kept.paid)))
        for page, paid in self.payouts(kept.paid):
            yield replace(page, cursor=_told(Cursor(day, paid)))

    def _operations(self, raw: bytes) -> Iterator[Native]:
        for order in decode_json(raw):
            if order.get("fake") and not self.options.orders.test_orders:
                continue
            try:
                yield from operations(order)
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                message = f"The money of order {order.get('id')} is not as Market describes it ({error!r})."
                raise Refused(message, code="bad_accrual") from error


def operations(order: Native) -> Iterator[Native]:
    """Yield an order's operations (``OrdersStatsOrderDTO``).

    ``operationId``, ``type`` (``payment:…``, ``service:…``, ``points:…``), ``amount`` (positive for the seller),
    ``orderId``, ``occurredAt``, ``currency``. Sums of one kind are added up, for they cannot be told apart.
    """
    common = {"orderId": str(order["id"]), "currency": order["currency"]}
    seen: Counter[str] = Counter()
    for payment in order.get("payments") or ():
        kind, sign = str(payment["type"]), -1 if payment["type"] == "REFUND" else 1
        number = payment.get("id") or f"{kind}/{payment.get('source')}"
        name = f"{order['id']}/payment/{number}"
        seen[name] += 1
        yield {
            **common,
            "operationId": name if seen[name] == 1 else f"{name}/{seen[name]}",
            "type": f"payment:{kind}",
            "title": " ".join(filter(None, (kind, payment.get("source")))),
            "amount": sign * abs(Decimal(str(payment["total"]))),
            "occurredAt": _midnight(payment.get("date") or order["creationDate"]),
        }
    for kind, amount in _sums(order, "commissions", "actual").items():
        yield {**common, **_by_kind(order, "service", kind, -amount)}
    for kind, amount in _points(order).items():
        yield {**common, **_by_kind(order, "points", kind, amount)}


def _told(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _by_kind(order: Native, what: str, kind: str, amount: Decimal) -> Native:
    return {
        "operationId": f"{order['id']}/{what}/{kind}",
        "type": f"{what}:{kind.partition(' ')[0]}",
        "title": kind,
        "amount": amount,
        "occurredAt": _midnight(order["creationDate"]),
    }


def _sums(order: Native, name: str, value: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in order.get(name) or ():
        sums[str(row["type"])] = sums.get(str(row["type"]), Decimal(0)) + Decimal(str(row[value]))
    return sums


def _points(order: dict[str, Any]) -> dict[str, Decimal]:
    """Points that lower the price of Market's services: given for a discount, taken back for a return."""
    sums: dict[str, Decimal] = {}
    for row in order.get("subsidies") or ():
        sign = -1 if row["operationType"] == "DEDUCTION" else 1
        name = f"{row['type']} {row['operationType']}"
        sums[name] = sums.get(name, Decimal(0)) + sign * abs(Decimal(str(row["amount"])))
    return sums


def _midnight(day: str) -> str:
    return f"{day[:10]}T00:00:00+03:00"
