"""A project at work: flows run when they are due, in turn, and nothing that fails stops anything else."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from obmen.errors import Unavailable
from obmen.state import wishes
from obmen.testing.peer import Peer
from runner.daemon.breaker import TOLERANCE
from runner.daemon.tasks import Task
from tests.crash.world import order, price, product
from tests.unit.daemon.kit import FLOWS, works


def stock(number: int, free: int = 5) -> dict[str, object]:
    return {"id": f"SKU-{number}", "place": "main", "free": free}


def test_everything_is_carried_and_carried_again_when_it_changes(tmp_path: Path, state_url: str) -> None:
    with works(tmp_path, state_url) as at:
        at.peers["erp"].put("product", product(1), product(2))
        at.peers["erp"].put("price", price(1))
        at.peers["erp"].put("stock", stock(1), stock(2))
        at.peers["shop"].put("order", order(1))
        at.turn()
        at.pass_time(30)
        shop, erp = at.peers["shop"], at.peers["erp"]
        assert shop.of("product").keys() == {"SKU-1", "SKU-2"}
        assert shop.of("price")["SKU-1|BASE"]["amount"] == "100.00"
        assert erp.created == {"N-1": 1}
        erp.put("stock", stock(1, 3))
        at.pass_time(121)
        assert shop.of("stock")["SKU-1|main"]["free"] == 3


def test_each_flow_runs_as_often_as_its_schedule_says(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.turn()
        at.pass_time(3600, tick=5)
        counts = {flow: len(at.runs(flow)) for flow in ("orders", "stocks", "prices", "goods")}
        assert counts == {"orders": 61, "stocks": 31, "prices": 7, "goods": 3}
        assert {run.status for run in at.runs("stocks")} == {"done"}


def test_a_pass_in_which_nothing_could_be_sent_leaves_no_run_behind(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.peers["shop"].put("order", order(1), {**order(2), "lines": []})
        at.peers["erp"].refuse = {"N-1"}
        at.pass_time(600, tick=5)
        assert [run.status for run in at.runs("orders", "delivery")] == []


@pytest.mark.field("I7")
def test_a_dead_system_is_left_in_peace_and_holds_up_no_other(tmp_path: Path) -> None:
    flows = FLOWS + "more: { entity: stock, from: erp, to: other, every: 2m }\n"
    peers = {"erp": Peer(), "shop": Peer(), "other": Peer()}
    with works(tmp_path, flows=flows, peers=peers) as at:
        at.peers["erp"].put("product", product(1))
        at.peers["erp"].put("stock", stock(1))
        at.pass_time(30)
        at.peers["shop"].down = True
        breaker = at.plant.dispatcher.connections["shop"]
        at.pass_time(1800, tick=5)
        assert breaker.down
        assert "cannot be reached" in breaker.reason
        tries = breaker.failures
        at.pass_time(3600, tick=5)
        assert breaker.failures - tries <= 3600 / 300
        assert {run.status for run in at.runs("more")} == {"done"}
        assert len(at.runs("more")) >= 44
        at.peers["shop"].down = False
        at.peers["shop"].put("order", order(7))
        at.pass_time(760, tick=5)
        assert not breaker.open
        assert at.peers["erp"].created == {"N-7": 1}


@pytest.mark.field("I7")
def test_twenty_failures_open_the_breaker_and_a_probe_closes_it(tmp_path: Path) -> None:
    flows = "prices: { entity: price, from: erp, to: shop, every: 5m }\n"
    flows += "goods: { entity: product, from: erp, to: [shop, other], every: 12h }\n"
    flows += "more: { entity: stock, from: erp, to: other, every: 5m }\n"
    with works(tmp_path, flows=flows, peers={"erp": Peer(), "shop": Peer(), "other": Peer()}) as at:
        erp, shop, breaker = at.peers["erp"], at.peers["shop"], at.plant.dispatcher.connections["shop"]
        erp.put("product", product(1))
        erp.put("price", price(1))
        erp.put("stock", stock(1))
        at.pass_time(30)
        shop.down = True
        erp.put("price", price(1, "105.00"))
        for _ in range(TOLERANCE):
            assert not breaker.open, "a slip stops nobody"
            at.pass_time(300, tick=300)
        while breaker.failures < 20:
            at.pass_time(30, tick=30)
        assert breaker.open
        shop.down, before = False, len(shop.calls)
        while breaker.open:
            assert at.plant.doing().paused[0].connection == "shop"
            assert len(shop.calls) == before, "nobody asks it while it is left in peace"
            at.pass_time(10, tick=10)
        at.pass_time(700, tick=10)
        assert (breaker.failures, breaker.reason, at.plant.doing().paused) == (0, "", ())
        assert shop.calls[before] == ("price", ["SKU-1|BASE"])
        assert [one["amount"] for one in shop.of("price").values()] == ["105.00"]
        others = at.runs("more")
        assert {run.status for run in others} == {"done"}
        pauses = [later.started_at - run.started_at for run, later in pairwise(others)]
        assert max(pauses) <= 360, "what goes elsewhere notices nothing of it"


def test_a_wish_is_granted_at_once_and_ends_a_pause(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.peers["shop"].down = True
        at.pass_time(1800, tick=5)
        at.peers["shop"].down = False
        before = len(at.runs("orders"))
        at.ask("orders")
        at.turn()
        assert len(at.runs("orders")) == before + 1
        assert at.runs("orders")[-1].status == "done"
        at.turn()
        assert len(at.runs("orders")) == before + 1


def test_a_wish_stands_until_it_is_granted(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.peers["shop"].down = True
        at.ask("orders")
        at.turn()
        assert at.runs("orders")[-1].status == "failed"
        clock = at.clock
    with works(tmp_path, clock=clock) as at:
        at.turn()
        assert at.runs("orders")[-1].status == "done"
        with at.ledger.read() as tx:
            assert wishes.waiting(tx) == []


def test_what_a_guard_holds_is_let_go_with_a_reason(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.peers["erp"].put("product", product(1))
        at.peers["erp"].put("price", price(1))
        at.pass_time(60)
        at.peers["erp"].put("price", price(1, "1.00"))
        at.pass_time(660, tick=5)
        assert at.peers["shop"].of("price")["SKU-1|BASE"]["amount"] == "100.00"
        assert at.runs("prices")[-1].status == "held"
        at.ask("prices", "sale of the year")
        at.turn()
        assert at.peers["shop"].of("price")["SKU-1|BASE"]["amount"] == "1.00"
        assert "sale of the year" in at.runs("prices")[-1].message


def test_a_flow_that_is_due_again_while_it_runs_is_not_piled_up(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        dispatcher = at.plant.dispatcher
        at.plant.tick()
        seat = dispatcher.seats["shop", "urgent"]
        task = dispatcher.take(seat)
        assert task == Task("orders")
        at.clock.advance(600)
        assert dispatcher.tick() == ["orders"]
        at.clock.advance(600)
        assert dispatcher.tick() == []
        assert dispatcher.take(seat) is None
        dispatcher.done(seat, task, None)
        assert dispatcher.take(seat) == Task("orders")
        dispatcher.done(seat, Task("orders"), None)
        assert dispatcher.take(seat) is None


def test_a_flow_that_is_always_due_to_be_read_is_delivered_all_the_same(tmp_path: Path) -> None:
    """Reading takes longer than the time between two reads, so the next one is wanted before this one ends."""
    with works(tmp_path, flows="goods: { entity: product, from: erp, to: shop, every: 1s }") as at:
        dispatcher = at.plant.dispatcher
        erp, shop = dispatcher.seats["erp", "calm"], dispatcher.seats["shop", "calm"]
        reading, delivering = Task("goods"), Task("goods", "shop")

        def read() -> None:
            dispatcher.tick()
            assert dispatcher.take(erp) == reading
            at.clock.advance(5)
            dispatcher.tick()
            dispatcher.deliver([("goods", "shop")])
            dispatcher.done(erp, reading, None)

        read()
        assert dispatcher.take(erp) is None, "what was read goes before the next read"
        assert dispatcher.take(shop) == delivering
        assert not dispatcher.enough(shop, delivering)
        at.clock.advance(40)
        assert dispatcher.enough(shop, delivering)
        dispatcher.done(shop, delivering, None)
        dispatcher.deliver([("goods", "shop")])
        assert dispatcher.take(shop) is None, "then it is read again, or targets would keep it from it"

        read()
        assert dispatcher.take(shop) == delivering
        dispatcher.want("goods")
        assert dispatcher.enough(shop, delivering), "a person is not kept waiting"
        dispatcher.done(shop, delivering, None)

        read()
        dispatcher.connections["shop"].until = at.clock.monotonic() + 60
        assert dispatcher.take(erp) == reading, "a target that is left in peace holds up no read"


def test_what_is_urgent_goes_first_and_a_flow_is_not_read_while_it_is_delivered(tmp_path: Path) -> None:
    flows = "prices: { entity: price, from: erp, to: shop }\nstocks: { entity: stock, from: erp, to: shop }"
    with works(tmp_path, flows=flows) as at:
        dispatcher = at.plant.dispatcher
        at.plant.tick()
        erp, shop = dispatcher.seats["erp", "urgent"], dispatcher.seats["shop", "urgent"]
        dispatcher.deliver([("prices", "shop"), ("stocks", "shop")])
        assert dispatcher.take(erp) == Task("stocks")
        assert dispatcher.take(shop) == Task("prices", "shop")
        assert dispatcher.take(erp) is None
        dispatcher.done(erp, Task("stocks"), None)
        assert dispatcher.enough(shop, Task("prices", "shop"))
        dispatcher.done(shop, Task("prices", "shop"), None)
        assert dispatcher.take(shop) == Task("stocks", "shop")
        assert dispatcher.take(erp) == Task("prices")


def test_a_bug_in_one_flow_is_logged_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with works(tmp_path) as at:
        at.peers["erp"].put("product", product(1))

        def broken(*_: object) -> object:
            raise ZeroDivisionError

        source = at.state("stocks").flow.source
        monkeypatch.setattr(source, "read", lambda entity, cursor: broken() if entity == "stock" else iter(()))
        at.pass_time(300, tick=5)
        assert at.peers["shop"].of("product").keys() == {"SKU-1"}
        assert at.runs("stocks")[-1].status == "failed"
        assert "ZeroDivisionError" in at.runs("stocks")[-1].message


def test_a_lease_held_by_another_process_is_waited_for(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.peers["shop"].put("order", order(1))
        with at.ledger.lease("orders"):
            at.pass_time(50, tick=5)
            assert at.runs("orders") == []
        at.pass_time(10)
        assert at.peers["erp"].created == {"N-1": 1}


def test_after_a_restart_a_flow_runs_when_its_time_comes_or_at_once_if_that_is_past(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.turn()
        clock = at.clock
    clock.advance(60)
    with works(tmp_path, clock=clock) as at:
        at.turn()
        assert len(at.runs("stocks")) == 1
        assert len(at.runs("orders")) == 2
    clock.advance(7200)
    with works(tmp_path, clock=clock) as at:
        at.turn()
        assert len(at.runs("stocks")) == 2
        at.turn()
        assert len(at.runs("stocks")) == 2


def test_a_project_in_which_a_pause_is_over_is_asked_again_after_as_long_as_the_system_wants(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.turn()
        dispatcher, seat = at.plant.dispatcher, at.plant.dispatcher.seats["shop", "urgent"]
        dispatcher.want("orders")
        task = dispatcher.take(seat)
        assert task is not None
        dispatcher.done(seat, task, Unavailable("busy", after=90.0))
        at.clock.advance(89)
        assert dispatcher.take(seat) is None
        at.clock.advance(2)
        assert dispatcher.take(seat) == task


def test_a_time_of_the_next_run_is_told(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.turn()
        due = at.state("stocks").timer.next()
        assert isinstance(due, datetime)
        assert (due - at.clock.now()).total_seconds() == pytest.approx(120, abs=1)
