"""The engine over OData: documents are fetched once, an exchange plan is followed, rows of one document stay apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pytest

from connectors.onec import OneC
from connectors.onec.odata.bonus_operations import DOCUMENT as BONUSES
from connectors.onec.odata.receipts import RECEIPT
from connectors.onec.sandbox import OneCSandbox, references
from connectors.onec.sandbox.model import EXCHANGE_PLAN
from obmen.connector import Connector, Options, reader
from obmen.entities import ENTITIES
from obmen.mapping import Context, load_mapping, parse_mapping
from obmen.records import Native, Page
from obmen.state import Ledger, bindings, facts, quarantine, seen
from obmen.sync import waiting
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer, PeerConnector
from tests.clocked import by
from tests.crash.world import Crash, bound
from tests.crash.world import order as taken
from tests.unit.onec.odata_people_kit import PRESETS

PLAN = {"name": EXCHANGE_PLAN.removeprefix("ExchangePlan_"), "node": references.NODE}
CARD = "2900000000117"


class World:
    """A base, a ledger, and flows of facts out of the base."""

    def __init__(self, ledger: Ledger, ut: OneCSandbox, clock: FakeClock, **options: Any) -> None:
        self.ledger, self.ut, self.clock = ledger, ut, clock
        self.onec = OneC("ut", OneC.Options(**{**ut.connection(), **options}), clock=clock)
        context = Context("ut", self.onec.options.model_dump(mode="json"), ZoneInfo("Europe/Moscow"))
        self.flows = [
            Flow(
                name=entity,
                entity=ENTITIES[entity],
                source=self.onec,
                pull=load_mapping(PRESETS / f"{entity}.yaml").bind(context, "pull"),
                targets=(),
            )
            for entity in ("receipt", "bonus_operation", "return", "order")
        ]

    def sync(self, *names: str) -> None:
        self.clock.advance(60)
        self.ut.journal.clear()
        for report in Engine(self.ledger, self.flows).sync(names):
            assert not report.trouble

    def fetched(self, name: str) -> int:
        """How often whole documents of a set were asked for in the last run."""
        return sum(
            call.method == "GET" and f"/{name}" in call.path and "select" not in str(call.query)
            for call in self.ut.journal
        )

    def listed(self, name: str) -> int:
        return sum(call.path.endswith(f"/{name}") and "select" in str(call.query) for call in self.ut.journal)

    def facts(self, entity: str) -> dict[str, Any]:
        with self.ledger.read() as tx:
            return {record.key: record for _, record in facts.of(tx, ENTITIES[entity])}

    def how(self, flow: str) -> str:
        with self.ledger.read() as tx:
            return seen.checkpoint(tx, flow).how

    def known_as(self, good: str, sku: str) -> None:
        with self.ledger.write() as tx:
            bindings.bind(tx, "ut", "product", {sku: good})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def base(clock: FakeClock) -> Iterator[OneCSandbox]:
    with by(clock, OneCSandbox)(exchange_plan=True, journal=True) as ut:
        yield ut


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> Iterator[Ledger]:
    kept = Ledger(f"sqlite:///{tmp_path}/state.db", clock=clock)
    yield kept
    kept.close()


@pytest.fixture
def world(ledger: Ledger, base: OneCSandbox, clock: FakeClock) -> Iterator[World]:
    made = World(ledger, base, clock)
    yield made
    made.onec.close()


def test_a_document_is_fetched_once_and_again_only_when_it_is_new(world: World) -> None:
    good = world.ut.add_good("Чайник", stock={"Основной склад": 9})
    world.known_as(good, "A-1")
    first = world.ut.add_receipt([(good, 1, 100)])
    world.sync("receipt")
    assert (world.fetched(RECEIPT), len(world.facts("receipt"))) == (1, 1)
    world.sync("receipt")
    assert (world.fetched(RECEIPT), world.listed(RECEIPT)) == (0, 1), "its version is known, so it is not asked for"
    world.ut.add_receipt([(good, 2, 50)])
    world.ut.change(first, СуммаДокумента=99)
    world.sync("receipt")
    assert world.fetched(RECEIPT) == 1
    assert sorted(record.total for record in world.facts("receipt").values()) == [99, 100]


def test_a_mapping_that_changed_looks_at_what_is_known_again(world: World) -> None:
    world.ut.accrue_bonuses(world.ut.add_partner("Образцов Пример", cards=[CARD]), 10)
    world.sync("bonus_operation")
    world.sync("bonus_operation")
    assert world.fetched(BONUSES) == 0
    with world.ledger.write() as tx:
        seen.forget(tx, "bonus_operation")
    world.sync("bonus_operation")
    assert world.fetched(BONUSES) == 1


def test_rows_of_one_document_become_operations_of_their_own(world: World) -> None:
    partners = [world.ut.add_partner(f"Образцов {n}", cards=[f"29{n}"]) for n in range(3)]
    ref = world.ut.accrue_bonuses(partners[0], 10)
    rows = [{"LineNumber": str(n), "Партнер_Key": one, "Баллы": n * 10} for n, one in enumerate(partners, 1)]
    world.ut.change(ref, Начисление=rows)
    for _ in range(2):
        world.sync("bonus_operation")
        told = {record.card: record.amount for record in world.facts("bonus_operation").values()}
        assert told == {"290": 10, "291": 20, "292": 30}
        world.ut.touch(ref)


def test_points_of_somebody_without_a_card_wait_alone_until_there_is_one(world: World) -> None:
    nobody = world.ut.add_partner("Без карты")
    world.ut.accrue_bonuses(nobody, 10)
    world.ut.accrue_bonuses(world.ut.add_partner("Образцов Пример", cards=[CARD]), 20)
    world.sync("bonus_operation")
    assert [record.amount for record in world.facts("bonus_operation").values()] == [20]
    with world.ledger.read() as tx:
        assert [entry.code for entry in quarantine.entries(tx, flow="bonus_operation", limit=9)] == ["no_card"]
    world.ut.add_card(nobody, "2900000000124")
    world.sync("bonus_operation")
    assert sorted(record.amount for record in world.facts("bonus_operation").values()) == [10, 20]


def test_an_exchange_plan_is_followed_and_lists_are_left_alone(
    ledger: Ledger, base: OneCSandbox, clock: FakeClock
) -> None:
    world = World(ledger, base, clock, exchange_plan=PLAN, own_orders=True)
    good = base.add_good("Чайник", stock={"Основной склад": 9})
    world.known_as(good, "A-1")
    base.add_receipt([(good, 1, 100)])
    world.sync()
    assert world.how("receipt") == "since: OData, ПланОбмена.ОбменСКаналами"
    world.sync()
    assert world.how("receipt") == "changes: OData, ПланОбмена.ОбменСКаналами"
    assert world.listed(RECEIPT) == 0
    base.add_receipt([(good, 3, 10)])
    order = base.add_order([(good, 2, 100)])
    world.sync()
    assert world.listed(RECEIPT) == 0
    assert sorted(record.total for record in world.facts("receipt").values()) == [30, 100]
    assert [record.number for record in world.facts("order").values()] == [f"{base.object(order)['Number']}/2026"]
    assert base.base.objects[EXCHANGE_PLAN][references.NODE]["ReceivedNo"] == "2", "kept, then confirmed"
    world.onec.close()


def test_a_change_that_was_told_and_not_kept_is_told_again(
    ledger: Ledger, base: OneCSandbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(ledger, base, clock, exchange_plan=PLAN)
    world.sync()
    buyer = base.add_partner("Образцов Пример", cards=[CARD])
    base.accrue_bonuses(buyer, 10)

    def dies(_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(world.onec, "acknowledge", dies)
        with pytest.raises(KeyboardInterrupt):
            world.sync()
    assert base.base.objects[EXCHANGE_PLAN][references.NODE]["ReceivedNo"] == "0"
    world.onec.close()
    again = World(ledger, base, clock, exchange_plan=PLAN)
    clock.advance(3600)
    again.sync()
    assert [record.amount for record in again.facts("bonus_operation").values()] == [10]
    assert again.how("bonus_operation").startswith("changes")
    again.onec.close()


def test_a_message_that_1c_cannot_make_is_read_by_lists_until_it_is_mended(
    ledger: Ledger, base: OneCSandbox, clock: FakeClock
) -> None:
    world = World(ledger, base, clock, exchange_plan=PLAN)
    world.sync()
    bad = base.add_partner("Образцов\x01Пример", cards=[CARD])
    base.accrue_bonuses(bad, 10)
    world.sync()
    assert world.how("bonus_operation").startswith("since")
    assert len(world.facts("bonus_operation")) == 1
    legal = base.base.objects["Catalog_Контрагенты"]
    for ref in (bad, *(one for one, row in legal.items() if row["Партнер_Key"] == bad)):
        base.change(ref, Description="Образцов Пример", НаименованиеПолное="Образцов Пример")
    base.accrue_bonuses(bad, 20)
    world.sync()
    world.sync()
    assert world.how("bonus_operation").startswith("changes")
    assert len(world.facts("bonus_operation")) == 2
    world.onec.close()


class Channel:
    """A shop whose orders go into the base."""

    def __init__(self, ledger: Ledger, ut: OneCSandbox, clock: FakeClock) -> None:
        self.ledger, self.ut, self.clock, self.shop = ledger, ut, clock, Peer()
        self.onec = OneC("ut", OneC.Options(**ut.connection()), clock=clock)
        context = Context("ut", self.onec.options.model_dump(mode="json"), ZoneInfo("Europe/Moscow"))
        push = load_mapping(PRESETS / "order.yaml").bind(context, "push")
        self.flow = Flow(
            name="orders",
            entity=ENTITIES["order"],
            source=PeerConnector("shop", self.shop, clock=clock),
            pull=bound("order", "shop"),
            targets=(Target("ut", self.onec, push),),
            attempts=3,
        )

    def sync(self, on_step: Any = lambda _: None) -> None:
        self.clock.advance(60)
        Engine(self.ledger, [self.flow], on_step=on_step).sync([], patience=600)

    def sell(self, skus: Sequence[str]) -> None:
        """Let the channel take an order of each product."""
        rows = (dict(taken(n), lines=[{"sku": sku, "n": 1, "price": 100}]) for n, sku in enumerate(skus))
        self.shop.put("order", *rows)

    def know(self, goods: dict[str, str]) -> None:
        with self.ledger.write() as tx:
            bindings.bind(tx, "ut", "product", goods)
            waiting.bound(tx, "ut", "product", goods)

    def orders(self) -> list[str]:
        return sorted(row["НомерПоДаннымКлиента"] for row in self.ut.state()["orders"] if row["Posted"])

    def created(self) -> int:
        return sum(call.method == "POST" and call.path.endswith("Document_ЗаказКлиента") for call in self.ut.journal)


@pytest.fixture
def channel(ledger: Ledger, base: OneCSandbox, clock: FakeClock) -> Iterator[Channel]:
    made = Channel(ledger, base, clock)
    yield made
    made.onec.close()


@pytest.mark.field("E12")
def test_e12_one_order_with_an_unknown_product_stops_none_of_the_others(channel: Channel) -> None:
    goods = {f"SKU-{n}": channel.ut.add_good(f"Чайник {n}") for n in range(50)}
    channel.know({sku: good for sku, good in goods.items() if sku != "SKU-17"})
    channel.sell(list(goods))
    channel.sync()
    assert len(channel.orders()) == channel.created() == 49
    for _ in range(4):
        channel.sync()
    with channel.ledger.read() as tx:
        (entry,) = quarantine.entries(tx, flow="orders", limit=9)
    assert (entry.key, entry.code) == ("shop|N-17", "unresolved")
    assert channel.created() == 49, "no further calls"
    channel.know({"SKU-17": goods["SKU-17"]})
    for _ in range(2):
        channel.sync()
    assert (len(channel.orders()), channel.created()) == (50, 50)


@pytest.mark.field("E11")
def test_e11_old_orders_come_in_once_however_often_and_wherever_it_is_broken_off(channel: Channel) -> None:
    goods = {f"SKU-{n}": channel.ut.add_good(f"Чайник {n}") for n in range(30)}
    channel.know(goods)
    channel.sell(list(goods))
    steps = 0

    def dies(step: str) -> None:
        nonlocal steps
        steps += step == "deliver.called"
        if steps == 12:
            raise Crash

    with pytest.raises(Crash):
        channel.sync(dies)
    assert len(channel.orders()) == 12
    channel.sync()
    assert len(channel.orders()) == 30
    before = len([call for call in channel.ut.journal if call.method != "GET"])
    channel.sync()
    assert len([call for call in channel.ut.journal if call.method != "GET"]) == before
    assert channel.created() == 30


class Loyalty(Connector):
    """Tells one bonus operation."""

    told: ClassVar[Native] = {}

    @reader("bonus_operation", key="id", complete=True)
    def operations(self, _cursor: str | None) -> Iterator[Page]:
        yield Page([msgspec.json.encode(self.told)])


def test_an_operation_that_is_cancelled_later_is_taken_back_in_1c(world: World) -> None:
    owner = world.ut.add_partner("Образцов Пример", cards=[CARD])
    crm = Loyalty("crm", Options(), clock=world.clock)
    words = (
        "entity: bonus_operation\nfields: { operation_id: id, card: card, amount: { path: points, as: number },"
        " state: state, occurred_at: { path: at, as: utc } }"
    )
    context = Context("ut", world.onec.options.model_dump(mode="json"), ZoneInfo("Europe/Moscow"))
    push = load_mapping(PRESETS / "bonus_operation.yaml").bind(context, "push")
    flow = Flow(
        name="operations",
        entity=ENTITIES["bonus_operation"],
        source=crm,
        pull=parse_mapping(words, "bonus_operation.yaml").bind(Context("crm", {}, ZoneInfo("UTC")), "pull"),
        targets=(Target("ut", world.onec, push),),
    )
    balances = []
    for state in ("confirmed", "cancelled", "cancelled"):
        Loyalty.told = {"id": "crm-1", "card": CARD, "points": 30, "state": state, "at": "2026-06-15T06:00:00Z"}
        (report,) = Engine(world.ledger, [flow]).sync()
        assert report.status == "done"
        balances.append((report.written, world.ut.bonus_balance(owner)["balance"]))
    assert balances == [(1, 30), (1, 0), (0, 0)]
