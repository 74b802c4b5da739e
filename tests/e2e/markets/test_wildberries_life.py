"""A seller's life on Wildberries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.markets.life import GOODS, ORDERS, Life, quiet, whole_life
from tests.e2e.markets.weather import SEEDS, Storms
from tests.e2e.markets.wildberries import WildberriesCabinet


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
        whole_life(life, ORDERS, only_shipped_is_handed_over)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_bad_weather_it_ends_the_same(tmp_path: Path, seed: int) -> None:
    with Life(tmp_path, WildberriesCabinet(), goods=12, categories=3, seed=seed) as life:
        whole_life(life, 5, Storms(seed))
