"""The presets of goods, prices and rests: what real exports say arrives, and what is wrong is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.onec.commerceml import CommerceML
from obmen.entities import Price, Product, Stock
from obmen.errors import Refused
from obmen.mapping import BoundMapping, Context, load_mapping, run_tests
from obmen.records import Native
from runner.demo.catalogue import write_catalogue

from .commerceml_kit import by_id, natives

PRESETS = Path(__file__).resolve().parents[3] / "mappings" / "onec" / "commerceml"
CONTEXT = Context(connection="ut", options={}, zone=ZoneInfo("Europe/Moscow"))


def bound(entity: str) -> BoundMapping:
    return load_mapping(PRESETS / f"{entity}.yaml").bind(CONTEXT)


@pytest.mark.parametrize("entity", ["product", "price", "stock"])
def test_their_own_examples_pass(entity: str) -> None:
    results = run_tests(load_mapping(PRESETS / f"{entity}.yaml"), CONTEXT)
    assert results
    assert [result for result in results if not result.ok] == []


def pulled(entity: str, native: Native, keys: dict[str, str]) -> dict[str, Any]:
    mapping = bound(entity)
    refs = {("product", id_): sku for id_, sku in keys.items()}
    return mapping.pull(native, refs)


def all_of(folder: Path) -> tuple[dict[str, Product], list[Price], list[Stock]]:
    source = CommerceML(folder)
    product = bound("product")
    products = {
        id_: Product.model_validate(product.pull(native, {}))
        for id_, native in by_id(natives(source.products())).items()
    }
    refs = {("product", id_): record.sku for id_, record in products.items()}
    price, stock = bound("price"), bound("stock")
    prices = [Price.model_validate(price.pull(native, refs)) for native in natives(source.prices())]
    stocks = [Stock.model_validate(stock.pull(native, refs)) for native in natives(source.stocks())]
    return products, prices, stocks


@pytest.mark.parametrize(
    ("name", "products", "prices", "stocks"),
    [("ut-2.07", 44, 44, 132), ("bitrix-module-2.09", 978, 978, 978), ("ut-2.07-nested-groups", 283, 0, 0)],
)
def test_real_exports_arrive_whole(specs: Path, name: str, products: int, prices: int, stocks: int) -> None:
    found = all_of(specs / "data" / "commerceml" / name)
    assert tuple(map(len, found)) == (products, prices, stocks)
    goods, priced, rests = found
    assert len({record.sku for record in goods.values()}) == products, "no SKU stands for two"
    assert len({record.key for record in priced}) == prices
    assert len({record.key for record in rests}) == stocks
    assert {record.currency for record in priced} <= {"RUB"}


def test_a_real_good_field_by_field(specs: Path) -> None:
    products, prices, stocks = all_of(specs / "data" / "commerceml" / "ut-2.07")
    product = products["bd8c4e15-18f9-11e7-80c2-0cc47ab29cd1"]
    assert product.sku == product.article == "PM-421-WP"
    assert product.barcodes == ("8809288404089",)
    assert product.category == ("Коврики для дома",)
    assert product.vat == "20"
    assert product.unit == "Штука"
    assert product.brand == "Crazy Boom"
    assert product.archived is False
    assert (product.attributes or {})["Материал"] == "PE"
    assert product.description is None
    assert [p.amount for p in prices if p.sku == "PM-421-WP"] == [100]
    assert {s.warehouse: s.available for s in stocks if s.sku == "PM-421-WP"} == {
        "Владивосток": 1,
        "Новосибирск": 0,
        "Москва": 376,
    }
    assert [product.sku for product in products.values() if product.archived] == ["KM-245-BC"]


def test_the_invented_catalogue_arrives_whole(tmp_path: Path) -> None:
    written = write_catalogue(tmp_path, 60, 1)
    products, prices, stocks = all_of(tmp_path)
    assert len({record.sku for record in products.values()}) == len(products) == written.offers
    assert len(prices) == len(stocks) == 3 * written.offers
    varied = [record for record in products.values() if record.group]
    assert varied
    for record in varied:
        assert record.sku.rpartition("-")[0] == (record.article or "").rpartition("-")[0]
    assert list(CommerceML(tmp_path).problems()) == []


@pytest.mark.parametrize("amount", ["договорная", "1e400", "1 990,00", "NaN", "Infinity", "0x10"])
def test_a_price_that_is_none_is_refused_by_its_field(amount: str) -> None:
    native = {"Ид": "a", "ТипЦены": "Розничная", "Валюта": "руб", "ЦенаЗаЕдиницу": amount}
    with pytest.raises(Refused) as caught:
        pulled("price", native, {"a": "A-1"})
    assert caught.value.field == "amount"


def test_a_price_below_zero_is_refused_by_the_entity() -> None:
    native = {"Ид": "a", "ТипЦены": "Розничная", "Валюта": "руб", "ЦенаЗаЕдиницу": "-5"}
    fields = pulled("price", native, {"a": "A-1"})
    with pytest.raises(ValidationError, match="amount"):
        Price.model_validate(fields)


def test_an_unknown_currency_or_rate_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        pulled("price", {"Ид": "a", "ТипЦены": "Т", "ЦенаЗаЕдиницу": "1", "Валюта": "фантики"}, {"a": "A-1"})
    assert (caught.value.code, caught.value.field) == ("unmapped", "currency")
    with pytest.raises(Refused) as caught:
        pulled("product", {"Ид": "a", "Удален": False, "СтавкиНалогов": {"НДС": "33"}}, {})
    assert (caught.value.code, caught.value.field) == ("unmapped", "vat")


@pytest.mark.parametrize(("said", "vat"), [("Без НДС", "none"), ("0", "0"), ("22", "22"), ("20%", "20")])
def test_rates_of_vat(said: str, vat: str) -> None:
    native = {"Ид": "a", "Удален": False, "СтавкиНалогов": {"НДС": said}}
    assert pulled("product", native, {})["vat"] == vat


def test_a_rest_below_zero_counts_as_none() -> None:
    native = {"Ид": "a", "ИдСклада": "", "Склад": "Основной склад", "Количество": "-3.5"}
    assert Stock.model_validate(pulled("stock", native, {"a": "A-1"})).available == Decimal(0)
