"""Money: what Ozon adds to its account with the seller and takes off it, day by day, as facts.

One accrual of Ozon's holds many sums: a sale, its commission, each service of its delivery. Each becomes an
operation of its own, and together they come to the total that Ozon tells; what is left over is told too, so no
money vanishes in a field that nobody knew. An operation keeps its id however often its day is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import msgspec
import xxhash

from connectors.ozon import paths
from connectors.ozon.accruals import Name, operations
from connectors.ozon.instants import reading_from
from connectors.ozon.payouts import STILL_PAID, Payouts
from connectors.ozon.postings import roots
from obmen.connector import history, reader
from obmen.errors import IncompleteSource
from obmen.http import encode_json
from obmen.records import Native, Page, decode_json

SETTLED_DAYS = 3
"""Days that are read again once a day: what happened late in one is accrued in the next ones."""
_DETAILS_LIMIT = 1000
_EARLIEST = date(2022, 1, 1)
_MOSCOW = timedelta(hours=3)
_TYPES = "accruals/types"


class _Cursor(msgspec.Struct):
    """``day``: up to which accruals are told; ``settled``: on which the days before and payouts were read last."""

    day: date
    settled: date | None = None


class Finance(Payouts):
    """Accruals: native id ``operation_id``."""

    @reader("accrual", key="operation_id")
    def accruals(self, cursor: str | None) -> Iterator[Page]:
        """Read the accruals of each day (``GetFinanceAccrualByDay``); once a day three days over again, and payouts.

        A slice is one accrual of Ozon's, which expands to its operations.
        """
        today = self.clock.now().date()
        since = reading_from(cursor, _Cursor, "the accruals")
        settled = since.settled if since else None
        daily = settled != today
        day = min(since.day, today) if since else today - timedelta(days=self.options.lookback_days)
        if daily:
            day = max(day - timedelta(days=SETTLED_DAYS), _EARLIEST)
        begin = day if settled is None else min(day, today - STILL_PAID)
        ending = Page(())
        for page in self._days(day, today, self._names(anew=daily)):
            if ending.where:
                yield ending
            ending = page
        yield replace(ending, cursor=_told(_Cursor(today, settled)))
        if daily:
            yield from self.payouts(begin, today)
            yield Page((), cursor=_told(_Cursor(today, today)))

    @history("accrual", step=timedelta(days=7))
    def accruals_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the accruals of the days that a period touches, by Moscow's time; payouts are not among them."""
        first, last = since + _MOSCOW, until + _MOSCOW - timedelta.resolution
        return self._days(max(first.date(), _EARLIEST), last.date(), self._names(anew=False))

    def _days(self, day: date, last: date, names: Mapping[int, Name]) -> Iterator[Page]:
        salt = xxhash.xxh3_128_digest(msgspec.json.encode(sorted(names.items())))
        expand = partial(self._operations, names, {})
        while day <= last:
            for slices, what in self._day(day):
                yield Page(slices, expand=expand, salt=salt, where=what)
            day += timedelta(days=1)

    def _day(self, day: date) -> Iterator[tuple[list[bytes], str]]:
        where = ""
        while True:
            reply = self.http.post(paths.ACCRUALS, json={"date": day.isoformat(), "last_id": where}, safe=True)
            slices = reply.slices("accruals")
            yield slices, f"{reply.what} of {day}"
            following = reply.get("last_id") or ""
            if not slices or not following:
                return
            if following == where:
                raise IncompleteSource(f"{reply.what}: the list of {day} does not go on.")
            where = following

    def _names(self, *, anew: bool) -> dict[int, Name]:
        """Return type id → its name and kind (``GetFinanceAccrualTypes``), as known or asked for anew."""
        kept = None if anew else self.memory.get(_TYPES)
        if kept is None:
            kept = encode_json(self.http.post(paths.ACCRUAL_TYPES, safe=True)["accrual_types"])
            self.memory.put(_TYPES, kept)
        kinds: Mapping[str, str] = self.options.accrual_kinds
        return {row["id"]: Name.of(row, kinds) for row in msgspec.json.decode(kept, type=list[Native])}

    def _operations(
        self, names: Mapping[int, Name], articles: dict[int, str], slices: Sequence[bytes]
    ) -> Iterator[list[Native]]:
        """Give the operations of each accrual, with its order's number and the articles of its goods."""
        rows = [native for raw in slices for native in decode_json(raw)]
        self._learn(sorted({sku for row in rows for sku in _skus(row)} - articles.keys()), articles)
        numbers = {str(row["unit_number"]) for row in rows if row.get("posting") and row.get("unit_number")}
        known = roots(self.http, self.clock, numbers) if numbers else {}
        for row in rows:
            order = known.get(row["unit_number"], row["unit_number"]) if row.get("posting") else None
            told = {str(sku): articles[sku] for sku in _skus(row) if articles.get(sku)}
            yield list(operations(row, order, told, names))

    def _learn(self, skus: Sequence[int], articles: dict[int, str]) -> None:
        for start in range(0, len(skus), _DETAILS_LIMIT):
            some = skus[start : start + _DETAILS_LIMIT]
            articles.update(dict.fromkeys(some, ""))
            body = {"sku": [str(sku) for sku in some]}
            for item in self.http.post(paths.PRODUCT_DETAILS, json=body, safe=True)["items"]:
                articles[int(item["sku"])] = item["offer_id"]


def _told(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _skus(row: Native) -> set[int]:
    posting, fees = row.get("posting") or {}, row.get("item_fees") or {}
    return {int(one["sku"]) for one in (*(posting.get("products") or ()), *(fees.get("fees") or ())) if one.get("sku")}
