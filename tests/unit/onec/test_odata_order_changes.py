"""An order that changed in its channel reaches 1C: lines are cancelled, sums are right, people's own work stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from connectors.onec.door import one_by_one
from connectors.onec.odata.order_body import kopecks
from connectors.onec.odata.orders import Orders, order_ref
from connectors.onec.sandbox import references
from obmen.entities import Order
from obmen.errors import InDoubt, Unavailable
from obmen.records import Batch, Item, Native, Outcome
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, client, opened, pushed, writes
from tests.unit.onec.odata_support import custom

NUMBER = "0112233-0001-1"
REF = order_ref("ozon", NUMBER)
POSTING = r"POST .*/Post\Z"
THREE = [("A-1", "2", "1990.50"), ("A-2", "1", "300"), ("A-3", "3", "33.33")]


@pytest.fixture(params=VERSIONS)
def one(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(request.param) as found:
        stocked(found)
        yield found


@pytest.fixture
def newest() -> Iterator[Opened]:
    with opened("11.5.20") as found:
        stocked(found)
        yield found


def stocked(one: Opened) -> None:
    for sku in ("A-1", "A-2", "A-3"):
        one.ut.add_good(f"Товар {sku}", sku, ref=ids()[sku], stock={"Основной склад": 10})


def ids() -> dict[str, str]:
    return {f"A-{n}": f"f06588ab-7924-11df-b33a-00000000000{n}" for n in (1, 2, 3)}


def told(one: Opened, lines: Sequence[tuple[str, ...]] | None = None, **changes: Any) -> Native:
    names = ("sku", "quantity", "price", "total")
    order = Order.model_validate(
        {
            "channel": "ozon",
            "number": NUMBER,
            "placed_at": "2026-06-15T05:50:09Z",
            "currency": "RUB",
            "lines": [dict(zip(names, line, strict=False)) for line in lines or THREE],
            **changes,
        }
    )
    return pushed("order", order, one.options, {ref: sku for sku, ref in ids().items()})


def say(one: Opened, now: Native, before: Native | None = None, *, attempt: int = 1) -> Outcome:
    assert one.options.order is not None
    native_id = REF if before is not None else None
    item = Item(id=f"ozon|{NUMBER}", payload=now, native_id=native_id, before=before, attempt=attempt)
    (outcome,) = one_by_one(Orders(one.base, one.options.order).write)(Batch([item]))
    return outcome


def insist(one: Opened, now: Native, before: Native) -> Outcome:
    """Be one Obmen after another until the outcome is known."""
    for attempt in range(1, 9):
        with client(one.ut, one.clock) as again:
            try:
                outcome = say(again, now, before, attempt=attempt)
            except (InDoubt, Unavailable):
                continue
            if outcome.kind != "later":
                return outcome
    pytest.fail("the fate of the change is still unknown")


def rows(one: Opened, *, cancelled: bool) -> list[tuple[Any, ...]]:
    skus = {ref: sku for sku, ref in ids().items()}
    return [
        (skus[row["Номенклатура_Key"]], Decimal(row["Количество"]), Decimal(str(row["СуммаСНДС"])))
        for row in one.ut.order(NUMBER)["Товары"]
        if row["Отменено"] is cancelled
    ]


def edit(one: Opened, **changes: Any) -> None:
    """Change and post the order as a person in 1C does."""
    one.ut._by_hand(NUMBER, changes)


def edited_rows(one: Opened, *edits: tuple[int, dict[str, Any]], more: Any = ()) -> None:
    lines = [dict(row) for row in one.ut.order(NUMBER)["Товары"]]
    for at, change in edits:
        lines[at] |= change
    edit(one, Товары=[*lines, *more])


def sums_agree(one: Opened) -> None:
    order = one.ut.order(NUMBER)
    standing = [row for row in order["Товары"] if not row["Отменено"]]
    assert order["СуммаДокумента"] == sum(row["СуммаСНДС"] for row in standing)
    for row in order["Товары"]:
        full = kopecks(Decimal(str(row["Количество"])) * Decimal(str(row["Цена"])))
        assert row["Сумма"] == full - row["СуммаРучнойСкидки"]
        assert row["СуммаСНДС"] == row["Сумма"]
        assert row["КоличествоУпаковок"] == row["Количество"]
    assert [row["LineNumber"] for row in order["Товары"]] == [str(n) for n in range(1, len(order["Товары"]) + 1)]
    assert len({row["КлючСвязи"] for row in order["Товары"]}) == len(order["Товары"])


# -- cancelled in the channel ---------------------------------------------------------------------------------


@pytest.mark.field("E5")
def test_e5_one_of_three_lines_cancelled_is_cancelled_in_1c_and_the_sums_are_right(one: Opened) -> None:
    before, now = told(one), told(one, [THREE[0], THREE[2]])
    say(one, before)
    assert say(one, now, before).kind == "done"
    assert rows(one, cancelled=False) == [("A-1", 2, Decimal("3981.00")), ("A-3", 3, Decimal("99.99"))]
    assert rows(one, cancelled=True) == [("A-2", 1, Decimal(300))]
    order = one.ut.order(NUMBER)
    assert (order["СуммаДокумента"], order["Posted"], order["Статус"]) == (Decimal("4080.99"), True, "КОбеспечению")
    (cancelled,) = [row for row in order["Товары"] if row["Отменено"]]
    assert cancelled["ПричинаОтмены_Key"] == references.CANCEL_REASON
    sums_agree(one)


@pytest.mark.field("E5")
def test_e5_a_line_cancelled_in_part_is_split_to_the_kopeck(one: Opened) -> None:
    before = told(one, [("A-3", "3", "40", "100.00")])
    now = told(one, [("A-3", "2", "40", "66.67")])
    say(one, before)
    assert say(one, now, before).kind == "done"
    assert rows(one, cancelled=False) == [("A-3", 2, Decimal("66.67"))]
    assert rows(one, cancelled=True) == [("A-3", 1, Decimal("33.33"))]
    left, gone = one.ut.order(NUMBER)["Товары"]
    assert left["СуммаНДС"] == kopecks(Decimal("66.67") / 6)
    assert left["СуммаНДС"] + gone["СуммаНДС"] == kopecks(Decimal(100) / 6)
    sums_agree(one)


@pytest.mark.field("E6")
def test_e6_what_is_cancelled_is_no_longer_reserved(one: Opened) -> None:
    before = told(one)
    say(one, before)
    held = {sku: one.ut.free_stock(ref, "Основной склад") for sku, ref in ids().items()}
    assert held == {"A-1": 8, "A-2": 9, "A-3": 7}
    say(one, told(one, [THREE[0], ("A-3", "1", "33.33")]), before)
    assert {sku: one.ut.free_stock(ref, "Основной склад") for sku, ref in ids().items()} == {
        "A-1": 8,
        "A-2": 10,
        "A-3": 9,
    }


@pytest.mark.field("E6")
def test_e6_after_the_whole_order_is_cancelled_nothing_is_reserved(one: Opened) -> None:
    before = told(one)
    say(one, before)
    say(one, told(one, [THREE[0]]), before)
    one.ut.cancel(NUMBER)
    assert {one.ut.free_stock(ref, "Основной склад") for ref in ids().values()} == {10}
    assert say(one, told(one, [THREE[0]]), told(one, [THREE[0]])).kind == "done"
    assert {one.ut.free_stock(ref, "Основной склад") for ref in ids().values()} == {10}


def test_two_lines_of_one_product_lose_what_the_channel_took_from_each(newest: Opened) -> None:
    one = newest
    before = told(one, [("A-1", "2", "100"), ("A-1", "1", "90")])
    say(one, before)
    say(one, told(one, [("A-1", "2", "100")]), before)
    assert rows(one, cancelled=False) == [("A-1", 2, 200)]
    assert rows(one, cancelled=True) == [("A-1", 1, 90)]
    sums_agree(one)


def test_cancelling_goes_on_from_where_it_stands(newest: Opened) -> None:
    one = newest
    steps = [told(one, [("A-3", str(left), "10")]) for left in (3, 2, 1)]
    say(one, steps[0])
    for before, now in pairwise(steps):
        assert say(one, now, before).kind == "done"
    assert rows(one, cancelled=False) == [("A-3", 1, 10)]
    assert sum(quantity for _, quantity, _ in rows(one, cancelled=True)) == 2
    sums_agree(one)


# -- said twice ----------------------------------------------------------------------------------------------


def test_saying_a_change_again_writes_nothing(newest: Opened) -> None:
    one = newest
    before, now = told(one), told(one, [("A-1", "1", "1990.50"), ("A-3", "4", "33.33")], comment="Позвонить")
    say(one, before)
    say(one, now, before)
    held, said = one.ut.order(NUMBER), writes(one.ut)
    assert say(one, now, before).kind == "done"
    assert (one.ut.order(NUMBER), writes(one.ut)) == (held, said)


@pytest.mark.field("E5")
@pytest.mark.parametrize("call", range(7))
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="drop"),
        Fault(kind="drop_after"),
        Fault(kind="status", status=503),
        Fault(kind="status_after", status=503),
        Fault(kind="html"),
        custom("lock"),
        custom("ignore_if_match"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.name or fault.status}",
)
def test_e5_a_change_is_carried_out_once_under_any_fault_at_any_call(newest: Opened, fault: Fault, call: int) -> None:
    one = newest
    before, now = told(one), told(one, [THREE[0], ("A-3", "1", "33.33")])
    say(one, before)
    one.ut.faults = [Fault(kind=fault.kind, status=fault.status, name=fault.name, skip=call)]
    assert insist(one, now, before).kind == "done"
    one.ut.faults = []
    assert rows(one, cancelled=False) == [("A-1", 2, Decimal("3981.00")), ("A-3", 1, Decimal("33.33"))]
    assert rows(one, cancelled=True) == [("A-2", 1, 300), ("A-3", 2, Decimal("66.66"))]
    assert one.ut.free_stock(ids()["A-3"], "Основной склад") == 9, "the change was not posted"
    sums_agree(one)


@pytest.mark.parametrize("lost", ["PATCH .*", POSTING])
def test_a_change_that_was_not_posted_is_posted_by_the_next_attempt(newest: Opened, lost: str) -> None:
    one = newest
    before, now = told(one), told(one, [THREE[0]])
    say(one, before)
    one.ut.faults = [Fault(kind="drop" if lost == POSTING else "drop_after", match=lost, times=None)]
    with pytest.raises(InDoubt):
        say(one, now, before)
    one.ut.faults = []
    assert one.ut.free_stock(ids()["A-2"], "Основной склад") == 9
    assert say(one, now, before, attempt=2).kind == "done"
    assert one.ut.free_stock(ids()["A-2"], "Основной склад") == 10


def test_a_change_that_1c_will_not_post_is_taken_back_and_told(newest: Opened) -> None:
    one = newest
    before, now = told(one), told(one, [THREE[0]])
    say(one, before)
    one.ut.faults = [custom("post_fails", POSTING)]
    outcome = say(one, now, before)
    assert (outcome.kind, len(rows(one, cancelled=False))) == ("refused", 3)
    assert "недостаточно товара" in outcome.errors[0].message
    assert say(one, now, before).kind == "done"
    assert len(rows(one, cancelled=False)) == 1


# -- people in 1C -----------------------------------------------------------------------------------------------


def test_what_people_changed_besides_stays(newest: Opened) -> None:
    one = newest
    before = told(one, delivery={"address": "Пример, дом 1"}, comment="Позвонить")
    now = told(one, THREE[:2], delivery={"address": "Пример, дом 2"}, comment="Не звонить")
    say(one, before)
    gift = {**one.ut.order(NUMBER)["Товары"][0], "Номенклатура_Key": REF, "КодСтроки": "9", "КлючСвязи": "9"}
    edited_rows(one, (0, {"ВариантОбеспечения": "Отгрузить"}), more=[{**gift, "Количество": 1, "Цена": 0}])
    comment = one.ut.order(NUMBER)["Комментарий"]
    edit(one, Комментарий=f"{comment}\nПозвонили", Статус="КОтгрузке", ДополнительнаяИнформацияПоДоставке="Домофон 12")
    assert say(one, now, before).kind == "done"
    order = one.ut.order(NUMBER)
    assert order["Комментарий"] == "[ozon] Не звонить\nПозвонили"
    assert (order["АдресДоставки"], order["Статус"]) == ("Пример, дом 2", "КОтгрузке")
    assert order["ДополнительнаяИнформацияПоДоставке"] == "Домофон 12"
    assert [row["Отменено"] for row in order["Товары"]] == [False, False, True, False]
    assert order["Товары"][0]["ВариантОбеспечения"] == "Отгрузить"
    assert order["Товары"][3]["Номенклатура_Key"] == REF


def test_a_line_that_people_cancelled_stays_cancelled(newest: Opened) -> None:
    one = newest
    before, now = told(one), told(one, comment="Позвонить")
    say(one, before)
    edited_rows(one, (1, {"Отменено": True}))
    assert say(one, now, before).kind == "done"
    assert [sku for sku, _, _ in rows(one, cancelled=True)] == ["A-2"]


def test_a_price_that_people_gave_stays_and_its_rest_is_reckoned_by_it(newest: Opened) -> None:
    one = newest
    before, now = told(one, [("A-3", "3", "40")]), told(one, [("A-3", "2", "40")])
    say(one, before)
    edited_rows(one, (0, {"Цена": 30, "Сумма": 90, "СуммаСНДС": 90, "СуммаНДС": 15}))
    assert say(one, now, before).kind == "done"
    assert rows(one, cancelled=False) == [("A-3", 2, 60)]
    sums_agree(one)


def test_a_price_that_changed_in_the_channel_changes_in_1c(one: Opened) -> None:
    before, now = told(one, [("A-3", "3", "40"), THREE[1]]), told(one, [("A-3", "3", "35"), THREE[1]])
    say(one, before)
    assert say(one, now, before).kind == "done"
    assert rows(one, cancelled=False) == [("A-3", 3, 105), ("A-2", 1, 300)]
    assert rows(one, cancelled=True) == []
    sums_agree(one)


def test_what_a_buyer_adds_is_added(one: Opened) -> None:
    before, now = told(one, THREE[:1]), told(one, [("A-1", "3", "1990.50"), THREE[1]])
    say(one, before)
    assert say(one, now, before).kind == "done"
    assert rows(one, cancelled=False) == [("A-1", 2, 3981), ("A-1", 1, Decimal("1990.50")), ("A-2", 1, 300)]
    assert one.ut.free_stock(ids()["A-1"], "Основной склад") == 7
    sums_agree(one)


def test_more_of_what_people_cancelled_is_left_to_people(newest: Opened) -> None:
    one = newest
    before, now = told(one), told(one, [*THREE[:2], ("A-3", "5", "33.33")])
    say(one, before)
    edited_rows(one, (2, {"Отменено": True}))
    outcome = say(one, now, before)
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "conflict")


# -- 1C has gone on -----------------------------------------------------------------------------------------------


@pytest.mark.field("N21")
@pytest.mark.field("E5")
@pytest.mark.field("E6")
def test_n21_e5_e6_what_was_shipped_stands_and_is_a_task_and_the_rest_is_cancelled(one: Opened) -> None:
    before, now = told(one), told(one, THREE[1:2])
    say(one, before)
    shipment = one.ut.ship(NUMBER, {ids()["A-3"]: 2})
    for _ in range(2):
        outcome = say(one, now, before)
        assert (outcome.kind, outcome.errors[0].code) == ("refused", "late_cancel")
        assert f"still out: 2 × {ids()['A-3']}" in outcome.errors[0].message
        assert sorted((sku, quantity) for sku, quantity, _ in rows(one, cancelled=False)) == [("A-2", 1), ("A-3", 2)]
        free = {sku: one.ut.free_stock(ref, "Основной склад") for sku, ref in ids().items()}
        assert free == {"A-1": 10, "A-2": 9, "A-3": 8}
    one.ut.add_return(shipment)
    assert say(one, now, before).kind == "done"


def test_of_what_was_shipped_in_part_the_rest_can_be_cancelled(one: Opened) -> None:
    before = told(one)
    say(one, before)
    one.ut.ship(NUMBER, {ids()["A-3"]: 2})
    assert say(one, told(one, [*THREE[:2], ("A-3", "2", "33.33")]), before).kind == "done"


def test_a_closed_order_is_left_to_people(one: Opened) -> None:
    before = told(one)
    say(one, before)
    one.ut.ship(NUMBER)
    one.ut.set_status(NUMBER, "Закрыт")
    said = writes(one.ut)
    outcome = say(one, told(one, THREE[:2]), before)
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "late_cancel")
    assert say(one, told(one, comment="Поздно"), before).kind == "done", "a comment is no reason to bother anybody"
    assert writes(one.ut) == said


def test_an_order_marked_for_deletion_is_left_so(newest: Opened) -> None:
    one = newest
    before = told(one)
    say(one, before)
    one.ut.mark_deleted(REF)
    said = writes(one.ut)
    assert say(one, told(one, THREE[:1]), before).kind == "done"
    assert writes(one.ut) == said


def test_somebody_who_keeps_changing_the_order_is_waited_for(newest: Opened) -> None:
    one = newest
    before = told(one)
    say(one, before)
    change = one.base.change

    def late(*args: Any, **named: Any) -> None:
        one.ut.touch(REF)
        change(*args, **named)

    one.base.change = late  # type: ignore[method-assign]  # a person who is quicker, every time
    assert say(one, told(one, THREE[:1]), before).kind == "later"
    assert rows(one, cancelled=True) == []


def test_where_nobody_knows_what_was_told_lines_only_go(newest: Opened) -> None:
    one = newest
    say(one, told(one))
    edit(one, АдресДоставки="Свой")
    assert say(one, told(one, [*THREE[:1], ("A-3", "9", "1")], delivery={"address": "Иной"})).kind == "done"
    assert rows(one, cancelled=False) == [("A-1", 2, 3981), ("A-3", 3, Decimal("99.99"))]
    assert one.ut.order(NUMBER)["АдресДоставки"] == "Свой"


def test_the_unposted_order_is_posted_with_the_change(newest: Opened) -> None:
    one = newest
    say(one, told(one))
    one.ut.unpost(REF)
    say(one, told(one, THREE[:1]))
    assert (one.ut.order(NUMBER)["Posted"], one.ut.order(NUMBER)["СуммаДокумента"]) == (True, 3981)
