"""A channel's own rules of prices, declared once by its connector: for the seller's rules and for what it foresees.

A price that a channel refuses leaves the old one standing, so what can be made fit is made fit beforehand, and told.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

_WHOLE = Decimal(100)
_DEEPEST = 99


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a crossed-out price must at least be above a price of up to ``up_to`` (None: of any).

    ``amount`` is in money, ``share`` a part of the crossed-out price.
    """

    up_to: Decimal | None = None
    amount: Decimal = Decimal(0)
    share: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PriceHabits:
    """What a channel takes; without any, whatever is told in kopecks.

    ``step``: prices are multiples of it, and ``old_step``: crossed-out prices of it. ``gaps``: by price, ascending;
    the first that fits holds. ``most_discount``: as a share of the crossed-out price. ``strict``: what is just as
    much as a gap or ``most_discount`` is refused too. ``whole_percent``: the channel takes the crossed-out price and a
    discount in whole percents, and sells at what they make. ``least_min``: the minimum price is at least this share of
    the price. ``cheaper``: a price that becomes so many times cheaper, or more, is held back by the channel for a
    person to confirm, and ``change``: one that moves by this share or more.
    """

    step: Decimal = Decimal("0.01")
    old_step: Decimal = Decimal("0.01")
    gaps: tuple[Gap, ...] = ()
    most_discount: Decimal | None = None
    strict: bool = False
    whole_percent: bool = False
    least_min: Decimal | None = None
    cheaper: int | None = None
    change: Decimal | None = None

    def gap(self, price: Decimal) -> Gap:
        """Return the gap that a price of so much asks for."""
        return next((gap for gap in self.gaps if gap.up_to is None or price <= gap.up_to), Gap())

    def near(self, price: Decimal, old: Decimal) -> bool:
        """Whether the crossed-out price is not far enough above the price."""
        gap, apart = self.gap(price), old - price
        if apart <= 0 or apart < gap.amount or apart < old * gap.share:
            return True
        return self.strict and (apart == gap.amount or apart == old * gap.share)

    def deep(self, price: Decimal, old: Decimal) -> bool:
        """Whether the discount is more than the channel takes."""
        if self.most_discount is None:
            return False
        most = old * self.most_discount
        return old - price > most or (self.strict and old - price == most)

    def holds_back(self, before: Decimal, after: Decimal) -> bool:
        """Whether the channel keeps the price ``before`` until a person confirms the new one."""
        if before <= 0:
            return False
        if self.cheaper is not None and after * self.cheaper <= before:
            return True
        return self.change is not None and abs(after - before) >= before * self.change


def whole_discount(price: Decimal, old: Decimal) -> int:
    """Return the discount in percent, below 100, that is nearest to what makes ``price`` of ``old``."""
    return min(int((_WHOLE - _WHOLE * price / old).to_integral_value(ROUND_HALF_UP)), _DEEPEST)


def before_discount(price: Decimal, percent: int, rounding: str = ROUND_CEILING) -> Decimal:
    """Return the whole amount that becomes ``price``, nearly, when ``percent`` (below 100) is taken off."""
    return (price * _WHOLE / (_WHOLE - percent)).to_integral_value(rounding)


def after_discount(old: Decimal, percent: int) -> Decimal:
    """Return what is left of ``old``."""
    return old * (_WHOLE - percent) / _WHOLE
