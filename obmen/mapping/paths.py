"""Paths into native records: names joined by dots, a position in a list as a number.

What stands in the way of a path (a text where a record was expected) is the peer's change of shape, and is
refused rather than read as absent, which would empty the field everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from obmen.mapping.values import BadValue

Steps = tuple[str | int, ...]
MISSING: Any = type("Missing", (), {"__repr__": lambda _self: "MISSING"})()
"""What ``dig`` returns for a key that is not there, where null has a meaning of its own."""

_LARGEST_POSITION = 999


class Malformed(BadValue):
    """The record is not of the shape that the path expects; the message shows no values."""


def parse_path(text: Any) -> Steps:
    """Return the steps of a dotted path. Raises BadValue that says what is wrong with it."""
    if not isinstance(text, str):
        raise BadValue(f"a path is a text, and {text!r} is not; put it in quotes")
    names = text.split(".")
    if any(not name or name != name.strip() for name in names):
        raise BadValue(f"the path '{text}' has an empty step or a space at its edge")
    if not text.isprintable():
        raise BadValue(f"the path {text!r} holds a character that cannot be shown")
    if any(char in text for char in "[]{}*|"):
        raise BadValue(f"'{text}' is not a path: write names joined by dots, a position as .0, or use `expr`")
    steps = tuple(int(name) if name.isascii() and name.isdecimal() else name for name in names)
    if isinstance(steps[0], int):
        raise BadValue(f"the path '{text}' begins with a position, and a record is not a list")
    if any(isinstance(step, int) and step > _LARGEST_POSITION for step in steps):
        raise BadValue(f"the path '{text}' has a position beyond {_LARGEST_POSITION}")
    return steps


def show(steps: Steps) -> str:
    """Return the path as it is written in a mapping."""
    return ".".join(map(str, steps))


def dig(native: Any, steps: Steps, default: Any = None) -> Any:
    """Return what stands at the path, ``default`` if nothing does. An empty thing on the way is nothing."""
    value = native
    for number, step in enumerate(steps):
        if isinstance(value, dict) and step.__class__ is str:
            value = value.get(step, default)
        elif isinstance(value, list) and step.__class__ is int:
            value = value[step] if step < len(value) else default
        elif value is None or value is default or value in ("", [], {}):
            return default
        else:
            expected = "a list" if step.__class__ is int else "a record"
            raise Malformed(f"{show(steps[:number]) or 'the record'} is not {expected}")
    return value


def first(native: Any, choices: Iterable[Steps], default: Any = None) -> Any:
    """Return the first thing that is present and not empty at one of the paths."""
    value = default
    for steps in choices:
        found = dig(native, steps, default)
        if found is not None and found is not default and found != "":
            return found
        value = found if value is default else value
    return value


def put(out: Any, steps: Steps, value: Any) -> None:
    """Write a value at the path, making the records and lists on the way; a gap in a list is null."""
    target = out
    for step, following in pairwise(steps):
        fresh: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            _stretch(target, step)
            if target[step] is None:
                target[step] = fresh
            target = target[step]
        else:
            target = target.setdefault(step, fresh)
    last = steps[-1]
    if isinstance(last, int):
        _stretch(target, last)
    target[last] = value


def _stretch(target: list[Any], position: int) -> None:
    target.extend([None] * (position + 1 - len(target)))


def clash(one: Steps, other: Steps) -> bool:
    """Say whether writing at one path would overwrite what stands at the other."""
    if any(
        isinstance(a, int) != isinstance(b, int) and one[:n] == other[:n]
        for n, (a, b) in enumerate(zip(one, other, strict=False))
    ):
        return True
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
