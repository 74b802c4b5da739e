"""A crash at every step of the protocol, and at every ordered pair of steps: nothing lost, nothing doubled."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from obmen.sync.steps import STEPS, Step, ignore
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


@dataclass(frozen=True)
class End:
    """What the peers hold when a story has ended; ``crashed``: the chapters in which the process died."""

    erp: dict[str, Any]
    shop: dict[str, Any]
    crashed: list[str] = field(compare=False)


def begin(world: World) -> World:
    world.erp.put("product", product(1))
    world.erp.put("price", price(1))
    world.shop.put("order", order(1))
    world.shop.put("order_status", status(1, "new"))
    return world


def change(world: World) -> None:
    world.erp.put("price", price(1, "90.00"))
    world.shop.put("order_status", status(1, "shipped"))


def story(world: World, flows: tuple[str, ...], *crashes: int) -> End:
    """Sync, change a price and a status, sync again; the process dies and starts anew after so many steps each time."""
    bombs = [Bomb(at) for at in crashes]
    crashed: list[str] = []
    for chapter in (begin, change):
        chapter(world)
        while not survives(world, flows, bombs):
            crashed.append(chapter.__name__)
    end = End(written(world.erp), written(world.shop), crashed)
    if flows == ORDERS:
        assert end.erp["created"] == {"N-1": 1}
        assert end.erp["steps"] == {"N-1": ["new", "shipped"]}
    else:
        assert end.shop["records"]["price"]["SKU-1|BASE"]["amount"] == "90.00"
    return end


def survives(world: World, flows: tuple[str, ...], bombs: list[Bomb]) -> bool:
    """Whether a run of the process comes to its end; the bomb that ends it is gone."""
    try:
        world.sync(*flows, on_step=bombs[0] if bombs else ignore)
    except Crash:
        del bombs[0]
        world.clock.advance(1)
        return False
    return True


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
    assert stories(new_world, flows) > len(steps_of_a_run(new_world(), flows))


def test_a_crash_at_every_step_loses_no_change_that_a_source_told_once(new_world: NewWorld) -> None:
    def telling() -> World:
        world = new_world()
        world.erp.tells = True
        return world

    assert stories(telling, GOODS) > len(steps_of_a_run(telling(), GOODS))


def stories(new_world: NewWorld, flows: tuple[str, ...]) -> int:
    """Tell a story for each step of both chapters, and let the process die there; return how many there are."""
    without = story(new_world(), flows)
    for at in count():
        end = story(new_world(), flows, at)
        assert end == without
        if not end.crashed:
            return at
    raise AssertionError


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("flows", [GOODS, ORDERS], ids=["goods", "orders"])
def test_a_crash_at_every_pair_of_steps_loses_and_doubles_nothing(
    new_world: NewWorld, flows: tuple[str, ...], part: int
) -> None:
    """The second crash is at every step that is left after the first: the first after the change ends the row.

    The first is at every second step, and on PostgreSQL, which takes three times as long, at every fifth, unless
    OBMEN_PAIRS asks for all.
    """
    world = new_world()
    usual = 2 if world.ledger.url.startswith("sqlite") else 5
    stride = 1 if "OBMEN_PAIRS" in os.environ else usual
    without = story(world, flows)
    for first in range(part * stride, len(steps_of_a_run(new_world(), flows)), PARTS * stride):
        for second in count():
            end = story(new_world(), flows, first, second)
            assert end == without
            assert end.crashed[0] == "begin"
            if end.crashed[1:] == ["change"]:
                assert second > 0
                break
