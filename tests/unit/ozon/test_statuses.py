"""Assembling and cancelling: neither is safe to repeat, and 200 is no promise."""

import msgspec
import pytest

from connectors.ozon import paths
from obmen.errors import InDoubt
from obmen.records import Batch, Item
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import see_through


def item(number, wanted, **more):
    return Item(id=number, payload={"posting_number": number, "status": wanted, **more})


def put(ozon, number, wanted, **more):
    (outcome,) = ozon.write("order_status", Batch([item(number, wanted, **more)]))
    return outcome


@pytest.fixture
def number(ozon, sandbox):
    sell(ozon, "A-1", "A-2", amount=100)
    return sandbox.place_order([("A-1", 2), ("A-2", 1), ("A-1", 3)])


def shipped_bodies(sandbox):
    return [msgspec.json.decode(e.request_body) for e in sandbox.journal if e.path == paths.SHIP]


def test_a_posting_is_assembled_whole_and_by_sku(ozon, sandbox, number):
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert sandbox.postings[number].status == "awaiting_deliver"
    (body,) = shipped_bodies(sandbox)
    skus = [sandbox.products[offer_id].sku for offer_id in ("A-1", "A-2")]
    products = [{"product_id": skus[0], "quantity": 5}, {"product_id": skus[1], "quantity": 1}]
    assert body == {"posting_number": number, "packages": [{"products": products}]}


@pytest.mark.parametrize("state", ["awaiting_deliver", "delivering", "driver_pickup", "delivered"])
def test_what_is_assembled_already_is_done_without_a_call(ozon, sandbox, number, state):
    sandbox.move(number, state)
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert shipped_bodies(sandbox) == []


def test_somebody_else_may_assemble_it_between_our_look_and_our_call(ozon, sandbox, number):
    real = sandbox.list_postings
    once = []

    def overtaken(request):
        answer = real(request)
        if not once:
            once.append(True)
            sandbox.move(number, "awaiting_deliver")
        return answer

    sandbox.list_postings = overtaken
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert len(shipped_bodies(sandbox)) == 1
    assert sandbox.written["ships"] == 0


@pytest.mark.parametrize(("fault", "word"), [("ship_failed", "failed"), ("ship_slow", "still")])
def test_two_hundred_is_no_promise(ozon, sandbox, number, fault, word):
    sandbox.faults.append(Fault(kind="custom", name=fault, match="ship"))
    outcome = put(ozon, number, "awaiting_deliver")
    assert (outcome.kind, outcome.after) == ("later", 60.0)
    assert word in outcome.reason
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert sandbox.postings[number].status == "awaiting_deliver"


def test_a_posting_that_is_not_ready_to_be_assembled_waits(ozon, sandbox, number):
    sandbox.move(number, "awaiting_approve")
    assert put(ozon, number, "awaiting_deliver").kind == "later"


def test_a_posting_that_the_buyer_cancelled_cannot_be_assembled(ozon, sandbox, number):
    sandbox.cancel_by_buyer(number)
    outcome = put(ozon, number, "awaiting_deliver")
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "cancelled")


def test_a_lost_answer_leaves_a_doubt_that_find_settles(ozon, sandbox, number):
    sandbox.faults.append(Fault(kind="drop_after", match="ship"))
    with pytest.raises(InDoubt):
        put(ozon, number, "awaiting_deliver")
    assert ozon.find("order_status", item(number, "awaiting_deliver")) == number
    assert sandbox.written["ships"] == 1


def test_a_call_that_never_arrived_leaves_a_doubt_that_find_settles_too(ozon, sandbox, number):
    sandbox.faults.append(Fault(kind="drop", match="ship"))
    with pytest.raises(InDoubt):
        put(ozon, number, "awaiting_deliver")
    assert ozon.find("order_status", item(number, "awaiting_deliver")) is None
    assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert sandbox.written["ships"] == 1


def test_a_status_that_is_never_the_sellers_needs_no_call(ozon, sandbox, number):
    before = sum(sandbox.calls.values())
    assert put(ozon, number, "awaiting_packaging").kind == "done"
    assert ozon.find("order_status", item(number, "awaiting_packaging")) == number
    assert sum(sandbox.calls.values()) == before


@pytest.mark.parametrize("status", ["delivering", "delivered"])
def test_how_far_ozons_own_carrier_is_need_not_be_said(ozon, sandbox, number, status):
    put(ozon, number, "awaiting_deliver")
    assert put(ozon, number, status).kind == "done"
    assert ozon.find("order_status", item(number, status)) == number
    assert sandbox.postings[number].status == "awaiting_deliver"
    assert sandbox.written["steps"] == 0


@pytest.mark.parametrize("status", ["delivering", "delivered"])
def test_what_has_left_was_packed_and_that_is_said_first(ozon, sandbox, number, status):
    assert ozon.find("order_status", item(number, status)) is None
    assert see_through(ozon, number, status).kind == "done"
    assert sandbox.postings[number].status == "awaiting_deliver"
    assert (sandbox.written["ships"], sandbox.written["steps"]) == (1, 0)


def test_an_unknown_posting_is_refused_in_ozons_words(ozon, sandbox):
    outcome = put(ozon, "нет-1", "awaiting_deliver")
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "POSTING_NOT_FOUND")
    assert ozon.find("order_status", item("нет-1", "cancelled")) is None


def test_cancelling_frees_the_goods_and_tells_why(ozon, sandbox, number):
    assert put(ozon, number, "cancelled").kind == "done"
    assert sandbox.postings[number].cancellation["cancel_reason_id"] == 352
    level = sandbox.products["A-1"].stocks[1020000000001]
    assert (level.free, level.reserved) == (100, 0)
    assert put(ozon, number, "cancelled").kind == "done"
    assert sandbox.written["cancels"] == 1


def test_the_other_reason_needs_a_message(connect, sandbox, ozon, number):
    other = connect(sandbox, cancel_reason=402, cancel_message="Ошибка учёта")
    assert put(other, number, "cancelled", reason="Нашли брак").kind == "done"
    body = msgspec.json.decode(next(e for e in sandbox.journal if e.path == paths.CANCEL).request_body)
    assert body["cancel_reason_message"] == "Нашли брак"
    second = sandbox.place_order({"A-1": 1})
    assert put(other, second, "cancelled").kind == "done"
    with pytest.raises(ValueError, match="cancel_message"):
        connect(sandbox, cancel_reason=402)


def test_a_reason_that_is_not_the_sellers_is_refused(connect, sandbox, ozon, number):
    outcome = put(connect(sandbox, cancel_reason=665), number, "cancelled")
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "HAS_INCORRECT_CANCEL_REASON")


def test_what_is_on_its_way_cannot_be_cancelled(ozon, sandbox, number):
    sandbox.hand_over(number)
    outcome = put(ozon, number, "cancelled")
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "too_late")
    assert "Take the cancellation back" in outcome.errors[0].message


def test_the_whole_life_of_a_posting_is_read(ozon, sandbox, number):
    def now():
        return natives(ozon, "order_status")[0]["status"]

    seen = [now()]
    put(ozon, number, "awaiting_deliver")
    seen.append(now())
    sandbox.hand_over(number)
    seen.append(now())
    sandbox.deliver(number)
    seen.append(now())
    assert seen == ["awaiting_packaging", "awaiting_deliver", "delivering", "delivered"]
    level = sandbox.products["A-1"].stocks[1020000000001]
    assert (level.free, level.reserved) == (95, 0)
