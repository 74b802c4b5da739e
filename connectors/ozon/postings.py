"""FBS postings, the orders as a seller sees them: the listing that orders and their statuses are read from.

The listing filters by the time of the last change of status, but a posting does not tell that time, and it
is told by the peer's clock, not by ours. So a pass begins where the last one began, by the earlier of the
two clocks, less an overlap; and beside the changes it reads all postings that wait for the seller, so that
even a change that the filter missed is seen while it matters.

Only the parts of a split posting tell of the split, so the cursor remembers who belongs to whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from connectors.ozon import families, paths
from connectors.ozon.instants import reading_from, text_of, told_at
from obmen.clock import Clock
from obmen.errors import IncompleteSource
from obmen.http import Http, Reply
from obmen.records import Native, Page, decode_json

POSTING_LIMIT = 100
OVERLAP = timedelta(hours=1)
_LONGEST = timedelta(days=364)
_WITH = {"analytics_data": True, "barcodes": False, "financial_data": False, "legal_info": False}
_MOST_SPLITS = 2000
_FAMILY = b'{"parts":['

Told = tuple[list[bytes], str]


class _Cursor(msgspec.Struct, omit_defaults=True):
    """``splits``: part → parent; ``owed``: parted postings to be told whole by the next pass."""

    changed: Annotated[datetime, msgspec.Meta(tz=True)]
    splits: dict[str, str] = {}
    owed: list[str] = []


class _Numbered(msgspec.Struct):
    posting_number: str
    parent_posting_number: str | None = None
    status: str = ""


_NUMBER = msgspec.json.Decoder(_Numbered)


def read_postings(http: Http, clock: Clock, cursor: str | None, lookback: timedelta) -> Iterator[Page]:
    """Yield the postings that wait for the seller, then those whose status changed since the cursor.

    Without a cursor: changed within ``lookback``. A posting comes once in a pass, and a split one as a whole.
    Shape: ``postings`` of ``PostingFbsList``. The last page carries the cursor of the next pass.
    """
    before = reading_from(cursor, _Cursor, "the postings")
    ours = theirs = clock.now()
    one_pass = _Pass(before)
    waiting: list[Told] = []
    for reply in _pages(http, paths.UNFULFILLED, _unfulfilled(ours)):
        theirs = told_at(reply) or theirs
        waiting.append((one_pass.learn(reply), reply.what))
    for slices, what in waiting:
        yield Page(one_pass.new(slices), where=what)
    begin, end = min(ours, theirs), max(ours, theirs) + OVERLAP
    ending: list[Page] = []
    for reply in _pages(http, paths.POSTINGS, _changed(before, begin, end, lookback)):
        yield from ending
        ending = [Page(one_pass.new(one_pass.learn(reply)), where=reply.what)]
    for some in _in_hundreds(one_pass.parted()):
        whole = _whole(http, clock, some, one_pass.parents)
        ending.append(Page(whole, decode=decode_posting, where="split postings"))
    yield from ending[:-1]
    yield replace(ending[-1], cursor=msgspec.json.encode(one_pass.cursor(begin)).decode())


def postings_of(http: Http, clock: Clock, since: datetime, until: datetime) -> Iterator[Page]:
    """Yield the postings that Ozon took up in a period (``since`` and ``to`` of ``PostingFbsList``).

    A split posting comes as a whole after the others, also where a part of it came before the split was known.
    """
    one_pass = _Pass(None)
    for reply in _pages(http, paths.POSTINGS, {"since": text_of(since), "to": text_of(until)}):
        yield Page(one_pass.new(one_pass.learn(reply)), where=reply.what)
    for some in _in_hundreds(one_pass.split()):
        whole = _whole(http, clock, some, one_pass.parents)
        yield Page(whole, decode=decode_posting, where="split postings")


def look_up_postings(http: Http, clock: Clock, numbers: Sequence[str]) -> Iterator[Native]:
    """Yield these postings in the listing's shape, a split one as a whole; a part's number means the whole."""
    for root, parts in find_families(http, clock, numbers).items():
        yield parts[0] if len(parts) == 1 else families.as_one(root, parts)


def find_families(http: Http, clock: Clock, numbers: Sequence[str]) -> dict[str, list[Native]]:
    """Return the first posting's number → all parts of each family to which one of these numbers belongs."""
    found: dict[str, list[Native]] = {}
    wanted = set(numbers)
    for some in _in_hundreds(numbers):
        postings = (native for raw in _of_orders(http, clock, some) for native in decode_json(raw))
        for root, parts in families.by_root(postings, {}).items():
            if families.is_being_split(parts):
                continue
            if root in wanted or any(part["posting_number"] in wanted for part in parts):
                found[root] = parts
    return found


def roots(http: Http, clock: Clock, numbers: Iterable[str]) -> dict[str, str]:
    """Return posting number → the number under which its order is known, for those that Ozon still tells."""
    found = find_families(http, clock, sorted(set(numbers)))
    return {part["posting_number"]: root for root, parts in found.items() for part in parts}


def posting(http: Http, number: str) -> Native:
    """Return one posting as it is now (``PostingAPI_GetFbsPostingV3``: its prices are spelt differently)."""
    found: Native = http.post(paths.POSTING, json={"posting_number": number}, safe=True)["result"]
    return found


def decode_posting(raw: bytes) -> Iterator[Native]:
    """Decode a posting, or the parts of a split one as one."""
    for native in decode_json(raw):
        parts = native.get("parts")
        if parts is None:
            yield native
        else:
            for root, family in families.by_root(parts, {}).items():
                yield families.as_one(root, family)


class _Pass:
    """What one pass knows: which posting is a part of which, and what was told already."""

    def __init__(self, before: _Cursor | None) -> None:
        self.parents = dict(before.splits) if before else {}
        self._parted: dict[str, None] = dict.fromkeys(before.owed) if before else {}
        self._told: set[str] = set()

    def learn(self, reply: Reply) -> list[bytes]:
        """Note who is a part of whom; return the slices."""
        slices = reply.slices("postings")
        for raw in slices:
            one = _NUMBER.decode(raw)
            if one.parent_posting_number:
                self.parents.pop(one.posting_number, None)
                self.parents[one.posting_number] = one.parent_posting_number
        return slices

    def new(self, slices: Sequence[bytes]) -> list[bytes]:
        """Return the slices that are whole postings and were not told yet; the parts are noted."""
        split = {*self.parents, *self.parents.values()}
        fresh = []
        for raw in slices:
            one = _NUMBER.decode(raw)
            number = one.posting_number
            if number in split or one.status == families.SPLIT:
                self._parted[families.root_of(number, self.parents)] = None
            elif number not in self._told:
                self._told.add(number)
                fresh.append(raw)
        return fresh

    def parted(self) -> list[str]:
        """Return the first numbers of the split postings to be told in this pass."""
        return [root for root in self._parted if root not in self._told]

    def split(self) -> list[str]:
        """Return the first numbers of all split postings that were met."""
        return list(self._parted)

    def cursor(self, begin: datetime) -> _Cursor:
        """Return where the next pass begins. What was told before its parts were met is told whole then."""
        splits = dict(list(self.parents.items())[-_MOST_SPLITS:])
        return _Cursor(begin, splits, [root for root in self._parted if root in self._told])


def _whole(http: Http, clock: Clock, numbers: Sequence[str], parents: dict[str, str]) -> list[bytes]:
    """Return split postings, each with all its parts in one slice."""
    raws = {_NUMBER.decode(raw).posting_number: raw for raw in _of_orders(http, clock, numbers)}
    known = (msgspec.structs.asdict(_NUMBER.decode(raw)) for raw in raws.values())
    groups = families.by_root(known, parents)
    wanted = set(numbers)
    return [
        _FAMILY + b",".join(raws[part["posting_number"]] for part in parts) + b"]}"
        for root, parts in groups.items()
        if root in wanted and not families.is_being_split(parts)
    ]


def _of_orders(http: Http, clock: Clock, numbers: Sequence[str]) -> Iterator[bytes]:
    """Yield every posting of the orders that these numbers belong to; a hundred numbers at most."""
    orders = dict.fromkeys(number.rpartition("-")[0] for number in numbers)
    orders.pop("", None)
    if not orders:
        return
    end = clock.now() + OVERLAP
    condition = {
        "order_numbers": list(orders),
        "since": text_of(end - _LONGEST),
        "to": text_of(end),
    }
    for reply in _pages(http, paths.POSTINGS, condition):
        yield from reply.slices("postings")


def _in_hundreds(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(numbers), POSTING_LIMIT):
        yield numbers[start : start + POSTING_LIMIT]


def _unfulfilled(now: datetime) -> dict[str, Any]:
    return {"cutoff_from": text_of(now - _LONGEST / 2), "cutoff_to": text_of(now + _LONGEST / 2)}


def _changed(before: _Cursor | None, begin: datetime, end: datetime, lookback: timedelta) -> dict[str, Any]:
    earliest = end - _LONGEST
    last = begin - lookback + OVERLAP if before is None else min(before.changed, begin)
    since = max(last, earliest + OVERLAP) - OVERLAP
    return {
        "since": text_of(earliest),
        "to": text_of(end),
        "last_changed_status_date": {"from": text_of(since), "to": text_of(end)},
    }


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
