"""``$filter`` as the sandbox's base understands it: read into a tree of functions, then asked of each object.

Takes eq ne gt ge lt le, and or not, parentheses, guid'…' and datetime'…', strings, numbers, true false null,
substringof, startswith, endswith, like, cast, and any and all over a tabular section. Two habits of real
bases are kept: a property that does not exist makes the whole list empty instead of an error, and references
cannot be compared by more or less.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Scope = Mapping[str, Mapping[str, Any]]
Ask = Callable[[Scope], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<guid>guid'[^']*')|(?P<moment>datetime'[^']*')|(?P<text>'(?:[^']|'')*')
    |(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<name>\w+(?:/\w+)*)|(?P<mark>[(),:]))""",
    re.VERBOSE,
)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_OBJECT = ""
_WORDS = frozenset({*_COMPARE, "and", "or", "not", "true", "false", "null"})


class BadQuery(Exception):  # noqa: N818 - the base's answer to a query, by its code
    """The base answers with this status and code."""

    def __init__(self, message: str, *, status: int = 400, code: str = "14") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class UnknownProperty(Exception):  # noqa: N818 - not an error to the base: the list is empty
    """The filter names a property that the object does not have."""


def compile_filter(source: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the filter as a function of an object. Raises BadQuery, and UnknownProperty when it is asked."""
    parser = _Parser(source)
    ask = parser.any_of()
    parser.expect_end()
    return lambda record: bool(ask({_OBJECT: record}))


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while source[at:].strip():
            match = _TOKEN.match(source, at)
            if match is None:
                raise BadQuery(f"the filter cannot be read at '{source[at : at + 20].strip()}'")
            self._tokens.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
            at = match.end()
        self._at = 0

    def any_of(self) -> Ask:
        ask = self._all_of()
        while self._taken("or"):
            ask = _either(ask, self._all_of())
        return ask

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise BadQuery(f"the filter cannot be read at '{self._peek()}'")

    def _all_of(self) -> Ask:
        ask = self._one()
        while self._taken("and"):
            ask = _both(ask, self._one())
        return ask

    def _one(self) -> Ask:
        if self._taken("not"):
            ask = self._one()
            return lambda scope: not ask(scope)
        left = self._operand()
        word = self._peek()
        if word not in _COMPARE:
            return left
        self._at += 1
        return _compared(word, left, self._operand())

    def _operand(self) -> Ask:
        kind, word = self._next()
        if word == "(":
            ask = self.any_of()
            self._expect(")")
            return ask
        if kind == "name" and self._peek() == "(":
            self._at += 1
            ask = self._lambda(word) if word.endswith(("/any", "/all")) else self._call(word)
            self._expect(")")
            return ask
        if kind == "name" and word not in _WORDS:
            return _property(word)
        value = _literal(kind, word)
        return lambda _: value

    def _call(self, name: str) -> Ask:
        arguments = [self.any_of()]
        while self._taken(","):
            arguments.append(self.any_of())
        return _function(name, arguments)

    def _lambda(self, path: str) -> Ask:
        section, _, word = path.rpartition("/")
        variable = self._next()[1]
        self._expect(":")
        inner = self.any_of()
        decide = any if word == "any" else all
        rows = _property(section)
        return lambda scope: decide(inner({**scope, variable: row}) for row in rows(scope))

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise BadQuery("the filter breaks off")
        self._at += 1
        return self._tokens[self._at - 1]

    def _taken(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._taken(token):
            raise BadQuery(f"'{token}' is missing in the filter")


class _Guid(str):
    """A reference, so that it is not compared by more or less."""

    __slots__ = ()


def _literal(kind: str, token: str) -> Any:
    if token in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[token]
    if kind == "number":
        return Decimal(token)
    value = token[token.find("'") + 1 : -1]
    if kind == "guid":
        if not _GUID.fullmatch(value):
            raise BadQuery(f"'{value}' is no GUID", code="4")
        return _Guid(value.lower())
    if kind == "moment":
        if not _MOMENT.fullmatch(value):
            raise BadQuery(f"'{value}' is no date", code="4")
        return value if value.count(":") > 1 else value + ":00"
    if kind == "text":
        return value.replace("''", "'")
    raise BadQuery(f"the filter cannot be read at '{token}'")


def _property(path: str) -> Ask:
    variable, _, name = path.rpartition("/")

    def ask(scope: Scope) -> Any:
        record = scope.get(variable)
        if record is None or name not in record:
            raise UnknownProperty(path)
        return record[name]

    return ask


def _either(left: Ask, right: Ask) -> Ask:
    return lambda scope: left(scope) or right(scope)


def _both(left: Ask, right: Ask) -> Ask:
    return lambda scope: left(scope) and right(scope)


def _compared(word: str, left: Ask, right: Ask) -> Ask:
    compare = _COMPARE[word]

    def ask(scope: Scope) -> bool:
        one, other = left(scope), right(scope)
        if word not in {"eq", "ne"} and (isinstance(one, _Guid) or isinstance(other, _Guid)):
            raise BadQuery("references cannot be compared by more or less", status=500, code="-1")
        one, other = _alike(one, other)
        return compare(one, other) if type(one) is type(other) else word == "ne"

    return ask


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


def _function(name: str, arguments: list[Ask]) -> Ask:
    first, last = arguments[0], arguments[-1]
    if name == "cast":
        return first
    if name == "substringof":
        return lambda scope: first(scope) in last(scope)
    if name == "startswith":
        return lambda scope: first(scope).startswith(last(scope))
    if name == "endswith":
        return lambda scope: first(scope).endswith(last(scope))
    if name == "like":
        return lambda scope: bool(_like(last(scope)).fullmatch(first(scope)))
    raise BadQuery(f"the function {name} is not supported", code="21")


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)
