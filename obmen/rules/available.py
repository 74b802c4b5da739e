"""How many units of one SKU a pool has for channels: what is there, what orders took, what is kept back, kits."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from obmen.rules.stock import Allocation, Pool

Stocks = Mapping[str, Mapping[str, Decimal]]
"""SKU → the source's warehouse → what may be sold from it, less what the source has reserved itself."""

_NONE = Decimal(0)
_NOWHERE: Mapping[str, Decimal] = {}


class Left(NamedTuple):
    """Of one SKU in a pool: on hand, taken by orders, left after them (never below 0), and less what is kept back."""

    there: Decimal
    gone: Decimal
    left: Decimal
    free: Decimal


def available(rules: Allocation, sku: str, pool: str, free: Stocks, taken: Mapping[str, Decimal]) -> tuple[int, int]:
    """Return the whole units that may be shown, and how many there would be if none were kept back."""
    parts = rules.kits.get(sku)
    if parts is None:
        one = left_of(rules, sku, pool, free, taken)
        return int(portion(rules, sku, sku, one.free)), int(one.left)
    units, most = [], []
    for part, quantity in parts.items():
        one = left_of(rules, part, pool, free, taken)
        units.append(int(portion(rules, part, sku, one.free) // quantity))
        most.append(int(one.left // quantity))
    return min(units), min(most)


def left_of(rules: Allocation, sku: str, pool: str, free: Stocks, taken: Mapping[str, Decimal]) -> Left:
    """Return what is left of a SKU that is no kit."""
    there = on_hand(rules.pools.get(pool) or Pool((pool,)), free.get(sku, _NOWHERE))
    gone = _gone(rules, sku, taken) if taken else _NONE
    left = there - gone
    if left <= 0:
        return Left(there, gone, _NONE, _NONE)
    kept = max(rules.safety, left * rules.safety_share) if rules.safety_share else rules.safety
    return Left(there, gone, left, left - kept if left > kept else _NONE)


def portion(rules: Allocation, part: str, sku: str, free: Decimal) -> Decimal | int:
    """Return what of a part's free units may be promised under one SKU: its own, or that of a kit with it.

    Where nothing may be promised twice, they are divided evenly among the SKUs that they are sold as, and the
    first of them get what is left over. So no portion falls when there is more to divide.
    """
    names = () if rules.oversell else rules.sold_as.get(part, ())
    if names in ((), (sku,)) or sku not in names:
        return free
    each, over = divmod(int(free), len(names))
    return each + (names.index(sku) < over)


def warehouses_of(rules: Allocation, pool: str) -> tuple[str, ...]:
    """Return the source's warehouses that a pool takes from."""
    found = rules.pools.get(pool)
    return (pool,) if found is None else found.warehouses


def less_safety(rules: Allocation, left: Decimal) -> tuple[int, int]:
    """Return the whole units that are left when some are kept back, and how many there are with those."""
    kept = max(rules.safety, left * rules.safety_share)
    return (int(left - kept) if left > kept else 0, int(left) if left > _NONE else 0)


def on_hand(pool: Pool, stock: Mapping[str, Decimal]) -> Decimal:
    """Return what a pool has; a warehouse below zero has nothing."""
    if pool.take == "first":
        return next((stock[name] for name in pool.warehouses if name in stock and stock[name] > 0), _NONE)
    total = _NONE
    for name in pool.warehouses:
        amount = stock.get(name)
        if amount is not None and amount > _NONE:
            total += amount
    return total


def _gone(rules: Allocation, sku: str, taken: Mapping[str, Decimal]) -> Decimal:
    """Return what orders took of a SKU, singly and in kits."""
    total = taken.get(sku, _NONE)
    for kit, quantity in rules.uses.get(sku, ()):
        total += taken.get(kit, _NONE) * quantity
    return total
