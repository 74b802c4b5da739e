"""Statuses: every order is asked for until its life is over, and none is forgotten by a restart."""

import msgspec
import pytest

from connectors.wildberries.sandbox.orders import OrderBook
from obmen.errors import Refused
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.orders.conftest import canonical, natives, read, sent, step


def told(found):
    return {native["id"]: f"{native['supplierStatus']}/{native['wbStatus']}" for native in found}


def asked(sandbox):
    return [body["orders"] for body in sent(sandbox, "POST", "/api/v3/orders/status")]


def test_an_order_is_asked_for_until_its_life_is_over(wb, sandbox, clock):
    number = sandbox.place_order("A-1")
    found, cursor = read(wb, "order_status")
    assert told(found) == {number: "new/waiting"}
    sandbox.move(number, supplier="complete")
    for state in ("sorted", "ready_for_pickup", "sold"):
        clock.pass_by(days=20)
        sandbox.move(number, wb=state)
        found, cursor = read(wb, "order_status", cursor)
        assert told(found) == {number: f"complete/{state}"}
    clock.pass_by(days=1)
    found, cursor = read(wb, "order_status", cursor)
    assert found == []


def test_a_pass_that_broke_off_forgets_none(wb, sandbox, clock):
    numbers = [sandbox.place_order("A-1") for _ in range(1500)]
    _, cursor = read(wb, "order_status")
    for number in numbers:
        sandbox.move(number, supplier="complete", wb="sold")
    clock.pass_by(days=5)
    pages = wb.read("order_status", cursor)
    next(pages)
    pages.close()
    assert set(told(read(wb, "order_status", cursor)[0])) == set(numbers)


def test_what_is_alive_stands_in_the_checkpoint_in_few_characters(wb, sandbox):
    placed = [sandbox.place_order("A-1") for _ in range(1000)]
    _, cursor = read(wb, "order_status")
    assert len(cursor) < 3 * len(placed)
    assert msgspec.json.decode(cursor)["open"]["fbs"][:2] == [int(placed[0]), 1]


def test_a_thousand_at_a_time(wb, sandbox):
    placed = [sandbox.place_order("A-1") for _ in range(2100)]
    assert set(told(natives(wb, "order_status"))) == set(placed)
    assert [len(ids) for ids in asked(sandbox)] == [1000, 1000, 100]


def test_an_order_that_nobody_knows_any_more_is_asked_for_still(wb, sandbox, clock):
    number = sandbox.place_order("A-1")
    _, cursor = read(wb, "order_status")
    gone = sandbox.assembly.pop(int(number))
    clock.pass_by(days=1)
    found, cursor = read(wb, "order_status", cursor)
    assert found == []
    sandbox.assembly[int(number)] = gone
    assert told(read(wb, "order_status", cursor)[0]) == {number: "new/waiting"}


def test_a_scheme_that_is_switched_off_and_on_again_keeps_what_is_alive(connect, sandbox, clock):
    both, one = connect(sandbox, schemes=["fbs", "dbs"]), connect(sandbox, schemes=["fbs"])
    number = sandbox.place_order("A-1", scheme="dbs")
    _, cursor = read(both, "order_status")
    sandbox.move(number, supplier="confirm")
    clock.pass_by(days=1)
    found, cursor = read(one, "order_status", cursor)
    assert found == []
    assert told(read(both, "order_status", cursor)[0]) == {number: "confirm/waiting"}


def test_statuses_are_looked_up_by_number(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(3)]
    sandbox.cancel_by_buyer(numbers[2])
    found = told(wb.look_up("order_status", [numbers[2], "17"]))
    assert found == {numbers[2]: "new/declined_by_client"}


SEQUENCES = {
    "sold": [
        ("new", "waiting", "new"),
        ("confirm", "waiting", "assembling"),
        ("complete", "waiting", "shipped"),
        ("complete", "sorted", "shipped"),
        ("complete", "ready_for_pickup", "shipped"),
        ("complete", "sold", "delivered"),
    ],
    "sold, middle skipped": [("new", "waiting", "new"), ("complete", "sold", "delivered")],
    "received before it was handed over": [("confirm", "waiting", "assembling"), ("confirm", "sorted", "shipped")],
    "cancelled by the buyer at once": [("new", "waiting", "new"), ("new", "declined_by_client", "cancelled")],
    "cancelled by the seller": [("confirm", "waiting", "assembling"), ("cancel", "canceled", "cancelled")],
    "refused at the pick-up point": [
        ("complete", "ready_for_pickup", "shipped"),
        ("complete", "canceled_by_client", "cancelled"),
    ],
    "defect": [("complete", "sorted", "shipped"), ("complete", "defect", "cancelled")],
    "abroad": [
        ("complete", "accepted_by_carrier", "shipped"),
        ("complete", "sent_to_carrier", "shipped"),
        ("cancel_carrier", "canceled_by_carrier", "cancelled"),
    ],
    "dbs": [
        ("confirm", "waiting", "assembling"),
        ("deliver", "waiting", "shipped"),
        ("receive", "sold", "delivered"),
    ],
    "dbs refused": [("deliver", "waiting", "shipped"), ("reject", "canceled_by_client", "cancelled")],
    "dbs never reached": [("cancel_missed_call", "canceled_by_missed_call", "cancelled")],
    "click and collect": [
        ("confirm", "waiting", "assembling"),
        ("prepare", "waiting", "ready"),
        ("receive", "sold", "delivered"),
    ],
    "click and collect, never fetched": [("cancel_shelf_life", "canceled", "cancelled")],
}


@pytest.mark.field("E1")
@pytest.mark.field("E3")
@pytest.mark.parametrize("name", SEQUENCES)
def test_each_recorded_life_is_one_of_ours(name):
    for supplier, there, expected in SEQUENCES[name]:
        native = {"id": "1", "supplierStatus": supplier, "wbStatus": there}
        assert canonical("order_status", native).status == expected


@pytest.mark.field("E4")
def test_a_word_that_wildberries_invents_parks_its_order_and_stops_no_other(wb, sandbox, clock):
    strange, plain, over = (sandbox.place_order("A-1") for _ in range(3))
    sandbox.move(strange, wb="teleported")
    sandbox.move(over, supplier="cancel", wb="teleported")
    found, cursor = read(wb, "order_status")
    by_id = {native["id"]: native for native in found}
    with pytest.raises(Refused, match="status") as caught:
        canonical("order_status", by_id[strange])
    assert caught.value.code == "unmapped"
    assert canonical("order_status", by_id[plain]).status == "new"
    clock.pass_by(days=2)
    again, cursor = read(wb, "order_status", cursor)
    assert {strange, over} <= set(told(again))
    sandbox.move(over, wb="canceled")
    cursor = read(wb, "order_status", cursor)[1]
    assert over not in told(read(wb, "order_status", cursor)[0])


@pytest.mark.field("E6")
@pytest.mark.parametrize("who", ["buyer", "seller"])
def test_after_a_cancellation_nothing_is_reserved_there(wb, sandbox, who):
    def free():
        return sum(next(iter(sandbox.cards.values())).sizes[0].stocks.values())

    before = free()
    number = sandbox.place_order("A-1")
    assert free() == before - 1
    if who == "buyer":
        sandbox.cancel_by_buyer(number)
    else:
        assert step(wb, "cancel", number) == ["done"]
    assert free() == before
    (native,) = natives(wb, "order_status")
    assert canonical("order_status", native).status == "cancelled"


def test_a_lost_answer_is_asked_again(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.faults.append(Fault(kind="truncate", match="orders/status"))
    assert told(natives(wb, "order_status")) == {number: "new/waiting"}


def test_the_sandbox_keeps_the_orders_of_the_cabinet(sandbox):
    assert isinstance(sandbox, OrderBook)
    number = sandbox.place_order("A-1")
    assert sandbox.state()["orders"][number]["supplier"] == "new"
