"""YAML is read as what it says, with the line of everything, or refused with the line of the fault."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obmen.errors import ConfigurationError
from obmen.mapping.yaml import parse_yaml, read_yaml, write_yaml

TRICKY = [
    *(
        "yes",
        "00123",
        ".5e3",
        "1_000",
        "0x1F",
        "2026-06-15",
        "<<",
        "=",
        "~",
        "null",
        "- a",
        "a: b",
        "#x",
        "a #b",
    ),
    *("'", '"', "*a", "&a", "!a", "|", "? a", "1e3", "+1", "\u2028", "\x85", "a\nb\n", " a ", "1:30", "..."),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.text()
    | st.sampled_from(TRICKY)
    | st.decimals(-(10**9), 10**9, places=3)
)
DATA = st.dictionaries(
    SCALARS,
    st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner), max_leaves=8),
)


def test_scalars_keep_what_they_are() -> None:
    text = "a: 22142605\nb: '22142605'\nc: 1.10\nd: yes\ne: true\nf: ~\ng: 2026-06-15\nh: !!str 007\ni: -3"
    assert parse_yaml(text, "x").data == {
        "a": 22142605,
        "b": "22142605",
        "c": Decimal("1.10"),
        "d": "yes",
        "e": True,
        "f": None,
        "g": "2026-06-15",
        "h": "007",
        "i": -3,
    }


def test_every_key_and_element_has_its_line() -> None:
    document = parse_yaml("a:\n  b:\n    - 1\n    - c: 2\n      d: 3\n", "file.yaml")
    assert document.where("a", "b", 1, "d") == "file.yaml:5"
    assert document.where("a", "b", 0) == "file.yaml:3"
    assert document.where("a", "nothing", "here") == "file.yaml:1"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands here twice (first in line 1)"),
        ("a: 1\nb: 00123\n", 2, "neither a plain text nor a plain number. Put it in quotes."),
        ("a: 1_000\n", 1, "neither a plain text nor a plain number"),
        ("a: .inf\n", 1, "neither a plain text nor a plain number"),
        ("a: 1\nb: !Secret x\n", 2, "neither a plain text nor a plain number"),
        ("a: 1\n? [b]\n: 2\n", 2, "A key must be a single word"),
        ("a: 1\nb: [1,\nc: 2\n", 3, "This is not YAML"),
        ("a: 1\n\tb: 2\n", 2, "This is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "found another document"),
        ("a: *nowhere\n", 1, "found undefined alias"),
        ("a: &a [*a]\n", 1, "too large or too deep once its aliases are written out"),
    ],
)
def test_a_fault_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_yaml(text, "file.yaml")
    assert caught.value.where == f"file.yaml:{line}"
    assert message in str(caught.value)


def test_an_alias_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    with pytest.raises(ConfigurationError, match="too large or too deep"):
        parse_yaml(bomb, "bomb.yaml")


@pytest.mark.parametrize("text", ["[" * 900, "a: " + "{a: " * 900, "x: " + "a" * (1 << 20)])
def test_deep_and_huge_files_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_yaml(text, "deep.yaml")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_yaml(tmp_path / "missing.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_bytes("a: 1\nb: цена\n".encode("cp1251"))
    with pytest.raises(ConfigurationError, match=r"broken\.yaml:2: The file is not UTF-8"):
        read_yaml(broken)
    marked = tmp_path / "marked.yaml"
    marked.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(marked).data == {"a": 1}


@settings(max_examples=60)
@given(DATA)
@example({"1": 1, 1: "1", None: None, "x": [Decimal("1.50"), [], {}]})
def test_what_is_written_is_read_back(data: dict[object, object]) -> None:
    assert repr(parse_yaml(write_yaml(data), "x").data) == repr(data)
