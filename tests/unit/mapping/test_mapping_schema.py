"""The JSON Schema for editors agrees with the reader of mapping files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from obmen.mapping import CODECS, mapping_schema
from obmen.mapping.rules import FIELD_WORDS
from obmen.mapping.yaml import parse_yaml, read_yaml

from .test_mapping_errors import CASES

PRESETS = sorted((Path(__file__).resolve().parents[3] / "mappings").rglob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(mapping_schema())
WORDS = (
    "no word",
    "has no field",
    "no codec",
    "`only` is",
    "`empty` is",
    "`value` is",
    "no entity",
    "is one of Obmen's",
)


def as_json(data: Any) -> Any:
    """Mapping keys as an editor shows them to a schema."""
    if isinstance(data, dict):
        return {"null" if key is None else str(key): as_json(value) for key, value in data.items()}
    return [as_json(item) for item in data] if isinstance(data, list) else data


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(mapping_schema())


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_preset_is_valid(preset: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(as_json(read_yaml(preset).data))] == []


@pytest.mark.parametrize("text", [text for text, _, message in CASES if any(word in message for word in WORDS)])
def test_it_refuses_the_words_that_the_reader_refuses(text: str) -> None:
    assert not VALIDATOR.is_valid(as_json(parse_yaml(text, "m.yaml").data))


def test_it_offers_every_codec_and_every_word() -> None:
    definitions = mapping_schema()["$defs"]
    offered = {
        name
        for key, schema in definitions.items()
        if key.startswith("codec_of_")
        for choice in (schema, *schema.get("anyOf", ()))
        for name in choice.get("enum", ())
    }
    assert offered == {codec.name for codec in CODECS.values() if f"codec_of_{codec.kind}" in definitions}
    rule = next(choice for choice in definitions["parts_of_OrderLine"]["anyOf"] if "properties" in choice)
    assert set(rule["properties"]) == set(FIELD_WORDS)
