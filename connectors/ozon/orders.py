"""Orders: FBS postings with their lines, each known by its posting number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from connectors.ozon.postings import POSTING_LIMIT, look_up_postings, read_postings
from obmen.connector import Connector, lookup, reader
from obmen.records import Native, Page


class Orders(Connector):
    """Orders: natural and native id ``posting_number``. One order of a buyer may be several postings."""

    @reader("order", key="posting_number")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read new and changed postings (``PostingFbsList``)."""
        lookback = timedelta(days=self.options.lookback_days)
        return read_postings(self.http, self.clock, cursor, lookback)

    @lookup("order", batch=POSTING_LIMIT)
    def look_up_orders(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these postings."""
        return look_up_postings(self.http, self.clock, ids)
