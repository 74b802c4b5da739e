"""What a cancelled order puts back on sale in a channel is told to that channel again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obmen.state import outbox
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from tests.crash.world import World, order, product, status

FLOWS = ("products", "stocks", "orders", "statuses_back")


@pytest.fixture
def sold(world: World) -> World:
    """The shop sold one of three goods, and 1C knows."""
    world.erp.put("product", *(product(n) for n in range(3)))
    world.erp.put("stock", *(_stock(n, place) for n in range(3) for place in ("A", "B")))
    world.shop.put("order", order(1))
    _sync(world)
    assert list(world.erp.of("order")) == ["N-1"]
    world.shop.calls.clear()
    return world


def _stock(number: int, place: str) -> dict[str, object]:
    return {"id": f"SKU-{number}", "place": place, "free": 5}


def _flows(world: World) -> list[Flow]:
    return [
        replace(flow, stock_flows={"shop": "stocks"}) if flow.name == "statuses_back" else flow
        for flow in world.flows()
        if flow.name in FLOWS
    ]


def _sync(world: World) -> None:
    world.clock.advance(60)
    for report in Engine(world.ledger, _flows(world)).sync((), patience=60.0):
        assert not report.trouble


def _stock_calls(world: World) -> list[list[str]]:
    return [ids for entity, ids in world.shop.calls if entity == "stock"]


def test_a_cancelled_order_has_its_goods_told_again_and_once(sold: World) -> None:
    sold.erp.put("order_status", status(1, "cancelled"))
    _sync(sold)
    _sync(sold)
    assert _stock_calls(sold) == [["SKU-1|A", "SKU-1|B"]]
    _sync(sold)
    assert _stock_calls(sold) == [["SKU-1|A", "SKU-1|B"]]


def test_a_step_that_frees_nothing_has_nothing_told_again(sold: World) -> None:
    sold.erp.put("order_status", status(1, "ready"))
    _sync(sold)
    _sync(sold)
    assert _stock_calls(sold) == []


def test_a_card_that_comes_back_from_the_archive_has_its_stock_told_again(world: World) -> None:
    world.erp.put("product", product(1), product(2))
    world.erp.put("stock", _stock(1, "A"), _stock(2, "A"))
    flows = [
        replace(flow, stock_flows={"shop": "stocks"}) if flow.name == "products" else flow
        for flow in world.flows()
        if flow.name in {"products", "stocks"}
    ]

    def sync() -> None:
        world.clock.advance(60)
        Engine(world.ledger, flows).sync((), patience=60.0)

    sync()
    world.erp.put("product", {**product(1), "archived": True})
    sync()
    world.erp.put("product", product(1))
    world.shop.calls.clear()
    for _ in range(3):
        sync()
    assert [ids for entity, ids in world.shop.calls if entity == "stock"] == [["SKU-1|A"]]


def test_a_newer_number_that_waits_already_is_not_replaced_by_the_old_one(sold: World) -> None:
    sold.erp.put("order_status", status(1, "cancelled"))
    sold.erp.put("stock", {**_stock(1, "A"), "free": 7})
    sold.shop.down = True
    sold.clock.advance(60)
    Engine(sold.ledger, _flows(sold)).sync((), patience=0.0)
    sold.shop.down = False
    for _ in range(3):
        _sync(sold)
    assert sold.shop.of("stock")["SKU-1|A"]["free"] == 7
    with sold.ledger.read() as tx:
        assert outbox.counts(tx, "stocks", "shop") == {}
