"""The seller's steps: said once, in order, and never against what the vendor allows."""

import msgspec
import pytest

from connectors.yandex_market import paths
from connectors.yandex_market.steps import stands, steps
from obmen.errors import InDoubt, Later, Refused
from obmen.records import Batch
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.order_kit import (
    CANCELLED,
    DBS,
    DELIVERED,
    DELIVERY,
    READY,
    SHOPS,
    bound,
    box,
    canonical,
    item,
    numbers,
    put,
    read,
    sell,
)


@pytest.fixture
def market(make_sandbox):
    made = make_sandbox(journal=True, shops=list(SHOPS))
    sell(made, A_1="100", A_2="50", A_3="33.33")
    return made


def bodies(market, ending):
    return [msgspec.json.decode(e.request_body) for e in market.journal if e.path.endswith(ending)]


def standing(market, number):
    order = market.orders[int(number)]
    return f"{order.status}/{order.substatus}"


def live(status, substatus="", **more):
    return {"orderId": 1, "programType": "FBS", "status": status, "substatus": substatus, **more}


# -- the machine, tried on its own ---------------------------------------------------------------------------

PATHS = [
    # model, where it is delivered, what 1C says in turn, what Market is told
    ("FBS", "DELIVERY", [READY], ["PROCESSING/READY_TO_SHIP"]),
    ("FBS", "DELIVERY", [DELIVERY], ["PROCESSING/READY_TO_SHIP"]),
    ("FBS", "PICKUP", [DELIVERED], ["PROCESSING/READY_TO_SHIP"]),
    ("FBS", "DELIVERY", [READY, DELIVERY, DELIVERED], ["PROCESSING/READY_TO_SHIP"]),
    ("FBS", "DELIVERY", [READY, CANCELLED], ["PROCESSING/READY_TO_SHIP", "CANCELLED/SHOP_FAILED"]),
    ("DBS", "DELIVERY", [READY, DELIVERY, DELIVERED], ["PROCESSING/READY_TO_SHIP", "DELIVERY", "DELIVERED"]),
    ("DBS", "DELIVERY", [DELIVERED], ["DELIVERY", "DELIVERED"]),
    ("DBS", "PICKUP", [DELIVERED], ["DELIVERY", "PICKUP", "DELIVERED"]),
    ("DBS", "PICKUP", [DELIVERY, CANCELLED], ["DELIVERY", "CANCELLED/SHOP_FAILED"]),
]


@pytest.mark.field("E1")
@pytest.mark.parametrize(("model", "kind", "said", "told"), PATHS)
def test_what_is_said_at_home_becomes_steps_in_order(ym, market, model, kind, said, told):
    campaign = DBS if model == "DBS" else 2001
    number = market.place_order({"A-1": 1}, campaign=campaign, pickup=kind == "PICKUP")
    for state in said:
        assert put(ym, number, state).kind == "done", state
    sent = [row for body in bodies(market, "/status-update") for row in body["orders"]]
    assert [row["status"] + (f"/{row['substatus']}" if "substatus" in row else "") for row in sent] == told
    for state in said:
        repeated = put(ym, number, state) if state == said[-1] else None
        assert repeated is None or repeated.kind == "done"
    assert len(bodies(market, "/status-update")) == len(told)


@pytest.mark.field("E1")
@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (["STARTED", "READY_TO_SHIP", "SHIPPED", "DELIVERY", "PICKUP", "DELIVERED"], "new steps of each"),
        (["STARTED", "DELIVERED"], "what is between is skipped"),
        (["STARTED", "READY_TO_SHIP", "CANCELLED"], "ends in between"),
    ],
)
def test_what_market_says_becomes_canonical_whatever_is_skipped(ym, market, sequence, expected):
    words = {
        "STARTED": "confirmed",
        "READY_TO_SHIP": "ready",
        "SHIPPED": "shipped",
        "DELIVERY": "shipped",
        "PICKUP": "shipped",
        "DELIVERED": "delivered",
        "CANCELLED": "cancelled",
    }
    number = market.place_order({"A-1": 1}, pickup=True)
    for step in sequence:
        processing = step in {"STARTED", "READY_TO_SHIP", "SHIPPED"}
        market.move(number, "PROCESSING" if processing else step, step if processing else "")
        assert canonical("order_status", read(ym, "order_status")[0][0]).status == words[step], expected


@pytest.mark.field("E3")
@pytest.mark.parametrize(
    ("order", "wanted", "why"),
    [
        (live("CANCELLED", "USER_CHANGED_MIND"), READY, "is cancelled"),
        (live("DELIVERED"), CANCELLED, "no longer cancel"),
        (live("DELIVERY"), CANCELLED, "no longer cancel"),
        (live("CARRIED_BY_DRONE"), READY, "from where"),
        (live("PROCESSING", "WAITING_FOR_MIRACLE"), READY, "from where"),
    ],
)
def test_what_does_not_follow_is_refused_without_a_call(order, wanted, why):
    assert not stands(wanted, order)
    with pytest.raises(Refused, match=why):
        steps(wanted, order)


def test_a_courier_who_is_on_his_way_is_beyond_ready_and_may_still_be_sent_back():
    order = live("PROCESSING", "COURIER_FOUND", programType="EXPRESS")
    assert stands(READY, order)
    assert steps(CANCELLED, order) == [("CANCELLED", "SHOP_FAILED")]


@pytest.mark.parametrize("status", ["PENDING", "UNPAID", "RESERVED", "PLACING"])
def test_an_order_that_market_still_keeps_waits(status):
    with pytest.raises(Later):
        steps(READY, live(status, "AWAIT_CONFIRMATION"))


@pytest.mark.parametrize("wanted", [READY, DELIVERED, CANCELLED])
@pytest.mark.parametrize("order", [live("UNKNOWN"), live("PROCESSING", "UNKNOWN")])
def test_an_order_of_which_market_says_nothing_is_looked_at_again(order, wanted):
    with pytest.raises(Later, match="does not tell"):
        steps(wanted, order)


@pytest.mark.field("E4")
def test_every_status_of_the_specification_is_mapped_and_a_new_one_is_not(specs):
    document = msgspec.json.decode((specs / "specs" / "yandex-market" / "partner.openapi.json").read_bytes())
    schemas = document["components"]["schemas"]
    mapping = bound("order_status")
    for status in schemas["OrderStatusType"]["enum"]:
        state = f"{status}/STARTED" if status == "PROCESSING" else status
        native = {"orderId": 1, "status": status, "state": state}
        if status == "UNKNOWN":
            with pytest.raises(Refused) as refused:
                mapping.pull(native, {})
            assert refused.value.code == "unmapped"
        else:
            assert mapping.pull(native, {})["status"]
    for name, word in (("RefundStatusType", "money"), ("ReturnShipmentStatusType", "goods")):
        for status in set(schemas[name]["enum"]) - {"UNKNOWN"}:
            assert bound("return").pull({"id": 1, "stage": f"{word}:{status}", "lines": []}, {})["state"]
    for name, word in (("OrdersStatsCommissionType", "service"), ("OrdersStatsPaymentType", "payment")):
        for kind in schemas[name]["enum"]:
            assert bound("accrual").pull({"type": f"{word}:{kind}"}, {})["kind"]


def test_an_unknown_status_stops_nothing_else(ym, market):
    placed = [market.place_order({"A-1": 1}) for _ in range(3)]
    market.faults.append(Fault(kind="custom", name="unknown_status", match="orders"))
    told = {}
    for native in read(ym, "order_status")[0]:
        try:
            told[str(native["orderId"])] = canonical("order_status", native).status
        except Refused as refused:
            told[str(native["orderId"])] = refused.code
    assert told == {placed[0]: "unmapped", placed[1]: "confirmed", placed[2]: "confirmed"}


# -- batches, lost answers, refusals -------------------------------------------------------------------------


def test_thirty_orders_of_three_shops_take_a_call_for_each_shop(ym, market):
    placed = [market.place_order({"A-1": 1}, campaign=shop.id) for shop in SHOPS for _ in range(10)]
    outcomes = list(ym.write("order_status", Batch([item(number, READY) for number in placed])))
    assert {outcome.kind for outcome in outcomes} == {"done"}
    assert sorted(outcome.id for outcome in outcomes) == sorted(placed)
    assert [len(body["orders"]) for body in bodies(market, "/status-update")] == [10, 10, 10]
    assert market.calls["POST /v1/businesses/{businessId}/orders"] == 1
    assert market.calls[paths.BOXES_SET.group] == 20


def test_one_bad_order_of_a_batch_harms_only_itself(ym, market):
    placed = [market.place_order({"A-1": 1}) for _ in range(3)]
    market.cancel_by_buyer(placed[1])
    asked = Batch([*(item(number, READY) for number in placed), item("999", READY), item("нет", READY)])
    outcomes = {outcome.id: outcome for outcome in ym.write("order_status", asked)}
    assert [outcomes[number].kind for number in placed] == ["done", "refused", "done"]
    assert outcomes[placed[1]].errors[0].code == "CANCELLED"
    assert outcomes["999"].errors[0].code == outcomes["нет"].errors[0].code == "unknown_order"


def test_each_order_of_a_call_is_answered_for_by_itself(ym, market):
    placed = [market.place_order({"A-1": 1}) for _ in range(2)]
    batch = Batch([item(number, READY) for number in placed])
    market.faults.append(Fault(kind="custom", name="step_refused", match="status-update"))
    first, second = ym.write("order_status", batch)
    assert (first.id, first.kind) == (placed[0], "refused")
    assert placed[0] in first.errors[0].message
    assert (second.id, second.kind) == (placed[1], "done")
    market.faults.append(Fault(kind="custom", name="step_forgotten", match="status-update"))
    more = [market.place_order({"A-1": 1}) for _ in range(2)]
    answered = list(ym.write("order_status", Batch([item(number, READY) for number in more])))
    assert [outcome.id for outcome in answered] == [more[1]]


def test_a_lost_answer_is_looked_up_and_not_said_again(ym, market):
    number = market.place_order({"A-1": 1})
    market.faults.append(Fault(kind="drop_after", match="status-update"))
    with pytest.raises(InDoubt):
        put(ym, number, READY)
    assert ym.find("order_status", item(number, READY)) == number
    assert put(ym, number, READY).kind == "done"
    assert market.written["steps"] == 1


def test_an_answer_lost_before_the_effect_is_said_again(ym, market):
    number = market.place_order({"A-1": 1})
    market.faults.append(Fault(kind="drop", match="status-update"))
    with pytest.raises(InDoubt):
        put(ym, number, READY)
    assert ym.find("order_status", item(number, READY)) is None
    assert put(ym, number, READY).kind == "done"


@pytest.mark.parametrize("state", ["PROCESSING/STARTED", "PROCESSING/SHIPPED", "RETURNED"])
def test_what_is_not_the_sellers_to_say_costs_no_call(ym, market, state):
    number = market.place_order({"A-1": 1})
    assert put(ym, number, state).kind == "done"
    assert ym.find("order_status", item(number, state)) == number
    assert market.calls == {}


@pytest.mark.field("E6")
@pytest.mark.parametrize("who", ["seller", "buyer"])
def test_after_a_cancellation_nothing_is_reserved(ym, market, who):
    number = market.place_order({"A-1": 3, "A-2": 1})
    assert market.stock("A-1", 2001) == {"free": 997, "reserved": 3}
    if who == "seller":
        assert put(ym, number, CANCELLED).kind == "done"
        assert put(ym, number, CANCELLED).kind == "done"
    else:
        market.cancel_by_buyer(number)
    assert canonical("order_status", read(ym, "order_status")[0][0]).status == "cancelled"
    assert market.stock("A-1", 2001) == {"free": 1000, "reserved": 0}
    assert market.written["steps"] == (1 if who == "seller" else 0)


# -- a buyer's wish to cancel what is on its way ---------------------------------------------------------------


@pytest.fixture
def wished(market):
    number = market.place_order({"A-1": 1}, campaign=DBS)
    market.move(number, "DELIVERY")
    market.cancel_by_buyer(number)
    return number


def test_a_wish_to_cancel_is_shown_to_a_person(ym, wished):
    assert canonical("order_status", read(ym, "order_status")[0][0]).status == "disputed"


def test_a_cancellation_at_home_accepts_the_wish(ym, market, wished):
    assert put(ym, wished, CANCELLED).kind == "done"
    assert bodies(market, "/accept") == [{"accepted": True}]
    assert market.orders[int(wished)].status == "CANCELLED"
    assert put(ym, wished, CANCELLED).kind == "done"
    assert market.written["cancellations answered"] == 1


@pytest.mark.parametrize(("state", "reason"), [(DELIVERY, "ORDER_IN_DELIVERY"), (DELIVERED, "ORDER_DELIVERED")])
def test_a_delivery_declines_the_wish_if_told_to(connect, market, wished, state, reason):
    ym = connect(market, orders={"decline_cancellations": True})
    assert put(ym, wished, state).kind == "done"
    assert bodies(market, "/accept") == [{"accepted": False, "reason": reason}]
    assert market.orders[int(wished)].status == state


def test_a_wish_that_nobody_answers_is_granted_after_two_days(ym, market, clock, wished):
    _, cursor = numbers(ym)
    clock.pass_by(hours=47)
    assert "DELIVERY" in standing(market, wished)
    clock.pass_by(hours=2)
    read(ym, "order_status", cursor)
    assert standing(market, wished) == "CANCELLED/USER_CHANGED_MIND"


# -- shipments and own numbers ---------------------------------------------------------------------------------


def test_a_shipment_is_confirmed_once_for_all_its_orders_when_its_time_has_come(connect, market, clock):
    ym = connect(market, orders={"confirm_shipments": True})
    placed = [market.place_order({"A-1": 1}) for _ in range(3)]
    batch = Batch([item(number, DELIVERY) for number in placed])
    assert {outcome.kind for outcome in ym.write("order_status", batch)} == {"later"}
    clock.pass_by(hours=13)
    assert {outcome.kind for outcome in ym.write("order_status", batch)} == {"done"}
    assert market.written["shipments"] == 1
    assert market.calls[paths.SHIPMENT.group] == 2
    assert ym.find("order_status", item(placed[0], DELIVERY)) == placed[0]


def test_without_the_option_a_shipment_is_left_to_people(ym, market):
    number = market.place_order({"A-1": 1})
    assert put(ym, number, DELIVERY).kind == "done"
    assert standing(market, number) == "PROCESSING/READY_TO_SHIP"
    assert market.calls[paths.SHIPMENT.group] == 0


def test_the_shops_own_number_is_said_once_and_in_time(ym, market):
    number = market.place_order({"A-1": 1})
    market.faults.append(Fault(kind="drop_after", match="external-id"))
    with pytest.raises(InDoubt):
        put(ym, number, READY, externalOrderId="УТ-1")
    assert put(ym, number, READY, externalOrderId="УТ-1").kind == "done"
    assert market.orders[int(number)].external_id == "УТ-1"
    assert market.written["own numbers"] == 1


# -- faults at every call ----------------------------------------------------------------------------------------


@pytest.mark.field("N20")
@pytest.mark.parametrize("where", ["/v1/businesses", "/boxes", "/external-id", "/status-update", "/accept"])
@pytest.mark.parametrize("kind", ["status", "status_after", "drop", "drop_after", "html", "truncate"])
def test_whatever_befalls_a_call_the_end_is_the_same_and_nothing_is_done_twice(connect, market, where, kind):
    ym = connect(market, orders={"decline_cancellations": True})
    packed = market.place_order({"A-1": 2, "A-2": 2})
    wished = market.place_order({"A-1": 1}, campaign=DBS)
    market.move(wished, "DELIVERY")
    market.cancel_by_buyer(wished)
    items = [
        item(packed, READY, packages=[box(A_1=2), box(A_2=1)], externalOrderId="UT-1"),
        item(wished, DELIVERED),
    ]
    market.faults.append(Fault(kind=kind, match=where))
    done: set[str] = set()
    for _ in range(4):
        left = [one for one in items if one.id not in done]
        try:
            done |= {outcome.id for outcome in ym.write("order_status", Batch(left)) if outcome.kind == "done"}
        except InDoubt:
            done |= {one.id for one in left if ym.find("order_status", one)}
    assert done == {packed, wished}
    assert (standing(market, packed), market.orders[int(packed)].external_id) == (READY, "UT-1")
    assert market.orders[int(wished)].status == "DELIVERED"
    assert market.state()["orders"][packed]["lines"] == [
        {"offer_id": "A-1", "count": 2, "cost": "200.00"},
        {"offer_id": "A-2", "count": 1, "cost": "50.00"},
    ]
    once = {name: count for name, count in market.written.items() if name != "boxes"}
    assert once == {"own numbers": 1, "steps": 2, "cancellations answered": 1}
