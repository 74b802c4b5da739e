"""N4, N22, C5: what a marketplace shows is compared with what it was told, soon after the writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from connectors.ozon import Ozon, paths
from connectors.ozon.sandbox import API_KEY, CLIENT_ID, OzonSandbox
from connectors.ozon.sandbox.cabinet import Product
from connectors.wildberries import Wildberries
from connectors.wildberries.sandbox import WildberriesSandbox
from connectors.yandex_market import YandexMarket
from connectors.yandex_market.sandbox import YandexMarketSandbox
from obmen.entities import join_key
from obmen.project import Project, load_project
from obmen.state import Ledger, bindings, compared, quarantine, written
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.scales import Drift, Side
from obmen.sync.suspects import orders_of
from obmen.sync.turns import turn
from obmen.sync.verify import How, Verification, Verified
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from obmen.testing.sandbox import Fault, Sandbox
from runner.observe import snapshot
from runner.observe.metrics import Metrics
from runner.observe.troubles import evaluate
from runner.observe.words import Words
from tests.clocked import by
from tests.crash.world import MAPPINGS
from tests.unit.daemon.kit import peers_system

MAIN = "Основной"
SETTLED = 301.0
_KINDS = {Wildberries: "wildberries", Ozon: "ozon", YandexMarket: "yandex_market"}


@dataclass
class Shop:
    """A source in memory and one marketplace's sandbox, with cards that are bound already."""

    folder: Path
    sandbox: Any
    clock: FakeClock
    erp: Peer
    project: Project
    ledger: Ledger

    def bind(self, cards: dict[str, str]) -> None:
        """Bind SKUs to native ids of cards."""
        with self.ledger.write() as tx:
            bindings.bind(tx, "market", "product", {join_key([sku]): id_ for sku, id_ in cards.items()})

    @contextmanager
    def assembled(self) -> Iterator[Assembly]:
        with Assembly(self.project, clock=self.clock, ledger=self.ledger) as made:
            yield made

    def sync(self, flow: str, patience: float = 0.0) -> None:
        with self.assembled() as made:
            (report,) = Engine(self.ledger, made.flows).sync([flow], patience=patience)
        assert report.trouble == []

    def verify(self, flow: str, **how: Any) -> tuple[Verified, list[Drift]]:
        """Check what was written, and deliver what is to be sent again."""
        found: list[Drift] = []
        with self.assembled() as made:
            (chosen,) = [one for one in made.flows if one.name == flow]
            (target,) = chosen.targets
            result = Verification(
                self.ledger,
                chosen,
                target,
                How(300.0, **how),
                lambda: turn(self.ledger, flow),
                on_drift=found.append,
                orders=orders_of(made.flows, chosen, target),
            ).run()
        self.sync(flow)
        return result, found

    def reconcile(self, flow: str, *, leave: bool = False) -> Side:
        """Compare both sides whole, as the service does."""
        with self.assembled() as made:
            (chosen,) = [one for one in made.flows if one.name == flow]
            work = Pass(chosen, "reconcile")
            one = Reconciliation(self.ledger, work, on_drift=lambda _drift: None, repair=True, leave=leave, orders=())
            one.run()
            one.deliver(Engine(self.ledger, made.flows), 600.0)
        (side,) = one.sides
        return side

    def metric(self, name: str) -> float:
        text = Metrics(self.ledger, lambda: snapshot.take(self.ledger, self.project)).text().decode()
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
        return float(line.rsplit(" ", 1)[1])


@contextmanager
def shop(
    folder: Path, kind: type[Sandbox], connector: type, connection: dict[str, Any], flows: dict[str, Any]
) -> Iterator[Shop]:
    clock, erp, name = FakeClock(), Peer(), _KINDS[connector]
    made: Any = by(clock, kind)
    sandbox = made(**connection.pop("sandbox", {}))
    sandbox.start()
    (folder / "mappings" / "peer").mkdir(parents=True)
    for entity in ("product", "price", "stock", "order"):
        (folder / "mappings" / "peer" / f"{entity}.yaml").write_text(MAPPINGS[entity], encoding="utf-8")
    reached = {"url": sandbox.url} if connector is Ozon else sandbox.connection()
    file = folder / "obmen.yaml"
    file.write_bytes(
        msgspec.json.encode(
            {
                "connections": {"erp": {"connector": "peer"}, "market": {"connector": name, **reached, **connection}},
                "flows": {flow: {"from": "erp", "to": "market", **one} for flow, one in flows.items()},
            }
        )
    )
    connectors = {"peer": peers_system({"erp": erp}), name: connector}
    project = load_project(file, connectors=connectors, environment={})
    ledger = Ledger(f"sqlite:///{folder}/state.db", clock=clock)
    try:
        yield Shop(folder, sandbox, clock, erp, project, ledger)
    finally:
        ledger.close()
        sandbox.stop()


@pytest.mark.field("N4")
def test_n4_what_a_204_swallowed_is_named_sent_again_and_clean_the_next_time(tmp_path: Path) -> None:
    options = {"sandbox": {"warehouses": {MAIN: 501001}}, "warehouses": {MAIN: 501001}}
    with shop(tmp_path, WildberriesSandbox, Wildberries, options, {"stock": {"entity": "stock"}}) as wb:
        cards = {f"SKU-{n:02}": wb.sandbox.add_card(f"SKU-{n:02}") for n in range(100)}
        wb.clock.advance(3600)
        wb.bind({sku: f"{card.nm_id}:{card.sizes[0].chrt_id}" for sku, card in cards.items()})
        wb.erp.put("stock", *({"id": sku, "place": MAIN, "free": 5} for sku in cards))
        wb.sandbox.faults.append(Fault(kind="custom", name="swallowed", match="PUT", times=1))
        wb.sync("stock")
        shown = {sku for sku, card in cards.items() if card.sizes[0].stocks}
        assert len(shown) == 93
        assert wb.verify("stock")[0].side.counts == {}  # it has not settled

        wb.clock.advance(SETTLED)
        writes = wb.sandbox.written["stocks"]
        result, drifts = wb.verify("stock")
        assert {drift.key for drift in drifts} == {f"{sku}|{MAIN}" for sku in cards.keys() - shown}
        assert (result.side.counts["missing"], result.side.counts["same"], result.side.repaired) == (7, 93, 7)
        assert wb.sandbox.written["stocks"] == writes + 7
        assert wb.metric("obmen_drift_records") == 7

        wb.clock.advance(SETTLED)
        result, drifts = wb.verify("stock")
        assert (drifts, +result.side.counts) == ([], {"same": 7})
        assert wb.metric("obmen_drift_records") == 0
        with wb.ledger.read() as tx:
            assert compared.of(tx, "stock", "market").drifted == 7
            assert [row.cause for row in written.of_key(tx, "market", "stock", drifts_key(cards, shown))] == [
                "drift",
                "",
            ]


@contextmanager
def wb_stock(folder: Path, free: int) -> Iterator[Shop]:
    """A cabinet with one good that was told, and its orders that come into the source."""
    options = {"sandbox": {"warehouses": {MAIN: 501001}}, "warehouses": {MAIN: 501001}, "goods": "article"}
    flows = {"stock": {"entity": "stock"}, "orders": {"entity": "order", "from": "market", "to": "erp"}}
    with shop(folder, WildberriesSandbox, Wildberries, options, flows) as wb:
        card = wb.sandbox.add_card("A-1")
        wb.clock.advance(3600)
        wb.bind({"A-1": f"{card.nm_id}:{card.sizes[0].chrt_id}"})
        tell(wb, free)
        wb.sync("orders")
        wb.clock.advance(SETTLED)
        yield wb


def tell(at: Shop, free: int) -> None:
    at.erp.put("stock", {"id": "A-1", "place": MAIN, "free": free})
    at.sync("stock")


def shown(at: Shop) -> int:
    return int(at.sandbox.card("A-1").sizes[0].stocks[501001])


@pytest.mark.field("N4")
def test_a_unit_that_was_just_sold_is_not_put_back_on_sale(tmp_path: Path) -> None:
    with wb_stock(tmp_path, 5) as wb:
        wb.sandbox.place_order("A-1")
        assert shown(wb) == 4
        writes = wb.sandbox.written["stocks"]
        for _ in range(3):  # the order is not read yet
            result, drifts = wb.verify("stock")
            assert drifts == []
            wb.clock.advance(SETTLED)
        assert (shown(wb), wb.sandbox.written["stocks"]) == (4, writes)
        wb.sync("orders")
        tell(wb, 4)  # its source has taken in the order
        wb.clock.advance(SETTLED)
        result, drifts = wb.verify("stock")
        assert (drifts, result.side.counts["drift"], shown(wb)) == ([], 0, 4)


@pytest.mark.field("N4")
def test_stock_that_stays_too_low_is_sent_again_once_all_orders_were_read(tmp_path: Path) -> None:
    with wb_stock(tmp_path, 5) as wb:
        wb.verify("stock")
        wb.sandbox.faults.append(Fault(kind="custom", name="swallowed", match="PUT", times=1))
        tell(wb, 8)
        assert shown(wb) == 5
        wb.clock.advance(SETTLED)
        result, drifts = wb.verify("stock")
        assert (drifts, result.side.counts["unsure"]) == ([], 1)
        wb.clock.advance(SETTLED)
        wb.sync("orders")
        _, drifts = wb.verify("stock")
        assert [drift.fields for drift in drifts] == [{"available": ["5", "8"]}]
        assert shown(wb) == 8
        wb.clock.advance(SETTLED)
        assert +wb.verify("stock")[0].side.counts == {"same": 1}


def ozon_prices(folder: Path, rules: dict[str, Any] | None = None, **verify: Any) -> Any:
    options = {"client_id": CLIENT_ID, "api_key": API_KEY}
    flow = {"entity": "price", **({"verify": verify} if verify else {}), **(rules or {})}
    return shop(folder, OzonSandbox, Ozon, options, {"prices": flow})


def priced(at: Shop, *skus: str) -> None:
    """Put cards into Ozon's cabinet, and their prices of 990 into the source."""
    for number, sku in enumerate(skus):
        at.sandbox.products[sku] = Product(sku, 300000001 + number, 700000001 + number, 0.0, 0.0, {})
        at.sandbox.by_id[300000001 + number] = at.sandbox.products[sku]
    at.bind({sku: str(at.sandbox.products[sku].product_id) for sku in skus})
    at.erp.put("price", *({"id": sku, "type": "base", "amount": "990.00", "currency": "RUB"} for sku in skus))
    at.sync("prices")
    at.clock.advance(SETTLED)


def troubles(at: Shop) -> list[str]:
    words = Words("en", ZoneInfo("UTC"))
    found = evaluate(snapshot.take(at.ledger, at.project)).values()
    return [words.trouble(one) for one in found if one.rule == "promotion"]


@pytest.mark.field("N22")
@pytest.mark.field("C7")
def test_n22_a_promotion_is_one_alert_with_its_name_and_nothing_is_sent_again(tmp_path: Path) -> None:
    with ozon_prices(tmp_path) as ozon:
        priced(ozon, "A-1", "A-2", "A-3")
        ozon.sandbox.promote("Распродажа выдумок", {"A-1": Decimal(790), "A-2": Decimal(800)})
        result, drifts = ozon.verify("prices")
        assert (drifts, +result.side.counts) == ([], {"same": 3, "promoted": 2})
        (told,) = troubles(ozon)
        assert "Распродажа выдумок" in told
        assert "A-1|base: 990 → 790" in told
        assert ozon.metric("obmen_promoted_records") == 2
        assert ozon.sandbox.calls[paths.PRICES_SET] == 1

        ozon.sandbox.actions.clear()  # it is over, and nothing was written meanwhile
        ozon.clock.advance(SETTLED)
        ozon.verify("prices")
        assert troubles(ozon) == []


@pytest.mark.field("N22")
@pytest.mark.field("C7")
def test_n22_with_leave_one_call_takes_all_prices_out_of_the_promotion(tmp_path: Path) -> None:
    with ozon_prices(tmp_path, leave=True) as ozon:
        priced(ozon, "A-1", "A-2")
        ozon.sandbox.promote("Распродажа выдумок", {"A-1": Decimal(790), "A-2": Decimal(800)})
        ozon.verify("prices", leave=True)
        assert ozon.sandbox.calls[paths.PROMOTIONS_LEAVE] == 1
        assert ozon.sandbox.actions[1001].prices == {}
        ozon.verify("prices", leave=True)
        assert ozon.sandbox.calls[paths.PROMOTIONS_LEAVE] == 1
        assert troubles(ozon) == []


@pytest.mark.field("N22")
@pytest.mark.field("C7")
@pytest.mark.parametrize("leave", [False, True])
def test_n22_a_promotion_that_began_long_after_the_writing_is_met_by_a_whole_comparison(
    tmp_path: Path, leave: bool
) -> None:
    with ozon_prices(tmp_path) as ozon:
        priced(ozon, "A-1", "A-2")
        ozon.verify("prices")
        ozon.clock.advance(86400)
        ozon.sandbox.promote("Распродажа выдумок", {"A-2": Decimal(800)})
        assert (ozon.verify("prices")[0].side.counts, troubles(ozon)) == ({}, [])
        side = ozon.reconcile("prices", leave=leave)
        assert side.counts == {"same": 2, "promoted": 1}
        assert len(troubles(ozon)) == 1
        assert ozon.sandbox.calls[paths.PROMOTIONS_LEAVE] == int(leave)
        ozon.reconcile("prices", leave=leave)
        assert len(troubles(ozon)) == int(not leave)
        assert ozon.sandbox.calls[paths.PRICES_SET] == 1


def test_what_is_never_kept_is_not_sent_for_ever(tmp_path: Path) -> None:
    with ozon_prices(tmp_path) as ozon:
        priced(ozon, "A-1", "A-2")
        for again in range(4):
            ozon.sandbox.products["A-1"].price = Decimal(700)
            result, drifts = ozon.verify("prices")
            assert [drift.fields for drift in drifts] == [{"amount": ["700", "990"]}]
            assert result.side.repaired == int(again < 3)
            ozon.clock.advance(SETTLED)
        assert ozon.sandbox.calls[paths.PRICES_SET] == 4
        with ozon.ledger.read() as tx:
            (entry,) = quarantine.entries(tx, flow="prices")
        assert (entry.code, entry.key) == ("not_kept", "A-1|base")
        assert "amount: told 990, shown 700" in entry.message
        ozon.sync("prices")
        assert ozon.sandbox.calls[paths.PRICES_SET] == 4

        with ozon.ledger.write() as tx:
            quarantine.set_state(tx, [entry.id], "due")
        ozon.sync("prices")
        assert ozon.sandbox.products["A-1"].price == 990


@pytest.mark.field("N4")
def test_what_rules_made_of_a_price_is_what_is_checked_and_sent_again(tmp_path: Path) -> None:
    with ozon_prices(tmp_path, {"where": {"price_type": "base"}, "pricing": {"markup": "10%"}}) as ozon:
        priced(ozon, "A-1", "A-2")
        assert ozon.sandbox.products["A-1"].price == 1089
        ozon.sandbox.products["A-1"].price = Decimal(990)
        _, drifts = ozon.verify("prices")
        assert [(drift.key, drift.fields) for drift in drifts] == [("A-1|base", {"amount": ["990", "1089"]})]
        assert ozon.sandbox.products["A-1"].price == 1089
        with ozon.ledger.read() as tx:
            assert [row.cause for row in written.of_key(tx, "market", "price", "A-1|base")] == ["drift", ""]


@pytest.mark.field("C5")
@pytest.mark.parametrize("confirm", [False, True], ids=["left to a person", "confirmed by rule"])
def test_c5_a_price_that_is_held_back_later_is_seen_and_confirmed_only_by_rule(tmp_path: Path, confirm: bool) -> None:
    options = {"confirm_quarantine": confirm}
    with shop(tmp_path, YandexMarketSandbox, YandexMarket, options, {"prices": {"entity": "price"}}) as market:
        market.sandbox.sell("A-1")
        market.bind({"A-1": "A-1"})
        market.erp.put("price", {"id": "A-1", "type": "base", "amount": "990.00", "currency": "RUB"})
        market.sync("prices", patience=600.0)
        assert market.sandbox.price("A-1").value == 990
        offer = market.sandbox.offers["A-1"]
        offer.held[None] = replace(market.sandbox.price("A-1"))
        offer.price.put(replace(market.sandbox.price("A-1"), value=Decimal(1500)), 0.0)
        market.clock.advance(SETTLED)

        result, drifts = market.verify("prices")
        assert (drifts, result.side.repaired) == ([], 0)
        assert +result.side.counts == ({"confirmed": 1} if confirm else {"withheld": 1})
        with market.ledger.read() as tx:
            assert [one.code for one in quarantine.entries(tx, flow="prices")] == ([] if confirm else ["PRICE_CHANGE"])
        market.clock.advance(SETTLED)
        assert market.sandbox.price("A-1").value == (990 if confirm else 1500)
        market.sync("prices", patience=600.0)
        assert writes(market) == 1
        if not confirm:  # a person has mended the cause, and replays it
            offer.held.clear()
            with market.ledger.write() as tx:
                quarantine.set_state(tx, [one.id for one in quarantine.entries(tx, flow="prices")], "due")
            market.sync("prices", patience=600.0)
            assert (writes(market), market.sandbox.price("A-1").value) == (2, 990)


def writes(at: Shop) -> int:
    return sum(count for name, count in at.sandbox.calls.items() if name.endswith("offer-prices/updates"))


def drifts_key(cards: dict[str, Any], shown: set[str]) -> str:
    return f"{min(cards.keys() - shown)}|{MAIN}"
