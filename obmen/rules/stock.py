"""The stock rules of one flow: what an integrator decided, and what follows from it before any number is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Literal

Take = Literal["sum", "first"]
Kits = Mapping[str, Mapping[str, Decimal]]
"""A kit's SKU → SKU of a part → how many of it are in one kit."""
Uses = Mapping[str, tuple[tuple[str, Decimal], ...]]
"""Part → the kits with it, and how many of it each takes."""

_NONE = Decimal(0)
_NO_PARTS: Mapping[str, Decimal] = {}


@dataclass(frozen=True, slots=True)
class Pool:
    """What channels sell from under one name.

    ``take``: ``sum``, all that is in its warehouses; ``first``, what is in the first of them that has any.
    """

    warehouses: tuple[str, ...]
    take: Take = "sum"


@dataclass(frozen=True, slots=True)
class Channel:
    """What is otherwise in one channel.

    ``share``: a share of one. ``most``: instead of everybody's. ``safety``: units that this channel is not shown,
    where it is more than what is kept back from everybody. ``stop``: SKUs that it does not sell.
    """

    share: Decimal | None = None
    most: int | None = None
    safety: Decimal | None = None
    stop: frozenset[str] = frozenset()


_USUAL = Channel()


@dataclass(frozen=True, slots=True)
class Service:
    """How channels are served from one pool: ``order`` is who comes first, the other tuples go by its places.

    ``shares`` are whole numbers, ``scale`` is all of it. ``turns``: each gets all it may before the next.
    ``special``: SKUs that are a matter of their own, being kits, parts, or stopped.

    What was reckoned already is remembered, for few numbers occur, and each often. ``known``: by units and how many
    they are with those kept back. ``of_left``: of SKUs that are not special, the units that may be shown and the
    same, by the whole units that are left after orders. A fraction changes nothing if as many whole units are kept
    back of each (``by_whole``); otherwise what is left with a fraction is reckoned each time.
    """

    rules: Allocation
    order: tuple[str, ...]
    shares: tuple[int, ...]
    scale: int
    most: tuple[int | None, ...]
    safety: tuple[Decimal | None, ...]
    stop: tuple[frozenset[str], ...]
    special: frozenset[str]
    turns: bool
    by_whole: bool
    oversell: bool
    pools: Mapping[str, Pool]
    known: dict[tuple[int, int], Mapping[str, int]] = field(default_factory=dict, compare=False, repr=False)
    of_left: dict[int, tuple[int, Mapping[str, int]]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Allocation:
    """The stock rules of one flow. ``version`` is a digest of all that decides their results.

    ``oversell``: each channel is shown all that is free (or its share of it, rounded up); otherwise what is free
    is divided: by shares, or in the order of ``priority``, or evenly. ``safety``, ``safety_share``: what is kept
    back of each SKU and pool, whichever is more. ``most``: shown at most, in one channel. ``last``: so few units
    are shown only in the first channel of ``priority`` that sells them. ``pools``: name → warehouses; a warehouse
    in none of them is a pool of its own. ``stop``: SKUs that are sold nowhere.
    """

    version: bytes
    oversell: bool = True
    safety: Decimal = _NONE
    safety_share: Decimal = _NONE
    most: int | None = None
    last: int = 0
    priority: tuple[str, ...] = ()
    pools: Mapping[str, Pool] = field(default_factory=dict)
    kits: Kits = field(default_factory=dict)
    stop: frozenset[str] = frozenset()
    channels: Mapping[str, Channel] = field(default_factory=dict)
    services: dict[tuple[str, ...], Service] = field(default_factory=dict, init=False, compare=False, repr=False)

    @cached_property
    def uses(self) -> Uses:
        """Part → the kits with it, in the order in which they are written."""
        found: dict[str, list[tuple[str, Decimal]]] = {}
        for kit, parts in self.kits.items():
            for part, quantity in parts.items():
                found.setdefault(part, []).append((kit, quantity))
        return {part: tuple(kits) for part, kits in found.items()}

    @cached_property
    def sold_as(self) -> Mapping[str, tuple[str, ...]]:
        """Part → under which SKUs its units are sold: its own first, then its kits, without what is stopped."""
        return {
            part: tuple(sku for sku in (part, *(kit for kit, _ in kits)) if sku not in self.stop)
            for part, kits in self.uses.items()
        }

    @cached_property
    def pool_of(self) -> Mapping[str, str]:
        """Warehouse → the pool that it was put into."""
        return {warehouse: name for name, pool in self.pools.items() for warehouse in pool.warehouses}

    def service(self, sellers: tuple[str, ...]) -> Service:
        """Return how these channels are served, and remember it."""
        made = self.services[sellers] = _service(self, sellers)
        return made


def pools_of(rules: Allocation, warehouses: Iterable[str]) -> dict[str, Pool]:
    """Return the pools that these warehouses of the source belong to."""
    found: dict[str, Pool] = {}
    for warehouse in warehouses:
        name = rules.pool_of.get(warehouse)
        if name is not None:
            found[name] = rules.pools[name]
        elif warehouse not in rules.pools:
            found[warehouse] = Pool((warehouse,))
    return found


def parts_of(rules: Allocation, sku: str) -> Mapping[str, Decimal]:
    """Return a kit's parts, each with how many of it are in one kit; nothing for what is no kit."""
    return rules.kits.get(sku, _NO_PARTS)


def bound_to(rules: Allocation, sku: str) -> set[str]:
    """Return the SKUs that are to be reckoned anew when this one's stock or orders have moved, itself among them.

    Of a part: the kits with it; of a kit: its parts, and the other kits with any of them. The orders of the same
    SKUs are what decides about this one.
    """
    parts = parts_of(rules, sku)
    found = {sku, *parts}
    for one in (sku, *parts):
        found.update(kit for kit, _ in rules.uses.get(one, ()))
    return found


def _service(rules: Allocation, sellers: tuple[str, ...]) -> Service:
    first = [name for name in rules.priority if name in sellers]
    order = (*first, *(name for name in sellers if name not in first))
    about = [rules.channels.get(name, _USUAL) for name in order]
    shares, scale = _shares(rules, order)
    return Service(
        rules,
        order,
        shares,
        scale,
        tuple(rules.most if one.most is None else one.most for one in about),
        tuple(one.safety for one in about),
        tuple(one.stop for one in about),
        rules.stop.union(rules.kits, rules.uses, *(one.stop for one in about)),
        bool(rules.priority) and all(one.share is None for one in about),
        not rules.safety_share and rules.safety == int(rules.safety),
        rules.oversell,
        rules.pools,
    )


def _shares(rules: Allocation, order: Sequence[str]) -> tuple[tuple[int, ...], int]:
    """Return shares as whole numbers, and what stands for all of it.

    What the shares of all channels leave is divided evenly among those without one; where everything is shown to
    each, a channel without a share is shown all.
    """
    given = {name: Fraction(one.share) for name, one in rules.channels.items() if one.share is not None}
    if not any(name in given for name in order):
        return (1,) * len(order), 1
    without = sum(name not in given for name in order) or 1
    rest = Fraction(1) if rules.oversell else (1 - sum(given.values(), Fraction(0))) / without
    exact = [given.get(name, rest) for name in order]
    scale = lcm(*(one.denominator for one in exact))
    return tuple(int(one * scale) for one in exact), scale
