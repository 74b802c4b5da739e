"""Rounding to the prices that a seller likes to see, such as those that end in 9; exact, and never through a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Way = Literal["nearest", "up", "down"]
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rounding:
    """Amounts that are allowed: multiples of ``to``, each ``less`` something; the first is the least above zero.

    ``to`` is above zero, ``less`` at least zero and below ``to``. Half way goes up.
    """

    to: Decimal = Decimal("0.01")
    way: Way = "nearest"
    less: Decimal = Decimal(0)

    def of(self, amount: Decimal) -> Decimal:
        """Return the allowed amount for this one; one that is allowed already stays. ``amount`` is at least zero."""
        whole, rest = divmod(amount + self.less, self.to)
        further = rest > 0 and (self.way == "up" or (self.way == "nearest" and rest * 2 >= self.to))
        return self._point(whole + 1 if further else whole)

    def least(self, amount: Decimal, part: Decimal = _ONE) -> Decimal:
        """Return the least allowed amount of which ``part`` is ``amount`` or more; exact, as no quotient is rounded."""
        whole, rest = divmod(amount + self.less * part, self.to * part)
        return self._point(whole + 1 if rest > 0 else whole)

    def _point(self, number: Decimal) -> Decimal:
        return max(number, _ONE) * self.to - self.less

    def __str__(self) -> str:
        way = "to the nearest" if self.way == "nearest" else f"{self.way} to"
        return f"{way} {self.to:f}" + (f", less {self.less:f}" if self.less else "")
