"""What ``check`` can tell of mappings without calling anybody: they compile, do as their tests say, and meet.

Two mappings that are each right may still not fit: a status that one system can give and the other has no
word for would be found at the first such order, in the night.
"""

from __future__ import annotations

from collections.abc import Iterator

from obmen.errors import ConfigurationError, Refused
from obmen.mapping import BoundMapping, NotCarried
from obmen.mapping.rules import Rule, Scope
from obmen.mapping.selftest import run_tests
from obmen.project import Project
from obmen.sync.flow import Flow
from runner.cli.found import Found, Level, from_error, option_line
from runner.cli.mapping import context_of, mappings_of, testing_context
from runner.render import plural


def check_mappings(project: Project) -> Iterator[Found]:
    """Compile every mapping that a flow uses, in the direction that it uses, and run its tests."""
    bound: set[tuple[str, str, str]] = set()
    tested: dict[tuple[str, str], int] = {}
    for flow, connection, only in mappings_of(project):
        where = context_of(project.connections[connection])
        try:
            mapping = project.mapping(connection, flow.entity, flow)
            if (mapping.source, connection, only) not in bound:
                bound.add((mapping.source, connection, only))
                mapping.bind(where, only)
        except ConfigurationError as error:
            yield from_error(flow.name, error)
            continue
        if (mapping.source, connection) not in tested:
            results = run_tests(mapping, testing_context(mapping, where))
            tested[mapping.source, connection] = sum(result.ok for result in results)
            for result in results:
                if not result.ok:
                    yield Found("problem", connection, f"{result.name} failed: {result.message}", result.where)
    passed = sum(tested.values())
    yield Found("ok", "mappings", f"{plural(len(tested), 'mapping')}, {plural(passed, 'test')} passed.")


def check_meeting(project: Project, flow: Flow) -> Iterator[Found]:
    """Find steps, as of an order, that the source's mapping can give and a target's has no row for.

    Elsewhere the value may never come; where it does, reading the records finds it.
    """
    if not flow.entity.history:
        return
    pulled = {rule.name: rule for rule in flow.pull.scope.rules if rule.pulls and rule.table is not None}
    for target in flow.targets:
        for rule in target.mapping.scope.rules:
            source = pulled.get(rule.name)
            if not rule.pushes or rule.table is None or source is None or source.table is None:
                continue
            for value in source.table.carried:
                if not _takes(rule, value):
                    message = (
                        f"{flow.entity.entity}.{rule.name}: {flow.source.name} can give '{value}', and the "
                        f"table for {target.name} has no row for it. Add one ('{value}: ~' leaves such "
                        "records out)."
                    )
                    yield Found("problem", flow.name, message, rule_line(project, target.name, rule))


def check_known_words(project: Project, flow: Flow) -> Iterator[Found]:
    """Find words of the source that the connector's own mapping has a row for, and the project's has not.

    A system has its statuses long before the first order has one of them.
    """
    name, entity = flow.source.name, flow.entity.entity
    preset = project.preset(name, entity)
    if preset is None or preset.source == flow.pull.spec.document.name:
        return
    shipped = {
        (rule.name, rule.paths, rule.expression and rule.expression.text): rule.table
        for rule in preset.spec.scope.rules
        if rule.pulls and rule.table is not None
    }
    for rule in flow.pull.scope.rules:
        if not rule.pulls or rule.table is None or rule.option:
            continue
        known = shipped.get((rule.name, rule.paths, rule.expression and rule.expression.text))
        unknown = [native for native in known.natives if not rule.table.knows_native(native)] if known else []
        if unknown:
            message = (
                f"{entity}.{rule.name}: {name} can give {', '.join(map(repr, unknown))}, and the table here has no row "
                "for it. Such a record would be set aside; add the row ('~: [value]' leaves such records out)."
            )
            level: Level = "problem" if flow.entity.history else "warning"
            yield Found(level, flow.name, message, rule.where)


def rule_line(project: Project, connection: str, rule: Rule) -> str:
    """Return where a rule's table stands: in the project if it is an option, else in the mapping."""
    return option_line(project, project.connections[connection], rule.option) if rule.option else rule.where


def rule_named(bound: BoundMapping, name: str, *, pulls: bool) -> Rule | None:
    """Return the rule of a field for one direction, wherever it is nested."""
    return next(
        (rule for rule in _rules(bound.scope) if rule.name == name and (rule.pulls if pulls else rule.pushes)),
        None,
    )


def _rules(scope: Scope) -> Iterator[Rule]:
    for rule in scope.rules:
        yield rule
        if rule.each is not None:
            yield from _rules(rule.each)


def _takes(rule: Rule, value: object) -> bool:
    assert rule.table is not None  # noqa: S101 - the caller chose rules that have one
    try:
        rule.table.push(value)
    except NotCarried:
        return True
    except (Refused, ValueError):
        return False
    return True
