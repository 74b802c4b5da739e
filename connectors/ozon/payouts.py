"""What Ozon paid out: told for each period of its statement, and for nothing smaller.

The statement adds up sales, commissions and services too, which the accruals tell one by one already; so only its
payments are taken. It is asked for once a day, page by page of one period, because its details are those of a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connectors.ozon import paths
from obmen.connector import Connector
from obmen.errors import IncompleteSource, Refused
from obmen.http import encode_json
from obmen.records import Native, Page, decode_json

STILL_PAID = timedelta(days=45)
"""How long after its beginning a period may still get a payment."""


class Payouts(Connector):
    """Payouts: natives of the entity ``accrual``."""

    def payouts(self, since: date, today: date) -> Iterator[Page]:
        """Read the payments of the periods since a day (``FinanceAPI_FinanceCashFlowStatementList``)."""
        span = {"from": f"{since}T00:00:00Z", "to": f"{today}T23:59:59Z"}
        page, last = 1, 1
        while page <= last:
            body = {"date": span, "page": page, "page_size": 1, "with_details": True}
            reply = self.http.post(paths.STATEMENT, json=body, safe=True)
            result = reply["result"]
            told = result.get("page_count") or reply.get("page_count") or 0
            if not isinstance(told, int):
                raise IncompleteSource(f"{reply.what}: the number of pages is no number.")
            details = [one for one in _each(result.get("details")) if one.get("payments")]
            yield Page([encode_json(one) for one in details], decode=paid_out, where=reply.what)
            page, last = page + 1, told


def paid_out(raw: bytes) -> Iterator[Native]:
    """Yield what was paid in a period, a native of the accruals' shape for each currency.

    A payment leaves Ozon's account and is told below zero; here it is what the seller got.
    """
    for told in decode_json(raw):
        period, sums = told.get("period") or {}, dict[str, Decimal]()
        for payment in _each(told["payments"]):
            currency = str(payment.get("currency_code") or "")
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(str(payment.get("payment") or 0))
        begin, end = str(period.get("begin") or "")[:10], str(period.get("end") or "")[:10]
        for currency, amount in sums.items():
            if amount and not (begin and end and currency):
                raise Refused("A payment of Ozon's statement names no period or no currency.", code="bad_payout")
            if amount:
                yield {
                    "operation_id": f"payout:{period.get('id') or begin}:{currency}",
                    "order": None,
                    "sku": None,
                    "kind": "payout",
                    "title": f"Выплачено за {begin} – {end}",
                    "amount": format(abs(amount), "f"),
                    "currency": currency,
                    "date": end,
                    "report": f"{begin} – {end}",
                }


def _each(told: Any) -> list[Native]:
    """Return what the document calls one object and Ozon answers as a list."""
    return list(told) if isinstance(told, list) else [told] if told else []
