"""The presets of goods, and what the cabinet itself sends and takes."""

from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from obmen.entities import ENTITIES, Price, Product, Stock
from obmen.errors import Refused
from obmen.mapping import Context, load_mapping, parse_mapping, run_tests
from tests.unit.wildberries.conftest import CARD, PAIR, added, batch, natives, settled

FOLDER = Path(__file__).resolve().parents[3] / "mappings" / "wildberries"
OPTIONS = {
    "warehouses": {"Основной": 501001, "Запасной": 501002},
    "assumed": {"weight_kg": Decimal("0.5"), "length_mm": 200, "width_mm": 200, "height_mm": 100},
    "categories": {"Посуда": {"category": "105", "attributes": {"Объем": {"attribute": "Объём", "unit": "мл"}}}},
}


def bound(entity, text=None):
    mapping = load_mapping(FOLDER / f"{entity}.yaml") if text is None else parse_mapping(text)
    return mapping.bind(Context("wb", OPTIONS, UTC))


def canonical(entity, native, refs=None):
    return ENTITIES[entity].model_validate(bound(entity).pull(native, refs or {}))


@pytest.mark.parametrize("entity", ["product", "price", "stock"])
def test_the_examples_of_a_preset(entity):
    results = run_tests(load_mapping(FOLDER / f"{entity}.yaml"), Context("wb", OPTIONS, UTC))
    assert results
    assert [result.message for result in results if not result.ok] == []


def test_a_card_goes_into_the_cabinet_and_comes_back(wb, clock):
    product = Product(
        sku="A-1",
        name="Кружка",
        brand="Выдумкино",
        category=("Посуда",),
        attributes={"Объём": "0.35 л"},
        barcodes=("4600000000015",),
        vat="22",
        length_mm=Decimal(105),
    )
    payload = bound("product").push(product, {}, {})
    (outcome,) = settled(wb, clock, "product", batch(CARD, payload)).values()
    assert outcome.kind == "done"
    (native,) = natives(wb, "product")
    assert {one["id"]: one["value"] for one in native["characteristics"]}[14177451] == 350
    read = canonical("product", native)
    assert (read.sku, read.name, read.brand, read.vat) == ("A-1", "Кружка", "Выдумкино", "22")
    assert (read.barcodes, read.weight_kg, read.archived) == (("4600000000015",), Decimal("0.5"), False)


@pytest.mark.field("C6")
@pytest.mark.parametrize("vat", ["none", "0", "5", "7", "10", "20", "22"])
def test_each_rate_of_vat_goes_there_and_comes_back(wb, clock, vat):
    product = Product(sku="A-1", name="К", vat=vat, category=("Посуда",), attributes={"Объём": "350"})
    settled(wb, clock, "product", batch(CARD, bound("product").push(product, {}, {})))
    (native,) = natives(wb, "product")
    assert canonical("product", native).vat == vat


def test_a_rate_of_vat_that_wildberries_no_longer_has_is_refused():
    with pytest.raises(Refused, match="vat"):
        bound("product").push(Product(sku="A-1", vat="18"), {}, {})


def test_a_price_and_stock_read_back_as_they_were_written(wb, sandbox, clock):
    native_id = added(sandbox, "A-1")
    refs = {("product", "A-1"): native_id}
    told = Price(sku="A-1", price_type="base", amount=Decimal(990), old_amount=Decimal(1500), currency="RUB")
    settled(wb, clock, "price", batch("product", bound("price").push(told, refs, {})))
    (native,) = natives(wb, "price")
    assert canonical("price", native, {("product", native_id): "A-1"}) == told
    stock = Stock(sku="A-1", warehouse="Запасной", available=Decimal(7))
    list(wb.write("stock", batch(PAIR, bound("stock").push(stock, refs, {}))))
    (native,) = natives(wb, "stock")
    assert canonical("stock", native, {("product", native_id): "A-1"}) == stock


def test_part_of_a_piece_cannot_be_in_stock():
    stock = Stock(sku="A-1", warehouse="Основной", available=Decimal("1.5"))
    with pytest.raises(Refused, match="whole number"):
        bound("stock").push(stock, {("product", "A-1"): "1:2"}, {})


SIZED = """
entity: product
fields:
  sku:
    - { path: article, only: pull }
    - { expr: "not_null(group, sku)", path: vendorCode, only: push }
  name: title
  attributes.Размер: { path: techSize, only: push, when_absent: "0" }
  barcodes: skus
categories: { option: categories, category: category, attributes: attributes }
"""


def test_a_projects_own_mapping_makes_products_of_a_group_sizes_of_one_card(wb, sandbox, clock):
    mapping = bound("product", SIZED)
    volume = {"Объём": "350"}
    products = [
        Product(sku=f"M-{size}", name="Модель", group="M", category=("Посуда",), attributes={**volume, "Размер": size})
        for size in ("42", "44")
    ]
    products.append(Product(sku="A-1", name="Кружка", category=("Посуда",), attributes=volume))
    items = batch(CARD, *(mapping.push(one, {}, {}) for one in products))
    outcomes = settled(wb, clock, "product", items)
    assert sorted(outcomes) == ["A-1|0", "M|42", "M|44"]
    assert {one.kind for one in outcomes.values()} == {"done"}
    assert [size.tech_size for size in sandbox.card("M").sizes] == ["42", "44"]
    assert len(sandbox.cards) == 2
