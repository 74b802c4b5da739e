"""Marking codes: told, checked, refused by name, and never shown in full (E9)."""

import logging

import pytest

from connectors.ozon import marking, paths
from obmen.errors import Refused
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import sell
from tests.unit.ozon.orders_kit import ask, bodies, box, put, see_through

CODES = [f"010460000000001521ПРОБА{n:04d}" for n in range(3)]


@pytest.fixture
def number(ozon, sandbox):
    sell(ozon, "A-1", "A-2", amount=100)
    sandbox.demand("A-1")
    return sandbox.place_order([("A-1", 2), ("A-2", 1)])


def packed(*codes):
    return [box(("A-1", 2, codes), ("A-2", 1))]


@pytest.mark.field("E9")
def test_e9_codes_are_told_of_each_unit_before_it_ships(ozon, sandbox, number):
    assert put(ozon, number, "awaiting_deliver", packages=packed(*CODES[:2])).kind == "done"
    (told,) = bodies(sandbox, paths.EXEMPLARS_SET)
    marked = next(row for row in told["products"] if row["product_id"] == sandbox.products["A-1"].sku)
    assert [unit["marks"] for unit in marked["exemplars"]] == [
        [{"mark": code, "mark_type": "mandatory_mark"}] for code in CODES[:2]
    ]
    assert sandbox.state()["postings"][number]["marked"] == 2


@pytest.mark.field("E9")
def test_e9_a_check_that_takes_its_time_is_asked_for(ozon, sandbox, number):
    sandbox.faults.append(Fault(kind="custom", name="check_slow", match="exemplar/set"))
    packages = packed(*CODES[:2])
    outcome = put(ozon, number, "awaiting_deliver", packages=packages)
    assert (outcome.kind, sandbox.postings[number].status) == ("accepted", "awaiting_packaging")
    assert ask(ozon, outcome.ticket, number, "awaiting_deliver", packages=packages).kind == "later"
    assert put(ozon, number, "awaiting_deliver", packages=packages).kind == "done"
    assert sandbox.written["checks"] == 1


@pytest.mark.field("E9")
def test_e9_the_code_of_a_unit_that_came_back_may_be_sold_again(ozon, sandbox, number):
    assert put(ozon, number, "awaiting_deliver", packages=packed(*CODES[:2])).kind == "done"
    sandbox.deliver(number)
    again = sandbox.place_order({"A-1": 1})
    packages = [box(("A-1", 1, CODES[:1]))]
    refused = put(ozon, again, "awaiting_deliver", packages=packages)
    assert (refused.kind, refused.errors[0].code) == ("refused", "MARK_NOT_IN_CIRCULATION")
    sandbox.move_return(sandbox.send_back(number, "A-1", 1), "ReceivedBySeller")
    assert see_through(ozon, again, "awaiting_deliver", packages=packages).kind == "done"


def test_a_check_that_ozon_gave_up_is_asked_for_anew(ozon, sandbox, number):
    sandbox.faults.append(Fault(kind="custom", name="check_failed", match="exemplar/set"))
    packages = packed(*CODES[:2])
    assert put(ozon, number, "awaiting_deliver", packages=packages).kind == "later"
    assert put(ozon, number, "awaiting_deliver", packages=packages).kind == "done"
    assert sandbox.written["checks"] == 2


@pytest.mark.field("E9")
def test_e9_a_refused_code_is_a_ticket_without_the_code(ozon, sandbox, number, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    sandbox.bad_marks[CODES[1]] = f"MARK_NOT_IN_CIRCULATION {CODES[1]}"
    outcome = put(ozon, number, "awaiting_deliver", packages=packed(*CODES[:2]))
    assert outcome.kind == "refused"
    (error,) = outcome.errors
    assert "MARK_NOT_IN_CIRCULATION" in error.message
    assert error.field == "packages"
    shown = capsys.readouterr()
    for text in (error.message, error.code, caplog.text, shown.out, shown.err):
        assert not any(code in text for code in CODES)
    assert sandbox.written["ships"] == 0
    good = packed(CODES[0], CODES[2])
    assert see_through(ozon, number, "awaiting_deliver", packages=good).kind == "done"


@pytest.mark.field("E9")
def test_e9_a_code_that_is_refused_after_a_while_is_a_ticket_too(ozon, sandbox, number):
    sandbox.bad_marks[CODES[0]] = "MARK_NOT_IN_CIRCULATION"
    sandbox.faults.append(Fault(kind="custom", name="check_slow", match="exemplar/set"))
    packages = packed(*CODES[:2])
    ticket = put(ozon, number, "awaiting_deliver", packages=packages).ticket
    outcome = ask(ozon, ticket, number, "awaiting_deliver", packages=packages)
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "MARK_NOT_IN_CIRCULATION")
    assert "010•••" in outcome.errors[0].message
    assert CODES[0] not in outcome.errors[0].message


def test_a_code_that_is_not_ours_is_masked_as_well(ozon, sandbox, number):
    put(ozon, number, "awaiting_deliver", packages=packed(*CODES[:2]))
    other = sandbox.place_order({"A-1": 1})
    sandbox.faults.append(Fault(kind="custom", name="check_slow", match="exemplar/set"))
    put(ozon, other, "awaiting_deliver", packages=[box(("A-1", 1, CODES[2:]))])
    sandbox.checks[other] = "done"
    sandbox.bad_marks[CODES[2]] = "GTIN_MISMATCH"
    with pytest.raises(Refused) as caught:
        marking.accepted(ozon.http, other)
    assert "GTIN_MISMATCH" in str(caught.value)
    assert CODES[2] not in str(caught.value)


@pytest.mark.field("E9")
def test_e9_ozons_own_words_about_a_code_are_masked_too(ozon, sandbox, number):
    outcome = put(ozon, number, "awaiting_deliver", packages=packed("КОРОТКИЙ", CODES[0]))
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "INVALID_MARK")
    assert "КОРОТКИЙ" not in outcome.errors[0].message
    assert "КОР•••" in outcome.errors[0].message


@pytest.mark.parametrize("codes", [(), CODES[:1], CODES])
def test_each_unit_needs_a_code_of_its_own(ozon, sandbox, number, codes):
    outcome = put(ozon, number, "awaiting_deliver", packages=packed(*codes))
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "marks_missing")
    assert f"{len(codes)} are told" in outcome.errors[0].message
    assert sandbox.written["checks"] == 0


def test_codes_are_not_told_of_goods_that_need_none(ozon, sandbox):
    sell(ozon, "A-1", amount=10)
    number = sandbox.place_order({"A-1": 2})
    assert put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 2, CODES[:2]))]).kind == "done"
    assert bodies(sandbox, paths.EXEMPLARS) == []


def test_a_declaration_that_nobody_knows_is_said_to_be_absent(ozon, sandbox):
    sell(ozon, "A-1", amount=10)
    sandbox.demand("A-1", "gtd", "rnpt")
    number = sandbox.place_order({"A-1": 1})
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    (told,) = bodies(sandbox, paths.EXEMPLARS_SET)
    unit = told["products"][0]["exemplars"][0]
    assert (unit["is_gtd_absent"], unit["is_rnpt_absent"], unit["marks"]) == (True, True, [])


@pytest.mark.parametrize(("kind", "word"), [("country", "country"), ("weight", "weight")])
def test_what_only_a_person_can_tell_is_asked_of_one(ozon, sandbox, kind, word):
    sell(ozon, "A-1", amount=10)
    sandbox.demand("A-1", kind)
    outcome = put(ozon, sandbox.place_order({"A-1": 1}), "awaiting_deliver")
    assert outcome.kind == "refused"
    assert word in outcome.errors[0].message
    assert "cabinet" in outcome.errors[0].message


@pytest.mark.parametrize("kind", ["jw_uin", "imei"])
def test_other_marks_are_told_as_what_they_are(ozon, sandbox, kind):
    sell(ozon, "A-1", amount=10)
    sandbox.demand("A-1", kind)
    number = sandbox.place_order({"A-1": 1})
    assert put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1, CODES[:1]))]).kind == "done"
    (unit,) = bodies(sandbox, paths.EXEMPLARS_SET)[0]["products"][0]["exemplars"]
    assert unit["marks"] == [{"mark": CODES[0], "mark_type": kind}]


def test_codes_of_goods_that_are_cancelled_are_not_told(ozon, sandbox, number):
    packages = [box(("A-1", 1, CODES[:1]), ("A-2", 1))]
    assert put(ozon, number, "awaiting_deliver", packages=packages).kind == "done"
    assert sandbox.state()["postings"][number]["marked"] == 1


def test_parts_of_one_posting_take_their_codes_in_turn(ozon, sandbox, number):
    part = sandbox.split_by_hand(number, "A-1", 1)
    assert see_through(ozon, number, "awaiting_deliver", packages=packed(*CODES[:2])).kind == "done"
    used = [unit.marks[0]["mark"] for one in (number, part) for unit in sandbox.postings[one].units if unit.marks]
    assert used == CODES[:2]


def test_a_code_is_shown_by_its_beginning_alone():
    assert marking.mask("0104600000000015") == "010••• (16 signs)"
    assert marking.mask("short") == "•••"
    assert marking.hide("a ABCDEFGHIJ b ABCDEFGHIJK", ["ABCDEFGHIJ", "ABCDEFGHIJK"]) == (
        "a ABC••• (10 signs) b ABC••• (11 signs)"
    )
