"""The service: it takes up a changed project, refuses a wrong one whole, and outlives what goes wrong around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from obmen.errors import Busy, Interrupted, StateError
from obmen.state import Ledger, runs
from obmen.testing.peer import Peer
from runner.daemon import pulse
from runner.daemon.clock import ServiceClock
from runner.daemon.plant import Plant
from runner.daemon.service import Service
from tests.crash.world import order, product
from tests.unit.daemon.kit import FLOWS, loaded, written


@dataclass
class Running:
    """A service at work in a thread."""

    service: Service
    thread: threading.Thread
    folder: Path
    peers: dict[str, Peer]
    whole: list[bool]

    @property
    def plant(self) -> Plant:
        assert isinstance(self.service.works, Plant)
        return self.service.works

    def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for something to become true."""
        waiting = threading.Event()
        for _ in range(int(seconds / 0.02)):
            if condition():
                return
            waiting.wait(0.02)
        pytest.fail(f"it did not come about in {seconds} s")

    def stop(self) -> bool:
        """Stop it and return whether all came to an end."""
        self.service.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.whole[0]

    def write(self, flows: str) -> None:
        """Write the project anew."""
        written(self.folder, self.peers, flows)
        self.service.reload()


@contextmanager
def running(folder: Path, state_url: str = "", flows: str = FLOWS) -> Iterator[Running]:
    peers = {"erp": Peer(), "shop": Peer()}
    file = written(folder, peers, flows)
    ledger = Ledger(state_url or f"sqlite:///{folder}/.obmen/state.db") if state_url else _ledger(folder)
    clock = ServiceClock()
    service = Service(
        loaded(file, peers),
        ledger,
        build=lambda project: Plant(project, ledger, clock),
        load=lambda: loaded(file, peers),
        clock=clock,
    )
    whole: list[bool] = []
    thread = threading.Thread(target=lambda: whole.append(service.run()), name="service")
    at = Running(service, thread, folder, peers, whole)
    thread.start()
    try:
        yield at
    finally:
        service.stop()
        thread.join(20)
        ledger.close()


def _ledger(folder: Path) -> Ledger:
    (folder / ".obmen").mkdir(exist_ok=True)
    return Ledger(f"sqlite:///{folder}/.obmen/state.db")


def test_it_carries_and_stops_with_all_at_its_end(tmp_path: Path, state_url: str) -> None:
    with running(tmp_path, state_url) as at:
        at.peers["erp"].put("product", product(1))
        at.peers["shop"].put("order", order(1))
        for flow in ("goods", "orders"):
            at.plant.dispatcher.want(flow)
        at.until(lambda: at.peers["shop"].of("product") and at.peers["erp"].created)
        assert at.stop()
        with at.service.ledger.read() as tx:
            assert {runs.last(tx, flow, "sync").status for flow in ("goods", "orders")} <= {"done", "partial"}


def test_a_changed_project_is_taken_up_and_a_wrong_one_is_refused_whole(tmp_path: Path) -> None:
    with running(tmp_path) as at:
        at.write("stocks: { entity: stock, from: erp, to: shop, every: 3m }")
        at.until(lambda: set(at.service.project.flows) == {"stocks"})
        at.write("stocks: { entity: stock, from: erp, to: shap, every: 3m }")
        at.until(lambda: at.service.standing.refused)
        assert "Did you mean 'shop'?" in at.service.standing.refused
        assert at.service.pulse().refused == at.service.standing.refused
        assert set(at.service.project.flows) == {"stocks"}
        at.write("goods: { entity: product, from: erp, to: shop }")
        at.until(lambda: set(at.service.project.flows) == {"goods"})
        assert at.service.standing.refused == ""
        at.peers["erp"].put("product", product(1))
        at.plant.dispatcher.want("goods")
        at.until(lambda: at.peers["shop"].of("product"))


def test_a_change_of_the_files_is_seen_without_being_told(tmp_path: Path) -> None:
    with running(tmp_path) as at:
        written(tmp_path, at.peers, "stocks: { entity: stock, from: erp, to: shop, every: 3m }")
        at.until(lambda: set(at.service.project.flows) == {"stocks"})


def test_another_state_needs_a_new_start(tmp_path: Path) -> None:
    with running(tmp_path) as at:
        file = tmp_path / "obmen.yaml"
        file.write_text(f"state: sqlite:///other.db\n{file.read_text()}", encoding="utf-8")
        at.service.reload()
        at.until(lambda: at.service.standing.refused)
        assert "started anew" in at.service.standing.refused


def test_a_state_that_fails_for_a_while_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as at:
        broken = threading.Event()
        tick = at.service.works.tick

        def failing() -> None:
            if broken.is_set():
                raise StateError("the server restarts")
            tick()

        monkeypatch.setattr(at.service.works, "tick", failing)
        broken.set()
        at.until(lambda: at.service.standing.trouble)
        broken.clear()
        at.until(lambda: not at.service.standing.trouble)
        at.peers["shop"].put("order", order(1))
        at.plant.dispatcher.want("orders")
        at.until(lambda: at.peers["erp"].created)


def test_a_second_copy_is_refused_in_words(tmp_path: Path) -> None:
    with running(tmp_path) as at:
        at.until(lambda: at.service.standing.serving)
        project, ledger, clock = at.service.project, at.service.ledger, ServiceClock()
        plant = Plant(project, ledger, clock)
        second = Service(project, ledger, build=lambda _: plant, load=lambda: project, clock=clock)
        with pytest.raises(Busy, match="already runs"):
            second.run()
        plant.stop(1.0, lambda _: None)


def test_a_wait_ends_when_it_is_told_to_stop() -> None:
    clock = ServiceClock()
    threading.Timer(0.05, clock.stop.set).start()
    with pytest.raises(Interrupted):
        clock.sleep(60)


def test_its_pulse_is_kept_for_others(tmp_path: Path, state_url: str) -> None:
    with running(tmp_path, state_url) as at:
        at.until(lambda: pulse.found(at.service.ledger))
        found = pulse.found(at.service.ledger)
        assert found is not None
        assert {lane.connection for lane in found.lanes} == {"erp", "shop"}
        assert set(found.next) == {"goods", "prices", "stocks", "orders"}
