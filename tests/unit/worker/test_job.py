"""What a worker does with a flow that a person has paused: nothing, and it forgets nothing."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from obmen.errors import ObmenError
from obmen.state import Ledger, outbox, runs, stops, wishes
from obmen.state.stops import Direction
from obmen.testing.clock import FakeClock
from runner.daemon.leases import Leases
from runner.worker.breakers import Breakers
from runner.worker.job import FlowJob
from tests.crash.world import World, price, product


@pytest.fixture
def world(tmp_path: Path, blank_ledger: Path) -> Iterator[World]:
    ledger = Ledger(f"sqlite:///{shutil.copy(blank_ledger, tmp_path)}", clock=FakeClock())
    made = World(ledger)
    made.erp.put("product", *(product(n) for n in range(6)))
    made.sync("products")
    made.erp.put("price", *(price(n) for n in range(6)))
    yield made
    ledger.close()


def work(world: World, *, delivery: bool = False) -> None:
    flows = tuple(world.flows())
    job = FlowJob(world.ledger, flows, Leases(world.ledger), Breakers(world.ledger), threading.Event(), again)
    job.run("prices", delivery=delivery)


def again(flow: str, entity: str, error: ObmenError) -> None:
    """Nothing goes wrong here, so nothing is tried again."""
    raise AssertionError((flow, entity, error))


def pause(world: World, connection: str, direction: Direction) -> None:
    with world.ledger.write() as tx:
        stops.put(tx, connection, "price", direction, "anna", "look")


def test_a_wish_outlives_a_pause_of_its_reading(world: World) -> None:
    pause(world, "erp", "read")
    with world.ledger.write() as tx:
        wishes.ask(tx, "prices", "anna", "it is right")
    work(world)
    with world.ledger.write() as tx:
        assert wishes.of(tx, "prices") is not None
        assert runs.last(tx, "prices") is None
        stops.lift(tx, "erp", "", "")
    work(world)
    with world.ledger.read() as tx:
        assert wishes.of(tx, "prices") is None
    assert len(world.shop.of("price")) == 6


def test_what_may_not_be_written_is_read_and_stays(world: World) -> None:
    pause(world, "shop", "write")
    with world.ledger.write() as tx:
        wishes.ask(tx, "prices", "anna")
    work(world)
    work(world, delivery=True)
    with world.ledger.write() as tx:
        assert outbox.counts(tx, "prices") == {"pending": 6}
        assert wishes.of(tx, "prices") is None
        stops.lift(tx, "shop", "", "")
    work(world, delivery=True)
    assert len(world.shop.of("price")) == 6
