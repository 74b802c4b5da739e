"""Payouts: from a report that is made in a while, told once, to the kopeck, and never lost."""

from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest

from connectors.yandex_market import paths, sheets
from connectors.yandex_market.payouts import COLUMNS, paid_out
from obmen.errors import IncompleteSource, Refused
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.order_kit import SHOPS, canonical, read, sell


@pytest.fixture
def market(make_sandbox):
    made = make_sandbox(journal=True, shops=list(SHOPS), limited=True)
    sell(made, A_1="33.34", A_2="500")
    return made


@pytest.fixture
def sold(market):
    numbers = []
    for lines in ({"A-1": 3, "A-2": 1}, {"A-2": 2}):
        number = market.place_order(lines, points="50", subsidy="20", off="0.02")
        market.deliver(number)
        numbers.append(number)
    return numbers


def refused(market):
    return [f"{e.path} {e.status}" for e in market.journal if e.status >= 400]


class Passes:
    """Passes of processes that were just started, each of which knows the cursor and the memory alone."""

    def __init__(self, connect, market, clock):
        self.connect, self.market, self.clock = connect, market, clock
        self.cursor, self.memory, self.facts = None, None, {}

    def __call__(self, **later):
        self.clock.pass_by(**later or {"minutes": 5})
        ym = self.connect(self.market)
        ym.memory = self.memory = self.memory or ym.memory
        found, self.cursor = read(ym, "accrual", self.cursor)
        told = [canonical("accrual", native) for native in found]
        assert len({one.operation_id for one in told}) == len(told)
        self.facts |= {one.operation_id: one for one in told}
        return told

    def sums(self, kind="payout"):
        found = {}
        for one in self.facts.values():
            if (one.kind == "payout") == (kind == "payout"):
                found[one.order or ""] = found.get(one.order or "", Decimal(0)) + one.amount
        return found

    def calls(self, operation):
        return self.market.calls[operation.group]


@pytest.fixture
def passes(connect, market, clock):
    return Passes(connect, market, clock)


@pytest.mark.field("F1")
def test_all_that_is_owed_is_told_and_all_that_was_paid(passes, market, sold):
    back = market.give_back(sold[0], {"A-2": 1})
    market.move_return(back, money="REFUNDED")
    market.charge("Хранение товаров на складе", "-815.40")
    market.charge("Штраф за отмену заказа", "-150.05")
    market.charge("Компенсация за утерянный товар", "500")
    market.charge("Подписка", "-99.90")
    first = market.pay_out()
    for days in (1, 0):
        passes(days=days, minutes=5)
    market.deliver(market.place_order({"A-1": 1}))
    market.charge("Хранение товаров на складе", "-10")
    second = market.pay_out()
    for days in (1, 0, 1, 0, 1, 0):
        passes(days=days, minutes=5)
    assert passes.sums("owed") == market.owed()
    assert sum(passes.sums().values()) == first + second
    assert sum(market.owed().values()) == first + second
    kinds = {one.kind: one.amount for one in passes.facts.values() if one.order is None and one.kind != "payout"}
    assert kinds.keys() == {"storage", "penalty", "compensation", "other"}
    before = dict(passes.facts)
    passes.cursor = None
    for days in (0, 0, 1, 0):
        passes(days=days, minutes=5)
    assert passes.facts == before


def test_a_report_is_begun_once_a_day_and_asked_for_when_it_is_ready(passes, market, sold):
    market.report_seconds = 1000.0
    market.pay_out()
    passes(days=1)
    for _ in range(3):
        assert passes.calls(paths.REPORT) == 0
        passes(minutes=5)
    assert not any(one.kind == "payout" for one in passes.facts.values())
    passes(minutes=5)
    assert sum(passes.sums().values()) == sum(market.owed().values())
    for _ in range(3):
        passes(hours=2)
    assert (passes.calls(paths.PAYMENTS_REPORT), passes.calls(paths.REPORT)) == (1, 1)
    assert refused(market) == []


def test_what_is_not_paid_yet_is_no_payout(passes, market, sold):
    passes(days=1)
    passes()
    assert passes.sums() == {}
    assert passes.calls(paths.SETTINGS) == 0


def test_no_data_is_no_trouble_and_is_asked_for_again_the_next_day(passes, market):
    for days in (0, 0, 0, 1):
        passes(days=days, minutes=5)
    assert passes.calls(paths.PAYMENTS_REPORT) == 2
    assert passes.facts == {}


def test_a_report_of_other_columns_is_refused_in_words_and_comes_when_they_are_known(passes, market, sold):
    market.columns = tuple(name for name in market.columns if name != "BANK_ORDER_DATE")
    market.pay_out()
    passes(days=1)
    with pytest.raises(IncompleteSource, match=r"lacks BANK_ORDER_DATE, it has .*nothing is lost"):
        passes()
    market.columns = (*reversed(COLUMNS), "SOMETHING_NEW")
    market.reports.clear()
    passes()
    passes()
    assert sum(passes.sums().values()) == sum(market.owed().values())


def test_a_report_that_is_too_large_is_asked_for_in_parts(passes, market, sold):
    paid = market.pay_out()
    market.largest_report = 10
    passes(days=20)
    for _ in range(20):
        passes(minutes=10)
    assert sum(passes.sums().values()) == paid
    assert '"paid":"2026-07-04"' in passes.cursor
    assert passes.calls(paths.PAYMENTS_REPORT) < 10
    assert refused(market) == []


def test_a_single_day_that_is_too_large_is_said_in_words(passes, market, sold):
    market.pay_out()
    market.largest_report = -1
    passes(days=1)
    with pytest.raises(IncompleteSource, match="TOO_LARGE"):
        list(iter(lambda: passes(minutes=10), None))


def test_a_report_that_cannot_be_made_is_begun_anew(passes, market, sold):
    market.pay_out()
    market.faults.append(Fault(kind="custom", name="report_failed", match="united-netting"))
    passes(days=1)
    with pytest.raises(IncompleteSource, match="RESOURCE_NOT_FOUND"):
        passes()
    passes()
    passes()
    assert sum(passes.sums().values()) == sum(market.owed().values())


def test_a_file_that_broke_off_is_fetched_again(passes, market, sold):
    market.pay_out()
    passes(days=1)
    whole = market.reports["900001"].archive
    market.reports["900001"].archive = whole[: len(whole) // 2]
    with pytest.raises(IncompleteSource, match="not the archive"):
        passes()
    market.reports["900001"].archive = whole
    passes()
    assert sum(passes.sums().values()) == sum(market.owed().values())


def told(status, amount="-5", service="Хранение", order=""):
    line = {"status": status, "service": service, "source": "", "sum": Decimal(amount)}
    return {"bankOrderId": "1", "date": "2026-06-15", "orderId": order, "currency": "RUR", "lines": [line]}


def test_a_line_of_a_status_that_nobody_knows_waits_by_itself():
    with pytest.raises(Refused, match="Отложен") as refused:
        list(paid_out(told("Отложен")))
    assert refused.value.code == "unmapped"


@pytest.mark.parametrize("status", ["Не будет переведён из-за отмены заказа", "Справочно: не будет пополнен баланс"])
def test_a_line_that_is_told_for_reference_is_no_money(status):
    assert list(paid_out(told(status))) == []


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("Хранение товара", "storage"),
        ("Буст продаж", "advertising"),
        ("Неустойка за просрочку", "penalty"),
        ("Возмещение за утрату", "compensation"),
        ("Обработка невыкупов", "return_delivery"),
        ("Организация забора заказов", "delivery"),
        ("Премия за участие в акциях", "bonus"),
        ("Что-то новое", "other"),
    ],
)
def test_words_of_a_service_tell_its_kind(service, kind):
    cost, payout = paid_out(told("Удержан из платежей покупателей", service=service))
    assert (canonical("accrual", cost).kind, payout["amount"]) == (kind, -5)


def packed(**tables: str | bytes) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"{name}.csv", text)
    return file.getvalue()


def test_a_sheet_is_found_by_its_columns_and_read_by_their_names():
    archive = packed(summary="A,X\n1,2\n", anything='\ufeffB,C,A\n" 2 ","два, три",1\n3\n')
    assert list(sheets.rows(archive, ("A", "B", "C"), "it")) == [
        {"A": "1", "B": "2", "C": "два, три"},
        {"A": "", "B": "3", "C": ""},
    ]


def test_a_sheet_that_would_fill_the_disk_is_not_read(monkeypatch):
    monkeypatch.setattr(sheets, "LARGEST", 3)
    with pytest.raises(IncompleteSource, match="larger than"):
        list(sheets.rows(packed(one="A\n1\n2\n"), ("A",), "it"))


@pytest.mark.parametrize("archive", [b"", b"PK\x03\x04", packed(one=b"A\n\xff\n"), packed(one='A\n"1')])
def test_what_is_no_archive_of_tables_says_so(archive):
    with pytest.raises(IncompleteSource, match="it is not the archive of tables"):
        list(sheets.rows(archive, ("A",), "it"))


@pytest.mark.parametrize(("day", "amount"), [("вчера", "1"), ("31.02.2026", "1"), ("2026-06-15", "много")])
def test_a_day_or_a_sum_that_is_none_is_told(passes, market, sold, day, amount):
    market.pay_out()
    passes(days=1)
    row = dict.fromkeys(COLUMNS, "") | {"BANK_ORDER_ID": "1", "BANK_ORDER_DATE": day, "TRANSACTION_SUM": amount}
    text = ",".join(COLUMNS) + "\n" + ",".join(row[name] for name in COLUMNS) + "\n"
    market.reports["900001"].archive = packed(transaction_date=text)
    with pytest.raises(IncompleteSource, match="which is none"):
        passes()
