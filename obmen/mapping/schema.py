"""JSON Schema of a mapping file, so that an editor completes words, codecs and canonical fields.

It is made from the same tables of words that the reader checks against, so the two cannot part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from obmen.entities import ENTITIES
from obmen.mapping.canonical import CanonicalField, Model, dotted_names, field_of, fields_of
from obmen.mapping.codecs import CODECS
from obmen.mapping.rules import FIELD_WORDS
from obmen.mapping.spec import CATEGORIES_WORDS, REF_WORDS, SUBJECT_WORDS, TEST_WORDS, TOP_WORDS

Schema = dict[str, Any]

_PATH: Schema = {"$ref": "#/$defs/path"}
_ONLY: Schema = {"$ref": "#/$defs/only"}
_SCALAR: Schema = {"$ref": "#/$defs/scalar"}
_ENTITY: Schema = {"$ref": "#/$defs/entity"}
_TEXT: Schema = {"type": "string", "minLength": 1}
_RECORD: Schema = {"type": "object"}


def mapping_schema() -> Schema:
    """Return the schema (draft 2020-12)."""
    builder = _Builder()
    subject = _words(SUBJECT_WORDS, {"path": _PATH, "only": _ONLY, "as": builder.codec("text")}, "path")
    properties: dict[str, Schema] = {
        "entity": _ENTITY,
        "subject": {"anyOf": [_PATH, subject]},
        "only": _ONLY,
        "fields": {"type": "object", "minProperties": 1},
        "fixed": {"$ref": "#/$defs/constants"},
        "with": {
            "type": "object",
            "properties": {name: builder.fields(model) for name, model in ENTITIES.items()},
            "additionalProperties": False,
        },
        "categories": _words(
            CATEGORIES_WORDS, {"option": _TEXT, "category": _PATH, "attributes": _PATH}, *CATEGORIES_WORDS
        ),
        "tests": {"type": "array", "items": _test()},
    }
    by_entity = [
        {
            "if": {"properties": {"entity": {"const": name}}, "required": ["entity"]},
            "then": {"properties": {"fields": builder.fields(model)}},
        }
        for name, model in ENTITIES.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Obmen mapping",
        **_words(TOP_WORDS, properties, "entity", "fields"),
        "allOf": by_entity,
        "$defs": {**_definitions(), **builder.definitions},
    }


class _Builder:
    """Gathers the definitions that fields share."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def fields(self, model: Model) -> Schema:
        """Return a reference to the fields of a record or a part."""
        name = f"fields_of_{getattr(model, 'entity', model.__name__)}"
        if name not in self.definitions:
            self.definitions[name] = {}
            maps = [field.name for field in fields_of(model).values() if field.kind == "map"]
            self.definitions[name] = {
                "type": "object",
                "minProperties": 1,
                "properties": {item: self.field(field_of(model, item)) for item in dotted_names(model)},
                "patternProperties": {rf"^{item}\.[^.]+$": self.field(field_of(model, f"{item}.x")) for item in maps},
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{name}"}

    def field(self, field: CanonicalField) -> Schema:
        """Return a reference to what one canonical field may be mapped by."""
        of = f"_of_{field.model.__name__}" if field.model is not None else ""
        name = "_or_".join(field.choices) if field.choices else f"{field.kind}{of}"
        if name not in self.definitions:
            rule = self._rule(field)
            several = {"type": "array", "items": {"anyOf": [_PATH, rule]}, "minItems": 1}
            self.definitions[name] = {"anyOf": [_PATH, rule, several]}
        return {"$ref": f"#/$defs/{name}"}

    def codec(self, kind: str) -> Schema:
        """Return a reference to the codecs of a kind of canonical value."""
        name = f"codec_of_{kind}"
        fitting = [codec for codec in CODECS.values() if kind in (codec.kind, "any")]
        with_argument = {codec.name: _TEXT for codec in fitting if codec.needs == "argument"}
        argument = {
            "type": "object",
            "properties": with_argument,
            "additionalProperties": False,
            "minProperties": 1,
        }
        names = [{"enum": [codec.name for codec in fitting]}] if fitting else []
        self.definitions[name] = {"anyOf": [*names, argument]} if with_argument or not names else names[0]
        return {"$ref": f"#/$defs/{name}"}

    def _rule(self, field: CanonicalField) -> Schema:
        schemas: dict[str, Schema] = {
            "path": {"anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1}]},
            "as": self.codec(field.kind),
            "table": {"anyOf": [_TEXT, _table(field)]},
            "only": _ONLY,
            "expr": _TEXT,
            "ref": _ENTITY,
            "value": {"const": "connection"},
            "empty": {"const": "keep"},
        }
        words = {word: help_ for word, help_ in FIELD_WORDS.items() if word != "each"}
        if field.kind == "parts" and field.model is not None:
            words["each"] = FIELD_WORDS["each"]
            schemas |= {"each": self.fields(field.model), "fixed": {"$ref": "#/$defs/constants"}}
        return _words(words, schemas)


def _words(words: Mapping[str, str], schemas: Mapping[str, Schema], *required: str) -> Schema:
    return {
        "type": "object",
        "properties": {word: {**schemas.get(word, {}), "description": help_} for word, help_ in words.items()},
        "additionalProperties": False,
        "required": list(required),
    }


def _table(field: CanonicalField) -> Schema:
    row: Schema = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
    if not field.choices:
        return {"type": "object", "minProperties": 1, "additionalProperties": row}
    keys = (
        *field.choices,
        "null",
        "~",
        "",
    )  # the last three: how editors spell the key that stands for nothing
    choices: Schema = dict.fromkeys(keys, row)
    return {"type": "object", "minProperties": 1, "properties": choices, "additionalProperties": False}


def _definitions() -> dict[str, Schema]:
    option = {
        "type": "object",
        "properties": {"option": _TEXT},
        "required": ["option"],
        "additionalProperties": False,
    }
    return {
        "path": {
            "type": "string",
            "minLength": 1,
            "description": "names joined by dots, a position as a number",
        },
        "only": {"enum": ["pull", "push"]},
        "scalar": {"type": ["string", "number", "boolean", "null"]},
        "entity": {"enum": sorted(ENTITIES)},
        "constants": {
            "type": "object",
            "additionalProperties": {"anyOf": [_SCALAR, {"type": "array"}, option]},
        },
    }


def _test() -> Schema:
    ref = _words(REF_WORDS, {"entity": _ENTITY}, *REF_WORDS)
    schemas: dict[str, Schema] = {
        "native": _RECORD,
        "canonical": _RECORD,
        "only": _ONLY,
        "refs": {"type": "array", "items": ref},
        "with": {"type": "object", "propertyNames": _ENTITY},
        "options": _RECORD,
        "connection": _TEXT,
        "timezone": _TEXT,
    }
    return _words(TEST_WORDS, schemas, "native", "canonical")
