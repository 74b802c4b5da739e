"""Boxes and marking codes: what lies where, what is taken out of an order, and codes that are never shown in full."""

import msgspec
import pytest

from connectors.yandex_market import paths
from connectors.yandex_market.sandbox import Invalid
from obmen.errors import InDoubt
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.order_kit import READY, SHOPS, box, canonical, put, read, sell


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


def test_everything_lies_in_one_box_unless_told_otherwise(ym, market):
    number = market.place_order([("A-1", 2), ("A-2", 1), ("A-1", 1)])
    assert put(ym, number, READY).kind == "done"
    everything = [{"id": 1, "fullCount": 2}, {"id": 2, "fullCount": 1}, {"id": 3, "fullCount": 1}]
    assert bodies(market, "/boxes") == [{"boxes": [{"items": everything}]}]


def test_boxes_that_market_knows_are_left_as_they_are(ym, market):
    number = market.place_order({"A-1": 2})
    packages = [box(A_1=1), box(A_1=1)]
    market.faults.append(Fault(kind="status", status=500, match="status-update"))
    with pytest.raises(InDoubt):
        put(ym, number, READY, packages=packages)
    assert put(ym, number, READY, packages=packages).kind == "done"
    assert market.written["boxes"] == 1


@pytest.mark.field("E5")
def test_what_lies_in_no_box_is_taken_out_of_the_order(ym, market):
    number = market.place_order({"A-1": 2, "A-2": 3, "A-3": 1})
    assert put(ym, number, READY, packages=[box(A_1=2), box(A_2=2)]).kind == "done"
    (body,) = bodies(market, "/boxes")
    assert body["allowRemove"] is True
    order = canonical("order", read(ym)[0][0])
    assert [(line.sku, line.quantity, line.total) for line in order.lines] == [("A-1", 2, 200), ("A-2", 2, 100)]
    assert order.total == 300
    assert market.stock("A-3", 2001) == {"free": 1000, "reserved": 0}
    assert market.stock("A-2", 2001) == {"free": 998, "reserved": 2}


@pytest.mark.parametrize(
    ("packages", "code"),
    [
        ([box(A_1=3)], "packed_too_much"),
        ([box(A_9=1)], "packed_too_much"),
        ([], "nothing_packed"),
    ],
)
def test_boxes_that_do_not_fit_the_order_are_refused_before_anything_is_sent(ym, market, packages, code):
    number = market.place_order({"A-1": 2})
    outcome = put(ym, number, READY, packages=packages)
    assert (outcome.kind, outcome.errors[0].code) == ("refused", code)
    assert market.calls[paths.BOXES_SET.group] == market.calls[paths.STATUSES_SET.group] == 0


def test_what_market_lets_nobody_take_out_is_refused_in_its_words(ym, market):
    number = market.place_order({"A-1": 1, "A-2": 1})
    market.orders[int(number)].lines[1].promo = True
    outcome = put(ym, number, READY, packages=[box(A_1=1)])
    assert outcome.kind == "refused"
    assert "cannot be removed" in outcome.errors[0].message
    assert standing(market, number) == "PROCESSING/STARTED"


MARK = "0103041094787443215Qbag!\u001d93Zjqw"
OTHER = "010304109478gftJ14545762!\u001dhGt264"


def marked(*marks, **more):
    return [{"lines": [{"offerId": "A-1", "count": len(marks) or 1, "itemId": "1", "marks": list(marks), **more}]}]


@pytest.fixture
def to_mark(market):
    return market.place_order({"A-1": 2}, marks={"A-1": ("CIS",)})


@pytest.mark.field("E9")
def test_codes_are_sent_checked_and_then_the_order_is_ready(ym, market, clock, to_mark):
    market.check_seconds = 90.0
    assert put(ym, to_mark, READY, packages=marked(MARK, OTHER)).kind == "later"
    clock.pass_by(minutes=2)
    assert put(ym, to_mark, READY).kind == "done"
    assert market.orders[int(to_mark)].lines[0].codes == [{"cis": MARK}, {"cis": OTHER}]


@pytest.mark.field("E9")
def test_a_code_that_is_refused_is_named_but_never_in_full(ym, market, to_mark, capsys):
    market.bad_marks = {OTHER}
    outcome = put(ym, to_mark, READY, packages=marked(MARK, OTHER))
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "mark_refused")
    assert "WRONG_OWNER_INN" in outcome.errors[0].message
    assert standing(market, to_mark) == "PROCESSING/STARTED"
    said = outcome.errors[0].message + "".join(capsys.readouterr())
    assert MARK not in said
    assert OTHER not in said


@pytest.mark.field("E9")
@pytest.mark.parametrize("packages", [None, marked(), marked(MARK, count=2), [box(A_1=2)]])
def test_codes_that_are_missing_are_asked_for_before_a_call(ym, market, to_mark, packages):
    outcome = put(ym, to_mark, READY, **({} if packages is None else {"packages": packages}))
    assert outcome.kind == "refused"
    assert market.calls[paths.STATUSES_SET.group] == 0


@pytest.mark.field("E9")
@pytest.mark.parametrize("packages", [marked(MARK, OTHER), marked(MARK, count=2)])
def test_codes_that_market_does_not_take_of_an_item_are_left_out(ym, market, packages):
    number = market.place_order({"A-1": 2})
    assert put(ym, number, READY, packages=packages).kind == "done"
    assert bodies(market, "/boxes") == [{"boxes": [{"items": [{"id": 1, "fullCount": 2}]}]}]


@pytest.mark.field("E9")
def test_the_code_of_a_unit_that_came_back_may_be_sold_again(ym, market, to_mark):
    assert put(ym, to_mark, READY, packages=marked(MARK, OTHER)).kind == "done"
    again = market.place_order({"A-1": 1}, marks={"A-1": ("CIS",)})
    refused = put(ym, again, READY, packages=marked(MARK))
    assert "ITEM_SOLD" in refused.errors[0].message
    market.hand_over(to_mark)
    back = market.refuse(to_mark)
    market.move_return(back, goods="PICKED")
    assert put(ym, again, READY, packages=marked(MARK)).kind == "done"


def test_a_refusal_of_markets_that_quotes_a_code_is_masked(ym, market, to_mark, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise Invalid(f"bad code {MARK}")

    monkeypatch.setattr(market, "set_boxes", refuse)
    outcome = put(ym, to_mark, READY, packages=marked(MARK, OTHER))
    assert outcome.kind == "refused"
    assert MARK not in outcome.errors[0].message
    assert "bad code 010304…" in outcome.errors[0].message
