"""1C by OData and Ozon, both ways: what sellers ask of an integration, each by its id in the field's list."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox, references
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import load_project
from obmen.state import Ledger, seen
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock

FLOWS = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}},
    "stock": {"entity": "stock", "from": "ut", "to": "ozon"},
    "orders": {"entity": "order", "from": "ozon", "to": "ut"},
    "statuses": {"entity": "order_status", "from": "ut", "to": "ozon"},
    "cancellations": {"entity": "order_status", "from": "ozon", "to": "ut"},
}
WAREHOUSE = "Основной склад"
PLAN = {"name": "ОбменСКаналами", "node": references.NODE}


class Site:
    """A project between a base of 1C and a cabinet of Ozon."""

    def __init__(self, folder: Path, ut: OneCSandbox, ozon: OzonSandbox, **options: object) -> None:
        self.ut, self.ozon = ut, ozon
        self.clock = FakeClock()
        ut.add_good(
            "Чайник",
            "A-1",
            barcodes=["2000000000015"],
            weight=Decimal("1.2"),
            vat="20",
            prices={"Розничная": Decimal(1990)},
            stock={WAREHOUSE: 5},
        )
        project = {
            "connections": {
                "ut": {"connector": "onec", **ut.connection(), "warehouses": [WAREHOUSE], **options},
                "ozon": {"connector": "ozon", **ozon.connection()},
            },
            "flows": FLOWS,
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.project = load_project(folder)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db")

    def sync(self, *names: str) -> int:
        """Run; return how many records were written."""
        with Assembly(self.project, ledger=self.ledger) as assembly:
            reports = Engine(self.ledger, assembly.flows).sync(names, patience=20)
        assert [str(error) for report in reports for error in report.trouble] == []
        assert all(not report.quarantine for report in reports), [report.quarantine for report in reports]
        return sum(report.written for report in reports)

    def how(self, flow: str) -> str:
        with self.ledger.read() as tx:
            return seen.checkpoint(tx, flow).how


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with OneCSandbox() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        made = Site(tmp_path, ut, ozon)
        yield made
        made.ledger.close()


@pytest.fixture
def telling(tmp_path: Path) -> Iterator[Site]:
    with OneCSandbox(exchange_plan=True) as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        made = Site(tmp_path, ut, ozon, exchange_plan=PLAN)
        yield made
        made.ledger.close()


def free(site: Site) -> int:
    """Return what Ozon's buyers can order."""
    (level,) = site.ozon.state()["products"]["A-1"]["stocks"].values()
    return int(level["free"])


def test_a1_b1_goods_prices_and_stock_of_the_base_arrive_and_nothing_is_said_twice(site: Site) -> None:
    assert site.sync() > 0
    product = site.ozon.state()["products"]["A-1"]
    assert Decimal(str(product["price"]["price"] if isinstance(product["price"], dict) else product["price"])) == 1990
    assert free(site) == 5
    assert site.sync() == 0


def test_a3_an_order_goes_to_1c_its_status_comes_back_and_what_changes_later_follows(site: Site) -> None:
    site.sync()
    kept, cancelled = (site.ozon.place_order({"A-1": 1}) for _ in range(2))
    site.sync()
    assert {order["НомерПоДаннымКлиента"] for order in site.ut.state()["orders"]} == {kept, cancelled}
    assert all(order["Posted"] for order in site.ut.state()["orders"])
    site.ut.set_status(kept, "КОтгрузке")
    site.ozon.cancel_by_buyer(cancelled)
    site.sync()
    assert site.ozon.state()["postings"][kept]["status"] == "awaiting_deliver"
    assert site.ut.order(cancelled)["Статус"] == "Закрыт"
    site.sync()
    assert free(site) == 4, "the order that stands holds one, the cancelled one none"
    assert site.sync() == 0


def test_a4_what_the_exchange_plan_tells_is_all_that_is_read(telling: Site) -> None:
    telling.sync()
    assert telling.how("prices").startswith("complete")
    good = next(ref for ref, prices in telling.ut.state()["prices"].items() if prices.get("Розничная") == 1990)
    telling.ut.set_price(good, "Розничная", Decimal(2100))
    telling.sync("prices")
    assert telling.how("prices").startswith("changes")
    price = telling.ozon.state()["products"]["A-1"]["price"]
    assert Decimal(str(price["price"] if isinstance(price, dict) else price)) == 2100
