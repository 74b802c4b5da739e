"""JMESPath with exact numbers."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from obmen.mapping.expressions import Expression
from obmen.mapping.values import BadValue

DATA = {
    "price": Decimal("0.1"),
    "lines": [{"sum": Decimal("0.1"), "n": 1}, {"sum": Decimal("0.2"), "n": 2}],
    "text": "1.10",
    "name": "Куртка",
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("sum(lines[].sum)", Decimal("0.3")),
        ("avg(lines[].sum)", Decimal("0.15")),
        ("avg(lines[?n > `5`].sum)", None),
        ("max_by(lines, &sum).n", 2),
        ("sort_by(lines, &sum)[0].n", 1),
        ("min(lines[].sum)", Decimal("0.1")),
        ("lines[?sum == `0.2`].n | [0]", 2),
        ("lines[?sum > `0.15`].n | [0]", 2),
        ("to_number(text)", Decimal("1.10")),
        ("to_number(name)", None),
        ("to_string(price)", "0.1"),
        ("to_string(lines[0].n)", "1"),
        ("type(price)", "number"),
        ("type(name)", "string"),
        ("ceil(price)", 1),
        ("abs(price)", Decimal("0.1")),
        ("nothing.at.all", None),
    ],
)
def test_numbers_stay_exact(expression: str, found: Any) -> None:
    assert Expression(expression).search(DATA) == found


@pytest.mark.parametrize("data", [{"a": "text"}, {"a": [1, "x"]}, {"a": float("nan")}, {"a": {"b": None}}])
@pytest.mark.parametrize("expression", ["sum(a)", "join(',', a)", "sort(a)", "max_by(a, &b)", "a[::0]", "to_string(a)"])
def test_a_record_that_does_not_suit_is_a_bad_value_and_nothing_worse(expression: str, data: dict[str, Any]) -> None:
    with suppress(BadValue):
        Expression(expression).search(data)


def test_a_bad_value_shows_nothing_of_the_record() -> None:
    with pytest.raises(BadValue, match=r"^the record does not suit the expression: sum\(\) takes array-number$"):
        Expression("sum(a)").search({"a": ["+7900"]})


def test_literals_of_one_expression_do_not_change_those_of_another() -> None:
    assert Expression("`0.5`").search({}) == Decimal("0.5")
    assert Expression("`[0.5]`").search({}) == [Decimal("0.5")]
    assert Expression("`0.5`").search({}) == Decimal("0.5")
