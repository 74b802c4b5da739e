"""The seller's cabinet: what it holds, who is let in, and how often.

Records are kept here so that cards, prices, stock and orders, each in its own module, share one truth.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeVar

import msgspec

from connectors.yandex_market import limits, paths
from connectors.yandex_market.sandbox.offers import Offer
from obmen.testing.sandbox import Request, Response, Sandbox, route

API_KEY = "ACMA:sandbox-key"
BUSINESS = 1001
_GOODS = ("skus", "offerMappings", "offersContent", "offers", "offerIds", "orders")
_ID = re.compile(r"/(businesses|campaigns)/(\d+)(/|\Z)")
_PAGE = 100
Body = TypeVar("Body")


class Invalid(Exception):  # noqa: N818 - it says what the request is
    """A request that Market answers with an error."""

    def __init__(
        self, message: str, status: int = 400, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.headers = message, status, code, dict(headers or {})


@dataclass
class Shop:
    """A shop of the cabinet and its warehouse. Shops of one ``group`` share one stock."""

    id: int
    warehouse: str
    warehouse_id: int
    placement: str = "FBS"
    availability: str = "AVAILABLE"
    group: int | None = None

    @property
    def name(self) -> str:
        """What the shop is called."""
        return f"Магазин «{self.warehouse}»"


def beginning() -> list[Shop]:
    """Return the two shops with which a cabinet begins: campaign ids 2001 and 2002."""
    return [Shop(2001, "Основной", 3001), Shop(2002, "Запасной", 3002)]


@dataclass
class Window:
    """What was spent of one method's limit since it began anew."""

    begins: float
    spent: int = 0


class Cabinet(Sandbox):
    """Records, the door, and the calls about the cabinet itself.

    ``limited``: keep Market's own limits (420). ``settle``: seconds until a price or a stock that was taken is
    seen. ``only_default_price``: one price for all shops, so that a shop's own is refused with 423. Custom
    faults: ``expired_key`` (401), ``calm_down`` (420 with its headers).
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        journal: bool = False,
        api_key: str = API_KEY,
        business_id: int = BUSINESS,
        shops: Sequence[Shop] | None = None,
        limited: bool = False,
        settle: float = 0.0,
        only_default_price: bool = True,
    ) -> None:
        self.api_key, self.business_id = api_key, business_id
        self.limited, self.settle, self.only_default_price = limited, settle, only_default_price
        self.shops = {shop.id: shop for shop in (beginning() if shops is None else shops)}
        super().__init__(seed=seed, journal=journal)

    def reset(self) -> None:
        """Empty the cabinet."""
        self.random.seed(self.seed)
        self.offers: dict[str, Offer] = {}
        self.scopes = ["ALL_METHODS"]
        self.currency = "RUR"
        self.calls: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self._windows: dict[str, Window] = {}

    def connection(self) -> dict[str, Any]:
        """The cabinet's address and key, its shops by warehouse, and what a card may be assumed to be."""
        return {
            "url": self.url,
            "api_key": self.api_key,
            "business_id": self.business_id,
            "warehouses": {shop.warehouse: shop.id for shop in self.shops.values()},
            "assumed": {"weight_kg": "0.5", "length_cm": 20, "width_cm": 20, "height_cm": 10, "vendor": "Проба"},
        }

    def state(self) -> dict[str, Any]:
        """Return calls by method and records written by kind; the parts of the cabinet add theirs."""
        return {"calls": dict(self.calls), "written": dict(self.written)}

    # -- the door -----------------------------------------------------------------------------------------

    def _dispatch(self, request: Request) -> Response:
        operation = _operation(request)
        self.calls[operation.group if operation else f"{request.method} {request.path}"] += 1
        try:
            told = self._admit(request, operation)
            response = super()._dispatch(request)
        except Invalid as refusal:
            return self.error(refusal)
        response.headers = {**told, **response.headers}
        return response

    def _admit(self, request: Request, operation: paths.Operation | None) -> dict[str, str]:
        """Let in whoever has a living key with the right, to its own cabinet, and not too often."""
        key = request.headers.get("api-key")
        if not key:
            raise Invalid("Api-Key token is not specified", 401, "UNAUTHORIZED")
        if key != self.api_key or self.fault("expired_key"):
            raise Invalid("Api-Key token is invalid", 401, "UNAUTHORIZED")
        if operation is None:
            return {}
        self._has_right(operation)
        self._knows(request)
        if len(request.body) > limits.LARGEST_BODY:
            raise Invalid("Request body is larger than 512 KB")
        return self._spend(operation, _goods(request, operation))

    def _has_right(self, operation: paths.Operation) -> None:
        enough = {"ALL_METHODS"} | ({"ALL_METHODS_READ_ONLY"} if operation.reads else set())
        if operation.scope:
            enough |= {operation.scope} | ({f"{operation.scope}_READ_ONLY"} if operation.reads else set())
        elif operation.reads:
            return
        if not enough & set(self.scopes):
            raise Invalid("Token does not have any of the scopes to access the API method", 403, "FORBIDDEN")

    def _knows(self, request: Request) -> None:
        found = _ID.search(request.path)
        if found is None:
            return
        kind, id_ = found[1], int(found[2])
        if kind == "businesses" and id_ != self.business_id:
            raise Invalid("Access denied", 403, "FORBIDDEN")
        if kind == "campaigns":
            if id_ not in self.shops:
                raise Invalid(f"No access to campaigns: {id_}", 403, "FORBIDDEN")
            if self.shops[id_].availability != "AVAILABLE":
                raise Invalid(f"API for campaign {id_} disabled due to inactivity", 403, "FORBIDDEN")

    def _spend(self, operation: paths.Operation, amount: int) -> dict[str, str]:
        """Count the call; return the headers that tell what is left."""
        rate, now = operation.rate, self.now()
        window = self._windows.get(operation.group)
        if window is None or now - window.begins >= rate.seconds:
            window = self._windows[operation.group] = Window(now)
        until = format_datetime(datetime.fromtimestamp(math.ceil(window.begins + rate.seconds), UTC), usegmt=True)
        told = {"X-RateLimit-Resource-Limit": str(rate.calls), limits.UNTIL: until}
        if self.fault("calm_down") or (self.limited and window.spent + amount > rate.calls):
            told[limits.LEFT] = "0"
            period = f"{rate.seconds:.0f} s"
            said = f"Hit rate limit of {rate.calls} requests per {period} for resource {operation.path}"
            raise Invalid(said, 420, "ENHANCE_YOUR_CALM", told)
        window.spent += amount
        told[limits.LEFT] = str(max(rate.calls - window.spent, 0 if self.limited else 1))
        return told

    def not_found(self, request: Request) -> Response:
        """Answer a path that Market does not have."""
        return self.error(Invalid(f"No such method {request.method} {request.path}", 404, "NOT_FOUND"))

    def error(self, refusal: Invalid) -> Response:
        """Answer in the shape of ``ApiErrorResponse``."""
        errors = [{"code": refusal.code, "message": refusal.message}]
        return Response(refusal.status, {"status": "ERROR", "errors": errors}, headers=refusal.headers)

    def body(self, request: Request, kind: type[Body]) -> Body:
        """Decode a body, refusing what Market refuses."""
        try:
            return msgspec.json.decode(request.body or b"{}", type=kind)
        except msgspec.DecodeError as error:
            raise Invalid(f"Request validation error: {error}") from error

    def page(self, request: Request, rows: Sequence[Any], most: int, usual: int = _PAGE) -> tuple[list[Any], Any]:
        """Return the page of rows that is asked for, and its ``paging``."""
        limit = int(request.query.get("limit", usual))
        if not 1 <= limit <= most:
            raise Invalid(f"limit must be between 1 and {most}")
        token = request.query.get("pageToken", "")
        if token and not token.isdecimal():
            raise Invalid(f"invalid page token {token!r}")
        begin = int(token or 0)
        end = begin + limit
        return list(rows[begin:end]), {"nextPageToken": str(end)} if end < len(rows) else {}

    def stamp(self, moment: float | None = None) -> str:
        """Write a time as Market does: ISO 8601 with its offset."""
        return datetime.fromtimestamp(self.now() if moment is None else moment, UTC).isoformat(timespec="seconds")

    # -- the cabinet itself -------------------------------------------------------------------------------

    @route("POST", "/v2/auth/token")
    def token(self, _: Request) -> Response:
        """``getAuthTokenInfo``."""
        return ok({"apiKey": {"name": "Обмен", "authScopes": self.scopes}})

    @route("GET", "/v2/campaigns")
    def campaigns(self, request: Request) -> Response:
        """``getCampaigns``."""
        rows, paging = self.page(request, list(self.shops.values()), 100)
        business = {"id": self.business_id, "name": "Кабинет «Проба»"}
        told = [
            {
                "domain": shop.name,
                "id": shop.id,
                "business": business,
                "placementType": shop.placement,
                "apiAvailability": shop.availability,
            }
            for shop in rows
        ]
        return Response(json={"campaigns": told, "paging": paging})

    @route("POST", r"/v2/businesses/\d+/settings")
    def settings(self, _: Request) -> Response:
        """``getBusinessSettings``."""
        settings = {"onlyDefaultPrice": self.only_default_price, "currency": self.currency}
        return ok({"info": {"id": self.business_id, "name": "Кабинет «Проба»"}, "settings": settings})

    @route("POST", r"/v2/businesses/\d+/warehouses")
    def warehouses(self, request: Request) -> Response:
        """``getPagedWarehouses``."""
        rows, paging = self.page(request, list(self.shops.values()), 30, 15)
        told = [
            {
                "id": shop.warehouse_id,
                "name": shop.warehouse,
                "campaignId": shop.id,
                "express": False,
                **({"groupInfo": {"id": shop.group, "name": f"Группа {shop.group}"}} if shop.group else {}),
            }
            for shop in rows
        ]
        return ok({"warehouses": told, "paging": paging})


def ok(result: Any = None) -> Response:
    """Answer that all went well."""
    return Response(json={"status": "OK", **({} if result is None else {"result": result})})


def _operation(request: Request) -> paths.Operation | None:
    return next(
        (one for one, pattern in _PATTERNS if one.method == request.method and pattern.match(request.path)), None
    )


def _goods(request: Request, operation: paths.Operation) -> int:
    """How many goods a call carries, where its limit counts goods."""
    if not operation.goods:
        return 1
    try:
        body = msgspec.json.decode(request.body or b"{}")
    except msgspec.DecodeError:
        return 1
    lists = [body[name] for name in _GOODS if isinstance(body, dict) and isinstance(body.get(name), list)]
    return len(lists[0]) if lists else int(request.query.get("limit", "1"))


_PATTERNS = [(one, re.compile(re.sub(r"{\w+}", r"\\d+", one.path) + r"\Z")) for one in paths.ALL]
