"""What people are told of while a small shop works: once for each trouble, once when it is over, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from obmen.entities import Order, OrderStatus
from obmen.errors import Denied
from obmen.state import agreed, alerts, facts, quarantine
from obmen.state.agreed import Agreed
from obmen.state.quarantine import Problem
from obmen.testing.peer import Peer
from tests.crash.world import order, price, product
from tests.unit.observe.kit import NOON, Watched, watched

SILENCE = "    silence: [{ entity: order, connection: shop, for: 2h, hours: '09:00-21:00' }]\n"
HOUR = 3600.0
STATUSES = """
orders: { entity: order, from: shop, to: erp, every: 1m }
statuses: { entity: order_status, from: erp, to: shop, every: 1m }
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as made:
        yield made


def dated(number: int, at: datetime) -> dict[str, Any]:
    return {**order(number), "at": at.isoformat()}


def stock(number: int, free: int) -> dict[str, Any]:
    return {"id": product(number)["id"], "place": "main", "free": free}


@pytest.mark.field("N7")
def test_silence_is_told_once_by_day_and_so_is_its_end(tmp_path: Path, state_url: str) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    peers["erp"].put("product", product(1))
    peers["shop"].put("order", dated(1, NOON))
    with watched(tmp_path, state_url, rules=SILENCE, peers=peers) as one:
        one.pass_time(1.75 * HOUR, tick=1050)
        assert one.heard.told() == []
        one.pass_time(HOUR, tick=900)
        assert one.heard.told() == [("trouble", "warning", "shop")]
        assert "2 h" in one.heard.notices[0].text
        one.restart()
        peers["shop"].put("order", dated(2, one.works.clock.now()))
        one.pass_time(0.4 * HOUR, tick=300)
        assert one.heard.told() == [("trouble", "warning", "shop"), ("over", "over", "shop")]


@pytest.mark.field("N7")
def test_nobody_is_told_of_silence_at_night(tmp_path: Path) -> None:
    late = datetime(2026, 6, 15, 17, 30, tzinfo=UTC)  # half an hour before the hours end
    peers = {"erp": Peer(), "shop": Peer()}
    peers["shop"].put("order", dated(1, late))
    with watched(tmp_path, rules=SILENCE, start=late, peers=peers) as one:
        one.pass_time(12.5 * HOUR, tick=1800)  # until nine the next morning
        assert one.heard.told("silence") == []
        one.pass_time(2 * HOUR, tick=1800)
        assert one.heard.told("silence") == [("trouble", "warning", "shop")]


@pytest.mark.field("N8")
@pytest.mark.parametrize("status", ["", "ready", "shipped", "cancelled"])
def test_an_order_near_its_time_warns_and_then_presses(tmp_path: Path, status: str) -> None:
    with watched(tmp_path, flows=STATUSES) as one:
        put_order(one, "77", NOON + timedelta(hours=3))
        if status:
            put_status(one, "77", status)
        one.pass_time(0.8 * HOUR, tick=960)
        assert one.heard.told("deadline") == []
        one.pass_time(0.5 * HOUR, tick=900)
        assert one.heard.told("deadline") == ([] if status else [("trouble", "warning", "shop")])
        one.pass_time(1.5 * HOUR, tick=1800)
        pressed = [("trouble", "warning", "shop"), ("trouble", "critical", "shop")]
        assert one.heard.told("deadline") == ([] if status else pressed)
        if not status:
            assert "77" in one.heard.notices[-1].text
            put_status(one, "77", "ready")
            one.pass_time(0.3 * HOUR, tick=360)
            assert one.heard.told("deadline") == [*pressed, ("over", "over", "shop")]


def put_order(one: Watched, number: str, ship_by: datetime) -> None:
    lines = [{"sku": "A", "quantity": 1, "price": 10}]
    data = {"channel": "shop", "number": number, "placed_at": NOON, "currency": "RUB", "lines": lines}
    taken = Order.model_validate({**data, "delivery": {"ship_by": ship_by}})
    with one.works.ledger.write() as tx:
        facts.save(tx, "shop", [taken])


def put_status(one: Watched, number: str, status: str) -> None:
    """Let the channel have confirmed what an order became."""
    step = OrderStatus.model_validate({"channel": "shop", "number": number, "status": status})
    with one.works.ledger.write() as tx:
        agreed.save(tx, "shop", "order_status", [Agreed(step.key, b"", step.encoded(), 1)], 0)


@pytest.mark.field("I6")
def test_a_system_that_is_down_is_told_once_and_so_is_its_return(shop: Watched) -> None:
    shop.works.peers["erp"].put("product", product(1))
    shop.pass_time(300, tick=60)
    assert shop.heard.told() == []
    shop.works.peers["erp"].down = True
    shop.pass_time(0.7 * HOUR, tick=60)
    down = [("trouble", "warning", "erp"), ("trouble", "critical", "erp")]
    assert shop.heard.told("down") == down
    shop.works.peers["erp"].down = False
    shop.pass_time(0.6 * HOUR, tick=120)
    assert shop.heard.told("down") == [*down, ("over", "over", "erp")]
    assert {one.rule for one in shop.heard.notices} == {"down"}, "what follows from it is not told besides"


@pytest.mark.field("N18")
def test_many_equal_errors_make_one_message(shop: Watched) -> None:
    problems = [Problem("deliver", "too_dear", "nobody pays that", key=f"SKU-{number}") for number in range(300)]
    with shop.works.ledger.write() as tx:
        quarantine.add(tx, "prices", "shop", "price", problems, run=1)
    shop.pass_time(600, tick=60, working=False)
    assert shop.heard.told("quarantine") == [("trouble", "warning", "prices")]
    (notice,) = shop.heard.notices
    assert "300" in notice.text
    assert "too_dear" in notice.text
    assert "does not know this reason" in notice.text
    with shop.works.ledger.write() as tx:
        doubled = [Problem("pull", "duplicate_key", "two claim it", source=f"N-{number}") for number in range(9)]
        quarantine.add(tx, "goods", "erp", "product", doubled, run=1)
    shop.pass_time(120, tick=60, working=False)
    assert "Two records of the source claim one key." in shop.heard.notices[-1].text


def test_an_order_without_a_number_is_told_after_half_an_hour(shop: Watched) -> None:
    shop.works.peers["erp"].refuse = {"N-1"}
    shop.works.peers["erp"].put("product", product(1))
    shop.works.peers["shop"].put("order", order(1))
    shop.pass_time(25 * 60, tick=300)
    assert shop.heard.told("unsent") == []
    shop.pass_time(20 * 60, tick=300)
    assert shop.heard.told("unsent") == [("trouble", "warning", "orders → erp")]
    assert "number" in shop.heard.notices[0].text


@pytest.mark.field("I8")
def test_a_flow_that_is_not_read_is_late_and_says_why(shop: Watched) -> None:
    shop.pass_time(60)
    shop.pass_time(20 * 60, tick=300, working=False)
    late = shop.heard.told("late")
    assert {subject for _, _, subject in late} == {"stocks", "orders"}
    assert all(kind == "trouble" for kind, _, _ in late)


def test_a_key_that_is_refused_is_told_in_place_of_what_follows_from_it(
    shop: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = Denied("erp: GET /x: status 401: who are you. Check the key.")

    def refused(*_: Any) -> Any:
        raise error

    for assembly in shop.works.plant.assemblies.values():
        monkeypatch.setattr(assembly.connectors["erp"], "read", refused)
    shop.pass_time(0.7 * HOUR, tick=120)
    assert shop.heard.told() == [("trouble", "critical", "erp")]
    assert "who are you" in shop.heard.notices[0].text


def test_what_a_guard_holds_and_a_source_that_is_empty_are_told(shop: Watched) -> None:
    erp = shop.works.peers["erp"]
    erp.put("product", *(product(number) for number in range(9)))
    erp.put("price", *(price(number) for number in range(9)))
    erp.put("stock", *(stock(number, 5) for number in range(9)))
    shop.pass_time(0.5 * HOUR, tick=300)
    assert shop.heard.told() == []
    erp.put("price", price(3, "1.00"))
    erp.records["stock"].clear()
    shop.pass_time(0.5 * HOUR, tick=300)
    assert shop.heard.told("held") == [("trouble", "warning", "prices")]
    assert shop.heard.told("emptied") == [("trouble", "warning", "stocks")]


def test_a_channel_that_fails_is_told_later_and_once(shop: Watched) -> None:
    shop.heard.broken = True
    shop.works.peers["erp"].down = True
    shop.pass_time(HOUR / 4, tick=60)
    assert shop.heard.notices == []
    shop.heard.broken = False
    shop.pass_time(HOUR / 2, tick=120)
    assert shop.heard.told("down")[0] == ("trouble", "warning", "erp")
    assert len(shop.heard.told("down")) == 2  # it has become critical since
    with shop.works.ledger.read() as tx:
        assert {one.name for one in alerts.every(tx) if one.told} == {"down|erp"}


def test_a_rule_that_is_off_is_silent(tmp_path: Path) -> None:
    with watched(
        tmp_path, rules="    down: false\n    failed: off\n    late: { stocks: off, orders: off, prices: off }\n"
    ) as one:
        one.works.peers["erp"].down = True
        one.works.peers["shop"].down = True
        one.pass_time(HOUR / 2, tick=120)
        assert one.heard.told() == []
