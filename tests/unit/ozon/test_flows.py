"""Ozon's orders, returns and money in flows: what the ledger keeps is what the cabinet holds, once."""

from decimal import Decimal

import msgspec
import pytest

from connectors.ozon.sandbox import OzonSandbox
from obmen.entities import Accrual, Order, Return
from obmen.project import load_project
from obmen.state import Ledger, facts
from obmen.sync.assemble import Assembly
from obmen.sync.doorbell import Doorbell
from obmen.sync.engine import Engine
from tests.unit.ozon.conftest import sell
from tests.unit.ozon.orders_kit import box, put

FLOWS = {name: {"entity": name, "from": "ozon", "to": []} for name in ("order", "return", "accrual")}


class Shop:
    """A project that reads a cabinet, and the ledger that it keeps."""

    def __init__(self, folder, sandbox: OzonSandbox, clock) -> None:
        project = {
            "connections": {"ozon": {"connector": "ozon", **sandbox.connection(), "lookback_days": 2}},
            "flows": FLOWS,
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.project, self.clock = load_project(folder), clock
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=clock)

    def sync(self, flow):
        with Assembly(self.project, ledger=self.ledger, clock=self.clock) as assembly:
            reports = Engine(self.ledger, assembly.flows).sync([flow], patience=20)
        assert [str(error) for report in reports for error in report.trouble] == []
        assert [report.quarantine for report in reports if report.quarantine] == []

    def facts(self, entity):
        with self.ledger.read() as tx:
            return [record for _, record in facts.of(tx, entity)]


@pytest.fixture
def shop(tmp_path, sandbox, clock):
    made = Shop(tmp_path, sandbox, clock)
    yield made
    made.ledger.close()


@pytest.mark.field("F1")
def test_f1_money_is_kept_once_however_often_its_day_is_read(shop, ozon, sandbox, clock):
    sell(ozon, "A-1", "A-2", amount=100)
    for _ in range(3):
        number = sandbox.place_order({"A-1": 2, "A-2": 1})
        sandbox.deliver(number)
        sandbox.send_back(number, "A-2")
        sandbox.charge(5, "-3.10", "A-1")
        for _ in range(2):
            shop.sync("accrual")
        clock.pass_by(hours=20)
    kept = shop.facts(Accrual)
    totals = sum(Decimal(one["total_amount"]["amount"]) for one in sandbox.accrued)
    assert sum(one.amount for one in kept) == totals
    assert len({one.operation_id for one in kept}) == len(kept)
    assert {one.order for one in kept if one.kind == "sale"} == set(sandbox.postings)


def test_an_order_in_boxes_stays_one_order_through_its_whole_life(shop, ozon, sandbox, clock):
    sell(ozon, "A-1", amount=100)
    number = sandbox.place_order({"A-1": 3})
    plain = sandbox.place_order({"A-1": 1})
    shop.sync("order")
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 2)), box(("A-1", 1))])
    for step in (lambda _: None, sandbox.hand_over, sandbox.deliver):
        for one in [one.number for one in sandbox.postings.values() if one.number != plain]:
            step(one)
            shop.sync("order")
            clock.pass_by(minutes=30)
    orders = {order.number: order for order in shop.facts(Order)}
    assert set(orders) == {number, plain}
    assert [(line.sku, line.quantity) for line in orders[number].lines] == [("A-1", 3)]


def test_a_return_of_one_box_is_kept_under_the_order_that_is_known(shop, ozon, sandbox, clock):
    sell(ozon, "A-1", amount=100)
    number = sandbox.place_order({"A-1": 2})
    put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))])
    part = next(one.number for one in sandbox.postings.values() if one.parent)
    sandbox.deliver(part)
    back = sandbox.send_back(part, "A-1")
    for status in ("MovingToSeller", "ReceivedBySeller"):
        sandbox.move_return(back, status)
        shop.sync("return")
        clock.pass_by(hours=2)
    (kept,) = shop.facts(Return)
    assert (kept.number, kept.order, kept.state) == (back, number, "received")


@pytest.mark.field("E12")
def test_e12_one_order_of_a_strange_warehouse_harms_only_itself(shop, ozon, sandbox):
    sell(ozon, "A-1", amount=100)
    numbers = [sandbox.place_order({"A-1": 1}) for _ in range(50)]
    sandbox.postings[numbers[7]].warehouse_id = 99
    with pytest.raises(AssertionError):
        shop.sync("order")
    assert {order.number for order in shop.facts(Order)} == set(numbers) - {numbers[7]}


@pytest.mark.field("A4")
@pytest.mark.parametrize("parted", [False, True])
def test_a4_what_was_pushed_and_what_is_listed_is_one_order(shop, ozon, sandbox, clock, parted):
    sell(ozon, "A-1", amount=100)
    number = sandbox.place_order({"A-1": 2})
    if parted:
        put(ozon, number, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))])
    for ids in (list(sandbox.postings), [number, number], ["нет-1-1"]):
        with Assembly(shop.project, ledger=shop.ledger, clock=clock) as assembly:
            Doorbell(shop.ledger, "ozon", assembly.flows).ring({"order": ids})
        shop.sync("order")
        clock.pass_by(minutes=5)
    (kept,) = shop.facts(Order)
    assert (kept.number, kept.lines[0].quantity) == (number, 2)
