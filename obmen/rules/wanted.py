"""What each channel should be shown of the units that are there, as if all of them heard of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from obmen.rules.available import less_safety
from obmen.rules.split import by_shares, in_turn
from obmen.rules.stock import Service

_REMEMBERED = 10_000
_Number = TypeVar("_Number")
_Found = TypeVar("_Found")


def wanted(service: Service, sku: str, units: int, whole: int) -> Mapping[str, int]:
    """Return channel → what it should show of ``units``; ``whole`` is how many there are with those kept back."""
    if sku in service.rules.stop or any(sku in stop for stop in service.stop):
        return _wanted(service, sku, units, whole)
    return _everywhere(service, sku, units, whole)


def of_left(service: Service, sku: str, left: Decimal) -> tuple[int, Mapping[str, int]]:
    """Return the units of a SKU that is not special which may be shown of what is left, and ``wanted`` of them."""
    units, whole = less_safety(service.rules, left)
    return units, _everywhere(service, sku, units, whole)


def remembered(service: Service, sku: str, left: Decimal, number: int) -> tuple[int, Mapping[str, int]]:
    """Return the same, and keep it under this number."""
    return _kept(service.of_left, number, of_left(service, sku, left))


def _everywhere(service: Service, sku: str, units: int, whole: int) -> Mapping[str, int]:
    """Return the same of a SKU that is on no stop-list, and remember it."""
    found = service.known.get((units, whole))
    return _kept(service.known, (units, whole), _wanted(service, sku, units, whole)) if found is None else found


def _kept(known: dict[_Number, _Found], number: _Number, found: _Found) -> _Found:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[number] = found
    return found


def _wanted(service: Service, sku: str, units: int, whole: int) -> dict[str, int]:
    limits = limited(service, sku, units, whole)
    rules = service.rules
    if units <= rules.last:
        only = next((place for place in range(len(limits)) if _sells(service, place, sku)), 0)
        limits = [limit if place == only else 0 for place, limit in enumerate(limits)]
    if not rules.oversell:
        limits = in_turn(units, limits) if service.turns else by_shares(units, service.shares, limits)
    return dict(zip(service.order, limits, strict=True))


def limited(service: Service, sku: str, units: int, whole: int) -> list[int]:
    """Return the most that each channel, by its place, may be shown, whatever the others are."""
    if sku in service.rules.stop:
        return [0] * len(service.order)
    return [
        at_most(service, place, units, whole) if _sells(service, place, sku) else 0
        for place in range(len(service.order))
    ]


def _sells(service: Service, place: int, sku: str) -> bool:
    return sku not in service.stop[place] and service.shares[place] > 0 and service.most[place] != 0


def at_most(service: Service, place: int, units: int, whole: int) -> int:
    """Return the most that a channel which sells a SKU may be shown of it."""
    most, safety = service.most[place], service.safety[place]
    limit = units if most is None else min(units, most)
    if safety is not None:
        limit = min(limit, max(0, int(whole - safety)))
    if service.rules.oversell and service.shares[place] != service.scale:
        limit = min(limit, -(-units * service.shares[place] // service.scale))
    return limit
