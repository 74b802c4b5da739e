"""Ozon's rules of prices, told before the call: how far a crossed-out price must be above the price, and the floor.

``HABITS`` tells them to the seller's rules too. Prices have two places at most (``ProductAPI_ImportProductsPrices``).
How far they must be apart stands among that method's errors (``discount_for_low_price_is_too_small`` and those beside
it, ``discount_too_big``). The lowest price is at most the price and at least half of it: the errors
``price_less_than_min_auto_price`` and ``min_auto_price_too_small``, which Ozon's news names.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from obmen.rules.habits import Gap, PriceHabits

_TOP, _DEEPEST, _HALF = Decimal(10_000), Decimal("0.9"), Decimal("0.5")
HABITS = PriceHabits(
    gaps=(
        Gap(up_to=Decimal(400), amount=Decimal(20)),
        Gap(up_to=_TOP, share=Decimal("0.05")),
        Gap(amount=Decimal(500)),
    ),
    most_discount=_DEEPEST,
    strict=True,
    least_min=_HALF,
)


def fault(row: Mapping[str, Any]) -> str:
    """Say which rule a price breaks (a row of ``ProductAPI_ImportProductsPrices``); "" if none."""
    price, old, lowest = (_amount(row.get(name)) for name in ("price", "old_price", "min_price"))
    if price is None or price <= 0:
        return f"the price is {row.get('price')}, and Ozon takes no price of zero"
    if old:
        broken = _gap(price, old)
        if broken:
            return broken
    if lowest and lowest > price:
        return f"the lowest price {lowest:f} is above the price {price:f}"
    if lowest and lowest < price * _HALF:
        return f"the lowest price {lowest:f} is under half of the price {price:f}"
    return ""


def _gap(price: Decimal, old: Decimal) -> str:
    gap, wanted = old - price, HABITS.gap(price)
    between = f"between the price {price:f} and the crossed-out {old:f} there are {gap:f}"
    if gap <= 0:
        return f"the crossed-out price {old:f} is not above the price {price:f}"
    if HABITS.near(price, old):
        where = f"up to {wanted.up_to:f}" if wanted.up_to else f"above {_TOP:f}"
        least = f"{wanted.share * 100:.0f} %" if wanted.share else f"{wanted.amount:f}"
        return f"{between}, and {where} Ozon wants more than {least}"
    if HABITS.deep(price, old):
        return f"{between}, and Ozon takes a discount of less than {_DEEPEST * 100:.0f} %"
    return ""


def _amount(text: Any) -> Decimal | None:
    try:
        return Decimal(str(text)) if text not in (None, "") else None
    except InvalidOperation:
        return None
