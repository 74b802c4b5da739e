"""The calendar of promotions: some are joined by the seller, into others goods get by themselves.

What the vendor leaves open is played as it is hardest to meet: a promotion is told only if it lies wholly within the
period that is asked for, and its discount stays after its end unless it is told to go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.wildberries.sandbox.cabinet import Cabinet, Card, Invalid
from obmen.testing.sandbox import Request, Response, route

_DAY, _FIRST, _MOST = 86400.0, 2001, 1000
_AUTO = "auto"


@dataclass
class Action:
    """A promotion. ``plans``: nmID → what it may cost and the discount that makes it so; ``goods``: those within.

    ``before``: nmID → the discount that the good had, once the promotion has begun.
    """

    number: int
    name: str
    kind: str
    begins: float
    ends: float
    back: bool
    plans: dict[int, tuple[Decimal, int]]
    goods: set[int]
    before: dict[int, int] | None = None
    over: bool = False


class Promotions(Cabinet):
    """The calls about promotions."""

    def reset(self) -> None:
        """Forget promotions too."""
        super().reset()
        self.promotions: list[Action] = []

    # -- hands --------------------------------------------------------------------------------------------

    def promote(
        self,
        name: str,
        discounts: Mapping[str, int],
        *,
        kind: str = "regular",
        begins: float = 0.0,
        days: float = 7.0,
        back: bool = False,
    ) -> int:
        """Put goods (vendor code → discount, %) into a promotion that begins in so many seconds; return its number.

        ``kind``: ``auto`` is one that goods get into by themselves. ``back``: discounts of before come back at its end.
        """
        by_code = {card.vendor_code: card for card in self.cards.values()}
        plans = {by_code[code].nm_id: (sold(by_code[code].price, one), one) for code, one in discounts.items()}
        start = self.now() + begins
        number = _FIRST + len(self.promotions)
        made = Action(number, name, kind, start, start + days * _DAY, back, plans, set(plans))
        self.promotions.append(made)
        return number

    # -- calls --------------------------------------------------------------------------------------------

    @route("GET", "/api/v1/calendar/promotions")
    def list_promotions(self, request: Request) -> Response:
        """Promotions of a period."""
        try:
            since, until = (_moment(request.query[name]) for name in ("startDateTime", "endDateTime"))
        except (KeyError, ValueError):
            return _no(400, "Failed to parse data")
        if "allPromo" not in request.query:
            return _no(400, "Failed to parse data")
        rows = [
            {
                "id": one.number,
                "name": one.name,
                "startDateTime": _told(one.begins),
                "endDateTime": _told(one.ends),
                "type": one.kind,
            }
            for one in self.promotions
            if since <= one.begins and one.ends <= until
        ]
        return Response(json={"data": {"promotions": _page(request, rows)}})

    @route("GET", "/api/v1/calendar/promotions/nomenclatures")
    def goods_of_promotion(self, request: Request) -> Response:
        """Goods that are in a promotion, or could be; not for those that goods get into by themselves."""
        number, within = request.query.get("promotionID", ""), request.query.get("inAction")
        if not number.isdecimal() or within not in {"true", "false"}:
            return _no(400, "Invalid query params")
        self.run_promotions()
        action = next((one for one in self.promotions if one.number == int(number)), None)
        if action is None or action.over or action.kind == _AUTO:
            return _no(422, "Unprocessable entity")
        rows = list(self._rows(action, within=within == "true"))
        return Response(json={"data": {"nomenclatures": _page(request, rows)}})

    # -- inside -------------------------------------------------------------------------------------------

    def run_promotions(self) -> None:
        """Begin and end the promotions whose time has come."""
        for one in self.promotions:
            if one.before is None and one.begins <= self.now():
                one.before = {nm_id: self.cards[nm_id].discount for nm_id in one.goods}
                for nm_id in one.goods:
                    self.cards[nm_id].discount = max(self.cards[nm_id].discount, one.plans[nm_id][1])
            if not one.over and one.ends < self.now():
                one.over = True
                for nm_id in one.goods if one.back else ():
                    self.cards[nm_id].discount = (one.before or {})[nm_id]

    def leave_promotions(self, card: Card) -> None:
        """Take a good out of the promotions for which it has become too dear."""
        for one in self.promotions:
            if (
                one.before is not None
                and card.nm_id in one.goods
                and sold(card.price, card.discount) > one.plans[card.nm_id][0]
            ):
                one.goods.remove(card.nm_id)

    def _rows(self, action: Action, *, within: bool) -> Iterator[dict[str, Any]]:
        for nm_id, (price, discount) in action.plans.items():
            if (nm_id in action.goods) == within:
                card = self.cards[nm_id]
                yield {
                    "id": nm_id,
                    "inAction": within,
                    "price": card.price,
                    "currencyCode": self.currency,
                    "planPrice": price,
                    "discount": card.discount,
                    "planDiscount": discount,
                }


def sold(price: int, discount: int) -> Decimal:
    """What the buyer pays."""
    return Decimal(price) * (100 - discount) / 100


def _page(request: Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    limit, offset = int(request.query.get("limit", "10")), int(request.query.get("offset", "0"))
    if not 1 <= limit <= _MOST:
        raise Invalid(_no(400, "Invalid query params"))
    return rows[offset : offset + limit]


def _moment(told: str) -> float:
    return datetime.strptime(told, "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _told(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _no(status: int, text: str) -> Response:
    return Response(status, {"errorText": text})
