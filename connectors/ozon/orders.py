"""Orders: postings with their lines, each known by its posting number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from connectors.ozon.fbo import look_up_fbo, read_fbo
from connectors.ozon.postings import POSTING_LIMIT, look_up_postings, read_postings
from obmen.connector import Connector, lookup, reader
from obmen.records import Native, Page

FBO = "fbo"


class PostingReader(Connector):
    """What orders and their statuses have in common: the list that the connection's scheme has."""

    def read_postings(self, cursor: str | None) -> Iterator[Page]:
        """Read new and changed postings, or by FBO those of the last days."""
        lookback = timedelta(days=self.options.lookback_days)
        if self.options.scheme == FBO:
            return read_fbo(self.http, self.clock, lookback)
        return read_postings(self.http, self.clock, cursor, lookback)

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

    @lookup("order", batch=POSTING_LIMIT)
    def look_up_orders(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these postings."""
        return self.look_up_postings(ids)
