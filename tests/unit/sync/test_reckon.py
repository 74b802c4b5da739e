"""What channels are told is reckoned anew whenever something it hangs on moves, and no unit is promised twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from obmen.records import natural_id
from obmen.rules.allocation import Allocation, Channel, Pool
from obmen.state import Ledger, agreed, quarantine, taken
from obmen.sync.steps import Step
from obmen.testing.clock import FakeClock
from tests.market import MAIN, Market


@pytest.fixture
def ledger(request: pytest.FixtureRequest, tmp_path: Path, blank_ledger: Path) -> Iterator[Ledger]:
    on_postgresql = getattr(request, "param", "sqlite") == "postgresql"
    url = (
        request.getfixturevalue("postgres_url") if on_postgresql else f"sqlite:///{shutil.copy(blank_ledger, tmp_path)}"
    )
    opened = Ledger(url, clock=FakeClock())
    yield opened
    opened.close()


@pytest.fixture
def market(ledger: Ledger) -> Market:
    made = Market(ledger)
    made.stock(A=9, B=5)
    made.rest()
    return made


def ruled(
    ledger: Ledger, stock: dict[str, Any], names: tuple[str, ...] = ("ozon", "wb", "market"), **rules: Any
) -> Market:
    made = Market(ledger, names=names, rules=Allocation(version=b"1", **rules))
    made.stock(**stock)
    made.rest()
    return made


def counted(market: Market) -> list[taken.Taken]:
    with market.ledger.read() as tx:
        found = taken.of(tx, "erp", ["A", "B", "KIT"])
    return [one for rows in found.values() for one in rows]


@pytest.mark.field("D3")
def test_an_order_in_one_channel_lowers_the_others_before_stock_is_read_again(market: Market) -> None:
    number = market.shops["ozon"].buy("A", 2)
    market.read("order_ozon")
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 7, "wb": 7, "market": 7}
    assert market.source.of("order") == {}, "the source does not know of it yet"
    assert market.causes("wb", "A")[0] == f"order:ozon|{number}"
    market.rest()
    assert market.shown("A") == {"ozon": 7, "wb": 7, "market": 7}
    assert counted(market) == []


@pytest.mark.parametrize("ledger", ["sqlite", "postgresql"], indirect=True)
def test_an_order_counts_until_a_reading_that_began_after_the_source_had_it(market: Market) -> None:
    market.shops["wb"].buy("A")
    market.sync("order_wb")
    assert [one.known_at is not None for one in counted(market)] == [True]
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 8, "wb": 8, "market": 8}
    market.sync("stock")
    assert counted(market) == []
    assert market.shown("A") == {"ozon": 8, "wb": 8, "market": 8}


@pytest.mark.field("D3")
@pytest.mark.parametrize("step", ["deliver.taken", "deliver.marked", "deliver.called"])
def test_an_order_that_is_read_while_stock_is_told_is_not_lost_by_that(market: Market, step: Step) -> None:
    market.source.on_hand["A", MAIN] = Decimal(8)
    market.shops["ozon"].buy("A", 2)
    read: list[Step] = []

    def meanwhile(now: Step) -> None:
        if now == step and not read:
            read.append(now)
            market.read("order_ozon")

    market.sync("stock", on_step=meanwhile)
    assert read == [step]
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 6, "wb": 6, "market": 6}


def test_what_was_told_while_it_was_sold_there_is_told_once_more(ledger: Ledger) -> None:
    market = Market(ledger, rules=Allocation(version=b"1", most=5))
    market.stock(A=9)
    sold: list[Step] = []

    def meanwhile(now: Step) -> None:
        if now == "deliver.called" and not sold and market.shops["ozon"].shows("A"):
            sold.append(now)
            market.shops["ozon"].buy("A", 2)
            market.read("order_ozon")

    for _ in range(3):
        market.sync(on_step=meanwhile)
    assert sold
    assert market.source.free("A") == 7
    assert market.shown("A") == {"ozon": 5, "wb": 5, "market": 5}


def test_what_was_told_while_a_buyer_gave_up_is_told_once_more(market: Market) -> None:
    number = market.shops["ozon"].buy("A", 2)
    market.rest()
    market.source.on_hand["A", MAIN] += 1
    given_up: list[Step] = []

    def meanwhile(now: Step) -> None:
        if now == "deliver.called" and not given_up:
            given_up.append(now)
            market.shops["ozon"].give_up(number)
            market.source.given_up.add(number)
            market.source.on_hand["A", MAIN] -= 2
            market.read("order_status_ozon")

    market.sync("stock", on_step=meanwhile)
    market.rest()
    assert market.source.free("A") == 8
    assert market.shown("A") == {"ozon": 8, "wb": 8, "market": 8}


def test_what_was_sold_and_bought_in_between_two_readings_is_told_though_the_number_is_the_same(market: Market) -> None:
    market.shops["wb"].buy("A")
    market.source.on_hand["A", MAIN] += 1
    market.rest()
    assert market.source.free("A") == 9
    assert market.shown("A") == {"ozon": 9, "wb": 9, "market": 9}


def test_an_order_that_is_given_up_before_the_source_knows_it_is_on_sale_again(market: Market) -> None:
    number = market.shops["ozon"].buy("A", 3)
    market.source.refuse.add(number)
    market.sync("order_ozon")
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 6, "wb": 6, "market": 6}
    market.shops["ozon"].give_up(number)
    market.read("order_status_ozon")
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 9, "wb": 9, "market": 9}
    assert counted(market) == []


def test_a_unit_that_a_channel_puts_back_on_sale_by_itself_is_not_sold_twice(market: Market) -> None:
    number = market.shops["wb"].buy("A")
    market.rest()
    market.shops["wb"].give_up(number)
    market.source.given_up.add(number)
    market.shops["ozon"].buy("A")
    market.rest()
    assert market.source.free("A") == 8
    assert market.shown("A") == {"ozon": 8, "wb": 8, "market": 8}


def test_an_order_that_the_source_refuses_stays_sold(market: Market) -> None:
    market.source.refuse.add("ozon-1")
    market.shops["ozon"].buy("A", 3)
    market.rest()
    market.rest()
    assert market.shown("A") == {"ozon": 6, "wb": 6, "market": 6}


def test_goods_that_leave_an_order_are_told_again_whoever_heard_of_it_first(market: Market) -> None:
    number = market.shops["ozon"].buy("A", 3)
    market.rest()
    market.source.on_hand["A", MAIN] += 2
    market.rest()
    market.shops["ozon"].drop_line(number, 2)
    market.rest()
    assert market.source.free("A") == 8
    assert market.shown("A") == {"ozon": 8, "wb": 8, "market": 8}


def test_goods_that_leave_an_order_before_the_source_knows_it_are_put_back_once(market: Market) -> None:
    number = market.shops["ozon"].buy("A", 3)
    market.source.refuse.add(number)
    market.sync("order_ozon")
    market.shops["ozon"].drop_line(number, 2)
    market.shops["wb"].buy("A", 3)
    market.rest()
    assert market.shown("A") == {"ozon": 5, "wb": 5, "market": 5}


def test_an_order_that_a_person_let_go_of_is_left_to_whoever_keeps_the_stock(market: Market) -> None:
    market.source.refuse.add("ozon-1")
    market.shops["ozon"].buy("A", 3)
    market.rest()
    with market.ledger.write() as tx:
        quarantine.set_state(tx, [one.id for one in quarantine.entries(tx)], "closed")
    market.source.on_hand["A", MAIN] -= 3
    market.rest()
    market.rest()
    assert market.shown("A") == {"ozon": 6, "wb": 6, "market": 6}
    assert counted(market) == []


def test_an_order_that_the_source_knows_is_not_taken_off_once_more_when_it_is_read_again(market: Market) -> None:
    market.shops["ozon"].buy("A")
    market.rest()
    order = next(iter(market.shops["ozon"].of("order").values()))
    order["lines"][0]["price"] = 90
    market.rest()
    assert market.shown("A") == {"ozon": 8, "wb": 8, "market": 8}


def test_orders_of_long_ago_are_no_sales_of_today(market: Market) -> None:
    market.shops["ozon"].buy("A", 3)
    market.shops["ozon"].of("stock")[natural_id(("A", MAIN))]["free"] += 3
    market.clock.advance(4 * 86400)
    market.read("order_ozon")
    market.deliver("stock")
    assert market.shown("A") == {"ozon": 9, "wb": 9, "market": 9}


def test_nothing_is_reckoned_where_nothing_is_sold_and_no_rule_is_given(market: Market) -> None:
    market.source.on_hand["A", MAIN] = Decimal("4.5")
    market.rest()
    assert market.shops["ozon"].of("stock")[natural_id(("A", MAIN))]["free"] == Decimal("4.5")


# -- dividing ----------------------------------------------------------------------------------------------------


@pytest.mark.field("D5")
def test_the_last_unit_is_shown_in_the_first_channel_only(ledger: Ledger) -> None:
    market = ruled(ledger, {"A": 1}, oversell=False, priority=("wb", "ozon"))
    assert market.shown("A") == {"ozon": 0, "wb": 1, "market": 0}


@pytest.mark.parametrize("ledger", ["sqlite", "postgresql"], indirect=True)
def test_a_channel_is_raised_only_once_the_others_show_less(ledger: Ledger) -> None:
    market = ruled(ledger, {"A": 6}, oversell=False)
    assert market.shown("A") == {"ozon": 2, "wb": 2, "market": 2}
    market.rules = Allocation(version=b"2", oversell=False, priority=("wb",))
    seen: list[int] = []
    market.sync("stock", on_step=lambda _: seen.append(sum(market.shown("A").values())))
    assert max(seen) == 6
    market.rest()
    assert market.shown("A") == {"ozon": 0, "wb": 6, "market": 0}


def test_a_channel_that_cannot_be_lowered_keeps_its_units_from_the_others(ledger: Ledger) -> None:
    market = ruled(ledger, {"A": 6}, oversell=False)
    market.shops["ozon"].down = True
    market.rules = Allocation(version=b"2", oversell=False, priority=("wb",))
    for _ in range(3):
        market.sync()
    assert market.shown("A") == {"ozon": 2, "wb": 4, "market": 0}
    market.shops["ozon"].down = False
    market.rest()
    assert market.shown("A") == {"ozon": 0, "wb": 6, "market": 0}


def test_a_channel_without_the_card_gets_none_until_it_has_it(ledger: Ledger) -> None:
    market = Market(ledger, rules=Allocation(version=b"1", oversell=False))
    market.shops["wb"].refuse.add("A")
    market.stock(A=6)
    market.rest()
    assert market.shown("A") == {"ozon": 3, "wb": 0, "market": 3}
    market.shops["wb"].refuse.clear()
    market.source.put("product", {"id": "A", "name": "Товар с карточкой", "archived": False})
    market.rest()
    assert market.shown("A") == {"ozon": 2, "wb": 2, "market": 2}


def test_an_answer_that_was_lost_counts_as_shown(ledger: Ledger) -> None:
    market = ruled(ledger, {"A": 4}, names=("ozon", "wb"), oversell=False)
    market.source.on_hand["A", MAIN] = Decimal(8)
    market.shops["ozon"].lose_answers = 1
    market.rules = Allocation(version=b"2", oversell=False, channels={"ozon": Channel(share=Decimal("0.25"))})
    market.sync("stock")
    assert sum(market.shown("A").values()) <= 8
    market.rest()
    assert market.shown("A") == {"ozon": 2, "wb": 6}


@pytest.mark.parametrize("told_before", [True, False])
def test_what_a_channel_may_show_since_an_answer_was_lost_is_promised_to_nobody_else(
    ledger: Ledger, told_before: bool
) -> None:
    market = ruled(ledger, {"A": 4 if told_before else 0, "B": 4}, names=("ozon", "wb"), oversell=False)
    if not told_before:
        with ledger.write() as tx:
            agreed.doubt(tx, "ozon", "stock", {"A|Основной": None})
    market.source.on_hand["A", MAIN] = Decimal(8)
    market.shops["wb"].down = True
    market.shops["ozon"].lose_answers = 1
    market.sync("stock", patience=0.0)
    assert market.shops["ozon"].shows("A") == 4
    market.shops["ozon"].down, market.shops["wb"].down = True, False
    market.source.on_hand["A", MAIN] = Decimal(6)
    market.sync("stock", patience=0.0)
    assert sum(market.shown("A").values()) <= 6
    market.shops["ozon"].down = False
    market.rest()
    assert market.shown("A") == {"ozon": 3, "wb": 3}


@pytest.mark.field("D7")
def test_a_part_that_is_sold_lowers_its_kits_and_a_kit_its_parts(ledger: Ledger) -> None:
    market = Market(ledger, rules=Allocation(version=b"1", kits={"KIT": {"A": Decimal(2), "B": Decimal(1)}}))
    market.stock(A=9, B=5)
    market.source.put("product", {"id": "KIT", "name": "Набор", "archived": False})
    market.rest()
    assert market.shown("KIT") == {"ozon": 4, "wb": 4, "market": 4}
    market.shops["ozon"].buy("KIT")
    market.read("order_ozon")
    market.deliver("stock")
    assert market.shown("KIT") == {"ozon": 3, "wb": 3, "market": 3}
    assert market.shown("A") == {"ozon": 7, "wb": 7, "market": 7}
    assert market.shown("B") == {"ozon": 4, "wb": 4, "market": 4}
    market.shops["wb"].buy("A", 4)
    market.read("order_wb")
    market.deliver("stock")
    assert market.shown("KIT") == {"ozon": 1, "wb": 1, "market": 1}


@pytest.mark.field("D6")
def test_a_channel_sells_from_the_fallback_when_the_first_warehouse_is_empty(ledger: Ledger) -> None:
    pools = {MAIN: Pool((MAIN, "Запасной"), "first")}
    market = ruled(ledger, {"A": {MAIN: 2, "Запасной": 7}}, pools=pools)
    assert market.shown("A") == {"ozon": 2, "wb": 2, "market": 2}
    market.source.on_hand["A", MAIN] = Decimal(0)
    market.rest()
    assert market.shown("A") == {"ozon": 7, "wb": 7, "market": 7}


def test_goods_that_the_source_no_longer_has_are_taken_off_sale_by_its_policy(ledger: Ledger) -> None:
    market = ruled(ledger, {"A": 9, "B": 9}, safety=Decimal(1))
    market.missing = "zero"
    del market.source.on_hand["A", MAIN]
    market.rest()
    assert market.shown("A") == {"ozon": 0, "wb": 0, "market": 0}
    assert market.shown("B") == {"ozon": 8, "wb": 8, "market": 8}
