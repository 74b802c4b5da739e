"""Generated code for one bound mapping: written once, compiled once, readable.

Interpreting the rules for every record costs twice as much as running code that says them outright;
``obmen mapping show`` prints what runs. Every name and value enters the source as a checked identifier or as
a quoted constant, so a mapping file cannot bring code of its own.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from types import CodeType
from typing import Any

from obmen.entities import ENTITIES
from obmen.mapping.category_rules import CategoryRules
from obmen.mapping.paths import show
from obmen.mapping.pull_code import PullCode
from obmen.mapping.push_code import PushCode
from obmen.mapping.rules import Rule, Scope
from obmen.mapping.runtime import Explainer, Note
from obmen.mapping.source import SUBJECT, Notes, Source
from obmen.mapping.spec import Spec


@dataclass(frozen=True)
class Compiled:
    """The functions and the source that they were compiled from."""

    source: str
    pull: Callable[..., Any]
    push: Callable[..., Any]
    pull_refs: Callable[..., Any]
    push_refs: Callable[..., Any]


def compile_mapping(
    spec: Spec,
    scope: Scope,
    companions: Mapping[str, Scope],
    connection: str,
    zone: tzinfo,
    categories: CategoryRules | None = None,
) -> Compiled:
    """Generate and compile; ``scope`` and ``companions`` are the file's with the options put in.

    Without ``categories`` nothing is written where the mapping would have them.
    """
    source = Source(zone)
    source.add(0, f"# {spec.entity} of the connection {connection!r}, from {spec.document.name!r}")
    source.end()
    PullCode(source, connection).functions(scope, spec.subject)
    if categories is not None:
        source.names["filling_of"] = categories.filling
    PushCode(source).functions(scope, spec.subject, companions, spec.categories if categories is not None else None)
    notes = _notes(spec, scope, companions, connection)
    source.names["pull_refused"] = Explainer(spec.entity, notes.pull)
    source.names["push_refused"] = Explainer(spec.entity, notes.push)
    text = "\n".join(source.lines).rstrip() + "\n"
    name = f"<{spec.document.name} for {connection}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names = dict(source.names)
    exec(_code(text, name), names)  # noqa: S102 - our own source, quoted as the docstring says
    return Compiled(text, names["pull"], names["push"], names["pull_refs"], names["push_refs"])


@lru_cache(maxsize=512)
def _code(text: str, name: str) -> CodeType:
    """A project that is loaded anew mostly brings the mappings that it had."""
    return compile(text, name, "exec")


def _notes(spec: Spec, scope: Scope, companions: Mapping[str, Scope], connection: str) -> Notes:
    def mend(rule: Rule) -> str:
        if rule.option:
            return f"the option '{rule.option}' of the connection '{connection}'"
        return f"the table at {rule.where}" if rule.table is not None else rule.where

    notes = Notes()
    notes.gather(scope, spec.model.personal_fields(), mend)
    for entity, inner in companions.items():
        personal = frozenset(f"{entity}.{name}" for name in ENTITIES[entity].personal_fields())
        notes.gather(inner, personal, mend, f"{entity}.")
    if spec.subject is not None:
        native = show(spec.subject.steps)
        note = Note(spec.subject.names[-1], native, spec.subject.where, hidden=False)
        notes.pull[SUBJECT] = notes.push[SUBJECT] = note
    return notes
