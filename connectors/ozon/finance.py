"""Money: what Ozon adds to its account with the seller and takes off it, day by day, as facts.

One accrual of Ozon's holds many sums: a sale, its commission, each service of its delivery. Each becomes an
operation of its own, and together they come to the total that Ozon tells; what is left over is told too, so no
money vanishes in a field that nobody knew. An operation keeps its id however often its day is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import msgspec
import xxhash

from connectors.ozon import paths
from connectors.ozon.accruals import Name, operations
from connectors.ozon.instants import reading_from
from connectors.ozon.postings import roots
from obmen.connector import Connector, reader
from obmen.errors import IncompleteSource
from obmen.http import encode_json
from obmen.records import Native, Page, decode_json

SETTLED_DAYS = 3
"""Days that are read again each time: what happened late in one is accrued in the next ones."""
_DETAILS_LIMIT = 1000
_EARLIEST = date(2022, 1, 1)


class _Cursor(msgspec.Struct):
    day: date


class Finance(Connector):
    """Accruals: native id ``operation_id``."""

    @reader("accrual", key="operation_id")
    def accruals(self, cursor: str | None) -> Iterator[Page]:
        """Read the accruals of each day (``GetFinanceAccrualByDay``), the last three days over again.

        A slice is one accrual of Ozon's with the order's number and the articles; it decodes to its operations.
        """
        today = self.clock.now().date()
        since = reading_from(cursor, _Cursor, "the accruals")
        day = min(since.day, today) if since else today - timedelta(days=self.options.lookback_days)
        names = self._names()
        salt = xxhash.xxh3_128_digest(msgspec.json.encode(sorted(names.items())))
        decode = partial(_decoded, names)
        articles: dict[int, str] = {}
        day = max(day - timedelta(days=SETTLED_DAYS), _EARLIEST)
        following = msgspec.json.encode(_Cursor(today)).decode()
        while day <= today:
            pages = list(self._day(day))
            for place, (rows, what) in enumerate(pages, start=1):
                slices = self._with_keys(rows, articles)
                last = day == today and place == len(pages)
                yield Page(slices, decode=decode, salt=salt, cursor=following if last else None, where=what)
            day += timedelta(days=1)

    def _day(self, day: date) -> Iterator[tuple[list[Native], str]]:
        where = ""
        while True:
            reply = self.http.post(paths.ACCRUALS, json={"date": day.isoformat(), "last_id": where}, safe=True)
            rows = [native for raw in reply.slices("accruals") for native in decode_json(raw)]
            yield rows, f"{reply.what} of {day}"
            following = reply.get("last_id") or ""
            if not rows or not following:
                return
            if following == where:
                raise IncompleteSource(f"{reply.what}: the list of {day} does not go on.")
            where = following

    def _names(self) -> dict[int, Name]:
        """Return type id → its name and kind (``GetFinanceAccrualTypes``)."""
        reply = self.http.post(paths.ACCRUAL_TYPES, safe=True)
        kinds: Mapping[str, str] = self.options.accrual_kinds
        return {row["id"]: Name.of(row, kinds) for row in reply["accrual_types"]}

    def _with_keys(self, rows: Sequence[Native], articles: dict[int, str]) -> list[bytes]:
        """Return accruals as slices, each with its order's number and the articles of its goods."""
        self._learn(sorted({sku for row in rows for sku in _skus(row)} - articles.keys()), articles)
        numbers = {str(row["unit_number"]) for row in rows if row.get("posting") and row.get("unit_number")}
        known = roots(self.http, self.clock, numbers) if numbers else {}
        slices = []
        for row in rows:
            order = known.get(row["unit_number"], row["unit_number"]) if row.get("posting") else None
            told = {str(sku): articles[sku] for sku in _skus(row) if articles.get(sku)}
            slices.append(encode_json({"order": order, "articles": told, "accrual": row}))
        return slices

    def _learn(self, skus: Sequence[int], articles: dict[int, str]) -> None:
        for start in range(0, len(skus), _DETAILS_LIMIT):
            some = skus[start : start + _DETAILS_LIMIT]
            articles.update(dict.fromkeys(some, ""))
            body = {"sku": [str(sku) for sku in some]}
            for item in self.http.post(paths.PRODUCT_DETAILS, json=body, safe=True)["items"]:
                articles[int(item["sku"])] = item["offer_id"]


def _decoded(names: Mapping[int, Name], raw: bytes) -> Iterator[Native]:
    for told in decode_json(raw):
        yield from operations(told["accrual"], told["order"], told["articles"], names)


def _skus(row: Native) -> set[int]:
    posting, fees = row.get("posting") or {}, row.get("item_fees") or {}
    return {int(one["sku"]) for one in (*(posting.get("products") or ()), *(fees.get("fees") or ())) if one.get("sku")}
