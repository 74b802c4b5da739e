"""Both languages say everything, and every message that a page asks for is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.web import words
from runner.web.words import LANGUAGES, Words, catalogue, chosen
from tests.unit.web import kit

WEB = Path(words.__file__).parents[1]
TEXTS = [path.read_text("utf-8") for path in (*WEB.rglob("*.html"), *WEB.rglob("*.py"))]
ASKED = {name for text in TEXTS for name in re.findall(r"""\bt\(\s*'([\w.]+)'(?! ~)""", text)}
ASKED |= {
    name for text in TEXTS for name in re.findall(r'"((?:health|mistake|refused|cause|login)\.(?!html)\w+)"', text)
}
ASKED |= {f"said.{name}" for text in TEXTS for name in re.findall(r'said="(\w+)"', text)}


def test_both_languages_have_every_message() -> None:
    assert catalogue("en").keys() == catalogue("ru").keys()


def test_every_message_that_is_asked_for_is_there() -> None:
    assert len(ASKED) > 150
    assert sorted(name for name in ASKED if name not in catalogue("en")) == []


def test_a_page_that_says_one_thing_has_a_title_for_it() -> None:
    said = {name for name in ASKED if name.startswith(("mistake.", "refused."))} | {"lost"}
    assert sorted(name for name in said if f"{name}.title" not in catalogue("en")) == []


def test_a_message_has_the_same_values_and_all_its_forms() -> None:
    for name in catalogue("en"):
        values = []
        for language in LANGUAGES:
            message = catalogue(language)[name]
            assert isinstance(message, str) or words.fitting(language, message), name
            forms = [message] if isinstance(message, str) else message
            values += [set(re.findall(r"\{(\w+)\}", form)) for form in forms]
            assert all(form.strip() for form in forms), name
        assert all(one == values[0] for one in values), name


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 запись"), (2, "2 записи"), (5, "5 записей"), (11, "11 записей"), (21, "21 запись"), (112, "112 записей")],
)
def test_russian_counts(count: int, said: str) -> None:
    assert Words("ru", "Europe/Moscow", 0)("records", count=count) == said


def test_times_are_those_of_the_service() -> None:
    told = Words("ru", "Asia/Vladivostok", 1_781_503_200.0)
    assert told.clock(1_781_503_200.0) == "15.06.2026 16:00:00"
    assert told.ago(1_781_503_200.0 - 7200) == "2 ч назад"
    assert told.ago(1_781_503_200.0 + 90) == "через 90 с"


@pytest.mark.parametrize(
    ("kept", "accepted", "language"),
    [
        ("", "en-GB,en;q=0.9", "en"),
        ("", "de,ru;q=0.5,en;q=0.3", "ru"),
        ("ru", "en", "ru"),
        ("xx", "en", "en"),
        ("", "", "ru"),
        ("", "en;q=zero,ru;q=0.1", "ru"),
    ],
)
def test_the_language_is_the_one_that_was_chosen_or_that_the_browser_likes(
    kept: str, accepted: str, language: str
) -> None:
    assert chosen(kept, accepted) == language


def test_the_language_is_kept(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    assert "Flows" in anna.get("/").text
    assert anna.send("/language", {"language": "ru", "back": "/quarantine"}).headers["location"] == "/quarantine"
    assert "Потоки" in anna.get("/").text
