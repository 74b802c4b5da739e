"""Source of ``pull`` and ``pull_refs``: native record in, canonical values out."""

from __future__ import annotations

from obmen.mapping.paths import MISSING, Steps, show
from obmen.mapping.rules import Rule, Scope
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
from obmen.mapping.spec import Subject


class PullCode:
    """Writes the functions that read; ``connection`` is the name that ``value: connection`` gives."""

    def __init__(self, source: Source, connection: str) -> None:
        self.source = source
        self.connection = connection

    def functions(self, scope: Scope, subject: Subject | None) -> None:
        """Write both functions and those of the lists within."""
        subject = subject if subject is not None and subject.pulls else None
        self._lists(scope, "pull", "")
        self.source.add(0, "def pull(native, refs):", '    """Read a native record into canonical values."""')
        self._body(scope, subject, "", 1, "pull")
        self.source.add(1, "return out")
        self.source.end()
        self._refs(scope, subject)

    def _lists(self, scope: Scope, function: str, prefix: str) -> None:
        for rule in scope.rules:
            if rule.each is None or not rule.pulls:
                continue
            inner, label = _inner(function, rule), f"{prefix}{rule.name}."
            self._lists(rule.each, inner, label)
            self.source.add(0, f"def {inner}(elements, refs):", f'    """Read the elements of {label[:-1]}."""')
            self.source.add(1, "rows = []", "for native in listed(elements):")
            self._body(rule.each, None, label, 2, inner)
            self.source.add(2, "rows.append(out)")
            self.source.add(1, "return rows")
            self.source.end()

    def _body(self, scope: Scope, subject: Subject | None, prefix: str, depth: int, function: str) -> None:
        rules = [rule for rule in scope.rules if rule.pulls]
        parts = Parts(rules)
        add = self.source.add
        add(depth, "out = {}", *(f"{name} = {{}}" for name in parts.names.values()))
        add(depth, "at = value = None", "try:")
        if subject is not None:
            self._subject(subject, depth + 1)
        for rule in rules:
            self._rule(rule, parts, prefix, depth + 1, function)
        add(depth + 1, *([] if rules else ["pass"]))
        self._refusal(depth, ", len(rows) + 1" if prefix else "")
        for steps, name in reversed(parts.names.items()):
            add(depth, f"if {name}:", f"    {parts.owner(steps, 'out')}[{quoted(steps[-1])}] = {name}")

    def _refusal(self, depth: int, element: str = "") -> None:
        self.source.add(depth, "except ValueError as error:")
        self.source.add(depth + 1, f"raise pull_refused(at, value, error{element}) from None")

    def _subject(self, subject: Subject, depth: int) -> None:
        add = self.source.add
        add(
            depth,
            comment(f"{', '.join(subject.names)} ← key of the {subject.entity} at {show(subject.steps)}"),
        )
        add(depth, f"at = {quoted(SUBJECT)}")
        self._subject_id(subject, depth)
        targets = ", ".join(f"out[{quoted(name)}]" for name in subject.names)
        found = f"subject_of(refs, {quoted(subject.entity)}, value)"
        add(depth + 1, "if value is not None:", f"    ({targets},) = {found}")

    def _subject_id(self, subject: Subject, depth: int) -> None:
        self.source.add(depth, f"value = {_read((subject.steps,), keep=False)}")
        decoded = f"{self.source.codec(subject.codec, subject.argument, 'in')}(value)"
        self.source.add(depth, f"if {NOT_EMPTY}:", f"    value = {decoded}")

    def _rule(self, rule: Rule, parts: Parts, prefix: str, depth: int, function: str) -> None:
        add = self.source.add
        target = f"{parts.owner(rule.field.steps, 'out')}[{quoted(rule.field.steps[-1])}]"
        add(depth, comment(f"{rule.name} ← {describe(rule)}"))
        if rule.connection or rule.fixed is not MISSING:
            add(depth, f"{target} = {self.source.literal(self.connection if rule.connection else rule.fixed)}")
            return
        add(depth, f"at = {quoted(prefix + rule.name)}", f"value = {self._found(rule)}")
        converted = self._converted(rule, function)
        if rule.keep:
            natural = rule.codec is None or rule.codec.empty is not None
            empty = "value is None" if natural else 'value is None or value == ""'
            add(depth, "if value is not MISSING:", f"    {target} = None if {empty} else ({converted})")
            return
        add(depth, f"if {self._present(rule)}:")
        nothing = self.source.absent_as(rule)
        may_vanish = rule.codec is not None and rule.codec.absent not in (None, "")
        if nothing is MISSING and not may_vanish:
            add(depth + 1, f"{target} = {converted}")
            return
        unlike = [] if nothing is MISSING else [f"value != {self.source.literal(nothing)}"]
        unlike = ["value is not None", *unlike] if may_vanish else unlike
        add(depth + 1, f"value = {self._decoded(rule)}", f"if {' and '.join(unlike)}:")
        add(depth + 2, f"{target} = {_key(rule, 'value')}")

    def _found(self, rule: Rule) -> str:
        if rule.expression is not None:
            return f"{self.source.of_field(rule, 'found', rule.expression.search)}(native)"
        return _read(rule.paths, keep=rule.keep)

    def _present(self, rule: Rule) -> str:
        if rule.when_absent in (MISSING, None, "") or self.source.absent_as(rule) is not MISSING:
            return NOT_EMPTY
        return f"{NOT_EMPTY} and value != {self.source.literal(rule.when_absent)}"

    def _decoded(self, rule: Rule) -> str:
        return "value" if rule.codec is None else f"{self.source.codec(rule.codec, rule.argument, 'in')}(value)"

    def _converted(self, rule: Rule, function: str) -> str:
        if rule.each is not None:
            return f"{_inner(function, rule)}(value, refs)"
        if rule.table is not None:
            return f"{self.source.of_field(rule, 'in', rule.table.pull)}(value)"
        if rule.codec is not None and rule.codec.name == "text" and not rule.ref:
            return f"value if value.__class__ is str else {self._decoded(rule)}"
        return _key(rule, self._decoded(rule))

    def _refs(self, scope: Scope, subject: Subject | None) -> None:
        self._ref_lists(scope, "pull_refs")
        add = self.source.add
        add(0, "def pull_refs(native):", '    """List what must be resolved before the record is read."""')
        if subject is None and not has_refs(scope, pull=True):
            add(1, "return []")
        else:
            add(1, "found = []", "try:")
            if subject is not None:
                self._subject_id(subject, 2)
                add(3, "if value is not None:", f"    found.append(({quoted(subject.entity)}, value))")
            self._ref_rules(scope, "pull_refs", 2)
            add(1, *_PULL_TELLS, "return distinct(found)")
        self.source.end()

    def _ref_lists(self, scope: Scope, function: str) -> None:
        for rule in scope.rules:
            if rule.each is None or not rule.pulls or not has_refs(rule.each, pull=True):
                continue
            inner = _inner(function, rule)
            self._ref_lists(rule.each, inner)
            add = self.source.add
            add(
                0,
                f"def {inner}(elements):",
                "    found = []",
                "    try:",
                "        for native in listed(elements):",
            )
            self._ref_rules(rule.each, inner, 3)
            add(1, *_PULL_TELLS, "return found")
            self.source.end()

    def _ref_rules(self, scope: Scope, function: str, depth: int) -> None:
        add = self.source.add
        for rule in scope.rules:
            if not rule.pulls or not (rule.ref or (rule.each and has_refs(rule.each, pull=True))):
                continue
            add(depth, f"value = {self._found(rule)}", f"if {self._present(rule)}:")
            if rule.each is not None:
                add(depth + 1, f"found += {_inner(function, rule)}(value)")
            else:
                add(depth + 1, f"value = {self._decoded(rule)}", "if value is not None:")
                add(depth + 2, f"found.append(({quoted(rule.ref)}, value))")


_PULL_TELLS = ("except ValueError:", "    pass  # pull meets the same fault and says what is wrong")


def _inner(function: str, rule: Rule) -> str:
    return f"{function}_{'_'.join(rule.field.steps)}"


def _key(rule: Rule, value: str) -> str:
    return f"key_of(refs, {quoted(rule.ref)}, {value})" if rule.ref else value


def _read(choices: tuple[Steps, ...], *, keep: bool) -> str:
    missing = ", MISSING" if keep else ""
    if len(choices) > 1:
        return f"first(native, ({', '.join(map(steps_literal, choices))}){missing})"
    steps = choices[0]
    if len(steps) == 1 and isinstance(steps[0], str):
        return f"native.get({quoted(steps[0])}{missing})"
    return f"dig(native, {steps_literal(steps)}{missing})"
