"""Money: every sum is told once, and together they come to Ozon's own totals."""

from decimal import Decimal

import pytest

from connectors.ozon import paths
from connectors.ozon.accruals import Name, operations
from obmen.entities import Accrual
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import bodies, box, put
from tests.unit.ozon.test_mappings import canonical


@pytest.fixture
def ozon(connect, sandbox):
    return connect(sandbox, lookback_days=1)


def read(ozon, cursor=None):
    pages = list(ozon.read("accrual", cursor))
    return [n for page in pages for raw in page.slices for n in page.decode(raw)], pages[-1].cursor


def records(ozon, cursor=None):
    return [canonical("accrual", native) for native in read(ozon, cursor)[0]]


def total(sandbox):
    return sum(Decimal(one["total_amount"]["amount"]) for one in sandbox.accrued)


@pytest.fixture
def sold(ozon, sandbox):
    sell(ozon, "A-1", "A-2", amount=1000)
    number = sandbox.place_order({"A-1": 2, "A-2": 1})
    sandbox.deliver(number)
    return number


def test_a_sale_is_taken_apart_by_kind_and_article(ozon, sandbox, sold):
    found = records(ozon)
    told = {(one.sku, one.kind, one.title): one.amount for one in found}
    assert told == {
        ("A-1", "sale", "Продажа"): 3980,
        ("A-1", "commission", "Комиссия за продажу"): -796,
        ("A-1", "delivery", "Логистика"): -76,
        ("A-1", "delivery", "Последняя миля"): Decimal("-25.5"),
        ("A-2", "sale", "Продажа"): 1990,
        ("A-2", "commission", "Комиссия за продажу"): -398,
        ("A-2", "delivery", "Логистика"): -76,
        ("A-2", "delivery", "Последняя миля"): Decimal("-25.5"),
    }
    assert {one.order for one in found} == {sold}
    assert sum(one.amount for one in found) == total(sandbox)
    assert all(isinstance(one, Accrual) and one.currency == "RUB" for one in found)


def test_fees_of_an_article_and_of_the_seller(ozon, sandbox, sold):
    sandbox.charge(5, "-12.30", "A-2")
    sandbox.charge(10, "-990.00")
    sandbox.charge(9, "500.00", unit="С-1")
    kinds = {(one.kind, one.sku, one.amount, one.order) for one in records(ozon) if one.order is None}
    assert kinds == {
        ("storage", "A-2", Decimal("-12.3"), None),
        ("other", None, Decimal(-990), None),
        ("compensation", None, Decimal(500), None),
    }


def test_a_return_takes_the_sale_back(ozon, sandbox, sold):
    sandbox.send_back(sold, "A-1", 1)
    found = [one for one in records(ozon) if one.sku == "A-1"]
    assert {one.kind: one.amount for one in found if one.kind in {"refund", "return_delivery"}} == {
        "refund": -1990,
        "return_delivery": -50,
    }
    assert sum(one.amount for one in records(ozon)) == total(sandbox)


def test_points_that_are_no_part_of_the_sale_are_told_beside_it(ozon, sandbox):
    sandbox.points = Decimal("100.00")
    sell(ozon, "A-1", amount=10)
    sandbox.deliver(sandbox.place_order({"A-1": 1}))
    found = records(ozon)
    assert [one.amount for one in found if one.kind == "bonus"] == [100]
    assert sum(one.amount for one in found) == total(sandbox)


def test_a_day_that_is_read_again_doubles_nothing(ozon, sandbox, clock, sold):
    first, cursor = read(ozon)
    ids = [native["operation_id"] for native in first]
    assert len(set(ids)) == len(ids)
    sandbox.charge(5, "-1.00", "A-1")
    again, _ = read(ozon, cursor)
    assert {one["operation_id"] for one in again} > set(ids)
    assert [one for one in again if one["operation_id"] in set(ids)] == first


def test_each_day_is_asked_for_from_where_the_last_pass_stood(connect, sandbox, clock):
    ozon = connect(sandbox, lookback_days=5)
    _, cursor = read(ozon)
    days = [body["date"] for body in bodies(sandbox, paths.ACCRUALS)]
    assert (days[0], days[-1], len(days)) == ("2026-06-07", "2026-06-15", 9)
    sandbox.journal.clear()
    clock.pass_by(days=2)
    read(ozon, cursor)
    days = [body["date"] for body in bodies(sandbox, paths.ACCRUALS)]
    assert days == [f"2026-06-{day}" for day in range(12, 18)]


def test_pages_of_a_day(ozon, sandbox, sold):
    sandbox.accruals_per_page = 2
    for _ in range(6):
        sandbox.charge(5, "-1.00", "A-1")
    assert sum(one.kind == "storage" for one in records(ozon)) == 6


def test_the_parts_of_one_order_are_accrued_under_its_number(ozon, sandbox):
    sell(ozon, "A-1", amount=10)
    number = sandbox.place_order({"A-1": 2})
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))])
    for one in list(sandbox.postings):
        sandbox.deliver(one)
    assert {one.order for one in records(ozon)} == {number}


def test_an_article_that_is_gone_leaves_the_money(ozon, sandbox, sold):
    del sandbox.products["A-2"]
    found = records(ozon)
    assert {one.sku for one in found} == {"A-1", None}
    assert sum(one.amount for one in found) == total(sandbox)


def test_a_kind_that_is_guessed_wrong_is_told_by_option(connect, ozon, sandbox, sold):
    sandbox.charge(10, "-990.00")
    for options in ({10: "advertising"}, {"Subscription": "advertising"}, {"Подписка Premium": "advertising"}):
        own = connect(sandbox, accrual_kinds=options, lookback_days=1)
        assert [one.kind for one in records(own) if one.amount == -990] == ["advertising"]


def money(amount):
    return {"amount": amount, "currency": "RUB"}


def test_money_in_a_field_that_nobody_knows_is_not_lost():
    accrual = {"accrual_id": 1, "date": "2026-06-15", "unit_number": "", "total_amount": money("-7.50")}
    fee = {"type_id": 77, "accrued": money("-5.00")}
    (known, rest) = operations({**accrual, "non_item_fee": fee}, None, {}, {})
    assert (known["kind"], known["title"], known["amount"]) == ("other", "Начисление 77", "-5.00")
    assert (rest["kind"], rest["amount"], rest["operation_id"]) == ("other", "-2.50", "1:rest")


def test_two_sums_alike_in_one_accrual_stay_two():
    fee = {"type_id": 5, "accrued": money("-1.00")}
    accrual = {
        "accrual_id": 1,
        "date": "2026-06-15",
        "total_amount": money("-2.00"),
        "item_fees": {"fees": [{"sku": 9, "fees": [fee, fee]}]},
    }
    found = list(operations(accrual, None, {"9": "A-9"}, {5: Name("Хранение", "storage")}))
    assert [one["operation_id"] for one in found] == ["1:9.5.1", "1:9.5.2"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Оплата эквайринга", "acquiring"),
        ("Штраф за отмену", "penalty"),
        ("Обработка возврата", "return_delivery"),
        ("Доставка до покупателя", "delivery"),
        ("Продвижение в поиске", "advertising"),
        ("Начисление по спору", "other"),
    ],
)
def test_words_of_a_type_tell_its_kind(name, kind):
    assert Name.of({"id": 1, "name": name, "description": ""}, {}).kind == kind


def test_no_accruals_are_no_trouble(ozon):
    assert natives(ozon, "accrual") == []
