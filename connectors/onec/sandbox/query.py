"""``$filter`` as the sandbox's base understands it: read into a tree of functions, then asked of each object.

Takes eq ne gt ge lt le, and or not, add sub mul div, parentheses, guid'…' and datetime'…', strings, numbers,
true false null, the functions of ``functions``, paths through references (Номенклатура/Артикул), and any and
all over a tabular section. Three habits of real bases are kept: a property that does not exist makes the
whole list empty instead of an error, references cannot be compared by more or less, and a reference of
several types equals only one that is cast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox.functions import (
    COMPARE,
    PRODUCTS,
    SUMS,
    Ask,
    BadQuery,
    Composite,
    Guid,
    Scope,
    called,
    compared,
    reckoned,
)

__all__ = ["BadQuery", "Follow", "UnknownProperty", "compile_filter", "value_at"]

Follow = Callable[[Mapping[str, Any], str], Mapping[str, Any] | None]
"""Gives the object that a reference of a record points to; None where it is empty."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<guid>guid'[^']*')|(?P<moment>datetime'[^']*')|(?P<text>'(?:[^']|'')*')
    |(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<name>\w+(?:/\w+)*)|(?P<mark>[(),:]))""",
    re.VERBOSE,
)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
_OBJECT = ""
_WORDS = frozenset({*COMPARE, *SUMS, *PRODUCTS, "and", "or", "not", "true", "false", "null"})


class UnknownProperty(Exception):  # noqa: N818 - not an error to the base: the list is empty
    """The filter names a property that the object does not have."""


def _nowhere(record: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    del record
    raise UnknownProperty(name)


def compile_filter(source: str, follow: Follow = _nowhere) -> Callable[[Mapping[str, Any]], bool]:
    """Return the filter as a function of an object. Raises BadQuery, and UnknownProperty when it is asked."""
    parser = _Parser(source, follow)
    ask = parser.any_of()
    parser.expect_end()
    return lambda record: bool(ask({_OBJECT: record}))


def value_at(record: Mapping[str, Any], path: list[str], follow: Follow) -> Any:
    """Return the value at a path through references; None where one of them is empty. Raises UnknownProperty."""
    at: Mapping[str, Any] | None = record
    for name in path[:-1]:
        at = follow(at, name) if at is not None else None
    if at is None:
        return None
    if path[-1] not in at:
        raise UnknownProperty("/".join(path))
    value, kind = at[path[-1]], at.get(f"{path[-1]}_Type")
    return Composite(value, kind) if isinstance(value, str) and isinstance(kind, str) else value


class _Parser:
    def __init__(self, source: str, follow: Follow) -> None:
        self._follow = follow
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
        left = self._sum()
        word = self._peek()
        if word not in COMPARE:
            return left
        self._at += 1
        return compared(word, left, self._sum())

    def _sum(self) -> Ask:
        ask = self._product()
        while (word := self._peek()) in SUMS:
            self._at += 1
            ask = reckoned(SUMS[word], ask, self._product())
        return ask

    def _product(self) -> Ask:
        ask = self._operand()
        while (word := self._peek()) in PRODUCTS:
            self._at += 1
            ask = reckoned(PRODUCTS[word], ask, self._operand())
        return ask

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
            return self._property(word)
        value = _literal(kind, word)
        return lambda _: value

    def _call(self, name: str) -> Ask:
        arguments = [self.any_of()]
        while self._taken(","):
            arguments.append(self.any_of())
        return called(name, arguments)

    def _lambda(self, path: str) -> Ask:
        section, _, word = path.rpartition("/")
        variable = self._next()[1]
        self._expect(":")
        inner = self.any_of()
        decide = any if word == "any" else all
        rows = self._property(section)
        return lambda scope: decide(inner({**scope, variable: row}) for row in rows(scope))

    def _property(self, path: str) -> Ask:
        first, *rest = path.split("/")

        def ask(scope: Scope) -> Any:
            if rest and first in scope:
                return value_at(scope[first], rest, self._follow)
            return value_at(scope[_OBJECT], [first, *rest], self._follow)

        return ask

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


def _literal(kind: str, token: str) -> Any:
    if token in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[token]
    if kind == "number":
        return Decimal(token)
    value = token[token.find("'") + 1 : -1]
    if kind == "guid":
        if not _GUID.fullmatch(value):
            raise BadQuery(f"'{value}' is no GUID", code="4")
        return Guid(value.lower())
    if kind == "moment":
        if not _MOMENT.fullmatch(value):
            raise BadQuery(f"'{value}' is no date", code="4")
        return value if value.count(":") > 1 else value + ":00"
    if kind == "text":
        return value.replace("''", "'")
    raise BadQuery(f"the filter cannot be read at '{token}'")


def _either(left: Ask, right: Ask) -> Ask:
    return lambda scope: left(scope) or right(scope)


def _both(left: Ask, right: Ask) -> Ask:
    return lambda scope: left(scope) and right(scope)
