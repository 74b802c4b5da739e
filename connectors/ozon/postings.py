"""FBS postings, the orders as a seller sees them: the listing that orders and their statuses are read from.

The listing filters by the time of the last change of status, but a posting does not tell that time, and it
is told by the peer's clock, not by ours. So a pass begins where the last one began, by the earlier of the
two clocks, less an overlap; and beside the changes it reads all postings that wait for the seller, so that
even a change that the filter missed is seen while it matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from connectors.ozon import paths
from obmen.clock import Clock
from obmen.errors import IncompleteSource, StateError
from obmen.http import Http, Reply
from obmen.records import Native, Page, decode_json

POSTING_LIMIT = 100
OVERLAP = timedelta(hours=1)
_LONGEST = timedelta(days=364)
_WITH = {"analytics_data": True, "barcodes": False, "financial_data": False, "legal_info": False}


class _Cursor(msgspec.Struct):
    changed: datetime


class _Numbered(msgspec.Struct):
    posting_number: str


_NUMBER = msgspec.json.Decoder(_Numbered)


def read_postings(http: Http, clock: Clock, cursor: str | None, lookback: timedelta) -> Iterator[Page]:
    """Yield the postings that wait for the seller, then those whose status changed since the cursor.

    Without a cursor: changed within ``lookback``. A posting comes once in a pass. Shape: ``postings`` of
    ``PostingFbsList``. The last page carries the cursor of the next pass.
    """
    since = _since(cursor)
    ours = clock.now()
    theirs = ours
    seen: set[str] = set()
    waiting = {"cutoff_from": _text(ours - _LONGEST / 2), "cutoff_to": _text(ours + _LONGEST / 2)}
    for reply in _pages(http, paths.UNFULFILLED, waiting):
        theirs = _told(reply) or theirs
        yield Page(_new(reply, seen), where=reply.what)
    begin, end = min(ours, theirs), max(ours, theirs) + OVERLAP
    begin_of_changes = min(since, begin) - OVERLAP if since else begin - lookback
    changed = {
        "since": _text(end - _LONGEST),
        "to": _text(end),
        "last_changed_status_date": {
            "from": _text(max(begin_of_changes, end - _LONGEST)),
            "to": _text(end),
        },
    }
    following = msgspec.json.encode(_Cursor(begin)).decode()
    for reply in _pages(http, paths.POSTINGS, changed):
        yield Page(_new(reply, seen), cursor=None if reply["has_next"] else following, where=reply.what)


def look_up_postings(http: Http, clock: Clock, numbers: Sequence[str]) -> Iterator[Native]:
    """Yield these postings in the listing's shape; each is found through the order that it belongs to."""
    wanted = set(numbers)
    end = clock.now() + OVERLAP
    condition = {
        "order_numbers": list(dict.fromkeys(number.rpartition("-")[0] for number in numbers)),
        "since": _text(end - _LONGEST),
        "to": _text(end),
    }
    for reply in _pages(http, paths.POSTINGS, condition):
        for raw in reply.slices("postings"):
            if _NUMBER.decode(raw).posting_number in wanted:
                yield from decode_json(raw)


def posting(http: Http, number: str) -> Native:
    """Return one posting as it is now (``PostingAPI_GetFbsPostingV3``: its prices are spelt differently)."""
    found: Native = http.post(paths.POSTING, json={"posting_number": number}, safe=True)["result"]
    return found


def _pages(http: Http, path: str, condition: dict[str, Any]) -> Iterator[Reply]:
    where = ""
    while True:
        body = {
            "cursor": where,
            "filter": condition,
            "limit": POSTING_LIMIT,
            "sort_dir": "ASC",
            "with": _WITH,
        }
        reply = http.post(path, json=body, safe=True)
        yield reply
        if not reply["has_next"]:
            return
        if reply["cursor"] in {"", where}:
            raise IncompleteSource(f"{reply.what}: the list has more to give but no cursor to ask by.")
        where = reply["cursor"]


def _new(reply: Reply, seen: set[str]) -> list[bytes]:
    fresh = []
    for raw in reply.slices("postings"):
        number = _NUMBER.decode(raw).posting_number
        if number not in seen:
            seen.add(number)
            fresh.append(raw)
    return fresh


def _since(cursor: str | None) -> datetime | None:
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(cursor, type=_Cursor).changed
    except msgspec.DecodeError as error:
        raise StateError(
            f"The checkpoint of the postings cannot be read ({error}). Remove it; the next pass begins anew."
        ) from error


def _told(reply: Reply) -> datetime | None:
    try:
        moment = parsedate_to_datetime(reply.headers.get("Date", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
