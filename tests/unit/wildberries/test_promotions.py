"""Promotions of the calendar: named beside the prices that they make, asked for once and within the limits."""

from decimal import Decimal

import pytest

from connectors.wildberries import Wildberries, paths, promotions
from connectors.wildberries.sandbox import VENDOR
from connectors.wildberries.sandbox.door import BASIC
from obmen.connector import Connector
from obmen.errors import Refused
from obmen.promotion import Promotion
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.conftest import added, batch, natives, price, settled

CALENDAR, GOODS = f"GET {paths.PROMOTIONS}", f"GET {paths.PROMOTION_GOODS}"


def named(wb):
    return {native["vendorCode"]: native.get("promotions", []) for native in natives(wb, "price")}


def later(clock):
    clock.advance(promotions.FRESH.total_seconds() + 1)


@pytest.mark.field("C7")
def test_c7_a_promotion_is_named_beside_the_price_that_it_makes(wb, sandbox):
    one, two = added(sandbox, "A-1", price=1000), added(sandbox, "A-2", price=1000)
    added(sandbox, "A-3", price=1000, discount=40)  # cheaper than the promotion asks
    sandbox.promote("Неделя кружек", {"A-1": 21, "A-3": 20})
    first, second, third = natives(wb, "price")
    assert first == {
        "product": one,
        "vendorCode": "A-1",
        "amount": "790",
        "currency": "RUB",
        "old_amount": "1000",
        "promotions": ["Неделя кружек"],
    }
    assert list(wb.look_up("price", [one, two])) == [first, second]
    assert wb.promotion("price", first) == Promotion(one, Decimal(790), ("Неделя кружек",))
    assert [wb.promotion("price", other) for other in (second, third)] == [None, None]
    assert wb.promotion("stock", first) is None


def test_of_two_promotions_the_one_that_makes_the_price_is_named(wb, sandbox):
    added(sandbox, "A-1", price=1000)
    sandbox.promote("Слабая", {"A-1": 10})
    sandbox.promote("Сильная", {"A-1": 25})
    assert named(wb) == {"A-1": ["Сильная"]}


@pytest.mark.parametrize(
    ("sold", "discount", "made"),
    [("990", 34, True), ("1000", 33, True), ("1000.00", 0, True), ("900", 40, False), ("1500", 0, False)],
)
def test_a_price_is_a_promotions_by_its_discount_or_by_what_it_comes_to(sold, discount, made):
    assert promotions.Joined("Неделя кружек", Decimal(1000), 34).made(Decimal(sold), discount) == made
    assert not promotions.Joined("Без плана", None, None).made(Decimal(sold), discount)


def test_only_promotions_that_run_are_named(wb, sandbox, clock):
    added(sandbox, "A-1", price=1000)
    sandbox.promote("Скоро", {"A-1": 20}, begins=3600, days=1)
    assert named(wb) == {"A-1": []}
    assert sandbox.calls[GOODS] == 0
    clock.advance(3601)
    assert named(wb) == {"A-1": ["Скоро"]}
    clock.advance(86400)
    assert (named(wb), sandbox.calls[GOODS]) == ({"A-1": []}, 1)
    assert [native["amount"] for native in natives(wb, "price")] == ["800"]  # the discount stayed


def test_promotions_whose_goods_are_not_told_are_not_asked_for_them(wb, sandbox):
    added(sandbox, "A-1", price=1000)
    sandbox.promote("Само собой", {"A-1": 20}, kind="auto")
    assert named(wb) == {"A-1": []}
    assert (sandbox.calls[CALENDAR], sandbox.calls[GOODS]) == (1, 0)


def test_the_calendar_is_asked_once_and_not_for_every_good_or_page(wb, sandbox, clock):
    ids = [added(sandbox, f"A-{n}", price=1000) for n in range(5)]
    sandbox.promote("Неделя кружек", {"A-1": 20})
    for id_ in ids:
        assert len(list(wb.look_up("price", [id_]))) == 1
    named(wb)
    assert (sandbox.calls[CALENDAR], sandbox.calls[GOODS]) == (1, 1)
    later(clock)
    named(wb)
    assert (sandbox.calls[CALENDAR], sandbox.calls[GOODS]) == (2, 2)


def test_a_promotion_and_its_goods_are_read_to_their_ends(wb, sandbox, monkeypatch):
    monkeypatch.setattr(promotions, "PROMOTION_LIMIT", 2)
    codes = [f"A-{n}" for n in range(5)]
    for code in codes:
        added(sandbox, code, price=1000)
    for n in range(4):
        sandbox.promote(f"Пустая {n}", {})
    sandbox.promote("Последняя", dict.fromkeys(codes, 20))
    assert named(wb) == {code: ["Последняя"] for code in codes}
    assert (sandbox.calls[CALENDAR], sandbox.calls[GOODS]) == (3, 4 + 3)


def test_a_promotion_that_ends_meanwhile_stops_nothing(wb, sandbox):
    added(sandbox, "A-1", price=1000)
    sandbox.promote("Неделя кружек", {"A-1": 20})
    sandbox.promotions[0].over = True
    assert named(wb) == {"A-1": []}


def test_a_calendar_that_refuses_is_no_empty_one(wb, sandbox):
    added(sandbox, "A-1", price=1000)
    sandbox.faults.append(Fault(kind="status", status=400, match="calendar", times=None))
    with pytest.raises(Refused):
        named(wb)


def test_the_limits_of_the_calendar_are_kept(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=VENDOR)
    added(sandbox, "A-1", price=1000)
    for n in range(19):
        sandbox.promote(f"Пустая {n}", {})
    sandbox.promote("Неделя кружек", {"A-1": 20})
    assert named(connect(sandbox)) == {"A-1": ["Неделя кружек"]}
    assert (sandbox.calls[CALENDAR], sandbox.calls[GOODS]) == (1, 20)
    assert 6 < sum(clock.sleeps) < 20


def test_a_basic_token_does_not_ask_the_calendar(sandbox, connect):
    added(sandbox, "A-1", price=1000)
    sandbox.promote("Неделя кружек", {"A-1": 20})
    sandbox.issue_token(kind=BASIC)
    assert named(connect(sandbox)) == {"A-1": []}
    assert sandbox.calls[CALENDAR] == 0


def test_a_price_that_is_dearer_than_the_promotion_takes_the_good_out_of_it(wb, sandbox, clock):
    product = added(sandbox, "A-1", price=1000)
    sandbox.promote("Неделя кружек", {"A-1": 20})
    assert named(wb) == {"A-1": ["Неделя кружек"]}
    settled(wb, clock, "price", batch("product", price(product, "1000")))
    later(clock)
    assert (named(wb), [one.goods for one in sandbox.promotions]) == ({"A-1": []}, [set()])


def test_there_is_no_call_to_leave_one():
    assert Wildberries.leave is Connector.leave
