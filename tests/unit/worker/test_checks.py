"""A worker compares what is due after a flow has run, and nothing of it can fail the flow."""

from __future__ import annotations

import threading
from pathlib import Path

from obmen.state import Ledger, compared
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from runner.daemon.leases import Leases
from runner.worker.checks import FlowChecks
from tests.crash.world import price, product
from tests.unit.daemon.kit import loaded, written

FLOWS = """
goods: { entity: product, from: erp, to: shop }
prices: { entity: price, from: erp, to: shop, verify: { after: 1m, every: 6h } }
"""


class At:
    """A project of peers, whose flows ran once and whose price was then changed in the shop."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.peers = FakeClock(), {"erp": Peer(), "shop": Peer()}
        self.project = loaded(written(folder, self.peers, FLOWS), self.peers)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.stopping = threading.Event()
        self.peers["erp"].put("product", product(1))
        self.peers["erp"].put("price", price(1))
        self.sync()
        self.peers["shop"].put("price", price(1, "90.00"))

    def sync(self) -> None:
        with Assembly(self.project, clock=self.clock, ledger=self.ledger) as assembly:
            Engine(self.ledger, assembly.flows).sync(patience=60.0)

    def check(self) -> None:
        with Assembly(self.project, clock=self.clock, ledger=self.ledger) as assembly:
            FlowChecks(self.ledger, assembly, Leases(self.ledger), self.stopping).run("prices")

    def found(self) -> compared.Compared:
        with self.ledger.read() as tx:
            return compared.of(tx, "prices", "shop")


def test_what_is_due_is_compared_and_sent_again(tmp_path: Path) -> None:
    at = At(tmp_path)
    at.clock.advance(120)
    at.check()
    assert (at.found().drifted, at.found().whole_at) == (1, at.clock.now().timestamp())
    at.sync()
    assert at.peers["shop"].of("price")["SKU-1|BASE"]["amount"] == "100.00"
    before = at.found().whole_at
    at.clock.advance(120)
    at.check()
    assert (at.found().drift, at.found().whole_at) == (0, before)
    at.clock.jump(-30 * 86400.0)
    at.check()
    assert at.found().whole_at == at.clock.now().timestamp(), "a clock that is set back puts nothing off"
    at.ledger.close()


def test_a_system_that_does_not_answer_and_a_worker_that_stops_fail_nothing(tmp_path: Path) -> None:
    at = At(tmp_path)
    at.clock.advance(120)
    at.stopping.set()
    at.check()
    at.stopping.clear()
    at.peers["erp"].down = at.peers["shop"].down = True
    at.check()
    assert at.found().whole_at is None
    at.ledger.close()
