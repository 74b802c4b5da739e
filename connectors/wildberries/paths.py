"""Every method of Wildberries' API that Obmen uses, in one place: address, budget, age.

Wildberries serves each category of methods on a host of its own, retires methods with a few weeks' notice and
renames its documents at night. So each path says when the vendor's published specification last held it and,
once announced, when it ends; a test compares this list with the specification, and ``ending`` lets ``check``
warn before a path goes.
"""

from __future__ import annotations

from datetime import date

HOSTS = {
    "content": "content-api.wildberries.ru",
    "prices": "discounts-prices-api.wildberries.ru",
    "calendar": "dp-calendar-api.wildberries.ru",
    "marketplace": "marketplace-api.wildberries.ru",
    "statistics": "statistics-api.wildberries.ru",
    "analytics": "seller-analytics-api.wildberries.ru",
    "finance": "finance-api.wildberries.ru",
    "returns": "returns-api.wildberries.ru",
    "common": "common-api.wildberries.ru",
}
"""Category of methods → the host that serves it; a token's category of prices opens the calendar too."""


class Path(str):
    """A path's template, such as ``/api/v3/stocks/{warehouseId}``, with what a call of it needs.

    ``category`` chooses the host, ``group`` the budget (see limits.py). ``confirmed`` is the date of the
    specification that last held it, ``ends`` its announced end.
    """

    __slots__ = ("category", "confirmed", "ends", "group", "method")
    method: str
    category: str
    group: str
    confirmed: date
    ends: date | None

    def __new__(
        cls, method: str, path: str, category: str, group: str, confirmed: date, ends: date | None = None
    ) -> Path:
        """Make a path that is used like a plain string."""
        made = super().__new__(cls, path)
        made.method, made.category, made.group = method, category, group
        made.confirmed, made.ends = confirmed, ends
        return made

    def at(self, url: str = "", **parts: object) -> str:
        """Return the full address; ``url`` replaces every host, ``parts`` fill the template."""
        return (url or f"https://{HOSTS[self.category]}") + self.format(**parts)


_JULY = date(2026, 7, 23)

# -- the connection itself

PINGS = {
    category: Path("GET", "/ping", category, f"ping {category}", _JULY) for category in HOSTS if category != "calendar"
}
"""The same path on every host but the calendar's: whether the token opens that category."""

# -- cards

CARDS = Path("POST", "/content/v2/get/cards/list", "content", "content", _JULY)
TRASH = Path("POST", "/content/v2/get/cards/trash", "content", "content", _JULY)
CARDS_CREATE = Path("POST", "/content/v2/cards/upload", "content", "cards create", _JULY)
CARDS_UPDATE = Path("POST", "/content/v2/cards/update", "content", "cards update", _JULY)
CARD_ERRORS = Path("POST", "/content/v2/cards/error/list", "content", "card errors", _JULY)
CARDS_TRASH = Path("POST", "/content/v2/cards/delete/trash", "content", "content", _JULY)
CARDS_RECOVER = Path("POST", "/content/v2/cards/recover", "content", "cards recover", _JULY)
MEDIA = Path("POST", "/content/v3/media/save", "content", "content", _JULY)

# -- categories

SUBJECTS = Path("GET", "/content/v2/object/all", "content", "content", _JULY)
CHARACTERISTICS = Path("GET", "/content/v2/object/charcs/{subjectId}", "content", "content", _JULY)
COLORS = Path("GET", "/content/v2/directory/colors", "content", "content", _JULY)
KINDS = Path("GET", "/content/v2/directory/kinds", "content", "content", _JULY)
COUNTRIES = Path("GET", "/content/v2/directory/countries", "content", "content", _JULY)
SEASONS = Path("GET", "/content/v2/directory/seasons", "content", "content", _JULY)
VAT = Path("GET", "/content/v2/directory/vat", "content", "content", _JULY)

# -- prices

PRICES = Path("GET", "/api/v2/list/goods/filter", "prices", "prices", _JULY)
PRICES_OF = Path("POST", "/api/v2/list/goods/filter", "prices", "prices", _JULY)
PRICES_SET = Path("POST", "/api/v2/upload/task", "prices", "prices", _JULY)
PRICES_STATE = Path("GET", "/api/v2/history/tasks", "prices", "prices", _JULY)
PRICES_ROWS = Path("GET", "/api/v2/history/goods/task", "prices", "prices", _JULY)
PROMOTIONS = Path("GET", "/api/v1/calendar/promotions", "calendar", "calendar", _JULY)
PROMOTION_GOODS = Path("GET", "/api/v1/calendar/promotions/nomenclatures", "calendar", "calendar", _JULY)

# -- stock

STOCKS_SET = Path("PUT", "/api/v3/stocks/{warehouseId}", "marketplace", "stocks", _JULY)
STOCKS = Path("POST", "/api/v3/stocks/{warehouseId}", "marketplace", "stocks", _JULY)
WAREHOUSES = Path("GET", "/api/v3/warehouses", "marketplace", "warehouses", _JULY)

# -- orders, supplies, labels

ORDERS_NEW = Path("GET", "/api/v3/orders/new", "marketplace", "orders", _JULY)
ORDERS = Path("GET", "/api/v3/orders", "marketplace", "orders", _JULY)
ORDER_STATES = Path("POST", "/api/v3/orders/status", "marketplace", "orders", _JULY)
ORDER_CANCEL = Path("PATCH", "/api/v3/orders/{orderId}/cancel", "marketplace", "order cancel", _JULY)
ORDER_MARKS = Path("POST", "/api/marketplace/v3/orders/meta", "marketplace", "orders", _JULY)
MARK_SGTIN = Path("PUT", "/api/v3/orders/{orderId}/meta/sgtin", "marketplace", "marks", _JULY)
MARK_UIN = Path("PUT", "/api/v3/orders/{orderId}/meta/uin", "marketplace", "marks", _JULY)
MARK_IMEI = Path("PUT", "/api/v3/orders/{orderId}/meta/imei", "marketplace", "marks", _JULY)
MARK_GTIN = Path("PUT", "/api/v3/orders/{orderId}/meta/gtin", "marketplace", "marks", _JULY)
MARK_EXPIRATION = Path("PUT", "/api/v3/orders/{orderId}/meta/expiration", "marketplace", "marks", _JULY)
MARK_CUSTOMS = Path(
    "PUT", "/api/marketplace/v3/orders/{orderId}/meta/customs-declaration", "marketplace", "marks", _JULY
)
LABELS = Path("POST", "/api/v3/orders/stickers", "marketplace", "orders", _JULY)
LABELS_ABROAD = Path("POST", "/api/v3/orders/stickers/cross-border", "marketplace", "orders", _JULY)

SUPPLIES = Path("GET", "/api/v3/supplies", "marketplace", "orders", _JULY)
SUPPLY_MAKE = Path("POST", "/api/v3/supplies", "marketplace", "orders", _JULY)
SUPPLY = Path("GET", "/api/v3/supplies/{supplyId}", "marketplace", "orders", _JULY)
SUPPLY_ORDERS = Path("GET", "/api/marketplace/v3/supplies/{supplyId}/order-ids", "marketplace", "orders", _JULY)
SUPPLY_ADD = Path("PATCH", "/api/marketplace/v3/supplies/{supplyId}/orders", "marketplace", "orders", _JULY)
SUPPLY_DELIVER = Path("PATCH", "/api/v3/supplies/{supplyId}/deliver", "marketplace", "orders", _JULY)
SUPPLY_LABEL = Path("GET", "/api/v3/supplies/{supplyId}/barcode", "marketplace", "orders", _JULY)
SUPPLY_BOXES = Path("GET", "/api/v3/supplies/{supplyId}/trbx", "marketplace", "orders", _JULY)
SUPPLY_BOX = Path("POST", "/api/v3/supplies/{supplyId}/trbx", "marketplace", "orders", _JULY)
BOX_LABELS = Path("POST", "/api/v3/supplies/{supplyId}/trbx/stickers", "marketplace", "orders", _JULY)

_DBS = "/api/marketplace/v3/dbs/orders"
DBS_NEW = Path("GET", "/api/v3/dbs/orders/new", "marketplace", "dbs", _JULY)
DBS_ENDED = Path("GET", "/api/v3/dbs/orders", "marketplace", "dbs", _JULY)
DBS_CLIENTS = Path("POST", "/api/v3/dbs/orders/client", "marketplace", "dbs", _JULY)
DBS_STATES = Path("POST", f"{_DBS}/status/info", "marketplace", "dbs", _JULY)
DBS_CONFIRM = Path("POST", f"{_DBS}/status/confirm", "marketplace", "dbs steps", _JULY)
DBS_DELIVER = Path("POST", f"{_DBS}/status/deliver", "marketplace", "dbs steps", _JULY)
DBS_RECEIVE = Path("POST", f"{_DBS}/status/receive", "marketplace", "dbs steps", _JULY)
DBS_REJECT = Path("POST", f"{_DBS}/status/reject", "marketplace", "dbs steps", _JULY)
DBS_CANCEL = Path("POST", f"{_DBS}/status/cancel", "marketplace", "dbs steps", _JULY)
DBS_MARKS = Path("POST", f"{_DBS}/meta/details", "marketplace", "dbs", _JULY)
DBS_MARK_SGTIN = Path("POST", f"{_DBS}/meta/sgtin", "marketplace", "dbs marks", _JULY)
DBS_MARK_UIN = Path("POST", f"{_DBS}/meta/uin", "marketplace", "dbs marks", _JULY)
DBS_MARK_IMEI = Path("POST", f"{_DBS}/meta/imei", "marketplace", "dbs marks", _JULY)
DBS_MARK_GTIN = Path("POST", f"{_DBS}/meta/gtin", "marketplace", "dbs marks", _JULY)
DBS_LABELS = Path("POST", f"{_DBS}/stickers", "marketplace", "dbs", _JULY)

_DBW = "/api/marketplace/v3/dbw/orders"
DBW_NEW = Path("GET", "/api/v3/dbw/orders/new", "marketplace", "dbw", _JULY)
DBW_ENDED = Path("GET", "/api/v3/dbw/orders", "marketplace", "dbw", _JULY)
DBW_STATES = Path("POST", "/api/v3/dbw/orders/status", "marketplace", "dbw", _JULY)
DBW_CONFIRM = Path("PATCH", "/api/v3/dbw/orders/{orderId}/confirm", "marketplace", "dbw", _JULY)
DBW_DELIVER = Path("POST", f"{_DBW}/status/deliver", "marketplace", "dbw", _JULY)
DBW_CANCEL = Path("PATCH", "/api/v3/dbw/orders/{orderId}/cancel", "marketplace", "dbw", _JULY)
DBW_MARKS = Path("POST", f"{_DBW}/meta/details", "marketplace", "dbw", _JULY)
DBW_MARK_SGTIN = Path("POST", f"{_DBW}/meta/sgtin", "marketplace", "dbw", _JULY)
DBW_LABELS = Path("POST", "/api/v3/dbw/orders/stickers", "marketplace", "dbw", _JULY)

_CC = "/api/marketplace/v3/click-collect/orders"
CC_NEW = Path("GET", "/api/v3/click-collect/orders/new", "marketplace", "click-collect", _JULY)
CC_ENDED = Path("GET", "/api/v3/click-collect/orders", "marketplace", "click-collect", _JULY)
CC_STATES = Path("POST", f"{_CC}/status/info", "marketplace", "click-collect", _JULY)
CC_CONFIRM = Path("POST", f"{_CC}/status/confirm", "marketplace", "click-collect steps", _JULY)
CC_PREPARE = Path("POST", f"{_CC}/status/prepare", "marketplace", "click-collect steps", _JULY)
CC_RECEIVE = Path("POST", f"{_CC}/status/receive", "marketplace", "click-collect steps", _JULY)
CC_REJECT = Path("POST", f"{_CC}/status/reject", "marketplace", "click-collect steps", _JULY)
CC_CANCEL = Path("POST", f"{_CC}/status/cancel", "marketplace", "click-collect steps", _JULY)
CC_MARKS = Path("POST", f"{_CC}/meta/details", "marketplace", "click-collect marks", _JULY)
CC_MARK_SGTIN = Path("POST", f"{_CC}/meta/sgtin", "marketplace", "click-collect marks", _JULY)

# -- what Wildberries sells out of its own warehouses

FBW_ORDERS = Path("GET", "/api/v1/supplier/orders", "statistics", "ordered", _JULY)
FBW_SALES = Path("GET", "/api/v1/supplier/sales", "statistics", "sold", _JULY)

# -- returns and money

CLAIMS = Path("GET", "/api/v1/claims", "returns", "claims", _JULY)
GOODS_RETURNED = Path("GET", "/api/v1/analytics/goods-return", "analytics", "goods returned", _JULY)
REPORTS = Path("POST", "/api/finance/v1/sales-reports/list", "finance", "reports", _JULY)
REPORT_ROWS = Path("POST", "/api/finance/v1/sales-reports/detailed/{reportId}", "finance", "report rows", _JULY)

ALL: tuple[Path, ...] = (
    *(value for value in list(globals().values()) if isinstance(value, Path)),
    *PINGS.values(),
)


def ending(today: date, within_days: int) -> list[Path]:
    """Return the paths that end within so many days, or have ended."""
    return [path for path in ALL if path.ends is not None and (path.ends - today).days <= within_days]
