"""A mapping file, read and checked as a whole.

What a single line cannot show is checked here: two lines that write one native path, a required field that
nothing gives, a subject that the entity does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import xxhash

from obmen.entities import ENTITIES, Product, Record, join_key
from obmen.errors import ConfigurationError, meant
from obmen.mapping.canonical import Model, fields_of
from obmen.mapping.codecs import KIND_NAMES, Codec
from obmen.mapping.paths import Steps, clash, show
from obmen.mapping.rules import Only, RuleReader, Scope
from obmen.mapping.yaml import Document, parse_yaml, read_text, write_yaml

SEMANTICS = "1"
"""Part of every version: raised when the compiler gives another result for the same file."""

TOP_WORDS: dict[str, str] = {
    "entity": "the canonical entity",
    "subject": "where the native id of the record's subject stands",
    "only": "pull or push for the whole file",
    "fields": "canonical: native path, one line for both directions",
    "fixed": "native path: a constant that push always sends",
    "with": "fields of another canonical record of the same subject that push sends beside this one",
    "categories": "where push writes a product's category and attributes, as a categories file says",
    "tests": "examples that are run",
}
CATEGORIES_WORDS: dict[str, str] = {
    "option": "the connection's option that names the categories file",
    "category": "the native path of the vendor's category",
    "attributes": "the native path of the list of attributes",
}
SUBJECT_WORDS: dict[str, str] = {
    "path": "the native path",
    "only": "pull or push, where the other direction has no meaning",
    "as": "the codec of the native id",
}
TEST_WORDS: dict[str, str] = {
    "native": "a native record",
    "canonical": "the canonical fields that it stands for",
    "only": "pull or push, to try one direction",
    "refs": "which native id is which key",
    "with": "the records that `with` asks for",
    "options": "the connection's options",
    "connection": "the connection's name",
    "timezone": "the connection's zone, such as Europe/Moscow",
}
REF_WORDS: dict[str, str] = {
    "entity": "the canonical entity",
    "connection_id": "its native id in the connection",
    "key": "its key; a list where the key has several parts",
}


@dataclass(frozen=True)
class Subject:
    """Where the native id of the record's subject stands; ``names`` are the key fields that it fills."""

    steps: Steps
    codec: Codec
    argument: str | None
    entity: str
    names: tuple[str, ...]
    pulls: bool
    pushes: bool
    where: str


@dataclass(frozen=True)
class CategoriesWord:
    """Where push writes what a categories file says; ``option`` is the connection's, dotted."""

    option: str
    category: Steps
    attributes: Steps
    where: str


@dataclass(frozen=True)
class Ref:
    """One binding that a test supposes."""

    entity: str
    connection_id: str
    key: str


@dataclass(frozen=True)
class Example:
    """One entry of the ``tests:`` section."""

    native: dict[str, Any]
    canonical: dict[str, Any]
    only: Only
    refs: tuple[Ref, ...]
    companions: dict[str, dict[str, Any]]
    options: dict[str, Any]
    connection: str | None
    timezone: str | None
    where: str


@dataclass(frozen=True)
class Spec:
    """A checked mapping file; ``digest`` covers everything that decides its results, so not its tests."""

    document: Document = field(repr=False)
    entity: str
    model: type[Record]
    subject: Subject | None
    scope: Scope
    companions: dict[str, Scope]
    tests: tuple[Example, ...]
    digest: bytes
    categories: CategoriesWord | None = None

    @property
    def pulls(self) -> bool:
        """Whether the mapping reads anything."""
        return any(rule.pulls for rule in self.scope.rules)

    @property
    def pushes(self) -> bool:
        """Whether the mapping writes anything."""
        return bool(self.companions) or any(rule.pushes for rule in self.scope.rules)


def load_spec(path: Path) -> Spec:
    """Read and check a mapping file. Raises ConfigurationError with ``file:line``."""
    return _spec_of(read_text(path), str(path))


@lru_cache(maxsize=256)
def _spec_of(text: str, name: str) -> Spec:
    """Parse a text once: flows share mappings, and parsing takes longer than all else of a start."""
    return read_spec(parse_yaml(text, name))


def read_spec(document: Document) -> Spec:
    """Check a mapping that was read. Raises ConfigurationError with ``file:line``."""
    reader = RuleReader(document)
    data = reader.words(document.data, TOP_WORDS, "a mapping")
    entity = data.get("entity")
    if entity not in ENTITIES:
        raise reader.error(f"`entity` is one of Obmen's, not {entity!r}.{meant(str(entity), ENTITIES)}", "entity")
    model = ENTITIES[entity]
    if "fields" not in data:
        raise reader.error("a mapping needs `fields`")
    only = reader.direction(data.get("only"), None)
    constants = reader.constants(data.get("fixed", {}), "fixed")
    scope = reader.scope(model, data["fields"], constants, only, "fields")
    spec = Spec(
        document,
        entity,
        model,
        _subject(reader, data.get("subject"), model, only),
        scope,
        _companions(reader, data.get("with", {})),
        _tests(reader, data.get("tests", [])),
        digest({name: value for name, value in data.items() if name != "tests"}),
        _categories(reader, data.get("categories"), model),
    )
    for word in ("fixed", "with", "categories"):
        if word in data and (only == "pull" or not spec.pushes):
            raise reader.error(f"`{word}` is for push, and this mapping only pulls", word)
    if spec.subject is not None and not spec.pulls:
        spec = replace(spec, subject=replace(spec.subject, pulls=False))
    _check_pull(reader, spec)
    _check_push(spec)
    return spec


def directed(spec: Spec, only: Only) -> Spec:
    """Return the mapping as it is for one direction, without what only the other needs."""
    if only is None:
        return spec
    pull = only == "pull"
    subject = spec.subject
    if subject is not None:
        subject = replace(subject, pulls=subject.pulls and pull, pushes=subject.pushes and not pull)
    companions = {} if pull else spec.companions
    categories = None if pull else spec.categories
    scope = _directed_scope(spec.scope, pull)
    return replace(spec, subject=subject, scope=scope, companions=companions, categories=categories)


def _directed_scope(scope: Scope, pull: bool) -> Scope:
    rules = []
    for rule in scope.rules:
        if rule.pulls if pull else rule.pushes:
            each = None if rule.each is None else _directed_scope(rule.each, pull)
            rules.append(replace(rule, pulls=pull, pushes=not pull, each=each))
    return replace(scope, rules=tuple(rules), constants=() if pull else scope.constants)


def dump_document(document: Document) -> str:
    """Return YAML that means the same as the document, without its comments."""
    return write_yaml(document.data)


def parse_document(text: str, name: str) -> Document:
    """Read a mapping's YAML from a text."""
    return parse_yaml(text, name)


def digest(value: Any) -> bytes:
    """Return 16 bytes that are the same for equal data on every machine, whatever the order of keys."""
    return xxhash.xxh3_128_digest(f"{SEMANTICS}\n{_spelt(value)}".encode())


def _spelt(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{_spelt(name)}:{_spelt(item)}" for name, item in value.items())) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_spelt, value)) + "]"
    return repr(value)


def _subject(reader: RuleReader, value: Any, model: type[Record], inherited: Only) -> Subject | None:
    if value is None:
        return None
    if model.subject is None:
        raise reader.error(f"{model.entity} is no facet of another record, so it has no `subject`", "subject")
    words = {"path": value} if isinstance(value, str) else value
    words = reader.words(words, SUBJECT_WORDS, "the subject", "subject")
    if "path" not in words:
        raise reader.error("the subject needs a `path`", "subject")
    only = reader.direction(words.get("only"), inherited, "subject")
    codec, argument = reader.codec(words.get("as", "text"), "subject")
    if codec.kind != "text":
        message = f"the subject's id is {KIND_NAMES['text']}, and {codec.name} gives {KIND_NAMES[codec.kind]}"
        raise reader.error(message, "subject", "as")
    steps = reader.steps(words["path"], "subject", "path")
    entity, names = model.subject
    where = reader.document.where("subject")
    return Subject(steps, codec, argument, entity, names, only != "push", only != "pull", where)


def _categories(reader: RuleReader, value: Any, model: type[Record]) -> CategoriesWord | None:
    if value is None:
        return None
    if model is not Product:
        raise reader.error(f"only a product has a category, not {model.entity}", "categories")
    words = reader.words(value, CATEGORIES_WORDS, "`categories`", "categories")
    for name in CATEGORIES_WORDS:
        if name not in words:
            raise reader.error(f"`categories` needs `{name}`", "categories")
    if not isinstance(words["option"], str) or not words["option"]:
        raise reader.error("`option` is the name of the connection's option", "categories", "option")
    category = reader.steps(words["category"], "categories", "category")
    attributes = reader.steps(words["attributes"], "categories", "attributes")
    return CategoriesWord(words["option"], category, attributes, reader.document.where("categories"))


def _companions(reader: RuleReader, value: Any) -> dict[str, Scope]:
    if not isinstance(value, dict):
        raise reader.error("`with` is entity: fields", "with")
    found = {}
    for name, fields in value.items():
        if name not in ENTITIES:
            raise reader.error(f"there is no entity '{name}'.{meant(str(name), ENTITIES)}", "with", name)
        scope = reader.scope(ENTITIES[name], fields, (), "push", "with", name)
        for rule in scope.rules:
            if rule.ref or rule.each is not None:
                message = f"{rule.name}: `with` takes plain fields, not a `ref` or a list of parts."
                raise ConfigurationError(message, where=rule.where)
        found[name] = scope
    return found


def _tests(reader: RuleReader, value: Any) -> tuple[Example, ...]:
    if not isinstance(value, list):
        raise reader.error("`tests` is a list of examples", "tests")
    return tuple(_test(reader, item, ("tests", index)) for index, item in enumerate(value))


def _test(reader: RuleReader, value: Any, path: tuple[Any, ...]) -> Example:
    words = reader.words(value, TEST_WORDS, "a test", *path)
    for name in ("native", "canonical"):
        if name not in words:
            raise reader.error(f"a test needs `{name}`", *path)
    for name in ("native", "canonical", "with", "options"):
        if not isinstance(words.get(name, {}), dict):
            raise reader.error(f"`{name}` of a test is a record", *path, name)
    for name in ("connection", "timezone"):
        if not isinstance(words.get(name, ""), str):
            raise reader.error(f"`{name}` of a test is a text", *path, name)
    refs = words.get("refs", [])
    if not isinstance(refs, list):
        raise reader.error("`refs` is a list of { entity, connection_id, key }", *path, "refs")
    return Example(
        words["native"],
        words["canonical"],
        reader.direction(words.get("only"), None, *path),
        tuple(_test_ref(reader, ref, (*path, "refs", index)) for index, ref in enumerate(refs)),
        words.get("with", {}),
        words.get("options", {}),
        words.get("connection"),
        words.get("timezone"),
        reader.document.where(*path),
    )


def _test_ref(reader: RuleReader, value: Any, path: tuple[Any, ...]) -> Ref:
    words = reader.words(value, REF_WORDS, "a ref", *path)
    for name in REF_WORDS:
        if name not in words:
            raise reader.error(f"a ref needs `{name}`", *path)
    if words["entity"] not in ENTITIES:
        message = f"there is no entity '{words['entity']}'.{meant(str(words['entity']), ENTITIES)}"
        raise reader.error(message, *path, "entity")
    key = words["key"]
    parts = [str(part) for part in key] if isinstance(key, list) else None
    return Ref(words["entity"], str(words["connection_id"]), join_key(parts) if parts else str(key))


def _check_pull(reader: RuleReader, spec: Spec) -> None:
    if not spec.pulls:
        return
    given: set[str] = set()
    if spec.subject is not None and spec.subject.pulls:
        given.update(spec.subject.names)
        for rule in spec.scope.rules:
            if rule.pulls and rule.name in given:
                message = f"{rule.name} comes from `subject` already: say `only: push` for one of the two."
                raise ConfigurationError(message, where=rule.where)
    _check_required(reader, spec.scope, given, spec.entity, "fields")


def _check_required(reader: RuleReader, scope: Scope, given: set[str], title: str, *path: Any) -> None:
    pulled = [rule for rule in scope.rules if rule.pulls]
    for number, rule in enumerate(pulled):
        for other in pulled[:number]:
            if clash(rule.field.steps, other.field.steps):
                message = f"{rule.name} is pulled here and as {other.name} in {other.where}."
                raise ConfigurationError(message, where=rule.where)
        if rule.each is not None:
            inner = (*path, rule.name, "each")
            _check_required(reader, rule.each, set(), f"a part of {title}.{rule.name}", *inner)
    given = given | {rule.field.steps[0] for rule in pulled}
    for name in _required(scope.model):
        if name not in given:
            message = f"pull never gives '{name}', which {title} requires: map it, give a constant with `fixed`, "
            raise reader.error(message + "or say `only: push` at the top of the file if nothing is read", *path)


def _required(model: Model) -> Iterator[str]:
    return (item.name for item in fields_of(model).values() if item.required)


def _check_push(spec: Spec) -> None:
    targets = list(_targets(spec.scope))
    if spec.subject is not None and spec.subject.pushes:
        targets.insert(0, (spec.subject.steps, spec.subject.where, "the subject"))
    if spec.categories is not None:
        word = spec.categories
        targets.append((word.category, word.where, "the vendor's category"))
        targets.append((word.attributes, word.where, "the attributes"))
    for entity, scope in spec.companions.items():
        targets += [(steps, where, f"{entity}.{name}") for steps, where, name in _targets(scope)]
    _check_targets(targets)
    for scope in (spec.scope, *spec.companions.values()):
        _check_elements(scope)


def _check_elements(scope: Scope) -> None:
    for rule in scope.rules:
        if rule.each is not None and rule.pushes:
            _check_targets(list(_targets(rule.each)))
            _check_elements(rule.each)


def _targets(scope: Scope) -> Iterator[tuple[Steps, str, str]]:
    for rule in scope.rules:
        if rule.pushes:
            yield rule.paths[0], rule.where, rule.name
    for constant in scope.constants:
        yield constant.steps, constant.where, "a constant"


def _check_targets(targets: list[tuple[Steps, str, str]]) -> None:
    for number, (steps, where, name) in enumerate(targets):
        for other_steps, other_where, other_name in targets[:number]:
            if clash(steps, other_steps):
                message = (
                    f"push writes {name} to '{show(steps)}', where {other_name} is written as "
                    f"'{show(other_steps)}' in {other_where}: say `only: pull` for one of the two."
                )
                raise ConfigurationError(message, where=where)
