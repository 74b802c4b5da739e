"""Every method of the Partner API that Obmen uses, in one place, with what Market says about each.

Market retires methods every few months, some by a line in a description only. So each says when the vendor's
published specification last held it and, once announced, when it ends; a test compares this list with the
specification and with the vendor's table of limits, and ``ending`` lets ``check`` warn before a method goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from obmen.http import Rate

_JULY = date(2026, 7, 17)
_MINUTE, _HOUR = 60.0, 3600.0

Scope = Literal[
    "", "OFFERS_AND_CARDS_MANAGEMENT", "PRICING", "INVENTORY_AND_ORDER_PROCESSING", "FINANCE_AND_ACCOUNTING"
]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method: how it is called, how often, and by which right of a key.

    ``path`` holds ids in braces, by the specification's names. ``rate`` is Market's own limit; where ``goods``
    is true it counts goods, not calls. ``scope`` is the right that a key needs, "" where any will do; a key
    with ALL_METHODS may call everything. ``reads``: a key with the read-only kind of the right is enough.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    rate: Rate
    goods: bool = False
    scope: Scope = ""
    reads: bool = False
    confirmed: date = _JULY
    ends: date | None = None

    @property
    def group(self) -> str:
        """The budget's name: Market counts each method by itself."""
        return f"{self.method} {self.path}"

    def at(self, **ids: object) -> str:
        """Return the path with its ids filled in; those that it does not hold are passed over."""
        return self.path.format(**ids)


def per_minute(calls: int) -> Rate:
    """So many in any minute."""
    return Rate(calls, _MINUTE)


def per_hour(calls: int) -> Rate:
    """So many in any hour."""
    return Rate(calls, _HOUR)


_BUSINESS = "/v2/businesses/{businessId}"
_SHOP = "/v2/campaigns/{campaignId}"
_CARDS: Scope = "OFFERS_AND_CARDS_MANAGEMENT"
_PRICES: Scope = "PRICING"

# -- the cabinet --------------------------------------------------------------------------------------------

TOKEN = Operation("POST", "/v2/auth/token", per_hour(100), reads=True)
CAMPAIGNS = Operation("GET", "/v2/campaigns", per_hour(5_000), reads=True)
SETTINGS = Operation("POST", f"{_BUSINESS}/settings", per_hour(1_000), reads=True)
WAREHOUSES = Operation("POST", f"{_BUSINESS}/warehouses", per_hour(1_000), reads=True)

# -- cards --------------------------------------------------------------------------------------------------

CATEGORIES = Operation("POST", "/v2/categories/tree", per_minute(1_000), reads=True)
PARAMETERS = Operation("POST", "/v2/category/{categoryId}/parameters", per_minute(100), reads=True)
OFFERS = Operation("POST", f"{_BUSINESS}/offer-mappings", per_minute(600), scope=_CARDS, reads=True)
OFFERS_SET = Operation("POST", f"{_BUSINESS}/offer-mappings/update", per_minute(10_000), goods=True, scope=_CARDS)
CARDS = Operation("POST", f"{_BUSINESS}/offer-cards", per_minute(600), scope=_CARDS, reads=True)
ARCHIVE = Operation("POST", f"{_BUSINESS}/offer-mappings/archive", per_minute(10_000), goods=True, scope=_CARDS)
UNARCHIVE = Operation("POST", f"{_BUSINESS}/offer-mappings/unarchive", per_minute(10_000), goods=True, scope=_CARDS)
SHOP_OFFERS_SET = Operation("POST", f"{_SHOP}/offers/update", per_minute(10_000), goods=True, scope=_CARDS)

# -- prices -------------------------------------------------------------------------------------------------

PRICES = Operation("POST", f"{_BUSINESS}/offer-prices", per_minute(10_000), goods=True, scope=_PRICES, reads=True)
PRICES_SET = Operation("POST", f"{_BUSINESS}/offer-prices/updates", per_minute(10_000), goods=True, scope=_PRICES)
SHOP_PRICES = Operation("POST", f"{_SHOP}/offer-prices", per_minute(150_000), goods=True, scope=_PRICES, reads=True)
SHOP_PRICES_SET = Operation("POST", f"{_SHOP}/offer-prices/updates", per_minute(10_000), goods=True, scope=_PRICES)
QUARANTINE = Operation("POST", f"{_BUSINESS}/price-quarantine", per_minute(10_000), scope=_PRICES, reads=True)
QUARANTINE_CONFIRM = Operation(
    "POST", f"{_BUSINESS}/price-quarantine/confirm", per_minute(10_000), goods=True, scope=_PRICES
)
SHOP_QUARANTINE = Operation("POST", f"{_SHOP}/price-quarantine", per_minute(10_000), scope=_PRICES, reads=True)
SHOP_QUARANTINE_CONFIRM = Operation(
    "POST", f"{_SHOP}/price-quarantine/confirm", per_minute(10_000), goods=True, scope=_PRICES
)

# -- promotions ---------------------------------------------------------------------------------------------

PROMOTIONS = Operation("POST", f"{_BUSINESS}/promos", per_hour(1_000), scope=_PRICES, reads=True)
PROMOTION_OFFERS = Operation("POST", f"{_BUSINESS}/promos/offers", per_hour(5_000), scope=_PRICES, reads=True)
PROMOTION_LEAVE = Operation("POST", f"{_BUSINESS}/promos/offers/delete", per_hour(5_000), scope=_PRICES)
"""Both are slower than the table of limits has it: their pages of 2026, and the specification, say half of that."""

# -- stock --------------------------------------------------------------------------------------------------

STOCKS = Operation("POST", f"{_SHOP}/offers/stocks", per_minute(100_000), goods=True, scope=_CARDS, reads=True)
STOCKS_SET = Operation("PUT", f"{_SHOP}/offers/stocks", per_minute(100_000), goods=True, scope=_CARDS)

# -- orders, returns and money ------------------------------------------------------------------------------

_ORDERS: Scope = "INVENTORY_AND_ORDER_PROCESSING"
_MONEY: Scope = "FINANCE_AND_ACCOUNTING"
_ORDER = f"{_SHOP}/orders/{{orderId}}"

ORDERS = Operation("POST", "/v1/businesses/{businessId}/orders", per_hour(10_000), scope=_ORDERS, reads=True)
BUYER = Operation("GET", f"{_ORDER}/buyer", per_hour(3_000), scope=_ORDERS, reads=True)
BOXES_SET = Operation("PUT", f"{_ORDER}/boxes", per_hour(100_000), scope=_ORDERS)
MARKS = Operation("POST", f"{_ORDER}/identifiers/status", per_hour(100_000), scope=_ORDERS, reads=True)
STATUSES_SET = Operation("POST", f"{_SHOP}/orders/status-update", per_hour(100_000), goods=True, scope=_ORDERS)
CANCELLATION = Operation("PUT", f"{_ORDER}/cancellation/accept", per_hour(500), scope=_ORDERS)
OWN_NUMBER = Operation("POST", f"{_ORDER}/external-id", per_hour(1_000), scope=_ORDERS)
SHIPMENT = Operation("GET", f"{_SHOP}/first-mile/shipments/{{shipmentId}}", per_hour(200), scope=_ORDERS, reads=True)
SHIPMENT_CONFIRM = Operation(
    "POST", f"{_SHOP}/first-mile/shipments/{{shipmentId}}/confirm", per_hour(200), scope=_ORDERS
)
LABELS = Operation("GET", f"{_ORDER}/delivery/labels", per_hour(100_000), scope=_ORDERS, reads=True)
LABELS_REPORT = Operation("POST", "/v2/reports/documents/labels/generate", per_hour(1_000), scope=_ORDERS, reads=True)
REPORT = Operation("GET", "/v2/reports/info/{reportId}", per_minute(100), reads=True)
RETURNS = Operation("GET", f"{_SHOP}/returns", per_hour(10_000), scope=_ORDERS, reads=True)
PAYMENTS_REPORT = Operation(
    "POST", "/v2/reports/united-netting/generate", Rate(1, 2 * _MINUTE), scope=_MONEY, reads=True
)
"""Slower than the table of limits has it: the method's page of 2026 says one call in two minutes."""
ORDERS_STATS = Operation("POST", f"{_SHOP}/stats/orders", per_hour(1_000_000), goods=True, scope=_MONEY, reads=True)


ALL: tuple[Operation, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Operation))


def ending(today: date, within_days: int) -> list[Operation]:
    """Return the methods that end within so many days, or have ended."""
    return [one for one in ALL if one.ends is not None and (one.ends - today).days <= within_days]
