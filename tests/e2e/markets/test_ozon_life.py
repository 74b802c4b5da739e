"""A seller's life on Ozon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.market_calls import Calls
from tests.e2e.markets.life import GOODS, ORDERS, Life, whole_life
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.weather import SEEDS, STORM_GOODS, STORM_ORDERS, Storms


def test_a_whole_life_on_ozon_ends_in_agreement(tmp_path: Path) -> None:
    with Life(tmp_path, OzonCabinet(), goods=GOODS, categories=10) as life:
        calls = Calls(life)
        whole_life(life, ORDERS)
    assert calls.in_vain() == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_in_bad_weather_it_ends_the_same(tmp_path: Path, seed: int) -> None:
    with Life(tmp_path, OzonCabinet(), goods=STORM_GOODS, categories=3, seed=seed) as life:
        whole_life(life, STORM_ORDERS, Storms(seed))
