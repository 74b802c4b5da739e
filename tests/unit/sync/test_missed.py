"""What comes just between the look for it and the note that it is missing: who waits for it is woken all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from obmen.mapping import Context, parse_mapping
from obmen.state import Ledger
from obmen.sync.engine import Engine
from obmen.sync.steps import Step
from obmen.testing.clock import FakeClock
from tests.crash.world import World, price, product

BY_SUBJECT = """
entity: price
subject: id
fields:
  price_type: type
  amount: { path: amount, as: money_string }
  currency: currency
"""


@pytest.fixture
def world(state_url: str) -> Iterator[World]:
    ledger = Ledger(state_url, clock=FakeClock())
    yield World(ledger)
    ledger.close()


def stock(number: int) -> dict[str, object]:
    return {"id": f"SKU-{number}", "place": "main", "free": 5}


def linked(number: int) -> dict[str, object]:
    return {
        "channel": "shop",
        "number": f"N-{number}",
        "at": "2026-06-15T06:00:00Z",
        "currency": "RUB",
        "lines": [{"sku": f"SKU-{number}", "n": 1, "price": 100}],
    }


def meanwhile(world: World, step: Step, *flows: str) -> Callable[[Step], None]:
    """Let another process run these flows to their end at the first time that a step is reached."""
    left = [flows]

    def on_step(reached: Step) -> None:
        if reached == step and left:
            Engine(world.ledger, world.flows()).sync(left.pop(), patience=60.0)

    return on_step


def test_a_stock_whose_card_is_made_while_it_is_looked_for_is_sent_by_the_next_run(world: World) -> None:
    world.erp.put("product", product(1))
    world.erp.put("stock", stock(1))
    world.sync("stocks", on_step=meanwhile(world, "deliver.taken", "products"), patience=0.0)
    assert world.shop.of("product")
    world.clock.advance(120)
    world.sync("stocks")
    assert world.shop.of("stock")["SKU-1|main"]["free"] == 5


def test_an_order_whose_goods_are_made_while_they_are_looked_for_is_sent_by_the_next_run(world: World) -> None:
    world.erp.put("product", product(2))
    world.shop.put("order", linked(2))
    world.sync("linked_orders", on_step=meanwhile(world, "deliver.taken", "products"), patience=0.0)
    world.clock.advance(120)
    world.sync("linked_orders")
    assert world.erp.created == {"N-2": 1}


def test_a_price_whose_product_becomes_known_while_it_is_read_is_taken_up_by_the_same_run(world: World) -> None:
    context = Context(connection="erp", options={}, zone=ZoneInfo("Europe/Moscow"))
    by_subject = parse_mapping(BY_SUBJECT, "price.yaml").bind(context)
    prices = replace(world.flow("by_subject", "price", "erp", "shop"), pull=by_subject)
    world.erp.put("product", product(1))
    world.erp.put("price", price(1))
    engine = Engine(world.ledger, [*world.flows(), prices], on_step=meanwhile(world, "read.examined", "products"))
    engine.sync(["by_subject"], patience=60.0)
    assert world.shop.of("price")["SKU-1|BASE"]["amount"] == "100.00"


def test_a_price_is_not_looked_for_for_ever(world: World) -> None:
    """One that really is not there waits on, and is looked for by its two next runs alone."""
    world.erp.put("price", price(1))
    world.sync("prices")
    before = len(world.shop.calls)
    for _ in range(3):
        world.clock.advance(600)
        world.sync("prices")
    assert len(world.shop.calls) == before
    assert world.shop.of("price") == {}
    world.erp.put("product", product(1))
    world.sync("products", "prices")
    assert world.shop.of("price")
