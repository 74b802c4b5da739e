"""Building blocks of generated source: names, constants, comments, notes for refusals.

Every name and value enters the source through ``repr`` or as a checked identifier, so a mapping file cannot
bring code of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from obmen.mapping import paths, runtime
from obmen.mapping.codecs import Codec
from obmen.mapping.paths import MISSING, Steps, show
from obmen.mapping.rules import Rule, Scope
from obmen.mapping.runtime import Note
from obmen.mapping.values import BadValue

_HELPERS: dict[str, Any] = {
    "MISSING": MISSING,
    "Decimal": Decimal,
    "companion": runtime.companion,
    "dig": paths.dig,
    "distinct": runtime.distinct,
    "first": paths.first,
    "id_of": runtime.id_of,
    "key_from": runtime.key_from,
    "key_of": runtime.key_of,
    "listed": runtime.listed,
    "put": paths.put,
    "resolve": runtime.resolve,
    "subject_of": runtime.subject_of,
}
_LOCALS = {
    "at",
    "filling_of",
    "value",
    "native",
    "out",
    "refs",
    "record",
    "rows",
    "elements",
    "companions",
    "found",
    "number",
}
_LONGEST_COMMENT = 90

SUBJECT = "(subject)"
"""The label of the subject among the notes of refusals."""

NOT_EMPTY = 'value is not None and value != ""'
"""The condition of there being a value, in generated code."""


@dataclass
class Source:
    """The source being written and the objects that it names."""

    zone: tzinfo
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=lambda: dict(_HELPERS))
    _codecs: dict[tuple[str, str | None, str], str] = field(default_factory=dict)

    def add(self, depth: int, *lines: str) -> None:
        """Add lines at a depth of indentation."""
        self.lines += ["    " * depth + line for line in lines]

    def end(self) -> None:
        """End a function."""
        self.add(0, "", "")

    def bind(self, wanted: str, value: Any) -> str:
        """Return the name by which the source may call ``value``: ``wanted``, numbered if it is taken."""
        name, number = wanted, 1
        while name in self.names and not _same(self.names[name], value):
            number += 1
            name = f"{wanted}_{number}"
        self.names[name] = value
        return name

    def codec(self, codec: Codec, argument: str | None, way: str) -> str:
        """Return the name of a codec's function, ``way`` being in or out."""
        key = (codec.name, argument, way)
        if key not in self._codecs:
            pull, push = codec.pair(self.zone, argument)
            self._codecs[key] = self.bind(f"{codec.name}_{way}", pull if way == "in" else push)
        return self._codecs[key]

    def of_field(self, rule: Rule, way: str, value: Any) -> str:
        """Return the name of a function that belongs to one field, such as its table."""
        stem = "_".join(rule.field.steps)
        return self.bind(f"{stem}_{way}" if stem.isascii() and stem.isidentifier() else f"field_{way}", value)

    def literal(self, value: Any) -> str:
        """Return source for a constant; a fresh list each time it runs."""
        if isinstance(value, list):
            return "[" + ", ".join(map(self.literal, value)) + "]"
        if isinstance(value, tuple):
            return "(" + " ".join(f"{self.literal(item)}," for item in value) + ")"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items()) + "}"
        if isinstance(value, str):
            return quoted(value)
        if value is None or type(value) in (int, bool):
            return repr(value)
        return f'Decimal("{value}")' if isinstance(value, Decimal) else self.bind("constant", value)

    def absent_as(self, rule: Rule) -> Any:
        """Return the canonical value of the rule's ``when_absent``, MISSING if it has none."""
        if rule.when_absent is MISSING or rule.codec is None or rule.ref:
            return MISSING
        try:
            value = rule.codec.pair(self.zone, rule.argument)[0](rule.when_absent)
        except BadValue:
            return MISSING
        return MISSING if value is None or value == "" else value


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


class Parts:
    """Local variables for the nested parts that dotted canonical names go through, outer ones first."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.names: dict[tuple[str, ...], str] = {}
        for rule in rules:
            for end in range(1, len(rule.field.steps)):
                prefix = rule.field.steps[:end]
                name = "_".join(prefix)
                self.names.setdefault(prefix, f"{name}_part" if name in _LOCALS or name in _HELPERS else name)

    def owner(self, steps: tuple[str, ...], top: str) -> str:
        """Return the variable that holds the field, ``top`` if it stands in no part."""
        return self.names.get(steps[:-1], top)


def quoted(text: str) -> str:
    """Return source for a text, in double quotes where they need no escape."""
    source = repr(text)
    return f'"{source[1:-1]}"' if source[0] == "'" and '"' not in text else source


def steps_literal(steps: Steps) -> str:
    """Return source for the steps of a path."""
    inner = ", ".join(quoted(step) if isinstance(step, str) else str(step) for step in steps)
    return f"({inner},)" if len(steps) == 1 else f"({inner})"


def has_refs(scope: Scope, *, pull: bool) -> bool:
    """Whether a rule of the scope, or of a list within, needs a reference in that direction."""
    return any(
        rule.ref or (rule.each is not None and has_refs(rule.each, pull=pull))
        for rule in scope.rules
        if (rule.pulls if pull else rule.pushes)
    )


def describe(rule: Rule) -> str:
    """Return what stands on the native side of a rule."""
    if rule.connection:
        return "the connection's name"
    if rule.fixed is not MISSING:
        return "a constant"
    way = "" if rule.codec is None or rule.codec.name == "text" else f", as {rule.codec.name}"
    way += ", by table" if rule.table else f", ref {rule.ref}" if rule.ref else ""
    if rule.expression is not None:
        return f"expr {rule.expression.text}{way}"
    return " or ".join(map(show, rule.paths)) + way


def comment(text: str) -> str:
    """Return a comment of one short line, whatever the text holds."""
    line = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return "# " + (line if len(line) <= _LONGEST_COMMENT else line[: _LONGEST_COMMENT - 1] + "…")


@dataclass(frozen=True)
class Notes:
    """What refusals say: by canonical name for pull, by native path for push."""

    pull: dict[str, Note] = field(default_factory=dict)
    push: dict[str, Note] = field(default_factory=dict)

    def gather(
        self,
        scope: Scope,
        personal: frozenset[str],
        mend: Callable[[Rule], str],
        prefix: str = "",
        native: str = "",
    ) -> None:
        """Add the notes of a scope and of the lists within it."""
        for rule in scope.rules:
            name = prefix + rule.name
            hidden = any(item == name or item.startswith(f"{name}.") for item in personal)
            where = native + " or ".join(map(show, rule.paths)) if rule.paths else "the expression"
            note = Note(name, where, mend(rule), hidden)
            if rule.pulls:
                self.pull[name] = note
            if rule.pushes:
                self.push[native + show(rule.paths[0])] = note
            if rule.each is not None:
                self.gather(rule.each, personal, mend, f"{name}.", f"{native}{show(rule.paths[0])}.")
