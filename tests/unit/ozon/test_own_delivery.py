"""Cancelling, disputes, and postings that the seller delivers himself, one step at a time."""

import pytest

from connectors.ozon import paths
from obmen.errors import InDoubt
from obmen.records import Batch
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import ask, bodies, box, item, put, see_through


@pytest.fixture
def place(ozon, sandbox):
    sell(ozon, "A-1", "A-2", amount=100)

    def placed(integration="non_integrated", status="awaiting_packaging"):
        return sandbox.place_order({"A-1": 1}, integration=integration, status=status)

    return placed


# -- cancellations and disputes ----------------------------------------------------------------------------


def test_a_reason_that_ozon_does_not_take_is_answered_with_those_it_takes(ozon, sandbox, place):
    sandbox.closed_reasons.add(352)
    outcome = put(ozon, place(), "cancelled")
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "HAS_INCORRECT_CANCEL_REASON")
    assert "400 'Остался один брак', 402 'Другое'" in outcome.errors[0].message
    assert "505" not in outcome.errors[0].message


def test_what_1c_says_chooses_the_reason(connect, sandbox, ozon, place):
    ozon = connect(sandbox, cancel_reasons={"Брак": 400, "Иное": 402})
    for words, id_ in (("Брак", 400), ("Иное", 402), ("Нет на складе", 352), (None, 352)):
        number = place()
        assert put(ozon, number, "cancelled", **({"reason": words} if words else {})).kind == "done"
        assert sandbox.postings[number].cancellation["cancel_reason_id"] == id_


def test_a_posting_in_boxes_is_cancelled_box_by_box(ozon, sandbox, place):
    number = sandbox.place_order({"A-1": 2})
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))])
    assert put(ozon, number, "cancelled").kind == "done"
    assert sandbox.written["cancels"] == 2
    assert {one.status for one in sandbox.postings.values()} == {"cancelled"}


@pytest.mark.parametrize("status", ["arbitration", "not_accepted"])
def test_a_disputed_posting_is_confirmed_to_be_handed_over(ozon, sandbox, place, status):
    number = place("ozon")
    put(ozon, number, "awaiting_deliver")
    sandbox.move(number, status)
    assert natives(ozon, "order_status")[0]["status"] == status
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert sandbox.postings[number].status == "awaiting_deliver"
    assert bodies(sandbox, paths.AWAITING_DELIVERY) == [{"posting_number": [number]}]
    sandbox.deliver(number)
    level = sandbox.products["A-1"].stocks[1020000000001]
    assert (level.free, level.reserved) == (99, 0)


# -- the seller's own delivery -----------------------------------------------------------------------------


@pytest.mark.field("E3")
def test_e3_each_step_of_the_sellers_own_delivery(ozon, sandbox, place):
    number = place()
    seen = []
    for wanted in ("awaiting_deliver", "delivering", "delivered"):
        assert see_through(ozon, number, wanted).kind == "done"
        seen.append(sandbox.postings[number].status)
    assert seen == ["awaiting_deliver", "delivering", "delivered"]


@pytest.mark.field("E3")
def test_e3_skipped_middle_steps_are_made_up_for(ozon, sandbox, place):
    number = place()
    put(ozon, number, "awaiting_deliver")
    assert see_through(ozon, number, "delivered").kind == "done"
    assert [path for path in (e.path for e in sandbox.journal) if "fbs/posting/d" in path or "last-mile" in path] == [
        paths.DELIVERING,
        paths.LAST_MILE,
        paths.DELIVERED,
    ]


def test_a_step_that_happens_late_is_waited_for(ozon, sandbox, place):
    number = place()
    put(ozon, number, "awaiting_deliver")
    sandbox.faults.append(Fault(kind="custom", name="step_slow", match="posting/delivering"))
    outcome = put(ozon, number, "delivering")
    assert outcome.kind == "accepted"
    assert ask(ozon, outcome.ticket, number, "delivering") is None
    assert ask(ozon, outcome.ticket, number, "delivering").kind == "done"
    assert sandbox.written["steps"] == 1


def test_steps_of_many_postings_go_in_one_call_and_each_has_its_own_answer(ozon, sandbox, place):
    numbers = [place() for _ in range(20)]
    for number in numbers:
        put(ozon, number, "awaiting_deliver")
    sandbox.faults.append(Fault(kind="custom", name="step_error", match="posting/delivering"))
    outcomes = {o.id: o for o in ozon.write("order_status", Batch([item(n, "delivering") for n in numbers]))}
    assert outcomes[numbers[0]].kind == "refused"
    assert outcomes[numbers[0]].errors[0].code == "TRANSITION_IS_NOT_POSSIBLE"
    assert {outcomes[number].kind for number in numbers[1:]} == {"accepted"}
    assert sandbox.calls[paths.DELIVERING] == 1


def test_a_lost_answer_to_a_step_is_looked_up(ozon, sandbox, place):
    number = place()
    put(ozon, number, "awaiting_deliver")
    sandbox.faults.append(Fault(kind="drop_after", match="posting/delivering"))
    with pytest.raises(InDoubt):
        put(ozon, number, "delivering")
    assert ozon.find("order_status", item(number, "delivering")) == number
    assert sandbox.written["steps"] == 1


def test_goods_that_left_before_anybody_said_that_they_are_packed_are_packed_first(ozon, sandbox, place):
    number = place()
    assert put(ozon, number, "delivering").kind == "later"
    assert (sandbox.postings[number].status, sandbox.calls[paths.DELIVERING]) == ("awaiting_deliver", 0)
    assert see_through(ozon, number, "delivering").kind == "done"
    assert sandbox.postings[number].status == "delivering"


@pytest.mark.parametrize("integration", ["non_integrated", "3pl_tracking"])
def test_the_carriers_number_is_told_with_the_step(ozon, sandbox, place, integration):
    number = place(integration)
    put(ozon, number, "awaiting_deliver")
    assert see_through(ozon, number, "delivering", tracking_number="TRACK-1").kind == "done"
    assert sandbox.postings[number].tracking == "TRACK-1"
    assert see_through(ozon, number, "delivering", tracking_number="TRACK-1").kind == "done"
    assert sandbox.written["tracks"] == 1
    assert natives(ozon, "order")[0]["tracking_number"] == "TRACK-1"


def test_the_carriers_number_of_the_only_box_is_told_with_the_assembly(ozon, sandbox, place):
    number = place()
    assert put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1), tracking="TRACK-7")]).kind == "done"
    assert sandbox.postings[number].tracking == "TRACK-7"


def test_ozons_own_carrier_needs_no_number(ozon, sandbox, place):
    number = place("ozon")
    assert see_through(ozon, number, "delivering", tracking_number="TRACK-1").kind == "done"
    assert sandbox.calls[paths.TRACKING] == 0
