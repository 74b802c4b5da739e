"""The presets: their own examples, and what the cabinet itself sends and takes."""

import re
from datetime import UTC
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec
import pytest

from obmen.entities import ENTITIES, Price, Product, Stock
from obmen.errors import Refused
from obmen.mapping import Context, NotCarried, load_mapping, run_tests
from tests.unit.ozon.conftest import batch, natives, put, sell

FOLDER = Path(__file__).resolve().parents[3] / "mappings" / "ozon"
PRESETS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
OPTIONS = {
    "warehouses": {"Основной": 1020000000001, "Запасной": 1020000000002},
    "category": {"description_category_id": 17000001, "type_id": 91000001},
}
STATUS_LINE = re.compile(r"- `(\w+)` [—–]")


@cache
def bound(entity):
    return load_mapping(FOLDER / f"{entity}.yaml").bind(Context("ozon", OPTIONS, UTC))


def canonical(entity, native, refs=None):
    return ENTITIES[entity].model_validate(bound(entity).pull(native, refs or {}))


@pytest.mark.parametrize("entity", PRESETS)
def test_the_examples_of_a_preset(entity):
    results = run_tests(load_mapping(FOLDER / f"{entity}.yaml"), Context("ozon", OPTIONS, UTC))
    assert results
    assert [result.message for result in results if not result.ok] == []


def test_there_is_a_preset_for_each_entity():
    assert PRESETS == ["accrual", "order", "order_status", "price", "product", "return", "stock"]


def test_a_card_goes_into_the_cabinet_and_comes_back(connect, sandbox):
    ozon = connect(sandbox, category=OPTIONS["category"])
    product = Product(
        sku="A-1",
        name="Куртка",
        group="Куртка",
        description="Тёплая",
        barcodes=("4600000000015",),
        images=("https://img.example/1.jpg",),
        vat="22",
        weight_kg=Decimal("0.95"),
        length_mm=Decimal(400),
        width_mm=Decimal(300),
        height_mm=Decimal(80),
    )
    price = Price(sku="A-1", price_type="base", amount=Decimal("1990.5"), currency="RUB")
    payload = bound("product").push(product, {}, {"price": price})
    assert put(ozon, payload) == {"A-1": "done"}
    read = canonical("product", natives(ozon, "product")[0])
    assert (read.sku, read.name, read.vat, read.archived) == ("A-1", "Куртка", "22", False)
    assert read.barcodes == ("4600000000015",)
    row = sandbox.state()["products"]["A-1"]
    assert row["price"] == "1990.50"
    assert [attribute["id"] for attribute in row["card"]["attributes"]] == [9048, 4191]


@pytest.mark.field("C6")
@pytest.mark.parametrize(
    ("vat", "native"),
    [("none", "0"), ("0", "0"), ("5", "0.05"), ("7", "0.07"), ("10", "0.1"), ("20", "0.2"), ("22", "0.22")],
)
def test_each_rate_of_vat_is_a_string_that_ozon_knows(vat, native):
    price = Price(sku="A", price_type="base", amount=Decimal(1), currency="RUB")
    assert bound("product").push(Product(sku="A", vat=vat), {}, {"price": price})["vat"] == native


def test_a_rate_that_ozon_no_longer_knows_is_refused():
    price = Price(sku="A", price_type="base", amount=Decimal(1), currency="RUB")
    with pytest.raises(Refused, match="vat"):
        bound("product").push(Product(sku="A", vat="18"), {}, {"price": price})


def test_a_price_reads_back_as_it_was_written(ozon):
    ids = sell(ozon, "A-1")
    mapping = bound("price")
    for price in (
        Price(sku="A-1", price_type="base", amount=Decimal(990), currency="RUB"),
        Price(
            sku="A-1",
            price_type="base",
            amount=Decimal("990.1"),
            old_amount=Decimal(1500),
            min_amount=Decimal("700.25"),
            currency="RUB",
        ),
    ):
        payload = mapping.push(price, {("product", "A-1"): ids["A-1"]}, {})
        assert [o.kind for o in ozon.write("price", batch("offer_id", payload))] == ["done"]
        (native,) = natives(ozon, "price")
        assert canonical("price", native) == price


def test_a_price_finer_than_a_kopeck_is_refused_here():
    price = Price(sku="A-1", price_type="base", amount=Decimal("990.125"), currency="RUB")
    with pytest.raises(Refused, match="two decimal places"):
        bound("price").push(price, {("product", "A-1"): "1"}, {})


def test_stock_reads_back_as_it_was_written(ozon):
    ids = sell(ozon, "A-1")
    stock = Stock(sku="A-1", warehouse="Запасной", available=Decimal(7))
    payload = bound("stock").push(stock, {("product", "A-1"): ids["A-1"]}, {})
    assert payload["product_id"] == int(ids["A-1"])
    (outcome,) = ozon.write("stock", batch(("offer_id", "warehouse_id"), payload))
    assert outcome.kind == "done"
    read = {one.warehouse: one for one in (canonical("stock", native) for native in natives(ozon, "stock"))}
    assert read["Запасной"].available == 7
    assert read["Запасной"].reserved == 0


def test_part_of_a_piece_cannot_be_in_stock():
    stock = Stock(sku="A-1", warehouse="Основной", available=Decimal("1.5"))
    with pytest.raises(Refused, match="whole number"):
        bound("stock").push(stock, {("product", "A-1"): "1"}, {})


def test_an_order_of_the_cabinet_is_a_canonical_order(ozon, sandbox):
    sell(ozon, "A-1", "A-2")
    number = sandbox.place_order([("A-1", 2), ("A-2", 1), ("A-1", 1)])
    order = canonical("order", natives(ozon, "order")[0])
    assert (order.channel, order.number, order.currency) == ("ozon", number, "RUB")
    assert [(line.sku, line.quantity, line.price) for line in order.lines] == [
        ("A-1", 2, 1990),
        ("A-2", 1, 1990),
        ("A-1", 1, 1990),
    ]
    assert (order.delivery.kind, order.delivery.warehouse) == ("marketplace", "Основной")
    assert order.total is None
    assert order.customer is None


@pytest.mark.field("E1")
def test_every_status_of_the_specification_is_mapped(specs):
    document = msgspec.json.decode((specs / "specs" / "ozon" / "seller.openapi.json").read_bytes())
    told = {"delivered", "sent_by_seller"}
    for path in ("/v4/posting/fbs/list", "/v4/posting/fbs/unfulfilled/list", "/v3/posting/fbs/get"):
        told |= set(STATUS_LINE.findall(_status_text(document, path)))
    assert len(told) >= 15
    mapping = bound("order_status")
    for status in told:
        assert mapping.pull({"posting_number": "1-1", "status": status}, {})["status"]


def test_a_status_that_ozon_invents_is_refused_by_name():
    with pytest.raises(Refused, match="status") as caught:
        bound("order_status").pull({"posting_number": "1-1", "status": "teleported"}, {})
    assert caught.value.code == "unmapped"


def test_what_a_seller_cannot_say_is_not_carried():
    mapping = bound("order_status")
    record = ENTITIES["order_status"](channel="ozon", number="1-1", status="returned")
    with pytest.raises(NotCarried):
        mapping.push(record, {("order", "ozon|1-1"): "1-1"}, {})


def _status_text(document, path):
    def resolve(node):
        while "$ref" in node:
            found = document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    answer = resolve(document["paths"][path]["post"]["responses"]["200"])
    node = resolve(answer["content"]["application/json"]["schema"])
    properties = node["properties"]
    posting = properties["postings"]["items"] if "postings" in properties else properties["result"]
    if "$ref" not in posting and "items" in posting:
        posting = posting["items"]
    return resolve(posting)["properties"]["status"]["description"]
