"""Ozon's rules of prices, told before the call: how far a crossed-out price must be above the price, and the floor."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

_LOW, _TOP = Decimal(400), Decimal(10_000)
_LOW_GAP, _TOP_GAP = Decimal(20), Decimal(500)
_PERCENT, _MOST_PERCENT = Decimal(5), Decimal(90)
_HALF = 2


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
    if lowest and lowest * _HALF < price:
        return f"the lowest price {lowest:f} is under half of the price {price:f}"
    return ""


def _gap(price: Decimal, old: Decimal) -> str:
    gap = old - price
    between = f"between the price {price:f} and the crossed-out {old:f} there are {gap:f}"
    if gap <= 0:
        return f"the crossed-out price {old:f} is not above the price {price:f}"
    if price <= _LOW and gap <= _LOW_GAP:
        return f"{between}, and up to {_LOW:f} Ozon wants more than {_LOW_GAP:f}"
    if _LOW < price <= _TOP and gap * 100 <= old * _PERCENT:
        return f"{between}, and up to {_TOP:f} Ozon wants more than {_PERCENT:f} %"
    if price > _TOP and gap <= _TOP_GAP:
        return f"{between}, and above {_TOP:f} Ozon wants more than {_TOP_GAP:f}"
    if gap * 100 >= old * _MOST_PERCENT:
        return f"{between}, and Ozon takes a discount of less than {_MOST_PERCENT:f} %"
    return ""


def _amount(text: Any) -> Decimal | None:
    try:
        return Decimal(str(text)) if text not in (None, "") else None
    except InvalidOperation:
        return None
