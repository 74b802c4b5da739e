"""One line under ``fields:``, read into a rule: which words may stand together, in which direction.

A mapping that means two things at once is refused here with the line and the next step, so that the
generated code knows only plain cases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from obmen.entities import ENTITIES
from obmen.errors import ConfigurationError, meant
from obmen.mapping.canonical import CanonicalField, Model, field_of
from obmen.mapping.codecs import CODECS, DEFAULT_ARGUMENTS, DEFAULT_CODECS, KIND_NAMES, Codec
from obmen.mapping.expressions import Expression
from obmen.mapping.paths import MISSING, Steps, parse_path
from obmen.mapping.tables import Table, TableError
from obmen.mapping.values import BadValue
from obmen.mapping.yaml import Document

Only = Literal["pull", "push"] | None

FIELD_WORDS: dict[str, str] = {
    "path": "where the value stands in the native record",
    "as": "the codec between the two ways of writing it",
    "table": "canonical: native, or the name of a connection's option that holds such a table",
    "only": "pull or push, where the other direction has no meaning",
    "fixed": "a constant canonical value on pull; beside `each`, native constants of every element",
    "when_absent": "the native value that stands for an absent canonical one, or { option: name }",
    "expr": "a JMESPath expression where a path is not enough",
    "each": "the fields of a list's elements",
    "ref": "the entity whose native id stands here, and whose key is the canonical value",
    "value": "connection: the name of the connection that the record comes from",
    "empty": "keep: null and the empty text are values of their own",
}
_BESIDE: dict[str, set[str]] = {
    "value": {"only"},
    "each": {"path", "only", "when_absent", "fixed"},
    "fixed": {"only"},
    "expr": {"only", "as", "table", "ref", "path", "when_absent"},
    "path": {"only", "as", "table", "ref", "when_absent", "empty"},
}
_ONE_OF = (("as", "table"), ("table", "ref"), ("when_absent", "empty"), ("ref", "empty"))


@dataclass(frozen=True)
class Constant:
    """A native value that push always sends: ``value``, or the connection's option of that dotted name."""

    steps: Steps
    value: Any
    option: str
    where: str


@dataclass(frozen=True)
class Scope:
    """The rules of one record or of the elements of one list."""

    model: Model
    rules: tuple[Rule, ...]
    constants: tuple[Constant, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One canonical field and how it is read and written.

    ``table`` is a table that stands in the file, ``option`` the name of one that the connection holds.
    ``codec`` None leaves the value as it is. ``keep``: null and the empty text are values.
    """

    field: CanonicalField
    where: str
    pulls: bool
    pushes: bool
    paths: tuple[Steps, ...] = ()
    codec: Codec | None = None
    argument: str | None = None
    table: Table | None = None
    option: str = ""
    ref: str = ""
    expression: Expression | None = None
    fixed: Any = MISSING
    connection: bool = False
    each: Scope | None = None
    when_absent: Any = MISSING
    absent_option: str = ""
    keep: bool = False

    @property
    def name(self) -> str:
        """The canonical field's dotted name."""
        return self.field.name


class RuleReader:
    """Reads rules from a document; every error names the line."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def error(self, message: object, *path: Any) -> ConfigurationError:
        """Return the error, pointing to the line of ``path``."""
        return ConfigurationError(str(message).rstrip(".") + ".", where=self.document.where(*path))

    def words(self, value: Any, known: Any, what: str, *path: Any) -> dict[Any, Any]:
        """Return the mapping of words that stands at ``path``, having refused unknown ones."""
        if not isinstance(value, dict):
            raise self.error(f"{what} is a set of words ({', '.join(known)}), not {value!r}", *path)
        for word in value:
            if word not in known:
                raise self.error(f"{what} has no word '{word}'.{meant(str(word), known)}", *path, word)
        return value

    def direction(self, value: Any, inherited: Only, *path: Any) -> Only:
        """Return the direction that ``only`` gives, within the one that the whole file or section has."""
        if value not in ("pull", "push", None):
            raise self.error(f"`only` is pull or push, not {value!r}", *path, "only")
        if value and inherited and value != inherited:
            raise self.error(f"`only: {value}` stands in a part that is `only: {inherited}`", *path, "only")
        only: Only = value or inherited
        return only

    def scope(self, model: Model, fields: Any, constants: Any, inherited: Only, *path: Any) -> Scope:
        """Return the rules of a section of fields; ``path`` leads to that section."""
        if not isinstance(fields, dict) or not fields:
            raise self.error("this is where fields stand, as canonical: native path", *path)
        rules: list[Rule] = []
        for name, spec in fields.items():
            try:
                field = field_of(model, name)
            except BadValue as error:
                raise self.error(error, *path, name) from None
            rules += self._field_rules(field, spec, inherited, (*path, name))
        return Scope(model, tuple(rules), constants)

    def constants(self, value: Any, *path: Any) -> tuple[Constant, ...]:
        """Return the constants of a ``fixed:`` section of native paths."""
        if not isinstance(value, dict):
            raise self.error("`fixed` is native path: constant, or native path: { option: name }", *path)
        found = []
        for name, constant in value.items():
            option = ""
            if isinstance(constant, dict):
                option = str(self.words(constant, ("option",), f"the constant {name}", *path, name)["option"])
            steps = self.steps(name, *path, name)
            found.append(Constant(steps, constant, option, self.document.where(*path, name)))
        return tuple(found)

    def steps(self, text: Any, *path: Any) -> Steps:
        """Return a native path's steps."""
        try:
            return parse_path(text)
        except BadValue as error:
            raise self.error(error, *path) from None

    def codec(self, value: Any, *path: Any) -> tuple[Codec, str | None]:
        """Return the codec that ``as`` names and its argument."""
        name, argument = value, None
        if isinstance(value, dict) and len(value) == 1:
            name, argument = next(iter(value.items()))
        if not isinstance(name, str) or name not in CODECS:
            raise self.error(f"there is no codec '{name}'.{meant(str(name), CODECS)}", *path, "as")
        codec = CODECS[name]
        if argument is not None and codec.needs != "argument":
            raise self.error(f"the codec {name} takes no argument", *path, "as")
        if codec.needs == "argument":
            argument = DEFAULT_ARGUMENTS[name] if argument is None else argument
            if not isinstance(argument, str) or not argument:
                raise self.error(f"the argument of {name} is a text, not {argument!r}", *path, "as")
        return codec, argument

    def _field_rules(self, field: CanonicalField, spec: Any, inherited: Only, path: tuple[Any, ...]) -> list[Rule]:
        if not isinstance(spec, list):
            return [self._rule(field, spec, inherited, path)]
        rules = [self._rule(field, item, inherited, (*path, index)) for index, item in enumerate(spec)]
        if not rules:
            raise self.error(f"{field.name} has no rule", *path)
        if sum(rule.pulls for rule in rules) > 1:
            message = f"several rules pull {field.name}: say `only: push` on all but one, or give one rule a "
            raise self.error(message + "list of paths, of which the first that is present is read", *path)
        return rules

    def _rule(self, field: CanonicalField, spec: Any, inherited: Only, path: tuple[Any, ...]) -> Rule:
        spec = {"path": spec} if isinstance(spec, str) else spec
        if not isinstance(spec, dict):
            message = f"{field.name} is a native path, or a set of words such as {{ path: …, as: … }}, not {spec!r}"
            raise self.error(message, *path)
        spec = self.words(spec, FIELD_WORDS, field.name, *path)
        self._together(field, spec, path)
        only = self.direction(spec.get("only"), inherited, *path)
        where = self.document.where(*path)
        rule = Rule(field, where, pulls=only != "push", pushes=only != "pull")
        if "value" in spec or ("fixed" in spec and "each" not in spec):
            return self._given(rule, spec, only, path)
        rule = replace(rule, paths=self._paths(spec, path), keep=self._keep(spec, path))
        if "each" in spec:
            return self._each(rule, spec, only, path)
        if "expr" in spec:
            rule = self._expression(rule, spec, only, path)
        rule = self._conversion(rule, spec, path)
        return self._when_absent(rule, spec, path)

    def _together(self, field: CanonicalField, spec: dict[str, Any], path: tuple[Any, ...]) -> None:
        base = next((word for word in _BESIDE if word in spec), None)
        if base is None:
            raise self.error(f"{field.name} needs one of path, expr, fixed, value", *path)
        for word in spec:
            if word != base and word not in _BESIDE[base]:
                raise self.error(f"{field.name}: `{word}` has no meaning beside `{base}`", *path, word)
        for one, other in _ONE_OF:
            if one in spec and other in spec:
                raise self.error(f"{field.name}: `{one}` and `{other}` exclude each other", *path, other)

    def _given(self, rule: Rule, spec: dict[str, Any], only: Only, path: tuple[Any, ...]) -> Rule:
        word = "value" if "value" in spec else "fixed"
        if only == "push":
            raise self.error(f"{rule.name}: `{word}` gives a canonical value, which only pull does", *path, word)
        rule = replace(rule, pushes=False)
        if word == "value":
            if spec["value"] != "connection":
                raise self.error(f"`value` is connection, not {spec['value']!r}", *path, "value")
            return replace(rule, connection=True)
        if rule.field.kind in ("part", "parts"):
            raise self.error(f"{rule.name} is {KIND_NAMES[rule.field.kind]} and cannot be fixed", *path, "fixed")
        try:
            return replace(rule, fixed=rule.field.valid(spec["fixed"]))
        except BadValue as error:
            raise self.error(error, *path, "fixed") from None

    def _paths(self, spec: dict[str, Any], path: tuple[Any, ...]) -> tuple[Steps, ...]:
        given = spec.get("path", [])
        if given == [] and "path" in spec:
            raise self.error("the list of paths is empty", *path, "path")
        if isinstance(given, list):
            return tuple(self.steps(item, *path, "path", index) for index, item in enumerate(given))
        return (self.steps(given, *path, "path"),)

    def _keep(self, spec: dict[str, Any], path: tuple[Any, ...]) -> bool:
        if spec.get("empty", "keep") != "keep":
            raise self.error(f"`empty` is keep, not {spec['empty']!r}", *path, "empty")
        return "empty" in spec

    def _each(self, rule: Rule, spec: dict[str, Any], only: Only, path: tuple[Any, ...]) -> Rule:
        if rule.field.kind != "parts" or rule.field.model is None:
            raise self.error(
                f"{rule.name} is {KIND_NAMES[rule.field.kind]}; `each` is for a list of parts", *path, "each"
            )
        if not rule.paths:
            raise self.error(f"{rule.name}: `each` needs the `path` of the list", *path)
        if spec.get("when_absent", []) != []:
            raise self.error(f"{rule.name}: `when_absent` of a list is the empty list []", *path, "when_absent")
        if "fixed" in spec and only == "pull":
            raise self.error(f"{rule.name}: `fixed` beside `each` is for push, and this only pulls", *path, "fixed")
        constants = self.constants(spec.get("fixed", {}), *path, "fixed")
        scope = self.scope(rule.field.model, spec["each"], constants, only, *path, "each")
        return replace(rule, each=scope, when_absent=spec.get("when_absent", MISSING))

    def _expression(self, rule: Rule, spec: dict[str, Any], only: Only, path: tuple[Any, ...]) -> Rule:
        if rule.paths and only is None:
            message = "an expression has no way back: say `only: pull` (and no path), or `only: push` with the path"
            raise self.error(f"{rule.name}: {message}", *path, "expr")
        if rule.paths and only == "pull":
            raise self.error(f"{rule.name}: on pull the expression reads, so `path` has no use", *path, "path")
        if not rule.paths and only == "push":
            raise self.error(f"{rule.name}: on push the expression needs a `path` to be written to", *path)
        if not isinstance(spec["expr"], str):
            raise self.error(f"{rule.name}: an expression is a text, not {spec['expr']!r}", *path, "expr")
        try:
            expression = Expression(spec["expr"])
        except BadValue as error:
            raise self.error(f"{rule.name}: {error}", *path, "expr") from None
        return replace(rule, expression=expression, pulls=only != "push", pushes=only == "push")

    def _conversion(self, rule: Rule, spec: dict[str, Any], path: tuple[Any, ...]) -> Rule:
        kind = rule.field.kind
        if "table" in spec:
            return self._table(rule, spec["table"], path)
        if "ref" in spec:
            rule = self._ref(rule, spec["ref"], path)
        if "as" in spec:
            rule = self._named_codec(rule, spec["as"], path)
        else:
            rule = replace(rule, codec=self._default_codec(rule, path))
        codec = rule.codec
        if codec is not None and kind not in (codec.kind, "any"):
            gives = f"and the codec {codec.name} gives {KIND_NAMES[codec.kind]}"
            raise self.error(f"{rule.name} is {KIND_NAMES[kind]}, {gives}", *path, "as")
        if codec is not None and codec.push is None and rule.pushes:
            raise self.error(f"the codec {codec.name} has no way back: say `only: pull`", *path, "as")
        return rule

    def _named_codec(self, rule: Rule, value: Any, path: tuple[Any, ...]) -> Rule:
        codec, argument = self.codec(value, *path)
        return replace(rule, codec=codec, argument=argument)

    def _default_codec(self, rule: Rule, path: tuple[Any, ...]) -> Codec | None:
        kind = rule.field.kind
        if rule.expression is not None and not rule.ref:
            return None
        if kind in DEFAULT_CODECS:
            return DEFAULT_CODECS[kind]
        if kind == "any":
            return None
        if kind == "parts":
            raise self.error(f"{rule.name} is a list of parts; map its elements with `each`", *path)
        if kind == "part":
            raise self.error(f"{rule.name} is a part; map its fields, such as {rule.name}.…", *path)
        choices = ", ".join(codec.name for codec in CODECS.values() if codec.kind == kind)
        message = f"{rule.name} is {KIND_NAMES[kind]}; say with `as` how the peer writes it: {choices}"
        raise self.error(message, *path)

    def _table(self, rule: Rule, value: Any, path: tuple[Any, ...]) -> Rule:
        if rule.field.kind not in ("text", "number", "boolean", "any"):
            raise self.error(f"{rule.name} is {KIND_NAMES[rule.field.kind]}, which no table gives", *path, "table")
        if isinstance(value, str):
            return replace(rule, option=value)
        if not isinstance(value, dict):
            raise self.error(f"{rule.name}: a table is canonical: native, or an option's name", *path, "table")
        try:
            table = Table(value, rule.field, pulls=rule.pulls, pushes=rule.pushes)
        except TableError as error:
            raise self.error(f"{rule.name}: {error}", *path, "table", error.key) from None
        return replace(rule, table=table)

    def _ref(self, rule: Rule, value: Any, path: tuple[Any, ...]) -> Rule:
        if value not in ENTITIES:
            raise self.error(f"there is no entity '{value}'.{meant(str(value), ENTITIES)}", *path, "ref")
        if rule.field.kind not in ("text", "any"):
            raise self.error(f"{rule.name} is {KIND_NAMES[rule.field.kind]}, not a key", *path, "ref")
        if rule.expression is not None and rule.pushes:
            raise self.error(f"{rule.name}: on push an expression has no `ref`", *path, "ref")
        return replace(rule, ref=value)

    def _when_absent(self, rule: Rule, spec: dict[str, Any], path: tuple[Any, ...]) -> Rule:
        if "when_absent" not in spec:
            return rule
        value = spec["when_absent"]
        if isinstance(value, dict) and value:
            option = self.words(value, ("option",), "`when_absent`", *path, "when_absent")["option"]
            return replace(rule, absent_option=str(option))
        fault = absent_fault(rule, value)
        if fault:
            raise self.error(f"{rule.name}: `when_absent` {fault}", *path, "when_absent")
        return replace(rule, when_absent=value)


def absent_fault(rule: Rule, value: Any) -> str:
    """Return why the native value cannot stand for nothing, empty if it can."""
    natives = rule.codec.natives if rule.codec is not None else ()
    if natives and value is not None and type(value) not in natives:
        names = " or ".join(sorted({_native_name(kind) for kind in natives}))
        return f"is {names}, as the codec writes it, not {value!r}"
    if rule.pulls and rule.table is not None and rule.table.knows_native(value):
        return f"is {value!r}, which stands in the table too, so there is no telling them apart"
    return ""


def _native_name(kind: type) -> str:
    names = {
        str: "a text in quotes",
        int: "a number",
        Decimal: "a number",
        bool: "true or false",
        list: "a list",
    }
    return names.get(kind, "a record")
