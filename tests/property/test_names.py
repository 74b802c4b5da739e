"""Laws of names: what goes out under a connection's name comes back under our sku, and nothing else is touched."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from obmen.entities import Order, OrderStatus, Price, Product, Record
from obmen.mapping import Context, parse_mapping
from obmen.sync.names import Names, Skus, goods_of, places

SKUS = st.sampled_from(["A-1", "A|2", "B\\3", "C", "OLD-1", "OLD-2"])
NAMES = st.dictionaries(SKUS, st.sampled_from(["OLD-1", "OLD-2", "OLD-3", "A-1"]), max_size=4).map(
    lambda pairs: {
        sku: name for number, (sku, name) in enumerate(pairs.items()) if name not in list(pairs.values())[:number]
    }
)
PULL = parse_mapping(
    "entity: order\nfields:\n  channel: channel\n  number: number\n  placed_at: { path: at, as: utc }\n"
    "  currency: currency\n  lines: { path: lines, each: { sku: sku, quantity: { path: n, as: number },"
    " price: { path: price, as: number } } }\n"
).bind(Context("shop"))
LINKED = parse_mapping(
    "entity: order\nfields:\n  channel: channel\n  number: number\n  placed_at: { path: at, as: utc }\n"
    "  currency: currency\n  lines: { path: lines, each: { sku: { path: item, ref: product },"
    " quantity: { path: n, as: number }, price: { path: price, as: number } } }\n"
).bind(Context("shop"))


def order(skus: list[str]) -> Order:
    lines = [{"sku": sku, "quantity": 1, "price": 5} for sku in skus]
    at = datetime(2026, 6, 15, tzinfo=UTC)
    return Order.model_validate({"channel": "s", "number": "1", "placed_at": at, "currency": "RUB", "lines": lines})


def records(skus: list[str]) -> list[Record]:
    return [
        order(skus),
        Product(sku=skus[0], name=skus[0]),
        Price(sku=skus[0], price_type=skus[0], amount=Decimal(1), currency="RUB"),
    ]


@given(st.lists(SKUS, min_size=1, max_size=4), NAMES)
def test_only_what_names_goods_is_put_into_the_connections_words(skus: list[str], names: dict[str, str]) -> None:
    for record in records(skus):
        named = Names(names).put_into(record)
        assert list(goods_of(named)) == [names.get(sku, sku) for sku in goods_of(record)]
        back = {name: sku for sku, name in names.items()}
        if set(names.values()).isdisjoint(goods_of(record)):
            assert Names(back).put_into(named) == record
        assert named.model_copy(update={"lines": None, "sku": ""}) == record.model_copy(
            update={"lines": None, "sku": ""}
        )


@given(st.lists(SKUS, min_size=1, max_size=4), NAMES)
def test_what_is_pulled_comes_under_our_sku_unless_a_binding_gave_it(skus: list[str], names: dict[str, str]) -> None:
    here = {name: sku for sku, name in names.items()}
    native = {
        "channel": "s",
        "number": "1",
        "at": "2026-06-15T00:00:00Z",
        "currency": "RUB",
        "lines": [{"sku": sku, "item": f"id {sku}", "n": 1, "price": 5} for sku in skus],
    }
    pulled = Skus(PULL, here).put_into(PULL.pull(native, {}))
    assert [line["sku"] for line in pulled["lines"]] == [here.get(sku, sku) for sku in skus]
    refs = {("product", f"id {sku}"): Product(sku=sku).key for sku in skus}
    linked = Skus(LINKED, here).put_into(LINKED.pull(native, refs))
    assert [line["sku"] for line in linked["lines"]] == skus


def test_every_place_that_names_goods_is_known() -> None:
    assert places(Order) == (("lines", "sku"),)
    assert places(Product) == places(Price) == (("sku",),)
    assert places(OrderStatus) == (("packages", "lines", "sku"),)
