"""Orders: none is missed, whatever the clocks and the periods say, and each tells what was sold for how much."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from connectors.wildberries.listing import LISTED, OVERLAP
from obmen.errors import IncompleteSource, StateError
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.orders.conftest import CHRT, NM, canonical, natives, read, sent, stock_up

REFS = {("product", f"{NM}:{CHRT}"): "SKU-1"}


def numbers(found):
    return [str(native["id"]) for native in found]


def periods(sandbox):
    asked = sent(sandbox, "GET", "/api/v3/orders")
    return [(int(q["dateFrom"]), int(q["dateTo"]) if "dateTo" in q else None) for q in asked if q["next"] == "0"]


def test_every_order_comes_once_over_many_pages(wb, sandbox, clock):
    placed = [sandbox.place_order("A-1") for _ in range(LISTED + 200)]
    for number in placed[:1100]:
        sandbox.move(number, supplier="complete")
    found, cursor = read(wb, "order")
    assert sorted(numbers(found)) == placed
    assert cursor is not None
    assert {query["limit"] for query in sent(sandbox, "GET", "/api/v3/orders")} == {str(LISTED)}


def test_the_next_pass_begins_where_the_last_began_less_an_overlap(wb, sandbox, clock):
    began = clock.now()
    sandbox.move(sandbox.place_order("A-1"), supplier="complete")
    _, cursor = read(wb, "order")
    clock.pass_by(minutes=30)
    assert len(read(wb, "order", cursor)[0]) == 1
    clock.pass_by(hours=3)
    _, later = read(wb, "order", cursor)
    assert read(wb, "order", later)[0] == []
    assert later > cursor
    assert periods(sandbox)[2][0] == int((began - OVERLAP).timestamp())


def test_no_period_is_longer_than_the_vendor_takes_and_none_leaves_a_gap(connect, sandbox, clock):
    wb = connect(sandbox, lookback_days=88)
    placed = []
    for _ in range(88):
        placed.append(sandbox.place_order("A-1"))
        sandbox.move(placed[-1], supplier="complete")
        clock.pass_by(days=1)
    assert numbers(read(wb, "order")[0]) == placed
    asked = periods(sandbox)
    assert len(asked) == 4
    for (begin, end), (following, _) in pairwise(asked):
        assert following <= end <= begin + 30 * 86400
    assert asked[-1][1] is None


def test_an_order_made_just_at_the_edge_of_two_periods_comes_once(connect, sandbox, clock):
    wb = connect(sandbox, lookback_days=40)
    clock.pass_by(days=29)
    edge = sandbox.place_order("A-1")
    sandbox.move(edge, supplier="complete")
    clock.pass_by(days=11, hours=-1)
    assert numbers(read(wb, "order")[0]) == [edge]


@pytest.mark.parametrize("skew", [-50 * 60.0, 50 * 60.0, -20 * 86400.0, 20 * 86400.0])
def test_a_peer_whose_clock_is_wrong_loses_nothing(wb, sandbox, clock, skew):
    sandbox.skew = skew
    seen, cursor, placed = set(), None, []
    for _ in range(5):
        placed.append(sandbox.place_order("A-1"))
        sandbox.move(placed[-1], supplier="complete")
        found, cursor = read(wb, "order", cursor)
        seen.update(numbers(found))
        clock.pass_by(hours=6)
    assert seen == set(placed)


def test_our_clock_that_jumps_back_loses_nothing(wb, sandbox, clock):
    clock.pass_by(days=10)
    _, cursor = read(wb, "order")
    clock.jump(-10 * 86400)
    number = sandbox.place_order("A-1")
    sandbox.move(number, supplier="complete")
    assert number in numbers(read(wb, "order", cursor)[0])


def test_an_order_that_waits_is_seen_even_when_its_period_is_past(wb, sandbox, clock):
    number = sandbox.place_order("A-1")
    _, cursor = read(wb, "order")
    clock.pass_by(days=3)
    _, cursor = read(wb, "order", cursor)
    clock.pass_by(days=3)
    assert numbers(read(wb, "order", cursor)[0]) == [number]


def test_a_list_that_stands_still_is_not_read_for_ever_and_keeps_no_checkpoint(wb, sandbox):
    sandbox.move(sandbox.place_order("A-1"), supplier="complete")
    sandbox.stuck = 5
    pages = []
    with pytest.raises(IncompleteSource, match="stands still"):
        pages.extend(wb.read("order", None))
    assert [page.cursor for page in pages if page.cursor] == []


def test_a_damaged_checkpoint_says_what_to_do(wb):
    with pytest.raises(StateError, match="begins anew"):
        list(wb.read("order", '{"made": "yesterday"}'))


def test_orders_are_looked_up_by_number_however_old(wb, sandbox, clock):
    placed = []
    for _ in range(6):
        placed.append(sandbox.place_order("A-1"))
        sandbox.move(placed[-1], supplier="complete")
        clock.pass_by(days=12)
    new = sandbox.place_order("A-2")
    found = list(wb.look_up("order", [placed[0], placed[4], new, "17", "not-a-number"]))
    assert sorted(numbers(found)) == sorted([placed[0], placed[4], new])
    known = {str(native["id"]): native for native in natives(wb, "order")}
    assert {str(native["id"]): native for native in found}[new] == known[new]


def test_a_lookup_stops_as_soon_as_all_are_found(wb, sandbox):
    new = sandbox.place_order("A-1")
    assert numbers(wb.look_up("order", [new])) == [new]
    assert sent(sandbox, "GET", "/api/v3/orders") == []


def test_an_order_is_one_unit_at_the_price_in_kopecks(wb, sandbox):
    number = sandbox.place_order("A-1", price=179_199, converted=179_199)
    (native,) = natives(wb, "order")
    order = canonical("order", native, refs=REFS)
    assert (order.channel, order.number, order.currency) == ("wb", number, "RUB")
    (line,) = order.lines
    assert (line.sku, line.quantity, line.price) == ("SKU-1", 1, Decimal("1791.99"))
    assert order.total == Decimal("1791.99")
    assert (order.delivery.kind, order.delivery.warehouse) == ("marketplace", "Основной")
    assert canonical("order", native, folder="by_article").lines[0].sku == "A-1"
    assert order.placed_at == datetime.fromtimestamp(sandbox.assembly[int(number)].created_at, UTC)


def test_an_order_tells_the_same_while_it_is_new_and_afterwards(wb, sandbox):
    number = sandbox.place_order("A-1")
    (new,) = natives(wb, "order")
    sandbox.move(number, supplier="confirm")
    (listed,) = natives(wb, "order")
    assert new != listed
    assert canonical("order", new, refs=REFS) == canonical("order", listed, refs=REFS)


@pytest.mark.parametrize(
    ("chosen", "currency", "price"), [("sale", "BYN", Decimal("51.20")), ("converted", "RUB", Decimal("1413.5"))]
)
def test_an_order_from_abroad_tells_both_prices_and_the_option_chooses(connect, sandbox, chosen, currency, price):
    wb = connect(sandbox, order_prices=chosen)
    sandbox.place_order("A-1", price=5120, converted=141_350, currency=933)
    (native,) = natives(wb, "order")
    order = canonical("order", native, refs=REFS)
    assert (order.currency, order.lines[0].price) == (currency, price)


def test_goods_are_found_by_the_size_and_not_by_the_card(wb, sandbox):
    stock_up(sandbox, "A-3")
    card = next(card for card in sandbox.cards.values() if card.vendor_code == "A-3")
    sandbox.place_order("A-3")
    (native,) = natives(wb, "order")
    assert native["product"] == f"{card.nm_id}:{card.sizes[0].chrt_id}"


def test_an_order_without_its_size_waits_alone(wb, sandbox):
    sandbox.place_order("A-1")
    (page, *_) = wb.read("order", None)
    broken = msgspec.json.decode(page.slices[0])
    del broken["chrtId"]
    with pytest.raises(Exception, match="no chrtId"):
        list(page.decode(msgspec.json.encode(broken)))


def test_the_option_decides_the_preset(connect, sandbox):
    wb = connect(sandbox, goods="article")
    assert wb.preset(wb.options, "order") == "by_article"
    assert wb.preset(wb.options, "stock") == ""


def test_a_lost_answer_of_a_read_is_asked_again(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.faults.append(Fault(kind="drop", match="orders/new"))
    assert numbers(natives(wb, "order")) == [number]


def test_the_lists_reach_back_three_months_and_no_further(connect, sandbox, clock):
    wb = connect(sandbox, lookback_days=88)
    clock.pass_by(days=150)
    ancient = msgspec.json.encode({"made": clock.now() - timedelta(days=140)}).decode()
    read(wb, "order", ancient)
    assert min(begin for begin, _ in periods(sandbox)) >= int((clock.now() - timedelta(days=90)).timestamp())
