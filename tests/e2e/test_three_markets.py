"""One base, three marketplaces: a product goes to all, an order of each comes back, by the vendors' specifications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from tests.contract.documents import parsed
from tests.contract.openapi_judge import Judge, UnknownOperationError
from tests.e2e.test_one_stock import Markets
from tests.e2e.town import PRICE_TYPE, WAREHOUSE

OZON, WILDBERRIES, YANDEX = "ozon_one", "wildberries_one", "yandex_market_one"
_WORDS = {
    OZON: (["ozon/seller.openapi.json"], {401: 403, 429: 400}),
    WILDBERRIES: (
        [f"wildberries/{name}.yaml" for name in ("01-general", "02-items", "03-orders-fbs")],
        {401: 401, 402: 402, 429: 429},
    ),
    YANDEX: (["yandex-market/partner.openapi.json"], {}),
}
"""Whose specifications judge a cabinet, and what its gateway answers besides."""


@pytest.fixture
def markets(tmp_path: Path) -> Iterator[Markets]:
    made = Markets(tmp_path, {"safety": 0})
    for cabinet in made.base.cabinets.values():
        cabinet.sandbox._keep_journal = True
    yield made
    made.close()


def complaints(markets: Markets, name: str, specs: Path) -> set[str]:
    """Return what a vendor's specifications say against all that was exchanged with a cabinet."""
    files, gateway = _WORDS[name]
    judges = [_judge(specs / "specs" / file, gateway) for file in files]
    journal = markets.base.cabinets[name].sandbox.journal
    assert journal
    return {said for one in journal for said in _of(judges, one.method, one.path).exchange(one)}


def _judge(path: Path, gateway: dict[int, int]) -> Judge:
    if path.suffix == ".json":
        return Judge.load(path, gateway=gateway)
    return Judge(parsed(path), gateway=gateway)


def _of(judges: list[Judge], method: str, path: str) -> Judge:
    """Return the one that knows the operation, else any, which will say that it does not."""
    for judge in judges:
        with suppress(UnknownOperationError):
            judge.operation(method, path)
            return judge
    return judges[0]


@pytest.mark.field("A1")
@pytest.mark.field("B1")
def test_a1_b1_the_goods_of_1c_are_for_sale_in_all_three_by_their_specifications(markets: Markets, specs: Path) -> None:
    markets.rest()
    base = markets.base.ut.state()
    for name, cabinet in markets.base.cabinets.items():
        assert cabinet.cards() == set(markets.base.goods), name
        for sku, good in markets.base.goods.items():
            assert cabinet.prices()[sku] == Decimal(str(base["prices"][good][PRICE_TYPE])), name
            assert cabinet.free()[sku] == base["stock"][good][WAREHOUSE]["free"], name
        assert complaints(markets, name, specs) == set()


@pytest.mark.field("A3")
def test_a3_an_order_of_each_goes_to_1c_its_status_comes_back_and_a_change_follows(
    markets: Markets, specs: Path
) -> None:
    markets.rest()
    packed, dropped = (
        {name: one.place([("SKU-0000", 1)]) for name, one in markets.base.cabinets.items()} for _ in range(2)
    )
    markets.rest()
    orders = markets.base.ut.state()["orders"]
    assert {one["НомерПоДаннымКлиента"] for one in orders} == {*packed.values(), *dropped.values()}
    for name in packed:
        markets.base.ut.set_status(packed[name], "КОтгрузке")
        markets.base.ut.cancel(dropped[name])
    markets.rest()
    for name, cabinet in markets.base.cabinets.items():
        bought = cabinet.bought()
        done = "assembling" if name == WILDBERRIES else "packed"
        assert (bought[packed[name]].state, bought[dropped[name]].state) == (done, "cancelled"), name
        assert complaints(markets, name, specs) == set()
    assert {one["Статус"] for one in markets.base.ut.state()["orders"]} == {"КОтгрузке", "Закрыт"}
