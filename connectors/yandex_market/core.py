"""What every part of the connector stands on: calls with ids filled in, and lists read page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.yandex_market.options import MarketOptions
from connectors.yandex_market.paths import Operation
from obmen.connector import Connector
from obmen.errors import IncompleteSource
from obmen.http import Reply


class Market(Connector):
    """A cabinet of Yandex Market and how it is called."""

    options: MarketOptions
    _heard: tuple[datetime, float] | None = None
    """What Market's clock said in its last answer, and when that was by the clock here that nobody can set."""

    def call(
        self,
        operation: Operation,
        *,
        safe: bool,
        campaign: int | None = None,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        weight: int = 1,
        ids: Mapping[str, object] | None = None,
        **more: Any,
    ) -> Reply:
        """Call a method and return its answer.

        ``campaign``: the shop whose method it is. ``weight``: how many goods the call carries, where the
        method's limit counts goods. ``ids``: further ids in the path, such as ``orderId``. ``safe`` and
        ``more`` are those of ``Http.request``, and so are the errors.
        """
        path = operation.at(businessId=self.options.business_id, campaignId=campaign, **(ids or {}))
        reply = self.http.request(
            operation.method,
            path,
            json=json,
            params=params,
            group=operation.group,
            safe=safe,
            weight=weight if operation.goods else 1,
            **more,
        )
        self._hear(reply)
        return reply

    def pages(
        self,
        operation: Operation,
        *,
        limit: int,
        campaign: int | None = None,
        json: Any = None,
        paging: str = "result.paging",
        params: Mapping[str, str] | None = None,
    ) -> Iterator[Reply]:
        """Read a list to its end, ``limit`` records a page, by the token that each page gives for the next.

        Raises IncompleteSource when a page gives the token by which it was asked for.
        """
        token = ""
        while True:
            asked = {**(params or {}), "limit": str(limit), **({"pageToken": token} if token else {})}
            reply = self.call(operation, safe=True, campaign=campaign, json=json, params=asked, weight=limit)
            following = reply.get(f"{paging}.nextPageToken") or ""
            if following and following == token:
                raise IncompleteSource(f"{reply.what}: the list goes round: its next page is the same page.")
            yield reply
            if not following:
                return
            token = following

    @property
    def ahead(self) -> timedelta | None:
        """How far Market's clock is ahead of ours, by the date of its last answer; None before any answer."""
        moment = self.moment()
        return None if moment is None else moment - self.clock.now()

    def moment(self) -> datetime | None:
        """Return the time by Market's own clock, None where it is not known yet.

        Market refuses a whole batch for one time that lies in its future, and ignores what is older than what
        it has; so a time that it judges by is told by its clock, not by ours, which may be wrong, or be set
        between two calls.
        """
        if self._heard is None:
            return None
        told, at = self._heard
        return told + timedelta(seconds=self.clock.monotonic() - at)

    def _hear(self, reply: Reply) -> None:
        told = reply.headers.get("Date")
        if told:
            self._heard = parsedate_to_datetime(told), self.clock.monotonic()
