"""The seller's cabinet: what it holds, who is let in, and how often.

Records are kept here so that cards, offers and postings, each in its own module, share one truth.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from connectors.ozon.sandbox import bodies
from obmen.testing.sandbox import Request, Response, Sandbox, route

CLIENT_ID = "1000"
API_KEY = "sandbox-key"
WAREHOUSES = {"Основной": 1020000000001, "Запасной": 1020000000002}
_KEY_DAYS = 180
_DAY = 86400.0
_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13}
Body = TypeVar("Body", bound=msgspec.Struct)


@dataclass(frozen=True)
class Limits:
    """How often a seller may call; None or zero means as often as one likes.

    ``stock_pair_seconds``: between two settings of one product in one warehouse. The number of imported
    items a minute, and of new and changed cards a day, is Ozon's secret for each seller, so ``VENDOR`` does not set
    these. ``products``: how many a cabinet may have. ``label_seconds``: how long after its assembly a posting has
    no label.
    """

    calls_per_second: int | None = None
    stock_calls_per_minute: int | None = None
    stock_pair_seconds: float = 0.0
    price_updates_per_hour: int | None = None
    import_items_per_minute: int | None = None
    creates_per_day: int | None = None
    updates_per_day: int | None = None
    products: int | None = None
    barcode_calls_per_minute: int | None = None
    label_seconds: float = 0.0


RELAXED = Limits()
VENDOR = Limits(
    calls_per_second=50,
    stock_calls_per_minute=80,
    stock_pair_seconds=30.0,
    price_updates_per_hour=10,
    barcode_calls_per_minute=20,
    label_seconds=45.0,
)


class Invalid(Exception):  # noqa: N818 - it says what the request is
    """A request that Ozon answers with an error."""

    def __init__(self, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.headers = message, status, dict(headers or {})


@dataclass
class Level:
    """Stock in one warehouse: ``free`` may be sold, ``reserved`` is promised to buyers."""

    free: int = 0
    reserved: int = 0
    set_at: float | None = None


@dataclass
class Product:
    """A card with its price and stock. ``card`` is what was imported last, ``automatic`` what may move its price."""

    offer_id: str
    product_id: int
    sku: int
    created_at: float
    updated_at: float
    card: dict[str, Any]
    price: Decimal = Decimal(0)
    old_price: Decimal = Decimal(0)
    min_price: Decimal = Decimal(0)
    currency: str = "RUB"
    archived: bool = False
    stocks: dict[int, Level] = field(default_factory=dict)
    priced_at: deque[float] = field(default_factory=deque)
    barcodes: list[str] = field(default_factory=list)
    automatic: set[str] = field(default_factory=set)


@dataclass
class Line:
    """Goods of a posting at the price of the day."""

    product: Product
    quantity: int
    price: Decimal


@dataclass
class Unit:
    """One piece of what a posting holds, as it is told for checks."""

    id: int
    sku: int
    marks: list[dict[str, str]] = field(default_factory=list)
    gtd: str = ""
    is_gtd_absent: bool = False
    rnpt: str = ""
    is_rnpt_absent: bool = False


@dataclass
class Posting:
    """A posting and where it stands.

    ``integration``: who carries it (``tpl_integration_type``). ``pending`` (a status and its
    substatus) and ``leaving`` (SKU → quantity) are what a call has asked for and what happens only once the
    posting was looked at.
    """

    number: str
    order_number: str
    order_id: int
    lines: list[Line]
    warehouse_id: int
    in_process_at: float
    shipment_date: float
    changed_at: float
    status: str = "awaiting_packaging"
    substatus: str = "posting_created"
    previous: str = ""
    parent: str = ""
    customer: dict[str, Any] | None = None
    delivering_at: float | None = None
    cancellation: dict[str, Any] | None = None
    assembling: bool = False
    integration: str = "ozon"
    tracking: str = ""
    pending: tuple[str, str] | None = None
    leaving: dict[int, int] = field(default_factory=dict)
    assembled_at: float | None = None
    units: list[Unit] = field(default_factory=list)


class Window:
    """Counts events in a moving window of time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.events: deque[tuple[float, int]] = deque()

    def room(self, now: float, limit: int) -> int:
        """Return how much of the limit is left now."""
        while self.events and now - self.events[0][0] >= self.seconds:
            self.events.popleft()
        return limit - sum(amount for _, amount in self.events)

    def take(self, now: float, amount: int = 1) -> None:
        """Note an event."""
        self.events.append((now, amount))


class Cabinet(Sandbox):
    """Records, the door, and the two calls about the cabinet itself."""

    def __init__(
        self,
        *,
        seed: int = 1,
        journal: bool = False,
        client_id: str = CLIENT_ID,
        api_key: str = API_KEY,
        warehouses: Mapping[str, int] = WAREHOUSES,
        currency: str = "RUB",
        limits: Limits = RELAXED,
        import_polls: int = 1,
    ) -> None:
        self.client_id, self.api_key = client_id, api_key
        self.warehouses = dict(warehouses)
        self.currency = currency
        self.limits = limits
        self.import_polls = import_polls
        super().__init__(seed=seed, journal=journal)

    def reset(self) -> None:
        """Empty the cabinet."""
        self.random.seed(self.seed)
        self.products: dict[str, Product] = {}
        self.by_id: dict[int, Product] = {}
        self.postings: dict[str, Posting] = {}
        self.events: list[dict[str, Any]] = []
        self.subscribed = False
        self.calls: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.key_expires_at = self.now() + _KEY_DAYS * _DAY
        self.roles: list[dict[str, Any]] = [{"name": "Admin", "methods": []}]
        self._every_call = Window(1.0)
        self._stock_calls = Window(60.0)
        self._imported_items = Window(60.0)

    def connection(self) -> dict[str, Any]:
        """The cabinet's address and key, its warehouses, a category, and what a card may be assumed to be."""
        return {
            "url": self.url,
            "client_id": self.client_id,
            "api_key": self.api_key,
            "warehouses": self.warehouses,
            "category": {"description_category_id": 17000001, "type_id": 91000001},
            "assumed": {"weight_g": 500, "length_mm": 200, "width_mm": 200, "height_mm": 100, "vat": "0.2"},
        }

    def state(self) -> dict[str, Any]:
        """Return products by article, postings by number, calls by path, and records written by kind."""
        names = {id_: name for name, id_ in self.warehouses.items()}
        return {
            "products": {
                offer_id: {
                    "product_id": product.product_id,
                    "sku": product.sku,
                    "name": product.card.get("name", ""),
                    "price": _plain(product.price),
                    "old_price": _plain(product.old_price),
                    "min_price": _plain(product.min_price),
                    "currency": product.currency,
                    "archived": product.archived,
                    "stocks": {
                        names.get(id_, str(id_)): {"free": level.free, "reserved": level.reserved}
                        for id_, level in sorted(product.stocks.items())
                    },
                    "card": product.card,
                }
                for offer_id, product in self.products.items()
            },
            "postings": {
                number: {
                    "status": posting.status,
                    "substatus": posting.substatus,
                    "warehouse": names.get(posting.warehouse_id, ""),
                    "lines": [
                        {
                            "offer_id": line.product.offer_id,
                            "quantity": line.quantity,
                            "price": _plain(line.price),
                        }
                        for line in posting.lines
                    ],
                    "cancellation": posting.cancellation,
                    "parent": posting.parent,
                    "tracking": posting.tracking,
                    "marked": sum(bool(unit.marks) for unit in posting.units),
                }
                for number, posting in self.postings.items()
            },
            "calls": dict(self.calls),
            "written": dict(self.written),
        }

    # -- the door -----------------------------------------------------------------------------------------

    def before(self, request: Request) -> Response | None:
        """Let in whoever has a living key and does not come too often."""
        self.calls[request.path] += 1
        try:
            self._admit(request)
        except Invalid as refusal:
            return self.error(refusal)
        return None

    def _admit(self, request: Request) -> None:
        client, key = request.headers.get("client-id"), request.headers.get("api-key")
        if not client or not key:
            raise Invalid("Client-Id and Api-Key headers are required", 401)
        if (client, key) != (self.client_id, self.api_key):
            raise Invalid("Invalid Api-Key, please check the key and try again", 403)
        if self.fault("expired_key") or self.now() >= self.key_expires_at:
            raise Invalid("Api-key is deactivated, use another one or generate a new one", 403)
        if self.fault("offer_not_signed"):
            raise Invalid("Offer not signed", 403)
        if self.fault("circle_is_open"):
            raise Invalid("Circle is open", 500)
        limit = self.limits.calls_per_second
        if limit is not None:
            if self._every_call.room(self.now(), limit) <= 0:
                raise Invalid("You have reached request rate limit per second", 429)
            self._every_call.take(self.now())

    def _dispatch(self, request: Request) -> Response:
        try:
            return super()._dispatch(request)
        except Invalid as refusal:
            return self.error(refusal)

    def not_found(self, request: Request) -> Response:
        """Answer a path that Ozon does not have."""
        return self.error(Invalid(f"method is not allowed: {request.method} {request.path}", 404))

    def error(self, refusal: Invalid) -> Response:
        """Answer in the shape of ``rpcStatus``."""
        body = {"code": _GRPC[refusal.status], "message": refusal.message, "details": []}
        return Response(refusal.status, body, headers=refusal.headers)

    def body(self, request: Request, kind: type[Body]) -> Body:
        """Decode a body, refusing what Ozon refuses."""
        try:
            return msgspec.json.decode(request.body or b"{}", type=kind)
        except msgspec.DecodeError as error:
            raise Invalid(f"Request validation error: {error}") from error

    def chosen(self, wanted: bodies.ProductFilter) -> list[Product]:
        """Return the products that a filter means, in the order of their ids."""
        archived = wanted.visibility == "ARCHIVED"
        ids = {*wanted.offer_id, *wanted.product_id}
        return [
            product
            for product in self.products.values()
            if product.archived == archived and (not ids or product.offer_id in ids or str(product.product_id) in ids)
        ]

    # -- the cabinet itself -------------------------------------------------------------------------------

    @route("POST", "/v1/roles")
    def roles_of_key(self, _: Request) -> Response:
        """``AccessAPI_RolesByToken``."""
        return Response(json={"expires_at": stamp(self.key_expires_at), "roles": self.roles})

    @route("POST", "/v2/warehouse/list")
    def list_warehouses(self, request: Request) -> Response:
        """``WarehouseListV2``, paged by the number of those already told."""
        asked = self.body(request, bodies.Warehouses)
        rows = sorted((id_, name) for name, id_ in self.warehouses.items())
        if asked.warehouse_ids:
            rows = [row for row in rows if str(row[0]) in asked.warehouse_ids]
        begin = offset(asked.cursor)
        told = rows[begin : begin + asked.limit]
        more = begin + len(told) < len(rows)
        return Response(
            json={
                "cursor": str(begin + len(told)) if more else "",
                "has_next": more,
                "warehouses": [
                    {"warehouse_id": id_, "name": name, "status": "created", "is_rfbs": False} for id_, name in told
                ],
            }
        )


def stamp(moment: float) -> str:
    """Write a time as Ozon does: UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def offset(cursor: str) -> int:
    """Read a cursor that is the number of records already told."""
    if cursor and not cursor.isdecimal():
        raise Invalid(f"invalid cursor {cursor!r}")
    return int(cursor or 0)


def _plain(value: Decimal) -> str:
    return f"{value:.2f}"
