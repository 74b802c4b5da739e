"""Every mapping that Obmen brings: its own examples pass, and what it writes it reads back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obmen.errors import ConfigurationError, Refused
from obmen.mapping import BoundMapping, Context, Mapping, NotCarried, Unresolved, load_mapping, run_tests
from obmen.mapping.canonical import normalise
from obmen.mapping.selftest import RoundTrip

from .mapping_strategies import JUNK, ZONE, records

FOLDER = Path(__file__).resolve().parents[2] / "mappings"
PRESETS = [
    pytest.param(path, id="/".join(path.relative_to(FOLDER).with_suffix("").parts))
    for path in sorted(FOLDER.rglob("*.yaml"))
]


def _connector(path: Path) -> str:
    return path.relative_to(FOLDER).parts[0]


def context(path: Path, mapping: Mapping) -> Context:
    """The connection's name is that of its connector; options are those of the file's first example."""
    options: dict[str, Any] = {}
    for example in reversed(mapping.spec.tests):
        options = {**options, **example.options}
    return Context(_connector(path), options, ZONE)


def bound(path: Path) -> BoundMapping:
    mapping = load_mapping(path)
    return mapping.bind(context(path, mapping))


def goes_both_ways(path: object) -> bool:
    """Whether some field is read and written by one rule; a broken preset counts, so that its test tells."""
    assert isinstance(path, Path)
    try:
        return any(rule.pulls and rule.pushes for rule in load_mapping(path).spec.scope.rules)
    except ConfigurationError:
        return True


def test_there_are_presets() -> None:
    assert {"onec", "ozon"} <= {_connector(path) for path in FOLDER.rglob("*.yaml")}


@pytest.mark.parametrize("path", PRESETS)
def test_its_own_examples_pass(path: Path) -> None:
    mapping = load_mapping(path)
    assert mapping.spec.tests, "a preset has examples"
    results = run_tests(mapping, Context(_connector(path), {}, ZONE))
    assert [f"{result.where} {result.name}: {result.message}" for result in results if not result.ok] == []


@pytest.mark.parametrize("path", [preset for preset in PRESETS if goes_both_ways(preset.values[0])])
def test_what_it_writes_it_reads_back(path: Path) -> None:
    mapping = bound(path)
    round_trip = RoundTrip(mapping)

    @settings(max_examples=60)
    @given(records(mapping.scope, every_required=True))
    def law(values: dict[str, Any]) -> None:
        subject = mapping.spec.subject
        known = dict.fromkeys(subject.names if subject is not None else (), "A-1")
        assert round_trip({**known, **normalise(mapping.spec.model, values)}) == []

    law()


@pytest.mark.parametrize("path", PRESETS)
def test_junk_is_refused_and_nothing_worse(path: Path) -> None:
    mapping = bound(path)
    example: dict[str, Any] = mapping.spec.tests[0].native

    @settings(max_examples=60)
    @given(spoilt(example))
    def refused(native: dict[str, Any]) -> None:
        mapping.pull_refs(native)
        with suppress(Refused, NotCarried, Unresolved):
            mapping.pull(native, {})

    refused()


ONE_IN_SIX = st.integers(0, 5).map(lambda number: number == 0)


@st.composite
def spoilt(draw: st.DrawFn, native: Any) -> Any:
    """A native record in which some things, at any depth, are not what they were."""

    def inside(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: perhaps_other(item) for key, item in value.items()}
        return [perhaps_other(item) for item in value] if isinstance(value, list) else value

    def perhaps_other(value: Any) -> Any:
        return draw(JUNK) if draw(ONE_IN_SIX) else inside(value)

    return inside(native)
