"""What is too much at once waits for a person, whatever else is under way and however it came about."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from obmen.entities import Price
from obmen.mapping import BoundMapping, Context, parse_mapping
from obmen.rules.allocation import Allocation, Pool
from obmen.rules.guards import DEFAULT_GUARDS, Guards
from obmen.rules.pricing import Pricing, Rule, Terms
from obmen.state import Ledger, outbox, stops
from obmen.sync.engine import Engine
from obmen.sync.flow import Companion, Flow, Selling
from obmen.sync.passes import FlowReport
from obmen.sync.steps import Step
from obmen.testing.clock import FakeClock
from tests.crash.world import Crash, World, price, product
from tests.market import MAIN, Market

MANY = 10
SPARE = "Запасной"
_NAMED = "entity: product\nfields:\n  sku: id\n  name: name\n"
_BRANDED = _NAMED + "  brand: brand\n"


def _bound(text: str, connection: str) -> BoundMapping:
    return parse_mapping(text, "p.yaml").bind(
        Context(connection=connection, options={}, zone=ZoneInfo("Europe/Moscow"))
    )


@pytest.fixture
def ledger(tmp_path: Path, blank_ledger: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{shutil.copy(blank_ledger, tmp_path)}", clock=FakeClock())
    yield opened
    opened.close()


def goods(world: World, amount: str = "100.00", count: int = MANY) -> None:
    world.erp.put("product", *(product(n) for n in range(count)))
    prices(world, amount, range(count))
    world.sync("products", "prices")


def prices(world: World, amount: str, which: range) -> None:
    world.erp.put("price", *(price(n, amount) for n in which))


def later(world: World, *names: str, **words: Any) -> FlowReport:
    world.clock.advance(60)
    (report,) = world.sync(*(names or ("prices",)), **words)
    return report


def shown(world: World) -> set[str]:
    return {str(one["amount"]) for one in world.shop.of("price").values()}


def dying(world: World, step: Step, *names: str) -> None:
    """Let the process die at a step, so that what it said stays in doubt."""

    def die(now: Step) -> None:
        if now == step:
            raise Crash

    with suppress(Crash):
        world.sync(*names, on_step=die)


# -- behind what is in flight --------------------------------------------------------------------------------------


@pytest.mark.field("N1")
def test_a_price_that_jumps_while_another_is_in_doubt_is_held(world: World) -> None:
    world.guards = DEFAULT_GUARDS["price"]
    goods(world)
    prices(world, "110.00", range(MANY))
    dying(world, "deliver.called", "prices")
    prices(world, "1.00", range(MANY))
    for _ in range(3):
        report = later(world)
    assert shown(world) == {"100.00", "110.00"}
    assert report.outbox == {"held": MANY}


def test_a_batch_that_is_too_much_at_once_is_held_behind_what_is_in_flight_too(world: World) -> None:
    world.guards = Guards(share=Decimal("0.2"))
    goods(world)
    prices(world, "101.00", range(1))
    dying(world, "deliver.called", "prices")
    prices(world, "90.00", range(MANY))
    for _ in range(3):
        report = later(world)
    assert shown(world) == {"100.00", "101.00"}
    assert report.outbox == {"held": MANY}
    assert later(world, force="a sale").released == MANY
    assert shown(world) == {"90.00"}


def test_stock_that_goes_to_zero_behind_what_is_in_flight_is_held(world: World) -> None:
    world.guards = DEFAULT_GUARDS["stock"]

    def stock(free: int) -> None:
        world.erp.put("stock", *({"id": f"SKU-{n}", "place": MAIN, "free": free} for n in range(MANY)))

    world.erp.put("product", *(product(n) for n in range(MANY)))
    stock(7)
    world.sync("products", "stocks")
    stock(8)
    dying(world, "deliver.called", "stocks")
    stock(0)
    for _ in range(2):
        later(world, "stocks")
    assert {str(one["free"]) for one in world.shop.of("stock").values()} == {"7", "8"}


@pytest.mark.field("N1")
def test_a_price_list_of_which_most_falls_is_held_without_any_word_in_the_project(world: World) -> None:
    world.guards = DEFAULT_GUARDS["price"]
    goods(world)
    prices(world, "95.00", range(MANY))
    assert later(world).outbox == {}, "by a twentieth is no slip"
    prices(world, "70.00", range(MANY // 2))
    assert later(world).outbox == {}, "and half of them may be on sale"
    prices(world, "60.00", range(MANY // 2 - 1, MANY))
    report = later(world)
    assert report.outbox == {"held": 6}
    assert "6 of 10 records (60%) would fall by more than a tenth" in report.held["shop"]["lowered"]


def test_what_is_sound_follows_what_was_in_flight(world: World) -> None:
    world.guards = DEFAULT_GUARDS["price"]
    goods(world)
    prices(world, "140.00", range(MANY))
    dying(world, "deliver.called", "prices")
    prices(world, "145.00", range(MANY))
    for _ in range(3):
        later(world)
    assert shown(world) == {"145.00"}


# -- slices ----------------------------------------------------------------------------------------------------------


def test_what_is_held_with_others_stays_held_when_it_moves_a_little(world: World) -> None:
    world.guards = Guards(share=Decimal("0.2"))
    goods(world, count=50)
    prices(world, "75.00", range(25))
    assert later(world).outbox == {"held": 25}
    for start in range(0, 25, 5):
        prices(world, "75.01", range(start, start + 5))
        later(world)
    assert shown(world) == {"100.00"}


def test_of_what_was_held_together_the_last_few_may_go_once_the_rest_is_right_again(world: World) -> None:
    world.guards = Guards(share=Decimal("0.2"))
    goods(world, count=50)
    prices(world, "75.00", range(25))
    later(world)
    prices(world, "100.00", range(3, 25))
    later(world)
    prices(world, "76.00", range(3))
    later(world)
    assert shown(world) == {"100.00", "76.00"}


def test_others_are_not_held_for_what_is_held_already(world: World) -> None:
    world.guards = Guards(share=Decimal("0.2"))
    goods(world, count=50)
    prices(world, "75.00", range(25))
    later(world)
    prices(world, "99.00", range(30, 33))
    assert later(world).outbox == {"held": 25}
    assert shown(world) == {"100.00", "99.00"}


# -- what rules make ---------------------------------------------------------------------------------------------


def _flows(world: World, rules: Pricing) -> list[Flow]:
    selling = Selling()
    cards = replace(
        world.flow("products", "product", "erp", "shop"), pull=_bound(_BRANDED, "erp"), selling=selling, keeps=True
    )
    made = replace(
        world.flow("prices", "price", "erp", "shop"), pricing=rules, selling=selling, where={"price_type": "BASE"}
    )
    selling.add(made)
    return [cards, made]


def test_a_brand_that_is_renamed_moves_no_hundred_prices_unseen(world: World) -> None:
    world.guards = Guards(change=Decimal("0.5"), share=Decimal("0.2"))
    rules = Pricing(
        version=b"1", usual=Terms(rules=(Rule(name="r", brands=frozenset({"good"}), markup=Decimal("0.45")),))
    )

    def sync() -> list[FlowReport]:
        world.clock.advance(60)
        return Engine(world.ledger, _flows(world, rules)).sync((), patience=600)

    world.erp.put("product", *({**product(n), "brand": "Good"} for n in range(100)))
    prices(world, "100.00", range(100))
    sync()
    assert shown(world) == {"145.00"}
    world.erp.put("product", *({**product(n), "brand": "Goood"} for n in range(100)))
    sync()
    assert shown(world) == {"145.00"}
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "prices") == {"held": 100}
    world.erp.put("product", *({**product(n), "brand": "Good"} for n in range(100)))
    sync()
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "prices") == {}


# -- stock ---------------------------------------------------------------------------------------------------------


def _guarded(market: Market) -> Callable[[], list[Flow]]:
    plain = market.flows
    return lambda: [replace(flow, guards=DEFAULT_GUARDS["stock"]) if flow.name == "stock" else flow for flow in plain()]


def test_stock_that_grows_a_thousandfold_is_held(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market(ledger)
    monkeypatch.setattr(market, "flows", _guarded(market))
    market.stock(**{f"S{n}": 9 for n in range(3)})
    market.rest()
    market.source.on_hand["S1", MAIN] *= 1000
    market.source.on_hand["S2", MAIN] *= 10
    market.sync("stock")
    assert [market.shown(f"S{n}")["ozon"] for n in range(3)] == [9, 9, 90]


@pytest.mark.field("N2")
@pytest.mark.parametrize("gone", [True, False], ids=["not told of", "told to be empty"])
def test_a_warehouse_that_vanished_is_missed_where_channels_are_told_of_several_as_one(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    market = Market(ledger, rules=Allocation(version=b"1", pools={MAIN: Pool((MAIN, SPARE))}), missing="zero")
    monkeypatch.setattr(market, "flows", _guarded(market))
    market.stock(**{f"S{n}": {MAIN: 1, SPARE: 50} for n in range(20)})
    market.rest()
    for place in [one for one in market.source.on_hand if one[1] == SPARE]:
        if gone:
            del market.source.on_hand[place]
        else:
            market.source.on_hand[place] = Decimal(0)
    (report,) = market.sync("stock")
    assert market.shown("S1") == {"ozon": 51, "wb": 51, "market": 51}
    assert f"'{SPARE}' of erp" in report.held["wb"][SPARE]


def test_an_order_lowers_what_a_guard_holds_back(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market(ledger)
    plain = market.flows
    tight = Guards(change=Decimal("0.1"))
    monkeypatch.setattr(
        market, "flows", lambda: [replace(one, guards=tight) if one.name == "stock" else one for one in plain()]
    )
    market.stock(A=2)
    market.rest()
    market.shops["ozon"].buy("A")
    market.read("order_ozon")
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 1, "wb": 1, "market": 1}


# -- cards that carry a price ------------------------------------------------------------------------------------


_CARD = _NAMED + "with:\n  price: { amount: { path: price, as: money_string } }\n"


def _carrying(world: World) -> list[Flow]:
    """Cards that cannot be told without their price, as on Ozon."""
    card = _bound(_CARD, "shop")
    plain = world.flow("products", "product", "erp", "shop")
    cards = replace(
        plain,
        targets=tuple(replace(target, mapping=card) for target in plain.targets),
        companions={"price": Companion("prices", Price, {"price_type": "BASE"})},
    )
    return [cards, world.flow("prices", "price", "erp", "shop")]


def _carried(world: World) -> dict[str, object]:
    world.clock.advance(60)
    Engine(world.ledger, _carrying(world)).sync((), patience=600)
    return {key: card.get("price") for key, card in world.shop.of("product").items()}


@pytest.mark.field("N1")
def test_a_price_that_is_held_is_not_told_with_its_card(world: World) -> None:
    world.guards = DEFAULT_GUARDS["price"]
    world.erp.put("product", *(product(n) for n in range(2)))
    prices(world, "255.00", range(2))
    assert _carried(world) == {"SKU-0": "255.00", "SKU-1": "255.00"}
    world.erp.put("price", price(0, "25.50"))
    _carried(world)
    world.erp.put("product", {**product(0), "name": "Иначе"})
    assert _carried(world)["SKU-0"] == "255.00"
    assert world.shop.of("product")["SKU-0"]["name"] == "Иначе"


@pytest.mark.field("N17")
def test_a_price_that_is_paused_is_not_told_with_its_card(world: World) -> None:
    world.erp.put("product", product(0), product(1))
    prices(world, "255.00", range(1))
    _carried(world)
    with world.ledger.write() as tx:
        stops.put(tx, "shop", "price", "write", "a person", "looking")
    prices(world, "222.00", range(2))
    world.erp.put("product", {**product(0), "name": "Иначе"})
    assert _carried(world) == {"SKU-0": "255.00"}, "and a card that has no price yet waits"
    with world.ledger.write() as tx:
        stops.lift(tx, "shop", "price", "write")
    _carried(world)
    assert _carried(world)["SKU-1"] == "222.00"


def test_a_card_whose_first_price_is_held_waits_until_a_person_lets_it_go(world: World) -> None:
    world.guards = Guards(floor=Decimal(100))
    world.erp.put("product", product(0))
    prices(world, "50.00", range(1))
    assert _carried(world) == {}
    world.clock.advance(60)
    Engine(world.ledger, _carrying(world)).sync(["prices"], force="it is so cheap")
    assert _carried(world) == {"SKU-0": "50.00"}
