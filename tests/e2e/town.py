"""A small town of shops: bases of 1C, their cabinets on the marketplaces, one project, and the service that runs it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connectors.onec.sandbox import OneCSandbox
from obmen.errors import Busy
from obmen.project import load_project
from obmen.state import Ledger, quarantine, runs
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault, Sandbox
from tests.clocked import by
from tests.driven import Driven, StoryClock
from tests.e2e.markets.cabinet import Bought, Cabinet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet
from tests.unit.web.kit import Browser, Site

WAREHOUSE, PRICE_TYPE = "Основной склад", "Розничная"
Schedules = dict[str, dict[str, str]]
"""Entity → when its flows run."""
SCHEDULES: Schedules = {
    "product": {"cron": "7 * * * *"},
    "price": {"every": "30m"},
    "stock": {"every": "10m"},
    "order": {"every": "10m"},
    "order_status": {"every": "10m"},
}
TICK = 30.0
_COLOURS = ("Красный", "Синий", "Белый")


class Base:
    """One base of 1C and the cabinets in which it sells."""

    def __init__(self, name: str, clock: FakeClock, folder: Path, seed: int, goods: int) -> None:
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
        self.goods = {f"SKU-{number:04d}": self._good(number) for number in range(goods)}

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

    def flows(self, schedules: Schedules) -> dict[str, Any]:
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
        return {name: {**flow, **schedules[flow["entity"]]} for name, flow in found.items()}

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
    """All bases, one project, and the service."""

    def __init__(self, folder: Path, bases: int, goods: int) -> None:
        self.folder, self.clock = folder, StoryClock()
        self.bases = [Base(f"b{number}", self.clock, folder, number, goods) for number in range(bases)]
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.write(SCHEDULES)
        self._killed: list[Driven] = []
        self.started: Driven | None = None
        self.start()

    def close(self) -> None:
        if self.started is not None:
            self.stop()
        for one in self._killed:
            one.bury()
        self.ledger.close()
        for base in self.bases:
            base.close()

    # -- the project and the service -----------------------------------------------------------------------

    @property
    def file(self) -> Path:
        return self.folder / "obmen.yaml"

    def write(self, schedules: Schedules) -> None:
        connections = {name: one for base in self.bases for name, one in base.connections().items()}
        flows = {name: one for base in self.bases for name, one in base.flows(schedules).items()}
        self.file.write_bytes(msgspec.json.encode({"connections": connections, "flows": flows}))

    @property
    def driven(self) -> Driven:
        assert self.started is not None
        return self.started

    def start(self) -> None:
        self.started = Driven(self.ledger, self.clock, lambda: load_project(self.file))

    def stop(self) -> None:
        whole, self.started = self.driven.stop(), None
        assert whole

    def kill(self, tasks: int) -> None:
        """Kill the service in the midst of its work; what it held stays held until its time is over."""
        self.driven.doom(tasks)
        while not self.driven.dead:
            self.turn()
        self._killed.append(self.driven)
        self.started = None

    def start_elsewhere(self) -> int:
        """Start it where nobody can know that it was killed; return how many seconds that took."""
        began = self.clock.monotonic()
        while self.started is None:
            try:
                self.start()
            except Busy:
                self.clock.advance(TICK)
        return round(self.clock.monotonic() - began)

    def browser(self) -> Browser:
        """Somebody who looks at the service's page."""
        return Site(self.driven.service).browser()

    # -- what happens --------------------------------------------------------------------------------------

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

    def pass_time(self, hours: float) -> None:
        """Let time pass, with the service at work if it is; the marketplaces do what they do by themselves."""
        until = self.clock.monotonic() + hours * 3600
        while self.clock.monotonic() < until:
            self.turn()
            if self.clock.monotonic() % 1800 < TICK:
                for base in self.bases:
                    for cabinet in base.cabinets.values():
                        cabinet.rest()

    def turn(self) -> None:
        self.clock.advance(TICK)
        if self.started is not None:
            self.started.turn()

    def busy_hours(self, hours: float, orders: int) -> None:
        for _ in range(orders):
            for base in self.bases:
                base.buy()
                base.change()
            self.pass_time(hours / orders)

    # -- what is found -------------------------------------------------------------------------------------

    @property
    def flows(self) -> set[str]:
        return set(self.driven.service.project.flows)

    def ran(self) -> dict[str, int]:
        """Return how often each flow has been read by now."""
        with self.ledger.read() as tx:
            return {flow: len(runs.recent(tx, flow, 10_000, "sync")) for flow in self.flows}

    def set_aside(self) -> list[str]:
        with self.ledger.read() as tx:
            return [f"{entry.flow} {entry.key or entry.source}: {entry.message}" for entry in quarantine.entries(tx)]


def lasting(kind: str, share: float, **more: Any) -> Fault:
    """Return a fault that meets that share of all calls for as long as it is there."""
    fault = Fault(kind=kind, **more)  # type: ignore[arg-type]  # one of its own words
    fault.times, fault.share = None, share
    return fault
