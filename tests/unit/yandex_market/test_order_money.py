"""Returns and money: read whole, named the same each time, and to the kopeck."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from connectors.yandex_market.finance import operations
from obmen.errors import Refused
from tests.unit.yandex_market.order_kit import SHOPS, bound, canonical, read, sell


@pytest.fixture
def market(make_sandbox):
    made = make_sandbox(journal=True, shops=list(SHOPS))
    sell(made, A_1="33.34", A_2="500")
    return made


@pytest.fixture
def delivered(market):
    number = market.place_order({"A-1": 3, "A-2": 1}, points="50", subsidy="20", off="0.02")
    market.deliver(number)
    return number


def returns(ym, cursor=None):
    found, following = read(ym, "return", cursor)
    return [canonical("return", native) for native in found], following


# -- returns -----------------------------------------------------------------------------------------------


def test_a_return_has_the_prices_of_its_order(ym, market, delivered):
    number = market.give_back(delivered, {"A-1": 2, "A-2": 1})
    ((back,), _) = returns(ym)
    assert (back.channel, back.number, back.order, back.state) == ("ym", number, delivered, "requested")
    assert [(line.sku, line.quantity, line.price) for line in back.lines] == [
        ("A-1", 2, Decimal("33.33")),
        ("A-2", 1, Decimal(500)),
    ]
    assert back.total == Decimal("566.67")
    assert {line.reason for line in back.lines} == {"DOES_NOT_FIT"}


@pytest.mark.field("E7")
def test_the_life_of_a_return_is_seen_step_by_step_and_said_three_times_it_is_the_same(ym, market, clock, delivered):
    number = market.give_back(delivered, {"A-1": 1})
    seen, cursor = [], None
    for change in (
        {"money": "DECISION_MADE"},
        {"goods": "IN_TRANSIT"},
        {"goods": "READY_FOR_PICKUP"},
        {"money": "REFUNDED"},
        {"goods": "PICKED"},
    ):
        market.move_return(number, **change)
        for _ in range(3):
            (back,), cursor = returns(ym, cursor)
        seen.append(back.state)
        clock.pass_by(days=1)
    assert seen == ["approved", "in_transit", "in_transit", "in_transit", "received"]


def test_a_refund_without_goods_and_an_order_that_was_not_fetched(ym, market, delivered):
    kept = market.give_back(delivered, {"A-1": 1}, keeps_goods=True)
    market.move_return(kept, money="REFUNDED")
    other = market.place_order({"A-2": 1}, campaign=2002)
    market.hand_over(other)
    refused = market.refuse(other)
    states = {back.number: (back.state, back.reason) for back in returns(ym)[0]}
    assert states == {kept: ("refunded", "RETURN"), refused: ("requested", "UNREDEEMED")}
    market.move_return(refused, goods="LOST")
    assert {back.number: back.state for back in returns(ym)[0]}[refused] == "refunded"


def test_returns_are_read_from_the_day_of_the_cursor_and_looked_up_by_their_ids(ym, market, clock, delivered):
    number = market.give_back(delivered, {"A-1": 1})
    _, cursor = returns(ym)
    clock.pass_by(days=5)
    _, cursor = returns(ym, cursor)
    clock.pass_by(days=5)
    assert returns(ym, cursor)[0] == []
    (found,) = ym.look_up("return", [f"{delivered}|{number}", f"{delivered}|1", "2|2"])
    assert canonical("return", found).number == number


def test_a_return_of_an_order_that_is_too_old_to_be_told_has_no_prices(connect, market, clock):
    ym = connect(market, orders={"track_days": 30})
    number = market.place_order({"A-2": 1})
    market.deliver(number)
    clock.pass_by(days=40)
    market.give_back(number, {"A-2": 1})
    ((back,), _) = returns(ym)
    assert [(line.sku, line.quantity, line.price) for line in back.lines] == [("A-2", 1, None)]
    assert back.total == 500


def test_many_returns_cost_one_call_for_their_orders(ym, market):
    for _ in range(30):
        number = market.place_order({"A-2": 1})
        market.deliver(number)
        market.give_back(number, {"A-2": 1})
    assert len(returns(ym)[0]) == 30
    assert market.calls["POST /v1/businesses/{businessId}/orders"] == 1


def test_a_return_that_is_none_waits_alone(ym):
    (good, bad) = ym._expanded(
        [
            b'{"id": 1, "orderId": 2, "returnType": "RETURN", "items": [{"shopSku": "A", "count": 1}]}',
            b'{"id": 2, "orderId": 2, "returnType": "RETURN", "items": "?"}',
        ]
    )
    assert good[0]["stage"] == "money:UNKNOWN"
    assert isinstance(bad, Refused)


# -- accruals ----------------------------------------------------------------------------------------------


def accruals(ym, cursor=None):
    found, following = read(ym, "accrual", cursor)
    return [canonical("accrual", native) for native in found], following


@pytest.mark.field("F1")
def test_the_money_of_an_order_is_the_reports_to_the_kopeck(ym, market, clock, delivered):
    back = market.give_back(delivered, {"A-2": 1})
    market.move_return(back, money="REFUNDED")
    clock.pass_by(hours=1)
    found, _ = accruals(ym)
    sums = {}
    for one in found:
        what = one.operation_id.split("/")[1]
        sums[what] = sums.get(what, Decimal(0)) + one.amount
        assert (one.channel, one.currency, one.order) == ("ym", "RUB", delivered)
    told = market.money(delivered)
    assert sums == {"payment": told["payments"], "service": -told["services"], "points": told["points"]}
    assert {one.kind for one in found} == {"sale", "refund", "commission", "acquiring", "delivery", "bonus"}
    assert all(one.amount < 0 for one in found if one.kind in {"refund", "commission", "acquiring", "delivery"})


def test_money_is_named_the_same_whenever_it_is_read(ym, market, clock, delivered):
    clock.pass_by(hours=1)
    first, cursor = accruals(ym)
    assert first == accruals(ym)[0] == accruals(ym, cursor)[0]
    assert len({one.operation_id for one in first}) == len(first)
    clock.pass_by(days=10)
    assert accruals(ym, accruals(ym, cursor)[1])[0] == []


def test_what_is_too_young_for_the_report_comes_with_the_next(ym, market, clock, delivered):
    found, cursor = accruals(ym)
    assert found == []
    clock.pass_by(hours=1)
    assert accruals(ym, cursor)[0]


def test_the_money_of_test_orders_is_not_counted(connect, market, clock):
    market.deliver(market.place_order({"A-2": 1}, fake=True))
    clock.pass_by(hours=1)
    assert accruals(connect(market))[0] == []
    assert accruals(connect(market, orders={"test_orders": True}))[0]


def test_sums_of_one_kind_are_added_and_payments_without_a_number_stay_apart():
    payment = {"type": "PAYMENT", "source": "BUYER", "total": 10.5, "date": "2026-06-20"}
    order = {
        "id": 7,
        "currency": "RUR",
        "creationDate": "2026-06-15",
        "payments": [payment, payment],
        "commissions": [{"type": "FEE", "actual": 1.1}, {"type": "FEE", "actual": 2.2}],
        "subsidies": [
            {"operationType": "ACCRUAL", "type": "SUBSIDY", "amount": 5},
            {"operationType": "DEDUCTION", "type": "SUBSIDY", "amount": 2},
        ],
    }
    made = {one["operationId"]: one for one in operations(order)}
    assert {name: one["amount"] for name, one in made.items()} == {
        "7/payment/PAYMENT/BUYER": Decimal("10.5"),
        "7/payment/PAYMENT/BUYER/2": Decimal("10.5"),
        "7/service/FEE": Decimal("-3.3"),
        "7/points/SUBSIDY ACCRUAL": Decimal(5),
        "7/points/SUBSIDY DEDUCTION": Decimal(-2),
    }
    paid = canonical("accrual", made["7/payment/PAYMENT/BUYER"])
    assert paid.occurred_at == datetime(2026, 6, 19, 21, tzinfo=UTC)


def test_a_new_kind_of_service_waits_and_holds_up_nothing():
    with pytest.raises(Refused) as refused:
        bound("accrual").pull({"type": "service:MOON_DELIVERY"}, {})
    assert refused.value.code == "unmapped"


def test_money_that_is_no_money_waits_alone(ym, canned):
    order = {"id": 1, "currency": "RUR", "payments": [{"type": "PAYMENT"}]}
    broken = canned({"POST /v2/campaigns/2001/stats/orders": [{"status": "OK", "result": {"orders": [order]}}]})
    page = next(iter(broken.read("accrual", None)))
    with pytest.raises(Refused, match="order 1"):
        list(page.decode(page.slices[0]))


def test_the_report_is_asked_for_by_days_of_change(ym, market):
    list(ym.read("accrual", None))
    bodies = [msgspec.json.decode(e.request_body) for e in market.journal if e.path.endswith("stats/orders")]
    assert {tuple(body) for body in bodies} == {("updateFrom", "updateTo")}
