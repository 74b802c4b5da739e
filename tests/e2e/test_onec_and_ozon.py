"""1C by OData and Ozon, both ways: what sellers ask of an integration, each by its id in the field's list."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox, references
from connectors.ozon import Ozon
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
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)

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


@pytest.mark.field("A1")
@pytest.mark.field("B1")
def test_a1_b1_goods_prices_and_stock_of_the_base_arrive_and_nothing_is_said_twice(site: Site) -> None:
    assert site.sync() > 0
    product = site.ozon.state()["products"]["A-1"]
    assert Decimal(str(product["price"]["price"] if isinstance(product["price"], dict) else product["price"])) == 1990
    assert free(site) == 5
    assert site.sync() == 0


@pytest.mark.field("A3")
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


@pytest.mark.field("A4")
def test_a4_what_the_exchange_plan_tells_is_all_that_is_read(telling: Site) -> None:
    telling.sync()
    assert telling.how("prices").startswith("complete")
    good = next(ref for ref, prices in telling.ut.state()["prices"].items() if prices.get("Розничная") == 1990)
    telling.ut.set_price(good, "Розничная", Decimal(2100))
    telling.sync("prices")
    assert telling.how("prices").startswith("changes")
    price = telling.ozon.state()["products"]["A-1"]["price"]
    assert Decimal(str(price["price"] if isinstance(price, dict) else price)) == 2100


def take_out(site: Site, number: str, article: str) -> None:
    """The buyer no longer wants one of the goods."""
    with site.ozon.lock:
        posting = site.ozon.postings[number]
        for line in [line for line in posting.lines if line.product.offer_id == article]:
            posting.lines.remove(line)
            level = line.product.stocks[posting.warehouse_id]
            level.free, level.reserved = level.free + line.quantity, level.reserved - line.quantity
        posting.changed_at = site.ozon.now()


@pytest.mark.field("E5")
@pytest.mark.field("E6")
def test_e5_e6_one_of_three_lines_cancelled_is_cancelled_in_1c_and_nothing_is_held_for_it(site: Site) -> None:
    refs = {}
    for article in ("A-2", "A-3"):
        refs[article] = site.ut.add_good(
            f"Чайник {article}", article, prices={"Розничная": Decimal(100)}, stock={WAREHOUSE: 5}
        )
    site.sync()
    number = site.ozon.place_order({"A-1": 2, "A-2": 1, "A-3": 1})
    site.sync()
    assert {site.ut.free_stock(ref, WAREHOUSE) for ref in refs.values()} == {4}
    take_out(site, number, "A-2")
    site.sync()
    order = site.ut.order(number)
    assert [row["Отменено"] for row in order["Товары"]] == [False, True, False]
    assert order["СуммаДокумента"] == 2 * 1990 + 100
    assert order["Posted"]
    assert site.ut.free_stock(refs["A-2"], WAREHOUSE) == 5
    site.sync()
    (level,) = site.ozon.state()["products"]["A-2"]["stocks"].values()
    assert (level["free"], level["reserved"]) == (5, 0)
    assert site.sync() == 0


class Behind(OneCSandbox):
    """A base whose clock is a minute late: what is done there is past at once, for balances leave the present out."""

    def now(self) -> float:
        return super().now() - 60


@pytest.mark.field("D2")
def test_d2_a_reserve_in_1c_lowers_the_number_that_is_sent(tmp_path: Path) -> None:
    with Behind() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        site = Site(tmp_path, ut, ozon)
        site.sync("goods", "prices", "stock")
        assert free(site) == 5
        (good,) = ut.state()["stock"]
        ut.add_order([(good, 2, Decimal(1990))])
        site.clock.advance(60)  # Ozon takes a level of one product in one warehouse every 30 seconds
        site.sync("stock")
        assert free(site) == 3
        site.ledger.close()


@pytest.mark.field("D1")
def test_d1_each_of_150_warehouses_goes_to_its_own(tmp_path: Path) -> None:
    names = {f"Склад {number:03}": 1020000000100 + number for number in range(150)}
    with OneCSandbox() as ut, OzonSandbox(warehouses=names) as ozon:
        for name in names:
            ut.add_warehouse(name)
        site = Site(tmp_path, ut, ozon, warehouses=list(names))
        levels = {name: number + 1 for number, name in enumerate(names)}
        ut.add_good("Чайник", "A-2", weight=Decimal(1), prices={"Розничная": Decimal(100)}, stock=levels)
        site.sync("goods", "prices", "stock")
        stocks = ozon.state()["products"]["A-2"]["stocks"]
        site.ledger.close()
    assert {place: level["free"] for place, level in stocks.items()} == levels


@pytest.mark.field("D8")
def test_d8_a_pass_of_stock_alone_sends_what_changed_in_as_few_calls_as_there_can_be(tmp_path: Path) -> None:
    batch = Ozon.writers["stock", "put"].batch
    changed = batch + batch // 10
    with Behind() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}, journal=True) as ozon:
        site = Site(tmp_path, ut, ozon)
        goods = [
            ut.add_good(
                f"Товар {n}", f"T-{n}", weight=Decimal(1), prices={"Розничная": Decimal(9)}, stock={WAREHOUSE: 5}
            )
            for n in range(changed + 20)
        ]
        site.sync("goods", "prices", "stock")
        ozon.journal.clear()
        for good in goods[:changed]:
            ut.move_stock(good, 1)
        site.clock.advance(60)
        assert site.sync("stock") == changed
        calls = [exchange.path for exchange in ozon.journal]
        site.ledger.close()
    assert calls == ["/v2/products/stocks"] * -(-changed // batch)
