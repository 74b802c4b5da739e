"""One flow file, three doors, three versions of UT: the same goods, prices and stock, whichever way they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec import OneC
from connectors.onec.sandbox import OneCSandbox
from connectors.onec.sandbox.enterprisedata import RETAIL, EnterpriseDataSandbox
from connectors.onec.sandbox.hands.goods import Variant
from obmen.connector import Connector, Options, writer
from obmen.project import load_project
from obmen.records import Batch, Native, Outcome
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock

VERSIONS = ("11.4.2", "11.5.8", "11.5.20")
JACKET = "f06588ab-7924-11df-b33a-0011955cba6b"
HAT = "dff7f6fa-7a0b-11df-b33a-0011955cba6b"
WAREHOUSE = "Основной склад"
FLOWS = {
    "goods": {"entity": "product", "from": "ut", "to": "shop"},
    "prices": {"entity": "price", "from": "ut", "to": "shop", "where": {"price_type": "Розничная"}},
    "stock": {"entity": "stock", "from": "ut", "to": "shop"},
}
COMPARED = {
    "product": "fields: { sku: sku, name: name, article: article, description: description, barcodes: barcodes,"
    " category: category, vat: vat, group: group, archived: { path: archived, as: boolean } }",
    "price": "fields: { sku: sku, price_type: type, amount: { path: amount, as: number }, currency: currency }",
    "stock": "fields: { sku: sku, warehouse: warehouse, available: { path: available, as: number } }",
}


class Shop(Connector):
    """Takes whatever is told and keeps it."""

    title = "Shop"
    told: dict[str, dict[str, Native]]

    class Options(Options):
        """It has none."""

    def _keep(self, entity: str, batch: Batch) -> Iterator[Outcome]:
        for item in batch.items:
            self.told.setdefault(entity, {})[item.id] = item.payload
            yield batch.done(item.id, item.id)

    @writer("product", key="sku", batch=100, absolute=True)
    def products(self, batch: Batch) -> Iterator[Outcome]:
        return self._keep("product", batch)

    @writer("price", key=("sku", "type"), batch=100, absolute=True)
    def prices(self, batch: Batch) -> Iterator[Outcome]:
        return self._keep("price", batch)

    @writer("stock", key=("sku", "warehouse"), batch=100, absolute=True)
    def stocks(self, batch: Batch) -> Iterator[Outcome]:
        return self._keep("stock", batch)


def _goods() -> str:
    """Return what UT's exchange with a site writes of the goods."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2" ВерсияСхемы="2.07" ДатаФормирования="2026-06-15T10:00:00">
<Классификатор><Ид>1</Ид><Наименование>Классификатор</Наименование>
<Группы><Группа><Ид>g1</Ид><Наименование>Одежда</Наименование></Группа></Группы></Классификатор>
<Каталог СодержитТолькоИзменения="false"><Ид>1</Ид><ИдКлассификатора>1</ИдКлассификатора>
<Наименование>Каталог</Наименование>
<Товары>
<Товар><Ид>{JACKET}</Ид><Артикул>TS-48</Артикул><Наименование>Куртка «Проба»</Наименование>
<Группы><Ид>g1</Ид></Группы><Описание>Тёплая</Описание>
<СтавкиНалогов><СтавкаНалога><Наименование>НДС</Наименование><Ставка>20</Ставка></СтавкаНалога></СтавкиНалогов></Товар>
<Товар><Ид>{HAT}</Ид><Штрихкод>2900000000025</Штрихкод><Артикул>H-1</Артикул><Наименование>Шапка</Наименование>
<Группы><Ид>g1</Ид></Группы><Описание>Вязаная</Описание>
<СтавкиНалогов><СтавкаНалога><Наименование>НДС</Наименование><Ставка>10</Ставка></СтавкаНалога></СтавкиНалогов></Товар>
</Товары></Каталог></КоммерческаяИнформация>"""


def _offers(red: str, blue: str) -> str:
    rows = "".join(
        f"<Предложение><Ид>{item}</Ид>{code}<Наименование>{name}</Наименование><Цены><Цена><ИдТипаЦены>t1</ИдТипаЦены>"
        f"<ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу><Валюта>RUB</Валюта></Цена></Цены><Количество>{free}</Количество>"
        f'<Склад ИдСклада="w1" КоличествоНаСкладе="{free}"/></Предложение>'
        for item, code, name, price, free in (
            (red, "<Штрихкод>2900000000018</Штрихкод>", "Куртка «Проба» (Красный)", "1990.50", 5),
            (blue, "", "Куртка «Проба» (Синий)", "1890", 0),
            (HAT, "<Штрихкод>2900000000025</Штрихкод>", "Шапка", "500", 7),
        )
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2" ВерсияСхемы="2.07" ДатаФормирования="2026-06-15T10:00:00">
<ПакетПредложений СодержитТолькоИзменения="false"><Ид>1#</Ид><Наименование>Пакет</Наименование>
<ИдКаталога>1</ИдКаталога>
<ИдКлассификатора>1</ИдКлассификатора>
<ТипыЦен><ТипЦены><Ид>t1</Ид><Наименование>Розничная</Наименование><Валюта>RUB</Валюта></ТипЦены></ТипыЦен>
<Склады><Склад><Ид>w1</Ид><Наименование>{WAREHOUSE}</Наименование></Склад></Склады>
<Предложения>{rows}</Предложения></ПакетПредложений></КоммерческаяИнформация>"""


def _fill(ut: OneCSandbox) -> tuple[str, str]:
    group = ut.add_group("Одежда")
    ut.add_good(
        "Куртка «Проба»",
        "TS-48",
        ref=JACKET,
        group=group,
        vat="20",
        Описание="Тёплая",
        characteristics=[
            Variant(
                "Красный", barcodes=["2900000000018"], prices={"Розничная": Decimal("1990.50")}, stock={WAREHOUSE: 5}
            ),
            Variant("Синий", prices={"Розничная": Decimal(1890)}, stock={WAREHOUSE: 1}),
        ],
    )
    ut.add_good(
        "Шапка",
        "H-1",
        ref=HAT,
        group=group,
        vat="10",
        Описание="Вязаная",
        barcodes=["2900000000025"],
        prices={"Розничная": Decimal(500)},
        stock={WAREHOUSE: 7},
    )
    red, blue = (item for item in ut.items(JACKET) if "#" in item)
    ut.move_stock(blue, -1, WAREHOUSE)
    return red, blue


def _fill_messages(base: EnterpriseDataSandbox, red: str, blue: str) -> None:
    shelf = base.shelf
    group = shelf.add_group("11111111-0000-4000-8000-000000000001", "Одежда")
    names = {item.partition("#")[2]: name for item, name in ((red, "Красный"), (blue, "Синий"))}
    shelf.add_product(
        JACKET, "Куртка «Проба»", article="TS-48", group=group, vat="20", description="Тёплая", variants=names
    )
    shelf.add_barcode("2900000000018", JACKET, red.partition("#")[2])
    shelf.add_product(
        HAT, "Шапка", article="H-1", group=group, vat="10", description="Вязаная", barcodes=["2900000000025"]
    )
    rows = [(JACKET, red.partition("#")[2], "1990.50"), (JACKET, blue.partition("#")[2], "1890"), (HAT, "", "500")]
    shelf.set_prices("22222222-0000-4000-8000-000000000001", "2026-06-01T00:00:00", {RETAIL: rows})


@contextmanager
def _opened(door: str, version: str, folder: Path) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Give the options of a connection behind whose door the goods stand, and the ids of the two jackets."""
    with ExitStack() as stack:
        ut = stack.enter_context(OneCSandbox(version=version))
        red, blue = _fill(ut)
        if door == "odata":
            yield {**ut.connection(), "warehouses": [WAREHOUSE]}, red, blue
        elif door == "commerceml":
            export = folder / "exchange"
            export.mkdir()
            (export / "import0_1.xml").write_text(_goods(), "utf-8")
            (export / "offers0_1.xml").write_text(_offers(red, blue), "utf-8")
            yield {"commerceml": "exchange"}, red, blue
        else:
            base = stack.enter_context(EnterpriseDataSandbox(version=version))
            _fill_messages(base, red, blue)
            told = base.connection()
            told["enterprisedata"]["folder"] = "enterprisedata"
            yield told, red, blue


def carried(door: str, version: str, folder: Path) -> tuple[dict[str, dict[str, Native]], str, str]:
    """Return what one run tells the shop; a second run must tell it nothing."""
    told: dict[str, dict[str, Native]] = {}
    Shop.told = told
    flows = {name: flow for name, flow in FLOWS.items() if door != "enterprisedata" or name != "stock"}
    for entity, words in COMPARED.items():
        place = folder / "mappings" / "shop" / f"{entity}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"entity: {entity}\n{words}\n", "utf-8")
    with _opened(door, version, folder) as (options, red, blue):
        project = {
            "connections": {"ut": {"connector": "onec", **options}, "shop": {"connector": "shop"}},
            "flows": flows,
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        loaded = load_project(folder, connectors={"onec": OneC, "shop": Shop})
        ledger = Ledger(f"sqlite:///{folder}/state.db", clock=FakeClock(datetime.now(UTC)))
        try:
            for expected in (True, False):
                with Assembly(loaded, clock=ledger.clock, ledger=ledger) as assembly:
                    reports = Engine(ledger, assembly.flows).sync()
                assert [(report.flow, report.status) for report in reports] == [(name, "done") for name in flows]
                assert any(report.written for report in reports) is expected
        finally:
            ledger.close()
    return told, red, blue


def wanted(red: str, blue: str) -> dict[str, dict[str, Native]]:
    """Return what stands in 1C, said without any door."""
    jacket = {
        "article": "TS-48",
        "description": "Тёплая",
        "category": ["Одежда"],
        "vat": "20",
        "group": JACKET,
        "archived": False,
    }
    hat = {
        "sku": "H-1",
        "name": "Шапка",
        "article": "H-1",
        "description": "Вязаная",
        "barcodes": ["2900000000025"],
        "category": ["Одежда"],
        "vat": "10",
        "archived": False,
    }
    products: dict[str, Native] = {
        red: {"sku": red, "name": "Куртка «Проба» (Красный)", "barcodes": ["2900000000018"], **jacket},
        blue: {"sku": blue, "name": "Куртка «Проба» (Синий)", **jacket},
        "H-1": hat,
    }
    prices = {red: Decimal("1990.5"), blue: 1890, "H-1": 500}
    free = {red: 5, blue: 0, "H-1": 7}
    return {
        "product": products,
        "price": {
            f"{sku}|Розничная": {"sku": sku, "type": "Розничная", "amount": amount, "currency": "RUB"}
            for sku, amount in prices.items()
        },
        "stock": {
            f"{sku}|{WAREHOUSE}": {"sku": sku, "warehouse": WAREHOUSE, "available": amount}
            for sku, amount in free.items()
        },
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("door", ["odata", "commerceml", "enterprisedata"])
def test_every_door_of_every_version_tells_the_same(door: str, version: str, tmp_path: Path) -> None:
    told, red, blue = carried(door, version, tmp_path)
    expected = wanted(red, blue)
    if door == "enterprisedata":
        del expected["stock"]  # the format has none
    assert told == expected
