"""Orders: none is missed, whatever the clocks say, and no kopeck of one is lost."""

from decimal import Decimal

import msgspec
import pytest

from connectors.yandex_market.order_shape import pieces, shaped
from connectors.yandex_market.orders import ORDER_LIMIT
from obmen.errors import IncompleteSource, Refused, StateError
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.order_kit import DBS, SHOPS, canonical, numbers, read, sell

ORDERS = "/v1/businesses/1001/orders"


@pytest.fixture
def market(make_sandbox):
    return make_sandbox(journal=True, shops=list(SHOPS))


def asked(market):
    return [msgspec.json.decode(e.request_body) for e in market.journal if e.path == ORDERS]


def test_every_order_of_every_shop_comes_once_over_many_pages(ym, market):
    sell(market, A_1="100")
    placed = [market.place_order({"A-1": 1}, campaign=shop.id) for shop in SHOPS for _ in range(ORDER_LIMIT)]
    found, cursor = numbers(ym)
    assert sorted(found) == sorted(placed)
    assert len(cursor) < 100


def test_the_next_pass_asks_for_changes_since_the_last_less_an_overlap(ym, market, clock):
    sell(market, A_1="100")
    done = market.place_order({"A-1": 1})
    _, cursor = numbers(ym)
    clock.pass_by(minutes=30)
    assert numbers(ym, cursor)[0] == [done]
    clock.pass_by(hours=2)
    _, cursor = numbers(ym, cursor)
    clock.pass_by(hours=2)
    assert numbers(ym, cursor)[0] == []
    market.hand_over(done)
    assert numbers(ym, cursor)[0] == [done]


def test_an_order_older_than_a_month_is_still_watched(ym, market, clock):
    sell(market, A_1="100")
    old = market.place_order({"A-1": 1})
    _, cursor = numbers(ym)
    clock.pass_by(days=29)
    _, cursor = numbers(ym, cursor)
    clock.pass_by(days=20)
    _, cursor = numbers(ym, cursor)
    market.deliver(old)
    assert numbers(ym, cursor)[0] == [old]
    assert [str(native["orderId"]) for native in ym.look_up("order", [old])] == [old]


def test_an_outage_of_many_weeks_loses_nothing(ym, market, clock):
    sell(market, A_1="100")
    _, cursor = numbers(ym)
    placed = []
    for _ in range(8):
        placed.append(market.place_order({"A-1": 1}))
        clock.pass_by(days=7)
    assert sorted(numbers(ym, cursor)[0]) == placed


@pytest.mark.parametrize("skew", [-50 * 60.0, 50 * 60.0, -20 * 86400.0, 20 * 86400.0])
def test_a_peer_whose_clock_is_wrong_loses_nothing(ym, market, clock, skew):
    market.skew = skew
    sell(market, A_1="100")
    seen, cursor, placed = set(), None, []
    for _ in range(4):
        placed.append(market.place_order({"A-1": 1}))
        found, cursor = numbers(ym, cursor)
        seen.update(found)
        clock.pass_by(hours=6)
    assert seen == set(placed)


def test_our_clock_that_jumps_back_loses_nothing(ym, market, clock):
    sell(market, A_1="100")
    clock.pass_by(days=10)
    _, cursor = numbers(ym)
    clock.jump(-10 * 86400)
    market.skew = 10 * 86400.0
    late = market.place_order({"A-1": 1})
    assert late in numbers(ym, cursor)[0]


def test_test_orders_come_only_when_asked_for(connect, market):
    sell(market, A_1="100")
    real, fake = market.place_order({"A-1": 1}), market.place_order({"A-1": 1}, fake=True)
    assert numbers(connect(market))[0] == [real]
    assert list(connect(market).look_up("order", [fake])) == []
    both = connect(market, orders={"test_orders": True})
    assert sorted(numbers(both)[0]) == [real, fake]
    assert [str(native["orderId"]) for native in both.look_up("order", [fake])] == [fake]


def test_orders_of_other_models_and_shops_are_not_asked_for(connect, market):
    sell(market, A_1="100")
    market.place_order({"A-1": 1}, campaign=2002)
    mine = market.place_order({"A-1": 1}, campaign=2001)
    own = market.place_order({"A-1": 1}, campaign=DBS)
    one = connect(market, warehouses={"Основной": 2001, "Свой": DBS})
    assert sorted(numbers(one)[0]) == [mine, own]
    assert numbers(connect(market, orders={"programs": ["DBS"]}))[0] == [own]
    assert {body["fake"] for body in asked(market)} == {False}


def test_orders_of_shops_that_sell_one_stock_belong_to_its_warehouse(connect, market):
    sell(market, A_1="100")
    other = market.place_order({"A-1": 1}, campaign=2002)
    one = connect(market, warehouses={"Основной": 2001}, orders={"same_stock": {"2002": 2001}})
    (native,), _ = read(one)
    order = canonical("order", native)
    assert (order.number, order.delivery.warehouse) == (other, "Основной")


def test_a_cabinet_of_many_shops_is_asked_fifty_at_a_time(connect, market):
    many = connect(market, warehouses={f"Склад {n}": n for n in range(2001, 2151)})
    numbers(many)
    assert [len(body["campaignIds"]) for body in asked(market)] == [50, 50, 50]


def test_a_list_that_never_ends_is_not_read_for_ever(ym, market):
    sell(market, A_1="100")
    for _ in range(60):
        market.place_order({"A-1": 1})
    market.faults.append(Fault(kind="custom", name="endless_list", match="orders", skip=1, times=None))
    pages = []
    with pytest.raises(IncompleteSource):
        pages.extend(ym.read("order", None))
    assert [page.cursor for page in pages if page.cursor] == []


def test_a_damaged_checkpoint_says_what_to_do(ym):
    for entity in ("order", "return", "accrual"):
        with pytest.raises(StateError, match="begins anew"):
            list(ym.read(entity, "{"))


def test_orders_are_looked_up_by_number(ym, market):
    sell(market, A_1="100")
    placed = [market.place_order({"A-1": 1}) for _ in range(4)]
    found = list(ym.look_up("order", [placed[1], placed[3], "999", "нет"]))
    assert [str(native["orderId"]) for native in found] == [placed[1], placed[3]]
    assert found[0] == next(native for native in read(ym)[0] if str(native["orderId"]) == placed[1])


def test_an_order_that_is_no_order_waits_alone(canned):
    good = {"orderId": 1, "campaignId": 2001, "items": "?", "status": "PROCESSING", "substatus": "STARTED"}
    ym = canned({f"POST {ORDERS}": [{"orders": [good]}]})
    (page, _) = [page for page in ym.read("order", None) if page.slices or page.cursor]
    with pytest.raises(Refused, match="Order 1"):
        list(page.decode(page.slices[0]))


# -- money -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [
        ("100", 3, [(2, "33.33"), (1, "33.34")]),
        ("100", 4, [(4, "25")]),
        ("0.05", 7, [(2, "0"), (5, "0.01")]),
        ("10.005", 2, [(2, "5.0025")]),
        ("0", 2, [(2, "0")]),
    ],
)
def test_prices_of_units_come_to_the_sum_exactly(total, count, expected):
    made = pieces(Decimal(total), count)
    assert made == [(units, Decimal(price)) for units, price in expected]
    assert sum(units * price for units, price in made) == Decimal(total)


def test_an_order_is_canonical_to_the_kopeck(ym, market):
    sell(market, A_1="33.35", A_2="500")
    number = market.place_order(
        [("A-1", 3), ("A-2", 1), ("A-1", 1)], points="10.02", subsidy="7.5", off="0.02", pickup=True, notes="Позвонить"
    )
    order = canonical("order", read(ym)[0][0])
    assert (order.channel, order.number, order.currency) == ("ym", number, "RUB")
    assert [(line.sku, line.quantity, line.price, line.line_id) for line in order.lines] == [
        ("A-1", 2, Decimal("33.34"), "1"),
        ("A-1", 1, Decimal("33.35"), "1"),
        ("A-2", 1, Decimal(500), "2"),
        ("A-1", 1, Decimal("33.35"), "3"),
    ]
    assert order.total == sum(line.total for line in order.lines) == Decimal("633.38")
    assert {payment.kind: payment.amount for payment in order.payments} == {
        "prepaid": Decimal("623.36"),
        "plus_points": Decimal("10.02"),
        "subsidy": Decimal("7.5"),
    }
    assert order.bonuses_spent == Decimal("10.02")
    assert (order.delivery.kind, order.delivery.warehouse) == ("marketplace", "Основной")
    assert order.delivery.pickup_point == "90001"
    assert "Казань" in order.delivery.address
    assert order.delivery.ship_by.isoformat() == "2026-06-16T20:59:59+00:00"
    assert order.comment == "Позвонить"


def test_a_shop_that_delivers_itself_has_couriers_and_pickup_points(ym, market):
    sell(market, A_1="100")
    market.place_order({"A-1": 1}, campaign=DBS, prepaid=False)
    market.place_order({"A-1": 1}, campaign=DBS, pickup=True)
    by_courier, by_pickup = (canonical("order", native) for native in read(ym)[0])
    assert (by_courier.delivery.kind, by_pickup.delivery.kind) == ("courier", "pickup")
    assert by_courier.payments[0].paid is False
    assert "кв. 7" in by_courier.delivery.address


@pytest.mark.field("E5")
def test_one_of_three_lines_is_cancelled_and_the_sums_are_right(ym, market):
    sell(market, A_1="100", A_2="50.5", A_3="33.33")
    number = market.place_order({"A-1": 2, "A-2": 1, "A-3": 3})
    market.remove_item(number, "A-2")
    market.remove_item(number, "A-3", 1)
    order = canonical("order", read(ym)[0][0])
    assert [(line.sku, line.quantity) for line in order.lines] == [("A-1", 2), ("A-3", 2)]
    assert order.total == Decimal("266.66")
    assert market.stock("A-2", 2001) == {"free": 1000, "reserved": 0}


def test_a_unit_that_is_cancelled_but_still_counted_is_not_in_the_order(ym, market):
    sell(market, A_1="100")
    market.place_order({"A-1": 3})
    native = read(ym)[0][0]
    native["items"][0]["itemStatuses"] = [{"status": "CREATED", "count": 2}, {"status": "CANCELLED", "count": 1}]
    assert [(line["count"], line["total"]) for line in shaped(native)["lines"]] == [(2, Decimal(200))]


def test_an_order_without_prices_is_not_taken_for_one_that_costs_nothing(ym, market):
    sell(market, A_1="100")
    market.place_order({"A-1": 3})
    native = read(ym)[0][0]
    del native["items"][0]["prices"]
    with pytest.raises((Refused, ValueError), match="price"):
        canonical("order", {**native, **shaped(native)})


# -- buyers ------------------------------------------------------------------------------------------------


def test_the_buyer_of_a_dbs_order_comes_with_it_while_it_is_the_sellers(connect, market, clock):
    sell(market, A_1="500")
    ym = connect(market)
    numbers = [market.place_order({"A-1": 1}, campaign=campaign) for campaign in (2001, DBS)]
    found, cursor = read(ym)
    told = {one.number: one.customer for one in (canonical("order", native) for native in found)}
    assert told[numbers[0]] is None
    assert (told[numbers[1]].name, told[numbers[1]].phone[:5]) == ("Образцов Пример", "+7000")
    assert market.calls["GET /v2/campaigns/{campaignId}/orders/{orderId}/buyer"] == 1
    (looked,) = ym.look_up("order", numbers[1:])
    assert canonical("order", looked).customer == told[numbers[1]]
    market.deliver(numbers[1])
    clock.pass_by(hours=1)
    after = {native["orderId"]: native for native in read(ym, "order", cursor)[0]}
    assert "buyer" not in after[int(numbers[1])]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_order_whose_buyer_is_not_told_comes_anyway(connect, market, status):
    sell(market, A_1="500")
    number = market.place_order({"A-1": 1}, campaign=DBS)
    market.faults.append(Fault(kind="status", status=status, match="/buyer", times=3))
    (native,) = read(connect(market))[0]
    assert (str(native["orderId"]), native.get("buyer")) == (number, None)


def test_statuses_ask_for_no_buyers(connect, market):
    sell(market, A_1="500")
    market.place_order({"A-1": 1}, campaign=DBS)
    read(connect(market), "order_status")
    assert market.calls["GET /v2/campaigns/{campaignId}/orders/{orderId}/buyer"] == 0
