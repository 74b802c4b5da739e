"""The life of an order, returns, money and labels: all that is said and answered, judged by Ozon's specification."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from connectors.ozon import Ozon, paths
from obmen.errors import IncompleteSource, Later, Refused
from obmen.records import Batch
from tests.contract.ozon import test_assortment as whole
from tests.contract.ozon import test_goods as goods
from tests.contract.ozon.conftest import Faulty, connection, read_all, send_wrong
from tests.unit.ozon.conftest import Clock, sell
from tests.unit.ozon.orders_kit import ask, box, item, put, see_through

CODES = [f"010460000000001521ПРОБА{n:04d}" for n in range(4)]
ONE_OR_MANY = f"POST {paths.OWN_RETURNS} answer 200: $.returns: "
"""The document calls the list of applications one object, and shows a list as its example; Ozon answers a list."""


@pytest.fixture
def ozon(cabinet: Faulty, clock: Clock) -> Iterator[Ozon]:
    made = connection(cabinet, clock, rfbs=True)
    yield made
    made.close()


# -- scenarios: each leaves its exchanges in the journal ---------------------------------------------------


def packages(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", "A-2", amount=100)
    for cabinet.split_cancels_parent in (False, True):
        number = cabinet.place_order([("A-1", 4), ("A-2", 2)])
        boxes = [box(("A-1", 2)), box(("A-1", 1), ("A-2", 2))]
        assert put(ozon, number, "awaiting_deliver", packages=boxes, reason="Брак").kind == "done"
        assert number in {native["posting_number"] for native in read_all(ozon, "order")}
    sku = cabinet.products["A-1"].sku
    body = {
        "cancel_reason_id": 352,
        "cancel_reason_message": "Нет",
        "items": [{"sku": sku, "quantity": 1}],
        "posting_number": cabinet.place_order({"A-1": 1}),
    }
    send_wrong(ozon, cabinet, paths.CANCEL_GOODS, body, {**body, "cancel_reason_message": ""}, {**body, "items": []})


def cancellations(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", amount=100)
    cabinet.closed_reasons.add(352)
    assert put(ozon, cabinet.place_order({"A-1": 1}), "cancelled").kind == "refused"
    disputed = cabinet.place_order({"A-1": 1})
    cabinet.move(disputed, "arbitration")
    assert put(ozon, disputed, "awaiting_deliver").kind == "done"
    send_wrong(ozon, cabinet, paths.AWAITING_DELIVERY, {"posting_number": [disputed]})
    send_wrong(ozon, cabinet, paths.CANCEL_REASONS, {"related_posting_numbers": []})


def marks(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", "A-2", amount=100)
    cabinet.demand("A-1")
    cabinet.demand("A-2", "jw_uin", "gtd", "rnpt")
    boxes = [box(("A-1", 2, CODES[:2]), ("A-2", 1, CODES[2:3]))]
    for forced in ("", "check_slow", "check_failed"):
        cabinet.forced = forced
        number = cabinet.place_order([("A-1", 2), ("A-2", 1)])
        first = put(ozon, number, "awaiting_deliver", packages=boxes)
        cabinet.forced = ""
        if first.kind == "accepted":
            ask(ozon, first.ticket, number, "awaiting_deliver", packages=boxes)
        assert see_through(ozon, number, "awaiting_deliver", packages=boxes).kind == "done"
    cabinet.bad_marks[CODES[0]] = "MARK_NOT_IN_CIRCULATION"
    bad = cabinet.place_order([("A-1", 2), ("A-2", 1)])
    assert put(ozon, bad, "awaiting_deliver", packages=boxes).kind == "refused"
    stranger = {"product_id": 1, "exemplars": [{"exemplar_id": 1, "marks": []}]}
    send_wrong(ozon, cabinet, paths.EXEMPLARS_SET, {"posting_number": bad, "products": [stranger]})
    send_wrong(ozon, cabinet, paths.EXEMPLARS, {"posting_number": "нет"})
    send_wrong(ozon, cabinet, paths.EXEMPLARS_STATE, {"posting_number": "нет"})


def own_delivery(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", amount=100)
    numbers = [cabinet.place_order({"A-1": 1}, integration="non_integrated") for _ in range(3)]
    tracked = cabinet.place_order({"A-1": 1}, integration="3pl_tracking")
    for number in (*numbers, tracked):
        assert put(ozon, number, "awaiting_deliver").kind == "done"
    assert see_through(ozon, tracked, "delivering", tracking_number="TRACK-1").kind == "done"
    batch = Batch([item(number, "delivered", tracking_number=f"T-{number}") for number in numbers])
    assert {outcome.kind for outcome in ozon.write("order_status", batch)} == {"accepted"}
    for number in numbers:
        assert see_through(ozon, number, "delivered", tracking_number=f"T-{number}").kind == "done"
    for path in (paths.DELIVERING, paths.LAST_MILE, paths.DELIVERED):
        rows = ozon.http.post(path, json={"posting_number": ["нет", numbers[0], tracked]})["result"]
        assert [row["result"] for row in rows] == [False] * 3
        send_wrong(ozon, cabinet, path, {"posting_number": []})
    row = {"posting_number": numbers[0], "tracking_number": "T"}
    send_wrong(ozon, cabinet, paths.TRACKING, {"tracking_numbers": [row] * 21})


def labels(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", amount=100)
    ready, raw = cabinet.place_order({"A-1": 1}), cabinet.place_order({"A-1": 1})
    put(ozon, ready, "awaiting_deliver")
    assert len(list(ozon.papers("label", [ready]))) == 1
    cabinet.forced = "labels_late"
    with pytest.raises(Later):
        list(ozon.papers("label", [ready]))
    cabinet.forced = ""
    for wrong in ([raw], [ready, raw]):
        with pytest.raises(Refused):
            list(ozon.papers("label", wrong))
    send_wrong(ozon, cabinet, paths.LABELS, {"posting_number": [ready] * 21}, {"posting_number": ["нет"]})


def returns(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", "A-2", amount=100)
    number = cabinet.place_order({"A-1": 2, "A-2": 1})
    own = cabinet.place_order({"A-1": 1}, integration="non_integrated")
    put(ozon, own, "awaiting_deliver")
    see_through(ozon, own, "delivered")
    cabinet.deliver(number)
    back = cabinet.send_back(number, "A-1")
    cabinet.send_back(own, "A-1")
    assert len(read_all(ozon, "return")) == 2
    cabinet.move_return(back, "ReceivedBySeller")
    refused = cabinet.place_order({"A-2": 1})
    cabinet.hand_over(refused)
    cabinet.refuse_at_the_door(refused)
    assert len(read_all(ozon, "return")) == 3
    span = {"time_from": "2026-06-01T00:00:00Z", "time_to": "2026-06-20T00:00:00Z"}
    two = {"logistic_return_date": span, "visual_status_change_moment": span}
    send_wrong(ozon, cabinet, paths.RETURNS, {"filter": two, "limit": 10}, {"limit": 501})
    send_wrong(ozon, cabinet, paths.OWN_RETURNS, {"limit": 0})
    cabinet.forced = "endless_returns"
    with pytest.raises(IncompleteSource):
        read_all(ozon, "return")


def money(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    cabinet.accruals_per_page, cabinet.points = 2, Decimal("10.00")
    sell(ozon, "A-1", "A-2", amount=100)
    number = cabinet.place_order({"A-1": 2, "A-2": 1})
    cabinet.deliver(number)
    cabinet.send_back(number, "A-1")
    cabinet.charge(5, "-12.30", "A-2")
    cabinet.charge(10, "-990.00")
    paid = cabinet.pay_out()
    told = read_all(ozon, "accrual")
    assert sum(Decimal(native["amount"]) for native in told) == cabinet.owed() + paid
    span = {"from": "2026-06-01T00:00:00Z", "to": "2026-06-15T00:00:00Z"}
    send_wrong(ozon, cabinet, paths.STATEMENT, {"page": 1, "page_size": 1}, {"date": span, "page": 0, "page_size": 1})
    send_wrong(ozon, cabinet, paths.ACCRUALS, {"date": "2026-06-15"}, {"date": "June", "last_id": ""})


def ozons_warehouse(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", amount=100)
    other = connection(cabinet, clock, scheme="fbo")
    numbers = [cabinet.place_fbo_order({"A-1": 1}) for _ in range(101)]
    cabinet.move_fbo(numbers[0], "delivered")
    cabinet.move_fbo(numbers[1], "cancelled")
    assert len(read_all(other, "order")) == len(read_all(other, "order_status")) == 101
    assert [native["status"] for native in other.look_up("order", numbers[:1])] == ["delivered"]
    period = {"since": "2024-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    send_wrong(other, cabinet, paths.FBO_POSTINGS, {"filter": period, "limit": 10}, {"filter": {}, "limit": 101})
    cabinet.forced = "endless_fbo"
    with pytest.raises(IncompleteSource):
        read_all(other, "order")
    other.close()


SCENARIOS: list[Callable[[Ozon, Faulty, Clock], None]] = [
    packages, cancellations, marks, own_delivery, labels, returns, money, ozons_warehouse,
]  # fmt: skip


# -- the judgement -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_specified(scenario, ozon, cabinet, clock, judge):
    scenario(ozon, cabinet, clock)
    complaints = set()
    for exchange in cabinet.journal:
        said = judge.exchange(exchange)
        if exchange.request_body in cabinet.wrong:
            said = [text for text in said if " answer " in text]
        complaints.update(text for text in said if not text.startswith(ONE_OR_MANY))
    assert cabinet.journal
    assert complaints == set()


def test_each_application_of_the_list_is_as_specified(ozon, cabinet, clock, judge):
    returns(ozon, cabinet, clock)
    answers = [json.loads(one.response_body) for one in cabinet.journal if one.path == paths.OWN_RETURNS]
    applications = [row for answer in answers if isinstance(answer.get("returns"), list) for row in answer["returns"]]
    assert applications
    for row in applications:
        body = json.dumps({"returns": row}).encode()
        assert judge.response("POST", paths.OWN_RETURNS, 200, body) == []


def test_the_document_shows_a_list_of_applications(judge):
    example = judge.operation("POST", paths.OWN_RETURNS)["responses"]["200"]["content"]["application/json"]["example"]
    assert isinstance(example["returns"], list)


def test_a_field_that_ozon_does_not_know_would_be_seen(ozon, cabinet, judge):
    sell(ozon, "A-1")
    number = cabinet.place_order({"A-1": 1})
    sku = cabinet.products["A-1"].sku
    package = {"products": [{"product_id": sku, "quantity": 1, "mark": CODES[0]}]}
    ozon.http.post(paths.SHIP, json={"posting_number": number, "packages": [package]})
    (complaint,) = judge.exchange(cabinet.journal[-1])
    assert "mark" in complaint


def test_every_path_that_obmen_uses_is_judged(ozon, cabinet, clock):
    told = set()
    assortment = (goods.checks, goods.cards, goods.prices, goods.stocks, whole.categories, whole.whole_cards)
    for scenario in (*assortment, goods.postings, *SCENARIOS):
        cabinet.reset()
        cabinet.journal.clear()
        scenario(ozon, cabinet, clock)
        told |= {exchange.path for exchange in cabinet.journal if exchange.status == 200}
    assert told >= set(paths.ALL)
