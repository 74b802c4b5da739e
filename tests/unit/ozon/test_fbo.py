"""FBO: orders of Ozon's own warehouses are read, and nothing is said of them (E2)."""

import pytest

from connectors.ozon import paths
from obmen.errors import IncompleteSource
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import natives, sell
from tests.unit.ozon.test_mappings import canonical

STEPS = {"awaiting_packaging": "confirmed", "awaiting_deliver": "ready", "delivering": "shipped"}
STEPS |= {"delivered": "delivered", "cancelled": "cancelled"}


@pytest.fixture
def fbo(connect, sandbox, ozon):
    sell(ozon, "A-1", "A-2", amount=10)
    return connect(sandbox, scheme="fbo", lookback_days=30)


@pytest.mark.field("E2")
def test_e2_orders_are_read_with_their_lines(fbo, sandbox):
    number = sandbox.place_fbo_order({"A-1": 2, "A-2": 1})
    order = canonical("order", natives(fbo, "order")[0])
    assert (order.number, order.delivery.kind, order.delivery.warehouse) == (number, "marketplace", None)
    assert [(line.sku, line.quantity, line.price) for line in order.lines] == [("A-1", 2, 1990), ("A-2", 1, 1990)]


@pytest.mark.field("E2")
@pytest.mark.parametrize("skipped", [None, "awaiting_deliver", "delivering"])
def test_e2_the_life_of_an_order_is_read_whatever_is_skipped(fbo, sandbox, clock, skipped):
    number = sandbox.place_fbo_order({"A-1": 1})
    seen = []
    for status in ("awaiting_packaging", "awaiting_deliver", "delivering", "delivered"):
        if status != skipped:
            sandbox.move_fbo(number, status)
            seen.append((STEPS[status], canonical("order_status", natives(fbo, "order_status")[0]).status))
            clock.pass_by(days=2)
    assert all(expected == read for expected, read in seen)
    (found,) = fbo.look_up("order_status", [number, "нет-1-1"])
    assert found["status"] == "delivered"


def test_the_two_schemes_know_nothing_of_each_other(fbo, ozon, sandbox):
    there, here = sandbox.place_fbo_order({"A-1": 1}), sandbox.place_order({"A-1": 1})
    assert [native["posting_number"] for native in natives(fbo, "order")] == [there]
    assert [native["posting_number"] for native in natives(ozon, "order")] == [here]


def test_nothing_can_be_said_of_ozons_own_postings(fbo, ozon):
    assert ("order_status", "put") not in fbo.writers
    assert ("order_status", "put") in ozon.writers


def test_what_was_ordered_long_ago_is_read_no_more(fbo, sandbox, clock):
    for _ in range(201):
        sandbox.place_fbo_order({"A-1": 1})
    assert len(natives(fbo, "order")) == 201
    assert sandbox.calls[paths.FBO_POSTINGS] == 3
    clock.pass_by(days=31)
    assert natives(fbo, "order") == []


def test_a_list_that_never_ends_is_not_read_for_ever(fbo, sandbox):
    sandbox.faults.append(Fault(kind="custom", name="endless_fbo", match="fbo/list"))
    with pytest.raises(IncompleteSource):
        natives(fbo, "order")
