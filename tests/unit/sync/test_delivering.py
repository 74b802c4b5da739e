"""Delivering: refusals, lost answers, peers that are down, records that wait, and history in its order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from obmen.errors import ConfigurationError
from obmen.records import Batch, Outcome
from obmen.state import bindings, outbox, quarantine
from obmen.state.quarantine import Entry
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, order, price, product, status


def fill(world: World, count: int = 8) -> None:
    world.erp.put("product", *(product(n) for n in range(count)))
    world.erp.put("price", *(price(n) for n in range(count)))


def by_flow(reports: list[FlowReport]) -> dict[str, FlowReport]:
    return {report.flow: report for report in reports}


def set_aside(world: World) -> list[Entry]:
    with world.ledger.read() as tx:
        return quarantine.entries(tx)


def left(world: World, flow: str) -> dict[str, int]:
    with world.ledger.read() as tx:
        return outbox.counts(tx, flow)


@pytest.mark.parametrize("whole", [False, True])
def test_refused_records_lie_in_quarantine_and_all_others_arrive(world: World, whole: bool) -> None:
    fill(world, 10)
    world.shop.refuse = {"SKU-3", "SKU-7"}
    world.shop.refuse_whole = whole
    reports = by_flow(world.sync("products", "prices"))
    assert set(world.shop.of("product")) == {f"SKU-{n}" for n in range(10)} - {"SKU-3", "SKU-7"}
    assert [entry.key for entry in set_aside(world)] == ["SKU-3", "SKU-7"]
    assert reports["products"].status == "attention"
    assert left(world, "prices") == {"waiting": 2}


def test_a_refused_record_is_not_sent_again_until_it_changes(world: World) -> None:
    fill(world, 4)
    world.shop.refuse = {"SKU-3"}
    world.sync("products")
    world.shop.calls.clear()
    world.shop.refuse = set()
    world.sync("products")
    assert world.shop.calls == []
    world.erp.put("product", {**product(3), "name": "Исправлено"})
    world.sync("products", "prices")
    assert world.shop.of("product")["SKU-3"]["name"] == "Исправлено"
    assert len(world.shop.of("price")) == 4
    assert set_aside(world) == []


def test_a_replayed_record_goes_once(world: World) -> None:
    fill(world, 4)
    world.shop.refuse = {"SKU-3"}
    world.sync("products")
    world.shop.calls.clear()
    world.shop.refuse = set()
    with world.ledger.write() as tx:
        quarantine.set_state(tx, [entry.id for entry in quarantine.entries(tx)], "due")
    world.sync("products")
    assert world.shop.calls == [("product", ["SKU-3"])]
    world.sync("products")
    assert set_aside(world) == []
    assert world.shop.calls == [("product", ["SKU-3"])]


@pytest.mark.parametrize("reads_first", [False, True])
def test_what_is_mended_in_the_source_is_not_replayed_as_it_was(world: World, reads_first: bool) -> None:
    fill(world, 4)
    world.shop.refuse = {"SKU-3"}
    world.sync("products")
    world.shop.refuse = set()
    world.erp.put("product", {**product(3), "name": "Исправлено"})
    if reads_first:
        Engine(world.ledger, world.flows()).read_only(["products"])
    with world.ledger.write() as tx:
        quarantine.set_state(tx, [entry.id for entry in quarantine.entries(tx)], "due")
    world.sync("products")
    assert world.shop.of("product")["SKU-3"]["name"] == "Исправлено"
    assert set_aside(world) == []


def test_a_peer_that_is_down_loses_nothing_and_uses_up_no_attempt(world: World) -> None:
    fill(world, 4)
    world.shop.down = True
    for _ in range(30):
        reports = by_flow(world.sync("products", "prices"))
        world.clock.advance(720)
    assert reports["products"].status == "failed"
    assert left(world, "products") == {"pending": 4}
    world.shop.down = False
    world.sync("products", "prices")
    assert len(world.shop.of("price")) == 4
    assert set_aside(world) == []


@pytest.mark.field("A6")
def test_a6_the_sender_goes_on_while_the_receiver_is_down_for_six_hours(world: World) -> None:
    world.shop.put("order", order(0))
    world.shop.put("order_status", status(0, "new"))
    world.sync("orders", "statuses")
    world.erp.down = True
    lives = ["confirmed", "assembling", "ready", "shipped", "delivered"]
    for hour in range(6):
        world.shop.put("order", order(hour))
        for number in range(hour + 1):
            step = lives[min(hour - number, len(lives) - 1)]
            world.shop.put("order_status", status(number, step))
        world.sync("orders", "statuses")
        world.clock.advance(3600)
    world.erp.down = False
    world.sync("orders", "statuses")
    assert world.erp.created == {f"N-{number}": 1 for number in range(6)}
    assert world.erp.steps["N-0"] == ["new", *lives]
    assert world.erp.steps["N-5"] == ["confirmed"]
    assert left(world, "statuses") == {}


def test_a_lost_answer_to_a_create_is_looked_for_and_not_repeated(world: World) -> None:
    world.shop.put("order", order(1))
    world.erp.lose_answers = 1
    world.sync("orders")
    assert world.erp.created == {"N-1": 1}
    with world.ledger.read() as tx:
        assert bindings.native_ids(tx, "erp", "order", ["shop|N-1"]) == {"shop|N-1": "ref-N-1"}


def test_a_lost_answer_to_an_absolute_write_is_said_again(world: World) -> None:
    fill(world, 2)
    world.sync("products")
    world.shop.lose_answers = 1
    world.sync("prices")
    prices = [ids for entity, ids in world.shop.calls if entity == "price"]
    assert prices == [["SKU-0|BASE", "SKU-1|BASE"]] * 2
    assert left(world, "prices") == {}


@pytest.mark.parametrize("exhausted", [False, True])
def test_what_is_taken_back_after_its_answer_was_lost_is_told(world: World, exhausted: bool) -> None:
    fill(world, 2)
    world.sync("products", "prices")
    world.erp.put("price", price(1, "777.00"))
    world.shop.lose_answers = 100
    world.sync("prices", patience=3600.0 if exhausted else 0.0)
    assert world.shop.of("price")["SKU-1|BASE"]["amount"] == "777.00"
    assert bool(set_aside(world)) is exhausted
    world.shop.lose_answers = 0
    world.erp.put("price", price(1))
    world.sync("prices")
    assert world.shop.of("price")["SKU-1|BASE"]["amount"] == "100.00"
    assert set_aside(world) == []


ARCHIVED = {**product(1), "archived": True}


@pytest.mark.parametrize(
    ("before", "lost", "then"),
    [
        pytest.param([], product(1), ARCHIVED, id="a card that may be there is archived"),
        pytest.param([], product(1), {**ARCHIVED, "name": "Иначе"}, id="and renamed meanwhile"),
        pytest.param([product(1)], ARCHIVED, product(1), id="a card that may be archived comes back"),
        pytest.param([product(1), ARCHIVED], product(1), ARCHIVED, id="a card that may be back is archived again"),
    ],
)
def test_a_card_ends_as_its_source_has_it_whatever_answer_was_lost(
    world: World, before: list[dict[str, object]], lost: dict[str, object], then: dict[str, object]
) -> None:
    for one in before:
        world.erp.put("product", one)
        world.sync("products")
    world.erp.put("product", lost)
    world.shop.lose_answers = 1
    world.sync("products", patience=0.0)
    world.erp.put("product", {**then, "name": "Ещё иначе"})
    world.sync("products", patience=0.0)
    world.erp.put("product", then)
    world.sync("products")
    assert bool(world.shop.of("product")["SKU-1"].get("archived")) is bool(then.get("archived"))
    assert left(world, "products") == {}
    world.sync("products")
    assert set_aside(world) == []


def test_doubt_that_nothing_can_clear_goes_to_a_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PeerConnector, "finders", {})
    world.shop.put("order", order(1))
    world.erp.lose_answers = 1
    world.sync("orders")
    world.sync("orders")
    assert world.erp.created == {"N-1": 1}
    (entry,) = set_aside(world)
    assert entry.code == "in_doubt"
    assert "drop this entry" in entry.message


def test_a_mistake_in_the_project_stops_a_delivery_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unset(_self: PeerConnector, _entity: str, _batch: Batch, _op: str = "put") -> Iterator[Outcome]:
        raise ConfigurationError("the connection has no order: section")

    fill(world, 3)
    world.sync("products")
    with monkeypatch.context() as patch:
        patch.setattr(PeerConnector, "write", unset)
        (report,) = world.sync("prices")
    assert "order: section" in str(report.trouble[0])
    assert left(world, "prices") == {"pending": 3}
    world.sync("prices")
    assert left(world, "prices") == {}


def test_a_record_that_the_peer_does_not_mention_is_never_taken_for_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 4)
    world.sync("products")
    honest = PeerConnector.write
    silent = {"left": 3}

    def forgetful(self: PeerConnector, entity: str, batch: Batch, op: str = "put") -> Iterator[Outcome]:
        for outcome in honest(self, entity, batch, op):  # type: ignore[arg-type]
            if outcome.id == "SKU-2|BASE" and silent["left"] > 0:
                silent["left"] -= 1
                continue
            yield outcome

    monkeypatch.setattr(PeerConnector, "write", forgetful)
    world.sync("prices")
    asked = [ids for entity, ids in world.shop.calls if entity == "price"]
    assert asked == [[f"SKU-{n}|BASE" for n in range(4)], ["SKU-2|BASE"], ["SKU-2|BASE"], ["SKU-2|BASE"]]
    assert left(world, "prices") == {}


def test_a_record_is_not_written_again_before_the_peers_pause_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(PeerConnector.writers["stock", "put"], every=30.0)
    monkeypatch.setattr(PeerConnector, "writers", {**PeerConnector.writers, ("stock", "put"): spec})
    world.erp.put("product", product(1))
    world.erp.put("stock", {"id": "SKU-1", "place": "Основной", "free": 5})
    world.sync("products", "stocks")
    world.clock.advance(10)
    for free in (4, 3):
        world.erp.put("stock", {"id": "SKU-1", "place": "Основной", "free": free})
        world.sync("stocks", patience=0.0)
    assert world.shop.of("stock")["SKU-1|Основной"]["free"] == 5
    world.clock.advance(21)
    world.sync("stocks", patience=0.0)
    assert world.shop.of("stock")["SKU-1|Основной"]["free"] == 3
    assert [entity for entity, _ in world.shop.calls].count("stock") == 2


def test_a_record_that_is_put_off_again_and_again_is_set_aside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world, 2)
    world.sync("products")
    world.attempts = 4

    def busy(_self: PeerConnector, _entity: str, batch: Batch, _op: str = "put") -> Iterator[Outcome]:
        calls.append(len(batch))
        for item in batch.items:
            yield batch.later(item.id, "too many requests for this item")

    calls: list[int] = []
    monkeypatch.setattr(PeerConnector, "write", busy)
    world.sync("prices", patience=10_000)
    assert {entry.code for entry in set_aside(world)} == {"exhausted"}
    assert "Tried 4 times; last answer: too many requests" in set_aside(world)[0].message
    assert sum(calls) == 8


@pytest.mark.field("I1")
def test_i1_a_record_that_is_put_off_waits_longer_each_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world, 1)
    world.sync("products")
    times: list[float] = []

    def busy(_self: PeerConnector, _entity: str, batch: Batch, _op: str = "put") -> Iterator[Outcome]:
        times.append(world.clock.monotonic())
        yield batch.later(batch.items[0].id, "busy", after=30.0 if len(times) == 3 else None)

    monkeypatch.setattr(PeerConnector, "write", busy)
    world.sync("prices", patience=10_000)
    gaps = [after - before for before, after in pairwise(times)]
    for attempt, gap in enumerate(gaps, 1):
        if attempt == 3:
            assert gap == pytest.approx(30.0)
        else:
            assert 0.75 * 2**attempt <= gap <= 2**attempt


def test_a_stock_waits_for_its_card_and_goes_when_that_is_there(world: World) -> None:
    world.erp.put("product", product(1))
    world.erp.put("stock", {"id": "SKU-1", "place": "Основной", "free": 5})
    world.sync("stocks")
    assert left(world, "stocks") == {"waiting": 1}
    assert world.shop.calls == []
    world.sync("products", "stocks")
    assert world.shop.of("stock")["SKU-1|Основной"]["free"] == 5


def test_a_ticket_survives_a_restart(world: World) -> None:
    fill(world, 2)
    world.shop.late = 2
    world.sync("products", patience=0.0)
    assert left(world, "products") == {"accepted": 2}
    world.erp.put("product", {**product(1), "name": "Пока та идёт"})
    world.clock.advance(100)
    world.sync("products", patience=600.0)
    assert world.shop.of("product")["SKU-1"]["name"] == "Пока та идёт"
    assert left(world, "products") == {}
    assert [ids for _, ids in world.shop.calls] == [["SKU-0", "SKU-1"], ["SKU-1"]]


@pytest.mark.field("I4")
def test_i4_an_order_that_is_read_twice_is_created_once(world: World) -> None:
    world.shop.put("order", order(1))
    world.sync("orders")
    world.shop.put("order", {**order(1), "comment": "читается иначе"})
    world.sync("orders")
    world.shop.put("order", {**order(1), "lines": [{"sku": "SKU-1", "n": 3, "price": 100}]})
    world.sync("orders")
    assert world.erp.created == {"N-1": 1}


def test_statuses_arrive_in_order_and_wait_for_their_order(world: World) -> None:
    world.shop.put("order_status", status(1, "new"))
    world.sync("statuses")
    world.shop.put("order_status", status(1, "assembling"))
    world.sync("statuses")
    assert world.erp.steps == {}
    world.shop.put("order", order(1))
    world.shop.put("order_status", status(1, "shipped"))
    world.sync("orders", "statuses")
    assert world.erp.steps == {"N-1": ["new", "assembling", "shipped"]}
    world.shop.put("order_status", status(1, "assembling"))
    world.sync("orders", "statuses")
    assert world.erp.steps["N-1"][-1] == "assembling"


def test_what_was_written_is_not_carried_back(world: World) -> None:
    world.shop.put("order", order(1))
    world.shop.put("order_status", status(1, "new"))
    world.sync("orders", "statuses", "statuses_back")
    world.shop.calls.clear()
    world.erp.put("order_status", status(1, "ready"))
    world.sync("orders", "statuses", "statuses_back")
    assert world.shop.steps == {"N-1": ["ready"]}
    world.sync("orders", "statuses", "statuses_back")
    assert world.erp.steps == {"N-1": ["new"]}
    assert world.shop.steps == {"N-1": ["ready"]}


@pytest.mark.field("I3")
@pytest.mark.field("N6")
def test_n6_one_order_with_an_unknown_sku_stops_none_of_the_others(world: World) -> None:
    world.attempts = 3
    world.erp.put("product", *(product(n) for n in range(50) if n != 17))
    world.sync("products")
    world.erp.calls.clear()
    world.shop.put("order", *(order(n) for n in range(50)))
    world.sync("linked_orders")
    assert set(world.erp.of("order")) == {f"N-{n}" for n in range(50) if n != 17}
    for _ in range(5):
        world.sync("linked_orders")
    (entry,) = set_aside(world)
    assert (entry.key, entry.code) == ("shop|N-17", "unresolved")
    assert "product/SKU-17" in entry.message
    assert len(world.erp.calls) == 49
    world.erp.put("product", product(17))
    world.sync("products", "linked_orders")
    world.sync("linked_orders")
    assert world.erp.created["N-17"] == 1
    assert len(world.erp.calls) == 50
    assert set_aside(world) == []
