"""Rules of prices as an integrator writes them, and prices of one good by price type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from obmen.entities import Price, Product
from obmen.mapping.yaml import parse_yaml
from obmen.project.pricing_model import PricingModel
from obmen.rules.habits import PriceHabits
from obmen.rules.pricing import Priced, Pricing, price

ANY = PriceHabits()


def rules(text: str) -> Pricing:
    """Return the rules that the YAML means."""
    return PricingModel.model_validate(parse_yaml(text, "obmen.yaml").data or {}).pricing()


def cost(amount: str, price_type: str = "Розничная", **more: Any) -> Price:
    """Return a price of A-1."""
    return Price(**{"sku": "A-1", "price_type": price_type, "amount": Decimal(amount), "currency": "RUB", **more})


def priced(
    said: str | Pricing,
    amount: str,
    *,
    channel: str = "shop",
    habits: PriceHabits = ANY,
    product: Product | None = None,
    source: dict[str, Any] | None = None,
    **others: str,
) -> Priced:
    """Price A-1: ``others`` are price type → amount, ``source`` further fields of its own price."""
    base = cost(amount, **(source or {}))
    by_type = {name: cost(value, name) for name, value in others.items()} | {base.price_type: base}
    return price(rules(said) if isinstance(said, str) else said, channel, base, by_type, product, habits)


def names(told: Priced) -> list[tuple[str, str]]:
    """Return the steps, each with the number after it."""
    return [(step.name, f"{step.amount:f}") for step in told.steps]
