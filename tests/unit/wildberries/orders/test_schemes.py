"""DBS, DBW and pick-up from the seller's shop: the same entities, by their own methods."""

import pytest

from obmen.errors import InDoubt, Refused
from obmen.records import Batch
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.orders.conftest import CHRT, NM, canonical, item, natives, put, refusals, sent, step

CODE = "0104600000000015215EXAMPLE\x1d91EE12\x1d92SECRETTAIL"
REFS = {("product", f"{NM}:{CHRT}"): "SKU-1"}
LIVES = {
    "dbs": [("confirm", "confirm"), ("ready", "confirm"), ("complete", "deliver")],
    "dbw": [("confirm", "confirm"), ("ready", "confirm"), ("complete", "complete")],
    "click_collect": [("confirm", "confirm"), ("ready", "prepare"), ("complete", "prepare"), ("receive", "receive")],
}


@pytest.fixture
def wb(connect, sandbox):
    return connect(sandbox, schemes=["fbs", "dbs", "dbw", "click_collect"])


def state(sandbox, number):
    return sandbox.assembly[int(number)].supplier


@pytest.mark.field("E1")
@pytest.mark.parametrize("scheme", LIVES)
def test_an_order_goes_its_schemes_way(wb, sandbox, scheme):
    number = sandbox.place_order("A-1", scheme=scheme)
    for wanted, expected in LIVES[scheme]:
        assert step(wb, wanted, number) == ["done"]
        assert state(sandbox, number) == expected
    assert refusals(sandbox) == []


@pytest.mark.field("E1")
@pytest.mark.parametrize("scheme", LIVES)
def test_steps_that_were_skipped_are_made_up_for(wb, sandbox, scheme):
    number = sandbox.place_order("A-1", scheme=scheme)
    assert step(wb, "complete", number) == ["done"]
    assert state(sandbox, number) == LIVES[scheme][2][1]
    written = sandbox.written["steps"]
    assert step(wb, "complete", number) == ["done"]
    assert sandbox.written["steps"] == written


def test_all_schemes_in_one_pass_and_one_batch(wb, sandbox):
    numbers = {scheme: sandbox.place_order("A-1", scheme=scheme) for scheme in ("fbs", *LIVES)}
    assert {native["scheme"]: str(native["id"]) for native in natives(wb, "order")} == numbers
    assert {native["scheme"]: native["id"] for native in natives(wb, "order_status")} == numbers
    assert step(wb, "confirm", *numbers.values()) == ["done"] * 4
    assert {native["supplierStatus"] for native in natives(wb, "order_status")} == {"confirm"}


@pytest.mark.parametrize("scheme", LIVES)
def test_an_order_in_the_middle_of_its_life_is_in_no_list_and_is_asked_for_still(wb, sandbox, clock, scheme):
    number = sandbox.place_order("A-1", scheme=scheme)
    pages = list(wb.read("order_status", None))
    step(wb, "confirm", number)
    clock.pass_by(days=40)
    assert natives(wb, "order") == []
    (native,) = natives(wb, "order_status", pages[-1].cursor)
    assert (native["id"], native["supplierStatus"]) == (number, "confirm")


@pytest.mark.parametrize("scheme", LIVES)
def test_an_order_that_ended_unseen_is_still_read(wb, sandbox, clock, scheme):
    number = sandbox.place_order("A-1", scheme=scheme)
    sandbox.move(number, supplier="receive", wb="sold")
    clock.pass_by(days=20)
    (native,) = natives(wb, "order")
    assert str(native["id"]) == number


@pytest.mark.parametrize(
    ("scheme", "more", "kind"),
    [
        ("dbs", {"address": "Примерск, ул. Образцовая, 1"}, "courier"),
        ("dbs", {"address": "Примерск, ПВЗ 7", "delivery": "dbsPickupPoint"}, "pickup"),
        ("dbw", {"address": "Примерск, ул. Образцовая, 1"}, "marketplace"),
        ("click_collect", {}, "self"),
    ],
)
def test_the_way_of_the_goods_is_told(wb, sandbox, scheme, more, kind):
    sandbox.place_order("A-1", scheme=scheme, **more)
    (native,) = natives(wb, "order")
    delivery = canonical("order", native, refs=REFS).delivery
    assert delivery.kind == kind
    assert (delivery.pickup_point or delivery.address) == more.get("address")
    assert (delivery.pickup_point is not None) == (kind == "pickup")


def test_who_bought_is_asked_for_many_at_once(wb, sandbox):
    for name in ("Иван Образцов", "Анна Примерова"):
        sandbox.place_order("A-1", scheme="dbs", client={"name": name, "phone": "+70000000000"})
    customers = [canonical("order", native, refs=REFS).customer for native in natives(wb, "order")]
    assert [(one.name, one.phone) for one in customers] == [
        ("Иван Образцов", "+70000000000"),
        ("Анна Примерова", "+70000000000"),
    ]
    assert len(sent(sandbox, "POST", "/client")) == 1


def test_the_buyers_code_is_needed_and_told(wb, sandbox):
    number = sandbox.place_order("A-1", scheme="dbs", code="741852")
    step(wb, "complete", number)
    bare = put(wb, item(number, "receive"))[number]
    assert (bare.kind, bare.errors[0].code) == ("refused", "no_code")
    wrong = put(wb, item(number, "receive", reason="111111"))[number]
    assert (wrong.kind, wrong.errors[0].code) == ("refused", "StatusMismatch")
    assert put(wb, item(number, "receive", reason="741852"))[number].kind == "done"
    assert state(sandbox, number) == "receive"


def test_a_buyer_who_refuses_at_the_door_is_no_sale(wb, sandbox):
    number = sandbox.place_order("A-1", scheme="dbs")
    step(wb, "complete", number)
    assert put(wb, item(number, "reject", reason="741852"))[number].kind == "done"
    (native,) = natives(wb, "order_status")
    assert canonical("order_status", native).status == "cancelled"


@pytest.mark.parametrize("scheme", LIVES)
def test_the_seller_cancels_as_long_as_he_may(wb, sandbox, scheme):
    early, late = sandbox.place_order("A-1", scheme=scheme), sandbox.place_order("A-1", scheme=scheme)
    assert step(wb, "cancel", early) == ["done"]
    assert step(wb, "cancel", early) == ["done"]
    sandbox.move(late, supplier="receive", wb="sold")
    assert step(wb, "cancel", late) == ["refused"]
    assert refusals(sandbox) == []


@pytest.mark.parametrize("scheme", LIVES)
def test_one_order_that_does_not_follow_holds_back_no_other(wb, sandbox, scheme):
    good, bad = sandbox.place_order("A-1", scheme=scheme), sandbox.place_order("A-1", scheme=scheme, needs=("sgtin",))
    outcomes = put(wb, item(good, "complete"), item(bad, "complete"))
    assert outcomes[good].kind == "done"
    assert (outcomes[bad].kind, outcomes[bad].errors[0].code) == ("refused", "required")
    assert put(wb, item(bad, "complete", CODE))[bad].kind == "done"


@pytest.mark.field("E9")
@pytest.mark.parametrize("scheme", LIVES)
def test_a_code_that_was_refused_says_why_and_not_which(wb, sandbox, scheme):
    number = sandbox.place_order("A-1", scheme=scheme, needs=("sgtin",))
    sandbox.verdicts[CODE] = "sgtinWithdrawn"
    outcome = put(wb, item(number, "complete", CODE))[number]
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "sgtinWithdrawn")
    assert "SECRETTAIL" not in str(outcome)


def test_a_check_that_takes_time_is_waited_for(wb, sandbox, clock):
    number = sandbox.place_order("A-1", scheme="dbs", needs=("sgtin",))
    sandbox.checking = 120.0
    batch = Batch([item(number, "complete", CODE)])
    (outcome,) = wb.write("order_status", batch)
    assert outcome.kind == "accepted"
    clock.pass_by(minutes=3)
    (done,) = wb.poll("order_status", outcome.ticket, batch)
    assert done.kind == "done"


def test_a_lost_answer_is_looked_for(wb, sandbox):
    number = sandbox.place_order("A-1", scheme="dbs")
    sandbox.faults.append(Fault(kind="drop_after", match="status/confirm"))
    with pytest.raises(InDoubt):
        step(wb, "confirm", number)
    assert wb.find("order_status", item(number, "confirm")) == number
    assert wb.find("order_status", item(number, "complete")) is None


def test_labels_of_each_scheme(wb, sandbox):
    to_point = sandbox.place_order("A-1", scheme="dbs", delivery="dbsPickupPoint")
    fetched = sandbox.place_order("A-1", scheme="dbw")
    picked = sandbox.place_order("A-1", scheme="click_collect")
    step(wb, "confirm", to_point, fetched, picked)
    assert [one.name for one in wb.papers("label", [to_point, fetched])] == [f"{to_point}.pdf", f"{fetched}.png"]
    with pytest.raises(Refused, match="picked up"):
        list(wb.papers("label", [picked]))


def test_statuses_of_a_scheme_are_looked_up(wb, sandbox):
    number = sandbox.place_order("A-1", scheme="click_collect")
    (native,) = wb.look_up("order_status", [number, "17"])
    assert (native["id"], native["scheme"]) == (number, "click_collect")
