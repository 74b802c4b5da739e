"""Buyers in five channels run for the last units while stock is told, calls fail and the process dies.

With the stock divided (``oversell: off``) a unit is sold twice only where no seller could know better: a channel had
not yet told of an order when another number was told. What a plain full sync oversells in the same race is counted
beside it.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

import obmen.testing.peer
from obmen.errors import ObmenError
from obmen.rules.allocation import Allocation
from obmen.state import Ledger, tables, written
from obmen.sync.flow import Flow, Selling
from obmen.sync.steps import Step
from obmen.testing.clock import FakeClock
from tests.crash.world import Crash
from tests.market import MAIN, Market, Shop, SoldOut

SEEDS = range(int(os.environ.get("OBMEN_RACES", "1")))
WHOLE = "OBMEN_RACES" in os.environ
CHANNELS = ("ozon", "wb", "market", "mega", "own")
GOODS, BUYERS = (200, 2000) if WHOLE else (20, 120)
_DIES, _FAILS, _BUYS = 0.002, 0.02, 0.1
_LATE = (1.0, 20.0)
"""For how many seconds a channel keeps an order to itself: its own delay."""


@dataclass(frozen=True)
class Sale:
    """One order that a channel took, and what was left of the goods then: below zero, it was sold twice."""

    at: float
    channel: str
    sku: str
    number: str
    left: Decimal


@dataclass
class LateShop(Shop):
    """A channel that tells of an order only after a while."""

    market: Race | None = None
    visible: dict[str, float] = field(default_factory=dict)

    def of(self, entity: str) -> dict[str, dict[str, object]]:
        records = super().of(entity)
        if entity != "order" or self.market is None:
            return records
        now = self.market.now
        return {number: one for number, one in records.items() if self.visible.get(number, 0.0) <= now}


class Race(Market):
    """The market, its buyers, and whatever goes wrong meanwhile, by a seed."""

    def __init__(self, ledger: Ledger, seed: int, rules: Allocation | None) -> None:
        super().__init__(ledger, names=CHANNELS, rules=rules or Allocation(version=b""))
        self.plain = rules is None
        self.chance, self.weather = random.Random(seed), random.Random(seed + 1)
        self.shops = {name: LateShop(name=name, market=self, clock=self.clock) for name in CHANNELS}
        self.sales: list[Sale] = []
        self.left = BUYERS
        self.calm = False
        self.skus = [f"S-{number:03d}" for number in range(GOODS)]

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def flows(self) -> list[Flow]:
        flows = [flow for flow in super().flows() if flow.entity.entity != "order_status"]
        if not self.plain:
            return flows
        return [replace(flow, allocate=None, selling=Selling()) for flow in flows]

    def on_step(self, _step: Step) -> None:
        """Between any two steps a buyer may come, and the process may die."""
        self.clock.advance(self.weather.uniform(0.0, 0.5))
        if self.left and self.weather.random() < _BUYS:
            self.somebody_buys()
        if not self.calm and self.weather.random() < _DIES:
            raise Crash

    def somebody_buys(self) -> None:
        """Let somebody want one unit in one channel; now and then goods come in."""
        self.left -= 1
        sku, name = self.chance.choice(self.skus), self.chance.choice(CHANNELS)
        if self.chance.random() < 0.1:
            self.source.on_hand[sku, MAIN] += self.chance.randint(1, 3)
        shop = self.shops[name]
        try:
            number = shop.buy(sku)
        except SoldOut:
            return
        assert isinstance(shop, LateShop)
        shop.visible[number] = self.now + self.chance.uniform(*_LATE)
        sold = sum(1 for sale in self.sales if sale.sku == sku) + 1
        self.sales.append(Sale(self.now, name, sku, number, self.source.on_hand[sku, MAIN] - sold))

    def run(self) -> None:
        """Run until all buyers have come, then let it rest."""
        while self.left:
            for shop in self.shops.values():
                shop.down = self.weather.random() < _FAILS
                shop.lose_answers = int(self.weather.random() < _FAILS)
            try:
                self.sync(on_step=self.on_step)
            except (Crash, ObmenError):
                continue
            for _ in range(self.weather.randint(0, 12)):
                if self.left:
                    self.somebody_buys()
                self.clock.advance(self.weather.uniform(0.0, 5.0))
        self.calm = True
        for shop in self.shops.values():
            shop.down, shop.lose_answers = False, 0
        self.clock.advance(120.0)
        self.rest()

    @property
    def oversold(self) -> list[Sale]:
        """The sales of what was not there."""
        return [sale for sale in self.sales if sale.left < 0]


MakeLedger = Callable[[str], Ledger]


@pytest.fixture
def blank(tmp_path: Path, blank_ledger: Path) -> Iterator[MakeLedger]:
    made: list[Ledger] = []

    def make(name: str) -> Ledger:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Ledger(f"sqlite:///{shutil.copy(blank_ledger, folder)}", clock=FakeClock()))
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


def raced(ledger: Ledger, seed: int, rules: Allocation | None) -> Race:
    race = Race(ledger, seed, rules)
    stock = random.Random(seed + 2)
    race.stock(**{sku.replace("-", "_"): stock.randint(1, 3) for sku in race.skus})
    race.rest()
    race.run()
    return race


@pytest.mark.parametrize("seed", SEEDS)
def test_a_unit_is_sold_twice_only_where_a_channel_had_not_told_of_an_order(
    blank: MakeLedger, seed: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(obmen.testing.peer, "PAGE", 100)
    rules = Allocation(version=b"1", oversell=False, priority=CHANNELS)
    divided, naive = raced(blank("divided"), seed, rules), raced(blank("naive"), seed, None)
    for race in (divided, naive):
        assert len(race.sales) > BUYERS / 10
        taken = [order["number"] for order in race.source.of("order").values()]
        assert sorted(taken) == sorted(sale.number for sale in race.sales), "every order arrived, and once"
    lines = [told(divided, sale) for sale in divided.oversold]
    if WHOLE:
        ours, plain = f"{len(divided.oversold)} of {len(divided.sales)}", f"{len(naive.oversold)} of {len(naive.sales)}"
        with capsys.disabled():
            print(f"\nseed {seed}: sold twice {ours} sales, by a plain sync {plain}", *lines, sep="\n  ")
    assert len(divided.oversold) <= len(naive.oversold)
    for sku in divided.skus:
        free = divided.source.free(sku)
        assert sum(divided.shown(sku).values()) == max(free, 0), sku


def told(race: Race, sale: Sale) -> str:
    """Say of a unit that was sold twice when it was promised and when sold; raise if it need not have been."""
    with race.ledger.read() as tx:
        promised = [one for one in written.of_key(tx, sale.channel, "stock", f"{sale.sku}|{MAIN}") if one.at <= sale.at]
        read = {row.key: row.read_at for row in tx.connection.execute(tables.fact.select())}
    last = promised[0].at
    others = [one for one in race.sales if one.sku == sale.sku and one.at <= sale.at and one.number != sale.number]
    unheard = [one for one in others if read.get(f"{one.channel}|{one.number}", float("inf")) >= last]
    assert unheard, f"{sale} was sold twice, and all orders before it were known when it was promised at {last}"
    other = unheard[-1]
    known = read.get(f"{other.channel}|{other.number}", 0.0)
    return (
        f"{sale.sku}: promised to {sale.channel} at {last:.0f}, sold there at {sale.at:.0f}; {other.channel} had sold "
        f"it at {other.at:.0f} and told of it at {known:.0f}"
    )
