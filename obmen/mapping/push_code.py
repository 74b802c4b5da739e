"""Source of ``push`` and ``push_refs``: canonical record in, payload out, keys in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping

from obmen.mapping.paths import MISSING, Steps, show
from obmen.mapping.rules import Constant, Rule, Scope
from obmen.mapping.source import (
    NOT_EMPTY,
    SUBJECT,
    Parts,
    Source,
    comment,
    describe,
    has_refs,
    quoted,
    steps_literal,
)
from obmen.mapping.spec import CategoriesWord, Subject


class PushCode:
    """Writes the functions that write."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def functions(
        self,
        scope: Scope,
        subject: Subject | None,
        companions: Mapping[str, Scope],
        categories: CategoriesWord | None = None,
    ) -> None:
        """Write both functions and those of the lists within; ``categories`` where a categories file fills some."""
        add = self.source.add
        subject = subject if subject is not None and subject.pushes else None
        self._lists(scope, "push", "")
        add(0, "def push(record, refs, companions):", '    """Write a canonical record as a payload."""')
        add(1, "out = {}", "at = value = None")
        if companions:
            add(1, "if companions is not None:")
        for entity in companions:
            add(2, f"with_{entity} = companion(companions, {quoted(entity)}, record.subject_key)")
        add(1, "try:")
        if subject is not None:
            self._subject(subject)
        self._rules(scope, "record", "", 2, "push")
        self._constants(scope.constants, 2)
        if categories is not None:
            self._categories(categories)
        if companions:
            add(2, "if companions is not None:")
        for entity, inner in companions.items():
            self._rules(inner, f"with_{entity}", "", 3, "push")
        self._refusal(1)
        add(1, "return out")
        self.source.end()
        self._refs(scope, subject)

    def _refusal(self, depth: int, element: str = "") -> None:
        self.source.add(depth, "except ValueError as error:")
        self.source.add(depth + 1, f"raise push_refused(at, value, error{element}) from None")

    def _subject(self, subject: Subject) -> None:
        found = f"resolve(refs, {quoted(subject.entity)}, record.subject_key)"
        self.source.add(2, comment(f"id of its {subject.entity} → {show(subject.steps)}"))
        self.source.add(2, f"at = {quoted(SUBJECT)}", f"value = {found}")
        self._store(subject.steps, f"{self.source.codec(subject.codec, subject.argument, 'out')}(value)", 2)

    def _categories(self, word: CategoriesWord) -> None:
        self.source.add(2, comment(f"by the categories file → {show(word.category)}, {show(word.attributes)}"))
        self.source.add(2, "value = filling_of(record)")
        self._store(word.category, "value.category", 2)
        self._store(word.attributes, "value.attributes(record)", 2)

    def _lists(self, scope: Scope, function: str, prefix: str) -> None:
        add = self.source.add
        for rule in scope.rules:
            if rule.each is None or not rule.pushes:
                continue
            inner, label = _inner(function, rule), f"{prefix}{show(rule.paths[0])}."
            self._lists(rule.each, inner, label)
            add(0, f"def {inner}(elements, refs):", f'    """Write the elements of {rule.name}."""')
            add(1, "rows = []", "for record in elements:")
            add(2, "out = {}", "at = value = None", "try:")
            self._rules(rule.each, "record", label, 3, inner)
            self._constants(rule.each.constants, 3)
            self._refusal(2, ", len(rows) + 1")
            add(2, "rows.append(out)")
            add(1, "return rows")
            self.source.end()

    def _rules(self, scope: Scope, record: str, prefix: str, depth: int, function: str) -> None:
        rules = [rule for rule in scope.rules if rule.pushes]
        parts = self._parts(rules, record, depth)
        for rule in rules:
            self._rule(rule, record, parts, prefix, depth, function)
        if not rules:
            self.source.add(depth, "pass")

    def _parts(self, rules: list[Rule], record: str, depth: int) -> Parts:
        parts = Parts(rule for rule in rules if rule.expression is None)
        if record != "record":
            parts.names = {steps: f"{record}_{name}" for steps, name in parts.names.items()}
        for steps, name in parts.names.items():
            owner = parts.owner(steps, record)
            guard = "" if owner == record else f"None if {owner} is None else "
            self.source.add(depth, f"{name} = {guard}{owner}.{steps[-1]}")
        return parts

    def _rule(self, rule: Rule, record: str, parts: Parts, prefix: str, depth: int, function: str) -> None:
        add = self.source.add
        steps = rule.paths[0]
        way = f"{describe(rule)} → {show(steps)}" if rule.expression is not None else describe(rule)
        add(depth, comment(f"{rule.name} → {way}"))
        add(depth, f"at = {quoted(prefix + show(steps))}", f"value = {self._value(rule, record, parts)}")
        encoded = self._encoded(rule, function)
        if rule.keep:
            add(depth, f"if {self._is_set(rule, record, parts)}:")
            self._store(steps, "value" if encoded == "value" else f"None if value is None else {encoded}", depth + 1)
        elif rule.when_absent is MISSING:
            add(depth, f"if {_filled(rule)}:")
            self._store(steps, encoded, depth + 1)
        else:
            add(depth, f"if {self._nothing(rule)}:")
            self._store(steps, self.source.literal(rule.when_absent), depth + 1)
            add(depth, "else:")
            self._store(steps, encoded, depth + 1)

    def _value(self, rule: Rule, record: str, parts: Parts) -> str:
        if rule.expression is not None:
            return f"{self.source.of_field(rule, 'found', rule.expression.search_record)}({record})"
        owner, name = parts.owner(rule.field.steps, record), rule.field.steps[-1]
        if owner == record:
            return f"{record}.{name}"
        read = f"{owner}.get({quoted(name)})" if rule.field.in_map else f"{owner}.{name}"
        return f"None if {owner} is None else {read}"

    def _is_set(self, rule: Rule, record: str, parts: Parts) -> str:
        owner, name = parts.owner(rule.field.steps, record), quoted(rule.field.steps[-1])
        fields = owner if rule.field.in_map else f"{owner}.model_fields_set"
        return f"{name} in {fields}" if owner == record else f"{owner} is not None and {name} in {fields}"

    def _nothing(self, rule: Rule) -> str:
        nothing = self.source.absent_as(rule)
        empty = _OPPOSITE[_filled(rule)]
        return empty if nothing is MISSING else f"{empty} or value == {self.source.literal(nothing)}"

    def _encoded(self, rule: Rule, function: str) -> str:
        if rule.each is not None:
            return f"{_inner(function, rule)}(value, refs)"
        if rule.table is not None:
            return f"{self.source.of_field(rule, 'out', rule.table.push)}(value)"
        value = f"id_of(refs, {quoted(rule.ref)}, value)" if rule.ref else "value"
        known_text = rule.field.kind == "text" and rule.expression is None
        if rule.codec is None or (rule.codec.name == "text" and known_text):
            return value
        return f"{self.source.codec(rule.codec, rule.argument, 'out')}({value})"

    def _constants(self, constants: tuple[Constant, ...], depth: int) -> None:
        for constant in constants:
            self._store(constant.steps, self.source.literal(constant.value), depth)

    def _store(self, steps: Steps, value: str, depth: int) -> None:
        if any(isinstance(step, int) for step in steps):
            self.source.add(depth, f"put(out, {steps_literal(steps)}, {value})")
            return
        *outer, last = map(str, steps)
        inner = "".join(f".setdefault({quoted(step)}, {{}})" for step in outer)
        self.source.add(depth, f"out{inner}[{quoted(last)}] = {value}")

    def _refs(self, scope: Scope, subject: Subject | None) -> None:
        add = self.source.add
        self._ref_lists(scope, "push_refs")
        add(0, "def push_refs(record):", '    """List what must be resolved before the record is written."""')
        if subject is None and not has_refs(scope, pull=False):
            add(1, "return []")
        else:
            add(1, "found = []")
            if subject is not None:
                add(1, f"found.append(({quoted(subject.entity)}, record.subject_key))")
            self._ref_rules(scope, "push_refs", 1)
            add(1, "return distinct(found)")
        self.source.end()

    def _ref_lists(self, scope: Scope, function: str) -> None:
        for rule in scope.rules:
            if rule.each is None or not rule.pushes or not has_refs(rule.each, pull=False):
                continue
            inner = _inner(function, rule)
            self._ref_lists(rule.each, inner)
            self.source.add(0, f"def {inner}(elements):", "    found = []", "    for record in elements:")
            self._ref_rules(rule.each, inner, 2)
            self.source.add(1, "return found")
            self.source.end()

    def _ref_rules(self, scope: Scope, function: str, depth: int) -> None:
        rules = [rule for rule in scope.rules if rule.pushes]
        wanted = [rule for rule in rules if rule.ref or (rule.each and has_refs(rule.each, pull=False))]
        parts = self._parts(wanted, "record", depth)
        for rule in wanted:
            self.source.add(depth, f"value = {self._value(rule, 'record', parts)}", f"if {_filled(rule)}:")
            if rule.each is not None:
                self.source.add(depth + 1, f"found += {_inner(function, rule)}(value)")
            else:
                entity = quoted(rule.ref)
                self.source.add(depth + 1, f"found.append(({entity}, key_from({entity}, value)))")


def _inner(function: str, rule: Rule) -> str:
    return f"{function}_{'_'.join(rule.field.steps)}"


def _filled(rule: Rule) -> str:
    if rule.codec is not None and rule.codec.absent == "":
        return "value"
    plain = rule.expression is None and rule.field.kind not in ("text", "any")
    return "value is not None" if plain else NOT_EMPTY


_OPPOSITE = {
    "value": "not value",
    "value is not None": "value is None",
    NOT_EMPTY: 'value is None or value == ""',
}
