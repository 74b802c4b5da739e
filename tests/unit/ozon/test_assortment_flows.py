"""Goods of 1C in an empty cabinet, by a categories file: made, priced, stocked; archived and back; and then silence."""

import msgspec
import pytest

from connectors.ozon import paths
from connectors.ozon.sandbox.tree import BRAND, LEAVES, MATERIAL
from obmen.project import load_project
from obmen.state import Ledger, quarantine
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from runner.demo.catalogue import write_catalogue

FLOWS = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon", "missing": "archive"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}},
    "stock": {
        "entity": "stock",
        "from": "ut",
        "to": "ozon",
        "where": {"warehouse": "Основной склад"},
        "missing": "zero",
    },
}
CATEGORIES = {
    "*": {"attributes": {"Бренд": {"value": "Образец"}, "Материал": {"attribute": "Материал"}}},
    "Посуда/Кружки": {"category": "17000011:91000012"},
    "Посуда/Тарелки": {"category": "17000011:91000013"},
    "Кухня/Ножи": {"category": "17000012:91000021"},
    "Кухня/Доски": {"category": "17000012:91000022"},
    "Дом/Лампы": {"category": "17000013:91000032"},
    "Дом/Вазы": {"category": "17000013:91000031"},
    "Мастерская/Отвёртки": {"category": "17000031:91000053"},
    "Детям/Тетради": {"category": "17000031:91000051"},
    "Детям/Конструкторы": {"category": "17000031:91000052"},
    "Ткани/Полотенца": {"category": "17000021:91000043"},
    "Ткани/Футболки": {"category": "17000021:91000041"},
    "Ткани/Тапочки": {"category": "17000021:91000042"},
}


class Shop:
    """An export of 1C, a cabinet, and the ledger between them."""

    def __init__(self, folder, sandbox, clock):
        self.folder, self.sandbox, self.clock = folder, sandbox, clock
        self.tell(goods=40)
        (folder / "categories.yaml").write_bytes(msgspec.json.encode(CATEGORIES))
        made = {
            **sandbox.connection(),
            "warehouses": {"Основной склад": 1020000000001},
            "categories": "categories.yaml",
        }
        del made["category"]
        project = {
            "connections": {
                "ut": {"connector": "onec", "commerceml": "exchange", "timezone": "Europe/Moscow"},
                "ozon": {"connector": "ozon", **made},
            },
            "flows": FLOWS,
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.project = load_project(folder)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=clock)

    def tell(self, **catalogue):
        write_catalogue(self.folder / "exchange", seed=3, **catalogue)

    def settle(self):
        """Run until nothing is written; return how many records were."""
        total = 0
        for _ in range(12):
            self.clock.pass_by(minutes=2)
            with Assembly(self.project, ledger=self.ledger, clock=self.clock) as assembly:
                reports = Engine(self.ledger, assembly.flows).sync((), patience=60)
            assert [str(error) for report in reports for error in report.trouble] == []
            written = sum(report.written for report in reports)
            total += written
            if not written:
                return total
        raise AssertionError("it does not come to rest")

    def set_aside(self):
        with self.ledger.read() as tx:
            return [entry.message for entry in quarantine.entries(tx)]


@pytest.fixture
def shop(tmp_path, make_sandbox, clock):
    made = Shop(tmp_path, make_sandbox(), clock)
    yield made
    made.ledger.close()


def test_goods_of_many_categories_are_made_priced_and_stocked_and_then_nothing_is_said(shop):
    shop.settle()
    products = shop.sandbox.products.values()
    assert shop.set_aside() == []
    assert len(products) > 40
    assert len({one.card["type_id"] for one in products}) >= 10
    for one in products:
        told = {attribute["id"] for attribute in one.card["attributes"]}
        assert (one.card["description_category_id"], one.card["type_id"]) in LEAVES
        assert {BRAND, MATERIAL, 9048} <= told
        assert one.price > 0
        assert one.stocks[1020000000001].free >= 0
    calls, written = dict(shop.sandbox.calls), dict(shop.sandbox.written)
    assert calls[paths.PRODUCT_IMPORT] == -(-len(products) // 100)
    assert calls[paths.ATTRIBUTES] <= 2 * len({one.card["type_id"] for one in products})
    assert calls[paths.VALUES_SEARCH] == 1
    assert shop.settle() == 0
    assert shop.sandbox.written == written


def test_goods_that_leave_1c_are_archived_without_stock_and_come_back_with_it(shop):
    shop.settle()
    before = {id_: {**one, "product_id": 0} for id_, one in shop.sandbox.state()["products"].items()}
    shop.tell(goods=39)
    shop.settle()
    gone = {id_ for id_, one in shop.sandbox.products.items() if one.archived}
    assert gone
    assert all(level.free == 0 for id_ in gone for level in shop.sandbox.products[id_].stocks.values())
    shop.tell(goods=40)
    shop.settle()
    now = {id_: {**one, "product_id": 0} for id_, one in shop.sandbox.state()["products"].items()}
    assert now == before
    assert shop.set_aside() == []


def test_changed_prices_and_stock_are_all_that_is_said_of_them(shop):
    shop.settle()
    calls = shop.sandbox.calls[paths.PRICES_SET], shop.sandbox.calls[paths.STOCKS_SET]
    shop.tell(goods=40, repriced={5, 6}, restocked={7})
    shop.settle()
    assert (shop.sandbox.calls[paths.PRICES_SET], shop.sandbox.calls[paths.STOCKS_SET]) == (calls[0] + 1, calls[1] + 1)
