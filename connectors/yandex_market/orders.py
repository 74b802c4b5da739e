"""Orders as a seller sees them: the listing that orders and their statuses are read from.

Market filters by the time of an order's last change, by its own clock, and takes an order that is older than
thirty days for nothing that anybody asked for, unless the days on which it was placed are named. So a pass asks
for the changes since the last one, less an overlap, month by month of placing as far back as orders are watched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from connectors.yandex_market.order_shape import shaped
from obmen.errors import Refused, StateError
from obmen.http import Reply
from obmen.records import Native, Page, decode_json

Kind = TypeVar("Kind")

ORDER_LIMIT = 50
OVERLAP = timedelta(hours=1)
_MOST_SHOPS = 50
_MOST_KEPT, _FRESH = 40, 60.0
_MONTH = timedelta(days=30)
_DAY = timedelta(days=1)
_MOSCOW = timedelta(hours=3)


class Cursor(msgspec.Struct):
    """``changed``: up to which moment of Market's clock changes are known."""

    changed: datetime


class _Known(msgspec.Struct, rename="camel"):
    order_id: int
    fake: bool = False


_KNOWN = msgspec.json.Decoder(_Known)


@dataclass(frozen=True, slots=True)
class _Pass:
    """A whole pass of the listing, for the other entity that is made from it; ``at``: by the monotonic clock."""

    entity: str
    cursor: str | None
    at: float
    pages: Sequence[Page]

    def serves(self, entity: str, cursor: str | None, now: float) -> bool:
        """Whether the other entity, from the same cursor, may take it for its own."""
        return entity != self.entity and cursor == self.cursor and now - self.at < _FRESH


class Listing(Market):
    """The listing of orders, of all shops of the connection."""

    _kept: _Pass | None = None

    def read_orders(self, entity: str, cursor: str | None) -> Iterator[Page]:
        """Yield the orders that changed since the cursor, or that were placed within ``lookback_days``.

        Each comes once in a pass, as ``order_shape.shaped`` gives it. The last page carries the next cursor. What was
        just read for the orders is not asked for again for their statuses.
        """
        kept, self._kept = self._kept, None
        now = self.clock.monotonic()
        if kept is not None and kept.serves(entity, cursor, now):
            yield from kept.pages
            return
        pages: list[Page] = []
        for page in self._read(cursor):
            pages.append(page)
            yield page
        if len(pages) <= _MOST_KEPT:
            self._kept = _Pass(entity, cursor, now, pages)

    def _read(self, cursor: str | None) -> Iterator[Page]:
        since = cursor_of(cursor, Cursor).changed if cursor is not None else None
        ours = self.clock.now()
        end = max(ours, since or ours)
        back = timedelta(days=self.options.orders.track_days if since else self.options.lookback_days)
        changed = _changed(since, end)
        theirs: datetime | None = None
        seen: set[int] = set()
        for condition in self._conditions(months(end, back), changed):
            for reply in self._asked(condition):
                theirs = theirs or told(reply)
                yield Page(self._new(reply, seen), decode=self.as_orders, salt=self._salt(), where=reply.what)
        if theirs is not None and (days := (theirs + _MOSCOW).date() - (end + _MOSCOW).date()) > timedelta():
            for condition in self._conditions(months(theirs, days), changed):
                for reply in self._asked(condition):
                    yield Page(self._new(reply, seen), decode=self.as_orders, salt=self._salt(), where=reply.what)
        following = Cursor(min(ours, theirs or ours) - OVERLAP)
        yield Page((), cursor=msgspec.json.encode(following).decode())

    def read_orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield the orders placed in a period; Market knows days only, those of Moscow, so whole days come."""
        seen: set[int] = set()
        last = (until + _MOSCOW - timedelta.resolution).date()
        period = {"creationDateFrom": _day((since + _MOSCOW).date()), "creationDateTo": _day(last + _DAY)}
        for condition in self._conditions([period], {}):
            for reply in self._asked(condition):
                yield Page(self._new(reply, seen), decode=self.as_orders, salt=self._salt(), where=reply.what)

    def orders_by_id(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield these orders; those that Market does not have, or not for this connection, are left out.

        Ids that are not found at first are asked for once more by the months in which they may have been placed.
        """
        missing = {int(id_) for id_ in ids if id_.isdecimal()}
        shops = self.options.order_campaigns
        end = self.clock.now()
        for period in ({}, *months(end, timedelta(days=self.options.orders.track_days))):
            if not missing:
                return
            wanted = {"orderIds": sorted(missing), "dates": period} if period else {"orderIds": sorted(missing)}
            for fake in self._fakes():
                for reply in self._asked({**wanted, "fake": fake}):
                    for native in (native for raw in reply.slices("orders") for native in self.as_orders(raw)):
                        if native["orderId"] in missing:
                            missing.discard(native["orderId"])
                            if not shops or native["campaignId"] in shops:
                                yield native

    def as_orders(self, raw: bytes) -> Iterator[Native]:
        """Turn an order as Market sends it into the one that the mapping reads. Raises Refused where it cannot be."""
        for native in decode_json(raw):
            try:
                made, shop = shaped(native), native["campaignId"]
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                message = f"Order {native.get('orderId')} is not as Market describes orders ({error!r})."
                raise Refused(message, code="bad_order") from error
            yield {**made, "stockCampaignId": self.options.orders.same_stock.get(shop, shop)}

    def _salt(self) -> bytes:
        return repr(sorted(self.options.orders.same_stock.items())).encode()

    def _conditions(self, periods: Sequence[Mapping[str, str]], changed: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        shops = list(self.options.order_campaigns)
        for fake in self._fakes():
            for begin in range(0, max(len(shops), 1), _MOST_SHOPS):
                some = shops[begin : begin + _MOST_SHOPS]
                for period in periods:
                    condition: dict[str, Any] = {
                        "programTypes": list(self.options.orders.programs),
                        "dates": {**period, **changed},
                        "fake": fake,
                    }
                    yield {**condition, "campaignIds": some} if some else condition

    def _fakes(self) -> tuple[bool, ...]:
        return (False, True) if self.options.orders.test_orders else (False,)

    def _asked(self, condition: Mapping[str, Any]) -> Iterator[Reply]:
        return self.pages(paths.ORDERS, limit=ORDER_LIMIT, json=condition, paging="paging")

    def _new(self, reply: Reply, seen: set[int]) -> list[bytes]:
        fresh = []
        for raw in reply.slices("orders"):
            known = _KNOWN.decode(raw)
            if known.order_id not in seen and (not known.fake or self.options.orders.test_orders):
                seen.add(known.order_id)
                fresh.append(raw)
        return fresh


def cursor_of(cursor: str, kind: type[Kind]) -> Kind:
    """Read a checkpoint. Raises StateError where it is damaged."""
    try:
        return msgspec.json.decode(cursor, type=kind)
    except msgspec.DecodeError as error:
        message = f"The checkpoint of Market cannot be read ({error}). Remove it; the next pass begins anew."
        raise StateError(message) from error


def told(reply: Reply) -> datetime | None:
    """Return the moment at which Market says that it answered."""
    try:
        moment = parsedate_to_datetime(reply.headers.get("Date", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def months(end: datetime, back: timedelta) -> list[dict[str, str]]:
    """Return the days of placing from that of ``end`` back, in periods that Market allows, the latest first.

    Days are those of Moscow; the last day of a period is not part of it.
    """
    periods = []
    last = (end + _MOSCOW + _DAY).date()
    first = last - back
    while last > first:
        begin = max(last - _MONTH, first)
        periods.append({"creationDateFrom": _day(begin), "creationDateTo": _day(last)})
        last = begin
    return periods


def _changed(since: datetime | None, now: datetime) -> dict[str, str]:
    """A period of changes may be no longer than a month either; after that everything is asked for."""
    if since is None or now - since >= _MONTH - _DAY:
        return {}
    return {"updateDateFrom": since.astimezone(UTC).isoformat(timespec="seconds")}


def _day(day: date) -> str:
    return day.isoformat()
