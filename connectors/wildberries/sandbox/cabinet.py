"""The seller's cabinet: what it holds, who is let in, and how often.

Records are kept here so that cards, prices, stock and orders, each in its own module, share one truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from connectors.wildberries.sandbox.door import (
    BITS,
    READ_ONLY_BIT,
    TEST,
    Bucket,
    Group,
    group_of,
    make_token,
    opened,
    problem,
)
from obmen.testing.sandbox import Request, Response, Sandbox, route

WAREHOUSES = {"Основной": 501001, "Запасной": 501002}
_DAY = 86400.0
_TOKEN_DAYS = 180
_REFUSED, _FAILED, _TOO_MANY = 400, 500, 429
Body = TypeVar("Body", bound=msgspec.Struct)


@dataclass(frozen=True)
class Pace:
    """How strict and how slow the cabinet is.

    ``limits``: mind the vendor's budgets. ``creation``: seconds until a card that was uploaded is there or its
    errors are. ``sync``: seconds after that until prices and stock of it may be set. ``pricing``: seconds until an
    upload of prices is processed.
    """

    limits: bool = False
    creation: float = 0.0
    sync: float = 0.0
    pricing: float = 0.0


RELAXED = Pace()
VENDOR = Pace(limits=True, creation=5.0, sync=60.0, pricing=2.0)


class Invalid(Exception):  # noqa: N818 - it says what the request is
    """A request that is answered with an error: ``response`` says which."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.json))
        self.response = response


@dataclass
class Size:
    """A size of a card: what stock is kept of. ``stocks``: warehouse id → what may be sold."""

    chrt_id: int
    tech_size: str
    wb_size: str
    skus: list[str]
    stocks: dict[int, int] = field(default_factory=dict)


@dataclass
class Card:
    """A card: what has a price. ``held`` is the (price, discount) that waits in the price quarantine."""

    nm_id: int
    imt_id: int
    vendor_code: str
    subject_id: int
    sizes: list[Size]
    created_at: float
    updated_at: float
    synced_at: float
    brand: str = ""
    title: str = ""
    description: str = ""
    dimensions: dict[str, Any] = field(default_factory=dict)
    characteristics: list[dict[str, Any]] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    kiz_marked: bool = False
    trashed_at: float | None = None
    price: int = 0
    discount: int = 0
    held: tuple[int, int] | None = None


class Cabinet(Sandbox):
    """Records, the door, and the calls about the account itself.

    Custom faults: ``withdrawn_token`` (401), ``unpaid`` (402), ``error_in_200`` (cards and prices: 200, and refused).
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        journal: bool = False,
        warehouses: Mapping[str, int] = WAREHOUSES,
        currency: str = "RUB",
        pace: Pace = RELAXED,
    ) -> None:
        self.warehouses = dict(warehouses)
        self.currency = currency
        self.pace = pace
        super().__init__(seed=seed, journal=journal)

    def reset(self) -> None:
        """Empty the cabinet; a new token opens everything for 180 days."""
        self.random.seed(self.seed)
        self.cards: dict[int, Card] = {}
        self.calls: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.token = make_token(BITS, expires=self.now() + _TOKEN_DAYS * _DAY)
        self.processing: set[int] = set()
        self._buckets: dict[str, Bucket] = {}
        self._group: Group | None = None

    def connection(self) -> dict[str, Any]:
        """The cabinet's address and token, its warehouses, and what a card may be assumed to be."""
        return {
            "url": self.url,
            "token": self.token,
            "warehouses": self.warehouses,
            "assumed": {"weight_kg": 0.5, "length_mm": 200, "width_mm": 200, "height_mm": 100},
        }

    def state(self) -> dict[str, Any]:
        """Return calls by method and path, and records written by kind; each part of the cabinet adds its own."""
        return {"calls": dict(self.calls), "written": dict(self.written)}

    # -- what the seller does in the cabinet's pages --------------------------------------------------------

    def issue_token(self, *, days: float = _TOKEN_DAYS, **how: Any) -> str:
        """Make a new token, the only one that is let in from now on; ``how`` as in ``make_token``."""
        categories = how.pop("categories", BITS)
        self.token = make_token(categories, expires=self.now() + days * _DAY, **how)
        return self.token

    # -- the door -----------------------------------------------------------------------------------------

    def before(self, request: Request) -> Response | None:
        """Let in whoever has a living token of the right category and does not come too often."""
        self.calls[f"{request.method} {request.path}"] += 1
        self._group = group_of(request.method, request.path)
        if self._group is None:
            return None
        refused = self._shut_out(request, self._group)
        says_no = self._group.category in {"content", "prices"} and self._group.name != "calendar"
        if refused is None and says_no and self.fault("error_in_200"):
            return content_error(200, "Internal error, try again")
        if refused is not None or not self.pace.limits:
            return refused
        bucket = self._bucket(self._group)
        if bucket.look(self.now()) < 1.0:
            return self._too_many(bucket)
        bucket.take(self.now())
        return None

    def _shut_out(self, request: Request, group: Group) -> Response | None:
        return next(self._objections(request, group), None)

    def _objections(self, request: Request, group: Group) -> Iterator[Response]:
        token = request.headers.get("authorization", "")
        said = opened(token)
        if not token:
            yield problem(401, "unauthorized", "empty Authorization header")
        if said is None:
            yield problem(401, "unauthorized", "token problem; token is malformed: invalid number of segments")
            return
        if self.fault("unpaid"):
            yield problem(402, "payment required", "insufficient funds on the balance")
        if self.fault("withdrawn_token") or token.removeprefix("Bearer ") != self.token:
            yield problem(401, "unauthorized", "access denied; token was withdrawn")
        if said["exp"] <= self.now():
            yield problem(401, "unauthorized", "token problem; access token expired")
        if group.category and not said["s"] >> BITS[group.category] & 1:
            yield problem(401, "unauthorized", "token scope not allowed for this API route")
        writes = request.method not in {"GET", "POST"} or self.writes(request.method, request.path)
        if writes and said["s"] >> READ_ONLY_BIT & 1:
            yield problem(401, "unauthorized", "read-only token scope not allowed for this API route")
        if said["acc"] == TEST:
            yield problem(401, "unauthorized", "token scope not allowed: test token at a production host")

    def writes(self, method: str, path: str) -> bool:
        """Whether a POST changes something; most of those that do not say so by their path."""
        reads = ("/list", "/filter", "/trash", "/status", "/stickers", "/cross-border", "/meta", "/client", "/history")
        told = path.endswith((*reads, "/status/info", "/meta/details")) and "delete" not in path
        return method == "POST" and not told and "/stocks/" not in path and "/sales-reports/" not in path

    def _bucket(self, group: Group) -> Bucket:
        return self._buckets.setdefault(group.name, Bucket(group, self.now()))

    def _too_many(self, bucket: Bucket) -> Response:
        wait = max(int(bucket.wait(self.now()) + 0.999), 1)
        full = int((bucket.group.burst - bucket.left) * bucket.group.interval + 0.999)
        headers = {
            "X-Ratelimit-Retry": str(wait),
            "X-Ratelimit-Limit": str(bucket.group.burst),
            "X-Ratelimit-Reset": str(full),
            "X-Ratelimit-Remaining": "0",
        }
        return problem(_TOO_MANY, "too many requests", "limited by the sandbox", headers)

    def _dispatch(self, request: Request) -> Response:
        try:
            response = super()._dispatch(request)
        except Invalid as refusal:
            response = refusal.response
        if self._group is not None and self.pace.limits:
            bucket = self._bucket(self._group)
            if _REFUSED <= response.status < _FAILED:
                bucket.take(self.now(), self._group.refusal - 1)
            response.headers["X-Ratelimit-Remaining"] = str(max(int(bucket.look(self.now())), 0))
        return response

    def not_found(self, request: Request) -> Response:
        """Answer a path that Wildberries does not have."""
        return problem(404, "path not found", f"no method {request.method} {request.path}")

    def body(self, request: Request, kind: type[Body], *, marketplace: bool = False) -> Body:
        """Decode a body, refusing what Wildberries refuses in the words of that part of it."""
        try:
            return msgspec.json.decode(request.body or b"{}", type=kind)
        except msgspec.DecodeError as error:
            if marketplace:
                raise Invalid(market_error(400, "IncorrectRequestBody", f"Incorrect required body: {error}")) from error
            refused = content_error(400, f"Invalid request format: {error}")
            if self._group is not None and self._group.category == "prices":
                del refused.json["additionalErrors"]
            raise Invalid(refused) from error

    # -- the account itself -------------------------------------------------------------------------------

    @route("GET", "/ping")
    def ping(self, _: Request) -> Response:
        """``getPing``."""
        return Response(json={"TS": stamp(self.now()), "Status": "OK"})

    @route("GET", "/api/v3/warehouses")
    def list_warehouses(self, _: Request) -> Response:
        """The seller's own warehouses; ``processing`` holds those whose stock may not be changed now."""
        return Response(
            json=[
                {
                    "name": name,
                    "officeId": 15,
                    "id": id_,
                    "cargoType": 1,
                    "deliveryType": 1,
                    "isDeleting": False,
                    "isProcessing": id_ in self.processing,
                }
                for name, id_ in self.warehouses.items()
            ]
        )


def content_error(status: int, text: str, details: Mapping[str, str] | None = None) -> Response:
    """Answer as cards and prices refuse."""
    return Response(status, {"data": None, "error": True, "errorText": text, "additionalErrors": dict(details or {})})


def market_error(status: int, code: str, message: str, data: Any = None) -> Response:
    """Answer as the marketplace refuses."""
    return Response(status, {"code": code, "message": message, **({} if data is None else {"data": data})})


def stamp(moment: float) -> str:
    """Write a time as Wildberries does: UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
