"""Every code under which Obmen itself sets a record aside is explained: its source is read, so that a new one shows.

What a vendor says at run time is another test's; here is only what stands in the engine and in the connectors.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.onec import OneC
from connectors.ozon import Ozon, marking
from connectors.wildberries import Wildberries
from connectors.yandex_market import YandexMarket
from connectors.yandex_market.cards import REFUSED as CARD_STATES
from obmen.connector import Connector
from obmen.errors import Refused
from obmen.records import RecordError
from obmen.state.quarantine import Problem
from runner.observe import explanations
from runner.observe.explanations import Explanation, explained, of_connector, read

ROOT = Path(__file__).resolve().parents[3]
SYSTEMS: dict[str, type[Connector]] = {
    "onec": OneC,
    "ozon": Ozon,
    "wildberries": Wildberries,
    "yandex_market": YandexMarket,
}
OWN = read(Path(explanations.__file__).with_name("explanations.yaml"))
CYRILLIC = re.compile("[А-Яа-яЁё]")
UNTOLD = "refused"
"""The code of a refusal for which a vendor gave none: its own words are all there is."""
_PASSED_ON = re.compile(r"(^|\w\.)code$|^_code\(|^marking\.hide\(error\.code|^(codes|errors)\[0\](\.code)?$")
"""An expression that hands on a code which was given elsewhere."""
_VENDORS = {
    "str(reply.status)",
    "code_in(said) or str(reply.status)",
    "fault.code or str(reply.status)",
    "str(why)",  # a report's subStatus
    "reason",  # why a marking code was not taken
    "decision",  # about a marking code
    "state",  # of a card
}
"""Expressions whose code a vendor chooses at run time. One more belongs here only if that is so."""


class Code(NamedTuple):
    """A code as it stands in the source: its system, "" for the engine, and its place."""

    system: str
    place: str
    text: str


def sources() -> Iterator[tuple[str, Path]]:
    """Yield the system and the path of every module that may refuse a record."""
    for path in sorted((ROOT / "obmen").rglob("*.py")):
        if "testing" not in path.parts:
            yield "", path
    for system in SYSTEMS:
        for path in sorted((ROOT / "connectors" / system).rglob("*.py")):
            if "sandbox" not in path.parts:
                yield system, path


def given(module: Any, call: ast.Call) -> ast.expr | None:
    """Return the expression of the code that a call is given; None for a call that sets nothing aside."""
    named = next((one.value for one in call.keywords if one.arg == "code"), None)
    made = getattr(module, call.func.id, None) if isinstance(call.func, ast.Name) else None
    if made is RecordError or made is Problem:
        position = 0 if made is RecordError else 1
        return call.args[position] if len(call.args) > position else named
    if isinstance(made, type) and issubclass(made, Refused):
        own = "code" in made.__init__.__annotations__
        return named or (ast.Constant(value=None) if own else None)
    is_base = isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
    return named if is_base else None


def constants(module: Any, one: ast.expr) -> Iterator[str]:
    """Yield each text that an expression may be; nothing for what is known at run time only."""
    if isinstance(one, ast.Constant) and isinstance(one.value, str):
        yield one.value
    elif isinstance(one, ast.Name | ast.Attribute) and ast.unparse(one).rpartition(".")[2].isupper():
        value = module
        for name in ast.unparse(one).split("."):
            value = getattr(value, name)
        yield value
    elif isinstance(one, ast.IfExp):
        yield from (text for part in (one.body, one.orelse) for text in constants(module, part))
    elif isinstance(one, ast.BoolOp):
        yield from (text for part in one.values for text in constants(module, part))
    elif isinstance(one, ast.Call) and ast.unparse(one.func) == "str":
        yield from constants(module, one.args[0])


@cache
def found() -> tuple[list[Code], list[str]]:
    """Return the codes that stand in the source, and the places of those that nothing tells."""
    codes: set[Code] = set()
    strange = []
    for system, path in sources():
        relative = path.relative_to(ROOT)
        module = importlib.import_module(".".join(relative.with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            expression = given(module, node) if isinstance(node, ast.Call) else None
            if expression is None:
                continue
            texts = list(constants(module, expression))
            codes |= {Code(system, relative.name, text) for text in texts if text != UNTOLD}
            said = ast.unparse(expression)
            if not texts and not _PASSED_ON.search(said) and said not in _VENDORS:
                strange.append(f"{relative}:{expression.lineno}: {said}")
    return sorted(codes), strange


LISTED = [
    *(Code("yandex_market", "cards.py", state) for state in sorted(CARD_STATES)),
    *(Code("wildberries", "marks.py", decision) for decision in ("required", "sgtinNoGS", "sgtinWithdrawn")),
]
"""What a vendor chooses out of a list that its documents hold."""


def known_in(system: str) -> Sequence[Explanation]:
    return [*(of_connector(SYSTEMS[system]) if system else ()), *OWN]


def test_the_source_is_read() -> None:
    codes, _ = found()
    assert len(codes) > 90
    assert {code.system for code in codes} == {"", *SYSTEMS}


def test_no_code_is_made_up_at_run_time() -> None:
    _, strange = found()
    assert strange == []


@pytest.mark.field("N18")
@pytest.mark.field("I5")
def test_each_code_of_ours_has_a_sentence_and_an_action() -> None:
    codes, _ = found()
    known = {system: known_in(system) for system in ("", *SYSTEMS)}
    for code in (*codes, *LISTED):
        meant = next((one for one in known[code.system] if code.text in one.codes), None)
        assert meant is not None, f"{code.place}: nobody knows what '{code.text}' means"
        assert all(CYRILLIC.search(said) for said in meant.told["ru"]), code
        assert all(said.endswith(".") for language in meant.told.values() for said in language), code


def test_a_code_is_surer_than_words() -> None:
    meant = explained(known_in("yandex_market"), "unknown_order", "Market has no order 7: not found.")
    assert meant is not None
    assert "unknown_order" in meant.codes


def test_a_plain_word_in_a_text_is_no_code() -> None:
    meant = explained(known_in("onec"), "0", "the service said that the line is missing and closed")
    assert meant is None


def test_who_lacks_a_category_is_sent_to_the_project_and_not_to_the_source() -> None:
    for system in ("ozon", "wildberries"):
        meant = explained(known_in(system), "no_category", "The product has no category.")
        assert meant is not None
        assert "файл категорий" in meant.action("ru")
        assert "categories file" in meant.action("en")


def test_what_only_the_cabinet_takes_is_told_so() -> None:
    with pytest.raises(Refused) as refused:
        marking.needed({"requirements": {"products_requiring_country": [7]}})
    meant = explained(known_in("ozon"), refused.value.code, str(refused.value))
    assert meant is not None
    assert "кабинете" in meant.action("ru")
