"""Money: every sum is told once, and together they come to Ozon's own totals."""

from decimal import Decimal

import pytest

from connectors.ozon import paths
from connectors.ozon.accruals import Name, operations
from connectors.ozon.payouts import paid_out
from obmen.entities import Accrual
from obmen.errors import Denied, Refused
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import bodies, box, put
from tests.unit.ozon.test_mappings import canonical


@pytest.fixture
def ozon(connect, sandbox):
    return connect(sandbox, lookback_days=1)


def read(ozon, cursor=None):
    pages = list(ozon.read("accrual", cursor))
    return [native for page in pages for native in told(page)], pages[-1].cursor


def told(page):
    if page.expand is None:
        return [native for raw in page.slices for native in page.decode(raw)]
    return [native for natives in page.expand(page.slices) for native in natives]


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


def test_a_pass_of_the_same_day_asks_for_that_day_alone(ozon, sandbox, clock, sold):
    _, cursor = read(ozon)
    sandbox.journal.clear()
    clock.pass_by(hours=1)
    pages = list(ozon.read("accrual", cursor))
    assert [e.path for e in sandbox.journal] == [paths.ACCRUALS]
    assert [body["date"] for body in bodies(sandbox, paths.ACCRUALS)] == ["2026-06-15"]
    assert [page.cursor for page in pages] == [cursor]


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


# -- payouts -----------------------------------------------------------------------------------------------


@pytest.fixture
def months(connect, sandbox):
    return connect(sandbox, lookback_days=60)


def passed(ozon, facts, cursor=None):
    """Read once more; return the cursor."""
    found, following = read(ozon, cursor)
    records = [canonical("accrual", native) for native in found]
    assert len({one.operation_id for one in records}) == len(records)
    facts.update({one.operation_id: one for one in records})
    return following


def sums(facts):
    paid = sum((one.amount for one in facts.values() if one.kind == "payout"), Decimal(0))
    return sum((one.amount for one in facts.values()), Decimal(0)) - paid, paid


@pytest.mark.field("F1")
@pytest.mark.parametrize("listed", [False, True])
def test_all_that_is_owed_is_told_and_all_that_was_paid(months, sandbox, clock, listed):
    sandbox.listed, sandbox.points = listed, Decimal("12.34")
    sell(months, "A-1", "A-2", amount=1000)
    facts, cursor, paid = {}, None, Decimal(0)
    for turn in range(5):
        number = sandbox.place_order({"A-1": 2, "A-2": 1})
        sandbox.deliver(number)
        sandbox.charge(5, "-12.30", "A-2")
        clock.pass_by(days=3)
        sandbox.send_back(number, "A-1", 1)
        for type_id, amount in ((8, "-150.05"), (9, "500"), (10, "-990"), (6, "-31.41")):
            sandbox.charge(type_id, amount)
        if turn % 2 == 0:
            paid += sandbox.pay_out()
        clock.pass_by(days=4)
        cursor = passed(months, facts, cursor)
        assert sums(facts) == (sandbox.owed(), paid)
    before = dict(facts)
    passed(months, facts, cursor)
    clock.pass_by(days=1)
    passed(months, facts, None)
    assert facts == before
    payouts = [one for one in facts.values() if one.kind == "payout"]
    assert [(one.order, one.currency) for one in payouts] == [(None, "RUB")] * 3
    assert {one.occurred_at.date().isoformat() for one in payouts} == {"2026-06-30", "2026-07-15", "2026-07-31"}


def test_payouts_are_asked_for_once_a_day(months, sandbox, clock):
    sandbox.charge(9, "500")
    sandbox.pay_out()
    facts, cursor = {}, None
    for _ in range(4):
        cursor = passed(months, facts, cursor)
        clock.pass_by(hours=3)
    assert len(bodies(sandbox, paths.STATEMENT)) == 1
    clock.pass_by(days=1)
    cursor = passed(months, facts, cursor)
    asked = bodies(sandbox, paths.STATEMENT)
    assert [body["date"]["from"] for body in asked] == ["2026-04-13T00:00:00Z", "2026-05-02T00:00:00Z"]


def test_each_period_is_a_page_of_its_own(months, sandbox, clock):
    for _ in range(3):
        sandbox.charge(9, "100")
        sandbox.pay_out()
        clock.pass_by(days=16)
    facts = {}
    passed(months, facts)
    assert sums(facts) == (300, 300)
    assert [body["page"] for body in bodies(sandbox, paths.STATEMENT)] == [1, 2, 3]


def test_accruals_are_kept_where_the_statement_cannot_be_had(months, sandbox, sold):
    sandbox.faults.append(Fault(kind="status", status=403, match="cash-flow", times=9))
    pages = []
    with pytest.raises(Denied):
        pages.extend(months.read("accrual", None))
    assert any(page.slices for page in pages)
    assert pages[-1].cursor == '{"day":"2026-06-15","settled":null}'


def test_a_payment_of_no_period_waits_in_quarantine():
    with pytest.raises(Refused) as refused:
        list(paid_out(b'{"payments": [{"payment": -5, "currency_code": "RUB"}]}'))
    assert refused.value.code == "bad_payout"
    assert list(paid_out(b'{"payments": [{"payment": 0}]}')) == []


def test_money_that_is_paid_for_a_claim_is_no_payout():
    assert Name.of({"id": 1, "name": "Выплата по претензии", "description": ""}, {}).kind == "other"
