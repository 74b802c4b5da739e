"""FBO: orders that Ozon takes from its own warehouses. A seller only reads them, as facts for his reports.

The list can be asked for by the time of the order alone, so it is read over as far back as the connection says; what
has not changed costs nothing after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.ozon import paths
from connectors.ozon.instants import text_of
from obmen.clock import Clock
from obmen.errors import IncompleteSource
from obmen.http import Http, Reply
from obmen.records import Native, Page, decode_json

FBO_LIMIT = 100
_AHEAD = timedelta(days=1)
_LONGEST = timedelta(days=364)


def read_fbo(http: Http, clock: Clock, lookback: timedelta) -> Iterator[Page]:
    """Yield the postings ordered within ``lookback``. Shape: ``postings`` of ``PostingFboList``."""
    now = clock.now()
    return fbo_of(http, now - lookback, now + _AHEAD)


def fbo_of(http: Http, since: datetime, until: datetime) -> Iterator[Page]:
    """Yield the postings ordered in a period."""
    for reply in _pages(http, {"since": text_of(since), "to": text_of(until)}):
        yield Page(reply.slices("postings"), where=reply.what)


def look_up_fbo(http: Http, clock: Clock, numbers: Sequence[str]) -> Iterator[Native]:
    """Yield these postings."""
    end = clock.now() + _AHEAD
    condition = {"posting_numbers": list(numbers), "since": text_of(end - _LONGEST), "to": text_of(end)}
    for reply in _pages(http, condition):
        for raw in reply.slices("postings"):
            yield from decode_json(raw)


def _pages(http: Http, condition: dict[str, Any]) -> Iterator[Reply]:
    where = ""
    while True:
        body = {"cursor": where, "filter": condition, "limit": FBO_LIMIT, "sort_dir": "ASC"}
        reply = http.post(paths.FBO_POSTINGS, json=body, safe=True)
        yield reply
        if not reply["has_next"]:
            return
        if reply["cursor"] in {"", where}:
            raise IncompleteSource(f"{reply.what}: the list has more to give but no cursor to ask by.")
        where = reply["cursor"]
