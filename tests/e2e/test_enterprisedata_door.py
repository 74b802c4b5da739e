"""Goods, prices and orders through the EnterpriseData door, with the engine that remembers and repeats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.onec import OneC
from connectors.onec.sandbox.enterprisedata import RETAIL, EnterpriseDataSandbox
from obmen.connector import Connector
from obmen.entities import ENTITIES
from obmen.mapping import BoundMapping, Context, load_mapping, parse_mapping
from obmen.state import Ledger, quarantine
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.sync.passes import FlowReport
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer, PeerConnector
from obmen.testing.sandbox import Fault
from tests.crash.world import MAPPINGS
from tests.unit.onec.enterprisedata_kit import BASES, HAT, JACKET, JACKET_XL, ZONE, custom, fill, orders

PRESETS = Path(__file__).resolve().parents[2] / "mappings" / "onec" / "enterprisedata"
XL = f"{JACKET}#{JACKET_XL}"


class World:
    """A base of 1C, a shop in memory, and what Obmen knows of both."""

    def __init__(self, folder: Path, version: str) -> None:
        self.clock = FakeClock()
        self.base = EnterpriseDataSandbox(version=version, journal=True)
        self.base.start()
        fill(self.base)
        self.shop = Peer()
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)
        told = self.base.connection()
        told["enterprisedata"] |= {"folder": folder / "enterprisedata", "timeout": 5}
        self._options = OneC.Options.model_validate(told)

    def sync(self, *names: str) -> dict[str, FlowReport]:
        """Run as a process does that has just been started."""
        ut = OneC("ut", self._options, clock=self.clock)
        shop = PeerConnector("shop", self.shop, clock=self.clock)
        flows = [
            self._flow("products", "product", ut, shop, push="keyed_shop"),
            self._flow("prices", "price", ut, shop, push="price"),
            self._flow("orders", "order", shop, ut, pull="order"),
        ]
        try:
            reports = Engine(self.ledger, flows).sync(names, patience=600)
        finally:
            ut.close()
            shop.close()
        return {report.flow: report for report in reports}

    def _flow(
        self, name: str, entity: str, source: Connector, target: Connector, pull: str = "", push: str = ""
    ) -> Flow:
        return Flow(
            name=name,
            entity=ENTITIES[entity],
            source=source,
            pull=self._bound(entity, source.name, pull),
            targets=(Target(target.name, target, self._bound(entity, target.name, push)),),
        )

    def _bound(self, entity: str, connection: str, peers: str) -> BoundMapping:
        if peers:
            mapping = parse_mapping(MAPPINGS[peers], f"{entity}.yaml")
        else:
            mapping = load_mapping(PRESETS / f"{entity}.yaml")
        return mapping.bind(Context(connection, self._options.model_dump(), ZONE))

    def order(self, number: str, *skus: str) -> None:
        lines = [{"sku": sku, "n": 2, "price": 100} for sku in skus]
        told = {"channel": "shop", "number": number, "at": "2026-06-15T06:00:00Z", "currency": "RUB", "lines": lines}
        self.shop.put("order", told)

    def refused(self) -> list[str]:
        with self.ledger.read() as tx:
            return [entry.code for entry in quarantine.entries(tx)]

    def close(self) -> None:
        self.ledger.close()
        self.base.stop()


@pytest.fixture(params=BASES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def latest(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, "11.5.20")
    yield made
    made.close()


def test_goods_prices_and_orders_in_every_version(world: World) -> None:
    world.sync("products", "prices")
    assert {id_: one["name"] for id_, one in world.shop.of("product").items()} == {
        XL: "Куртка «Проба» (XL)",
        "H-1": "Шапка",
    }
    assert {id_: one["amount"] for id_, one in world.shop.of("price").items()} == {
        f"{XL}|Розничная": "1990.50",
        "H-1|Розничная": "500.00",
        "H-1|Оптовая": "4.20",
    }
    world.order("N-1", XL, "H-1")
    world.order("N-2", "H-1")
    world.sync("orders")
    assert {number: len(order["lines"]) for number, order in orders(world.base).items()} == {"N-1": 2, "N-2": 1}
    assert {order["comment"] for order in orders(world.base).values()} == {"[shop]"}
    assert world.refused() == []


def test_what_did_not_change_is_not_written_again(latest: World) -> None:
    latest.sync("products", "prices")
    before = len(latest.shop.calls)
    reports = latest.sync("products", "prices")
    assert len(latest.shop.calls) == before
    assert [report.trouble for report in reports.values()] == [[], []]
    latest.base.shelf.put("Справочник.Номенклатура", HAT, name="Шапка тёплая")
    latest.base.shelf.set_prices(
        "22222222-0000-4000-8000-000000000002", "2026-06-10T00:00:00", {RETAIL: [(HAT, "", "450")]}
    )
    latest.sync("products", "prices")
    assert latest.shop.of("product")["H-1"]["name"] == "Шапка тёплая"
    assert latest.shop.of("price")["H-1|Розничная"]["amount"] == "450.00"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="drop_after", match="PutData$"),
        Fault(kind="drop", match="PutDataActionResult$", times=6),
        custom("lost_action", "PutDataActionResult"),
        custom("expired_file", "PutData"),
        custom("part_missing", "GetDataPart"),
    ],
    ids=lambda fault: f"{fault.kind}{fault.name}-{fault.match}",
)
def test_an_order_is_there_once_whatever_is_lost(latest: World, fault: Fault) -> None:
    latest.sync("products")
    latest.order("N-1", "H-1")
    latest.base.faults.append(fault)
    for _ in range(4):
        latest.sync("orders")
        latest.clock.advance(600)
    assert list(orders(latest.base)) == ["N-1"]
    assert len(latest.base.shelf.named("Документ.ЗаказКлиента")) == 2
    assert latest.refused() == []


def test_one_bad_order_does_not_hold_its_neighbours(latest: World) -> None:
    latest.sync("products")
    for number in range(5):
        latest.order(f"N-{number}", "H-1")
    latest.order("N-bad", XL)
    latest.base.shelf.objects.pop(("Справочник.Номенклатура", JACKET))
    latest.base.shelf.objects.pop(("Справочник.ХарактеристикиНоменклатуры", JACKET_XL))
    latest.sync("orders")
    assert sorted(orders(latest.base)) == [f"N-{number}" for number in range(5)]
    assert latest.refused() == ["service"]


def test_a_deleted_good_is_archived_and_an_absent_one_is_not_gone(latest: World) -> None:
    latest.sync("products")
    latest.base.shelf.delete("Справочник.Номенклатура", HAT)
    latest.sync("products")
    assert set(latest.shop.of("product")) == {XL, "H-1"}
