"""What goes to different systems goes at the same time, and a slow one holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from obmen.records import Batch, Outcome
from obmen.state import Ledger
from obmen.sync import lanes
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer, PeerConnector
from tests.crash.world import World, bound, price, product


class _Waits(PeerConnector):
    """Takes no price before another account has all of its own."""

    until: threading.Event
    waited: bool | None = None

    def write(self, entity: str, batch: Batch, op: str = "put") -> Iterator[Outcome]:
        """Write when it is time."""
        if entity == "price":
            self.waited = self.until.wait(30.0)
        return super().write(entity, batch, op)  # type: ignore[arg-type]


class _Rings(PeerConnector):
    """Says when it has all prices."""

    done: threading.Event

    def write(self, entity: str, batch: Batch, op: str = "put") -> Iterator[Outcome]:
        """Write, and say so."""
        yield from super().write(entity, batch, op)  # type: ignore[arg-type]
        if len(self.peer.of("price")) == 3:
            self.done.set()


@pytest.fixture
def ledger(state_url: str) -> Iterator[Ledger]:
    made = Ledger(state_url, clock=FakeClock())
    yield made
    made.close()


def _flows(world: World, slow: PeerConnector, quick: PeerConnector) -> list[Flow]:
    return [
        replace(
            flow, targets=tuple(Target(one.name, one, bound(flow.entity.entity, one.name)) for one in (slow, quick))
        )
        for flow in world.flows()
        if flow.name in {"products", "prices"}
    ]


def test_an_account_that_waits_keeps_no_other_waiting(ledger: Ledger) -> None:
    world = World(ledger)
    world.erp.put("product", *(product(n) for n in range(3)))
    world.erp.put("price", *(price(n) for n in range(3)))
    done = threading.Event()
    slow, quick = _Waits("slow", Peer(), clock=world.clock), _Rings("quick", Peer(), clock=world.clock)
    slow.until = quick.done = done
    reports = Engine(ledger, _flows(world, slow, quick)).sync((), patience=600.0)
    assert [str(error) for report in reports for error in report.trouble] == []
    assert slow.waited is True, "the quick one was told only after the slow one"
    assert len(slow.peer.of("price")) == len(quick.peer.of("price")) == 3
    assert not any(report.outbox for report in reports)


def test_an_account_that_fails_stops_itself_alone(ledger: Ledger) -> None:
    world = World(ledger)
    world.erp.put("product", *(product(n) for n in range(3)))
    broken, sound = PeerConnector("slow", Peer(down=True), clock=world.clock), PeerConnector("quick", Peer())
    reports = Engine(ledger, _flows(world, broken, sound)).sync(("products",), patience=600.0)
    assert len(reports[0].trouble) == 1
    assert len(sound.peer.of("product")) == 3


def test_the_error_of_one_lane_is_raised_after_all_have_ended() -> None:
    ended = []

    def fails() -> bool:
        raise ValueError("no")

    def works() -> bool:
        ended.append("works")
        return True

    with pytest.raises(ValueError, match="no"):
        lanes.run({"a": fails, "b": works}, together=True)
    assert ended == ["works"]


def test_lanes_one_after_the_other_all_run() -> None:
    ran: list[str] = []
    ways = {name: lambda name=name: bool(ran.append(name)) for name in ("a", "b", "c")}
    assert lanes.run(ways, together=False) is False
    assert ran == ["a", "b", "c"]
