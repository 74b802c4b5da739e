"""Returns: goods that come back, told by two lists that know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.cabinet import Invalid, Line, Posting, stamp
from connectors.ozon.sandbox.labels import Labels
from obmen.testing.sandbox import Request, Response, route

_FIRST_RETURN = 1_000_015_000
_BY_SELLER = "non_integrated"
_WITH_SELLER = "ReceivedBySeller"


@dataclass
class Returned:
    """Units of one product that come back. ``status`` is ``sys_name``, or by rFBS the group of states."""

    id: int
    posting: Posting
    line: Line
    quantity: int
    kind: str
    reason: str
    status: str
    schema: str
    created_at: float
    changed_at: float
    final_at: float | None = None


class Returns(Labels):
    """The lists of returns, and what a buyer sends back.

    Custom fault: ``endless_returns`` (more is promised, and the same is told).
    """

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.returned: list[Returned] = []

    def send_back(
        self,
        number: str,
        offer_id: str,
        quantity: int = 1,
        *,
        kind: str = "ClientReturn",
        reason: str = "Не подошло",
        schema: str = "",
    ) -> str:
        """A buyer sends goods of a posting back; return the return's number.

        ``kind``: ``ClientReturn`` after delivery, ``FullReturn`` or ``PartialReturn`` at the door,
        ``Cancellation`` before. A posting that the seller delivers himself has an application by rFBS.
        """
        with self.lock:
            posting = self.postings[number]
            line = next(line for line in posting.lines if line.product.offer_id == offer_id)
            own = posting.integration == _BY_SELLER
            made = Returned(
                _FIRST_RETURN + len(self.returned),
                posting,
                line,
                quantity,
                kind,
                reason,
                "New" if own else "WaitingShipment",
                schema or ("RFBS" if own else "FBS"),
                self.now(),
                self.now(),
            )
            self.returned.append(made)
            self.accrue_return(posting, line, quantity)
            return return_number(made)

    def refuse_at_the_door(self, number: str) -> list[str]:
        """The buyer does not take a posting that is on its way; all of it comes back. Return the returns' numbers."""
        with self.lock:
            posting = self.postings[number]
            self.cancel_posting(posting, 507, "Покупатель отказался при вручении", "client", "Клиент")
            reason = "Покупатель отказался при вручении"
            pairs = [(line.product.offer_id, line.quantity) for line in posting.lines]
            return [self.send_back(number, *pair, kind="FullReturn", reason=reason) for pair in pairs]

    def move_return(self, number: str, status: str) -> None:
        """Let a return go on, such as to ``MovingToSeller``, ``ArrivedAtReturnPlace``, ``ReceivedBySeller``."""
        with self.lock:
            made = next(one for one in self.returned if return_number(one) == number)
            made.status, made.changed_at = status, self.now()
            if status == _WITH_SELLER:
                made.final_at = self.now()
                self.put_back(made.posting, made.line.product.sku, made.quantity)

    def accrue_return(self, posting: Posting, line: Line, quantity: int) -> None:
        """Note what Ozon takes back for returned goods."""

    @route("POST", "/v1/returns/list")
    def list_returns(self, request: Request) -> Response:
        """``returnsList``: one span of time only."""
        asked = self.body(request, bodies.Returns)
        wanted = asked.filter
        spans = (
            wanted.logistic_return_date,
            wanted.storage_tariffication_start_date,
            wanted.visual_status_change_moment,
        )
        if sum(span is not None for span in spans) > 1:
            raise Invalid("only one filter by date can be used")
        chosen = [
            one
            for one in self.returned
            if one.schema != "RFBS"
            and one.id > asked.last_id
            and _within(one.created_at, wanted.logistic_return_date)
            and _within(one.changed_at, wanted.visual_status_change_moment)
            and (not wanted.return_schema or one.schema == wanted.return_schema)
            and (not wanted.posting_numbers or one.posting.number in wanted.posting_numbers)
        ]
        told = chosen[: asked.limit]
        if self.fault("endless_returns"):
            return Response(json={"returns": [], "has_next": True})
        return Response(json={"returns": [_shown(one) for one in told], "has_next": len(chosen) > len(told)})

    @route("POST", "/v2/returns/rfbs/list")
    def list_own_returns(self, request: Request) -> Response:
        """``RFBSReturnsAPI_ReturnsRfbsListV2``."""
        asked = self.body(request, bodies.OwnReturns)
        wanted = asked.filter
        chosen = [
            one
            for one in self.returned
            if one.schema == "RFBS"
            and one.id > asked.last_id
            and (wanted.created_at.begin is None or one.created_at >= wanted.created_at.begin.timestamp())
            and (wanted.created_at.to is None or one.created_at <= wanted.created_at.to.timestamp())
            and (not wanted.posting_number or one.posting.number == wanted.posting_number)
            and (not wanted.group_state or {"All", one.status} & set(wanted.group_state))
        ]
        return Response(json={"returns": [_applied(one) for one in chosen[: asked.limit]]})


def return_number(one: Returned) -> str:
    """Return the number by which sellers know a return."""
    return f"RET-{one.id}" if one.schema == "RFBS" else str(one.id)


def _within(moment: float, span: bodies.Period | None) -> bool:
    return span is None or span.time_from.timestamp() <= moment <= span.time_to.timestamp()


def _shown(one: Returned) -> dict[str, Any]:
    product, posting = one.line.product, one.posting
    money = {"currency_code": product.currency, "price": one.line.price}
    logistic: dict[str, Any] = {"return_date": stamp(one.created_at), "barcode": f"ii{one.id}"}
    if one.final_at is not None:
        logistic["final_moment"] = stamp(one.final_at)
    return {
        "id": one.id,
        "company_id": 1000,
        "return_reason_name": one.reason,
        "type": one.kind,
        "schema": one.schema,
        "order_id": posting.order_id,
        "order_number": posting.order_number,
        "posting_number": posting.number,
        "product": {
            "sku": product.sku,
            "offer_id": product.offer_id,
            "name": product.card.get("name", ""),
            "price": money,
            "price_without_commission": money,
            "quantity": one.quantity,
        },
        "logistic": logistic,
        "visual": {
            "status": {"id": 1, "display_name": one.status, "sys_name": one.status},
            "change_moment": stamp(one.changed_at),
        },
        "exemplars": [{"id": unit.id} for unit in posting.units if unit.sku == product.sku][: one.quantity],
    }


def _applied(one: Returned) -> dict[str, Any]:
    product = one.line.product
    return {
        "return_id": one.id,
        "return_number": return_number(one),
        "posting_number": one.posting.number,
        "order_number": one.posting.order_number,
        "client_name": "Иван Образцов",
        "created_at": stamp(one.created_at),
        "product": {
            "sku": product.sku,
            "offer_id": product.offer_id,
            "name": product.card.get("name", ""),
            "price": int(one.line.price),
            "currency_code": product.currency,
        },
        "state": {
            "group_state": one.status,
            "money_return_state_name": "",
            "state": one.status.upper(),
            "state_name": one.status,
        },
    }
