"""One stock in three marketplaces: what one sells the others no longer offer, and the last unit is offered once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from obmen.project import load_project
from obmen.state import Ledger, outbox
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.testing.clock import FakeClock
from tests.e2e.town import SCHEDULES, WAREHOUSE, Base

_MOST = 40


class Markets:
    """A base of 1C, its three cabinets, and the flows between them."""

    def __init__(self, folder: Path, rules: dict[str, Any]) -> None:
        self.clock = FakeClock()
        self.base = Base("one", self.clock, folder, seed=1, goods=5)
        flows = self.base.flows(SCHEDULES)
        flows["stock_one"] |= {"allocate": rules, "guards": {"zeroed": "off", "vanished": "off"}}
        path = folder / "obmen.yaml"
        path.write_bytes(msgspec.json.encode({"connections": self.base.connections(), "flows": flows}))
        self.project = load_project(path)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)

    def close(self) -> None:
        self.ledger.close()
        self.base.close()

    def run(self, *names: str, read: bool = True) -> int:
        """Run flows once; without ``read`` only what is in the outbox is sent. Return how much is written or waits."""
        self.clock.advance(120.0)
        with Assembly(self.project, clock=self.clock, ledger=self.ledger) as assembly:
            engine = Engine(self.ledger, assembly.flows)
            if read:
                reports = engine.sync(names, patience=120.0)
                return sum(report.written + sum(report.outbox.values()) for report in reports)
            for flow in engine.choose(names):
                engine.finish(Pass(flow), 120.0)
            return 0

    def rest(self) -> None:
        for _ in range(_MOST):
            busy = self.run()
            for cabinet in self.base.cabinets.values():
                cabinet.rest()
            if not busy:
                return
        with self.ledger.read() as tx:
            left = {name: outbox.counts(tx, name) for name in self.project.flows}
        raise AssertionError(f"no rest: {left}")

    def offered(self, sku: str) -> dict[str, int]:
        return {name.partition("_one")[0]: cabinet.free()[sku] for name, cabinet in self.base.cabinets.items()}

    def lay(self, sku: str, count: int) -> None:
        """Let so many lie free in 1C."""
        good = self.base.goods[sku]
        self.base.ut.move_stock(good, count - self.base.ut.free_stock(good, WAREHOUSE))


@pytest.fixture
def markets(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Markets]:
    made = Markets(tmp_path, request.param)
    yield made
    made.close()


@pytest.mark.field("D3")
@pytest.mark.field("D4")
@pytest.mark.parametrize("markets", [{"safety": 2}], indirect=True)
def test_an_order_in_one_marketplace_lowers_the_two_others_before_1c_is_read_again(markets: Markets) -> None:
    markets.lay("SKU-0000", 12)
    markets.rest()
    assert markets.offered("SKU-0000") == {"ozon": 10, "wildberries": 10, "yandex_market": 10}
    markets.base.cabinets["ozon_one"].place([("SKU-0000", 3)])
    markets.run("orders_ozon_one")
    markets.run("stock_one", read=False)
    assert markets.offered("SKU-0000") == {"ozon": 7, "wildberries": 7, "yandex_market": 7}
    markets.rest()
    assert markets.offered("SKU-0000") == {"ozon": 7, "wildberries": 7, "yandex_market": 7}


@pytest.mark.field("D5")
@pytest.mark.field("N12")
@pytest.mark.parametrize("markets", [{"oversell": "off", "priority": ["wildberries_one"]}], indirect=True)
def test_the_last_unit_is_offered_in_one_marketplace(markets: Markets) -> None:
    markets.lay("SKU-0001", 1)
    markets.rest()
    assert markets.offered("SKU-0001") == {"ozon": 0, "wildberries": 1, "yandex_market": 0}
    markets.base.cabinets["wildberries_one"].place([("SKU-0001", 1)])
    markets.rest()
    assert markets.offered("SKU-0001") == {"ozon": 0, "wildberries": 0, "yandex_market": 0}
