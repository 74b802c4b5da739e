"""The past: orders, their statuses and their money by the days on which the orders were placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.yandex_market import paths
from connectors.yandex_market.buyers import Orders
from connectors.yandex_market.finance import STATS_LIMIT, Finance
from obmen.connector import history
from obmen.records import Page

_WEEK = timedelta(days=7)
_MOSCOW = timedelta(hours=3)


class Past(Orders, Finance):
    """What Market tells of a period: each order as it is now. It knows days only, those of Moscow."""

    @history("order", step=_WEEK)
    def orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the orders placed in a period (``getBusinessOrders`` by ``creationDate…``)."""
        for page in self.read_orders_of(since, until):
            yield replace(page, expand=self.orders_with_buyers)

    @history("order_status", step=_WEEK)
    def statuses_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the orders placed in a period, each in the status that it has now."""
        return self.read_orders_of(since, until)

    @history("accrual", step=_WEEK)
    def accruals_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the money of the orders placed in a period (``getOrdersStats``); payouts belong to no order."""
        first, last = since + _MOSCOW, until + _MOSCOW - timedelta.resolution
        body = {"dateFrom": first.date().isoformat(), "dateTo": last.date().isoformat()}
        for campaign in self.options.order_campaigns:
            for reply in self.pages(paths.ORDERS_STATS, limit=STATS_LIMIT, campaign=campaign, json=body):
                yield Page(reply.slices("result.orders"), decode=self._operations, where=reply.what)
