"""How numbers are written: as JSON numbers, as texts, with a comma, as money, in other units, whole or not at all.

What is pulled is exact; what is pushed is in its shortest form, so that equal numbers are equal texts.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from obmen.mapping.values import EXACT, BadValue, number_in

_COMMA_NUMBER = re.compile(r"[-+]?\d+(,\d+)?", re.ASCII)
_GROUP_SPACES = str.maketrans("", "", " \u00a0\u202f")
_CENT = Decimal("0.01")


def _short(number: Decimal) -> Decimal:
    if number == number.to_integral_value():
        return number.quantize(Decimal(1), context=EXACT) if number else Decimal(0)
    return number.normalize(EXACT)


def decimal_out(value: Any) -> str:
    """Return its shortest spelling: 1990, 0.5."""
    return format(_short(number_in(value)), "f")


def json_number_out(value: Any) -> int | Decimal:
    """Return a whole number, or a Decimal that JSON writes exactly."""
    number = _short(number_in(value))
    return int(number) if number == number.to_integral_value() else number


def money_out(value: Any) -> str:
    """Return it with two places; a number with more is refused."""
    number = number_in(value)
    rounded = number.quantize(_CENT, context=EXACT)
    if rounded != number:
        raise BadValue("has more than two decimal places, which this peer does not take")
    return format(rounded or Decimal("0.00"), "f")


def whole_in(value: Any) -> Decimal:
    """Return a whole number; any other is refused."""
    number = number_in(value)
    if number != number.to_integral_value():
        raise BadValue("is not a whole number")
    return _short(number)


def whole_out(value: Any) -> int:
    """Return a whole number as JSON has it."""
    return int(whole_in(value))


def whole_string_out(value: Any) -> str:
    """Return a whole number as a text."""
    return str(whole_out(value))


def comma_in(value: Any) -> Decimal:
    """Return the number of a text such as 1 990,50."""
    if isinstance(value, str):
        value = value.translate(_GROUP_SPACES)
        if not _COMMA_NUMBER.fullmatch(value):
            raise BadValue("is not a number such as 1990,50")
        value = value.replace(",", ".")
    return number_in(value)


def comma_out(value: Any) -> str:
    """Return it with a comma."""
    return decimal_out(value).replace(".", ",")


def floor_zero(value: Any) -> Decimal:
    """Return it, and 0 for what is below."""
    return max(number_in(value), Decimal(0))


def scaled_in(places: int, value: Any) -> Decimal:
    """Return it in units smaller by so many places."""
    return _short(number_in(value).scaleb(places, context=EXACT))


def scaled_out(places: int, value: Any) -> int | Decimal:
    """Return it in units larger by so many places."""
    return json_number_out(number_in(value).scaleb(-places, context=EXACT))


def rounded_out(places: int, value: Any) -> int:
    """Return it in units larger by so many places, rounded to a whole number."""
    scaled = number_in(value).scaleb(-places, context=EXACT)
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=EXACT))
