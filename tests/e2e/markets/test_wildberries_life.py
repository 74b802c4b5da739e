"""A seller's life on Wildberries."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.wildberries import paths
from connectors.wildberries.sandbox import RELAXED
from tests.bench.market_calls import Calls
from tests.e2e.markets.life import GOODS, ORDERS, Life, quiet, whole_life
from tests.e2e.markets.weather import SEEDS, STORM_GOODS, STORM_ORDERS, Storms
from tests.e2e.markets.wildberries import WildberriesCabinet

BARCODE = "4600000000015"


def only_shipped_is_handed_over(life: Life) -> None:
    """Come to rest, and see that nothing left that 1C did not ship."""
    quiet(life)
    base = life.ut.state()
    refs = {row["ЗаказКлиента"] for document in base["documents"]["Document_РеализацияТоваровУслуг"]
            for row in document["Товары"]}  # fmt: skip
    shipped = {order["НомерПоДаннымКлиента"] for order in base["orders"] if order["Ref_Key"] in refs}
    bought = life.cabinet.bought()
    assert {number for number, one in bought.items() if one.state in {"gone", "delivered"}} == shipped


def test_a_whole_life_on_wildberries_ends_in_agreement(tmp_path: Path) -> None:
    with Life(tmp_path, WildberriesCabinet(), goods=GOODS, categories=10) as life:
        calls = Calls(life)
        whole_life(life, ORDERS, only_shipped_is_handed_over)
    assert calls.in_vain() == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_in_bad_weather_it_ends_the_same(tmp_path: Path, seed: int) -> None:
    with Life(tmp_path, WildberriesCabinet(), goods=STORM_GOODS, categories=3, seed=seed) as life:
        whole_life(life, STORM_ORDERS, Storms(seed))


def test_one_bad_card_of_a_hundred_waits_with_the_words_of_wildberries(tmp_path: Path) -> None:
    cabinet = WildberriesCabinet(RELAXED)
    with Life(tmp_path, cabinet, goods=100, categories=10) as life:
        bad = "SKU-0037"
        life.ut.add_barcode(life.ids[bad], BARCODE)
        old = cabinet.sandbox.add_card("OLD-1", sizes={"0": [BARCODE]})
        for _ in range(3):
            life.run()
        assert life.set_aside() == [f"goods {bad}: Баркод {BARCODE} уже используется (card_error)"]
        assert cabinet.cards() == {*life.ids, "OLD-1"} - {bad}
        assert cabinet.sandbox.calls[f"POST {paths.CARDS_CREATE}"] == 1
        priced = {card.vendor_code for card in cabinet.sandbox.cards.values() if card.price and card.sizes[0].stocks}
        assert priced == set(life.ids) - {bad}
        del cabinet.sandbox.cards[old.nm_id]
        life.ut.change(life.ids[bad], Описание="Исправлено")
        quiet(life)
