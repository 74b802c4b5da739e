"""Returns: whichever list tells them, once each, under the number of the order that 1C knows."""

import re
from datetime import timedelta

import msgspec
import pytest

from connectors.ozon import paths
from obmen.errors import IncompleteSource, StateError
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.orders_kit import bodies, box, put, see_through
from tests.unit.ozon.test_mappings import canonical


@pytest.fixture
def delivered(ozon, sandbox):
    sell(ozon, "A-1", "A-2", amount=1000)

    def made(lines=None, **more):
        number = sandbox.place_order(lines or {"A-1": 2, "A-2": 1}, **more)
        sandbox.deliver(number)
        return number

    return made


def read(ozon, cursor=None):
    pages = list(ozon.read("return", cursor))
    return [n for page in pages for raw in page.slices for n in page.decode(raw)], pages[-1].cursor


def test_the_life_of_a_return(ozon, sandbox, clock, delivered):
    number = delivered()
    back = sandbox.send_back(number, "A-1", 1, reason="Не подошло")
    cursor, states = None, []
    for status in ("WaitingShipment", "MovingToSeller", "ArrivedAtReturnPlace", "ReceivedBySeller", "DisputeYouOpened"):
        sandbox.move_return(back, status)
        (native,), cursor = read(ozon, cursor)
        record = canonical("return", native)
        states.append(record.state)
        clock.pass_by(hours=3)
    assert states == ["in_transit", "in_transit", "in_transit", "received", "received"]
    assert (record.channel, record.number, record.order, record.reason) == ("ozon", back, number, "Не подошло")
    assert [(line.sku, line.quantity, line.price) for line in record.lines] == [("A-1", 1, 1990)]
    _, cursor = read(ozon, cursor)
    assert read(ozon, cursor)[0] == []


def test_what_came_back_from_one_of_several_boxes_belongs_to_the_order(ozon, sandbox, delivered):
    sell(ozon, "A-1", amount=10)
    number = sandbox.place_order({"A-1": 2})
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))])
    part = next(one.number for one in sandbox.postings.values() if one.parent)
    sandbox.deliver(part)
    sandbox.send_back(part, "A-1")
    (native,), _ = read(ozon)
    assert (native["posting_number"], native["order"]) == (part, number)


def test_what_the_buyer_does_not_take_at_the_door_comes_back(ozon, sandbox):
    sell(ozon, "A-1", "A-2", amount=10)
    number = sandbox.place_order({"A-1": 2, "A-2": 1})
    sandbox.hand_over(number)
    backs = sandbox.refuse_at_the_door(number)
    records = [canonical("return", native) for native in read(ozon)[0]]
    assert [record.number for record in records] == backs
    assert {(line.sku, line.quantity) for record in records for line in record.lines} == {("A-1", 2), ("A-2", 1)}


def test_pages_and_the_only_filter_by_date(ozon, sandbox, monkeypatch, delivered):
    monkeypatch.setattr("connectors.ozon.returns.RETURN_LIMIT", 2)
    number = delivered({"A-1": 5})
    backs = [sandbox.send_back(number, "A-1") for _ in range(5)]
    assert [str(native["id"]) for native in read(ozon)[0]] == backs
    asked = bodies(sandbox, paths.RETURNS)
    assert [one["last_id"] for one in asked] == [0, int(backs[1]), int(backs[3])]
    assert {frozenset(one["filter"]) for one in asked} == {frozenset({"visual_status_change_moment", "return_schema"})}


def test_returns_to_ozons_own_warehouses_are_read_by_a_connection_of_that_scheme(ozon, connect, sandbox, delivered):
    sandbox.send_back(delivered(), "A-1", schema="FBO")
    assert read(ozon)[0] == []
    assert len(read(connect(sandbox, scheme="fbo"))[0]) == 1


def test_the_sellers_own_deliveries_are_returned_by_application(connect, ozon, sandbox, clock):
    own = connect(sandbox, rfbs=True)
    sell(ozon, "A-1", amount=10)
    number = sandbox.place_order({"A-1": 1}, integration="non_integrated")
    put(ozon, number, "awaiting_deliver")
    assert see_through(ozon, number, "delivered").kind == "done"
    back = sandbox.send_back(number, "A-1")
    assert read(ozon)[0] == []
    states, cursor = [], None
    for group in ("New", "Approved", "Delivering", "Checkout", "Rejected", "Arbitration"):
        sandbox.move_return(back, group)
        clock.pass_by(days=2)
        (native,), cursor = read(own, cursor)
        record = canonical("return", native)
        states.append(record.state)
    assert (record.number, record.order, record.lines[0].sku) == (back, number, "A-1")
    assert "Образцов" not in str(native)
    assert states == ["requested", "approved", "in_transit", "received", "rejected", "requested"]


def test_one_application_may_come_without_its_list(canned):
    one = {
        "return_id": 7,
        "return_number": "RET-7",
        "posting_number": "1-1-1",
        "product": {"offer_id": "A-1", "price": 5, "currency_code": "RUB", "sku": 1},
        "state": {"group_state": "New"},
    }
    postings = {"postings": [], "has_next": False, "cursor": ""}
    answers = {
        paths.RETURNS: [{"returns": [], "has_next": False}],
        paths.OWN_RETURNS: [{"returns": one}],
        paths.POSTINGS: [postings],
    }
    assert [native["id"] for native in natives(canned(answers, rfbs=True), "return")] == ["RET-7"]


def test_ids_may_come_as_texts(canned):
    row = {
        "id": "1000015552",
        "posting_number": "5-1-1",
        "product": {"offer_id": "A-1", "quantity": 1, "price": {"price": "3318", "currency_code": "RUB"}},
        "visual": {"status": {"sys_name": "ReceivedBySeller"}},
        "logistic": {"return_date": "2026-07-29T06:15:48.998146Z"},
    }
    answers = {
        paths.RETURNS: [{"returns": [row], "has_next": True}, {"returns": [], "has_next": False}],
        paths.POSTINGS: [{"postings": [], "has_next": False, "cursor": ""}],
    }
    (native,) = natives(canned(answers), "return")
    record = canonical("return", native)
    assert (record.number, record.order, record.lines[0].price) == ("1000015552", "5-1-1", 3318)


def test_a_list_that_never_ends_is_not_read_for_ever(ozon, sandbox):
    sandbox.faults.append(Fault(kind="custom", name="endless_returns", match="returns/list", times=None))
    with pytest.raises(IncompleteSource):
        read(ozon)


@pytest.mark.parametrize("cursor", ["{}", "[]", "null", '"x"', '{"changed": 5}', '{"changed": "2026-01-01T00:00:00"}'])
@pytest.mark.parametrize("entity", ["return", "order", "order_status", "accrual"])
def test_a_checkpoint_of_another_shape_says_what_to_do(ozon, entity, cursor):
    with pytest.raises(StateError, match="begins anew"):
        list(ozon.read(entity, cursor))


def test_a_clock_that_jumps_back_loses_no_return(ozon, sandbox, clock, delivered):
    clock.pass_by(days=10)
    _, cursor = read(ozon)
    clock.jump(-timedelta(days=10).total_seconds())
    back = sandbox.send_back(delivered(), "A-1")
    assert [str(native["id"]) for native in read(ozon, cursor)[0]] == [back]


@pytest.mark.parametrize("skew", [-5 * 3600.0, 5 * 3600.0])
def test_a_peer_whose_clock_is_wrong_loses_no_return(ozon, sandbox, clock, delivered, skew):
    sandbox.skew = skew
    number, cursor = delivered({"A-1": 9}), None
    sent, seen = [], set()
    for _ in range(4):
        sent.append(sandbox.send_back(number, "A-1"))
        told, cursor = read(ozon, cursor)
        seen |= {str(native["id"]) for native in told}
        clock.pass_by(hours=2)
    assert seen == set(sent)


def test_every_state_of_the_specification_is_mapped(specs):
    document = msgspec.json.decode((specs / "specs" / "ozon" / "seller.openapi.json").read_bytes())
    told = {"".join(line) for line in _told(document)}
    assert len(told) >= 30
    for name in told:
        native = {"id": 1, "visual": {"status": {"sys_name": name}}, "lines": [{"offer_id": "A", "quantity": 1}]}
        assert canonical("return", native).state


def _told(document):
    text = msgspec.json.encode(document["components"]["schemas"]).decode()
    found = re.search(r"`DisputeOpened` —.*?`WaitingShipment` —", text)
    return re.findall(r"`(\w+)` —", found[0])
