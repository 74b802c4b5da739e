"""A price and a crossed-out price in Wildberries' words: whole rubles and a whole percent.

Wildberries has no crossed-out price. It takes a price and a discount, both whole, and sells at
``price × (1 − discount)``. So 990 of 1500 is 1500 − 34 %, but 1990 of 2500 cannot be said: 2500 − 20 % is 2000.
Silently selling at another price than 1C's is how a seller loses money on every order, so what cannot be said is
refused, or goes to the next price that can be said where the connection's ``rounding`` allows it.

``HABITS`` tells this to the seller's rules, with what ``/api/v2/upload/task`` takes (``price`` and ``discount`` are
integers, a discount is at most 99) and ``/api/v2/quarantine/goods`` holds back (three times cheaper or more).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal

from obmen.errors import Refused
from obmen.rules.habits import PriceHabits, after_discount, before_discount, whole_discount

Rounding = Literal["refuse", "up", "down", "nearest"]
_MODES = {"up": ROUND_CEILING, "down": ROUND_FLOOR, "nearest": ROUND_HALF_UP, "refuse": ROUND_HALF_UP}
HABITS = PriceHabits(step=Decimal(1), old_step=Decimal(1), most_discount=Decimal("0.99"), whole_percent=True, cheaper=3)


@dataclass(frozen=True, slots=True)
class Said:
    """What Wildberries is told: whole rubles before the discount, and the discount in whole percents."""

    price: int
    discount: int

    @property
    def sold(self) -> Decimal:
        """What the buyer pays before Wildberries' own discounts."""
        return after_discount(Decimal(self.price), self.discount).normalize()


def say(amount: Decimal, old_amount: Decimal | None, rounding: Rounding) -> Said:
    """Return the price and the discount for what is to be paid and what is to be crossed out.

    Raises Refused (``kopecks``, ``no_whole_discount``, ``not_a_price``) for what whole numbers cannot say where
    ``rounding`` is ``refuse``.
    """
    if amount <= 0:
        raise Refused(
            f"{amount} is no price for Wildberries: it must be above zero.", code="not_a_price", field="amount"
        )
    if old_amount is None or old_amount <= amount:
        return Said(_whole(amount, rounding, "amount"), 0)
    percent = whole_discount(amount, old_amount)
    if rounding != "refuse":
        return Said(max(int(before_discount(amount, percent, _MODES[rounding])), 1), percent)
    said = Said(_whole(old_amount, rounding, "old_amount"), percent)
    if said.sold != amount:
        message = (
            f"Wildberries takes whole percents: {said.price} − {percent} % is {plain(said.sold)}, not {plain(amount)}. "
            "Change one of the two prices in the source, or allow it with rounding: nearest in this connection."
        )
        raise Refused(message, code="no_whole_discount", field="old_amount")
    return said


def _whole(amount: Decimal, rounding: Rounding, field: str) -> int:
    whole = amount.to_integral_value(_MODES[rounding])
    if rounding == "refuse" and whole != amount:
        message = (
            f"Wildberries takes whole rubles, {plain(amount)} has kopecks. Round it in the source, or allow it with "
            "rounding: nearest in this connection."
        )
        raise Refused(message, code="kopecks", field=field)
    return max(int(whole), 1)


def plain(amount: Decimal) -> str:
    """Write an amount without an exponent or idle zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
