"""The page on guards names each of them, and what it allows where a project says nothing."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from itertools import chain

import pytest

from obmen.rules.guards import DEFAULT_GUARDS, Guards

from .markdown import ROOT

_PAGES = ("guards.md", "guards.ru.md")
_OFF = ("off", "выключена")
_ON = ("on: ", "включена: ")


@pytest.mark.parametrize("page", _PAGES)
def test_each_guard_is_told_with_what_it_allows_unless_said_otherwise(page: str) -> None:
    rows = [line for line in (ROOT / "docs/how-to" / page).read_text("utf-8").splitlines() if line.startswith("| `")]
    told = {cells[1].strip("` "): cells[-2].strip() for cells in (line.split("|") for line in rows)}
    assert sorted(told) == sorted(field.name for field in fields(Guards))
    for guard, said in told.items():
        values = {getattr(one, guard) for one in DEFAULT_GUARDS.values()} - {None, False}
        assert any(said.startswith(word) for word in chain.from_iterable(map(_words, values or {None}))), guard


def _words(value: Decimal | bool | None) -> tuple[str, ...]:
    if value is None:
        return _OFF
    if value is True:
        return _ON
    return (f"{value:.0%}", f"price: {value:.0%}") if value < 1 else (str(value),)
