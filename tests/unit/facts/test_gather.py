"""What the ledger gives: facts of the channels that money is read from, 1C's documents, categories and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from obmen.entities import ENTITIES, Record
from obmen.errors import ConfigurationError
from obmen.facts import gather
from obmen.facts.books import Difference
from obmen.facts.settlement import Settlement, settle
from obmen.facts.units import Unit, units
from obmen.project import Project
from obmen.project.money_model import MoneyModel
from obmen.state import Ledger, agreed, bindings, facts, originals
from obmen.state.agreed import Agreed
from obmen.testing.clock import FakeClock
from tests.unit.project_kit import flows

SALE = {"kind": "sale", "amount": "1200", "sku": "A-1"}
TAKEN = {"kind": "commission", "amount": "-180", "sku": "A-1"}


def record(entity: str, **values: object) -> Record:
    return ENTITIES[entity].model_validate_json(msgspec.json.encode(values))


class Shop:
    """A project that reads orders, returns and money from a shop, and what its ledger knows."""

    def __init__(self, folder: Path, **money: object) -> None:
        made = flows(
            folder, "orders: { entity: order, from: shop, to: ut }\nprices: { entity: price, from: ut, to: [] }"
        )
        read = {
            name: replace(made.flows["orders"], name=name, entity=name, targets=()) for name in ("return", "accrual")
        }
        self.project: Project = replace(made, flows={**made.flows, **read}, money=MoneyModel.model_validate(money))
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=FakeClock(datetime(2026, 8, 20, 9, tzinfo=UTC)))

    def keep(self, *records: Record) -> None:
        with self.ledger.write() as tx:
            facts.save(tx, "shop", records)

    def order(self, number: str = "77", **more: object) -> Record:
        lines = [{"sku": "A-1", "quantity": "1", "price": "1200", "vat": "20"}]
        told = {"placed_at": "2026-07-03T06:00:00Z", "currency": "RUB", "lines": lines, "total": "1200"}
        return record("order", channel="shop", number=number, **{**told, **more})

    def accruals(self, *some: Mapping[str, object], order: str = "77", day: int = 5) -> list[Record]:
        common = {"channel": "shop", "currency": "RUB", "order": order, "occurred_at": f"2026-07-{day:02d}T00:00:00Z"}
        return [
            record("accrual", operation_id=f"{order}:{day}:{at}", **{**common, **one}) for at, one in enumerate(some)
        ]

    def documented(self, order: Record, guid: str = "guid-77") -> None:
        with self.ledger.write() as tx:
            bindings.bind(tx, "ut", "order", {order.key: guid})
            agreed.save(tx, "ut", "order", [Agreed(order.key, b"h", order.encoded())], 1)

    def settled(self) -> Settlement:
        with self.ledger.read() as tx:
            terms = gather.terms(self.project, tx.now)
            return settle(gather.facts(tx, self.project, terms), terms)

    def units(self) -> list[Unit]:
        with self.ledger.read() as tx:
            terms = gather.terms(self.project, tx.now)
            skus = ("A-1", "A-2")
            costs, vats = gather.costs(tx, self.project, skus), gather.vats(tx, self.project, skus)
            return units(gather.facts(tx, self.project, terms), terms, costs, vats)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.ledger.close()


def told(settlement: Settlement) -> list[tuple[str, str, Decimal]]:
    def short(one: Difference) -> tuple[str, str, Decimal]:
        return one.kind, one.order, one.amount

    return [short(one) for one in settlement.differences]


@pytest.mark.field("N13")
def test_an_order_its_money_and_its_document_in_1c_stand_in_one_line(shop: Shop) -> None:
    order = shop.order()
    payout = {"kind": "payout", "amount": "1020", "title": "92735"}
    shop.keep(order, *shop.accruals(SALE, TAKEN), *shop.accruals(payout, day=20))
    shop.documented(order)
    settlement = shop.settled()
    (line,) = settlement.lines
    assert line.document is not None
    assert (line.document.connection, line.document.id) == ("ut", "guid-77")
    assert [line.document.total, line.ordered] == [1200, 1200]
    assert [line.accrued, line.paid, line.owed] == [1020, 1020, 0]
    assert settlement.differences == []


@pytest.mark.field("N13")
def test_a_sold_order_that_1c_does_not_know_or_knows_otherwise_is_told(shop: Shop) -> None:
    other = shop.order("78")
    shop.keep(shop.order(), other, *shop.accruals(SALE, day=4), *shop.accruals(SALE, order="78"))
    shop.documented(shop.order("78", total="1100"), "guid-78")
    assert told(shop.settled()) == [("document", "77", Decimal(1200)), ("document", "78", Decimal(100))]


@pytest.mark.field("N13")
def test_a_document_that_is_not_due_yet_and_one_that_is_taken_back_are_no_difference(shop: Shop) -> None:
    shop.keep(shop.order(), *shop.accruals(SALE, day=30))
    assert told(shop.settled()) == []


def test_orders_with_money_that_were_not_read_are_counted(shop: Shop) -> None:
    shop.keep(*shop.accruals(SALE, order="9"))
    assert shop.settled().unread == {"shop": 1}


@pytest.mark.field("F3")
@pytest.mark.field("C3")
def test_c3_margin_takes_off_commission_logistics_vat_and_cost(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text("sku;cost\nA-1;400,50\n", encoding="utf-8")
    shop.project = replace(shop.project, money=MoneyModel(costs=Path("costs.csv")))
    logistics, storage = {"kind": "delivery", "amount": "-76.35"}, {"kind": "storage", "amount": "-30", "order": None}
    shop.keep(shop.order(), *shop.accruals(SALE, TAKEN, logistics, storage))
    (row,) = shop.units()
    assert row.sku == "A-1"
    assert [row.sold, row.returned, row.revenue] == [1, 0, 1200]
    assert [row.sums["commission"], row.sums["delivery"], row.sums["shared"]] == [-180, Decimal("-76.35"), -30]
    assert [row.vat, row.cost] == [200, Decimal("400.5")]
    assert row.profit == Decimal(1200) - 180 - Decimal("76.35") - 30 - 200 - Decimal("400.50")
    assert row.margin == Decimal("0.2610")
    assert row.share == 1


@pytest.mark.field("F3")
def test_money_of_an_order_with_several_goods_is_split_by_what_they_cost(shop: Shop) -> None:
    lines = [
        {"sku": "A-1", "quantity": "2", "price": "100"},
        {"sku": "A-2", "quantity": "1", "price": "100"},
    ]
    sales = [{"kind": "sale", "amount": "200", "sku": "A-1"}, {"kind": "sale", "amount": "100", "sku": "A-2"}]
    fees: list[dict[str, object]] = [
        {"kind": "delivery", "amount": "-100"},
        {"kind": "penalty", "amount": "-0.02", "order": None},
    ]
    shop.keep(shop.order(lines=lines, total="300"), *shop.accruals(*sales, *fees))
    first, second = shop.units()
    assert [first.sold, second.sold] == [2, 1]
    assert (first.sums["delivery"], second.sums["delivery"]) == (Decimal("-66.67"), Decimal("-33.33"))
    assert (first.sums["shared"], second.sums["shared"]) == (Decimal("-0.01"), Decimal("-0.01"))
    assert (first.cost, first.profit, first.margin) == (None, None, None)


@pytest.mark.field("F3")
def test_the_cost_is_the_price_type_that_the_project_names(shop: Shop) -> None:
    shop.project = replace(shop.project, money=MoneyModel(cost="Закупочная"))
    prices = [
        record("price", sku="A-1", price_type=name, amount=amount, currency="RUB")
        for name, amount in (("Закупочная", "500"), ("Розничная", "1200"))
    ]
    with shop.ledger.write() as tx:
        originals.save(tx, "ut", prices)
    shop.keep(shop.order(), *shop.accruals(SALE))
    assert [row.cost for row in shop.units()] == [500]


@pytest.mark.field("N13")
def test_an_order_that_was_never_delivered_brings_no_sale(shop: Shop) -> None:
    shop.keep(
        shop.order(),
        record("order_status", channel="shop", number="77", status="cancelled"),
        *shop.accruals(SALE),
    )
    shop.documented(shop.order())
    (one,) = shop.settled().differences
    assert (one.kind, one.sources) == ("period", ("accrual", "order status"))


@pytest.mark.field("N13")
def test_the_project_s_own_rate_comes_before_what_is_usual(shop: Shop) -> None:
    rates = {"shop": {"*": "20%", "Чайники": "15%"}}
    shop.project = replace(shop.project, money=MoneyModel.model_validate({"commission": rates}))
    orders = [shop.order(str(number)) for number in range(8)]
    shop.keep(*orders, *(one for order in orders for one in shop.accruals(SALE, TAKEN, order=order.key[5:])))
    for order in orders:
        shop.documented(order, order.key)
    assert {kind for kind, _, _ in told(shop.settled())} == {"commission"}
    good = record("product", sku="A-1", category=["Кухня", "Чайники"])
    with shop.ledger.write() as tx:
        agreed.save(tx, "shop", "product", [Agreed("A-1", b"h", good.encoded())], 1)
    assert told(shop.settled()) == []


@pytest.mark.parametrize(
    ("text", "said"), [("sku;price\nA-1;1\n", "columns sku and cost"), ("sku;cost\nA-1;dear\n", "costs.csv:2")]
)
def test_a_file_of_costs_that_cannot_be_read_says_where(shop: Shop, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "costs.csv").write_text(text, encoding="utf-8")
    shop.project = replace(shop.project, money=MoneyModel(costs=Path("costs.csv")))
    with pytest.raises(ConfigurationError, match=said):
        shop.units()
