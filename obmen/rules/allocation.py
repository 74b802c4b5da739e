"""How much of one SKU each channel is told, between what the source has and what channels sell.

Prevents two failures: the same unit promised in two channels, and a number that nobody can explain. Everything is
reckoned from values that are given, so the same values always give the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec

from obmen.rules.available import Stocks, available, on_hand
from obmen.rules.split import surely_free
from obmen.rules.steps import Step
from obmen.rules.stock import Allocation, Channel, Pool, Service, bound_to, parts_of, pools_of
from obmen.rules.stock_steps import steps_of
from obmen.rules.wanted import of_left, remembered, wanted

__all__ = ["Allocation", "Allotment", "Channel", "Pool", "Step", "allot", "bound_to", "parts_of", "pools_of"]

_NONE = Decimal(0)


class Allotment(msgspec.Struct, frozen=True, gc=False):
    """What each channel is told now, and ``wanted``: what it is to have once the others show what they were told.

    The other values are what it was reckoned from.
    """

    told: Mapping[str, int]
    wanted: Mapping[str, int]
    service: Service
    sku: str
    pool: str
    free: Stocks
    taken: Mapping[str, Decimal]

    @property
    def steps(self) -> tuple[Step, ...]:
        """How the numbers came about, reckoned when it is asked for; see ``steps_of``."""
        return steps_of(self.service, self.sku, self.pool, self.free, self.taken, self.wanted, self.told)


def allot(
    rules: Allocation,
    sku: str,
    pool: str,
    free: Stocks,
    taken: Mapping[str, Decimal],
    sellers: Sequence[str],
    shown: Mapping[str, int],
    unsure: Collection[str] = (),
) -> Allotment:
    """Return what each of ``sellers`` is told of one SKU in one pool.

    ``free`` holds the SKU, or for a kit its parts. ``taken``: SKU → units of this pool that orders took and the
    source has not counted, of all that ``bound_to`` names. ``shown``: channel → the most that it may show now,
    confirmed or on its way, also of channels that sell it no more. ``unsure``: those of them that may show less.
    """
    channels = tuple(sellers)
    service = rules.services.get(channels) or rules.service(channels)
    stock = free.get(sku)
    if stock is None or sku in service.special:
        units, whole = available(rules, sku, pool, free, taken)
        each = wanted(service, sku, units, whole)
    else:
        made = service.pools.get(pool)
        left = stock.get(pool, _NONE) if made is None else on_hand(made, stock)
        if taken and sku in taken:
            left -= taken[sku]
        number = int(left)
        if service.by_whole or number == left:
            units, each = service.of_left.get(number) or remembered(service, sku, left, number)
        else:
            units, each = of_left(service, sku, left)
    if service.oversell or (each == shown and not unsure):
        return Allotment(each, each, service, sku, pool, free, taken)
    told = surely_free(units, each, shown, unsure)
    return Allotment(told, each, service, sku, pool, free, taken)
