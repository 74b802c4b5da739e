"""All that happens after a buyer has ordered: orders, statuses, labels, returns, money, notifications."""

from __future__ import annotations

from connectors.yandex_market.finance import Finance
from connectors.yandex_market.labels import Labels
from connectors.yandex_market.notifications import Notifications
from connectors.yandex_market.orders import Orders
from connectors.yandex_market.returns import Returns
from connectors.yandex_market.statuses import Statuses


class OrderSide(Orders, Statuses, Labels, Returns, Finance, Notifications):
    """The orders' part of a cabinet."""
