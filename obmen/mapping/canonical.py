"""What a mapping may say of a canonical entity: its fields by dotted name, their kinds, their values.

A misspelt field, a number mapped as a text, a status that does not exist: each is found here when the file
is loaded, not when the first record is refused.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from obmen.entities import Part
from obmen.errors import meant
from obmen.mapping.codecs import KIND_NAMES, Kind
from obmen.mapping.values import BadValue

Model = type[Part]


@dataclass(frozen=True)
class CanonicalField:
    """A field as a mapping names it: ``amount``, ``delivery.address``, or ``attributes.Цвет`` in a map.

    ``choices`` are the only values that a text field takes, where it has such; ``model`` is the class of a
    part or of the parts of a list; ``required`` is said of the record's own fields only; ``in_map``: the last
    step is a name within a map.
    """

    name: str
    steps: tuple[str, ...]
    kind: Kind
    required: bool
    annotation: Any
    choices: tuple[str, ...] = ()
    model: Model | None = None
    in_map: bool = False

    def valid(self, value: Any) -> Any:
        """Return the value in its canonical form. Raises BadValue that says what is expected."""
        if self.choices and isinstance(value, str) and value not in self.choices:
            raise BadValue(f"{self.name} is never '{value}'.{meant(value, self.choices)}")
        try:
            return _adapter(self.annotation).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False, include_input=False)[0]["msg"]
            message = f"{self.name} is {KIND_NAMES[self.kind]}, and {value!r} is not a valid one ({reason})"
            raise BadValue(message) from None

    def from_key(self, key: Any) -> Any:
        """Return the canonical value that a table's key stands for. Raises BadValue."""
        if self.kind == "boolean":
            return self.valid({"true": True, "false": False}.get(str(key).lower(), key))
        if isinstance(key, bool):
            raise BadValue(f"put '{str(key).lower()}' in quotes: {self.name} is {KIND_NAMES[self.kind]}")
        return self.valid(Decimal(str(key)) if self.kind == "number" and _numeric(key) else str(key))


def field_of(model: Model, name: Any) -> CanonicalField:
    """Return the field of a dotted name. Raises BadValue with the name that was meant."""
    if not isinstance(name, str):
        raise BadValue(f"{name!r} is not the name of a canonical field")
    steps = tuple(name.split("."))
    found = fields_of(model)
    for depth, step in enumerate(steps):
        prefix = ".".join(steps[:depth])
        if step not in found:
            within = f"{_title(model)}.{prefix}" if prefix else _title(model)
            raise BadValue(f"{within} has no field '{step}'.{meant(step, found)}")
        field, rest = found[step], steps[depth + 1 :]
        if not rest:
            return CanonicalField(
                name,
                steps,
                field.kind,
                field.required and not depth,
                field.annotation,
                field.choices,
                field.model,
            )
        if field.kind == "map" and len(rest) == 1 and rest[0]:
            return CanonicalField(name, steps, "text", required=False, annotation=str, in_map=True)
        if field.kind != "part" or field.model is None:
            hint = "; map its elements with `each`" if field.kind == "parts" else ""
            raise BadValue(f"{'.'.join(steps[: depth + 1])} is {KIND_NAMES[field.kind]}{hint}")
        found = fields_of(field.model)
    raise BadValue(f"'{name}' is not the name of a canonical field")


@cache
def fields_of(model: Model) -> dict[str, CanonicalField]:
    """Return the model's own fields by name."""
    return {name: _field(name, info) for name, info in model.model_fields.items()}


def dotted_names(model: Model) -> list[str]:
    """Return every name that a mapping of this model may use."""
    names = []
    for field in fields_of(model).values():
        names.append(field.name)
        if field.kind == "part" and field.model is not None:
            names += [f"{field.name}.{inner}" for inner in dotted_names(field.model)]
    return names


def normalise(model: Model, values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the values in canonical form, nested; none need be there. Raises BadValue for a wrong one."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        field = field_of(model, name)
        target = result
        for step in field.steps[:-1]:
            target = target.setdefault(step, {})
        target[field.steps[-1]] = _normal(field, value)
    return result


def partial(model: Model, values: Mapping[str, Any]) -> Part:
    """Return a record of normalised values in which required fields may be absent: they read as None."""
    given: dict[str, Any] = {}
    for name, value in values.items():
        field = fields_of(model)[name]
        if field.model is not None and isinstance(value, dict):
            given[name] = partial(field.model, value)
        elif field.model is not None and isinstance(value, list | tuple):
            given[name] = tuple(partial(field.model, item) for item in value)
        else:
            given[name] = value
    missing = {field.name: None for field in fields_of(model).values() if field.required}
    return model.model_construct(set(given), **{**missing, **given})


def unpack(value: Any) -> Any:
    """Return a record's set fields as nested dicts, the counterpart of ``partial``."""
    if isinstance(value, Part):
        return {
            name: unpack(getattr(value, name))
            for name in value.__class__.model_fields
            if name in value.model_fields_set
        }
    return tuple(unpack(item) for item in value) if isinstance(value, tuple) else value


def _normal(field: CanonicalField, value: Any) -> Any:
    if value is None:
        return None
    if field.kind == "part" and field.model is not None and isinstance(value, Mapping):
        return normalise(field.model, value)
    if field.kind == "parts" and field.model is not None and isinstance(value, list | tuple):
        return tuple(normalise(field.model, item) for item in value)
    return field.valid(value)


def _field(name: str, info: FieldInfo) -> CanonicalField:
    kind, choices, model = _kind(info.annotation)
    annotation = Annotated[info.annotation, info] if info.metadata else info.annotation
    return CanonicalField(name, (name,), kind, info.is_required(), annotation, choices, model)


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], Model | None]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(args[0])
    if origin in (Union, types.UnionType):
        inner = [arg for arg in args if arg is not type(None)]
        return _kind(inner[0]) if len(inner) == 1 else ("any", (), None)
    if origin is Literal:
        return ("text", args, None) if all(isinstance(arg, str) for arg in args) else ("any", (), None)
    if origin in (tuple, list):
        kind, _, model = _kind(args[0])
        return {"part": "parts", "text": "list"}.get(kind, "any"), (), model  # type: ignore[return-value] # kinds
    if origin is dict:
        return "map", (), None
    return _plain_kind(annotation), (), annotation if _is_part(annotation) else None


def _plain_kind(annotation: Any) -> Kind:
    if annotation is AwareDatetime:
        return "time"
    if _is_part(annotation):
        return "part"
    kinds: tuple[tuple[type, Kind], ...] = (
        (bool, "boolean"),
        (str, "text"),
        (Decimal, "number"),
        (int, "number"),
        (datetime, "time"),
        (date, "date"),
    )
    if isinstance(annotation, type):
        return next((kind for base, kind in kinds if issubclass(annotation, base)), "any")
    return "any"


def _is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _numeric(key: Any) -> bool:
    try:
        return Decimal(str(key)).is_finite()
    except ArithmeticError:
        return False


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _title(model: Model) -> str:
    return str(getattr(model, "entity", model.__name__))
