"""A seller's life on Yandex Market."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.market_calls import Calls
from tests.e2e.markets.life import GOODS, ORDERS, Life, quiet, whole_life
from tests.e2e.markets.weather import SEEDS, STORM_GOODS, STORM_ORDERS, Storms
from tests.e2e.markets.yandex_market import YandexMarketCabinet


def test_a_whole_life_on_yandex_market_ends_in_agreement(tmp_path: Path) -> None:
    with Life(tmp_path, YandexMarketCabinet(), goods=GOODS, categories=10) as life:
        calls = Calls(life)
        whole_life(life, ORDERS)
    assert calls.in_vain() == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_in_bad_weather_it_ends_the_same(tmp_path: Path, seed: int) -> None:
    with Life(tmp_path, YandexMarketCabinet(), goods=STORM_GOODS, categories=3, seed=seed) as life:
        whole_life(life, STORM_ORDERS, Storms(seed))


def test_one_bad_card_of_a_hundred_waits_with_markets_words_and_keeps_no_other(tmp_path: Path) -> None:
    with Life(tmp_path, YandexMarketCabinet(), goods=100, categories=10) as life:
        bad = "SKU-0042"
        life.ut.change(life.ids[bad], Описание="Слишком подробно. " * 400)
        for _ in range(6):
            life.run()
        others = set(life.ids) - {bad}
        assert life.cabinet.cards() == set(life.cabinet.prices()) == set(life.cabinet.free()) == others
        (aside,) = life.set_aside()
        assert bad in aside
        assert "should have 'description' not longer than 6000" in aside
        life.ut.change(life.ids[bad], Описание="Коротко.")
        quiet(life)


@pytest.mark.field("E5")
def test_what_either_side_cancels_of_an_order_is_gone_on_both(tmp_path: Path) -> None:
    with Life(tmp_path, YandexMarketCabinet(), goods=12, categories=3) as life:
        quiet(life)
        number = life.cabinet.place([("SKU-0001", 2), ("SKU-0002", 3)])
        quiet(life)
        life.cabinet.give_up_part(number, "SKU-0002", 1)
        quiet(life)
        order = life.ut.order(number)
        rows = [
            {**row, "Отменено": row["Отменено"] or row["Номенклатура_Key"] == life.ids["SKU-0001"]}
            for row in order["Товары"]
        ]
        life.ut.change(order["Ref_Key"], Товары=rows, Статус="КОтгрузке")
        quiet(life)
        assert life.cabinet.bought()[number].lines == {"SKU-0002": 2}
