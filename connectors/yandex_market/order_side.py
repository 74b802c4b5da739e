"""All that happens after a buyer has ordered: orders, statuses, labels, returns, money, notifications."""

from __future__ import annotations

from connectors.yandex_market.history import Past
from connectors.yandex_market.labels import Labels
from connectors.yandex_market.notifications import Notifications
from connectors.yandex_market.returns import Returns
from connectors.yandex_market.statuses import Statuses


class OrderSide(Past, Statuses, Labels, Returns, Notifications):
    """The orders' part of a cabinet."""
