"""The presets of people and documents: their own examples, and a record's whole way into a base and back."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.onec import OneC
from connectors.onec.odata.orders import order_ref
from connectors.onec.sandbox import references
from obmen.entities import Order, OrderStatus
from obmen.errors import Refused
from obmen.mapping import BoundMapping, Context, NotCarried, load_mapping, run_tests
from obmen.records import Batch, Item, natural_id, pick
from tests.unit.onec.odata_support import SHIRT, SHIRT_RED, connected

PRESETS = Path(__file__).resolve().parents[3] / "mappings" / "onec" / "odata"
CONTEXT = Context(connection="ut", options={"order": references.ORDER_OPTIONS}, zone=ZoneInfo("Europe/Moscow"))
PRODUCTS = {"A-1": SHIRT, "A-2": SHIRT_RED}
ORDER = Order(
    channel="ozon",
    number="0112233-0001-1",
    placed_at=datetime(2026, 6, 15, 22, 30, tzinfo=UTC),
    currency="RUB",
    comment="Позвонить",
    customer={"name": "Образцов Пример", "phone": "+70000000000"},
    delivery={
        "warehouse": "Второй склад",
        "address": "Выдуманная ул, 1",
        "ship_by": datetime(2026, 6, 17, 9, 0, tzinfo=UTC),
    },
    lines=[
        {"sku": "A-1", "quantity": "2", "price": "1990.50", "vat": "10"},
        {"sku": "A-2", "quantity": "1", "price": "300"},
        {"sku": "A-2", "quantity": "1", "price": "300", "total": "250"},
    ],
)


def bound(entity: str) -> BoundMapping:
    return load_mapping(PRESETS / f"{entity}.yaml").bind(CONTEXT)


def push_refs(mapping: BoundMapping, record: Any) -> dict[tuple[str, str], str]:
    known = {("product", sku): ref for sku, ref in PRODUCTS.items()}
    known["order", ORDER.key] = order_ref("ozon", ORDER.number)
    return {asked: known[asked] for asked in mapping.push_refs(record)}


def send(onec: OneC, record: Any) -> Any:
    mapping = bound(record.entity)
    body = mapping.push(record, push_refs(mapping, record), {})
    spec = OneC.writers[record.entity, "put"]
    (outcome,) = onec.write(record.entity, Batch([Item(id=natural_id(pick(body, spec.key)), payload=body)]))
    return outcome


@pytest.mark.parametrize(
    "entity", ["order", "order_status", "customer", "bonus_account", "bonus_operation", "return", "receipt"]
)
def test_the_examples_in_the_preset_hold(entity: str) -> None:
    results = run_tests(load_mapping(PRESETS / f"{entity}.yaml"), CONTEXT)
    assert results
    assert [(result.name, result.message) for result in results if not result.ok] == []


def test_an_order_goes_in_and_comes_back_as_it_was() -> None:
    with connected() as (onec, sandbox):
        assert send(onec, ORDER).kind == "done"
        (kept,) = sandbox.state()["orders"]
        (native,) = onec.look_up("order", ["ozon|0112233-0001-1"])
    assert kept["Date"] == "2026-06-16T01:30:00", "the base's own clock"
    assert kept["ДатаПоДаннымКлиента"] == "2026-06-16T00:00:00"
    assert kept["ДатаОтгрузки"] == "2026-06-17T00:00:00"
    assert kept["ДополнительнаяИнформацияПоДоставке"] == "Образцов Пример, +70000000000"
    assert kept["СуммаДокумента"] == Decimal("4531.00")
    assert kept["Склад_Key"] == references.SECOND_WAREHOUSE
    mapping = bound("order")
    refs = {("product", ref): sku for sku, ref in PRODUCTS.items()}
    assert set(mapping.pull_refs(native)) == set(refs)
    back = Order.model_validate(mapping.pull(native, refs))
    assert (back.key, back.placed_at, back.currency, back.comment) == (
        ORDER.key,
        ORDER.placed_at,
        ORDER.currency,
        ORDER.comment,
    )
    assert [(line.sku, line.quantity, line.price, line.vat) for line in back.lines] == [
        ("A-1", 2, Decimal("1990.5"), "10"),
        ("A-2", 1, 300, "20"),
        ("A-2", 1, 300, "20"),
    ]
    assert [line.total for line in back.lines] == [3981, 300, 250]
    assert back.delivery is not None
    assert (back.delivery.warehouse, back.delivery.address) == ("Второй склад", "Выдуманная ул, 1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"currency": "USD"}, "currency"), ({"delivery": {"warehouse": "Третий склад"}}, "delivery.warehouse")],
)
def test_what_the_connection_has_no_reference_for_is_refused(changes: dict[str, Any], field: str) -> None:
    order = Order.model_validate({**ORDER.model_dump(exclude_unset=True), **changes})
    mapping = bound("order")
    with pytest.raises(Refused) as refused:
        mapping.push(order, push_refs(mapping, order), {})
    assert (refused.value.code, refused.value.field) == ("unmapped", field)


@pytest.mark.parametrize(
    ("status", "state", "read_as"),
    [
        ("new", "КОбеспечению", "confirmed"),
        ("assembling", "КОбеспечению", "confirmed"),
        ("ready", "КОтгрузке", "ready"),
        ("shipped", "КОтгрузке", "ready"),
        ("delivered", "КОтгрузке", "ready"),
        ("cancelled", "Закрыт", "cancelled"),
    ],
)
def test_a_status_of_the_channel_becomes_one_of_1c(status: Any, state: str, read_as: str) -> None:
    with connected() as (onec, sandbox):
        send(onec, ORDER)
        assert send(onec, OrderStatus(channel="ozon", number=ORDER.number, status=status)).kind == "done"
        assert sandbox.order(ORDER.number)["Статус"] == state
        natives = [n for page in onec.read("order_status", None) for raw in page.slices for n in page.decode(raw)]
    mapping = bound("order_status")
    (native,) = natives
    refs = {("order", native["Ref_Key"]): ORDER.key}
    told = {"channel": "ozon", "number": ORDER.number, "status": read_as, "document": native["Number"]}
    if status == "cancelled":
        told["reason"] = "Отказ покупателя"
    assert mapping.pull(native, refs) == told


@pytest.mark.parametrize("status", ["returned", "disputed"])
def test_a_status_that_1c_has_no_word_for_is_not_carried(status: Any) -> None:
    mapping = bound("order_status")
    record = OrderStatus(channel="ozon", number=ORDER.number, status=status)
    with pytest.raises(NotCarried):
        mapping.push(record, push_refs(mapping, record), {})
