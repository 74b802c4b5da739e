"""Orders: none is missed, whatever the clocks say, and one pass brings each posting once."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from connectors.ozon import paths
from connectors.ozon.postings import POSTING_LIMIT
from obmen.errors import IncompleteSource, StateError
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell


def read(ozon, cursor=None, entity="order"):
    pages = list(ozon.read(entity, cursor))
    numbers = [n["posting_number"] for page in pages for raw in page.slices for n in page.decode(raw)]
    assert [page.cursor for page in pages[:-1]] == [None] * (len(pages) - 1)
    return numbers, pages[-1].cursor


def sent(sandbox, path):
    return [msgspec.json.decode(e.request_body) for e in sandbox.journal if e.path == path]


def test_every_order_comes_once_over_many_pages(ozon, sandbox):
    sell(ozon, "A-1", amount=1000)
    placed = [sandbox.place_order({"A-1": 1}) for _ in range(2 * POSTING_LIMIT + 50)]
    numbers, cursor = read(ozon)
    assert sorted(numbers) == sorted(placed)
    assert cursor is not None
    assert len(cursor) < 100
    assert {body["limit"] for body in sent(sandbox, paths.POSTINGS)} == {POSTING_LIMIT}


def test_the_next_pass_begins_where_the_last_began_less_an_overlap(ozon, sandbox, clock):
    sell(ozon, "A-1", amount=1000)
    began = clock.now()
    done = sandbox.place_order({"A-1": 1})
    sandbox.deliver(done)
    numbers, cursor = read(ozon)
    assert numbers == [done]
    clock.pass_by(minutes=30)
    assert read(ozon, cursor)[0] == [done]
    clock.pass_by(hours=2)
    numbers, later = read(ozon, read(ozon, cursor)[1])
    assert numbers == []
    first = sent(sandbox, paths.POSTINGS)[1]["filter"]["last_changed_status_date"]["from"]
    assert first == (began - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert later > cursor


def test_an_order_placed_while_a_pass_runs_is_in_the_next(ozon, sandbox, clock):
    sell(ozon, "A-1", amount=1000)
    first = [sandbox.place_order({"A-1": 1}) for _ in range(POSTING_LIMIT + 1)]
    pages = ozon.read("order", None)
    next(pages)
    clock.pass_by(seconds=5)
    late = sandbox.place_order({"A-1": 1})
    sandbox.deliver(late)
    *_, last = pages
    clock.pass_by(hours=3)
    for number in first:
        sandbox.deliver(number)
    assert late in read(ozon, last.cursor)[0]


@pytest.mark.parametrize("skew", [-50 * 60.0, 50 * 60.0, -30 * 86400.0, 30 * 86400.0])
def test_a_peer_whose_clock_is_wrong_loses_nothing(ozon, sandbox, clock, skew):
    sandbox.skew = skew
    sell(ozon, "A-1", amount=1000)
    seen = set()
    cursor = None
    placed = []
    for _ in range(5):
        number = sandbox.place_order({"A-1": 1})
        sandbox.deliver(number)
        placed.append(number)
        numbers, cursor = read(ozon, cursor)
        seen.update(numbers)
        clock.pass_by(hours=6)
    assert seen == set(placed)


def test_our_clock_that_jumps_back_loses_nothing(ozon, sandbox, clock):
    sell(ozon, "A-1", amount=1000)
    clock.pass_by(days=10)
    _, cursor = read(ozon)
    clock.jump(-10 * 86400)
    number = sandbox.place_order({"A-1": 1})
    sandbox.deliver(number)
    assert number in read(ozon, cursor)[0]


def test_a_waiting_order_is_seen_even_when_the_filter_of_changes_misses_it(ozon, sandbox, clock):
    sell(ozon, "A-1", amount=1000)
    number = sandbox.place_order({"A-1": 1})
    _, cursor = read(ozon)
    clock.pass_by(days=3)
    assert read(ozon, cursor)[0] == [number]
    sandbox.deliver(number)
    clock.pass_by(days=3)
    _, cursor = read(ozon, cursor)
    clock.pass_by(days=3)
    assert read(ozon, cursor)[0] == []


def test_the_first_pass_goes_back_as_far_as_it_is_told(connect, sandbox, clock):
    ozon = connect(sandbox, lookback_days=5)
    sell(ozon, "A-1", amount=1000)
    old = sandbox.place_order({"A-1": 1})
    sandbox.deliver(old)
    clock.pass_by(days=4)
    young = sandbox.place_order({"A-1": 1})
    sandbox.deliver(young)
    assert read(ozon)[0] == [old, young]
    clock.pass_by(days=2)
    assert read(ozon)[0] == [young]


def test_no_period_is_longer_than_a_year(connect, sandbox, clock):
    ozon = connect(sandbox, lookback_days=363)
    read(ozon)
    ancient = msgspec.json.encode({"changed": datetime(2019, 1, 1, tzinfo=UTC)}).decode()
    read(ozon, ancient)
    for body in sent(sandbox, paths.POSTINGS):
        inner = body["filter"]["last_changed_status_date"]
        for begin, end in ((body["filter"]["since"], body["filter"]["to"]), (inner["from"], inner["to"])):
            span = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
            assert timedelta(0) < span <= timedelta(days=364)


def test_an_answer_in_the_shape_of_the_retired_version_is_not_taken_for_no_orders(canned):
    old = {"result": {"postings": [], "has_next": False}}
    with pytest.raises(IncompleteSource, match="postings"):
        list(canned({paths.UNFULFILLED: [old], paths.POSTINGS: [old]}).read("order", None))


@pytest.mark.parametrize("cursor", ["", "same"])
def test_a_list_that_never_ends_is_not_read_for_ever(canned, cursor):
    page = {"postings": [], "has_next": True, "cursor": cursor}
    with pytest.raises(IncompleteSource, match="no cursor"):
        list(canned({paths.UNFULFILLED: [page]}).read("order", None))


def test_the_checkpoint_is_kept_only_when_the_pass_is_whole(ozon, sandbox):
    sell(ozon, "A-1")
    sandbox.place_order({"A-1": 1})
    sandbox.faults.append(Fault(kind="custom", name="endless_list", match="fbs/list"))
    pages = []
    with pytest.raises(IncompleteSource):
        pages.extend(ozon.read("order", None))
    assert [page.cursor for page in pages if page.cursor] == []


def test_a_damaged_checkpoint_says_what_to_do(ozon):
    with pytest.raises(StateError, match="begins anew"):
        list(ozon.read("order", '{"changed": "yesterday"}'))


def test_orders_are_looked_up_by_number(ozon, sandbox):
    sell(ozon, "A-1", amount=100)
    numbers = [sandbox.place_order({"A-1": 1}) for _ in range(5)]
    found = list(ozon.look_up("order", [numbers[1], numbers[3], "нет-1"]))
    assert [native["posting_number"] for native in found] == [numbers[1], numbers[3]]
    assert found[0] == next(n for n in natives(ozon, "order") if n["posting_number"] == numbers[1])


def test_statuses_are_read_from_the_same_listing(ozon, sandbox):
    sell(ozon, "A-1", amount=100)
    numbers = [sandbox.place_order({"A-1": 1}) for _ in range(2)]
    sandbox.cancel_by_buyer(numbers[1])
    assert {n["posting_number"]: n["status"] for n in natives(ozon, "order_status")} == {
        numbers[0]: "awaiting_packaging",
        numbers[1]: "cancelled",
    }
