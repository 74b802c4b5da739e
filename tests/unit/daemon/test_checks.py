"""The service asks back what it wrote, soon after, and compares both sides whole from time to time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from obmen.errors import Unavailable
from obmen.state import compared, stops
from obmen.testing.peer import Peer
from runner.daemon.tasks import Task
from tests.crash.world import price, product
from tests.unit.daemon.kit import Works, works

PRICES = """
goods: { entity: product, from: erp, to: shop, every: off }
prices: { entity: price, from: erp, to: shop, every: off%s }
"""
KEY = "SKU-1|BASE"


def begun(at: Works) -> None:
    """Write a good and its price, as the service does when somebody asks for it."""
    at.peers["erp"].put("product", product(1))
    at.peers["erp"].put("price", price(1))
    at.ask("goods")
    at.ask("prices")
    at.pass_time(20, tick=5)
    assert at.peers["shop"].of("price")[KEY]["amount"] == "100.00"


def shown(at: Works) -> str:
    return str(at.peers["shop"].of("price")[KEY]["amount"])


def spoil(at: Works, amount: str = "90.00") -> None:
    at.peers["shop"].of("price")[KEY] = price(1, amount)


def looks(at: Works) -> int:
    return sum(call.startswith("look") for call, _ in at.peers["shop"].calls)


def test_what_was_not_kept_is_sent_again_after_it_had_time_to_settle(tmp_path: Path, state_url: str) -> None:
    with works(tmp_path, state_url, flows=PRICES % "") as at:
        begun(at)
        spoil(at)
        at.pass_time(240, tick=60)
        assert (shown(at), looks(at)) == ("90.00", 0)
        at.pass_time(420, tick=60)
        assert shown(at) == "100.00"
        (run,) = at.runs("prices", "verify")
        assert (run.status, run.counts["drift"]) == ("done", 1)
        at.pass_time(900, tick=60)
        asked = looks(at)
        with at.ledger.read() as tx:
            found = compared.of(tx, "prices", "shop")
        assert (found.drift, found.drifted, found.counts) == (0, 1, {"same": 1})
        at.pass_time(900, tick=60)
        assert looks(at) == asked  # what holds is not asked for again


def test_what_is_paused_is_not_asked_for_and_goes_on_afterwards(tmp_path: Path) -> None:
    with works(tmp_path, flows=PRICES % "") as at:
        begun(at)
        spoil(at)
        with at.ledger.write() as tx:
            stops.put(tx, "shop", "", "", "anna", "a stocktaking")
        at.pass_time(1200, tick=60)
        assert (shown(at), looks(at)) == ("90.00", 0)
        with at.ledger.write() as tx:
            stops.lift(tx, "shop", "", "")
        at.pass_time(600, tick=60)
        assert shown(at) == "100.00"


def test_a_restart_skips_nothing(tmp_path: Path) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    with works(tmp_path, flows=PRICES % "", peers=peers) as at:
        begun(at)
        spoil(at)
        clock = at.clock
    with works(tmp_path, flows=PRICES % "", peers=peers, clock=clock) as at:
        at.pass_time(660, tick=60)
        assert shown(at) == "100.00"


def test_both_sides_are_compared_whole_where_that_is_asked_for_also_after_a_restart(tmp_path: Path) -> None:
    flows, peers = PRICES % ", verify: { after: off, every: 6h }", {"erp": Peer(), "shop": Peer()}
    with works(tmp_path, flows=flows, peers=peers) as at:
        begun(at)
        at.pass_time(300, tick=60)
        assert len(at.runs("prices", "reconcile")) == 1
        spoil(at)
        clock = at.clock
    with works(tmp_path, flows=flows, peers=peers, clock=clock) as at:
        at.pass_time(3600, tick=600)
        assert (shown(at), len(at.runs("prices", "reconcile"))) == ("90.00", 1)
        at.pass_time(6 * 3600, tick=600)
        assert (shown(at), len(at.runs("prices", "reconcile"))) == ("100.00", 2)


def test_with_repair_off_it_is_only_told(tmp_path: Path) -> None:
    with works(tmp_path, flows=PRICES % ", verify: { after: 1m, repair: off }") as at:
        begun(at)
        spoil(at)
        at.pass_time(300, tick=30)
        with at.ledger.read() as tx:
            assert compared.of(tx, "prices", "shop").drift == 1
        assert shown(at) == "90.00"


def test_off_is_off(tmp_path: Path) -> None:
    with works(tmp_path, flows=PRICES % ", verify: off") as at:
        begun(at)
        at.pass_time(900, tick=60)
        assert looks(at) == 0
        assert at.state("prices").checks == []


@pytest.mark.parametrize("other", ["goods", "prices"])
def test_all_else_goes_before_a_check_and_one_target_is_checked_once_at_a_time(tmp_path: Path, other: str) -> None:
    with works(tmp_path, flows=PRICES % ", verify: { every: 6h }") as at:
        begun(at)
        dispatcher = at.plant.dispatcher
        seat = dispatcher.seats["shop", "calm"]
        for check in at.state("prices").checks:
            check.wanted = True
        dispatcher.deliver([(other, "shop")])
        first = dispatcher.take(seat)
        assert first == (Task("goods", "shop") if other == "goods" else Task("prices", "shop", "written"))
        if other == "prices":  # its delivery is another lane's
            assert dispatcher.take(dispatcher.seats["shop", "urgent"]) == Task("prices", "shop")
            seat.task = None
            assert dispatcher.take(seat) is None
        dispatcher.stop()


def test_a_system_that_does_not_answer_is_asked_later_and_told_of_in_the_log(tmp_path: Path) -> None:
    with works(tmp_path, flows=PRICES % "") as at, capture_logs() as logs:
        begun(at)
        spoil(at)
        connector = at.plant.assemblies["calm"].connectors["shop"]
        usual = connector.lookups
        connector.lookups = {**usual, "price": replace(usual["price"], method="gone")}
        connector.gone = _unreachable  # type: ignore[attr-defined]  # a method that this test invents
        at.pass_time(660, tick=60)
        assert {one["error"] for one in logs if one["event"] == "check.failed"} == {"shop: nobody answers."}
        assert shown(at) == "90.00"
        connector.lookups = usual
        at.pass_time(900, tick=60)
        assert shown(at) == "100.00"


def test_what_cannot_be_compared_keeps_nothing_else_waiting(tmp_path: Path) -> None:
    """Only asking back fails there: the connection works for all that matters more."""
    flows = """
goods: { entity: product, from: erp, to: shop, every: off, verify: { after: 5m } }
prices: { entity: price, from: erp, to: shop, every: off }
orders: { entity: order, from: shop, to: erp, every: 10m }
"""
    with works(tmp_path, flows=flows) as at:
        begun(at)
        connector = at.plant.assemblies["calm"].connectors["shop"]
        connector.lookups = {name: replace(how, method="gone") for name, how in connector.lookups.items()}
        connector.gone = _unreachable  # type: ignore[attr-defined]  # a method that this test invents
        at.pass_time(2 * 3600, tick=30)
        assert at.plant.doing().paused == ()
        assert len(at.runs("orders")) in range(12, 15)


def _unreachable(_ids: object) -> None:
    raise Unavailable("shop: nobody answers.")
