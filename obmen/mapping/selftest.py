"""Tries a mapping before it ever runs: the examples in its file, and made-up records both ways.

A two-way example is compared where the two directions meet: pull must give the canonical fields that it can
give, push must write the native paths that it writes. ``only:`` in an example compares everything instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from obmen.entities import ENTITIES, Record
from obmen.errors import ConfigurationError, ObmenError, Refused
from obmen.mapping.bound import BoundMapping, Context, Mapping
from obmen.mapping.canonical import normalise, partial, unpack
from obmen.mapping.compile import compile_mapping
from obmen.mapping.paths import MISSING, dig, put, show
from obmen.mapping.rules import Rule, Scope
from obmen.mapping.samples import sample_id, sample_records
from obmen.mapping.spec import Example, Subject
from obmen.mapping.values import BadValue

_MOST_LINES = 20


@dataclass(frozen=True)
class TestResult:
    """What became of one test. ``message`` is empty if it passed, else lines for a person to read."""

    __test__: ClassVar[bool] = False

    name: str
    where: str
    ok: bool
    message: str = ""


def run_tests(mapping: Mapping, context: Context) -> list[TestResult]:
    """Run the examples of the file and the made-up values; ``context`` is what the examples do not say."""
    results: list[TestResult] = []
    for number, example in enumerate(mapping.spec.tests, 1):
        results += _run_example(mapping, context, example, f"test {number}")
    if _two_way_scope(mapping.spec.scope).rules:
        results.append(_run_generated(mapping, context))
    return results


def _run_example(mapping: Mapping, context: Context, example: Example, name: str) -> Iterator[TestResult]:
    try:
        bound = _with_own_categories(mapping, example).bind(_context(context, example), only=example.only)
    except ObmenError as error:
        yield TestResult(name, example.where, ok=False, message=str(error))
        return
    if bound.pulls:
        yield _tried(f"{name} (pull)", example.where, lambda: _pull_diff(bound, example))
    if bound.pushes:
        yield _tried(f"{name} (push)", example.where, lambda: _push_diff(bound, example))


def _run_generated(mapping: Mapping, context: Context) -> TestResult:
    name, line = "made-up values", mapping.spec.document.where("fields")
    examples = mapping.spec.tests
    try:
        where = _context(context, examples[0]) if examples else context
        bound = Mapping(replace(mapping.spec, categories=None)).bind(where)
    except ObmenError as error:
        return TestResult(name, line, ok=False, message=str(error))

    def diff() -> list[str]:
        law = RoundTrip(bound)
        return [line for record in _made_up(bound) for line in law(record)]

    return _tried(name, line, diff)


def _with_own_categories(mapping: Mapping, example: Example) -> Mapping:
    """Return the mapping as an example means it: the connection's own categories file knows nothing of its goods."""
    word = mapping.spec.categories
    if word is None or word.option.split(".")[0] in example.options:
        return mapping
    return Mapping(replace(mapping.spec, categories=None))


def _tried(name: str, where: str, diff: Callable[[], list[str]]) -> TestResult:
    try:
        lines = diff()
    except (ObmenError, BadValue) as error:
        lines = [str(error)]
    shown = lines[:_MOST_LINES] + ([f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else [])
    return TestResult(name, where, ok=not lines, message="\n".join(shown))


def _context(context: Context, example: Example) -> Context:
    zone = context.zone
    if example.timezone is not None:
        try:
            zone = ZoneInfo(example.timezone)
        except (ZoneInfoNotFoundError, ValueError, TypeError):
            message = f"There is no time zone '{example.timezone}'. Write one such as Europe/Moscow."
            raise ConfigurationError(message, where=example.where) from None
    options = {**context.options, **example.options}
    return Context(example.connection or context.connection, options, zone)


def _pull_diff(bound: BoundMapping, example: Example) -> list[str]:
    model = bound.spec.model
    refs = {(ref.entity, ref.connection_id): ref.key for ref in example.refs}
    expected = normalise(model, example.canonical)
    pulled = normalise(model, bound.pull(example.native, refs))
    if example.only is None:
        subject = bound.spec.subject
        names = subject.names if subject is not None and subject.pulls else ()
        given = {name: expected[name] for name in names if name in expected}
        expected = {**given, **_restricted(bound.scope, expected)}
    return differences(expected, pulled)


def _push_diff(bound: BoundMapping, example: Example) -> list[str]:
    record = _record(bound.entity, example.canonical)
    refs = {(ref.entity, ref.key): ref.connection_id for ref in example.refs}
    companions = {entity: _record(entity, values) for entity, values in example.companions.items()}
    payload = bound.push(record, refs, companions)
    if example.only is not None:
        return differences(example.native, payload)
    expected = _written(bound.scope, example.native)
    for inner in bound.companions.values():
        _copy(inner, example.native, expected)
    if bound.categories is not None and bound.spec.categories is not None:
        for steps in (bound.spec.categories.category, bound.spec.categories.attributes):
            if (value := dig(example.native, steps)) is not None:
                put(expected, steps, value)
    subject = bound.spec.subject
    if subject is not None and subject.pushes and (found := dig(example.native, subject.steps)) is not None:
        put(expected, subject.steps, found)
    if subject is not None and _overwritten(subject, bound.scope):
        put(expected, subject.steps, dig(payload, subject.steps))
    return differences(expected, payload, empty_is_nothing=True)


def _overwritten(subject: Subject, scope: Scope) -> bool:
    """Whether one path holds the subject's id on pull and something else on push, so that they never meet."""
    pushed = (rule.paths[0] for rule in scope.rules if rule.pushes and not rule.pulls)
    return subject.pulls and not subject.pushes and subject.steps in pushed


def _record(entity: str, values: dict[str, Any]) -> Record:
    record = partial(ENTITIES[entity], normalise(ENTITIES[entity], values))
    if not isinstance(record, Record):
        raise BadValue(f"{entity} is not an entity")
    return record


class RoundTrip:
    """The law of a mapping: pull(push(record)) is the record, for the fields that one rule reads and writes.

    What a categories file says has no way back, so it is left out.
    """

    def __init__(self, bound: BoundMapping) -> None:
        self.bound = bound
        self.scope = _two_way_scope(bound.scope)
        context, subject = bound.context, bound.spec.subject
        self._push = compile_mapping(bound.spec, bound.scope, bound.companions, context.connection, context.zone).push
        both_ways = subject is not None and subject.pulls and subject.pushes
        spec = bound.spec if both_ways else replace(bound.spec, subject=None)
        self._pull = compile_mapping(spec, self.scope, {}, context.connection, context.zone).pull

    def __call__(self, values: dict[str, Any]) -> list[str]:
        """Return a line for each difference; native ids and companions are made up.

        ``values`` are normalised canonical values. Raises Refused for a record that push does not take.
        """
        bound, zone = self.bound, self.bound.context.zone
        record = _record(bound.entity, values)
        ids = _made_up_ids(bound, bound.push_refs(record))
        companions = {
            entity: _record(entity, next(sample_records(inner), {})) for entity, inner in bound.companions.items()
        }
        payload = self._push(record, ids, companions)
        back = {(entity, native): key for (entity, key), native in ids.items()}
        try:
            pulled = normalise(bound.spec.model, self._pull(payload, back))
        except (Refused, BadValue) as error:
            return [f"what push wrote, pull refuses: {error}"]
        return differences(_restricted(self.scope, unpack(record), zone), _restricted(self.scope, pulled, zone))


def _two_way_scope(scope: Scope) -> Scope:
    both = [rule for rule in scope.rules if rule.pulls and rule.pushes]
    rules = [rule if rule.each is None else replace(rule, each=_two_way_scope(rule.each)) for rule in both]
    return replace(scope, rules=tuple(rules))


def _made_up(bound: BoundMapping) -> Iterator[dict[str, Any]]:
    subject = bound.spec.subject
    for values in sample_records(bound.scope):
        yield {**dict.fromkeys(subject.names if subject is not None else (), "A-1"), **values}


def _made_up_ids(bound: BoundMapping, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    codecs = {rule.ref: rule.codec.name for rule in _refs(bound.scope) if rule.codec is not None}
    if bound.spec.subject is not None:
        codecs[bound.spec.subject.entity] = bound.spec.subject.codec.name
    return {
        (entity, key): sample_id(codecs.get(entity, "text"), number) for number, (entity, key) in enumerate(wanted, 1)
    }


def _refs(scope: Scope) -> Iterator[Rule]:
    for rule in scope.rules:
        if rule.ref:
            yield rule
        if rule.each is not None:
            yield from _refs(rule.each)


def _restricted(scope: Scope, values: dict[str, Any], round_trip_in: tzinfo | None = None) -> dict[str, Any]:
    """Return of nested canonical values those that pull can give.

    With the zone of a round trip, without those that ``when_absent`` cannot tell from nothing.
    """
    kept: dict[str, Any] = {}
    for rule in scope.rules:
        value = dig(values, rule.field.steps, MISSING)
        if not rule.pulls or value is MISSING:
            continue
        if round_trip_in is not None and _is_nothing(rule, value, round_trip_in):
            continue
        if rule.each is not None and value is not None:
            value = tuple(_restricted(rule.each, element, round_trip_in) for element in value)
        put(kept, rule.field.steps, value)
    return kept


def _is_nothing(rule: Rule, value: Any, zone: tzinfo) -> bool:
    if rule.when_absent is MISSING or rule.codec is None or rule.ref:
        return False
    try:
        return bool(value == rule.codec.pair(zone, rule.argument)[0](rule.when_absent))
    except BadValue:
        return False


def _written(scope: Scope, native: dict[str, Any]) -> dict[str, Any]:
    """Return of a native record only what push writes."""
    kept: dict[str, Any] = {}
    _copy(scope, native, kept)
    for constant in scope.constants:
        if (value := dig(native, constant.steps, MISSING)) is not MISSING:
            put(kept, constant.steps, value)
    return kept


def _copy(scope: Scope, native: dict[str, Any], kept: dict[str, Any]) -> None:
    for rule in scope.rules:
        value = dig(native, rule.paths[0], MISSING) if rule.pushes else MISSING
        if value is MISSING:
            continue
        if rule.each is not None and isinstance(value, list):
            value = [_written(rule.each, element) for element in value]
        put(kept, rule.paths[0], value)


def differences(expected: Any, actual: Any, *, empty_is_nothing: bool = False) -> list[str]:
    """Return a line for each leaf in which two nested values differ."""
    wanted, got = dict(_leaves(expected, ())), dict(_leaves(actual, ()))
    lines = []
    for steps in dict.fromkeys((*wanted, *got)):
        one, other = wanted.get(steps, MISSING), got.get(steps, MISSING)
        if empty_is_nothing:
            one, other = (MISSING if value is None or value == "" else value for value in (one, other))
        if not _same(one, other):
            lines.append(f"{show(steps) or 'the record'}: expected {_told(one)}, got {_told(other)}")
    return lines


def _leaves(value: Any, steps: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, (*steps, name))
    elif isinstance(value, list | tuple) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, (*steps, number))
    elif steps or value:
        yield steps, list(value) if isinstance(value, tuple) else value


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _told(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return f'"{value}"' if isinstance(value, str) else str(value) if isinstance(value, Decimal) else repr(value)
