"""What buyers took stays taken when a run is undone, and no unit goes back that another channel may sell."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from obmen.rules.allocation import Allocation
from obmen.state import Ledger, agreed, runs, written
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.undo import KIND, Line, Undo
from obmen.testing.clock import FakeClock
from tests.market import MAIN, Market


@pytest.fixture
def ledger(tmp_path: Path, blank_ledger: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{shutil.copy(blank_ledger, tmp_path)}", clock=FakeClock())
    yield opened
    opened.close()


def ruled(ledger: Ledger, free: int, **rules: Any) -> Market:
    made = Market(ledger, rules=Allocation(version=b"1", **rules))
    made.stock(A=free)
    made.rest()
    return made


def last_write(market: Market, channel: str) -> int:
    with market.ledger.read() as tx:
        return written.of_key(tx, channel, "stock", f"A|{MAIN}", 1)[0].run


def undo(market: Market, run: int) -> dict[str, Line]:
    engine = Engine(market.ledger, market.flows())
    (flow,) = engine.choose(["stock"])
    work, lines = Pass(flow, KIND), list[Line]()
    done = Undo(market.ledger, flow, run, on_line=lines.append)
    with market.ledger.write() as tx:
        work.run = done.by = runs.begin(tx, "stock", KIND)
    done.put()
    engine.finish(work, 60.0, only=done.mine)
    return {line.target: line for line in lines}


def verdicts(lines: dict[str, Line]) -> dict[str, str]:
    return {name: line.verdict for name, line in lines.items()}


@pytest.mark.field("N16")
@pytest.mark.parametrize("oversell", [True, False])
def test_what_was_sold_does_not_go_back_on_sale(ledger: Ledger, oversell: bool) -> None:
    market = ruled(ledger, 3, oversell=oversell)
    for _ in range(3):
        for shop in market.shops.values():
            if shop.shows("A"):
                shop.buy("A")
                break
        market.rest()
    assert (market.source.free("A"), market.shown("A")) == (0, {"ozon": 0, "wb": 0, "market": 0})
    with market.ledger.read() as tx:
        told = {one.run for name in market.names for one in written.of_key(tx, name, "stock", f"A|{MAIN}") if one.cause}
    found = [line for run in sorted(told, reverse=True) for line in undo(market, run).values()]
    assert {line.verdict for line in found} <= {"sold", "changed", "same"}
    assert market.shown("A") == {"ozon": 0, "wb": 0, "market": 0}
    market.rest()
    assert market.shown("A") == {"ozon": 0, "wb": 0, "market": 0}


@pytest.mark.field("N16")
def test_what_was_written_because_of_an_order_is_listed_as_sold_since(ledger: Ledger) -> None:
    market = ruled(ledger, 1)
    market.shops["ozon"].buy("A")
    market.rest()
    lines = undo(market, last_write(market, "wb"))
    assert verdicts(lines) == {"wb": "sold", "market": "sold"}
    assert lines["wb"].why == "buyers took 1 of the 1 since"
    assert market.shown("A") == {"ozon": 0, "wb": 0, "market": 0}


def test_an_order_and_a_smaller_stock_told_as_one_number_do_not_go_back_above_what_is_left(ledger: Ledger) -> None:
    market = ruled(ledger, 10)
    market.shops["wb"].down = True
    market.shops["ozon"].buy("A", 2)
    market.sync("order_ozon", "stock")
    market.source.on_hand["A", MAIN] = Decimal(7)
    market.sync("stock")
    market.shops["wb"].down = False
    market.rest()
    assert market.shown("A") == {"ozon": 5, "wb": 5, "market": 5}
    run = last_write(market, "wb")
    with market.ledger.read() as tx:
        assert written.of_key(tx, "wb", "stock", f"A|{MAIN}", 1)[0].cause == ""
    assert undo(market, run)["wb"].verdict == "sold"
    assert market.shown("A")["wb"] == 5


def test_a_stock_that_fell_by_mistake_goes_back_where_nothing_was_sold(ledger: Ledger) -> None:
    market = ruled(ledger, 10)
    market.source.on_hand["A", MAIN] = Decimal(1)
    market.rest()
    assert set(verdicts(undo(market, last_write(market, "wb"))).values()) == {"back"}
    assert market.shown("A") == {"ozon": 10, "wb": 10, "market": 10}
    market.rest()
    assert market.shown("A") == {"ozon": 10, "wb": 10, "market": 10}


def test_a_list_that_was_wrong_goes_back_less_what_was_sold_of_it_in_the_same_run(ledger: Ledger) -> None:
    market = ruled(ledger, 10)
    market.source.on_hand["A", MAIN] = Decimal(500)
    market.sync("stock")
    run = last_write(market, "wb")
    with market.ledger.write() as tx:
        (last, *_) = written.of_key(tx, "wb", "stock", f"A|{MAIN}", 1)
        row = {"flow": "stock", "connection": "wb", "entity": "stock", "key": last.key, "op": "put", "run": run}
        less = last.after.replace(b"500", b"497")
        written.add(tx, [{**row, "before": last.after, "after": less, "cause": "order:ozon|1"}])
        agreed.save(tx, "wb", "stock", [agreed.Agreed(last.key, b"x", less)], run)
    assert undo(market, run)["wb"].fields == {"available": ["497", "7"]}
    assert market.shown("A") == {"ozon": 10, "wb": 7, "market": 10}


@pytest.mark.field("N16")
def test_with_oversell_off_no_more_goes_back_than_may_be_promised(ledger: Ledger) -> None:
    market = ruled(ledger, 3, oversell=False)
    market.source.on_hand["A", MAIN] = Decimal(1)
    market.rest()
    assert market.shown("A") == {"ozon": 1, "wb": 0, "market": 0}
    lines = undo(market, last_write(market, "market"))
    assert set(verdicts(lines).values()) == {"no_way"}
    assert "oversell: off" in lines["market"].why
    assert sum(market.shown("A").values()) == 1


def test_looking_tells_what_undoing_does(ledger: Ledger) -> None:
    market = ruled(ledger, 1)
    market.shops["ozon"].buy("A")
    market.rest()
    run, seen = last_write(market, "wb"), list[Line]()
    (flow,) = Engine(market.ledger, market.flows()).choose(["stock"])
    Undo(market.ledger, flow, run, on_line=seen.append).look()
    assert seen == list(undo(market, run).values())


@pytest.mark.field("N16")
def test_with_oversell_off_a_wrong_rise_stays_undone_until_its_source_changes(ledger: Ledger) -> None:
    market = ruled(ledger, 3, oversell=False)
    market.source.on_hand["A", MAIN] = Decimal(30)
    market.rest()
    run = last_write(market, "wb")
    assert market.shown("A") == {"ozon": 10, "wb": 10, "market": 10}
    assert set(verdicts(undo(market, run)).values()) == {"back"}
    assert market.shown("A") == {"ozon": 1, "wb": 1, "market": 1}
    market.rest()
    assert market.shown("A") == {"ozon": 1, "wb": 1, "market": 1}
    market.source.on_hand["A", MAIN] = Decimal(4)
    market.rest()
    assert sum(market.shown("A").values()) == 4
