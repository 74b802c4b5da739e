"""What can be told of rules of prices before any price is read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from obmen.errors import meant
from obmen.project.problems import Problems
from obmen.project.settings import FlowSettings
from obmen.rules.costs import least_price
from obmen.rules.pricing import Pricing, Terms
from obmen.rules.rounding import Rounding

Path_ = tuple[Any, ...]


def check_pricing(flow: FlowSettings, flows: Mapping[str, FlowSettings], problems: Problems) -> None:
    """Note whatever keeps the rules of a flow's prices from working as they are written."""
    if flow.pricing is None:
        return
    at = ("flows", flow.name, "pricing")
    if flow.entity != "price":
        problems.add(at, f"'pricing' is for flows of price, and this flow carries {flow.entity}.")
        return
    for name in flow.pricing.channels:
        if name not in flow.targets:
            message = f"This flow does not write to '{name}'.{meant(name, flow.targets)}"
            problems.add((*at, "channels", name), message)
    if flow.pricing.price_types and "price_type" not in flow.where:
        message = "Other price types are named here, so 'where' must say of which one the price is: price_type: …"
        problems.add(at, message)
    _check_goods(flow, flow.pricing, flows, problems, at)
    _check_terms(flow, flow.pricing.usual, problems, at)
    for name, terms in flow.pricing.channels.items():
        _check_terms(flow, terms, problems, (*at, "channels", name))


def _check_goods(
    flow: FlowSettings, pricing: Pricing, flows: Mapping[str, FlowSettings], problems: Problems, at: Path_
) -> None:
    asks = any(rule.needs_product for terms in (pricing.usual, *pricing.channels.values()) for rule in terms.rules)
    if asks and not any(one.entity == "product" and one.source == flow.source for one in flows.values()):
        message = (
            f"Rules ask for the brand or category of goods, and no flow reads product from '{flow.source}'. "
            "Add one; with to: [] it only reads."
        )
        problems.add((*at, "rules"), message)


def _check_terms(flow: FlowSettings, terms: Terms, problems: Problems, at: Path_) -> None:
    sold = terms.price_type or flow.where.get("price_type", "")
    seen = {sold: "the price itself"} if sold else {}
    asides = {"old": terms.old, "min": terms.min}
    named = {key: aside.price_type if aside else "" for key, aside in asides.items()} | {"cost": terms.cost}
    for key, price_type in named.items():
        if price_type and price_type in seen:
            problems.add(_nearest(flow, at, key), f"The price type '{price_type}' is {seen[price_type]} already.")
        seen[price_type] = f"'{key}'"
    if terms.floor is None:
        return
    if not terms.cost:
        problems.add(_nearest(flow, at, "floor"), "A floor hangs on the cost. Say cost: { price_type: … } as well.")
    vat = Decimal(0) if terms.fees.vat == "none" else Decimal(terms.fees.vat)
    if least_price(terms.fees, Decimal(1), terms.floor.margin, vat, Rounding()) is None:
        message = "Commission, acquiring, VAT and margin take 100% of a price or more, so no price is enough."
        problems.add(_nearest(flow, at, "floor"), message)


def _nearest(flow: FlowSettings, at: Path_, key: str) -> Path_:
    """Return where a key of a channel stands: with the channel, or among what holds for all."""
    own = ".".join([*at[2:], key])
    return (*at, key) if own in flow.lines else (*at[:3], key)
