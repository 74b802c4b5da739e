"""What a seller may say of prices, as it holds for each channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from obmen.rules.costs import Fees
from obmen.rules.rounding import Rounding


@dataclass(frozen=True, slots=True)
class Aside:
    """A price beside the price: of a ``price_type`` of its own, or ``markup`` over the price (-0.1 is 10 % below)."""

    price_type: str = ""
    markup: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for some goods instead of the usual markup: a ``markup`` of their own, or a fixed ``amount``.

    Whatever of ``skus``, ``brands`` and ``categories`` is given must fit; brands and categories are compared without
    regard to case, a category with each level of the product's. ``name`` is for explanations.
    """

    name: str
    skus: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    markup: Decimal = Decimal(0)
    amount: Decimal | None = None

    @property
    def needs_product(self) -> bool:
        """Whether only the product tells if it fits."""
        return bool(self.brands or self.categories)


@dataclass(frozen=True, slots=True)
class Floor:
    """The price leaves at least ``margin`` (a share of itself); one that does not is raised, or held for a person."""

    margin: Decimal = Decimal(0)
    below: Literal["hold", "raise"] = "hold"


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules as they hold for one channel; a channel's own words have taken the place of the common ones.

    ``price_type``: sold at another than the record's own. ``cost``: the price type that is the cost.
    """

    price_type: str = ""
    markup: Decimal = Decimal(0)
    rules: tuple[Rule, ...] = ()
    round: Rounding | None = None
    old: Aside | None = None
    min: Aside | None = None
    cost: str = ""
    fees: Fees = field(default_factory=Fees)
    floor: Floor | None = None

    @property
    def price_types(self) -> tuple[str, ...]:
        """The price types that they name, beside the record's own."""
        named = (self.price_type, self.old.price_type if self.old else "", self.min.price_type if self.min else "")
        return tuple(name for name in (*named, self.cost) if name)


@dataclass(frozen=True)
class Pricing:
    """Rules of prices. ``currency``: of every amount in them. ``version`` is a digest of what decides their results."""

    version: bytes
    currency: str = "RUB"
    usual: Terms = Terms()
    channels: Mapping[str, Terms] = field(default_factory=dict)

    def of(self, channel: str) -> Terms:
        """Return what holds for a channel."""
        return self.channels.get(channel, self.usual)

    @property
    def price_types(self) -> frozenset[str]:
        """Every price type that is looked at beside the record's own."""
        return frozenset(name for terms in (self.usual, *self.channels.values()) for name in terms.price_types)

    @property
    def needs_product(self) -> bool:
        """Whether a price may hang on its product: on its brand or category, or on its VAT."""
        every = (self.usual, *self.channels.values())
        return any(terms.floor is not None or any(rule.needs_product for rule in terms.rules) for terms in every)
