"""A crash at every step of the protocol, and at every ordered pair of steps: nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from obmen.sync.steps import STEPS, Step
from obmen.testing.peer import written
from tests.crash.world import Crash, World, order, price, product, status

NewWorld = Callable[[], World]
GOODS = ("products", "prices")
ORDERS = ("orders", "statuses")
PARTS = 4


class Bomb:
    """Crashes when the n-th step from now is reached."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.passed: list[Step] = []

    def __call__(self, step: Step) -> None:
        self.passed.append(step)
        if self.left == 0:
            raise Crash(step)
        self.left -= 1


def begin(world: World) -> World:
    world.erp.put("product", product(1))
    world.erp.put("price", price(1))
    world.shop.put("order", order(1))
    world.shop.put("order_status", status(1, "new"))
    return world


def change(world: World) -> None:
    world.erp.put("price", price(1, "90.00"))
    world.shop.put("order_status", status(1, "shipped"))


def story(world: World, flows: tuple[str, ...], crashes: tuple[int, ...]) -> dict[str, Any]:
    """Sync, change a price and a status, sync again; the process dies at the given steps and starts anew."""
    left = list(crashes)
    for chapter in (begin, change):
        chapter(world)
        while True:
            try:
                world.sync(*flows, on_step=Bomb(left.pop(0))) if left else world.sync(*flows)
            except Crash:
                world.clock.advance(1)
                continue
            break
    end = {"erp": written(world.erp), "shop": written(world.shop)}
    if flows == ORDERS:
        assert end["erp"]["created"] == {"N-1": 1}
        assert end["erp"]["steps"] == {"N-1": ["new", "shipped"]}
    else:
        assert end["shop"]["records"]["price"]["SKU-1|BASE"]["amount"] == "90.00"
    return end


def steps_of_a_run(world: World, flows: tuple[str, ...]) -> list[Step]:
    bomb = Bomb(10**6)
    begin(world).sync(*flows, on_step=bomb)
    return bomb.passed


def test_a_run_passes_every_step_that_has_a_name_but_those_of_doubt(new_world: NewWorld) -> None:
    world = new_world()
    world.erp.tells = True
    passed = set(steps_of_a_run(world, GOODS))
    assert passed == {step for step in STEPS if not step.startswith("recover")}


@pytest.mark.parametrize("flows", [GOODS, ORDERS], ids=["goods", "orders"])
def test_a_crash_at_every_step_loses_and_doubles_nothing(new_world: NewWorld, flows: tuple[str, ...]) -> None:
    without = story(new_world(), flows, ())
    for at in range(len(steps_of_a_run(new_world(), flows))):
        assert story(new_world(), flows, (at,)) == without


def test_a_crash_at_every_step_loses_no_change_that_a_source_told_once(new_world: NewWorld) -> None:
    def telling() -> World:
        world = new_world()
        world.erp.tells = True
        return world

    without = story(telling(), GOODS, ())
    for at in range(2 * len(steps_of_a_run(telling(), GOODS))):
        assert story(telling(), GOODS, (at,)) == without


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("flows", [GOODS, ORDERS], ids=["goods", "orders"])
def test_a_crash_at_every_pair_of_steps_loses_and_doubles_nothing(
    new_world: NewWorld, flows: tuple[str, ...], part: int
) -> None:
    without = story(new_world(), flows, ())
    total = len(steps_of_a_run(new_world(), flows))
    for first in range(part, total, PARTS):
        for second in range(total):
            assert story(new_world(), flows, (first, second)) == without
