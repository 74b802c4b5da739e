"""Laws of the match: nothing is used twice, nothing gets lost, and what was found is found again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from obmen.match import Card, Good, match
from obmen.match.pairs import natural_id
from obmen.state.bindings import Binding

CODES = st.sampled_from(["A-1", "A-2", "A-3", "B", "C"])
BARCODES = st.lists(st.sampled_from(["1", "01", "2", "3", "X"]), max_size=2).map(tuple)
GOODS = st.lists(
    st.builds(
        lambda sku, article, barcodes: Good(sku, sku, "", article, barcodes),
        CODES,
        CODES | st.just(""),
        BARCODES,
    ),
    max_size=5,
    unique_by=lambda one: one.key,
)
CARDS = st.lists(
    st.builds(
        lambda number, sku, article, barcodes: Card(str(number), sku, "", article, barcodes),
        st.integers(1, 9),
        CODES,
        CODES | st.just(""),
        BARCODES,
    ),
    max_size=6,
    unique_by=lambda one: one.native_id,
)
BOUND = st.dictionaries(CODES, st.tuples(st.integers(1, 9).map(str), st.booleans()), max_size=4).map(
    lambda rows: {
        key: Binding(key, native, None, chosen)
        for number, (key, (native, chosen)) in enumerate(rows.items())
        if native not in [other for other, _ in list(rows.values())[:number]]
    }
)


@given(GOODS, CARDS, BOUND)
def test_nothing_is_used_twice_and_nothing_is_lost(
    goods: list[Good], cards: list[Card], bound: dict[str, Binding]
) -> None:
    result = match(goods, cards, bound)
    keys = [one.good.key for one in result.matched]
    natives = [one.card.native_id for one in result.matched]
    assert len(set(keys)) == len(keys)
    assert len(set(natives)) == len(natives)
    unclear = [one.good.key for one in result.ambiguous]
    free = [one.key for one in result.goods]
    chosen = {key for key, one in bound.items() if one.chosen and key in result.lost}
    assert sorted([*keys, *unclear, *free, *(chosen & {good.key for good in goods})]) == sorted(g.key for g in goods)
    for one in result.matched:
        known = bound.get(one.good.key)
        if known is not None and known.native_id in {card.native_id for card in cards}:
            assert one.card.native_id == known.native_id


@given(GOODS, CARDS)
def test_what_was_stored_is_found_again_and_nothing_else_moves(goods: list[Good], cards: list[Card]) -> None:
    first = match(goods, cards, {})
    stored = {
        one.good.key: Binding(one.good.key, one.card.native_id, natural_id(one.good, one.card)) for one in first.matched
    }
    again = match(goods[::-1], cards[::-1], stored)
    assert all(one.stored and one.how == "bound" for one in again.matched if one.good.key in stored)
    assert stored.keys() <= {one.good.key for one in again.matched}
