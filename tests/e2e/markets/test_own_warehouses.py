"""What Wildberries sells out of its own warehouses becomes facts for reports, and nothing is written for it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from connectors.wildberries.sandbox import VENDOR, WildberriesSandbox
from obmen.entities import Order, OrderStatus
from obmen.project import load_project
from obmen.state import Ledger, facts
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock
from tests.clocked import by


@pytest.mark.field("E2")
def test_e2_orders_of_wildberries_own_warehouses_are_kept_with_what_became_of_them(tmp_path: Path) -> None:
    clock = FakeClock()
    with by(clock, WildberriesSandbox)(pace=VENDOR, journal=True) as wb:
        wb.add_card("A-1", title="Кружка", subject_id=105, price=990)
        known = {name: wb.connection()[name] for name in ("url", "token")}
        flows = {name: {"entity": name, "from": "own", "to": []} for name in ("order", "order_status")}
        connections = {"own": {"connector": "wildberries", **known, "schemes": ["fbw"]}}
        (tmp_path / "obmen.yaml").write_bytes(msgspec.json.encode({"connections": connections, "flows": flows}))
        ledger = Ledger(f"sqlite:///{tmp_path}/state.db", clock=clock)
        project = load_project(tmp_path)

        def run() -> None:
            clock.advance(1800.0)
            with Assembly(project, clock=clock, ledger=ledger) as assembly:
                reports = Engine(ledger, assembly.flows).sync((), patience=600.0)
            assert [str(error) for report in reports for error in report.trouble] == []

        sold, dropped, open_ = (wb.place_fbw_order("A-1") for _ in range(3))
        run()
        wb.sell_fbw(sold)
        wb.cancel_fbw(dropped)
        for _ in range(3):
            run()
        with ledger.read() as tx:
            orders = {one.number: one.lines[0].sku for _, one in facts.of(tx, Order) if isinstance(one, Order)}
            steps = [(one.number, one.status) for _, one in facts.of(tx, OrderStatus) if isinstance(one, OrderStatus)]
        ledger.close()
        assert orders == dict.fromkeys((sold, dropped, open_), "A-1")
        assert sorted(steps) == sorted([(sold, "delivered"), (dropped, "cancelled")])
        assert {one.method for one in wb.journal} == {"GET"}
        assert [one.status for one in wb.journal if one.status >= 400] == []
