"""The seller's steps with FBS orders: never twice, never for another order, and no call that is sure to be refused."""

import pytest

from obmen.errors import InDoubt, Unavailable
from obmen.records import Batch
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.orders.conftest import item, put, refusals, sent, step


def supplies(sandbox):
    return sandbox.state()["supplies"]


def where(sandbox, *numbers):
    return [sandbox.assembly[int(number)].supplier for number in numbers]


# -- into a supply ----------------------------------------------------------------------------------------


def test_orders_go_into_one_supply_that_later_ones_join(wb, sandbox):
    first = [sandbox.place_order("A-1") for _ in range(3)]
    assert step(wb, "confirm", *first) == ["done"] * 3
    later = sandbox.place_order("A-2")
    assert step(wb, "confirm", later) == ["done"]
    ((_, supply),) = supplies(sandbox).items()
    assert supply["orders"] == [int(number) for number in (*first, later)]
    assert where(sandbox, *first, later) == ["confirm"] * 4
    assert refusals(sandbox) == []


def test_each_kind_has_a_supply_of_its_own(wb, sandbox):
    numbers = [
        sandbox.place_order("A-1"),
        sandbox.place_order("A-1", warehouse="Запасной"),
        sandbox.place_order("A-1", cargo=2),
        sandbox.place_order("A-1", border=1),
        sandbox.place_order("A-1", business=True),
        sandbox.place_order("A-2"),
    ]
    assert step(wb, "confirm", *numbers) == ["done"] * 6
    inside = [supply["orders"] for supply in supplies(sandbox).values()]
    assert sorted(len(orders) for orders in inside) == [1, 1, 1, 1, 2]
    assert sorted(id_ for orders in inside for id_ in orders) == sorted(map(int, numbers))


def test_a_hundred_at_a_time(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(230)]
    assert step(wb, "confirm", *numbers) == ["done"] * 230
    assert [len(body["orders"]) for body in sent(sandbox, "PATCH", "/orders")] == [100, 100, 30]
    assert len(supplies(sandbox)) == 1


def test_what_stands_already_is_done_without_a_call_that_writes(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(2)]
    sandbox.move(numbers[0], supplier="confirm")
    sandbox.move(numbers[1], supplier="complete", wb="sorted")
    assert step(wb, "confirm", *numbers) == ["done", "done"]
    assert supplies(sandbox) == {}
    assert [e.method for e in sandbox.journal if e.method in {"PATCH", "PUT"}] == []


def test_one_that_cannot_go_holds_back_none_of_its_hundred(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(10)]
    real = sandbox.put_into

    def cancelled_meanwhile(request, id_):
        if sandbox.assembly[int(numbers[6])].there == "waiting":
            sandbox.cancel_by_buyer(numbers[6])
        return real(request, id_)

    sandbox.put_into = cancelled_meanwhile
    outcomes = put(wb, *(item(number, "confirm") for number in numbers))
    assert [outcomes[number].kind for number in numbers].count("done") == 9
    assert outcomes[numbers[6]].kind == "refused"
    assert outcomes[numbers[6]].errors[0].code == "cancelled"
    assert len(refusals(sandbox)) == 1


def test_an_order_that_wildberries_refuses_without_a_reason_is_found_among_the_others(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(4)]
    real = sandbox.put_into

    def refusing(request, id_):
        if int(numbers[2]) in request.json()["orders"]:
            from connectors.wildberries.sandbox.orders import refusal  # noqa: PLC0415 - only this test refuses

            raise refusal("FailedToAddSupplyOrder")
        return real(request, id_)

    sandbox.put_into = refusing
    outcomes = put(wb, *(item(number, "confirm") for number in numbers))
    assert [outcomes[number].kind for number in numbers] == ["done", "done", "refused", "done"]
    assert outcomes[numbers[2]].errors[0].code == "FailedToAddSupplyOrder"


# -- lost answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop_after", "hang_after", "status_after", "truncate"])
def test_a_supply_whose_making_was_not_answered_is_found_again(wb, sandbox, fault):
    number = sandbox.place_order("A-1")
    sandbox.faults.append(Fault(kind=fault, match="POST /api/v3/supplies$", seconds=0.1))
    with pytest.raises((InDoubt, Unavailable)):
        step(wb, "confirm", number)
    assert len(supplies(sandbox)) == 1
    assert wb.find("order_status", item(number, "confirm")) is None
    assert step(wb, "confirm", number) == ["done"]
    ((_, supply),) = supplies(sandbox).items()
    assert supply["orders"] == [int(number)]


@pytest.mark.parametrize("fault", ["drop", "status"])
def test_a_supply_that_was_not_made_is_made_once(wb, sandbox, fault):
    number = sandbox.place_order("A-1")
    sandbox.faults.append(Fault(kind=fault, match="POST /api/v3/supplies$"))
    with pytest.raises((InDoubt, Unavailable)):
        step(wb, "confirm", number)
    assert supplies(sandbox) == {}
    assert step(wb, "confirm", number) == ["done"]
    assert len(supplies(sandbox)) == 1


def test_an_answer_that_was_lost_when_orders_were_put_into_a_supply_is_looked_for(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.faults.append(Fault(kind="drop_after", match="PATCH .*/orders$"))
    with pytest.raises(InDoubt):
        step(wb, "confirm", number)
    assert wb.find("order_status", item(number, "confirm")) == number
    assert step(wb, "confirm", number) == ["done"]
    assert sandbox.written["supplied"] == 1


def test_a_restart_in_between_makes_no_second_supply(connect, sandbox):
    number, other = sandbox.place_order("A-1"), sandbox.place_order("A-1")
    first = connect(sandbox)
    assert step(first, "confirm", number) == ["done"]
    second = connect(sandbox)
    second.memory = first.memory
    assert step(second, "confirm", other) == ["done"]
    assert len(supplies(sandbox)) == 1


@pytest.mark.parametrize("how", ["closed", "deleted"])
def test_a_supply_that_a_person_closed_or_deleted_is_not_used_again(wb, sandbox, how):
    first, second = sandbox.place_order("A-1"), sandbox.place_order("A-1")
    step(wb, "confirm", first)
    (id_,) = supplies(sandbox)
    if how == "closed":
        sandbox.supplies[id_].closed_at = sandbox.now()
    else:
        sandbox.assembly[int(first)].supply = ""
        del sandbox.supplies[id_]
    assert step(wb, "confirm", second) == ["done"]
    assert sandbox.assembly[int(second)].supply not in {"", id_}


# -- handing over -----------------------------------------------------------------------------------------


def test_a_supply_is_handed_over_when_all_of_its_orders_were_shipped(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(3)]
    step(wb, "confirm", *numbers)
    assert step(wb, "complete", *numbers) == ["done"] * 3
    ((_, supply),) = supplies(sandbox).items()
    assert supply["done"]
    assert where(sandbox, *numbers) == ["complete"] * 3
    assert refusals(sandbox) == []


def test_an_order_that_was_not_shipped_is_not_handed_over_with_its_neighbours(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(4)]
    step(wb, "confirm", *numbers)
    assert step(wb, "complete", *numbers[:2]) == ["done", "done"]
    assert where(sandbox, *numbers) == ["complete", "complete", "confirm", "confirm"]
    assert step(wb, "complete", *numbers[2:]) == ["done", "done"]
    assert [supply["orders"] for supply in supplies(sandbox).values()] == [
        [int(number) for number in numbers[2:]],
        [int(number) for number in numbers[:2]],
    ]


@pytest.mark.field("E1")
def test_steps_that_were_skipped_are_made_up_for(wb, sandbox):
    number = sandbox.place_order("A-1")
    assert step(wb, "complete", number) == ["done"]
    assert where(sandbox, number) == ["complete"]
    assert refusals(sandbox) == []


@pytest.mark.parametrize("fault", ["drop_after", "status_after"])
def test_a_lost_answer_of_the_handing_over_is_looked_for(wb, sandbox, fault):
    number = sandbox.place_order("A-1")
    step(wb, "confirm", number)
    sandbox.faults.append(Fault(kind=fault, match="deliver"))
    with pytest.raises((InDoubt, Unavailable)):
        step(wb, "complete", number)
    assert wb.find("order_status", item(number, "complete")) == number
    assert sandbox.written["deliveries"] == 1


def test_a_process_that_died_between_moving_and_handing_over_goes_on(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(3)]
    step(wb, "confirm", *numbers)
    sandbox.faults.append(Fault(kind="drop", match="deliver"))
    with pytest.raises((InDoubt, Unavailable)):
        step(wb, "complete", numbers[0])
    assert step(wb, "complete", numbers[0]) == ["done"]
    assert where(sandbox, *numbers) == ["complete", "confirm", "confirm"]
    assert len(supplies(sandbox)) == 2


def test_one_that_is_stuck_in_a_supply_holds_back_no_later_one(wb, sandbox):
    stuck, good, third = (sandbox.place_order("A-1", may=("sgtin",)) for _ in range(3))
    step(wb, "confirm", stuck, good, third)
    sandbox.faults.append(Fault(kind="drop", match="deliver"))
    with pytest.raises((InDoubt, Unavailable)):
        step(wb, "complete", stuck)
    sandbox.assembly[int(stuck)].needs, sandbox.assembly[int(stuck)].may = ("sgtin",), ()
    assert step(wb, "complete", stuck) == ["refused"]
    assert step(wb, "complete", good) == ["done"]
    assert where(sandbox, stuck, good, third) == ["confirm", "complete", "confirm"]


def test_a_pick_up_point_takes_a_supply_in_boxes(connect, sandbox):
    wb = connect(sandbox, ship_to="pickup_point")
    number = sandbox.place_order("A-1")
    assert step(wb, "complete", number) == ["done"]
    ((_, supply),) = supplies(sandbox).items()
    assert supply["boxes"] == 1


# -- cancelling, and what cannot be -----------------------------------------------------------------------


def test_the_seller_cancels_and_the_order_leaves_its_supply(wb, sandbox):
    number, other = sandbox.place_order("A-1"), sandbox.place_order("A-1")
    step(wb, "confirm", number, other)
    assert step(wb, "cancel", number) == ["done"]
    ((_, supply),) = supplies(sandbox).items()
    assert supply["orders"] == [int(other)]
    assert sandbox.written["cancels"] == 1


def test_what_the_buyer_cancelled_is_cancelled_without_a_call(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.cancel_by_buyer(number)
    assert step(wb, "cancel", number) == ["done"]
    assert sandbox.written["cancels"] == 0


def test_what_cannot_be_cancelled_any_more_is_refused_before_it_is_asked(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.move(number, supplier="complete", wb="sorted")
    outcome = put(wb, item(number, "cancel"))[number]
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "too_late")
    assert "Take the cancellation back" in outcome.errors[0].message
    assert refusals(sandbox) == []


def test_somebody_may_hand_it_over_between_our_look_and_our_cancellation(wb, sandbox):
    number = sandbox.place_order("A-1")
    real = sandbox.cancel

    def overtaken(request, number):
        sandbox.move(number, supplier="complete", wb="sorted")
        return real(request, number)

    sandbox.cancel = overtaken
    assert step(wb, "cancel", number) == ["refused"]


def test_a_lost_answer_of_a_cancellation_is_looked_for(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.faults.append(Fault(kind="drop_after", match="cancel"))
    with pytest.raises(InDoubt):
        step(wb, "cancel", number)
    assert wb.find("order_status", item(number, "cancel")) == number


@pytest.mark.parametrize("wanted", ["confirm", "ready", "complete"])
def test_a_cancelled_order_goes_nowhere(wb, sandbox, wanted):
    number = sandbox.place_order("A-1")
    sandbox.cancel_by_buyer(number)
    outcome = put(wb, item(number, wanted))[number]
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "cancelled")
    assert refusals(sandbox) == []


def test_steps_of_carrier_and_buyer_need_nothing(wb, sandbox):
    number = sandbox.place_order("A-1")
    assert step(wb, "receive", number) == ["done"]
    assert where(sandbox, number) == ["new"]


def test_an_order_that_nobody_knows_is_refused(wb, sandbox):
    outcomes = put(wb, item("17", "confirm"), item("нет", "confirm"))
    assert {outcome.kind for outcome in outcomes.values()} == {"refused"}
    assert {outcome.errors[0].code for outcome in outcomes.values()} == {"NotFound"}


def test_a_mixed_batch_costs_few_calls(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(60)]
    steps = ["confirm"] * 20 + ["complete"] * 20 + ["cancel"] * 20
    before = len(sandbox.journal)
    items = [item(number, wanted) for number, wanted in zip(numbers, steps, strict=True)]
    assert {o.kind for o in wb.write("order_status", Batch(items))} == {"done"}
    calls = [e.path for e in sandbox.journal[before:] if not e.path.endswith("/cancel")]
    assert len(calls) <= 20
    assert where(sandbox, *numbers) == ["confirm"] * 20 + ["complete"] * 20 + ["cancel"] * 20
