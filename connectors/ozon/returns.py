"""Returns: what comes back to the seller, of orders that Ozon carried and of those that he delivered himself.

Two lists that know nothing of each other tell them. The first can be asked for what changed; the second, by rFBS,
only for what was applied for in a period, so it is read over as long as an application may live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from connectors.ozon import paths
from connectors.ozon.instants import reading_from, text_of, told_at
from connectors.ozon.postings import roots
from obmen.connector import Connector, reader
from obmen.errors import IncompleteSource
from obmen.http import Reply, encode_json
from obmen.records import Native, Page, decode_json

RETURN_LIMIT = 500
_OVERLAP = timedelta(hours=1)
_AHEAD = timedelta(days=1)
"""How far Ozon's clock may be ahead of ours before a change is seen late."""
_AN_APPLICATION_LIVES = timedelta(days=60)

_Told = tuple[Reply, list[Native]]


class _Cursor(msgspec.Struct):
    changed: Annotated[datetime, msgspec.Meta(tz=True)]


class Returns(Connector):
    """Returns: native id ``id``, which is ``return_number`` of an application by rFBS.

    Shape: items of ``returnsList`` with ``order``, the number under which 1C knows the order, and the product as
    the only one of ``lines``.
    """

    @reader("return", key="id")
    def returns(self, cursor: str | None) -> Iterator[Page]:
        """Read the returns whose state changed; with the option ``rfbs`` the applications of the last 60 days too."""
        now = self.clock.now()
        lookback = timedelta(days=self.options.lookback_days)
        since = reading_from(cursor, _Cursor, "the returns")
        begin = min(since.changed, now) - _OVERLAP if since else now - lookback
        earliest, ending = now, Page(())
        for reply, rows in self._lists(begin, now, now - max(lookback, _AN_APPLICATION_LIVES)):
            if ending.where:
                yield ending
            ending = Page(self._with_orders(rows), where=reply.what)
            earliest = min(told_at(reply) or earliest, earliest)
        yield replace(ending, cursor=msgspec.json.encode(_Cursor(earliest)).decode())

    def _lists(self, begin: datetime, now: datetime, applied: datetime) -> Iterator[_Told]:
        yield from self._carried_by_ozon(begin, now + _AHEAD)
        if self.options.rfbs:
            yield from self._by_rfbs(applied, now + _AHEAD)

    def _carried_by_ozon(self, begin: datetime, end: datetime) -> Iterator[_Told]:
        period = {"time_from": text_of(begin), "time_to": text_of(end)}
        condition: Native = {"visual_status_change_moment": period, "return_schema": self.options.scheme.upper()}
        last_id = 0
        while True:
            body = {"filter": condition, "limit": RETURN_LIMIT, "last_id": last_id}
            reply = self.http.post(paths.RETURNS, json=body, safe=True)
            rows = [native for raw in reply.slices("returns") for native in decode_json(raw)]
            yield reply, rows
            if not reply["has_next"]:
                return
            if not rows or int(rows[-1]["id"]) == last_id:
                raise IncompleteSource(f"{reply.what}: the list has more to give but does not go on.")
            last_id = int(rows[-1]["id"])

    def _by_rfbs(self, begin: datetime, end: datetime) -> Iterator[_Told]:
        condition = {"created_at": {"from": text_of(begin), "to": text_of(end)}}
        last_id = 0
        while True:
            body = {"filter": condition, "limit": RETURN_LIMIT, "last_id": last_id}
            reply = self.http.post(paths.OWN_RETURNS, json=body, safe=True)
            told = reply["returns"] or []
            rows = [told] if isinstance(told, dict) else list(told)
            yield reply, [_as_listed(row) for row in rows]
            if len(rows) < RETURN_LIMIT:
                return
            if int(rows[-1]["return_id"]) == last_id:
                raise IncompleteSource(f"{reply.what}: the list does not go on.")
            last_id = int(rows[-1]["return_id"])

    def _with_orders(self, rows: Sequence[Native]) -> list[bytes]:
        """Return the rows as slices, each with the number of the order that its posting is a part of."""
        numbers = {str(row["posting_number"]) for row in rows if row.get("posting_number")}
        known = roots(self.http, self.clock, numbers) if numbers else {}
        return [
            encode_json(
                {**row, "order": known.get(row["posting_number"], row["posting_number"]), "lines": [row["product"]]}
            )
            for row in rows
        ]


def _as_listed(row: Native) -> Native:
    """Return an application by rFBS (``RFBSReturnsAPI_ReturnsRfbsListV2``) in the shape of the other list."""
    product = row["product"]
    price = {"price": product.get("price"), "currency_code": product.get("currency_code")}
    return {
        "id": row["return_number"],
        "schema": "RFBS",
        "posting_number": row["posting_number"],
        "product": {**product, "quantity": 1, "price": price},
        "visual": {"status": {"sys_name": f"rfbs:{row['state']['group_state']}"}},
        "logistic": {"return_date": row.get("created_at")},
    }
