"""The page about mapping files: every example on it runs, every word and every codec stands on it."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from obmen.entities import Order, Price, Product
from obmen.errors import ConfigurationError
from obmen.mapping import CODECS, Context, parse_mapping, run_tests
from obmen.mapping.canonical import field_of
from obmen.mapping.codecs import DEFAULT_ARGUMENTS
from obmen.mapping.rules import FIELD_WORDS
from obmen.mapping.spec import CATEGORIES_WORDS, REF_WORDS, SUBJECT_WORDS, TEST_WORDS, TOP_WORDS

from .markdown import ROOT

PAGE = (ROOT / "docs" / "reference" / "mapping.md").read_text("utf-8")
_MARK = re.compile(r"<!-- (mapping|refused: (.*)) -->")


def blocks() -> list[tuple[int, str, str]]:
    """The line, the mark's text and the body of every YAML block."""
    lines = PAGE.splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    return [
        (start + 1, lines[start - 1], "\n".join(lines[start + 1 : end])) for start, end in list(pairwise(fences))[::2]
    ]


BLOCKS = blocks()
EXAMPLES = [pytest.param(line, body, id=f"line {line}") for line, mark, body in BLOCKS if mark == "<!-- mapping -->"]
REFUSALS = [
    pytest.param(body, matched[2], id=matched[2])
    for _, mark, body in BLOCKS
    if (matched := _MARK.fullmatch(mark)) and matched[2]
]


def codec_rows() -> dict[str, tuple[str, str]]:
    """Native and canonical example of every row of the table of codecs."""
    section = PAGE.split("## Codecs")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| `(.+?)` \|", section, re.MULTILINE)
    return {name: (native, canonical) for name, native, canonical in rows}


def test_every_block_is_marked_for_a_test() -> None:
    assert [line for line, mark, _ in BLOCKS if not _MARK.fullmatch(mark)] == []
    assert EXAMPLES
    assert REFUSALS


@pytest.mark.parametrize(("line", "body"), EXAMPLES)
def test_an_example_does_what_it_shows(line: int, body: str) -> None:
    mapping = parse_mapping(body, f"mapping.md+{line}")
    assert mapping.spec.tests
    results = run_tests(mapping, Context("example", {}, ZoneInfo("Europe/Moscow")))
    assert [f"{result.where} {result.name}: {result.message}" for result in results if not result.ok] == []


@pytest.mark.parametrize(("body", "message"), REFUSALS)
def test_a_mistake_is_refused_as_it_says(body: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_mapping(body)


@pytest.mark.parametrize(
    "words",
    [TOP_WORDS, FIELD_WORDS, SUBJECT_WORDS, CATEGORIES_WORDS, TEST_WORDS, REF_WORDS],
    ids=["top", "field", "subject", "categories", "test", "ref"],
)
def test_every_word_is_explained_and_shown(words: dict[str, str]) -> None:
    shown = "\n".join(body for _, mark, body in BLOCKS if mark == "<!-- mapping -->")
    told = " ".join(re.findall(r"`([^`]+)`", PAGE))
    assert [word for word in words if not re.search(rf"\b{word}\b", told)] == []
    assert [word for word in words if not re.search(rf"\b{word}:", shown)] == []


def test_every_codec_stands_in_the_table() -> None:
    assert list(codec_rows()) == [name for name in codec_rows() if name in CODECS]
    assert set(codec_rows()) == set(CODECS)


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_does_what_the_table_shows(name: str) -> None:
    codec = CODECS[name]
    native_text, canonical_text = codec_rows()[name]
    native = json.loads(native_text, parse_float=Decimal)
    canonical = _canonical(codec.kind, canonical_text)
    pull, push = codec.pair(ZoneInfo("Europe/Moscow"), DEFAULT_ARGUMENTS.get(name))
    assert pull(native) == canonical
    if push is None:
        assert "pull only" in PAGE
    else:
        assert push(canonical) == native


def _canonical(kind: str, text: str) -> Any:
    fields = {
        "text": field_of(Product, "name"),
        "number": field_of(Price, "amount"),
        "boolean": field_of(Product, "archived"),
        "time": field_of(Order, "placed_at"),
        "list": field_of(Product, "barcodes"),
        "map": field_of(Product, "attributes"),
    }
    value = json.loads(text) if kind in ("boolean", "list", "map") else text
    if kind == "date":
        return date.fromisoformat(value)
    return fields[kind].valid(value)
