"""A machine whose clock is not the database's does no work: it is refused at start, and takes nothing on later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from obmen.clock import SystemClock
from obmen.errors import StateError
from obmen.state import Ledger, clocks
from obmen.state.clocks import TOLERANCE, ClockDiffers, ClockWatch
from obmen.state.ledger import LEASE_SECONDS
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from runner.daemon.clock import ServiceClock
from runner.daemon.plant import Plant
from runner.daemon.service import Service
from runner.observe.examine import clock as examined
from runner.observe.routes import readiness
from runner.observe.snapshot import take
from runner.observe.troubles import why_late
from runner.worker.worker import Worker
from tests.crash.world import product
from tests.unit.daemon.kit import loaded, works, written


class Off(SystemClock):
    """A clock that is ahead by so many seconds; each look at its monotonic time takes ``slow`` more."""

    ahead, passed, slow = 0.0, 0.0, 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        self.passed += self.slow
        return super().monotonic() + self.passed


@pytest.fixture
def clock() -> Off:
    return Off()


@pytest.fixture
def ledger(postgres_url: str, clock: Off) -> Iterator[Ledger]:
    made = Ledger(postgres_url, clock=clock)
    yield made
    made.close()


def test_a_clock_that_is_wrong_is_refused_with_both_times_and_what_to_do(ledger: Ledger, clock: Off) -> None:
    assert TOLERANCE < LEASE_SECONDS / 10
    clocks.check(ledger)
    for ahead, word in ((TOLERANCE + 3, "ahead of"), (-TOLERANCE - 3, "behind")):
        clock.ahead = ahead
        with pytest.raises(ClockDiffers) as caught:
            clocks.check(ledger)
        here, there = (time.time() + seconds for seconds in (ahead, 0.0))
        said = str(caught.value)
        assert f"it is {abs(ahead):.1f} s {word}" in said
        assert any(f"says {_minute(here + slip)}" in said for slip in (0, -5))
        assert any(f"{_minute(there + slip)}:" in said.rpartition("says")[2] for slip in (0, -5))
        assert "NTP" in said
        assert [(one.level, one.about) for one in examined(ledger)] == [("problem", "clock")]
    clock.slow = 8.0  # the way to the database takes so long that nothing can be said
    clocks.check(ledger)
    clock.ahead = clock.slow = 0.0
    assert [(one.level, one.about) for one in examined(ledger)] == [("ok", "clock")]


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def test_a_file_has_no_clock_and_a_simulated_one_rules_alone(tmp_path: Path, postgres_url: str) -> None:
    for url, clock in ((f"sqlite:///{tmp_path}/state.db", Off()), (postgres_url, FakeClock())):
        clock.ahead = 1e6  # type: ignore[union-attr]  # nothing to the simulated one
        ledger = Ledger(url, clock=clock)
        assert clocks.offset(ledger) is None
        assert list(examined(ledger)) == []
        ledger.close()


def test_it_is_looked_at_now_and_then(ledger: Ledger, clock: Off, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = ClockWatch(ledger)
    assert watch.look()
    clock.ahead = 60.0
    assert watch.look(), "it was looked at just before"
    clock.passed += 60.0
    with structlog.testing.capture_logs() as logs:
        assert not watch.look()
        assert not watch.look()
    assert [one["event"] for one in logs] == ["clock.differs"]
    clock.passed += 10.0
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "read", _away)
        assert not watch.look()
    clock.ahead = 0.0
    clock.passed += 10.0
    assert watch.look()
    clock.passed += 60.0
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "read", _away)
        assert watch.look()


def _away(*_: object) -> None:
    raise StateError("The state database does not answer.")


def test_the_service_does_not_start_and_hands_nothing_out(tmp_path: Path, ledger: Ledger, clock: Off) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    file = written(tmp_path, peers)
    project = loaded(file, peers)

    def start() -> Service:
        return Service(
            project, ledger, build=lambda one: Plant(one, ledger, clock), load=lambda: project, clock=ServiceClock()
        )

    service = start()
    plant = service.works
    assert isinstance(plant, Plant)
    service.tick()
    clock.ahead = 30.0
    with pytest.raises(ClockDiffers):
        start()
    clock.passed += 60.0
    peers["erp"].put("product", product(1))
    service.tick()
    assert [lane.step() for lane in plant.lanes] == [False] * len(plant.lanes)
    assert "ahead of" in service.pulse().clock
    service.standing.times.beat = float("-inf")
    service.tick()
    clock.ahead = 0.0  # whoever looks has the right time
    assert readiness(service)["problems"][0]["what"] == "clock"
    seen = take(ledger, project)
    assert {why_late(one, seen) for one in seen.flows} == {service.pulse().clock}
    clock.passed += 10.0
    service.tick()
    assert any(lane.step() for lane in plant.lanes)
    assert service.pulse().clock == ""
    plant.stop(0.0, lambda _: None)


def test_a_worker_does_not_start(tmp_path: Path, ledger: Ledger, clock: Off) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    project = loaded(written(tmp_path, peers), peers)
    clock.ahead = 30.0
    with pytest.raises(ClockDiffers, match="NTP"):
        Worker(project, ledger, lambda: project, jobs=1, clock=ServiceClock())


def test_lanes_that_are_held_go_on_afterwards(tmp_path: Path) -> None:
    with works(tmp_path) as at:
        at.plant.hold(True)
        assert at.turn() == 0
        at.plant.hold(False)
        assert at.turn() > 0
