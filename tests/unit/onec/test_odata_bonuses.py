"""Bonuses: what can be spent now and later, and operations that are said once whatever becomes of the calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.onec.odata.bonus_accounts import REGISTER, BonusAccounts
from connectors.onec.odata.bonus_operations import DOCUMENT, BonusOperations, operation_ref
from connectors.onec.odata.partners import CARDS
from connectors.onec.sandbox import references
from obmen.entities import BonusOperation
from obmen.errors import ConfigurationError, Denied, InDoubt, Refused, Unavailable
from obmen.records import Native
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, canonical, client, natives, opened, pushed, writes

CARD = "2900000000117"
CREATE = rf"POST .*/{DOCUMENT}\Z"


@pytest.fixture(params=VERSIONS)
def one(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(request.param) as found:
        yield found


def payload(operation: str = "crm-77", points: Any = 100, **changes: Any) -> Native:
    return {"Операция": operation, "Карта": CARD, "Баллы": points, "Date": "2026-06-15T08:00:00", **changes}


def accounts(one: Opened) -> dict[str, Native]:
    reader = BonusAccounts(one.base, one.options, one.clock)
    return {native["Карта"]: native for native in natives(reader.read(None))}


def operations(one: Opened) -> BonusOperations:
    return BonusOperations(one.base, one.options, one.clock)


def documents(one: Opened) -> list[Native]:
    return list(one.ut.base.objects[DOCUMENT].values())


# -- accounts ----------------------------------------------------------------------------------------------------


@pytest.mark.field("G1")
def test_g1_accrued_redeemed_and_expired_points_are_told_as_the_books_tell(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    one.ut.accrue_bonuses(buyer, Decimal("150.55"))
    one.ut.accrue_bonuses(buyer, 40, delay_days=5)
    one.ut.redeem_bonuses(buyer, 30)
    today = one.clock.now().date()
    one.ut.accrue_bonuses(buyer, 25, expires=today + timedelta(days=1))
    native = accounts(one)[CARD]
    record = canonical("bonus_account", native, one.options)
    books = one.ut.bonus_balance(buyer)
    assert (record.balance, record.pending) == (books["balance"], books["pending"]) == (Decimal("145.55"), 40)
    assert (record.customer, record.program, record.level) == (buyer, "Бонусная программа", "Карта покупателя")
    one.clock.advance(86400 * 2)
    native = accounts(one)[CARD]
    assert native["Доступно"] == one.ut.bonus_balance(buyer)["balance"] == Decimal("120.55"), "expired, not written off"
    one.clock.advance(86400 * 5)
    native = accounts(one)[CARD]
    assert (native["Доступно"], native["Ожидается"]) == (Decimal("160.55"), 0)


def test_points_kept_for_an_order_are_not_free(one: Opened) -> None:
    good = one.ut.add_good("Чайник", stock={"Основной склад": 5})
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    one.ut.accrue_bonuses(buyer, 100)
    card = next(iter(one.ut.base.objects[CARDS]))
    order = one.ut.add_order([(good, 1, 500)], partner=buyer, card=card)
    row = {**one.ut.object(order)["Товары"][0], "СуммаБонусныхБалловКСписанию": 60}
    one.ut.change(order, Товары=[row])
    native = accounts(one)[CARD]
    assert native["Доступно"] == one.ut.bonus_balance(buyer)["balance"] == 40
    assert native["Зарезервировано"] + native["КСписанию"] == 60


def test_an_account_is_looked_up_as_it_is_read(one: Opened) -> None:
    for n in range(30):
        buyer = one.ut.add_partner(f"Образцов {n}", cards=[f"29{n:03}"])
        one.ut.accrue_bonuses(buyer, n + 1)
    found = accounts(one)
    reader = BonusAccounts(one.base, one.options, one.clock)
    refs = [native["Ref_Key"] for native in found.values()]
    assert {native["Карта"]: native for native in reader.look_up([*refs, references.PARTNER])} == found
    assert [found[f"29{n:03}"]["Доступно"] for n in range(30)] == list(range(1, 31))


def test_cards_of_one_owner_share_a_purse_and_others_are_left_out(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD, "2900000000124"])
    one.ut.accrue_bonuses(buyer, 10)
    one.ut.add_card("00000000-0000-0000-0000-000000000000", "2900000000131")
    one.ut.mark_deleted(one.ut.add_card(buyer, "2900000000148"))
    found = accounts(one)
    assert {card: native["Доступно"] for card, native in found.items()} == {CARD: 10, "2900000000124": 10}


def test_a_balance_below_zero_gives_nothing_away(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    one.ut.accrue_bonuses(buyer, 10, expires=one.clock.now().date() - timedelta(days=1))
    native = accounts(one)[CARD]
    assert (native["Начислено"], native["КСписанию"], native["Доступно"]) == (10, 10, 0)


@pytest.mark.parametrize("hidden", [CARDS, REGISTER])
def test_what_is_not_published_is_named(hidden: str) -> None:
    with opened() as one:
        one.ut.published -= {hidden}
        with pytest.raises(ConfigurationError, match=r"Справочник\.КартыЛояльности|РегистрНакопления\.БонусныеБаллы"):
            accounts(one)


# -- operations --------------------------------------------------------------------------------------------------


def test_an_operation_is_said_once_and_read_back_as_it_was(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    record = BonusOperation(
        operation_id="crm-77",
        card=CARD,
        amount="100.25",
        state="confirmed",
        occurred_at="2026-06-15T05:00:00Z",
        expires_at="2027-06-15T20:59:59Z",
        comment="За заказ 15",
    )
    body = pushed("bonus_operation", record, one.options)
    assert operations(one).find(body) is None
    ref = operations(one).write(body)
    assert ref == operation_ref("crm-77")
    before = writes(one.ut)
    assert operations(one).write(body) == ref
    assert operations(one).find(body) == ref
    assert writes(one.ut) == before
    assert one.ut.bonus_balance(buyer)["balance"] == Decimal("100.25")
    (document,) = documents(one)
    assert (document["Posted"], document["Комментарий"]) == (True, "[операция crm-77] За заказ 15")
    (native,) = operations(one).look_up(["crm-77"])
    assert native["Ref_Key"] == ref
    assert canonical("bonus_operation", native, one.options) == record
    assert list(operations(one).look_up([ref])) == [native]


def test_points_are_written_off_and_delayed(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    operations(one).write(payload("a", 100))
    operations(one).write(payload("b", Decimal("-30.5")))
    operations(one).write(payload("c", 50, ДействуютС="2026-06-29T12:00:00"))
    (document,) = (row for row in documents(one) if row["Ref_Key"] == operation_ref("c"))
    assert (document["ПериодОтсрочкиНачалаДействия"], document["КоличествоПериодовОтсрочкиНачалаДействия"]) == (
        "День",
        14,
    )
    total = sum(native["Баллы"] for native in operations(one).look_up(["a", "b", "c"]))
    assert total == Decimal("119.5")
    books = one.ut.bonus_balance(buyer)
    assert books["balance"] + books["pending"] == Decimal("119.5")


@pytest.mark.field("G2")
@pytest.mark.field("N11")
@pytest.mark.parametrize("honours", [True, False], ids=["own-ref", "ref-ignored"])
@pytest.mark.parametrize(
    ("version", "kind", "call"),
    [
        *(("11.5.20", kind, call) for kind in ("drop", "drop_after") for call in range(9)),
        *((version, kind, 5) for version in VERSIONS for kind in ("drop_after", "status_after", "html")),
    ],
)
def test_g2_n11_an_operation_whose_answer_is_lost_is_never_said_twice(
    version: str, kind: Any, call: int, honours: bool
) -> None:
    """The process is another after each trouble, and asks before it says anything again."""
    with opened(version, sandbox={"honours_ref_key": honours}) as one:
        buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
        one.ut.faults = [Fault(kind=kind, status=503, skip=call)]
        for _ in range(6):
            with client(one.ut, one.clock) as again:
                try:
                    if operations(again).find(payload()) is None:
                        operations(again).write(payload())
                except (InDoubt, Unavailable, Denied):
                    continue
        standing = [row for row in documents(one) if not row["DeletionMark"]]
        assert [row["Posted"] for row in standing] == [True]
        assert one.ut.bonus_balance(buyer)["balance"] == 100


def test_two_that_say_it_at_once_say_it_once(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    with ExitStack() as stack:
        others = [stack.enter_context(client(one.ut, one.clock)) for _ in range(4)]
        refs: list[str] = []
        start = threading.Barrier(len(others))

        def say(other: Opened) -> None:
            start.wait()
            refs.append(operations(other).write(payload()))

        threads = [threading.Thread(target=say, args=(other,)) for other in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(refs) == {operation_ref("crm-77")}
    assert one.ut.bonus_balance(buyer)["balance"] == 100


def test_a_document_that_was_created_and_not_posted_is_found_and_posted(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    one.ut.faults = [Fault(kind="drop", match=r"POST .*/Post\Z", times=None)]
    with pytest.raises(Unavailable):
        operations(one).write(payload())
    assert operations(one).find(payload()) is None
    one.ut.faults = []
    operations(one).write(payload())
    assert len(documents(one)) == 1
    assert one.ut.bonus_balance(buyer)["balance"] == 100


def test_a_cancelled_operation_is_taken_back_or_never_said(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    operations(one).write(payload("never", Состояние="Отменена"))
    assert documents(one) == []
    operations(one).write(payload())
    for _ in range(2):
        operations(one).write(payload(Состояние="Отменена"))
    assert one.ut.bonus_balance(buyer)["balance"] == 0
    assert [(row["Posted"], row["DeletionMark"]) for row in documents(one)] == [(False, True)]
    assert list(operations(one).look_up(["crm-77"])) == []


def test_a_refusal_is_told_in_the_words_of_1c(one: Opened) -> None:
    one.ut.add_partner("Образцов Пример", cards=[CARD])
    with pytest.raises(Refused, match="недостаточно баллов"):
        operations(one).write(payload(points=-5))
    assert one.ut.bonus_balance("")["balance"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Баллы": "10.005"}, "bad_value"),
        ({"Баллы": 0}, "bad_value"),
        ({"Баллы": "много"}, "bad_value"),
        ({"Баллы": "1e20"}, "bad_value"),
        ({"Карта": "нет такой"}, "no_card"),
        ({"Карта": "ничья"}, "no_account"),
        ({"Карта": "двоих"}, "ambiguous"),
        ({"Date": None}, "no_date"),
        ({"Операция": "с [скобкой]"}, "bad_id"),
        ({"Ошибка": "да"}, None),
    ],
)
def test_what_1c_would_take_otherwise_is_refused_before(changes: Native, code: str | None) -> None:
    with opened() as one:
        one.ut.add_partner("Образцов Пример", cards=[CARD, "двоих"])
        one.ut.add_partner("Образцова Проба", cards=["двоих"])
        one.ut.add_card("00000000-0000-0000-0000-000000000000", "ничья")
        if code is None:
            operations(one).write(payload(**changes))
            return
        with pytest.raises(Refused) as refused:
            operations(one).write(payload(**changes))
        assert refused.value.code == code
        assert writes(one.ut) == []


def test_documents_of_people_are_read_row_by_row(one: Opened) -> None:
    first = one.ut.add_partner("Образцов Пример", cards=[CARD])
    second = one.ut.add_partner("Образцова Проба", cards=["2900000000124"])
    ref = one.ut.accrue_bonuses(first, 10, comment="Подарок")
    rows = [{"LineNumber": str(n), "Партнер_Key": id_, "Баллы": 10 * n} for n, id_ in enumerate((first, second), 1)]
    one.ut.change(ref, Начисление=rows)
    found = natives(operations(one).read(None))
    records = [canonical("bonus_operation", native, one.options) for native in found]
    assert [(record.card, record.amount, record.comment) for record in records] == [
        (CARD, 10, "Подарок"),
        ("2900000000124", 20, "Подарок"),
    ]
    assert len({record.operation_id for record in records}) == 2


def test_points_of_somebody_without_a_card_are_set_aside_alone(one: Opened) -> None:
    one.ut.accrue_bonuses(one.ut.add_partner("Без карты"), 10)
    one.ut.accrue_bonuses(one.ut.add_partner("Образцов Пример", cards=[CARD]), 20)
    (page, _) = list(operations(one).read(None))
    assert page.expand is not None
    results = list(page.expand(page.slices))
    refused = [result for result in results if isinstance(result, Refused)]
    assert [(error.code, "no loyalty card" in str(error)) for error in refused] == [("no_card", True)]
    assert [native["Баллы"] for result in results if not isinstance(result, Refused) for native in result] == [20]


def test_the_window_of_dates_reaches_back_from_the_last_read(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    operations(one).write(payload("a"))
    *_, last = operations(one).read(None)
    assert last.cursor is not None
    assert date.fromisoformat(last.cursor[:10]) == one.clock.now().date()
    one.clock.advance(86400 * 100)
    late = {"Ref_Key": one.ut.accrue_bonuses(buyer, 5)}
    one.ut.change(late["Ref_Key"], Date="2026-06-10T10:00:00")
    found = {native["Баллы"] for native in natives(operations(one).read(last.cursor))}
    assert 5 in found, "entered after the last read, dated before it"
    assert natives(operations(one).read("2027-06-15T00:00:00")) == []
