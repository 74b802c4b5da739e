"""The tests inside a mapping file: what passes, what fails, and how it is told."""

from __future__ import annotations

from decimal import Decimal
from textwrap import dedent

import pytest

from obmen.mapping import CODECS, Codec, Context, TestResult, parse_mapping, run_tests
from obmen.mapping.selftest import differences

PRICE = """\
entity: price
fields:
  sku: offer_id
  price_type: { fixed: base }
  amount: { path: price, as: money_string }
  old_amount: { path: old_price, as: money_string, when_absent: "0" }
  currency: currency_code
"""


def run(text: str) -> list[TestResult]:
    return run_tests(parse_mapping(text, "m.yaml"), Context("ozon"))


def tried(example: str) -> list[TestResult]:
    return run(PRICE + "tests:\n  - " + dedent(example).strip().replace("\n", "\n    ") + "\n")


def test_an_example_is_tried_both_ways_and_values_are_made_up() -> None:
    results = tried("""
        native: { offer_id: A, price: "1990.00", old_price: "0", currency_code: RUB }
        canonical: { sku: A, amount: "1990", currency: RUB, price_type: base }
    """)
    assert [(result.name, result.ok, result.message) for result in results] == [
        ("test 1 (pull)", True, ""),
        ("test 1 (push)", True, ""),
        ("made-up values", True, ""),
    ]
    assert [result.where for result in results] == ["m.yaml:9", "m.yaml:9", "m.yaml:2"]


def test_a_difference_is_told_leaf_by_leaf() -> None:
    pull, push, made_up = tried("""
        native: { offer_id: A, price: "1990.00", old_price: "0", currency_code: RUB }
        canonical: { sku: B, amount: "1990.5", old_amount: "2000", currency: RUB, price_type: base }
    """)
    assert not pull.ok
    assert pull.message.splitlines() == [
        'sku: expected "B", got "A"',
        "amount: expected 1990.5, got 1990",
        "old_amount: expected 2000, got nothing",
    ]
    assert push.message.splitlines() == [
        'offer_id: expected "A", got "B"',
        'price: expected "1990.00", got "1990.50"',
        'old_price: expected "0", got "2000.00"',
    ]
    assert made_up.ok


def test_one_direction_compares_everything() -> None:
    [pull, _] = tried("""
        only: pull
        native: { offer_id: A, price: "1", currency_code: RUB }
        canonical: { sku: A, amount: "1", currency: RUB }
    """)
    assert pull.message == 'price_type: expected nothing, got "base"'
    [push, _] = tried("""
        only: push
        native: { offer_id: A, price: "1.00", currency_code: RUB }
        canonical: { sku: A, amount: "1", currency: RUB }
    """)
    assert push.message == 'old_price: expected nothing, got "0"'


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("{ native: { price: x }, canonical: {} }", "price.amount: \"x\" at 'price' is not a number"),
        ("{ native: {}, canonical: { amuont: 1 } }", "price has no field 'amuont'. Did you mean 'amount'?"),
        ("{ native: {}, canonical: { amount: x } }", "amount is a number, and 'x' is not a valid one"),
        ("{ native: {}, canonical: {}, timezone: Europe/Moskow }", "There is no time zone 'Europe/Moskow'"),
    ],
)
def test_an_example_that_cannot_be_run_fails(example: str, message: str) -> None:
    first = tried(example)[0]
    assert not first.ok
    assert message in first.message


def test_options_connection_refs_and_companions_of_an_example() -> None:
    results = run("""\
entity: stock
subject: { path: Ид, as: integer_id }
fields:
  warehouse: { path: Склад, table: warehouses }
  available: { path: Остаток, as: integer }
with:
  product: { unit: Единица }
tests:
  - native: { Ид: 7, Склад: 1, Остаток: 3, Единица: шт, Лишнее: 1 }
    canonical: { sku: A, warehouse: Основной, available: "3" }
    options: { warehouses: { Основной: 1 } }
    refs: [{ entity: product, connection_id: "7", key: [A] }]
    with: { product: { unit: шт } }
""")
    assert [(result.name, result.message) for result in results] == [
        ("test 1 (pull)", ""),
        ("test 1 (push)", ""),
        ("made-up values", ""),
    ]


PULLED_SUBJECT = """\
entity: price
subject: { path: good, only: pull }
fields:
  sku: { path: good, only: push }
  price_type: { fixed: base }
  amount: { path: price, as: money_string }
  currency: currency_code
tests:
  - native: { good: "77", price: "1.00", currency_code: RUB }
    canonical: { sku: A, amount: "1", currency: RUB, price_type: base }
    refs: [{ entity: product, connection_id: "77", key: A }]
"""


def test_an_id_that_is_pulled_and_a_key_that_is_pushed_may_stand_at_one_path() -> None:
    results = run(PULLED_SUBJECT)
    assert [(result.name, result.message) for result in results] == [
        ("test 1 (pull)", ""),
        ("test 1 (push)", ""),
        ("made-up values", ""),
    ]


def test_what_stands_beside_such_a_path_is_still_compared() -> None:
    pull, push, _ = run(PULLED_SUBJECT.replace('amount: "1"', 'amount: "2"'))
    assert pull.message == "amount: expected 2, got 1"
    assert push.message == 'price: expected "1.00", got "2.00"'
    [push, _] = run(PULLED_SUBJECT.replace("- native", "- only: push\n    native"))
    assert push.message == 'good: expected "77", got "A"'


def test_a_pulled_subject_is_compared_with_a_rule_that_goes_both_ways() -> None:
    text = PULLED_SUBJECT.replace("sku: { path: good, only: push }", "currency: good")
    text = text.replace("  currency: currency_code\n", "").replace('good: "77"', "good: RUB").replace('"77"', "RUB")
    results = run(text)
    assert [result.message for result in results[:2]] == ["", ""]
    _, push, _ = run(text.replace("currency: RUB, price_type", "currency: USD, price_type"))
    assert push.message == 'good: expected "RUB", got "USD"'


def test_a_missing_option_fails_the_example_and_not_the_run() -> None:
    results = run(
        "entity: stock\nonly: push\nfields:\n  warehouse: { path: w, table: t }\n"
        "tests:\n  - { native: {}, canonical: {} }\n"
    )
    assert [result.ok for result in results] == [False]
    assert "the connection has no option 't'" in results[0].message


def test_made_up_values_find_a_codec_that_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    doubling = Codec("doubling", "number", (Decimal,), lambda native: native * 2, lambda value: value)
    monkeypatch.setitem(CODECS, "doubling", doubling)
    text = PRICE.replace("money_string }\n  old", "doubling }\n  old")
    [made_up] = run(text)
    assert not made_up.ok
    assert made_up.message.splitlines()[0] == "amount: expected 7, got 14"


def test_made_up_values_find_a_record_that_pull_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODECS, "wrong", Codec("wrong", "number", (str,), CODECS["integer"].pull, str))
    [made_up] = run(PRICE.replace("money_string }\n  old", "wrong }\n  old"))
    assert "what push wrote, pull refuses: price.amount: \"1990.5\" at 'price' is not a whole number" in made_up.message


def test_differences_mind_types_and_lists() -> None:
    assert differences({"a": True}, {"a": 1}) == ["a: expected true, got 1"]
    assert differences({"a": "1"}, {"a": 1}) == ['a: expected "1", got 1']
    assert differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}, 4]}) == [
        "a.1.b: expected 2, got 3",
        "a.2: expected nothing, got 4",
    ]
    assert differences({"a": []}, {"a": ()}) == []
    assert differences({"a": []}, {}) == ["a: expected [], got nothing"]
    assert differences({"a": None}, {}) == ["a: expected null, got nothing"]
    assert differences({"a": None}, {}, empty_is_nothing=True) == []


def test_a_long_story_is_cut() -> None:
    text = "entity: product\nfields:\n  sku: id\n  attributes: { path: a, as: map }\n"
    native = ", ".join(f"k{n}: v" for n in range(40))
    [pull, *_] = run(f"{text}tests:\n  - {{ native: {{ a: {{ {native} }} }}, canonical: {{}} }}\n")
    assert pull.message.splitlines()[-1] == "… and 20 more"
