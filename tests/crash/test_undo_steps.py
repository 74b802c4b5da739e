"""A crash at every step of an undo, said again: it ends as if nothing had happened, and nothing else is sent."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from obmen.state import runs
from obmen.sync import undo as undoing
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.steps import OnStep, ignore
from obmen.sync.undo import Undo
from tests.crash.test_steps import Bomb
from tests.crash.world import Crash, World, price, product

NewWorld = Callable[[], World]
GOODS = 5


def fill(world: World) -> int:
    """Let a run write wrong prices, and a later one another; return the number of the first."""
    world.erp.put("product", *(product(n) for n in range(GOODS)))
    world.erp.put("price", *(price(n) for n in range(GOODS)))
    world.sync("products", "prices")
    world.erp.put("price", *(price(n, "10.00") for n in range(GOODS)))
    world.sync("prices")
    with world.ledger.read() as tx:
        wrong = runs.last(tx, "prices")
    assert wrong is not None
    world.erp.put("price", price(2, "70.00"))
    world.sync("prices")
    world.shop.calls.clear()
    return wrong.id


def undo(world: World, run: int, on_step: OnStep) -> None:
    engine = Engine(world.ledger, world.flows(), on_step=on_step)
    (flow,) = engine.choose(["prices"])
    work = Pass(flow, undoing.KIND)
    done = Undo(world.ledger, flow, run)
    with world.ledger.write() as tx:
        work.run = done.by = runs.begin(tx, flow.name, undoing.KIND)
    done.put()
    on_step("deliver.taken")  # all is queued, nothing of it was looked at
    engine.finish(work, 600.0, only=done.mine)


def amounts(world: World) -> list[object]:
    return [one["amount"] for one in world.shop.of("price").values()]


def test_a_crash_at_every_step_of_an_undo_ends_the_same(new_world: NewWorld) -> None:
    for at in count():
        world = new_world()
        wrong = fill(world)
        try:
            undo(world, wrong, Bomb(at))
        except Crash:
            world.clock.advance(120)
            undo(world, wrong, ignore)
        else:
            assert at > 4
            return
        assert amounts(world) == ["100.00", "100.00", "70.00", "100.00", "100.00"]
        told = [key for _, keys in world.shop.calls for key in keys]
        assert set(told) == {f"SKU-{n}|BASE" for n in range(GOODS) if n != 2}


def test_the_next_sync_goes_on_with_an_undo_that_was_cut_off(new_world: NewWorld) -> None:
    world = new_world()
    wrong = fill(world)
    try:
        undo(world, wrong, Bomb(0))
    except Crash:
        world.clock.advance(120)
    world.sync("prices")
    assert amounts(world) == ["100.00", "100.00", "70.00", "100.00", "100.00"]
