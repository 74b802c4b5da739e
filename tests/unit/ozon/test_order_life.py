"""The whole life of an order in each scheme, as it is read and as it is written; steps may be missing (E1–E7)."""

import pytest

from connectors.ozon import paths
from obmen.entities import OrderStatus
from obmen.errors import Refused
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import bodies, box, put, see_through
from tests.unit.ozon.test_mappings import bound, canonical

FBS = ["awaiting_approve", "awaiting_packaging", "awaiting_registration", "awaiting_deliver"]
FBS += ["acceptance_in_progress", "driver_pickup", "delivering", "delivered"]
OWN = ["awaiting_packaging", "awaiting_deliver", "sent_by_seller", "delivering", "delivered"]
STEPS = {
    "awaiting_approve": "new",
    "awaiting_verification": "new",
    "awaiting_packaging": "confirmed",
    "awaiting_registration": "ready",
    "awaiting_deliver": "ready",
    "acceptance_in_progress": "shipped",
    "sent_by_seller": "shipped",
    "driver_pickup": "shipped",
    "delivering": "shipped",
    "delivered": "delivered",
    "cancelled": "cancelled",
    "arbitration": "disputed",
    "not_accepted": "disputed",
    "client_arbitration": "disputed",
}


@pytest.fixture
def stocked(ozon, sandbox):
    sell(ozon, "A-1", "A-2", "A-3", amount=1000)
    return sandbox


def lived(ozon, sandbox, clock, integration, statuses):
    """Let a posting live through these statuses, reading after each; return the canonical steps without repeats."""
    number = sandbox.place_order({"A-1": 1}, integration=integration, status=statuses[0])
    steps, cursor = [], None
    for status in statuses:
        if sandbox.postings[number].status != status:
            sandbox.move(number, status)
        pages = list(ozon.read("order_status", cursor))
        cursor = pages[-1].cursor
        (native,) = [native for page in pages for raw in page.slices for native in page.decode(raw)]
        steps.append(canonical("order_status", native).status)
        clock.pass_by(minutes=20)
    return [step for place, step in enumerate(steps) if place == 0 or steps[place - 1] != step]


@pytest.mark.field("E1")
@pytest.mark.parametrize(
    "statuses",
    [
        FBS,
        ["awaiting_packaging", "delivered"],
        ["awaiting_packaging", "awaiting_deliver", "delivered"],
        ["awaiting_verification", "delivering", "delivered"],
        ["awaiting_packaging", "cancelled"],
        ["awaiting_packaging", "awaiting_deliver", "cancelled"],
        ["awaiting_packaging", "awaiting_deliver", "not_accepted", "awaiting_deliver", "delivering", "delivered"],
        ["awaiting_packaging", "arbitration", "cancelled"],
        ["awaiting_deliver", "delivering", "client_arbitration", "delivered"],
    ],
    ids=" → ".join,
)
def test_e1_fbs_is_read_step_by_step_whatever_is_skipped(ozon, stocked, clock, statuses):
    expected = [STEPS[status] for status in statuses]
    told = [step for place, step in enumerate(expected) if place == 0 or expected[place - 1] != step]
    assert lived(ozon, stocked, clock, "ozon", statuses) == told


@pytest.mark.field("E3")
@pytest.mark.parametrize("integration", ["non_integrated", "3pl_tracking", "aggregator"])
@pytest.mark.parametrize("skipped", range(1, len(OWN)))
def test_e3_rfbs_is_read_step_by_step_whatever_is_skipped(ozon, stocked, clock, integration, skipped):
    statuses = [status for place, status in enumerate(OWN) if place != skipped]
    expected = [STEPS[status] for status in statuses]
    told = [step for place, step in enumerate(expected) if place == 0 or expected[place - 1] != step]
    assert lived(ozon, stocked, clock, integration, statuses) == told


@pytest.mark.field("E3")
@pytest.mark.parametrize(
    ("integration", "steps", "ends"),
    [
        ("ozon", ["confirmed", "assembling", "ready", "shipped", "delivered"], "awaiting_deliver"),
        ("ozon", ["ready"], "awaiting_deliver"),
        ("ozon", ["confirmed", "delivered"], "awaiting_deliver"),
        ("ozon", ["shipped"], "awaiting_deliver"),
        ("non_integrated", ["delivered"], "delivered"),
        ("non_integrated", ["confirmed", "ready", "shipped", "delivered"], "delivered"),
        ("non_integrated", ["ready", "delivered"], "delivered"),
        ("non_integrated", ["ready", "shipped", "shipped"], "delivering"),
        ("3pl_tracking", ["ready", "shipped", "delivered"], "awaiting_deliver"),
        ("non_integrated", ["ready", "cancelled"], "cancelled"),
        ("ozon", ["cancelled"], "cancelled"),
    ],
)
def test_e3_what_1c_says_is_carried_out_in_each_scheme(ozon, stocked, integration, steps, ends):
    number = stocked.place_order({"A-1": 1}, integration=integration)
    mapping = bound("order_status")
    for step in steps:
        payload = mapping.push(_status(number, step), {("order", f"ozon|{number}"): number}, {})
        assert see_through(ozon, **_arguments(payload)).kind == "done"
    assert stocked.postings[number].status == ends


@pytest.mark.field("E4")
def test_e4_an_unknown_status_harms_only_its_own_order(ozon, stocked):
    known, strange = stocked.place_order({"A-1": 1}), stocked.place_order({"A-1": 1})
    stocked.move(strange, "teleported")
    mapping = bound("order_status")
    told = {native["posting_number"]: native for native in natives(ozon, "order_status")}
    assert mapping.pull(told[known], {})["status"] == "confirmed"
    with pytest.raises(Refused) as caught:
        mapping.pull(told[strange], {})
    assert caught.value.code == "unmapped"
    assert {native["posting_number"] for native in natives(ozon, "order")} == {known, strange}


@pytest.mark.field("E4")
def test_e4_an_unknown_status_of_one_box_is_that_of_its_order(ozon, stocked):
    number = stocked.place_order({"A-1": 2})
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))])
    stocked.move(next(one.number for one in stocked.postings.values() if one.parent), "teleported")
    (native,) = natives(ozon, "order_status")
    assert (native["posting_number"], native["status"]) == (number, "teleported")


@pytest.mark.field("E5")
def test_e5_a_line_that_goes_leaves_the_sums_right(ozon, stocked):
    number = stocked.place_order([("A-1", 2), ("A-2", 1), ("A-3", 1)])
    before = canonical("order", natives(ozon, "order")[0])
    assert see_through(ozon, number, "awaiting_deliver", packages=[box(("A-1", 2), ("A-3", 1))]).kind == "done"
    after = canonical("order", natives(ozon, "order")[0])
    assert [(line.sku, line.quantity) for line in after.lines] == [("A-1", 2), ("A-3", 1)]
    assert _sum(before) - _sum(after) == 1990
    assert (after.number, after.placed_at) == (before.number, before.placed_at)


@pytest.mark.field("E6")
@pytest.mark.parametrize("by", ["buyer", "seller"])
@pytest.mark.parametrize("boxes", [1, 2])
def test_e6_after_a_cancellation_nothing_is_reserved(ozon, stocked, by, boxes):
    number = stocked.place_order({"A-1": 2})
    packages = [box(("A-1", 2))] if boxes == 1 else [box(("A-1", 1)), box(("A-1", 1))]
    put(ozon, number, "awaiting_deliver", packages=packages)
    if by == "seller":
        assert put(ozon, number, "cancelled").kind == "done"
    else:
        for one in list(stocked.postings):
            stocked.cancel_by_buyer(one)
    level = stocked.products["A-1"].stocks[1020000000001]
    assert (level.free, level.reserved) == (1000, 0)
    assert canonical("order_status", natives(ozon, "order_status")[0]).status == "cancelled"


@pytest.mark.field("E7")
@pytest.mark.parametrize(
    ("wanted", "path"),
    [("awaiting_deliver", paths.SHIP), ("cancelled", paths.CANCEL), ("delivering", paths.DELIVERING)],
)
def test_e7_said_three_times_is_done_once(ozon, stocked, wanted, path):
    number = stocked.place_order({"A-1": 1}, integration="non_integrated")
    if wanted == "delivering":
        put(ozon, number, "awaiting_deliver")
    for _ in range(3):
        assert see_through(ozon, number, wanted).kind == "done"
    assert len(bodies(stocked, path)) == 1


def _sum(order):
    return sum(line.quantity * line.price for line in order.lines)


def _status(number, step):
    return OrderStatus(channel="ozon", number=number, status=step)


def _arguments(payload):
    told = dict(payload)
    return {"number": told.pop("posting_number"), "wanted": told.pop("status"), **told}
