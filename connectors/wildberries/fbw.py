"""FBW: orders that Wildberries takes from its own warehouses. A seller only reads them, as facts for his reports.

They stand in no list of assembly orders, but in the statistics: a row of ``supplier/orders`` for each unit ordered, one
of ``supplier/sales`` for each sold, both by the time of their last change and without the steps between. So an order's
life is: ordered, then cancelled or delivered. A sale is told in another report than the order, at another time; told
with the steps that an order's row does not know, it would go back to "ordered" when that row changes once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.paths import Path
from obmen.records import Native, Page, decode_json

FBW = "fbw"
MOST = 80_000
"""So many rows an answer has at most, about; a shorter one is the last."""
_MOSCOW = timezone(timedelta(hours=3))
_OWN = "Склад WB"
_ROUBLES = "RUB"
_SOLD = "S"


class _Cursor(msgspec.Struct):
    """The times of the last changes that were told, as Wildberries writes them."""

    orders: str = ""
    sales: str = ""


class Fbw(Base):
    """Reads FBW orders where the connection's ``schemes`` is ``fbw``."""

    @property
    def only_reads(self) -> bool:
        """Whether the orders of this connection are Wildberries' own."""
        return FBW in self.options.schemes

    def fbw_orders(self, cursor: str | None) -> Iterator[Page]:
        """Read the orders that changed since the cursor.

        Natives: the vendor's row, with ``id`` (``srid``), ``scheme``, ``createdAt`` (UTC), ``amount``, ``currency`` and
        the one unit as ``units``, as orders of other schemes have them. The size is not told, only the article.
        """
        kept = self._fbw_since(cursor)
        for rows, last in self._fbw_reported(paths.FBW_ORDERS, kept.orders):
            kept.orders = last
            yield Page(rows, decode=_ordered, where=paths.FBW_ORDERS)
        yield Page((), cursor=_written(kept))

    def fbw_statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read which orders were cancelled and which were sold; natives as those of other schemes."""
        kept = self._fbw_since(cursor)
        for rows, last in self._fbw_reported(paths.FBW_ORDERS, kept.orders):
            kept.orders = last
            yield Page(rows, decode=_cancelled, where=paths.FBW_ORDERS)
        for rows, last in self._fbw_reported(paths.FBW_SALES, kept.sales):
            kept.sales = last
            yield Page(rows, decode=_sold, where=paths.FBW_SALES)
        yield Page((), cursor=_written(kept))

    def fbw_order_natives(self, since: datetime, until: datetime | None = None) -> Iterator[Native]:
        """Yield the orders made in a period, as they are now."""
        for rows, _ in self._fbw_reported(paths.FBW_ORDERS, _told(since)):
            for native in (one for raw in rows for one in _ordered(raw)):
                made = datetime.fromisoformat(native["createdAt"])
                if since <= made and (until is None or made < until):
                    yield native

    def fbw_status_natives(self, since: datetime) -> Iterator[Native]:
        """Yield what became of the orders that changed since then."""
        for path, decode in ((paths.FBW_ORDERS, _cancelled), (paths.FBW_SALES, _sold)):
            for rows, _ in self._fbw_reported(path, _told(since)):
                for raw in rows:
                    yield from decode(raw)

    @property
    def fbw_begin(self) -> datetime:
        """As far back as this connection looks."""
        return self.clock.now() - timedelta(days=self.options.lookback_days)

    def _fbw_since(self, cursor: str | None) -> _Cursor:
        kept = msgspec.json.decode(cursor, type=_Cursor) if cursor else _Cursor()
        begin = _told(self.fbw_begin)
        return _Cursor(kept.orders or begin, kept.sales or begin)

    def _fbw_reported(self, path: Path, since: str) -> Iterator[tuple[list[bytes], str]]:
        """Yield the rows of Wildberries' own warehouses that changed since then, and the time of the last change."""
        while True:
            raws = self.call(path, params={"dateFrom": since}).slices("")
            told = [native for raw in raws for native in decode_json(raw)]
            last = str(told[-1]["lastChangeDate"]) if told else since
            yield [raw for raw, row in zip(raws, told, strict=True) if row.get("warehouseType") == _OWN], last
            if len(raws) < MOST or last == since:
                return
            since = last


def _ordered(raw: bytes) -> Iterator[Native]:
    for row in decode_json(raw):
        unit = {
            "article": row.get("supplierArticle"),
            "rid": row["srid"],
            "amount": Decimal(str(row["priceWithDisc"])),
            "quantity": 1,
        }
        told = {"id": row["srid"], "scheme": FBW, "createdAt": _utc(row["date"]), "currency": _ROUBLES}
        yield {**row, **told, "amount": unit["amount"], "units": [unit]}


def _cancelled(raw: bytes) -> Iterator[Native]:
    for row in decode_json(raw):
        if row.get("isCancel"):
            yield _state(row, "confirm", "canceled")


def _sold(raw: bytes) -> Iterator[Native]:
    """Tell a sale; what a buyer gives back goes into Wildberries' warehouse and is told in the reports of money."""
    for row in decode_json(raw):
        if str(row.get("saleID") or "").startswith(_SOLD):
            yield _state(row, "receive", "sold")


def _state(row: Native, supplier: str, there: str) -> Native:
    return {"id": row["srid"], "scheme": FBW, "supplierStatus": supplier, "wbStatus": there}


def _written(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _told(moment: datetime) -> str:
    """Write a time as these methods take it: Moscow's, without saying so."""
    return moment.astimezone(_MOSCOW).replace(tzinfo=None).isoformat(timespec="seconds")


def _utc(text: Any) -> str:
    moment = datetime.fromisoformat(str(text))
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=_MOSCOW)).astimezone(UTC).isoformat()
