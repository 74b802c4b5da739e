"""Buyers in five channels run for the last units while stock is told, calls fail and the process dies.

With the stock divided (``oversell: off``) a number is told above what is left only where no seller could know better:
a channel that was asked for its orders had not yet told of one. That is looked at with every number that a channel is
told, so a unit that is sold twice always has such a promise behind it. What a plain full sync oversells in the same
race is counted beside it.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import obmen.rules.allocation
import obmen.state.taken
import obmen.testing.peer
from obmen.errors import ObmenError
from obmen.rules.allocation import Allocation, Channel
from obmen.state import Ledger
from obmen.sync.flow import Flow, Selling
from obmen.sync.passes import FlowReport
from obmen.sync.steps import Step
from obmen.testing.clock import FakeClock
from tests.crash.world import Crash
from tests.market import MAIN, Market, Shop, SoldOut

SEEDS = range(int(os.environ.get("OBMEN_RACES", "1")))
WHOLE = "OBMEN_RACES" in os.environ
CHANNELS = ("ozon", "wb", "market", "mega", "own")
_SHARES = {"ozon": Channel(share=Decimal("0.4")), "mega": Channel(share=Decimal("0.1"))}
RULES = {
    "evenly": Allocation(version=b"1", oversell=False),
    "by shares, the last one in wb": Allocation(
        version=b"1", oversell=False, channels=_SHARES, last=1, priority=("wb",)
    ),
}
_DIES, _FAILS, _BUYS, _COMES_IN = 0.002, 0.02, 0.1, 0.3
_LATE = (1.0, 180.0)
"""For how many seconds a channel keeps an order to itself: its own delay."""


@dataclass(frozen=True)
class Sale:
    """One order that a channel took, and what was left of the goods then: below zero, it was sold twice.

    ``visible``: from when on the channel tells of it, Unix seconds.
    """

    at: float
    channel: str
    sku: str
    number: str
    left: Decimal
    visible: float


@dataclass(frozen=True)
class Promise:
    """A channel was told more than before, so that all of them together promised so much ``over`` what was left.

    ``unheard``: the orders that their channels had not told of when they were asked.
    """

    at: float
    channel: str
    sku: str
    over: Decimal
    unheard: tuple[Sale, ...]

    @property
    def excused(self) -> bool:
        """Whether nobody could know better: all that was promised too much was sold, and not told of yet."""
        return len(self.unheard) >= self.over


class Told(dict[str, Any]):
    """The stock that a channel was told; the race looks at every number when it arrives."""

    def __init__(self, race: Race, channel: str) -> None:
        super().__init__()
        self._race, self._channel = race, channel

    def __setitem__(self, key: str, native: Any) -> None:
        more = native["free"] - self[key]["free"] if key in self else native["free"]
        super().__setitem__(key, native)
        if more > 0:
            self._race.promised(self._channel, native["id"], Decimal(more))


@dataclass
class LateShop(Shop):
    """A channel that tells of an order only after a while. ``asked``: when it was asked for its orders last."""

    market: Race | None = None
    visible: dict[str, float] = field(default_factory=dict)
    asked: float = 0.0

    def of(self, entity: str) -> dict[str, dict[str, object]]:
        records = super().of(entity)
        if entity != "order" or self.market is None:
            return records
        self.asked = self.market.now
        return {number: one for number, one in records.items() if self.visible.get(number, 0.0) <= self.asked}


class Race(Market):
    """The market, its buyers, and whatever goes wrong meanwhile, by a seed. Without rules, everybody is told all."""

    def __init__(self, ledger: Ledger, seed: int, rules: Allocation | None, goods: int, buyers: int) -> None:
        super().__init__(ledger, names=CHANNELS, rules=rules or Allocation(version=b""))
        self.plain = rules is None
        self.chance, self.weather = random.Random(seed), random.Random(seed + 1)
        self.shops = {name: LateShop(name=name, market=self, clock=self.clock) for name in CHANNELS}
        for name, shop in self.shops.items():
            shop.records["stock"] = Told(self, name)
        self.sales: dict[str, list[Sale]] = {}
        self.over: list[Promise] = []
        self.left = buyers
        self.calm = self.died = False
        self.began = 0.0
        self.skus = [f"S-{number:03d}" for number in range(goods)]
        stock = random.Random(seed + 2)
        self.stock(**{sku.replace("-", "_"): stock.randint(1, 3) for sku in self.skus})

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def flows(self) -> list[Flow]:
        flows = [flow for flow in super().flows() if flow.entity.entity != "order_status"]
        if not self.plain:
            return flows
        return [replace(flow, allocate=None, selling=Selling()) for flow in flows]

    def sync(self, *names: str, on_step: Callable[[Step], None] = lambda _: None) -> list[FlowReport]:
        """Run with one step after another, so that a seed always gives the same race."""
        return super().sync(*names, on_step=on_step)

    # -- what happens ---------------------------------------------------------------------------------------------

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
        if self.chance.random() < _COMES_IN:
            self.source.on_hand[sku, MAIN] += self.chance.randint(1, 3)
        shop = self.shops[name]
        try:
            number = shop.buy(sku)
        except SoldOut:
            return
        assert isinstance(shop, LateShop)
        shop.visible[number] = visible = self.now + self.chance.uniform(*_LATE)
        left = self.really_free(sku) - 1
        self.sales.setdefault(sku, []).append(Sale(self.now, name, sku, number, left, visible))

    def run(self) -> None:
        """Run until all buyers have come, then let it rest."""
        self.rest()
        work = [flow.name for flow in self.flows() if flow.entity.entity != "product"]
        while self.left:
            for shop in self.shops.values():
                shop.down = self.weather.random() < _FAILS
                shop.lose_answers = int(self.weather.random() < _FAILS)
            self.began = self.now
            try:
                self.sync(*work, on_step=self.on_step)
                self.died = False
            except (Crash, ObmenError):
                self.died = True
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

    # -- what is looked at ----------------------------------------------------------------------------------------

    def really_free(self, sku: str) -> Decimal:
        """What is left of a SKU, orders counted that nobody heard of yet."""
        return self.source.on_hand[sku, MAIN] - len(self.sales.get(sku, ()))

    def promised(self, channel: str, sku: str, more: Decimal) -> None:
        """Look at what all channels together show, now that one of them was told so much more."""
        over = min(sum(self.shown(sku).values()) - self.really_free(sku), more)
        if over > 0 and not self.plain:
            unheard = tuple(one for one in self.sales.get(sku, ()) if one.visible > self._heard(one.channel))
            self.over.append(Promise(self.now, channel, sku, over, unheard))

    def _heard(self, channel: str) -> float:
        """Until when a channel's orders are heard: whoever tells numbers has to ask for orders first, if it can."""
        shop = self.shops[channel]
        assert isinstance(shop, LateShop)
        asked_now = shop.asked >= self.began
        return shop.asked if asked_now or shop.down or self.died else self.now

    @property
    def all_sales(self) -> list[Sale]:
        return [one for of_sku in self.sales.values() for one in of_sku]

    @property
    def oversold(self) -> list[Sale]:
        """The sales of what was not there."""
        return [one for one in self.all_sales if one.left < 0]

    @property
    def careless(self) -> list[Promise]:
        """The promises that a seller who had asked could have known to be too many."""
        return [one for one in self.over if not one.excused]

    def story(self, sale: Sale) -> str:
        """Say of a unit that was sold twice when it was promised and when sold, and who had not told of what."""
        behind = [one for one in self.over if one.sku == sale.sku and one.at <= sale.at]
        assert behind, f"{sale} was sold twice, and no channel was ever told too much"
        promise = behind[-1]
        other = promise.unheard[-1] if promise.unheard else None
        heard = f"{other.channel} sold at {other.at:.0f} and told at {other.visible:.0f}" if other else "all was known"
        return (
            f"{sale.sku}: promised to {promise.channel} at {promise.at:.0f}, sold by {sale.channel} at {sale.at:.0f}; "
            f"{heard}"
        )


MakeRace = Callable[..., Race]


@pytest.fixture
def raced(tmp_path: Path, blank_ledger: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRace]:
    """Give a function that runs a race by a seed and rules."""
    monkeypatch.setattr(obmen.testing.peer, "PAGE", 100)
    made: list[Ledger] = []

    def run(seed: int, rules: Allocation | None, goods: int = 10, buyers: int = 60) -> Race:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Ledger(f"sqlite:///{shutil.copy(blank_ledger, folder)}", clock=FakeClock()))
        race = Race(made[-1], seed, rules, goods, buyers)
        race.run()
        return race

    yield run
    for ledger in made:
        ledger.close()


@pytest.mark.timeout(1800 if WHOLE else 300)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_unit_is_sold_twice_only_where_a_channel_had_not_told_of_an_order(
    raced: MakeRace, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    size = (200, 2000) if WHOLE else (10, 60)
    names = [list(RULES)[seed % len(RULES)]] if WHOLE else list(RULES)
    divided = {name: raced(seed, RULES[name], *size) for name in names}
    naive = raced(seed, None, *size)
    for race in (*divided.values(), naive):
        taken = [order["number"] for order in race.source.of("order").values()]
        assert sorted(taken) == sorted(sale.number for sale in race.all_sales), "every order arrived, and once"
    for name, race in divided.items():
        assert len(race.all_sales) > size[1] / 10
        assert sum(any(one.channel == channel for one in race.all_sales) for channel in CHANNELS) >= 3
        assert race.careless == [], name
        assert race.over, "the delay of the channels was met"
        lines = [race.story(sale) for sale in race.oversold]
        if WHOLE:
            ours = f"{len(race.oversold)} of {len(race.all_sales)}"
            plain = f"{len(naive.oversold)} of {len(naive.all_sales)}"
            with capsys.disabled():
                print(f"\nseed {seed}, {name}: sold twice {ours} sales, by a plain sync {plain}", *lines, sep="\n  ")
        assert len(race.oversold) <= len(naive.oversold)
        for sku in race.skus:
            assert sum(race.shown(sku).values()) == max(race.source.free(sku), 0), sku


def _told_at_once(_units: int, wanted: Any, _shown: Any, _unsure: Any = ()) -> Any:
    return wanted


def _nothing_taken(*_: Any) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        pytest.param(obmen.rules.allocation, "surely_free", _told_at_once, id="raised before others are lowered"),
        pytest.param(obmen.state.taken, "of", _nothing_taken, id="orders forgotten until the source counts them"),
    ],
)
def test_the_race_finds_who_promises_carelessly(
    raced: MakeRace, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Any
) -> None:
    monkeypatch.setattr(module, name, broken)
    assert raced(0, RULES["evenly"], 10, 30).careless
