"""Marking codes: sent before an order may go, checked there, and never shown."""

import pytest
import structlog

from connectors.wildberries.marks import kind_of
from obmen.records import Batch
from tests.unit.wildberries.orders.conftest import item, put, refusals, sent, step

CODE = "0104600000000015215EXAMPLE\x1d91EE12\x1d92SECRETTAIL"
OTHER = "0104600000000015215SECOND1\x1d91EE12\x1d92OTHERTAIL00"
KINDS = {
    "sgtin": CODE,
    "uin": "1234567890123456",
    "imei": "123456789012345",
    "gtin": "1234567890123",
    "expiration": "12.09.2030",
    "customsDeclaration": "10704010/010624/0000302",
}


def kept(sandbox, number):
    return {kind: mark.codes for kind, mark in sandbox.assembly[int(number)].marks.items()}


@pytest.mark.field("E9")
@pytest.mark.parametrize("kind", KINDS)
def test_a_code_of_each_kind_is_told_by_its_shape_and_sent(wb, sandbox, kind):
    assert kind_of(KINDS[kind]) == kind
    number = sandbox.place_order("A-1", needs=(kind,))
    assert put(wb, item(number, "ready", KINDS[kind]))[number].kind == "done"
    assert kept(sandbox, number) == {kind: [KINDS[kind]]}
    assert refusals(sandbox) == []


@pytest.mark.field("E9")
def test_a_code_that_was_refused_says_why_and_not_which(wb, sandbox):
    number = sandbox.place_order("A-1", needs=("sgtin",))
    sandbox.verdicts[CODE] = "sgtinWithdrawn"
    outcome = put(wb, item(number, "ready", CODE))[number]
    assert (outcome.kind, outcome.errors[0].code, outcome.errors[0].field) == (
        "refused",
        "sgtinWithdrawn",
        "marks.sgtin",
    )
    assert "SECRETTAIL" not in str(outcome)
    assert put(wb, item(number, "ready", OTHER))[number].kind == "done"
    assert kept(sandbox, number) == {"sgtin": [OTHER]}


@pytest.mark.field("E9")
def test_the_code_of_a_unit_that_came_back_may_be_sold_again(wb, sandbox):
    first, again = (sandbox.place_order("A-1", needs=("sgtin",)) for _ in range(2))
    assert put(wb, item(first, "ready", CODE))[first].kind == "done"
    sandbox.move(first, supplier="complete", wb="sold")
    assert put(wb, item(again, "ready", CODE))[again].errors[0].code == "sgtinWithdrawn"
    sandbox.send_back(first)
    sandbox.give_back(first)
    assert put(wb, item(again, "ready", CODE))[again].kind == "done"
    assert kept(sandbox, again) == {"sgtin": [CODE]}


@pytest.mark.field("E9")
def test_no_code_is_ever_logged(wb, sandbox):
    number = sandbox.place_order("A-1", needs=("sgtin",))
    sandbox.verdicts[CODE] = "sgtinNotFound"
    with structlog.testing.capture_logs() as logs:
        outcome = put(wb, item(number, "complete", CODE))[number]
    assert outcome.kind == "refused"
    assert logs
    assert "SECRETTAIL" not in str(logs)
    assert "5EXAMPLE" not in str(logs)


def test_a_code_that_is_needed_and_missing_is_asked_for_before_the_supply_is_refused(wb, sandbox):
    number, free = sandbox.place_order("A-1", needs=("sgtin",)), sandbox.place_order("A-1")
    outcomes = put(wb, item(number, "complete"), item(free, "complete"))
    assert (outcomes[number].kind, outcomes[number].errors[0].code) == ("refused", "required")
    assert outcomes[free].kind == "done"
    assert sandbox.assembly[int(number)].supplier == "confirm"
    assert refusals(sandbox) == []


def test_a_code_that_an_order_does_not_have_keeps_nothing_from_going(wb, sandbox):
    number, other = sandbox.place_order("A-1"), sandbox.place_order("A-1", needs=("uin",))
    outcomes = put(wb, item(number, "ready", CODE), item(other, "ready", CODE))
    assert (outcomes[number].kind, kept(sandbox, number)) == ("done", {})
    assert (outcomes[other].kind, outcomes[other].errors[0].field) == ("refused", "marks.uin")
    assert refusals(sandbox) == []


def test_a_code_that_is_there_is_not_sent_again(wb, sandbox):
    number = sandbox.place_order("A-1", needs=("sgtin",))
    assert step(wb, "confirm", number) == ["done"]
    put(wb, item(number, "ready", CODE))
    put(wb, item(number, "complete", CODE))
    assert len(sent(sandbox, "PUT", "/meta/sgtin")) == 1


def test_a_check_that_takes_time_is_waited_for(wb, sandbox, clock):
    number = sandbox.place_order("A-1", needs=("sgtin",))
    sandbox.checking = 300.0
    batch = Batch([item(number, "complete", CODE)])
    (outcome,) = wb.write("order_status", batch)
    assert (outcome.kind, outcome.ticket, outcome.after) == ("accepted", "marks", 60.0)
    (again,) = wb.poll("order_status", outcome.ticket, batch)
    assert again.kind == "accepted"
    clock.pass_by(minutes=6)
    (done,) = wb.poll("order_status", outcome.ticket, batch)
    assert done.kind == "done"
    assert sandbox.assembly[int(number)].supplier == "complete"
    assert refusals(sandbox) == []


def test_an_optional_code_may_be_left_out(wb, sandbox):
    number = sandbox.place_order("A-1", may=("sgtin", "uin"))
    assert step(wb, "complete", number) == ["done"]


def test_a_code_that_wildberries_itself_refuses_is_not_quoted(wb, sandbox):
    number = sandbox.place_order("A-1", needs=("expiration",))
    step(wb, "confirm", number)
    real = sandbox.take_mark

    def refusing(order, kind, said, allowed):
        order.supplier = "complete"
        return real(order, kind, said, allowed)

    sandbox.take_mark = refusing
    outcome = put(wb, item(number, "ready", "12.09.2030"))[number]
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "FailedToUpdateMeta")
    assert "12.09.2030" not in str(outcome)
