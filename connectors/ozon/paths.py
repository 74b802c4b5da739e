"""Every path of the Seller API that Obmen uses, in one place.

Ozon retires versions every few months, some by a line in a description only. So each path says when the
vendor's published specification last held it and, once announced, when it ends; a test compares this list
with the specification, and ``ending`` lets ``check`` warn before a path goes.
"""

from __future__ import annotations

from datetime import date


class Path(str):
    """A path, with the date of the specification that last held it and its announced end, if there is one."""

    __slots__ = ("confirmed", "ends", "method")
    confirmed: date
    ends: date | None
    method: str

    def __new__(cls, path: str, confirmed: date, ends: date | None = None, *, method: str = "POST") -> Path:
        """Make a path that is used like a plain string."""
        made = super().__new__(cls, path)
        made.confirmed, made.ends, made.method = confirmed, ends, method
        return made


_JUNE = date(2026, 6, 11)

ROLES = Path("/v1/roles", _JUNE)
WAREHOUSES = Path("/v2/warehouse/list", _JUNE)

CATEGORY_TREE = Path("/v1/description-category/tree", _JUNE)
ATTRIBUTES = Path("/v1/description-category/attribute", _JUNE)
VALUES = Path("/v1/description-category/attribute/values", _JUNE)
VALUES_SEARCH = Path("/v1/description-category/attribute/values/search", _JUNE)

PRODUCT_LIST = Path("/v3/product/list", _JUNE)
PRODUCT_DETAILS = Path("/v3/product/info/list", _JUNE)
PRODUCT_ATTRIBUTES = Path("/v4/product/info/attributes", _JUNE)
PRODUCT_LIMITS = Path("/v4/product/info/limit", _JUNE)
PRODUCT_IMPORT = Path("/v3/product/import", _JUNE)
IMPORT_STATE = Path("/v1/product/import/info", _JUNE)
BARCODES_ADD = Path("/v1/barcode/add", _JUNE)
ARCHIVE = Path("/v1/product/archive", _JUNE)
UNARCHIVE = Path("/v1/product/unarchive", _JUNE)

PRICES_SET = Path("/v1/product/import/prices", _JUNE)
PRICES = Path("/v5/product/info/prices", _JUNE)
PROMOTIONS = Path("/v1/actions", _JUNE, method="GET")
PROMOTIONS_LEAVE = Path("/v1/actions/products/deactivate", _JUNE)
STOCKS_SET = Path("/v2/products/stocks", _JUNE)
STOCKS = Path("/v2/product/info/stocks-by-warehouse/fbs", _JUNE)

POSTINGS = Path("/v4/posting/fbs/list", _JUNE)
UNFULFILLED = Path("/v4/posting/fbs/unfulfilled/list", _JUNE)
POSTING = Path("/v3/posting/fbs/get", _JUNE)
SHIP = Path("/v4/posting/fbs/ship", _JUNE)
CANCEL = Path("/v2/posting/fbs/cancel", _JUNE)
CANCEL_GOODS = Path("/v2/posting/fbs/product/cancel", _JUNE)
CANCEL_REASONS = Path("/v1/posting/fbs/cancel-reason", _JUNE)
AWAITING_DELIVERY = Path("/v2/posting/fbs/awaiting-delivery", _JUNE)
EXEMPLARS = Path("/v6/fbs/posting/product/exemplar/create-or-get", _JUNE)
EXEMPLARS_SET = Path("/v6/fbs/posting/product/exemplar/set", _JUNE)
EXEMPLARS_STATE = Path("/v5/fbs/posting/product/exemplar/status", _JUNE)
LABELS = Path("/v2/posting/fbs/package-label", _JUNE)

TRACKING = Path("/v2/fbs/posting/tracking-number/set", _JUNE)
DELIVERING = Path("/v2/fbs/posting/delivering", _JUNE)
LAST_MILE = Path("/v2/fbs/posting/last-mile", _JUNE)
DELIVERED = Path("/v2/fbs/posting/delivered", _JUNE)

FBO_POSTINGS = Path("/v3/posting/fbo/list", _JUNE)

RETURNS = Path("/v1/returns/list", _JUNE)
OWN_RETURNS = Path("/v2/returns/rfbs/list", _JUNE)

ACCRUALS = Path("/v1/finance/accrual/by-day", _JUNE)
ACCRUAL_TYPES = Path("/v1/finance/accrual/types", _JUNE)
STATEMENT = Path("/v1/finance/cash-flow-statement/list", _JUNE)

ALL: tuple[Path, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Path))
ON_WISH = frozenset({PROMOTIONS, PROMOTIONS_LEAVE})
"""Those that are called only where a project asks for it."""


def ending(today: date, within_days: int) -> list[Path]:
    """Return the paths that end within so many days, or have ended."""
    return [path for path in ALL if path.ends is not None and (path.ends - today).days <= within_days]
