"""Money: the records of a report come to its total to the kopeck, and each is told once."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice

import msgspec
import pytest

from connectors.wildberries import finance
from obmen.errors import StateError
from obmen.facts.books import Terms
from obmen.facts.commissioner import as_document, reports
from obmen.facts.kept import Accrual, Facts
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.orders.conftest import canonical, read, refusals, sent

WEEK = date(2026, 6, 8)


@pytest.fixture
def report(sandbox):
    sold, back, free = (sandbox.place_order("A-1", price=price) for price in (179_100, 99_050, 1))
    id_ = sandbox.open_report(WEEK)
    sandbox.book_sale(id_, sold, due="1400.37", acquiring="26.87")
    sandbox.book_return(id_, back, due="800.10", acquiring="14.86")
    sandbox.book_sale(id_, free, due="0.01")
    sandbox.book(id_, order=sold, deliveryService="93.40", deliveryAmount=1, bonusTypeName="К клиенту при продаже")
    sandbox.book(id_, order=back, deliveryService="50", returnAmount=1, bonusTypeName="От клиента при возврате")
    sandbox.book(id_, paidStorage="12647.29", sellerOperName="Хранение")
    sandbox.book(id_, paidAcceptance="865", sellerOperName="Операции на приёмке")
    sandbox.book(id_, deduction="5000", sellerOperName="Удержание", bonusTypeName="Услуга «WB Продвижение»")
    sandbox.book(id_, deduction="354", sellerOperName="Удержание", bonusTypeName="Услуга «Джем»")
    sandbox.book(id_, order=back, penalty="231.35", sellerOperName="Штраф")
    sandbox.book(id_, additionalPayment="120.5", sellerOperName="Корректировка ВВ")
    sandbox.book(id_, order=sold, cashbackAmount="2", cashbackDiscount="19", cashbackCommissionChange="0.2")
    sandbox.book(id_, sellerOperName="Пусто")
    return id_


def records(wb, cursor=None):
    found, following = read_pages(wb, cursor)
    return [canonical("accrual", native) for native in found], following


def read_pages(wb, cursor=None):
    found, following = [], cursor
    for page in wb.read("accrual", cursor):
        found += [native for raw in page.slices for native in page.decode(raw)]
        following = page.cursor or following
    return found, following


@pytest.mark.field("F1")
def test_the_records_of_a_report_come_to_what_it_pays_out(wb, sandbox, report):
    found, _ = records(wb)
    total = sum((one.amount for one in found if one.kind != "payout"), Decimal(0))
    (payout,) = [one for one in found if one.kind == "payout"]
    assert total == payout.amount == Decimal(sandbox.state()["payouts"][str(report)])
    assert total < 0


@pytest.mark.field("F1")
def test_all_that_is_owed_is_told_and_all_that_was_paid(connect, connect_anew, sandbox, clock):
    facts, cursor, owed = {}, None, Counter()
    for week in range(4):
        begin = WEEK + timedelta(days=7 * week)
        clock.pass_by(days=7)
        sold = [sandbox.place_order("A-1", price=price) for price in (179_100, 99_950, 33_333)]
        id_ = sandbox.open_report(begin)
        for number, due in zip(sold, ("1400.37", "711.05", "0.01"), strict=True):
            sandbox.book_sale(id_, number, due=due, acquiring="13.37")
            sandbox.book(id_, order=number, deliveryService="57.35", deliveryAmount=1)
            owed[number] += Decimal(due) - Decimal("57.35")
        sandbox.book_return(id_, sold[1], due="711.05", acquiring="13.37")
        sandbox.book(id_, order=sold[1], deliveryService="50", returnAmount=1, penalty="99.99")
        owed[sold[1]] -= Decimal("711.05") + Decimal("149.99")
        sandbox.book(id_, paidStorage="815.40", sellerOperName="Хранение")
        sandbox.book(id_, penalty="231.35", additionalPayment="120.5", paidAcceptance="11", deduction="354")
        owed[None] += Decimal("120.5") - Decimal("815.40") - Decimal("231.35") - 11 - 354
        for _ in range(2):
            found, cursor = records(connect_anew(sandbox), cursor)
            assert len({one.operation_id for one in found}) == len(found)
            assert not facts.keys() & {one.operation_id for one in found}
            facts |= {one.operation_id: one for one in found}
    told = Counter()
    for one in facts.values():
        told["paid" if one.kind == "payout" else one.order] += one.amount
    paid = told.pop("paid")
    assert told == owed
    assert paid == sum(owed.values()) == sum(map(Decimal, sandbox.state()["payouts"].values()))
    again, _ = records(connect(sandbox))
    assert {one.operation_id: one for one in again} == facts
    assert refusals(sandbox) == []


@pytest.mark.field("F1")
def test_f1_the_commissioner_s_report_of_a_report_has_its_totals(wb, sandbox, report):
    """Of one that is negative in sum, with every column that a row may have."""
    found, _ = records(wb)
    kept = [msgspec.json.decode(one.encoded(), type=Accrual) for one in found]
    (paper,) = reports(Facts(accruals=kept), Terms(datetime(2026, 8, 1, tzinfo=UTC)), str(report))
    paid = Decimal(sandbox.state()["payouts"][str(report)])
    assert paper.due == paper.paid == paid
    assert (paper.total("sold"), paper.total("returned")) == (Decimal("1791.01"), Decimal("990.50"))
    commission = -sum((one.amount for one in found if one.kind == "commission"), Decimal(0))
    assert paper.reward == commission
    document = as_document(paper)
    assert Decimal(document["Сумма"]) == Decimal("1791.01")
    assert Decimal(document["СуммаВознаграждения"]) == commission
    assert document["КлючевыеСвойства"]["ДанныеВходящегоДокумента"]["НомерВходящегоДокумента"] == str(report)
    for name, total in (("Товары", Decimal("1791.01")), ("ВозвратыПокупателей", Decimal("990.50"))):
        assert sum(Decimal(row["Сумма"]) for row in document[name]["Строка"]) == total
    goods = {"sale", "refund", "commission", "payout"}
    assert paper.total("services") == -sum((one.amount for one in found if one.kind not in goods), Decimal(0))


def test_each_kind_of_money_has_its_sign(wb, sandbox, report):
    found, _ = records(wb)
    sums = Counter()
    for one in found:
        sums[one.kind] += one.amount
    assert sums["sale"] == Decimal("1791.01")
    assert sums["refund"] == Decimal("-990.50")
    assert sums["acquiring"] == Decimal("-26.87") + Decimal("14.86")
    assert sums["commission"] == Decimal("1400.37") - 1791 + Decimal("26.87") - (
        Decimal("800.10") - Decimal("990.50") + Decimal("14.86")
    )
    assert sums["delivery"] == Decimal("-93.4")
    assert sums["return_delivery"] == -50
    assert sums["advertising"] == -5000
    assert sums["other"] == -865 - 354
    assert sums["compensation"] == Decimal("120.5")
    assert sums["bonus"] == Decimal("16.8")
    assert sums["storage"] < 0 > sums["penalty"]


def test_what_the_columns_of_rows_leave_unexplained_is_told_too(wb, sandbox, report):
    sandbox.book(report, paymentSchedule="77.70")
    found, _ = records(wb)
    assert [(one.kind, one.amount, one.title) for one in found if one.operation_id.endswith("rest")] == [
        ("other", Decimal("-77.7"), "Разовое изменение срока перечисления")
    ]
    payout = Decimal(sandbox.state()["payouts"][str(report)])
    assert sum((one.amount for one in found if one.kind != "payout"), Decimal(0)) == payout


def test_each_record_names_its_order_and_has_an_id_that_stays(wb, sandbox, report):
    first, _ = records(wb)
    again, _ = records(wb)
    assert first == again
    ids = [one.operation_id for one in first]
    assert len(ids) == len(set(ids))
    sale = next(one for one in first if one.kind == "sale")
    assert sale.order in sandbox.assembly.keys() | {str(id_) for id_ in sandbox.assembly}
    assert (sale.quantity, sale.currency) == (1, "RUB")
    storage = next(one for one in first if one.kind == "storage")
    assert storage.order is None
    assert storage.title == "Хранение"


def test_a_report_is_read_once_and_the_next_one_later(wb, sandbox, report, clock):
    found, cursor = records(wb)
    assert found
    clock.pass_by(days=1)
    assert read_pages(wb, cursor)[0] == []
    late = sandbox.open_report(WEEK.replace(day=1))
    sandbox.book(late, penalty="10")
    clock.pass_by(days=1)
    found, cursor = records(wb, cursor)
    assert {one.operation_id.partition(":")[0] for one in found} == {str(late)}
    assert len(sent(sandbox, "POST", f"/detailed/{report}")) == 2


@pytest.mark.parametrize("kept", range(6))
def test_a_read_that_broke_off_goes_on_after_the_last_row_that_was_kept(connect_anew, sandbox, monkeypatch, kept):
    monkeypatch.setattr(finance, "ROWS", 3)
    reports = [sandbox.open_report(WEEK), sandbox.open_report(WEEK)]
    for report, number in zip(reports, (7, 2), strict=True):
        for amount in range(1, number + 1):
            sandbox.book(report, penalty=str(amount))
    pages = islice(connect_anew(sandbox).read("accrual", None), kept)
    first = [
        (page.cursor, native["operation_id"]) for page in pages for raw in page.slices for native in page.decode(raw)
    ]
    sandbox.journal.clear()
    found, _ = records(connect_anew(sandbox), first[-1][0] if first else None)
    ids = [id_ for _, id_ in first] + [one.operation_id for one in found]
    assert len(ids) == len(set(ids)) == 9 + 2
    assert sum((one.amount for one in found if one.kind == "payout"), Decimal(0)) in {Decimal(-31), Decimal(-3), 0}
    assert refusals(sandbox) == []


def test_a_process_that_was_just_started_knows_when_the_last_one_asked(connect_anew, sandbox, report, clock):
    records(connect_anew(sandbox))
    sandbox.journal.clear()
    following = connect_anew(sandbox)
    clock.pass_by(seconds=20)
    began = clock.monotonic()
    records(following)
    assert clock.monotonic() - began >= 40
    assert refusals(sandbox) == []


def test_rows_are_read_to_the_answer_without_content(wb, sandbox, monkeypatch):
    monkeypatch.setattr(finance, "ROWS", 3)
    id_ = sandbox.open_report(WEEK)
    for amount in range(1, 8):
        sandbox.book(id_, penalty=str(amount))
    found, _ = records(wb)
    assert [one.amount for one in found if one.kind == "penalty"] == [-amount for amount in range(1, 8)]
    asked = [body["rrdId"] for body in sent(sandbox, "POST", f"/detailed/{id_}")]
    assert len(asked) == 4
    assert asked == sorted(asked)


def test_one_call_a_minute_and_no_refusal(wb, sandbox, report, clock):
    began = clock.monotonic()
    records(wb)
    assert clock.monotonic() - began >= 60
    assert [e.status for e in sandbox.journal if e.status == 429] == []


def test_a_daily_report_whose_number_is_longer_than_a_float_holds(connect, sandbox):
    wb = connect(sandbox, reports="daily")
    id_ = sandbox.open_report(WEEK, period="daily")
    sandbox.book(id_, penalty="10")
    found, _ = records(wb)
    assert found[0].operation_id.startswith(f"{id_}:")
    assert float(id_) != id_ or int(float(id_)) != id_
    assert [body["period"] for body in sent(sandbox, "POST", "/list")] == ["daily"]


def test_no_report_is_no_error(wb, sandbox):
    found, cursor = read(wb, "accrual")
    assert found == []
    assert cursor is not None


def test_a_lost_answer_is_asked_again(wb, sandbox, report):
    sandbox.faults.append(Fault(kind="truncate", match="detailed"))
    assert len(records(wb)[0]) > 10


def test_a_damaged_checkpoint_says_what_to_do(wb):
    with pytest.raises(StateError, match="begins anew"):
        list(wb.read("accrual", '{"read": 5}'))


def test_no_marking_code_of_a_row_goes_further(wb, sandbox, report):
    sandbox.book(report, penalty="1", kiz="0104600000000015215EXAMPLE\x1d91EE12\x1d92SECRETTAIL")
    assert "SECRETTAIL" not in str(natives_of(wb))


def natives_of(wb):
    return read_pages(wb)[0]
