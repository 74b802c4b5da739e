"""What is no longer told of a price does not stay at the marketplace, and a comparison names what does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from obmen.project import load_project
from tests.e2e.markets.cabinet import Cabinet
from tests.e2e.markets.life import PRICE_TYPE, Life
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.test_drift import reconciled
from tests.e2e.markets.wildberries import WildberriesCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet

OLD = {"old": {"markup": "50%"}}
BOTH = {"pricing": {**OLD, "min": {"markup": "-10%"}}}
SKU = "SKU-0001"
Extras = tuple[Decimal | None, Decimal | None]


def of_ozon(life: Life) -> Extras:
    product = life.cabinet.sandbox.products[SKU]  # type: ignore[attr-defined] # Ozon's sandbox
    return product.old_price or None, product.min_price or None


def of_wildberries(life: Life) -> Extras:
    card = life.cabinet.sandbox.card(SKU)  # type: ignore[attr-defined] # Wildberries' sandbox
    return (card.price if card.discount else None), None


def of_market(life: Life) -> Extras:
    price = life.cabinet.sandbox.offers[SKU].price.last  # type: ignore[attr-defined] # Market's sandbox
    assert price is not None
    return price.base, price.least


def told_by(life: Life, rules: dict[str, Any]) -> None:
    life.rules = {"prices": rules}
    life.project = load_project(life._write_project())


@pytest.mark.field("C2")
@pytest.mark.parametrize(
    ("cabinet", "extras"),
    [(OzonCabinet, of_ozon), (WildberriesCabinet, of_wildberries), (YandexMarketCabinet, of_market)],
)
def test_an_old_and_a_lowest_price_go_with_their_rule(
    tmp_path: Path, cabinet: Callable[[], Cabinet], extras: Callable[[Life], Extras]
) -> None:
    with Life(tmp_path, cabinet(), goods=2, categories=1, rules={"prices": BOTH}) as life:
        life.settle()
        assert extras(life) != (None, None)
        told_by(life, {})
        life.settle()
        assert (extras(life), life.set_aside()) == ((None, None), [])
        side, drifts = reconciled(life, "price")
        assert (side.counts, drifts) == ({"same": 2}, [])


def test_a_lowest_price_that_somebody_has_set_at_ozon_is_drift_and_does_not_hold_up_a_cheaper_one(
    tmp_path: Path,
) -> None:
    with Life(tmp_path, OzonCabinet(), goods=2, categories=1) as life:
        life.settle()
        product = life.cabinet.sandbox.products[SKU]  # type: ignore[attr-defined] # Ozon's sandbox
        product.min_price = product.price * Decimal("0.9")
        _, (drift,) = reconciled(life, "price", repair=True)
        assert (drift.key, list(drift.fields)) == (f"{SKU}|{PRICE_TYPE}", ["min_amount"])
        assert product.min_price == 0
        product.min_price = product.price
        life.ut.set_price(life.ids[SKU], PRICE_TYPE, product.price * Decimal("0.8"))
        life.settle()
        assert (product.min_price, life.set_aside()) == (0, [])
