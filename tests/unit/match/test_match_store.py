"""What follows from a match in the ledger and in what is sent and read afterwards, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from obmen.errors import Busy, ConfigurationError, Refused
from obmen.match import Card, Choices, Good, Matched, Stored, Told, match, read_cards, read_goods, store
from obmen.state import Ledger, agreed, bindings, outbox
from obmen.state.bindings import Binding
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.readback import compare
from obmen.testing.clock import FakeClock
from tests.crash.world import World, bound, order, price, product

FLOWS = ("products", "prices", "stocks", "orders")


@pytest.fixture
def world(state_url: str) -> Iterator[World]:
    ledger = Ledger(state_url, clock=FakeClock())
    yield World(ledger)
    ledger.close()


def flows(world: World) -> list[Flow]:
    return [flow for flow in world.flows() if flow.name in FLOWS]


def bind(world: World, **names: str) -> Stored:
    """Bind goods to cards as a person does, by the names that these have in the shop."""
    goods = [Good(key.replace("_", "-"), key.replace("_", "-")) for key in names]
    cards = [Card(name, name) for name in world.shop.of("product")]
    choices = Choices({key.replace("_", "-"): name for key, name in names.items()})
    return store(world.ledger, world.flows(), "shop", [], choices.bindings(goods, cards, known(world)), ())


def known(world: World) -> dict[str, Binding]:
    with world.ledger.read() as tx:
        return {one.key: one for one in bindings.page(tx, "shop", "product")}


def stock(number: int, free: int = 5) -> dict[str, Any]:
    return {"id": f"SKU-{number}", "place": "Main", "free": free}


def test_all_that_is_told_of_a_good_goes_by_the_cards_own_name(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "Старый"})
    world.erp.put("product", product(1), product(2))
    world.erp.put("price", price(1), price(2))
    world.erp.put("stock", stock(1), stock(2))
    assert bind(world, SKU_1="OLD-1") == Stored(bound=1)
    world.sync(*FLOWS)
    assert sorted(world.shop.of("product")) == ["OLD-1", "SKU-2"]
    assert world.shop.of("product")["OLD-1"]["name"] == "Коврик 1"
    assert sorted(row["id"] for row in world.shop.of("price").values()) == ["OLD-1", "SKU-2"]
    assert sorted(row["id"] for row in world.shop.of("stock").values()) == ["OLD-1", "SKU-2"]
    with world.ledger.read() as tx:
        assert set(agreed.of(tx, "shop", "product", ["SKU-1", "OLD-1"])) == {"SKU-1"}
    assert sum(report.written for report in world.sync(*FLOWS)) == 0


def test_what_is_read_there_names_goods_by_sku(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "Старый"})
    bind(world, SKU_1="OLD-1")
    row = order(1)
    world.shop.put(
        "order", {**row, "lines": [{"sku": "OLD-1", "n": 1, "price": 5}, {"sku": "SKU-9", "n": 1, "price": 5}]}
    )
    world.sync("orders")
    (written,) = world.erp.of("order").values()
    assert [line["sku"] for line in written["lines"]] == ["SKU-1", "SKU-9"]


def test_two_goods_may_have_each_others_names(world: World) -> None:
    world.shop.put("product", {"id": "SKU-1", "name": "a"}, {"id": "SKU-2", "name": "b"})
    world.erp.put("product", product(1), product(2))
    world.erp.put("price", price(1, "11.00"), price(2, "22.00"))
    bind(world, SKU_1="SKU-2", SKU_2="SKU-1")
    world.sync("products", "prices")
    assert {name: row["name"] for name, row in world.shop.of("product").items()} == {
        "SKU-2": "Коврик 1",
        "SKU-1": "Коврик 2",
    }
    assert {row["id"]: row["amount"] for row in world.shop.of("price").values()} == {"SKU-2": "11.00", "SKU-1": "22.00"}


def test_a_good_whose_sku_is_the_name_of_anothers_card_is_set_aside(world: World) -> None:
    world.shop.put("product", {"id": "SKU-2", "name": "b"})
    world.erp.put("product", product(1), product(2))
    bind(world, SKU_1="SKU-2")
    (report,) = world.sync("products")
    assert report.quarantine == {"open": 1}
    assert {name: row["name"] for name, row in world.shop.of("product").items()} == {"SKU-2": "Коврик 1"}


def test_what_waits_for_a_card_goes_on_when_it_is_bound(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "Старый"})
    world.erp.put("price", price(1))
    world.sync("prices")
    assert world.shop.of("price") == {}
    bind(world, SKU_1="OLD-1")
    world.sync("prices")
    assert [row["id"] for row in world.shop.of("price").values()] == ["OLD-1"]


def test_another_card_is_told_everything_and_an_unbound_good_gets_one_of_its_own(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "a"}, {"id": "OLD-2", "name": "b"})
    world.erp.put("product", product(1))
    world.erp.put("price", price(1))
    bind(world, SKU_1="OLD-1")
    world.sync("products", "prices")
    assert bind(world, SKU_1="OLD-2") == Stored(bound=1, again=2)
    world.sync("products", "prices")
    assert world.shop.of("product")["OLD-2"]["name"] == "Коврик 1"
    assert sorted(row["id"] for row in world.shop.of("price").values()) == ["OLD-1", "OLD-2"]
    assert store(world.ledger, world.flows(), "shop", [], {}, ["SKU-1"]) == Stored(unbound=1, again=2)
    world.sync("products", "prices")
    assert "SKU-1" in world.shop.of("product")
    assert sum(report.written for report in world.sync("products", "prices")) == 0


def test_what_was_found_is_stored_once_and_a_persons_choice_stays(world: World) -> None:
    world.shop.put("product", {"id": "SKU-1", "name": "a"}, {"id": "OLD-2", "name": "b"}, {"id": "SKU-2", "name": "c"})
    world.erp.put("product", product(1), product(2))
    bind(world, SKU_2="OLD-2")
    ours, theirs = Told(), Told()
    goods = read_goods(world.ledger, [flow for flow in flows(world) if flow.name == "products"], ours)
    shop = world.flow("x", "order", "shop", "erp").source
    cards = read_cards(world.ledger, shop, bound("product", "shop"), theirs)
    assert (ours, theirs) == (Told(), Told())
    result = match(goods, cards, known(world))
    assert store(world.ledger, world.flows(), "shop", result.matched, {}, ()) == Stored(bound=1)
    assert known(world) == {
        "SKU-1": Binding("SKU-1", "SKU-1"),
        "SKU-2": Binding("SKU-2", "OLD-2", "OLD-2", chosen=True),
    }
    again = match(goods, cards, known(world))
    assert all(one.stored for one in again.matched)
    assert store(world.ledger, world.flows(), "shop", again.matched, {}, ()) == Stored()


def test_reading_the_shop_does_not_undo_a_persons_choice(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "a"}, {"id": "SKU-1", "name": "b"})
    bind(world, SKU_1="OLD-1")
    reading = replace(world.flow("shop_goods", "product", "shop", "erp"), targets=())
    Engine(world.ledger, [reading]).sync()
    assert known(world)["SKU-1"] == Binding("SKU-1", "OLD-1", "OLD-1", chosen=True)


def test_nothing_is_stored_while_a_flow_of_these_goods_runs(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "a"})
    with world.ledger.lease("prices"), pytest.raises(Busy):
        bind(world, SKU_1="OLD-1")
    assert known(world) == {}


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (Choices({"SKU-11": "OLD-1"}), "There is no good 'SKU-11'. Did you mean 'SKU-1'?"),
        (Choices({"SKU-1": "OLD-9"}), "There is no card OLD-9. Did you mean"),
        (Choices({"SKU-1": "OLD-2"}), "is bound to 'SKU-2'. Free it with --unbind SKU-2"),
        (Choices({"SKU-1": "TWICE"}), "Several cards are called TWICE: 3, 4."),
        (Choices(unbind=("SKU-1",)), "'SKU-1' is not bound"),
    ],
)
def test_a_choice_that_cannot_be_is_told(choices: Choices, said: str) -> None:
    goods = [Good("SKU-1", "SKU-1"), Good("SKU-2", "SKU-2")]
    cards = [Card("1", "OLD-1"), Card("2", "OLD-2"), Card("3", "TWICE"), Card("4", "TWICE")]
    with pytest.raises(ConfigurationError) as caught:
        choices.bindings(goods, cards, {"SKU-2": Binding("SKU-2", "2", "OLD-2")})
    assert said in str(caught.value)


def test_a_card_may_be_freed_and_given_to_another_at_once() -> None:
    goods = [Good("SKU-1", "SKU-1"), Good("SKU-2", "SKU-2")]
    cards = [Card("1", "OLD-1"), Card("2", "OLD-2")]
    choices = Choices({"SKU-1": "2"}, ("SKU-2",))
    found = choices.bindings(goods, cards, {"SKU-2": Binding("SKU-2", "2", "OLD-2")})
    assert found == {"SKU-1": Binding("SKU-1", "2", "OLD-2", chosen=True)}


def test_neither_side_is_bound_twice(world: World) -> None:
    with world.ledger.write() as tx:
        bindings.save(tx, "shop", "product", [Binding("A", "1", "X"), Binding("B", "2")])
    for other in (Binding("C", "1"), Binding("C", "3", "X")):
        with world.ledger.write() as tx, pytest.raises(Refused, match="is bound to 'A' already"):
            bindings.save(tx, "shop", "product", [other])
    with world.ledger.write() as tx:
        bindings.save(tx, "shop", "product", [Binding("A", "2"), Binding("B", "1", "X")])
    assert known(world) == {"A": Binding("A", "2"), "B": Binding("B", "1", "X")}


def test_what_waited_in_the_outbox_under_a_name_is_mended(world: World) -> None:
    linked = [flow for flow in world.flows() if flow.name == "linked_orders"]
    world.erp.put("product", product(1))
    world.shop.put("product", {"id": "OLD-1", "name": "a"})
    row = order(1)
    world.shop.put("order", {**row, "lines": [{"sku": "OLD-1", "n": 1, "price": 5}]})
    world.sync("products", "linked_orders")
    with world.ledger.read() as tx:
        (waiting,) = outbox.listing(tx, "linked_orders", "erp", "order")
    assert waiting.state == "waiting"
    matched = [Matched(Good("SKU-1", "SKU-1"), Card("OLD-1", "OLD-1"), "barcode")]
    with world.ledger.write() as tx:
        bindings.unbind(tx, "shop", "product", ["SKU-1"])
    stored = store(world.ledger, [*flows(world), *linked], "shop", matched, {}, ())
    assert (stored.bound, stored.mended) == (1, 1)
    world.sync("linked_orders")
    (written,) = world.erp.of("order").values()
    assert [line["sku"] for line in written["lines"]] == ["SKU-1"]


def test_a_canary_reads_back_under_the_cards_own_name(world: World) -> None:
    world.shop.put("product", {"id": "OLD-1", "name": "a"})
    world.erp.put("price", price(1))
    bind(world, SKU_1="OLD-1")
    flow = world.flow("prices", "price", "erp", "shop")
    flow = replace(flow, targets=(replace(flow.targets[0], back=bound("price", "shop")),))
    engine = Engine(world.ledger, [flow])
    engine.read_only()
    with world.ledger.read() as tx:
        rows = outbox.listing(tx, "prices", "shop", "price")
    engine.sync()
    assert compare(world.ledger, [flow], rows) == []
    world.shop.put("price", {**price(1, "7.00"), "id": "OLD-1"})
    assert [(one.key, list(one.fields)) for one in compare(world.ledger, [flow], rows)] == [("SKU-1|BASE", ["amount"])]
