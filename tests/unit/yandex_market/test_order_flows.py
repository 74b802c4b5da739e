"""Orders between a cabinet and a base of 1C, and what is read of money: once, whatever happens or is read again."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox
from connectors.yandex_market.sandbox import Shop, YandexMarketSandbox
from obmen.entities import Accrual, Order, Return
from obmen.project import load_project
from obmen.state import Ledger, facts
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport
from tests.unit.yandex_market.order_kit import DBS

WAREHOUSE = "Основной склад"
FLOWS: dict[str, dict[str, Any]] = {
    "goods": {"entity": "product", "from": "ut", "to": []},
    "orders": {"entity": "order", "from": "ym", "to": "ut"},
    "statuses": {"entity": "order_status", "from": "ym", "to": "ut"},
    "back": {"entity": "order_status", "from": "ut", "to": "ym"},
    "returns": {"entity": "return", "from": "ym", "to": []},
    "money": {"entity": "accrual", "from": "ym", "to": []},
}


class Site:
    """A project between a base of 1C and a cabinet, whose clocks are one."""

    def __init__(self, folder: Path, ut: OneCSandbox, market: YandexMarketSandbox) -> None:
        self.ut, self.market = ut, market
        for article, price in (("A-1", "100"), ("A-2", "33.34")):
            ut.add_good(f"Товар {article}", article, prices={"Розничная": Decimal(price)}, stock={WAREHOUSE: 100})
            for shop in market.shops:
                market.put_on_sale(article, price, 100, shop)
        ours = {**ut.connection(), "warehouses": [WAREHOUSE]}
        ours["order"] = {**ours["order"], "warehouses": {**ours["order"]["warehouses"]}}
        reference = ours["order"]["warehouses"][WAREHOUSE]
        ours["order"]["warehouses"]["Свой"] = reference
        project = {
            "connections": {
                "ut": {"connector": "onec", **ours},
                "ym": {"connector": "yandex_market", **market.connection()},
            },
            "flows": FLOWS,
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.project = load_project(folder)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db")

    def sync(self) -> int:
        """Run; return how many records were written."""
        with Assembly(self.project, ledger=self.ledger) as assembly:
            reports: list[FlowReport] = list(Engine(self.ledger, assembly.flows).sync((), patience=20))
        assert [str(error) for report in reports for error in report.trouble] == []
        assert [report.quarantine for report in reports if report.quarantine] == []
        return sum(report.written for report in reports)

    def facts(self, entity: Any) -> list[Any]:
        with self.ledger.read() as tx:
            return [record for _, record in facts.of(tx, entity)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    shops = [Shop(2001, WAREHOUSE, 3001), Shop(DBS, "Свой", 3003, placement="DBS")]
    with OneCSandbox() as ut, YandexMarketSandbox(shops=shops) as market:
        made = Site(tmp_path, ut, market)
        yield made
        made.ledger.close()


@pytest.mark.field("E7")
def test_an_orders_whole_life_is_written_once_however_often_it_is_run(site: Site) -> None:
    fbs = site.market.place_order({"A-1": 2, "A-2": 3}, off="0.01")
    dbs = site.market.place_order({"A-1": 1}, campaign=DBS)
    site.sync()
    assert site.ut.order(fbs)["СуммаДокумента"] == Decimal("300.01")
    site.ut.set_status(fbs, "КОтгрузке")
    site.ut.set_status(dbs, "КОтгрузке")
    site.sync()
    orders = site.market.state()["orders"]
    assert {(orders[number]["status"], orders[number]["substatus"]) for number in (fbs, dbs)} == {
        ("PROCESSING", "READY_TO_SHIP")
    }
    site.market.hand_over(fbs)
    site.market.deliver(fbs)
    site.market.give_back(fbs, {"A-2": 1})
    site.sync()
    written = dict(site.market.written)
    assert [site.sync() for _ in range(3)] == [0, 0, 0]
    assert site.market.written == written
    assert len(site.ut.state()["orders"]) == 2
    assert len(site.facts(Order)) == 2
    assert len(site.facts(Return)) == 1


@pytest.mark.field("E6")
def test_a_buyers_cancellation_reaches_1c_and_nothing_stays_reserved(site: Site) -> None:
    number = site.market.place_order({"A-1": 5})
    site.sync()
    site.market.cancel_by_buyer(number)
    site.sync()
    assert site.ut.order(number)["Статус"] == "Закрыт"
    site.sync()
    assert site.sync() == 0
    assert site.market.stock("A-1", 2001) == {"free": 100, "reserved": 0}
    assert site.market.written == {}


@pytest.mark.field("E5")
def test_a_line_that_is_cancelled_is_cancelled_in_1c_and_the_sum_is_right(site: Site) -> None:
    number = site.market.place_order({"A-1": 1, "A-2": 3})
    site.sync()
    site.market.remove_item(number, "A-1")
    site.sync()
    order = site.ut.order(number)
    left = [row for row in order["Товары"] if not row.get("Отменено")]
    assert sum(row["СуммаСНДС"] for row in left) == Decimal("100.02")
    assert site.sync() == 0


def test_money_is_kept_once_and_comes_to_what_the_report_says(site: Site) -> None:
    number = site.market.place_order({"A-2": 3})
    site.market.orders[int(number)].created_at -= 7200
    site.market.deliver(number)
    site.sync()
    site.sync()
    found = site.facts(Accrual)
    told = site.market.money(number)
    assert sum(one.amount for one in found) == told["payments"] - told["services"]
    assert {one.order for one in found} == {number}
