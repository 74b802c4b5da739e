"""Each kind of difference, and what looks like one and is none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from obmen.facts.kept import Accrual, Facts, Order, OrderLine, Return, Status
from obmen.facts.settlement import settle
from tests.unit.facts.month import BEGIN, TERMS

READ = {"shop": frozenset({"order", "return", "accrual"})}


def order(number: str = "1", *lines: tuple[str, int, str]) -> Order:
    made = tuple(OrderLine(sku, Decimal(count), Decimal(price)) for sku, count, price in lines or [("A", 1, "100")])
    return Order("shop", number, BEGIN, "RUB", made)


def accrual(kind: str, amount: str, day: float = 3, **more: object) -> Accrual:
    values: dict[str, object] = {"order": "1", "operation_id": f"{kind}{amount}{day}{sorted(more.items())}"}
    at = BEGIN + timedelta(days=day)
    told = {"channel": "shop", "kind": kind, "amount": Decimal(amount), "currency": "RUB", "occurred_at": at}
    return Accrual(**{**values, **told, **more})  # type: ignore[arg-type] # fields by name


def told(
    *accruals: Accrual,
    orders: list[Order] | None = None,
    statuses: tuple[Status, ...] = (),
    returns: tuple[Return, ...] = (),
) -> list[tuple[str, str, Decimal]]:
    happened = Facts(orders if orders is not None else [order()], statuses, returns, accruals, read=READ)
    return [(one.kind, one.order, one.amount) for one in settle(happened, TERMS).differences]


def back(state: str = "received", day: int = 10) -> Return:
    return Return("shop", "R1", "1", state, BEGIN + timedelta(days=day), (OrderLine("A", Decimal(1), Decimal(100)),))


@pytest.mark.field("N13")
def test_two_units_may_be_accrued_apart_and_one_may_not() -> None:
    pair = [accrual("sale", "100", operation_id="a"), accrual("sale", "100", operation_id="b")]
    fees = [accrual("delivery", "-30", operation_id="c"), accrual("delivery", "-30", operation_id="d")]
    assert told(*pair, *fees, orders=[order("1", ("A", 2, "100"))]) == []
    assert told(*pair, *fees) == [("doubled", "1", Decimal(-70))]
    assert told(pair[0], *fees) == [("doubled", "1", Decimal(30))]


@pytest.mark.field("N13")
def test_a_whole_accrual_of_several_units_that_is_told_twice_is_one_difference() -> None:
    twice = [
        accrual(kind, amount, operation_id=f"{kind}{copy}")
        for copy in range(2)
        for kind, amount in (("sale", "200"), ("commission", "-40"), ("delivery", "-30"))
    ]
    assert told(*twice, orders=[order("1", ("A", 2, "100"))]) == [("doubled", "1", Decimal(-130))]


@pytest.mark.field("N13")
def test_a_doubled_accrual_that_the_channel_does_not_pay_is_not_told_as_unpaid_too() -> None:
    twice = [accrual("sale", "100", operation_id=id_) for id_ in "ab"]
    paid = accrual("payout", "100", day=9)
    assert told(*twice, paid) == [("doubled", "1", Decimal(-100))]


@pytest.mark.field("N13")
@pytest.mark.parametrize("status", ["cancelled", "delivered"])
def test_money_given_back_for_a_cancelled_order_needs_no_return(status: str) -> None:
    found = told(accrual("sale", "100"), accrual("refund", "-100"), statuses=(Status("shop", "1", status),))
    assert found == ([] if status == "cancelled" else [("return", "1", Decimal(100))])


@pytest.mark.field("N13")
def test_a_refund_whose_goods_are_long_on_their_way_is_a_lost_return() -> None:
    sums = (accrual("sale", "100"), accrual("refund", "-100", day=10))
    assert told(*sums, returns=(back("in_transit"),)) == [("return", "1", Decimal(100))]
    assert told(*sums, returns=(back("in_transit", day=60),)) == []
    assert told(*sums, returns=(back("rejected"),)) == [("return", "1", Decimal(100))]


@pytest.mark.field("N13")
def test_goods_that_came_back_before_they_were_sold_need_no_refund() -> None:
    assert told(accrual("return_delivery", "-50"), returns=(back(),)) == []
    late = accrual("sale", "100", day=20)
    assert [kind for kind, _, _ in told(late, returns=(back(),))] == ["return", "period"]


@pytest.mark.field("N13")
def test_a_sale_of_an_order_under_way_is_wrong_unless_the_channel_accrues_prepayments() -> None:
    numbers = [str(number) for number in range(1, 11)]
    orders = [order(number) for number in numbers]
    statuses = tuple(Status("shop", number, "shipped") for number in numbers)
    one = accrual("sale", "100")
    assert told(one, orders=orders, statuses=statuses) == [("period", "1", Decimal(-100))]
    all_ = [accrual("sale", "100", order=number) for number in numbers]
    assert told(*all_, orders=orders, statuses=statuses) == []


@pytest.mark.field("N13")
def test_a_sum_paid_out_that_nothing_explains_is_told_once_the_account_is_known() -> None:
    sums = [
        accrual("sale", "100", day=3),
        accrual("sale", "70", day=12, order="2"),
        accrual("sale", "9", day=13, order="3"),
    ]
    first, second = accrual("payout", "250", day=7, order=None), accrual("payout", "60", day=14, order=None)
    orders = [order(number) for number in "123"]
    assert told(*sums, first, second, orders=orders) == [("payout", "", Decimal(19))]


@pytest.mark.field("N13")
def test_what_is_due_and_in_no_later_payout_is_told() -> None:
    sums = [accrual("sale", "100", day=3), accrual("sale", "70", day=12, order="2")]
    paid = accrual("payout", "100", day=7, order=None)
    assert told(*sums, paid, orders=[order(), order("2")]) == [("payout", "", Decimal(70))]


def test_nothing_is_missed_where_no_payout_was_ever_read() -> None:
    assert told(accrual("sale", "100")) == []


def test_shares_that_do_not_agree_judge_nobody() -> None:
    orders = [order(str(number)) for number in range(20)]
    sums = []
    for number in range(20):
        sums += [
            accrual("sale", "100", order=str(number)),
            accrual("commission", f"-{10 + number % 2}", order=str(number)),
        ]
    assert told(*sums, orders=orders) == []
