"""A project between the sandboxes of 1C and Ozon, as the end-to-end and the kill tests use it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from connectors.onec.commerceml import CommerceML
from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import Project, load_project
from obmen.state import Ledger, outbox, quarantine
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport

FLOWS: dict[str, dict[str, Any]] = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon", "missing": "archive"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon"},
    "stock": {"entity": "stock", "from": "ut", "to": "ozon", "missing": "zero"},
    "orders": {"entity": "order", "from": "ozon", "to": "ut"},
    "statuses": {"entity": "order_status", "from": "ozon", "to": "ut"},
    "statuses_back": {"entity": "order_status", "from": "ut", "to": "ozon"},
}


@dataclass
class Site:
    """Two sandboxes that serve, an export of 1C, and the project between them."""

    folder: Path
    export: Path
    state: str = ""
    flows: dict[str, dict[str, Any]] = field(default_factory=lambda: {k: dict(v) for k, v in FLOWS.items()})
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        copied = self.folder / "exchange"
        shutil.copytree(self.export, copied)
        self.export = copied
        names = list(dict.fromkeys(CommerceML(copied).warehouses().values()))
        self.warehouses = {name: 1020000000001 + number for number, name in enumerate(names)}
        self.ozon = OzonSandbox(warehouses=self.warehouses)
        self.ut = OneCSandbox()
        self.ozon.start()
        self.ut.start()

    def close(self) -> None:
        self.ozon.stop()
        self.ut.stop()

    @property
    def file(self) -> Path:
        """The project's file, written as the site stands now."""
        ut = self.ut.connection()
        first = next(iter(ut["order"]["warehouses"].values()))
        ut["order"] = {**ut["order"], "warehouses": dict.fromkeys(self.warehouses, first)}
        project: dict[str, Any] = {
            "connections": {
                "ut": {"connector": "onec", "commerceml": "exchange", **ut, **self.extra.get("ut", {})},
                "ozon": {"connector": "ozon", **self.ozon.connection(), **self.extra.get("ozon", {})},
            },
            "flows": self.flows,
        }
        if self.state:
            project["state"] = self.state
        path = self.folder / "obmen.yaml"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(project), indent=2))
        return path

    def project(self) -> Project:
        made = load_project(self.file)
        made.make_state_folder()
        return made

    def ledger(self) -> Ledger:
        return Ledger(self.project().state_url)

    def sync(self, *names: str, patience: float = 30.0, **kwargs: Any) -> dict[str, FlowReport]:
        project = self.project()
        ledger = Ledger(project.state_url)
        try:
            with Assembly(project) as assembly:
                reports = Engine(ledger, assembly.flows).sync(names, patience=patience, **kwargs)
        finally:
            ledger.close()
        return {report.flow: report for report in reports}

    def left(self) -> dict[str, int]:
        """What has not come to an outcome, but for what waits for a card that is not to be."""
        ledger = self.ledger()
        with ledger.read() as tx:
            counts = {flow: outbox.counts(tx, flow) for flow in self.flows}
        ledger.close()
        return {
            f"{flow} {state}": count
            for flow, states in counts.items()
            for state, count in states.items()
            if state != "waiting"
        }

    def set_aside(self) -> list[quarantine.Entry]:
        ledger = self.ledger()
        with ledger.read() as tx:
            found = quarantine.entries(tx)
        ledger.close()
        return found

    def shown(self) -> dict[str, Any]:
        """What both systems hold in the end: Ozon's goods and postings, 1C's orders."""
        ozon = self.ozon.state()
        orders = {
            order["НомерПоДаннымКлиента"]: (order["Статус"], order["Posted"], str(order["СуммаДокумента"]))
            for order in self.ut.state()["orders"]
        }
        assert len(orders) == len(self.ut.state()["orders"]), "an order stands in 1C twice"
        return {"products": ozon["products"], "postings": _without_times(ozon["postings"]), "orders": orders}


def _without_times(postings: dict[str, Any]) -> dict[str, Any]:
    return {number: {**posting, "changed_at": None} for number, posting in postings.items()}
