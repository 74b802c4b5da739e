"""What ``$filter`` compares and calls: the operators and functions that 1C knows, and their habits."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.onec.sandbox.kinds import NAMESPACE

Scope = Mapping[str, Mapping[str, Any]]
Ask = Callable[[Scope], Any]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
SUMS: dict[str, Callable[[Any, Any], Any]] = {"add": operator.add, "sub": operator.sub}
PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {"mul": operator.mul, "div": operator.truediv}
_PARTS: dict[str, Callable[[datetime], int]] = {
    "year": lambda moment: moment.year,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "month": lambda moment: moment.month,
    "day": lambda moment: moment.day,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
}
_TEXTS: dict[str, Callable[[str, str], Any]] = {
    "substringof": lambda part, text: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "concat": operator.add,
    "like": lambda text, pattern: bool(_like(pattern).fullmatch(text)),
}


class BadQuery(Exception):  # noqa: N818 - the base's answer to a query, by its code
    """The base answers with this status and code."""

    def __init__(self, message: str, *, status: int = 400, code: str = "14") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guid(str):
    """A reference, so that it is not compared by more or less."""

    __slots__ = ()


class Cast(Guid):
    """A reference to an object of a named type."""

    kind: str

    def __new__(cls, value: str, kind: str) -> Cast:
        """Make it; the type is named with or without its namespace."""
        made = super().__new__(cls, value)
        made.kind = f"{NAMESPACE}.{kind.removeprefix(f'{NAMESPACE}.')}"
        return made


class Composite(str):
    """The value of a property of several types: it equals a reference only if that is cast to its type."""

    kind: str

    def __new__(cls, value: str, kind: str) -> Composite:
        """Make it of a property and its ``_Type``."""
        made = super().__new__(cls, value)
        made.kind = kind
        return made


def compared(word: str, left: Ask, right: Ask) -> Ask:
    """Return the comparison of two values."""
    compare = COMPARE[word]

    def ask(scope: Scope) -> bool:
        one, other = left(scope), right(scope)
        if word not in {"eq", "ne"} and (isinstance(one, Guid) or isinstance(other, Guid)):
            raise BadQuery("references cannot be compared by more or less", status=500, code="-1")
        if not _comparable(one, other):
            return word == "ne"
        one, other = _alike(one, other)
        return compare(one, other) if type(one) is type(other) else word == "ne"

    return ask


def reckoned(compute: Callable[[Any, Any], Any], left: Ask, right: Ask) -> Ask:
    """Return the sum, difference, product or quotient of two values."""
    return lambda scope: compute(_decimal(left(scope)), _decimal(right(scope)))


def called(name: str, arguments: list[Ask]) -> Ask:
    """Return a function's value. Raises BadQuery with code 21 for one that 1C does not have."""
    first, last = arguments[0], arguments[-1]
    if name == "cast":
        return lambda scope: _cast(first(scope), last(scope))
    if name == "isof":
        return lambda scope: getattr(first(scope), "kind", "") == Cast("", last(scope)).kind
    if name == "round":
        return lambda scope: _decimal(first(scope)).quantize(Decimal(1), ROUND_HALF_UP)
    if name in _PARTS:
        return lambda scope: Decimal(_PARTS[name](datetime.fromisoformat(first(scope))))
    if name in _TEXTS:
        return lambda scope: _text(_TEXTS[name], first(scope), last(scope))
    raise BadQuery(f"the function {name} is not supported", code="21")


def _cast(value: Any, kind: str) -> Any:
    return Cast(value, kind) if isinstance(value, Guid) else value


def _text(compute: Callable[[str, str], Any], one: Any, other: Any) -> Any:
    return isinstance(one, str) and isinstance(other, str) and compute(str(one), str(other))


def _comparable(one: Any, other: Any) -> bool:
    for value, against in ((one, other), (other, one)):
        if isinstance(value, Composite):
            return value.kind == against.kind if isinstance(against, Cast) else value.kind.startswith("Edm.")
    return True


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Bring a number and the text that stands for a 64-bit one together; a reference is compared as text."""
    numbers = int | float | Decimal
    if isinstance(one, bool) or isinstance(other, bool):
        return one, other
    if isinstance(one, numbers) or isinstance(other, numbers):
        return _decimal(one), _decimal(other)
    return (str(one), str(other)) if isinstance(one, str) and isinstance(other, str) else (one, other)


def _decimal(value: Any) -> Any:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return value


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)
