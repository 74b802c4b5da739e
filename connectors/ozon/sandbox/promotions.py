"""Promotions: some are made by Ozon, which the seller's goods are in by themselves, and can leave by a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Cabinet, Invalid, Product
from obmen.testing.sandbox import Request, Response, route

_BEGAN, _ENDS = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


@dataclass
class Action:
    """A promotion: article → what buyers pay."""

    title: str
    prices: dict[str, Decimal] = field(default_factory=dict)


class Promotions(Cabinet):
    """The calls about promotions. ``promoted``: article → what buyers pay in a promotion of the seller's own."""

    def reset(self) -> None:
        """Forget the promotions too."""
        super().reset()
        self.promoted: dict[str, Decimal] = {}
        self.actions: dict[int, Action] = {}

    def promote(self, title: str, prices: Mapping[str, Decimal]) -> int:
        """Put goods into a promotion of Ozon's at these prices; return its number."""
        number = 1001 + len(self.actions)
        self.actions[number] = Action(title, dict(prices))
        return number

    @route("GET", "/v1/actions")
    def promotions(self, request: Request) -> Response:  # noqa: ARG002 - called like the others
        """``Promos``."""
        rows = [
            {
                "id": number,
                "title": action.title,
                "action_type": "DISCOUNT",
                "description": "",
                "date_start": _BEGAN,
                "date_end": _ENDS,
                "freeze_date": "",
                "potential_products_count": len(self.products),
                "participating_products_count": len(action.prices),
                "is_participating": bool(action.prices),
                "is_voucher_action": False,
                "banned_products_count": 0,
                "with_targeting": False,
                "order_amount": 0,
                "discount_type": "UNKNOWN",
                "discount_value": 0,
            }
            for number, action in self.actions.items()
        ]
        return Response(json={"result": rows})

    @route("POST", "/v1/actions/products/deactivate")
    def leave_promotion(self, request: Request) -> Response:
        """``PromosProductsDeactivate``."""
        asked = self.body(request, bodies.LeavePromotion)
        action = self.actions.get(asked.action_id)
        if action is None:
            raise Invalid("no such action", 404)
        left, rejected = [], []
        for number in asked.product_ids:
            product = self.by_id.get(number)
            if product is not None and action.prices.pop(product.offer_id, None) is not None:
                left.append(number)
            else:
                rejected.append({"product_id": number, "reason": "the product is not in the action"})
        return Response(json={"result": {"product_ids": left, "rejected": rejected}})

    def live_price(self, product: Product) -> Decimal:
        """Return what buyers pay: the least of all promotions."""
        told = [one.prices[product.offer_id] for one in self.actions.values() if product.offer_id in one.prices]
        return min([self.promoted.get(product.offer_id, product.price), *told])

    def actions_of(self, product: Product) -> dict[str, Any]:
        """Return the promotions that a product is in, as its price tells them."""
        told = [
            {"title": one.title, "value": int(one.prices[product.offer_id]), "date_from": _BEGAN, "date_to": _ENDS}
            for one in self.actions.values()
            if product.offer_id in one.prices
        ]
        if not told:
            return {"actions": [], "ozon_actions_exist": bool(self.actions)}
        period = {"current_period_from": _BEGAN, "current_period_to": _ENDS}
        return {**period, "actions": told, "ozon_actions_exist": True}
