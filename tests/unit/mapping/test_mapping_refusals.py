"""What a record's value may do to a sync: refuse this record, with words that lead to the cause."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from obmen.entities import Order, Product
from obmen.errors import Refused
from obmen.mapping import BoundMapping, Context, parse_mapping

PRODUCT = """\
entity: product
fields:
  sku: offer_id
  name: title
  vat: { path: tax, table: { "10": "0.1", "20": 5 } }
  unit: { path: unit, table: units }
  weight_kg: { path: weight, as: decimal }
  archived: { path: gone, as: boolean }
  group: { path: model.name }
  category: { path: rubrics, as: list }
  brand: { expr: "join(',', brands)", only: pull }
"""
ORDER = """\
entity: order
fields:
  channel: { value: connection }
  number: number
  placed_at: { path: at, as: utc }
  currency: currency
  customer.phone: buyer.phone
  comment: { path: comment, table: { a: b } }
  lines:
    path: rows
    each:
      sku: { path: id, ref: product, as: guid }
      quantity: { path: n, as: integer }
      price: { path: p, as: money_string }
"""


@pytest.fixture
def product() -> BoundMapping:
    return parse_mapping(PRODUCT, "m.yaml").bind(Context("ozon", {"units": {"шт": 796}}))


@pytest.fixture
def order() -> BoundMapping:
    return parse_mapping(ORDER, "o.yaml").bind(Context("ozon"))


@pytest.mark.parametrize(
    ("native", "field", "code", "message"),
    [
        ({"title": True}, "name", "bad_value",
         "True at 'title' is true or false, not a text. Correct it in the source, or see m.yaml:4."),
        ({"title": {"ru": "x"}}, "name", "bad_value", "a record at 'title' is a record, not a text"),
        ({"tax": "0.3"}, "vat", "unmapped",
         "\"0.3\" at 'tax' is not in the table, which has 0.1, 5. Add a row to the table at m.yaml:5."),
        ({"tax": "5"}, "vat", "unmapped",
         "\"5\" at 'tax' is a text, and the table has it as a number: mind the quotes"),
        ({"tax": Decimal("0.1")}, "vat", "unmapped", "is a number, and the table has it as a text"),
        ({"tax": ["0.1"]}, "vat", "unmapped", "a list at 'tax' is not in the table"),
        ({"unit": 55}, "unit", "unmapped", "Add a row to the option 'units' of the connection 'ozon'."),
        ({"weight": "тонна"}, "weight_kg", "bad_value", "\"тонна\" at 'weight' is not a number such as 1990"),
        ({"weight": "1e400"}, "weight_kg", "bad_value", "a number beyond any sensible size"),
        ({"weight": 10**5000}, "weight_kg", "bad_value", "a huge number at 'weight' is a number beyond"),
        ({"weight": Decimal("NaN")}, "weight_kg", "bad_value", "is not a finite number"),
        ({"gone": "true"}, "archived", "bad_value", "\"true\" at 'gone' is a text, not true or false"),
        ({"model": "Куртка"}, "group", "bad_value", "product.group: model is not a record. Correct it"),
        ({"brands": [1, 2]}, "brand", "bad_value", "the record does not suit the expression: join() takes"),
        ({"rubrics": "Одежда"}, "category", "bad_value", "is a text, not a list"),
        ({"rubrics": ["a", ["b"]]}, "category", "bad_value", "is a list, not a text"),
    ],
)  # fmt: skip
def test_pull_names_the_value_the_place_and_the_next_step(
    product: BoundMapping, native: dict[str, Any], field: str, code: str, message: str
) -> None:
    with pytest.raises(Refused) as caught:
        product.pull({"offer_id": "A", **native}, {})
    assert (caught.value.field, caught.value.code) == (field, code)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"product.{field}: ")


@pytest.mark.parametrize(
    ("values", "field", "code", "message"),
    [
        ({"vat": "22"}, "vat", "unmapped",
         "\"22\" at 'tax' is not in the table, which has 10, 20. Add a row to the table at m.yaml:5."),
        ({"unit": "кг"}, "unit", "unmapped", "Add a row to the option 'units' of the connection 'ozon'."),
    ],
)  # fmt: skip
def test_push_names_the_value_the_place_and_the_next_step(
    product: BoundMapping, values: dict[str, Any], field: str, code: str, message: str
) -> None:
    with pytest.raises(Refused) as caught:
        product.push(Product(sku="A", **values), {}, {})
    assert (caught.value.field, caught.value.code) == (field, code)
    assert message in str(caught.value)


def test_a_long_value_is_cut(product: BoundMapping) -> None:
    with pytest.raises(Refused) as caught:
        product.pull({"weight": "9" * 10_000}, {})
    assert len(str(caught.value)) < 250


def test_an_element_is_named_by_its_place(order: BoundMapping) -> None:
    rows = [{"n": 1, "p": "1"}, {"n": "1.5", "p": "1"}]
    with pytest.raises(
        Refused, match=r"order\.lines\.quantity \(element 2\): \"1.5\" at 'rows\.n' is not a whole"
    ) as caught:
        order.pull({"rows": rows}, {})
    assert caught.value.field == "lines.quantity"
    values = {"channel": "c", "number": "1", "placed_at": "2026-06-15T06:50:09Z", "currency": "RUB"}
    lines = [{"sku": "A", "quantity": 1, "price": "1"}, {"sku": "A", "quantity": 1, "price": "1.005"}]
    record = Order.model_validate({**values, "lines": lines})
    refs = {("product", "A"): "cbcf4984-55bc-11d9-848a-00112f43529a"}
    with pytest.raises(
        Refused, match=r"order\.lines\.price \(element 2\): 1.005 at 'rows\.p' has more than two decimal"
    ):
        order.push(record, refs, {})


@pytest.mark.parametrize("rows", ["text", {"0": {}}, 5, [{"n": 1}, "text"], [None]])
def test_a_list_that_is_none_is_refused(order: BoundMapping, rows: Any) -> None:
    with pytest.raises(Refused, match=r"order\.lines: what should be a list of records"):
        order.pull({"rows": rows}, {})


def test_personal_values_are_never_shown(order: BoundMapping) -> None:
    secret = "+7 900 000-00-00"
    for native in (
        {"buyer": {"phone": [secret]}},
        {"buyer": {"phone": {"x": secret}}},
        {"buyer": secret},
        {"comment": secret},
        {"comment": {"text": secret}},
    ):
        with pytest.raises(Refused) as caught:
            order.pull(native, {})
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
        assert caught.value.__cause__ is None
    with pytest.raises(Refused, match=r"order\.comment: the value \(personal, so not shown\) at 'comment' is not in"):
        order.pull({"comment": secret}, {})


def test_a_fault_of_an_expression_shows_nothing_of_the_record_or_of_the_field_before() -> None:
    text = ORDER.replace("comment: { path: comment, table: { a: b } }", 'total: { expr: "sum(a)", only: pull }')
    mapping = parse_mapping(text, "o.yaml").bind(Context("ozon"))
    with pytest.raises(Refused) as caught:
        mapping.pull({"buyer": {"phone": "+7900"}, "a": ["+7901"]}, {})
    assert caught.value.field == "total"
    assert "+790" not in str(caught.value)


def test_companions_are_named_as_such() -> None:
    text = "entity: product\nfields:\n  sku: id\nwith:\n  price: { amount: { path: price, as: money_string } }\n"
    mapping = parse_mapping(text, "m.yaml").bind(Context("ozon"))
    companion = Product(sku="A").model_copy(update={"amount": Decimal("0.001")})
    with pytest.raises(Refused, match=r"product\.price\.amount: 0\.001 at 'price' has more than two .* see m\.yaml:5"):
        mapping.push(Product(sku="A"), {}, {"price": companion})
