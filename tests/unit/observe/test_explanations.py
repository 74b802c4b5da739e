"""Errors in the seller's words: every refusal that sandboxes and connectors know has its sentence and its action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.onec import OneC
from connectors.ozon import Ozon
from connectors.ozon import errors as ozon_errors
from connectors.wildberries import Wildberries
from connectors.wildberries import errors as wildberries_errors
from connectors.wildberries.sandbox import orders as wildberries_orders
from connectors.yandex_market import YandexMarket
from obmen.connector import Connector
from obmen.errors import ConfigurationError
from runner.observe import explanations
from runner.observe.explanations import explained, of_connector, read

ROOT = Path(__file__).resolve().parents[3]
SYSTEMS: dict[str, type[Connector]] = {
    "onec": OneC,
    "ozon": Ozon,
    "wildberries": Wildberries,
    "yandex_market": YandexMarket,
}
CYRILLIC = re.compile("[А-Яа-яЁё]")
_STRING = r'f?"((?:[^"\\]|\\.)*)"'
_OURS = re.compile(  # what only a wrong call of a program's own can bring about
    r"validation error|invalid (cursor|last_id|page token)|use (one|either)|only one filter|not allowed: "
    r"|[Nn]o (such )?method|period begins|limit must|sandbox|orderIds are not|no type|not found: \{unknown"
    r"|cannot be used with|are required"
)


def source(system: str) -> str:
    folder = ROOT / "connectors" / system / "sandbox"
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))


def refusals(system: str) -> Iterator[tuple[str, str]]:
    """Yield code and words of what a system refuses, as its sandbox and its connector know it."""
    text = source(system)
    if system == "ozon":
        yield from (("", words) for words in (*ozon_errors._STEPS, *ozon_errors._PEER_WAITS, *ozon_errors._LIMIT_WAITS))
        yield from ((code, code) for code in ozon_errors._RECORD_WAITS)
        yield from re.findall(rf'yield \(?"(\w+)"[^,\n]*, {_STRING}', text)
        yield from re.findall(rf'Fault\("(\w+)", {_STRING}', text)
        yield from (("", words) for words in re.findall(rf"Invalid\({_STRING}", text))
    elif system == "wildberries":
        yield from (("", words) for words in wildberries_errors._STEPS)
        yield from ((code, "") for code in wildberries_errors._WAITS)
        yield from ((code, words) for code, (_, words) in wildberries_orders._MESSAGES.items())
        yield from re.findall(rf'market_error\(\d+, "(\w+)", {_STRING}', text)
        yield from (("refused", words) for words in re.findall(rf"content_error\(\s*\d+,\s*{_STRING}", text))
        yield from (("card_error", words) for words in re.findall(rf"yield {_STRING}\n", text))
        yield from (("", words) for _, words in re.findall(rf'problem\(\d+, "([\w ]+)", {_STRING}', text))
    else:
        yield from re.findall(rf'"type": "([A-Z_]+)", "message": {_STRING}', text)
        yield from (("BAD_REQUEST", words) for words in re.findall(rf"Invalid\({_STRING}", text))


CORPUS = [
    pytest.param(system, code, words, id=f"{system}-{code}-{words[:40]}")
    for system in ("ozon", "wildberries", "yandex_market")
    for code, words in sorted(set(refusals(system)))
    if not _OURS.search(words)
]


def test_there_is_a_corpus() -> None:
    assert len(CORPUS) > 120


@pytest.mark.field("N18")
@pytest.mark.field("I5")
@pytest.mark.parametrize(("system", "code", "words"), CORPUS)
def test_each_refusal_has_a_sentence_and_an_action(system: str, code: str, words: str) -> None:
    found = explained(of_connector(SYSTEMS[system]), code, words)
    assert found is not None
    assert CYRILLIC.search(found.sentence("ru"))
    assert CYRILLIC.search(found.action("ru"))
    assert not CYRILLIC.search(re.sub(r"\([^)]*\)", "", found.sentence("en")))
    assert found.action("en")


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_nobody_knows_is_not_guessed(system: str) -> None:
    assert explained(of_connector(SYSTEMS[system]), "BRAND_NEW_7", "something that was never seen before") is None


def test_every_entry_can_be_reached() -> None:
    for system in SYSTEMS.values():
        known = of_connector(system)
        for one in known:
            code = one.codes[0] if one.codes else ""
            assert explained(known, code, one.words[0] if one.words else "") is not None


def test_obmens_own_reasons_are_explained() -> None:
    own = read(Path(explanations.__file__).with_name("explanations.yaml"))
    for code in ("duplicate_key", "duplicate_id", "unmapped", "bad_value", "unresolved", "exhausted", "in_doubt"):
        assert explained(own, code, "") is not None


def test_a_file_that_is_not_well_made_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "explanations.yaml"
    path.write_text("- code: [A]\n  ru: [Одно.]\n  en: [One., Two.]\n")
    with pytest.raises(ConfigurationError, match="what it means and what to do"):
        read(path)
