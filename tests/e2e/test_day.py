"""A day of a shop by a clock that runs as fast as it is asked: restarts, troubles, a clock that is set, and agreement.

One base of 1C sells in three marketplaces, 12 flows in the usual test run, over six hours; OBMEN_DAY=1 makes it a whole
day of five bases in fifteen cabinets: 20 connections, 60 flows.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox
from obmen.project import load_project
from obmen.state import Ledger, quarantine, runs
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault, Sandbox
from runner.daemon.plant import Plant
from runner.daemon.pulse import beat, found, save
from tests.clocked import by
from tests.e2e.markets.cabinet import Bought, Cabinet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet
from tests.unit.web.kit import Look, Site

WHOLE = "OBMEN_DAY" in os.environ
BASES, HOURS, GOODS, ORDERS = (5, 24, 6, 60) if WHOLE else (1, 6, 5, 8)
WAREHOUSE, PRICE_TYPE = "Основной склад", "Розничная"
EVERY = {"product": "1h", "price": "30m", "stock": "10m", "order": "10m", "order_status": "10m"}
TICK = 30.0
_COLOURS = ("Красный", "Синий", "Белый")


class Base:
    """One base of 1C and the cabinets in which it sells."""

    def __init__(self, name: str, clock: FakeClock, folder: Path, seed: int) -> None:
        self.name, self.random = name, random.Random(seed)
        self.ut = by(clock, OneCSandbox)(version="11.5.20")
        self.ut.start()
        self.cabinets: dict[str, Cabinet] = {}
        for kind in (OzonCabinet, WildberriesCabinet, YandexMarketCabinet):
            cabinet: Any = kind()
            cabinet.serve(clock, WAREHOUSE)
            self.cabinets[f"{cabinet.connector}_{name}"] = cabinet
        self.folder = folder / name
        self.folder.mkdir()
        self.goods = {f"SKU-{number:04d}": self._good(number) for number in range(GOODS)}

    def close(self) -> None:
        for sandbox in self.sandboxes():
            sandbox.stop()

    def sandboxes(self) -> list[Sandbox]:
        return [self.ut, *(cabinet.sandbox for cabinet in self.cabinets.values())]

    def _good(self, number: int) -> str:
        group = self.ut.add_group(f"Раздел {number}")
        return self.ut.add_good(
            f"Пробный товар {number}", f"SKU-{number:04d}", group=group, barcodes=[f"2{number:012d}"],
            prices={PRICE_TYPE: Decimal(self.random.randrange(500, 9000))},
            stock={WAREHOUSE: self.random.randrange(30, 90)},
            attributes={"Цвет": _COLOURS[number % len(_COLOURS)]}, brand="Образец",
            Описание=f"Пробный товар под номером {number}.", weight=Decimal("0.4"), vat="20",
        )  # fmt: skip

    def connections(self) -> dict[str, Any]:
        ut = {"connector": "onec", **self.ut.connection(), "warehouses": [WAREHOUSE]}
        cabinets = {
            name: {"connector": one.connector, **one.options(self.folder)} for name, one in self.cabinets.items()
        }
        for name, cabinet in cabinets.items():
            if "categories" in cabinet:
                cabinet["categories"] = str(self.folder / Path(cabinet["categories"]).name)
            assert cabinet, name
        return {f"ut_{self.name}": ut, **cabinets}

    def flows(self, every: dict[str, str]) -> dict[str, Any]:
        ut, markets = f"ut_{self.name}", list(self.cabinets)
        found: dict[str, Any] = {
            f"goods_{self.name}": {"entity": "product", "from": ut, "to": markets},
            f"prices_{self.name}": {"entity": "price", "from": ut, "to": markets, "where": {"price_type": PRICE_TYPE}},
            f"stock_{self.name}": {"entity": "stock", "from": ut, "to": markets},
        }
        for market in markets:
            found[f"orders_{market}"] = {"entity": "order", "from": market, "to": ut}
            found[f"statuses_{market}"] = {"entity": "order_status", "from": market, "to": ut}
            found[f"back_{market}"] = {"entity": "order_status", "from": ut, "to": market}
        return {name: {**flow, "every": every[flow["entity"]]} for name, flow in found.items()}

    def buy(self) -> None:
        """Somebody orders in one of the cabinets, or somebody in the office changes something."""
        cabinet = self.random.choice(list(self.cabinets.values()))
        free = sorted(sku for sku, left in cabinet.free().items() if left >= 3)
        if free:
            cabinet.place([(self.random.choice(free), 1)])

    def change(self) -> None:
        good = self.random.choice(list(self.goods.values()))
        amount = self.ut.price(good, PRICE_TYPE)
        assert amount is not None
        self.ut.set_price(good, PRICE_TYPE, Decimal(round(amount * self.random.randrange(90, 111) / 100)))
        self.ut.move_stock(self.random.choice(list(self.goods.values())), self.random.randrange(1, 9))

    def pack(self) -> None:
        """The warehouse packs what is open, and a buyer gives one order up."""
        numbers = [order["НомерПоДаннымКлиента"] for order in self.ut.state()["orders"]]
        for number in numbers[::3]:
            if self._bought()[number].state == "open":
                self.ut.set_status(number, "КОтгрузке")
        for cabinet in self.cabinets.values():
            still = [number for number, one in cabinet.bought().items() if one.state == "open" and number in numbers]
            if still:
                cabinet.give_up(still[-1])

    def _bought(self) -> dict[str, Bought]:
        return {number: one for cabinet in self.cabinets.values() for number, one in cabinet.bought().items()}

    def compare(self) -> None:
        """Every number of 1C against every cabinet's."""
        base = self.ut.state()
        free = {sku: int(base["stock"][good][WAREHOUSE]["free"]) for sku, good in self.goods.items()}
        prices = {sku: Decimal(str(base["prices"][good][PRICE_TYPE])) for sku, good in self.goods.items()}
        for name, cabinet in self.cabinets.items():
            assert cabinet.cards() == set(self.goods), name
            assert cabinet.prices() == prices, name
            assert cabinet.free() == free, name
        orders = [order["НомерПоДаннымКлиента"] for order in base["orders"]]
        assert sorted(orders) == sorted(self._bought()), "each order stands in 1C, and once"
        cancelled = {number for number, one in self._bought().items() if one.state == "cancelled"}
        assert cancelled
        by_number = {order["НомерПоДаннымКлиента"]: order for order in base["orders"]}
        for number in cancelled:
            assert all(row["Отменено"] for row in by_number[number]["Товары"]), number


class Town:
    """All bases, one project, and the service that runs it by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock()
        self.bases = [Base(f"b{number}", self.clock, folder, number) for number in range(BASES)]
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.write(EVERY)
        self.plant = self._built()

    def close(self) -> None:
        self.plant.stop(0.0, lambda _: None)
        self.ledger.close()
        for base in self.bases:
            base.close()

    def write(self, every: dict[str, str]) -> None:
        connections = {name: one for base in self.bases for name, one in base.connections().items()}
        flows = {name: one for base in self.bases for name, one in base.flows(every).items()}
        (self.folder / "obmen.yaml").write_bytes(msgspec.json.encode({"connections": connections, "flows": flows}))

    def _built(self) -> Plant:
        return Plant(load_project(self.folder / "obmen.yaml"), self.ledger, self.clock)

    def restart(self, *, killed: bool = False) -> None:
        """Start the service anew. Killed, it lets go of nothing."""
        if not killed:
            self.plant.stop(0.0, lambda _: None)
        self.plant = self._built()

    def sandboxes(self) -> Iterator[Sandbox]:
        for base in self.bases:
            yield from base.sandboxes()

    @contextmanager
    def faults(self, sandboxes: list[Sandbox], *faults: Fault) -> Iterator[None]:
        for sandbox in sandboxes:
            sandbox.faults[:] = faults
        yield
        for sandbox in sandboxes:
            sandbox.faults.clear()

    def set_clock(self, seconds: float) -> None:
        """Somebody sets the clock of this machine; those of the others go on as they are."""
        self.clock.jump(seconds)
        for sandbox in self.sandboxes():
            sandbox.skew -= seconds  # type: ignore[attr-defined]  # it goes by a clock of the test's
        self.plant.jumped()

    def pass_time(self, hours: float) -> None:
        """Let time pass, working meanwhile; people do something now and then."""
        until = self.clock.monotonic() + hours * 3600
        while self.clock.monotonic() < until:
            self.clock.advance(TICK)
            self.turn()
            if self.clock.monotonic() % 1800 < TICK:
                for base in self.bases:
                    for cabinet in base.cabinets.values():
                        cabinet.rest()

    def turn(self) -> None:
        self.plant.tick()
        while sum(lane.step() for lane in self.plant.lanes):
            self.plant.tick()

    def busy_hours(self, hours: float, orders: int) -> None:
        for _ in range(orders):
            for base in self.bases:
                base.buy()
                base.change()
            self.pass_time(hours / orders)

    def set_aside(self) -> list[str]:
        with self.ledger.read() as tx:
            return [f"{entry.flow} {entry.key or entry.source}: {entry.message}" for entry in quarantine.entries(tx)]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def lasting(kind: str, share: float, **more: Any) -> Fault:
    fault = Fault(kind=kind, **more)  # type: ignore[arg-type]  # one of its own words
    fault.times, fault.share = None, share
    return fault


@pytest.mark.timeout(7200)
def test_a_day_with_all_that_can_happen_ends_in_agreement(town: Town) -> None:
    part = HOURS / 8
    cabinets = [sandbox for sandbox in town.sandboxes() if not isinstance(sandbox, OneCSandbox)]
    with town.faults(cabinets, lasting("status", 0.2, status=429, retry_after="20")):
        town.pass_time(part)
    town.pass_time(part)
    for base in town.bases:
        assert all(cabinet.cards() == set(base.goods) for cabinet in base.cabinets.values())
    town.busy_hours(part, ORDERS // 2)
    town.restart()
    with town.faults([next(iter(town.bases[0].cabinets.values())).sandbox], lasting("drop", 1.0)):
        town.busy_hours(part, ORDERS // 4)
    town.restart(killed=True)
    for base in town.bases:
        base.pack()
    town.set_clock(5400)
    town.busy_hours(part, ORDERS // 4)
    town.set_clock(-5400)
    town.pass_time(part)
    town.write({**EVERY, "stock": "5m"})
    town.restart()
    town.pass_time(2 * part)
    assert town.set_aside() == []
    for base in town.bases:
        base.compare()
    with town.ledger.read() as tx:
        counts = {flow: len(runs.recent(tx, flow, 10_000, "sync")) for flow in town.plant.dispatcher.flows}
        last = {runs.last(tx, flow, "sync").status for flow in counts}  # type: ignore[union-attr]  # each has run
    assert last == {"done"}
    the_page_tells_it(town)
    usual = HOURS * 6
    assert all(usual * 0.4 < count < usual * 2 for flow, count in counts.items() if "orders" in flow), counts


def the_page_tells_it(town: Town) -> None:
    """Now all is well, and who asks for the flow of the system that was down sees when it was, and why."""
    save(town.ledger, beat(town.plant.doing(), town.clock, town.clock.now().timestamp()))
    site = Site(Look(town.plant.project, town.ledger, found(town.ledger)))
    overview = site.browser().get("/").text
    assert all(flow in overview for flow in town.plant.dispatcher.flows)
    assert overview.count("In agreement") == len(town.plant.dispatcher.flows), "nothing is left to send, nor waits"
    assert "The last run failed" not in overview
    down = next(iter(town.bases[0].cabinets))
    with town.ledger.read() as tx:
        about = [runs.recent(tx, flow, 10_000, "sync") for flow in town.plant.dispatcher.flows if down in flow]
    failed = [run for of_flow in about for run in of_flow if run.status == "failed"]
    assert failed
    assert any("the answer was lost" in site.browser().get(f"/runs/{run.id}").text for run in failed)
