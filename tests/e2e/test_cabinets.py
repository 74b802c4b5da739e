"""Two cabinets of one marketplace and two legal entities of one base: nothing of one comes to the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import load_project
from obmen.state import Ledger, quarantine
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock

WAREHOUSE = "Основной склад"
ORGANIZATIONS = {
    "first": {
        "organization": "a1000000-0000-4000-8000-000000000011",
        "agreement": "a4000000-0000-4000-8000-000000000011",
    },
    "second": {
        "organization": "a1000000-0000-4000-8000-000000000012",
        "agreement": "a4000000-0000-4000-8000-000000000012",
    },
}
FIELDS = {"organization": "Организация_Key", "agreement": "Соглашение_Key"}
CATALOGS = {"organization": "Catalog_Организации", "agreement": "Catalog_СоглашенияСКлиентами"}


@dataclass
class Sellers:
    """A base with two legal entities, each of which has a cabinet of its own."""

    folder: Path
    ut: OneCSandbox
    cabinets: dict[str, OzonSandbox]

    def __post_init__(self) -> None:
        with self.ut.lock:
            for name, own in ORGANIZATIONS.items():
                for option, ref in own.items():
                    self.ut.base.create(CATALOGS[option], {"Ref_Key": ref, "Description": name}, own_ref=True)
        self.ut.add_good(
            "Чайник", "A-1", barcodes=["2000000000015"], prices={"Розничная": 1990}, stock={WAREHOUSE: 9}, vat="20"
        )
        base = {**self.ut.connection(), "connector": "onec", "warehouses": [WAREHOUSE]}
        connections: dict[str, Any] = {}
        flows: dict[str, Any] = {}
        for name, own in ORGANIZATIONS.items():
            books, shop = f"ut_{name}", f"ozon_{name}"
            connections[books] = {**base, "order": {**base["order"], **own}}
            connections[shop] = {"connector": "ozon", **self.cabinets[name].connection()}
            flows[f"orders_{name}"] = {"entity": "order", "from": shop, "to": books}
            flows[f"statuses_{name}"] = {"entity": "order_status", "from": books, "to": shop}
            for entity in ("product", "price", "stock"):
                flows[f"{entity}_{name}"] = {"entity": entity, "from": books, "to": shop}
            flows[f"price_{name}"]["where"] = {"price_type": "Розничная"}
        project = {"connections": connections, "flows": flows}
        (self.folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.project = load_project(self.folder)
        self.ledger = Ledger(f"sqlite:///{self.folder}/state.db", clock=FakeClock())

    def sync(self, *names: str) -> int:
        with Assembly(self.project, ledger=self.ledger) as assembly:
            reports = Engine(self.ledger, assembly.flows).sync(names, patience=20)
        assert [str(error) for report in reports for error in report.trouble] == []
        with self.ledger.read() as tx:
            assert quarantine.groups(tx) == [], "the other entity's orders are no problem of anybody"
        self.left_out = {report.flow: report.read["elsewhere"] for report in reports if report.read["elsewhere"]}
        return sum(report.written for report in reports)


@pytest.fixture
def sellers(tmp_path: Path) -> Iterator[Sellers]:
    with (
        OneCSandbox() as ut,
        OzonSandbox(warehouses={WAREHOUSE: 1020000000001}, seed=1) as first,
        OzonSandbox(warehouses={WAREHOUSE: 1020000000001}, seed=2) as second,
    ):
        made = Sellers(tmp_path, ut, {"first": first, "second": second})
        yield made
        made.ledger.close()


@pytest.mark.field("J1")
@pytest.mark.field("J2")
def test_j1_j2_each_order_gets_its_organization_and_agreement_and_no_row_crosses(sellers: Sellers) -> None:
    sellers.sync()
    numbers = {name: cabinet.place_order({"A-1": 1}) for name, cabinet in sellers.cabinets.items()}
    sellers.sync()
    orders = sellers.ut.state()["orders"]
    assert len(orders) == len(numbers)
    for name, own in ORGANIZATIONS.items():
        (order,) = [one for one in orders if f"[ozon_{name}]" in one["Комментарий"]]
        assert order["НомерПоДаннымКлиента"] == numbers[name]
        assert {option: order[field] for option, field in FIELDS.items()} == own
    for name, cabinet in sellers.cabinets.items():
        sellers.ut.set_status(numbers[name], "КОтгрузке")
        sellers.sync()
        other = next(one for other, one in sellers.cabinets.items() if other != name)
        assert cabinet.state()["postings"][numbers[name]]["status"] == "awaiting_deliver"
        assert numbers[name] not in other.state()["postings"]
    assert sellers.sync() == 0
    assert sellers.left_out == {f"statuses_{name}": 1 for name in ORGANIZATIONS}, "it is counted that it was seen"
