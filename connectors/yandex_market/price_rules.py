"""Market's rules of prices, kept before the call: one price that breaks them makes Market refuse its whole batch.

``HABITS`` tells them to the seller's rules too: the crossed-out price is a whole number, and the price is 5 to 99 %
below it (``discountBase`` of ``updateBusinessPrices``). How sharp a change is held back
(``getBusinessQuarantineOffers``) is set in each cabinet.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Literal

from connectors.yandex_market.options import MarketOptions
from obmen.records import Native, RecordError
from obmen.rules.habits import Gap, PriceHabits

_LEAST, _MOST = Decimal("0.05"), Decimal("0.99")
HABITS = PriceHabits(old_step=Decimal(1), gaps=(Gap(share=_LEAST),), most_discount=_MOST, change=Decimal("0.5"))
Rounding = Literal["refuse", "up", "down"]
_FIELD = "price.discountBase"


def as_sent(payload: Native, rounding: Rounding, *, shop: bool) -> Native:
    """Return a price as Market takes it: the crossed-out price in whole rubles, where the rounding says how.

    A ``shop``'s own price has no least price for promotions.
    """
    price = dict(payload["price"])
    base = price.get("discountBase")
    if base is not None and rounding != "refuse":
        way = ROUND_CEILING if rounding == "up" else ROUND_FLOOR
        price["discountBase"] = int(Decimal(base).quantize(Decimal(1), rounding=way))
    if shop:
        price.pop("minimumForBestseller", None)
    return {"offerId": payload["offerId"], "price": price}


def fault(row: Native) -> RecordError | None:
    """Return why Market would refuse the price, or None."""
    value, base = Decimal(row["price"]["value"]), row["price"].get("discountBase")
    if value <= 0:
        return RecordError("price_not_positive", f"The price is {value}; Market takes no price of zero.", "price.value")
    if base is None:
        return None
    base = Decimal(base)
    if base != base.to_integral_value():
        message = f"The crossed-out price {base} has kopecks, and Market takes whole rubles only."
        step = "Mend it in the source, or set `rounding: up` or `down` in the connection."
        return RecordError("discount_base_not_whole", f"{message} {step}", _FIELD)
    if HABITS.near(value, base) or HABITS.deep(value, base):
        percent = (base - value) / base * 100
        message = f"The crossed-out price {base} makes a discount of {percent:.1f} % from {value}"
        rule = f"Market takes {_LEAST * 100:.0f} to {_MOST * 100:.0f} %"
        return RecordError("discount_out_of_range", f"{message}; {rule}.", _FIELD)
    return None


def habits_of(options: MarketOptions) -> PriceHabits:
    """Return what holds in a cabinet; what it holds back is no matter where it is confirmed at once."""
    change = None if options.confirm_quarantine else Decimal(options.quarantine_percent) / 100
    return replace(HABITS, change=change)


def jump(value: Decimal, before: Decimal, habits: PriceHabits) -> str:
    """Say that Market will hold the price back for a person to confirm; "" if it will not."""
    if habits.change is None or not habits.holds_back(before, value):
        return ""
    change, percent = (value - before) / before * 100, habits.change * 100
    return (
        f"Market will hold this price back (quarantine): {before} → {value} is {change:+.0f} %, and the cabinet lets "
        f"less than {percent:.0f} % pass. Confirm it there, or see confirm_quarantine."
    )


def same(one: Native, other: Native) -> bool:
    """Whether two prices mean the same to a buyer."""
    return all(_number(one, name) == _number(other, name) for name in ("value", "discountBase")) and (
        one["currencyId"] == other["currencyId"]
    )


def verdict(row: Native) -> RecordError:
    """Return why a price is held back, in Market's words (an offer of ``price-quarantine``)."""
    said = [
        f"{one.get('type', 'QUARANTINE')}: " + ", ".join(f"{param['name']} {param['value']}" for param in one["params"])
        for one in row.get("verdicts") or ()
    ]
    code = next((one["type"] for one in row.get("verdicts") or () if one.get("type")), "QUARANTINE")
    step = "Confirm the price in the cabinet, mend it in the source, or see confirm_quarantine."
    return RecordError(code, f"Market holds the price back: {'; '.join(said) or 'no reason given'}. {step}", "price")


def not_shown(sent: Native, shown: Native) -> RecordError:
    """Return that Market goes on showing another price than the one that it took."""
    there = ", ".join(f"{name} {value}" for name, value in shown["price"].items())
    message = f"Market takes the price {sent['price']['value']} and goes on showing another: {there}."
    return RecordError(
        "another_price_shown", f"{message} See the offer's price and promotions in the cabinet.", "price"
    )


def _number(price: Native, name: str) -> Any:
    value = price.get(name)
    return None if value is None else Decimal(value)
