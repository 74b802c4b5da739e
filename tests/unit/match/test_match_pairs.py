"""Which good is which card: what is bound stays, what is sure is taken, what is unclear is left to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from obmen.match import KEYS, Card, Good, Key, Result, match
from obmen.state.bindings import Binding


def good(sku: str, **more: Any) -> Good:
    return Good(sku, sku, **more)


def card(number: int, sku: str, **more: Any) -> Card:
    return Card(str(number), sku, **more)


def pairs(result: Result) -> dict[str, tuple[str, str]]:
    return {one.good.key: (one.card.native_id, one.how) for one in result.matched}


def bound(*rows: Binding) -> dict[str, Binding]:
    return {row.key: row for row in rows}


def test_each_key_finds_what_it_can_and_the_surest_counts() -> None:
    goods = [
        good("A-1", article="X", barcodes=("46",)),
        good("A-2", article="ART-2"),
        good("A-3", article="OLD-3"),
        good("A-4", barcodes=("0460", "461")),
        good("A-5"),
    ]
    cards = [
        card(1, "A-1", barcodes=("46",)),
        card(2, "whatever", article="ART-2"),
        card(3, "OLD-3"),
        card(4, "OLD-4", barcodes=("460",)),
        card(6, "OLD-6"),
    ]
    result = match(goods, cards, {})
    assert pairs(result) == {
        "A-1": ("1", "sku"),
        "A-2": ("2", "article"),
        "A-3": ("3", "article"),
        "A-4": ("4", "barcode"),
    }
    assert [one.key for one in result.goods] == ["A-5"]
    assert [one.sku for one in result.cards] == ["OLD-6"]
    assert result.ambiguous == []


@pytest.mark.field("B3")
@pytest.mark.parametrize("by", KEYS)
def test_each_key_matches_the_same_set(by: Key) -> None:
    named = {"sku": "A", "article": "ART", "barcode": "CARD"}[by]
    goods = [good(f"A-{n}", article=f"ART-{n}", barcodes=(f"46{n:011}",)) for n in range(200)]
    cards = [card(n, f"{named}-{n}", barcodes=(f"46{n:011}",)) for n in reversed(range(200))]
    assert {key: native for key, (native, _) in pairs(match(goods, cards, {}, [by])).items()} == {
        f"A-{n}": str(n) for n in range(200)
    }


@pytest.mark.field("B4")
def test_the_unmatched_are_those_that_were_planted() -> None:
    goods = [good(f"A-{n}") for n in range(100)]
    cards = [card(n, f"A-{n}") for n in range(100) if n % 10]
    cards += [card(1000 + n, f"STRANGE-{n}") for n in range(5)]
    result = match(goods, cards, {})
    assert [one.key for one in result.goods] == [f"A-{n}" for n in range(0, 100, 10)]
    assert [one.sku for one in result.cards] == [f"STRANGE-{n}" for n in range(5)]


def test_an_article_that_several_share_is_unclear_until_a_barcode_tells_them_apart() -> None:
    goods = [
        good("A-1", article="X", barcodes=("1",)),
        good("A-2", article="X", barcodes=("2",)),
        good("A-3", article="X"),
    ]
    cards = [card(1, "X", barcodes=("2",)), card(2, "Y")]
    assert pairs(match(goods, cards, {})) == {"A-2": ("1", "barcode")}
    result = match(goods, cards, {}, ["article"])
    assert result.matched == []
    assert {one.good.key: [(c.native_id, how) for c, how in one.candidates] for one in result.ambiguous} == {
        "A-1": [("1", "article")],
        "A-2": [("1", "article")],
        "A-3": [("1", "article")],
    }
    assert [one.native_id for one in result.cards] == ["2"]


def test_what_is_bound_stays_whatever_the_keys_say() -> None:
    goods, cards = [good("A-1"), good("A-2")], [card(1, "A-1"), card(2, "A-2")]
    known = bound(Binding("A-1", "2", "A-2", chosen=True))
    assert pairs(match(goods, cards, known)) == {"A-1": ("2", "chosen")}
    known = bound(Binding("A-1", "2", "A-2"))
    result = match(goods, cards, known)
    assert pairs(result) == {"A-1": ("2", "bound")}
    assert result.matched[0].stored


def test_a_card_of_a_good_that_is_gone_is_not_given_to_another() -> None:
    result = match([good("A-2", article="A-1")], [card(1, "A-1")], bound(Binding("A-1", "1")))
    assert (result.matched, result.cards, [one.key for one in result.goods]) == ([], [], ["A-2"])


def test_a_card_that_is_gone_is_told_and_only_a_persons_choice_is_not_looked_for_anew() -> None:
    goods, cards = [good("A-1"), good("A-2")], [card(1, "A-1"), card(2, "A-2")]
    result = match(goods, cards, bound(Binding("A-1", "9"), Binding("A-2", "8", "Z", chosen=True)))
    assert pairs(result) == {"A-1": ("1", "sku")}
    assert result.lost == ["A-1", "A-2"]


def test_a_card_that_was_renamed_is_stored_anew() -> None:
    result = match([good("A-1")], [card(1, "NEW")], bound(Binding("A-1", "1")))
    assert [(one.how, one.stored) for one in result.matched] == [("bound", False)]


def test_the_order_of_neither_side_matters() -> None:
    goods = [good(f"A-{n}", article=f"X{n // 3}", barcodes=(str(n // 2 + 1),)) for n in range(30)]
    cards = [card(n, f"X{n % 7}" if n % 2 else f"A-{n}", barcodes=(str(n % 9 + 1),)) for n in range(20)]

    def found(one: Sequence[Good], other: Sequence[Card]) -> dict[str, tuple[str, str]]:
        return pairs(match(one, other, {}))

    assert found(goods, cards) == found(goods[::-1], cards[::-1])
