"""JMESPath where a path is not enough: checked when the mapping is loaded, exact with money when it runs.

The library's own functions know no Decimal and turn texts into floats, so a sum of prices would come out as
0.30000000000000004; here they reckon in Decimal. Names of functions and the number of their arguments are
checked at load, since the library finds a misspelt one only when the first record comes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError, JMESPathTypeError, ParseError
from jmespath.parser import ParsedResult

from obmen.entities import Part
from obmen.errors import meant
from obmen.mapping.paths import Malformed
from obmen.mapping.values import BadValue, number_in

_Function = TypeVar("_Function", bound=Callable[..., Any])
_signature: Callable[..., Callable[[_Function], _Function]] = functions.signature


class _Exact(functions.Functions):  # type: ignore[misc] # the library has no types
    """JMESPath's functions, with numbers as Decimal."""

    def _get_allowed_pytypes(self, types: list[str]) -> tuple[list[str], list[tuple[str, ...]]]:
        allowed, subtypes = super()._get_allowed_pytypes(types)
        if "int" in allowed:
            allowed = [*allowed, "Decimal"]
        return allowed, [(*names, "Decimal") if "int" in names else names for names in subtypes]

    def _convert_to_jmespath_type(self, name: str) -> Any:
        return "number" if name == "Decimal" else super()._convert_to_jmespath_type(name)

    @_signature({"types": ["array-number"]})
    def _func_avg(self, numbers: list[Any]) -> Decimal | None:
        return sum(map(number_in, numbers), Decimal(0)) / len(numbers) if numbers else None

    @_signature({"types": ["array-number"]})
    def _func_sum(self, numbers: list[Any]) -> Decimal:
        return sum(map(number_in, numbers), Decimal(0))

    @_signature({"types": []})
    def _func_to_number(self, value: Any) -> Decimal | None:
        try:
            return number_in(value)
        except ValueError:
            return None

    @_signature({"types": []})
    def _func_to_string(self, value: Any) -> Any:
        return format(value, "f") if isinstance(value, Decimal) else super()._func_to_string(value)

    @_signature({"types": []})
    def _func_type(self, value: Any) -> Any:
        return "number" if isinstance(value, Decimal) else super()._func_type(value)


_OPTIONS = jmespath.Options(custom_functions=_Exact())


class Expression:
    """A JMESPath expression over a native record or over a canonical one as plain data."""

    def __init__(self, text: str) -> None:
        """Compile. Raises BadValue that says what is wrong and at which character."""
        self.text = text
        try:
            tree = jmespath.compile(text).parsed
        except ParseError as error:
            raise BadValue(_syntax(text, error)) from error
        except JMESPathError as error:
            raise BadValue(f"{error}") from error
        _check_functions(tree)
        self._compiled = ParsedResult(text, _exact_literals(tree))

    def search(self, data: Any) -> Any:
        """Return what the expression finds, None for nothing. Raises Malformed without the data in it."""
        try:
            return self._compiled.search(data, options=_OPTIONS)
        except JMESPathTypeError as error:
            expected = " or ".join(error.expected_types)
            message = f"the record does not suit the expression: {error.function_name}() takes {expected}"
            raise Malformed(message) from None
        except Exception as error:
            raise Malformed(f"the record does not suit the expression ({type(error).__name__})") from None

    def search_record(self, record: Part) -> Any:
        """Search a canonical record: its set fields as plain data, times as RFC 3339 texts."""
        return self.search(_plain(record))


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return {name: _plain(getattr(value, name)) for name in sorted(value.model_fields_set)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _syntax(text: str, error: ParseError) -> str:
    position = error.lex_position if isinstance(error.lex_position, int) else len(text)
    shown = text[position : position + 20]
    message = f"the expression is wrong at character {position + 1}" + (f" ('{shown}')" if shown else "")
    if shown[:1].isalpha() and not shown[:1].isascii():
        return f'{message}: a name that is not Latin stands in double quotes, as in "Наименование"'
    return f"{message}: JMESPath cannot read it"


def _exact_literals(node: Any) -> Any:
    if isinstance(node, float):
        return Decimal(repr(node))
    if isinstance(node, dict):
        return {name: _exact_literals(child) for name, child in node.items()}
    return [_exact_literals(child) for child in node] if isinstance(node, list) else node


def _check_functions(node: Any, *, top: bool = True) -> None:
    if not isinstance(node, dict):
        return
    if node.get("type") == "expref" and top:
        raise BadValue("the expression begins with &, which is only an argument of functions such as max_by")
    if node.get("type") == "function_expression":
        name = node["value"]
        known = _Exact.FUNCTION_TABLE
        if name not in known:
            raise BadValue(f"the expression calls {name}(), which JMESPath has not.{meant(name, known)}")
        signature, given = known[name]["signature"], len(node["children"])
        variadic = bool(signature) and bool(signature[-1].get("variadic"))
        if given < len(signature) or (given > len(signature) and not variadic):
            raise BadValue(f"{name}() takes {len(signature)} arguments and the expression gives {given}")
    for child in node.get("children", ()):
        _check_functions(child, top=False)
