"""A mapping, and a mapping bound to one connection: what the engine holds.

The mapping is pure: no network, no database, no clock. Equal input through an equal mapping gives equal
output, which is what makes it sound to skip a record whose bytes have not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from obmen.entities import Record
from obmen.errors import ConfigurationError
from obmen.mapping.category_rules import CategoryRules
from obmen.mapping.compile import compile_mapping
from obmen.mapping.paths import MISSING, show
from obmen.mapping.rules import Constant, Only, Rule, Scope, absent_fault
from obmen.mapping.runtime import Refs
from obmen.mapping.spec import (
    CategoriesWord,
    Spec,
    digest,
    directed,
    dump_document,
    load_spec,
    parse_document,
    read_spec,
)
from obmen.mapping.tables import Table, TableError, rows_of
from obmen.mapping.values import BadValue
from obmen.mapping.yaml import Document, read_yaml
from obmen.records import Native

Pull = Callable[[Native, Refs], dict[str, Any]]
Push = Callable[[Record, Refs, MappingOf[str, Record] | None], Native]


@dataclass(frozen=True)
class Context:
    """What a mapping may know of its connection: its name, its options as plain data, and its zone."""

    connection: str
    options: MappingOf[str, Any] = field(default_factory=dict, repr=False)
    zone: tzinfo = UTC


@dataclass(frozen=True)
class Mapping:
    """A mapping file that was read and checked. ``version`` is a digest of what decides its results."""

    spec: Spec = field(repr=False)

    @property
    def entity(self) -> str:
        """The canonical entity."""
        return self.spec.entity

    @property
    def version(self) -> bytes:
        """16 bytes, equal for files that mean the same. Records are skipped by ``BoundMapping.version``."""
        return self.spec.digest

    @property
    def source(self) -> str:
        """The file it was read from."""
        return self.spec.document.name

    def bind(self, context: Context, only: Only = None) -> BoundMapping:
        """Generate and compile the code for one connection; ``only`` pull or push asks for one direction.

        Raises ConfigurationError when an option that the mapping asks for in that direction is missing, or is
        a table without a way back.
        """
        return _bind(directed(self.spec, only), context)


@dataclass(frozen=True)
class BoundMapping:
    """A mapping compiled for one connection.

    ``pull(native, refs)`` returns canonical values by field; ``push(record, refs, companions)`` a payload,
    without what ``with`` brings if ``companions`` is None.
    Both raise Refused (code ``unmapped`` or ``bad_value``), NotCarried and Unresolved. ``pull_refs`` and
    ``push_refs`` list what ``refs`` must hold: (entity, native id) on pull, (entity, key) on push. They raise
    nothing: of a record at fault they list what stands before the fault, which pull then meets itself.

    ``needs``: the entities that ``with`` asks for as companions. ``carries``: the canonical fields that push
    writes, nested ones both dotted and by their first name. ``version`` covers the file and everything of
    the connection that decides the results: the options used, the categories file, the zone and the name where
    they matter. ``categories``: the rules of that file, where the connection has one and push uses it.
    """

    spec: Spec = field(repr=False)
    context: Context
    scope: Scope = field(repr=False)
    companions: dict[str, Scope] = field(repr=False)
    version: bytes
    source_code: str = field(repr=False)
    needs: frozenset[str]
    carries: frozenset[str]
    pull: Pull = field(repr=False)
    push: Push = field(repr=False)
    pull_refs: Callable[[Native], list[tuple[str, str]]] = field(repr=False)
    push_refs: Callable[[Record], list[tuple[str, str]]] = field(repr=False)
    categories: CategoryRules | None = field(default=None, repr=False)

    @property
    def entity(self) -> str:
        """The canonical entity."""
        return self.spec.entity

    @property
    def refers(self) -> frozenset[str]:
        """The entities whose bindings in this connection decide what pull gives."""
        named = {rule.ref for rule in _all_rules(self.scope) if rule.ref and rule.pulls}
        subject = self.spec.subject
        return frozenset(named | ({subject.entity} if subject is not None and subject.pulls else set()))

    @property
    def tells(self) -> frozenset[str]:
        """The canonical fields that pull may give, nested ones by their first name."""
        subject = self.spec.subject
        named = {rule.name.partition(".")[0] for rule in self.scope.rules if rule.pulls}
        return frozenset(named.union(subject.names if subject is not None and subject.pulls else ()))

    @property
    def pulls(self) -> bool:
        """Whether the mapping reads anything."""
        return self.spec.pulls

    @property
    def pushes(self) -> bool:
        """Whether the mapping writes anything."""
        return self.spec.pushes


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises ConfigurationError with ``file:line``."""
    return Mapping(load_spec(path))


def parse_mapping(text: str, name: str = "mapping.yaml") -> Mapping:
    """Read a mapping from a text; ``name`` stands for the file in errors. Raises ConfigurationError."""
    return Mapping(read_spec(parse_document(text, name)))


def dump_mapping(mapping: Mapping) -> str:
    """Return YAML that means the same as the mapping, its tests included and its comments not."""
    return dump_document(mapping.spec.document)


def _bind(spec: Spec, context: Context) -> BoundMapping:
    options = _Options(context)
    scope = options.scope(spec.scope)
    companions = {entity: options.scope(inner) for entity, inner in spec.companions.items()}
    categories = None if spec.categories is None else options.categories(spec.categories)
    compiled = compile_mapping(spec, scope, companions, context.connection, context.zone, categories)
    rules = [rule for section in (scope, *companions.values()) for rule in _all_rules(section)]
    decisive: dict[str, Any] = {"file": spec.digest.hex(), "options": options.used}
    if any(rule.codec is not None and rule.codec.needs == "zone" for rule in rules):
        decisive["zone"] = str(context.zone)
    if any(rule.connection for rule in rules):
        decisive["connection"] = context.connection
    return BoundMapping(
        spec=spec,
        context=context,
        scope=scope,
        companions=companions,
        version=digest(decisive),
        source_code=compiled.source,
        needs=frozenset(companions),
        carries=frozenset(_carried(spec, scope)),
        pull=compiled.pull if spec.pulls else _one_way(spec, "pull"),
        push=compiled.push if spec.pushes else _one_way(spec, "push"),
        pull_refs=compiled.pull_refs,
        push_refs=compiled.push_refs,
        categories=categories,
    )


def _one_way(spec: Spec, way: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        message = f"This mapping of {spec.entity} does not {way}; write its fields for that direction."
        raise ConfigurationError(message, where=spec.document.where("fields"))

    return refuse


class _Options:
    """Puts the connection's options where the mapping names them, and remembers which it used."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.used: dict[str, Any] = {}

    def scope(self, scope: Scope) -> Scope:
        rules = tuple(self._rule(rule) for rule in scope.rules)
        return replace(scope, rules=rules, constants=tuple(map(self._constant, scope.constants)))

    def categories(self, word: CategoriesWord) -> CategoryRules | None:
        """Return the rules of the connection's categories file, or of a table that stands in its place."""
        value = self._find(word.option)
        if value is None:
            return None
        if isinstance(value, MappingOf):
            document = Document(f"the option '{word.option}'", dict(value))
        else:
            document = _categories_file(Path(value), self.context.connection)
        rules = CategoryRules(document, self.context.connection)
        self.used[word.option] = digest(document.data).hex()
        return rules

    def _rule(self, rule: Rule) -> Rule:
        if rule.each is not None:
            return replace(rule, each=self.scope(rule.each))
        if rule.option:
            rule = replace(rule, table=self._table(rule))
        if rule.absent_option and (value := self._find(rule.absent_option)) is not None:
            rule = replace(rule, when_absent=value)
        if (rule.option or rule.absent_option) and rule.when_absent is not MISSING:
            fault = absent_fault(rule, rule.when_absent)
            if fault:
                raise self._error(rule, f"`when_absent` {fault}")
        return rule

    def _table(self, rule: Rule) -> Table:
        try:
            rows = rows_of(self._find(rule.option), rule.option, self.context.options)
            return Table(rows, rule.field, pulls=rule.pulls, pushes=rule.pushes)
        except TableError as error:
            raise self._error(rule, f"the option '{rule.option}': {error}") from None
        except BadValue as error:
            raise self._error(rule, str(error)) from None

    def _error(self, rule: Rule, message: str) -> ConfigurationError:
        message = f"{rule.name}, connection '{self.context.connection}': {message.rstrip('.')}."
        return ConfigurationError(message, where=rule.where)

    def _constant(self, constant: Constant) -> Constant:
        if not constant.option:
            return constant
        value = self._find(constant.option)
        if value is None:
            message = (
                f"'{show(constant.steps)}' is sent as the option '{constant.option}' says, which the "
                f"connection '{self.context.connection}' does not have. Add it to the connection."
            )
            raise ConfigurationError(message, where=constant.where)
        return replace(constant, value=value)

    def _find(self, name: str) -> Any:
        value: Any = self.context.options
        for step in name.split("."):
            value = value.get(step) if isinstance(value, MappingOf) else None
        self.used[name] = value
        return value


def _categories_file(path: Path, connection: str) -> Document:
    if not path.is_file():
        message = f"There is no categories file. Begin one with: obmen categories {connection} --draft > {path.name}."
        raise ConfigurationError(message, where=str(path))
    about = path.stat()
    return _read_categories(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=16)
def _read_categories(path: Path, _written_at: int, _size: int) -> Document:
    """Read a categories file once for all connections and directions, and anew when it was written."""
    return read_yaml(path)


def _all_rules(scope: Scope) -> Iterator[Rule]:
    for rule in scope.rules:
        yield rule
        if rule.each is not None:
            yield from _all_rules(rule.each)


def _carried(spec: Spec, scope: Scope) -> Iterator[str]:
    if spec.subject is not None and spec.subject.pushes:
        yield from spec.subject.names
    yield from _pushed_names(scope, "")


def _pushed_names(scope: Scope, prefix: str) -> Iterator[str]:
    for rule in scope.rules:
        if rule.pushes:
            yield prefix + rule.name
            yield prefix + rule.field.steps[0]
            if rule.each is not None:
                yield from _pushed_names(rule.each, f"{prefix}{rule.name}.")
