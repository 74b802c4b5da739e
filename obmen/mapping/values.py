"""What a native value may be at all: the foundation of all codecs.

A value that cannot be taken raises BadValue with the reason alone, never with the value, which may be personal.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any

LONGEST = 64
"""Characters of the longest text that is looked at as a number or a time."""
EXACT = Context(prec=100)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?", re.ASCII)
_LARGEST = 24


class BadValue(ValueError):  # noqa: N818 - it tells of the value
    """A value, or a word of a mapping, is not what it must be; the message says why and shows no data."""


def text_in(value: Any) -> str:
    """Text from a text or a number; anything else is a mistake in the mapping or at the peer."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise BadValue(f"is {what(value)}, not a text")
    return format(number_in(value), "f")


def text_out(value: Any) -> str:
    """Return a canonical text as it is."""
    if not isinstance(value, str):
        raise BadValue(f"is {what(value)}, not a text")
    return value


def number_in(value: Any) -> Decimal:
    """Exact number from a JSON number or from a text such as 1990.00."""
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, str):
        text = value.strip()
        if len(text) > LONGEST or not _NUMBER.fullmatch(text):
            raise BadValue("is not a number such as 1990 or 1990.00")
        number = Decimal(text)
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"is {what(value)}, not a number")
    elif value.bit_length() > LONGEST * 4:
        raise BadValue("is a number beyond any sensible size")
    else:
        number = Decimal(value)
    if not number.is_finite():
        raise BadValue("is not a finite number")
    if number and abs(number.adjusted()) > _LARGEST:
        raise BadValue("is a number beyond any sensible size")
    return number


def what(value: Any) -> str:
    """Name what a value is, without showing it."""
    names = {bool: "true or false", dict: "a record", list: "a list", tuple: "a list", str: "a text"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "something else")
