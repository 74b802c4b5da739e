"""Returns: what buyers claim, and goods on their way back to the seller."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from connectors.wildberries.sandbox.assembly_orders import AssemblyOrder
from connectors.wildberries.sandbox.cabinet import Invalid
from connectors.wildberries.sandbox.orders import OrderBook
from obmen.testing.sandbox import Request, Response, route

_SHOWN = 14 * 86400
_LONGEST = timedelta(days=31)
_MOST = 200
_MOSCOW = timezone(timedelta(hours=3))


@dataclass
class Claim:
    """A buyer wants to give a unit back: ``status`` 0 is open, 1 declined, 2 approved."""

    id: str
    order: AssemblyOrder
    at: float
    comment: str
    status: int = 0
    status_ex: int = 0
    decided_at: float | None = None


FROM_BUYER, BLOCKED = "Возврат товара, который приехал по МП, продавцу", "Возврат заблокированного товара"


@dataclass
class Parcel:
    """A unit on its way back to the seller; ``kind`` as Wildberries names it."""

    order: AssemblyOrder
    at: float
    number: int
    reason: str = ""
    kind: str = FROM_BUYER
    ready_at: float | None = None
    given_at: float | None = None
    gone: bool = field(default=False)


class Counter(OrderBook):
    """Hands: ``claim``, ``decide``, ``send_back``, ``send_stock_back``, ``give_back``, ``lose``."""

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.claims: dict[str, Claim] = {}
        self.parcels: dict[int, Parcel] = {}

    def state(self) -> dict[str, Any]:
        """Return also the claims by id and the parcels by order."""
        claims = {claim.id: {"order": claim.order.id, "status": claim.status} for claim in self.claims.values()}
        parcels = {str(id_): {"given": parcel.given_at is not None} for id_, parcel in self.parcels.items()}
        return {**super().state(), "claims": claims, "parcels": parcels}

    # -- what others than the seller do -------------------------------------------------------------------

    def claim(self, number: str, comment: str = "Не подошло") -> str:
        """The buyer wants to give a sold unit back; return the claim's id."""
        with self.lock:
            id_ = f"fe3e9337-0000-4000-8000-{len(self.claims):012d}"
            self.claims[id_] = Claim(id_, self.assembly[int(number)], self.now(), comment)
            return id_

    def decide(self, id_: str, status: int, status_ex: int) -> None:
        """Somebody answers a claim (``status`` and ``status_ex`` as Wildberries numbers them)."""
        with self.lock:
            claim = self.claims[id_]
            claim.status, claim.status_ex, claim.decided_at = status, status_ex, self.now()

    def send_back(self, number: str, reason: str = "Отказ покупателя", kind: str = FROM_BUYER) -> None:
        """A unit sets out on its way back."""
        with self.lock:
            order = self.assembly[int(number)]
            self.parcels[order.id] = Parcel(order, self.now(), 23_411_000_000 + len(self.parcels), reason, kind)

    def send_stock_back(self, vendor_code: str, kind: str = BLOCKED) -> None:
        """A unit sets out that lay in a warehouse of Wildberries, and belongs to no order; the seller takes it."""
        with self.lock:
            number = len(self.parcels)
            card = next(card for card in self.cards.values() if card.vendor_code == vendor_code)
            srid = f"ad3817664d3046c5{number:016x}"
            nobodys = AssemblyOrder(0, srid, "fbw", card, card.sizes[0], 0, self.now(), price=0, converted=0)
            parcel = Parcel(nobodys, self.now(), 23_411_000_000 + number, kind=kind, given_at=self.now())
            self.parcels[-1 - number] = parcel

    def give_back(self, number: str) -> None:
        """The seller takes a unit that came back."""
        with self.lock:
            parcel = self.parcels[int(number)]
            parcel.ready_at = parcel.given_at = self.now()
            self.taken_back.add(parcel.order.id)

    def lose(self, number: str) -> None:
        """A unit will not come back."""
        with self.lock:
            self.parcels[int(number)].gone = True

    # -- the calls ----------------------------------------------------------------------------------------

    @route("GET", "/api/v1/claims")
    def list_claims(self, request: Request) -> Response:
        """Claims of fourteen days, the open ones or those in the archive, newest first."""
        if request.query.get("is_archive") not in {"true", "false"}:
            raise _problem("is_archive is required")
        limit, offset = int(request.query.get("limit", "50")), int(request.query.get("offset", "0"))
        if not 1 <= limit <= _MOST:
            raise _problem("limit must be between 1 and 200")
        archived = request.query["is_archive"] == "true"
        rows = [c for c in self.claims.values() if c.at >= self.now() - _SHOWN and bool(c.status) == archived]
        rows.sort(key=lambda claim: claim.at, reverse=True)
        told = [_claim(claim) for claim in rows[offset : offset + limit]]
        return Response(json={"claims": told, "total": len(rows)})

    @route("GET", "/api/v1/analytics/goods-return")
    def list_parcels(self, request: Request) -> Response:
        """Goods that set out on their way back in a period of 31 days at most."""
        try:
            begin, end = (date.fromisoformat(request.query[name]) for name in ("dateFrom", "dateTo"))
        except (KeyError, ValueError):
            raise _problem("can't parse dateFrom or dateTo", origin="sandbox") from None
        if not timedelta(0) <= end - begin < _LONGEST:
            raise _problem("difference between dateFrom and dateTo should be less or equal 31 days", origin="sandbox")
        rows = [parcel for parcel in self.parcels.values() if begin <= _moscow(parcel.at).date() <= end]
        return Response(json={"report": [_parcel(parcel) for parcel in rows]})


def _problem(detail: str, **more: str) -> Invalid:
    body = {"title": "Bad Request", "detail": detail, "requestId": "0" * 32, **more}
    return Invalid(Response(400, body, headers={"Content-Type": "application/problem+json"}))


def _moscow(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, _MOSCOW)


def _local(moment: float) -> str:
    """Write a time as these methods do: Moscow's, without saying so."""
    return _moscow(moment).replace(tzinfo=None).isoformat(timespec="microseconds")


def _claim(claim: Claim) -> dict[str, Any]:
    order = claim.order
    return {
        "id": claim.id,
        "claim_type": 1,
        "status": claim.status,
        "status_ex": claim.status_ex,
        "nm_id": order.card.nm_id,
        "user_comment": claim.comment,
        "wb_comment": None,
        "dt": _local(claim.at),
        "imt_name": order.card.title,
        "order_dt": _moscow(order.created_at).replace(tzinfo=None).isoformat(timespec="seconds"),
        "dt_update": _local(claim.decided_at or claim.at),
        "photos": [],
        "video_paths": [],
        "actions": [] if claim.status else ["approve1", "autorefund1", "reject1"],
        "price": order.price // 100,
        "currency_code": str(order.currency),
        "srid": order.rid,
        "origin_id_info": None,
        "delivery_dt": _moscow(order.created_at).replace(tzinfo=None).isoformat(timespec="seconds"),
    }


def _parcel(parcel: Parcel) -> dict[str, Any]:
    order = parcel.order
    active = parcel.given_at is None and not parcel.gone
    return {
        "barcode": order.size.skus[0],
        "brand": order.card.brand,
        "completedDt": _local(parcel.given_at) if parcel.given_at is not None else None,
        "dstOfficeAddress": "Примерск, ул. Образцовая, 1",
        "dstOfficeId": 310105,
        "expiredDt": None,
        "isStatusActive": 1 if active else 0,
        "nmId": order.card.nm_id,
        "orderDt": str(_moscow(parcel.at).date()),
        "orderId": order.id,
        "readyToReturnDt": _local(parcel.ready_at) if parcel.ready_at is not None else None,
        "reason": parcel.reason,
        "returnType": parcel.kind,
        "shkId": parcel.number,
        "srid": order.rid,
        "status": "В пути в пвз" if active else "Выдано",
        "stickerId": str(order.id),
        "subjectName": "Кружки",
        "techSize": order.size.tech_size,
    }
