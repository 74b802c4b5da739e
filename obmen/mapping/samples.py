"""Made-up canonical records for trying a mapping both ways, the same ones every time.

An example in a file shows the values that its author thought of; these show the edges: nothing but what is
required, zeros, lists of none and of two, every row of every table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from obmen.mapping.canonical import CanonicalField, fields_of, normalise
from obmen.mapping.rules import Rule, Scope
from obmen.mapping.values import BadValue

_TEXTS = ("A-1", "Пример: 2, с запятой", "RUB", "12")
_NUMBERS = tuple(map(Decimal, ("7", "0", "1990", "1990.5", "0.01", "1")))
_WHOLE = tuple(map(Decimal, ("7", "0", "1990", "1")))
_GUIDS = ("cbcf4984-55bc-11d9-848a-00112f43529a", "0b4c7d10-1111-4abc-9def-0123456789ab")
_TIMES = (datetime(2026, 6, 15, 9, 50, 9, tzinfo=UTC), datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
_BY_CODEC: dict[str, tuple[Any, ...]] = {
    "integer": _WHOLE,
    "integer_string": _WHOLE,
    "mm": _WHOLE,
    "guid": _GUIDS,
    "integer_id": ("22142605", "0"),
    "joined": (("один",), ("один", "два")),
}
_BY_KIND: dict[str, tuple[Any, ...]] = {
    "text": _TEXTS,
    "number": _NUMBERS,
    "boolean": (True, False),
    "time": _TIMES,
    "date": tuple(moment.date() for moment in _TIMES),
    "list": (("один", "два"), (), ("три",)),
    "map": ({"Цвет": "красный"}, {"Размер": "XL", "Вес": "2"}),
}


def sample_values(rule: Rule) -> tuple[Any, ...]:
    """Return valid canonical values that the rule should carry, none for a kind that cannot be made up."""
    if rule.table is not None:
        return tuple(rule.table.carried)
    codec = rule.codec.name if rule.codec is not None else ""
    values = _BY_CODEC.get(codec, _BY_KIND.get(rule.field.kind, ()))
    choices = rule.field.choices if codec in ("", "text") else ()
    return tuple(value for value in choices or values if _valid(rule.field, value))


def sample_records(scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield nested canonical values of the fields that push writes: one with all, one bare, then the rest."""
    rules = _written(scope)
    count = max((len(values) for _, values in rules), default=0)
    for turn in range(count):
        chosen = {rule.name: values[turn % len(values)] for rule, values in rules if values}
        yield normalise(scope.model, chosen)
        if turn == 0:
            required = {name for name, field in fields_of(scope.model).items() if field.required}
            yield normalise(scope.model, {name: value for name, value in chosen.items() if name in required})


def sample_id(codec: str, number: int) -> str:
    """Return a made-up native id that the codec can write."""
    return f"00000000-0000-4000-8000-{number:012d}" if codec == "guid" else str(1000 + number)


def _written(scope: Scope) -> list[tuple[Rule, tuple[Any, ...]]]:
    found: dict[str, tuple[Rule, tuple[Any, ...]]] = {}
    for rule in scope.rules:
        if rule.pushes and rule.expression is None and rule.name not in found:
            found[rule.name] = (rule, _lists(rule) if rule.each is not None else sample_values(rule))
    return list(found.values())


def _lists(rule: Rule) -> tuple[Any, ...]:
    if rule.each is None:
        return ()
    rows = list(sample_records(rule.each))
    return (tuple(rows[:2]), tuple(rows[-1:])) if rows else ()


def _valid(field: CanonicalField, value: Any) -> bool:
    try:
        field.valid(value)
    except BadValue:
        return False
    return True
