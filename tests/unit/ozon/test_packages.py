"""Packages: a posting in several boxes, and goods that are in none of them."""

import pytest

from connectors.ozon import paths
from obmen.errors import InDoubt
from obmen.records import Batch
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import ask, bodies, box, goods, item, put, see_through

TWO_BOXES = [box(("A-1", 2), ("A-2", 1)), box(("A-1", 3))]


@pytest.fixture
def number(ozon, sandbox):
    sell(ozon, "A-1", "A-2", "A-3", amount=100)
    return sandbox.place_order([("A-1", 5), ("A-2", 1)])


@pytest.fixture(params=[False, True], ids=["the-parent-keeps-a-box", "the-parent-is-gone"])
def split(request, sandbox):
    sandbox.split_cancels_parent = request.param
    return request.param


def levels(sandbox, offer_id):
    level = sandbox.products[offer_id].stocks[1020000000001]
    return level.free, level.reserved


@pytest.mark.field("E1")
def test_e1_two_boxes_make_two_postings_that_stay_one_order(ozon, sandbox, number, split):
    assert put(ozon, number, "awaiting_deliver", packages=TWO_BOXES).kind == "done"
    assert len(sandbox.postings) == (3 if split else 2)
    for entity in ("order", "order_status"):
        (native,) = natives(ozon, entity)
        assert (native["posting_number"], native["status"]) == (number, "awaiting_deliver")
        assert goods(native) == {("A-1", 5), ("A-2", 1)}


@pytest.mark.field("E1")
def test_e1_an_order_in_boxes_is_as_far_as_its_last_box(ozon, sandbox, number, split):
    put(ozon, number, "awaiting_deliver", packages=TWO_BOXES)
    alive = [one.number for one in sandbox.postings.values() if one.status == "awaiting_deliver"]
    cursor = None
    seen = []

    def now():
        nonlocal cursor
        pages = list(ozon.read("order_status", cursor))
        cursor = pages[-1].cursor
        told = [native for page in pages for raw in page.slices for native in page.decode(raw)]
        assert [native["posting_number"] for native in told] == [number]
        seen.append(told[0]["status"])

    for step in (sandbox.hand_over, sandbox.deliver):
        for one in alive:
            step(one)
            now()
    assert seen == ["awaiting_deliver", "delivering", "delivering", "delivered"]


def test_a_box_that_the_buyer_cancels_leaves_the_order_its_other_goods(ozon, sandbox, number):
    put(ozon, number, "awaiting_deliver", packages=TWO_BOXES)
    part = next(one.number for one in sandbox.postings.values() if one.parent)
    sandbox.cancel_by_buyer(part)
    (native,) = natives(ozon, "order")
    assert goods(native) == {("A-1", 2), ("A-2", 1)}
    assert native["status"] == "awaiting_deliver"
    sandbox.cancel_by_buyer(number)
    (native,) = natives(ozon, "order")
    assert (native["status"], goods(native)) == ("cancelled", {("A-1", 5), ("A-2", 1)})


def test_the_parent_is_not_told_without_its_parts_when_they_are_done_before_it(ozon, sandbox, clock, number):
    cursor = [page.cursor for page in ozon.read("order", None)][-1]
    put(ozon, number, "awaiting_deliver", packages=TWO_BOXES)
    part = next(one.number for one in sandbox.postings.values() if one.parent)
    cursor = [page.cursor for page in ozon.read("order", cursor)][-1]
    sandbox.deliver(part)
    cursor = [page.cursor for page in ozon.read("order", cursor)][-1]
    clock.pass_by(days=3)
    (native,) = natives(ozon, "order", cursor)
    assert goods(native) == {("A-1", 5), ("A-2", 1)}
    assert native["posting_number"] == number


def test_a_parted_order_that_was_told_too_early_is_told_whole_by_the_next_pass(ozon, sandbox, clock, monkeypatch):
    monkeypatch.setattr("connectors.ozon.postings.POSTING_LIMIT", 1)
    sell(ozon, "A-1", amount=100)
    number = sandbox.place_order({"A-1": 5})
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 2)), box(("A-1", 3))])
    for one in list(sandbox.postings):
        sandbox.deliver(one)
    pages = list(ozon.read("order", None))
    told = [native for page in pages for raw in page.slices for native in page.decode(raw)]
    assert [goods(native) for native in told] == [{("A-1", 2)}]
    clock.pass_by(days=2)
    (whole,) = natives(ozon, "order", pages[-1].cursor)
    assert (whole["posting_number"], goods(whole)) == (number, {("A-1", 5)})
    last = list(ozon.read("order", pages[-1].cursor))[-1].cursor
    assert "owed" not in last


def test_a_parts_number_means_the_whole_order(ozon, sandbox, number, split):
    put(ozon, number, "awaiting_deliver", packages=TWO_BOXES)
    part = next(one.number for one in sandbox.postings.values() if one.parent)
    found = list(ozon.look_up("order", [part, number]))
    assert [(native["posting_number"], len(native["products"])) for native in found] == [(number, 2)]


def test_a_posting_whose_parts_cannot_be_seen_yet_is_not_told_as_cancelled(ozon, sandbox, number):
    sandbox.move(number, "cancelled_from_split_pending")
    assert natives(ozon, "order_status") == []
    assert list(ozon.look_up("order_status", [number])) == []
    assert put(ozon, number, "cancelled").kind == "later"


def test_what_a_person_has_split_in_the_cabinet_is_assembled_part_by_part(ozon, sandbox, number):
    part = sandbox.split_by_hand(number, "A-1", 2)
    (native,) = natives(ozon, "order")
    assert (native["status"], goods(native)) == ("awaiting_packaging", {("A-1", 5), ("A-2", 1)})
    assert put(ozon, number, "awaiting_deliver", packages=TWO_BOXES).kind == "done"
    assert {sandbox.postings[one].status for one in (number, part)} == {"awaiting_deliver"}
    assert len(sandbox.postings) == 2


def test_boxes_that_hold_less_than_what_a_person_has_split_are_refused(ozon, sandbox, number):
    sandbox.split_by_hand(number, "A-1", 2)
    outcome = put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1))])
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "packages_differ")
    assert "cabinet" in outcome.errors[0].message
    assert sandbox.written["ships"] == sandbox.written["goods_cancelled"] == 0


@pytest.mark.field("E5")
def test_e5_one_of_three_lines_that_is_in_no_box_is_cancelled(ozon, sandbox, clock):
    sell(ozon, "A-1", "A-2", "A-3", amount=100)
    number = sandbox.place_order([("A-1", 2), ("A-2", 1), ("A-3", 4)])
    outcome = put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 2), ("A-3", 3))], reason="Брак")
    assert outcome.kind == "done"
    (native,) = natives(ozon, "order")
    assert goods(native) == {("A-1", 2), ("A-3", 3)}
    assert [levels(sandbox, one) for one in ("A-1", "A-2", "A-3")] == [(98, 2), (100, 0), (97, 3)]
    (cancelled,) = bodies(sandbox, paths.CANCEL_GOODS)
    assert (cancelled["cancel_reason_id"], cancelled["cancel_reason_message"]) == (352, "Брак")
    (shipped,) = bodies(sandbox, paths.SHIP)
    assert sum(row["quantity"] for row in shipped["packages"][0]["products"]) == 5


@pytest.mark.parametrize("kind", ["drop", "drop_after"])
def test_a_lost_answer_to_a_partial_cancellation_is_looked_up(ozon, sandbox, number, kind):
    sandbox.faults.append(Fault(kind=kind, match="product/cancel"))
    packages = [box(("A-1", 4), ("A-2", 1))]
    with pytest.raises(InDoubt):
        put(ozon, number, "awaiting_deliver", packages=packages)
    assert ozon.find("order_status", item(number, "awaiting_deliver", packages=packages)) is None
    assert put(ozon, number, "awaiting_deliver", packages=packages).kind == "done"
    assert (sandbox.written["goods_cancelled"], sandbox.written["ships"]) == (1, 1)
    assert levels(sandbox, "A-1") == (96, 4)


@pytest.mark.parametrize("kind", ["drop", "drop_after"])
def test_a_lost_answer_to_a_shipment_in_boxes_is_looked_up(ozon, sandbox, number, split, kind):
    sandbox.faults.append(Fault(kind=kind, match="fbs/ship"))
    with pytest.raises(InDoubt):
        put(ozon, number, "awaiting_deliver", packages=TWO_BOXES)
    stands = ozon.find("order_status", item(number, "awaiting_deliver", packages=TWO_BOXES))
    assert stands == (number if kind == "drop_after" else None)
    assert put(ozon, number, "awaiting_deliver", packages=TWO_BOXES).kind == "done"
    assert sandbox.written["ships"] == 1


def test_goods_that_are_cancelled_late_are_waited_for_and_not_cancelled_twice(ozon, sandbox, number):
    sandbox.faults.append(Fault(kind="custom", name="cancel_slow", match="product/cancel"))
    packages = [box(("A-1", 4), ("A-2", 1))]
    outcome = put(ozon, number, "awaiting_deliver", packages=packages)
    assert outcome.kind == "accepted"
    assert ask(ozon, outcome.ticket, number, "awaiting_deliver", packages=packages).kind == "later"
    assert see_through(ozon, number, "awaiting_deliver", packages=packages).kind == "done"
    assert sandbox.written["goods_cancelled"] == 1


def test_boxes_that_hold_more_than_was_ordered_are_refused(ozon, sandbox, number):
    outcome = put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 6)), box(("B-9", 1))])
    assert outcome.kind == "refused"
    assert "6 of A-1 where it holds 5" in outcome.errors[0].message
    assert "1 of B-9 where it holds 0" in outcome.errors[0].message
    assert sandbox.written["ships"] == 0


def test_one_bad_order_of_a_batch_harms_only_itself(ozon, sandbox, number):
    other = sandbox.place_order({"A-3": 1})
    batch = Batch([item(number, "awaiting_deliver", packages=[box(("A-1", 9))]), item(other, "awaiting_deliver")])
    assert [outcome.kind for outcome in ozon.write("order_status", batch)] == ["refused", "done"]
    assert sandbox.postings[other].status == "awaiting_deliver"
