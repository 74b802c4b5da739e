"""A small project at work on two peers in memory, driven by hand: time passes when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from obmen.clock import Clock
from obmen.connector import Options
from obmen.project import Project, load_project
from obmen.state import Ledger, wishes
from obmen.state.runs import Run, recent
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer, PeerConnector
from runner.daemon.dispatcher import FlowState
from runner.daemon.plant import Plant
from tests.crash.world import MAPPINGS

FLOWS = """
goods: { entity: product, from: erp, to: shop, every: 30m }
prices: { entity: price, from: erp, to: shop, every: 10m }
stocks: { entity: stock, from: erp, to: shop, every: 2m }
orders: { entity: order, from: shop, to: erp, every: 1m }
"""


def peers_system(peers: dict[str, Peer]) -> type[PeerConnector]:
    """Return a connector for projects whose connections are these peers, by name."""

    class System(PeerConnector):
        def __init__(self, name: str, options: Options, *, clock: Clock | None = None) -> None:
            super().__init__(name, peers[name], clock=clock)

    return System


def written(folder: Path, peers: dict[str, Peer], flows: str = FLOWS, service: str = "") -> Path:
    """Write a project of these peers; return its file."""
    (folder / "mappings" / "peer").mkdir(parents=True, exist_ok=True)
    for entity in ("product", "price", "stock", "order", "order_status"):
        (folder / "mappings" / "peer" / f"{entity}.yaml").write_text(MAPPINGS[entity], encoding="utf-8")
    connections = "".join(f"  {name}: {{ connector: peer }}\n" for name in peers)
    text = f"connections:\n{connections}flows:\n{indent(flows.strip(), '  ')}\n{service}"
    file = folder / "obmen.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(file: Path, peers: dict[str, Peer]) -> Project:
    """Load a project of peers."""
    return load_project(file, connectors={"peer": peers_system(peers)}, environment={})


@dataclass
class Works:
    """A plant without threads."""

    plant: Plant
    ledger: Ledger
    clock: FakeClock
    peers: dict[str, Peer]

    def turn(self) -> int:
        """Look what is due and let every lane work until nothing is left; return how many tasks were done."""
        done = 0
        self.plant.tick()
        while step := sum(lane.step() for lane in self.plant.lanes):
            done += step
            self.plant.tick()
        return done

    def pass_time(self, seconds: float, tick: float = 1.0) -> None:
        """Let time pass, working meanwhile."""
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            self.clock.advance(min(tick, until - self.clock.monotonic()))
            self.turn()

    def state(self, flow: str) -> FlowState:
        """Return where a flow stands."""
        return self.plant.dispatcher.flows[flow]

    def runs(self, flow: str, kind: str | None = "sync") -> list[Run]:
        """Return a flow's runs, the oldest first."""
        with self.ledger.read() as tx:
            return recent(tx, flow, 10_000, kind)[::-1]

    def ask(self, flow: str, reason: str = "") -> None:
        """Let a person ask for a run."""
        with self.ledger.write() as tx:
            wishes.ask(tx, flow, "anna", reason)


@contextmanager
def works(
    folder: Path,
    state_url: str = "",
    flows: str = FLOWS,
    service: str = "",
    clock: FakeClock | None = None,
    peers: dict[str, Peer] | None = None,
) -> Iterator[Works]:
    """Give a plant of a new project."""
    clock = clock or FakeClock()
    peers = peers if peers is not None else {"erp": Peer(), "shop": Peer()}
    project = loaded(written(folder, peers, flows, service), peers)
    ledger = Ledger(state_url or f"sqlite:///{folder}/state.db", clock=clock)
    plant = Plant(project, ledger, clock)
    try:
        yield Works(plant, ledger, clock, peers)
    finally:
        plant.stop(0.0, lambda _seconds: None)
        ledger.close()
