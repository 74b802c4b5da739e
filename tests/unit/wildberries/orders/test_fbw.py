"""FBW: what Wildberries sells out of its own warehouses is read, and nothing is said of it (E2)."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from connectors.wildberries import fbw as fbw_module
from connectors.wildberries.options import WildberriesOptions
from tests.unit.wildberries.orders.conftest import canonical, natives, read, sent


@pytest.fixture
def fbw(connect, sandbox):
    return connect(sandbox, schemes=["fbw"])


@pytest.mark.field("E2")
def test_e2_an_order_is_read_with_its_goods_and_what_the_buyer_pays(fbw, sandbox, clock):
    at = clock.now()
    srid = sandbox.place_fbw_order("A-1")
    card = next(iter(sandbox.cards.values()))
    order = canonical("order", natives(fbw, "order")[0], folder=fbw.preset(fbw.options, "order"))
    assert (order.number, order.placed_at, order.currency) == (srid, at.replace(microsecond=0), "RUB")
    assert (order.delivery.kind, order.delivery.warehouse) == ("marketplace", None)
    (line,) = order.lines
    assert (line.sku, line.quantity, line.line_id) == ("A-1", 1, srid)
    assert line.price == Decimal(card.price * (100 - card.discount)) / 100


@pytest.mark.field("E2")
def test_e2_the_life_of_an_order_is_read_and_never_goes_back(fbw, sandbox, clock):
    kept, dropped = (sandbox.place_fbw_order("A-1") for _ in range(2))
    cursor, seen = None, []
    for happen in (lambda: None, lambda: sandbox.sell_fbw(kept), lambda: sandbox.cancel_fbw(dropped)):
        happen()
        found, cursor = read(fbw, "order_status", cursor)
        seen.append({one["id"]: canonical("order_status", one).status for one in found})
        clock.pass_by(hours=1)
    sandbox.take_back_fbw(kept)
    sandbox.units[kept].changed_at = sandbox.now()
    found, cursor = read(fbw, "order_status", cursor)
    assert seen == [{}, {kept: "delivered"}, {kept: "delivered", dropped: "cancelled"}]
    assert {canonical("order_status", one).status for one in found} <= {"delivered", "cancelled"}
    (told,) = fbw.look_up("order_status", [kept, "nobody's"])
    assert canonical("order_status", told).status == "delivered"
    assert [one["id"] for one in fbw.look_up("order", [dropped])] == [dropped]


def test_the_schemes_know_nothing_of_each_other(fbw, wb, sandbox):
    there, here = sandbox.place_fbw_order("A-1"), sandbox.place_order("A-1")
    assert [one["id"] for one in natives(fbw, "order")] == [there]
    assert [str(one["id"]) for one in natives(wb, "order")] == [here]
    assert natives(fbw, "order_status") == []


def test_nothing_can_be_said_of_wildberries_own_orders(fbw, wb):
    assert ("order_status", "put") not in fbw.writers
    assert ("order_status", "put") in wb.writers
    with pytest.raises(ValidationError, match="fbw stands alone"):
        WildberriesOptions(token="x", schemes=["fbs", "fbw"])


def test_a_report_of_many_pages_is_read_to_its_end_and_goes_on_where_it_ended(fbw, sandbox, clock, monkeypatch):
    monkeypatch.setattr(fbw_module, "MOST", 10)
    sandbox.page = 10
    numbers = []
    for _ in range(25):
        numbers.append(sandbox.place_fbw_order("A-1"))
        clock.pass_by(seconds=1)
    found, cursor = read(fbw, "order")
    assert list(dict.fromkeys(one["id"] for one in found)) == numbers
    assert len(sent(sandbox, "GET", "supplier/orders")) == 3
    late = sandbox.place_fbw_order("A-1")
    assert [one["id"] for one in read(fbw, "order", cursor)[0]] == [numbers[-1], late]
