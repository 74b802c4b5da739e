"""A pause acts before the next call, in either direction, and leaves everything else as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from obmen.records import Batch, Outcome
from obmen.state import outbox, runs, stops
from obmen.state.stops import Direction
from obmen.sync import plan as plans
from obmen.sync.plan import Trouble
from obmen.testing.peer import PAGE, PeerConnector
from tests.crash.world import World, order, price, product

SAID = "shop price was paused by anna: a slip. To go on: obmen resume shop price"


def fill(world: World, count: int = 12) -> None:
    world.erp.put("product", *(product(n) for n in range(count)))
    world.sync("products")
    world.erp.put("price", *(price(n) for n in range(count)))
    world.erp.put("stock", *({"id": f"SKU-{n}", "place": "A", "free": 3} for n in range(count)))
    world.shop.calls.clear()


def pause(world: World, connection: str, entity: str = "", direction: Direction = "") -> None:
    with world.ledger.write() as tx:
        stops.put(tx, connection, entity, direction, "anna", "a slip")


def resume(world: World, connection: str, entity: str = "", direction: Direction = "") -> None:
    with world.ledger.write() as tx:
        stops.lift(tx, connection, entity, direction)


def left(world: World, flow: str) -> dict[str, int]:
    with world.ledger.read() as tx:
        return outbox.counts(tx, flow)


def called(world: World, entity: str) -> int:
    return sum(one == entity for one, _ in world.shop.calls)


@pytest.fixture
def after_a_call(monkeypatch: pytest.MonkeyPatch) -> Callable[[World, Callable[[], None]], None]:
    """Let something happen once, while the first call with prices is under way."""

    def hook(world: World, happen: Callable[[], None]) -> None:
        write, waiting = PeerConnector.set_prices, [happen]

        def watched(self: PeerConnector, batch: Batch) -> list[Outcome]:
            try:
                return list(write(self, batch))
            finally:
                if waiting:
                    waiting.pop()()

        monkeypatch.setattr(PeerConnector, "set_prices", watched)

    return hook


def test_a_pause_stops_before_the_next_batch_and_all_else_goes_on(world: World, after_a_call: Any) -> None:
    fill(world)
    after_a_call(world, lambda: pause(world, "shop", "price"))
    prices, stocks = world.sync("prices", "stocks")
    assert (called(world, "price"), called(world, "stock")) == (1, 3)
    assert left(world, "prices") == {"pending": 8}
    assert (prices.status, prices.paused, prices.trouble) == ("paused", [SAID], [])
    assert stocks.status == "done"
    world.sync("prices", "stocks")
    assert called(world, "price") == 1
    with world.ledger.read() as tx:
        assert {row.attempt for row in outbox.listing(tx, "prices", "shop", "price")} == {0}
    resume(world, "shop", "price")
    assert world.sync("prices")[0].status == "done"
    assert (called(world, "price"), len(world.shop.of("price"))) == (3, 12)


def test_what_comes_meanwhile_gathers_and_goes_once(world: World) -> None:
    fill(world, 4)
    world.sync("prices")
    pause(world, "shop", direction="write")
    for amount in ("90.00", "80.00"):
        world.erp.put("price", price(1, amount))
        world.sync("prices")
    assert (called(world, "price"), left(world, "prices")) == (1, {"pending": 1})
    resume(world, "shop")
    world.sync("prices")
    assert world.shop.calls[-1] == ("price", ["SKU-1|BASE"])
    assert world.shop.of("price")["SKU-1|BASE"]["amount"] == "80.00"


def test_a_pause_stops_reading_before_the_next_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world)
    pages = PeerConnector._pages
    asked: list[int] = []

    def watched(self: PeerConnector, entity: str) -> Any:
        for page in pages(self, entity):
            asked.append(len(page.slices))
            if len(asked) == 2:
                pause(world, "erp", "price", "read")
            yield page

    monkeypatch.setattr(PeerConnector, "_pages", watched)
    (report,) = world.sync("prices")
    assert asked == [PAGE, PAGE]
    assert (report.status, report.read["read"]) == ("paused", 2 * PAGE)
    with world.ledger.read() as tx:
        before = runs.last(tx, "prices")
    assert before is not None
    assert before.status == "paused"
    assert world.sync("prices")[0].read.total() == 0
    with world.ledger.read() as tx:
        assert runs.last(tx, "prices") == before  # one in which all was paused is forgotten
    resume(world, "erp")
    world.sync("prices")
    assert len(world.shop.of("price")) == 12


@pytest.mark.parametrize(
    ("direction", "status"), [("write", {}), ("", {"accepted": 4})], ids=["asked after", "not even asked"]
)
def test_what_was_sent_is_asked_after_unless_both_directions_are_paused(
    world: World, direction: Direction, status: dict[str, int]
) -> None:
    world.shop.late = 1
    world.erp.put("product", *(product(n) for n in range(4)))
    world.sync("products", patience=0)
    assert left(world, "products") == {"accepted": 4}
    pause(world, "shop", "product", direction)
    world.sync("products")
    assert left(world, "products") == status


def test_a_batch_that_is_refused_is_not_halved_on(world: World, after_a_call: Any) -> None:
    fill(world, 4)
    world.shop.refuse_whole, world.shop.refuse = True, {"SKU-1|BASE"}
    after_a_call(world, lambda: pause(world, "shop", "price"))
    world.sync("prices")
    assert called(world, "price") == 1
    assert left(world, "prices") == {"pending": 4}
    resume(world, "shop", "price")
    world.sync("prices")
    assert len(world.shop.of("price")) == 3


def test_a_plan_tells_what_is_paused_and_asks_nothing_of_it(world: World) -> None:
    fill(world, 2)
    pause(world, "shop", "price")
    told = [line for line in plans.plan(world.ledger, world.flows(), ["prices"]) if isinstance(line, Trouble)]
    assert told == [Trouble("prices", "", plans.PAUSED, SAID)]
    pause(world, "erp", "price", "read")
    world.erp.down = True
    told = [line for line in plans.plan(world.ledger, world.flows(), ["prices"]) if isinstance(line, Trouble)]
    assert [line.code for line in told] == [plans.PAUSED] * 2


def test_orders_wait_for_a_paused_system(world: World) -> None:
    world.shop.put("order", order(1))
    pause(world, "erp")
    (report,) = world.sync("orders")
    assert (report.status, left(world, "orders"), world.erp.of("order")) == ("paused", {"pending": 1}, {})
    resume(world, "erp")
    world.sync("orders")
    assert list(world.erp.of("order")) == ["N-1"]


@pytest.mark.parametrize(
    ("stopped", "asked", "covered"),
    [
        (("shop", "", ""), ("shop", "price", "write"), True),
        (("shop", "price", ""), ("shop", "price", "read"), True),
        (("shop", "price", "write"), ("shop", "price", "read"), False),
        (("shop", "price", "write"), ("shop", "price", ""), False),
        (("shop", "price", ""), ("shop", "stock", "write"), False),
        (("shop", "price", ""), ("shop", "", ""), False),
        (("erp", "", ""), ("shop", "price", "write"), False),
    ],
)
def test_what_a_pause_covers(world: World, stopped: Any, asked: Any, covered: bool) -> None:
    pause(world, *stopped)
    with world.ledger.read() as tx:
        found = stops.standing(tx, *asked)
        assert (found is not None) == covered == stops.every(tx)[0].covers(*asked)


def test_going_on_takes_what_is_narrower_with_it(world: World) -> None:
    for stop in (("shop", "price", "write"), ("shop", "stock", ""), ("erp", "", "")):
        pause(world, *stop)
    with world.ledger.write() as tx:
        assert stops.lift(tx, "shop", "price", "read") == []
        assert [one.about for one in stops.lift(tx, "shop", "", "")] == ["shop price write", "shop stock"]
        assert [one.about for one in stops.every(tx)] == ["erp"]


def test_paused_twice_it_keeps_its_hour(world: World) -> None:
    pause(world, "shop", "price")
    world.clock.advance(86400)
    with world.ledger.write() as tx:
        made = stops.put(tx, "shop", "price", "", "boris", "still wrong")
    assert (tx.now - made.at, made.who, made.reason) == (86400, "boris", "still wrong")
