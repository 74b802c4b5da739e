"""Orders: postings with their lines, each known by its posting number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors.ozon.fbo import fbo_of, look_up_fbo, read_fbo
from connectors.ozon.postings import POSTING_LIMIT, look_up_postings, postings_of, read_postings
from obmen.connector import Connector, history, lookup, reader
from obmen.records import Native, Page

FBO = "fbo"
WEEK = timedelta(days=7)
AT_ONCE = 3
"""Periods that are read at the same time: together they stay far below the 50 calls a second that Ozon allows."""


class PostingReader(Connector):
    """What orders and their statuses have in common: the list that the connection's scheme has."""

    def read_postings(self, cursor: str | None) -> Iterator[Page]:
        """Read new and changed postings, or by FBO those of the last days."""
        lookback = timedelta(days=self.options.lookback_days)
        if self.options.scheme == FBO:
            return read_fbo(self.http, self.clock, lookback)
        return read_postings(self.http, self.clock, cursor, lookback)

    def read_postings_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the postings that Ozon took up in a period."""
        if self.options.scheme == FBO:
            return fbo_of(self.http, since, until)
        return postings_of(self.http, self.clock, since, until)

    def look_up_postings(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these postings."""
        if self.options.scheme == FBO:
            return look_up_fbo(self.http, self.clock, ids)
        return look_up_postings(self.http, self.clock, ids)


class Orders(PostingReader):
    """Orders: natural and native id ``posting_number``. One order of a buyer may be several postings."""

    @reader("order", key="posting_number")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read new and changed postings (``PostingFbsList``, ``PostingFboList``)."""
        return self.read_postings(cursor)

    @history("order", step=WEEK, parallel=AT_ONCE)
    def orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the postings that Ozon took up in a period (``in_process_at``)."""
        return self.read_postings_of(since, until)

    @lookup("order", batch=POSTING_LIMIT)
    def look_up_orders(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these postings."""
        return self.look_up_postings(ids)
