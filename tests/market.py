"""A source of stock and channels that sell it, all in memory: a channel sells what it shows, at once and by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import Any

from obmen.entities import ENTITIES
from obmen.mapping import BoundMapping
from obmen.records import Native, natural_id
from obmen.rules.allocation import Allocation
from obmen.state import Ledger, written
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Selling, Target
from obmen.sync.passes import FlowReport, Pass
from obmen.sync.steps import Step, ignore
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer, PeerConnector
from tests.crash.world import bound

MAIN = "Основной"


class SoldOut(Exception):  # noqa: N818 - what a buyer meets
    """The channel does not show so many."""


@dataclass
class Source(Peer):
    """The ERP: what lies in its warehouses, less what its orders that are not given up reserve; never below zero."""

    on_hand: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    _reserved: dict[str, Decimal] = field(default_factory=dict)
    _counted: tuple[int, int] = (0, 0)

    def of(self, entity: str) -> dict[str, Native]:
        if entity != "stock":
            return super().of(entity)
        return {
            natural_id((sku, place)): {"id": sku, "place": place, "free": float(max(self.free(sku, place), Decimal(0)))}
            for sku, place in self.on_hand
        }

    def free(self, sku: str, place: str = MAIN) -> Decimal:
        """What may be sold of a SKU; all orders leave the main warehouse."""
        return self.on_hand[sku, place] - (self._reserves().get(sku, Decimal(0)) if place == MAIN else Decimal(0))

    def _reserves(self) -> dict[str, Decimal]:
        """SKU → what orders keep back; reckoned anew only when there is another order, or one was given up."""
        orders = super().of("order")
        if self._counted != (len(orders), len(self.given_up)):
            self._counted, self._reserved = (len(orders), len(self.given_up)), {}
            for order in orders.values():
                for line in order["lines"] if order["number"] not in self.given_up else ():
                    sku = line["sku"]
                    self._reserved[sku] = self._reserved.get(sku, Decimal(0)) + Decimal(str(line["n"]))
        return self._reserved


@dataclass
class Shop(Peer):
    """A channel: it lowers what it shows when somebody buys, and raises it when the buyer thinks better of it."""

    name: str = ""
    number: int = 0
    clock: FakeClock = field(default_factory=FakeClock)

    def shows(self, sku: str, place: str = MAIN) -> int:
        """How many it offers."""
        held = super().of("stock").get(natural_id((sku, place)))
        return int(held["free"]) if held is not None else 0

    def buy(self, sku: str, quantity: int = 1, place: str = MAIN) -> str:
        """Let somebody buy; raises SoldOut."""
        if self.shows(sku, place) < quantity:
            raise SoldOut
        super().of("stock")[natural_id((sku, place))]["free"] -= quantity
        self.number += 1
        number = f"{self.name}-{self.number}"
        line = {"sku": sku, "n": quantity, "price": 100}
        at = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        order = {"channel": self.name, "number": number, "at": at, "currency": "RUB", "lines": [line]}
        super().of("order")[number] = order
        return number

    def give_up(self, number: str) -> None:
        """Let the buyer give an order up."""
        (line,) = super().of("order")[number]["lines"]
        super().of("stock")[natural_id((line["sku"], MAIN))]["free"] += line["n"]
        self.put("order_status", {"channel": self.name, "number": number, "status": "cancelled"})

    def drop_line(self, number: str, quantity: int) -> None:
        """Take goods out of an order that stands."""
        (line,) = super().of("order")[number]["lines"]
        line["n"] -= quantity
        super().of("stock")[natural_id((line["sku"], MAIN))]["free"] += quantity


@dataclass
class Market:
    """The source, the channels, and the flows between them by one set of rules."""

    ledger: Ledger
    names: Sequence[str] = ("ozon", "wb", "market")
    rules: Allocation = field(default_factory=lambda: Allocation(version=b""))
    source: Source = field(default_factory=Source)
    missing: Any = "ignore"

    def __post_init__(self) -> None:
        self.shops = {name: Shop(name=name, clock=self.clock) for name in self.names}

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.ledger.clock, FakeClock)
        return self.ledger.clock

    def stock(self, **goods: int | dict[str, int]) -> None:
        """Let the source have goods: SKU → how many in the main warehouse, or warehouse → how many."""
        for name, given in goods.items():
            sku = name.replace("_", "-")
            places = given if isinstance(given, dict) else {MAIN: given}
            self.source.put("product", {"id": sku, "name": f"Товар {sku}", "archived": False})
            self.source.on_hand.update({(sku, place): Decimal(count) for place, count in places.items()})

    def flows(self) -> list[Flow]:
        selling = Selling()
        goods, stock = self._to_shops("goods", "product"), self._to_shops("stock", "stock")
        stock = replace(stock, allocate=self.rules, missing=self.missing)
        back = [self._to_source(entity, name) for entity in ("order", "order_status") for name in self.names]
        flows = [replace(flow, selling=selling) for flow in (goods, stock, *back)]
        for flow in flows:
            if flow.reckoned:
                selling.add(flow)
        return flows

    def _to_shops(self, name: str, entity: str) -> Flow:
        targets = tuple(self._target(one, entity, shop) for one, shop in self.shops.items())
        return Flow(name, ENTITIES[entity], self._connector("erp", self.source), self._bound(entity, "erp"), targets)

    def _to_source(self, entity: str, name: str) -> Flow:
        target = self._target("erp", entity, self.source)
        shop = self._connector(name, self.shops[name])
        return Flow(f"{entity}_{name}", ENTITIES[entity], shop, self._bound(entity, name), (target,))

    def _target(self, name: str, entity: str, peer: Peer) -> Target:
        return Target(name, self._connector(name, peer), self._bound(entity, name), self._bound(entity, name))

    def _connector(self, name: str, peer: Peer) -> PeerConnector:
        return PeerConnector(name, peer, clock=self.ledger.clock)

    def _bound(self, entity: str, name: str) -> BoundMapping:
        return _bound(entity, name)

    # -- running ------------------------------------------------------------------------------------------------

    def sync(self, *names: str, on_step: Callable[[Step], None] = ignore, patience: float = 600.0) -> list[FlowReport]:
        """Run as a process does that has just been started."""
        self.clock.advance(60.0)
        return Engine(self.ledger, self.flows(), on_step=on_step).sync(names, patience=patience)

    def read(self, name: str) -> None:
        """Read one flow and deliver nothing."""
        self.clock.advance(1.0)
        Engine(self.ledger, self.flows()).read_only([name])

    def deliver(self, name: str) -> None:
        """Deliver what a flow has in the outbox, without reading anything."""
        self.clock.advance(1.0)
        engine = Engine(self.ledger, self.flows())
        engine.finish(Pass(engine.choose([name])[0]), 600.0)

    def rest(self) -> None:
        """Run until nothing is written any more."""
        for _ in range(10):
            if not sum(report.written for report in self.sync()):
                return
        raise AssertionError("no rest")

    def shown(self, sku: str, place: str = MAIN) -> dict[str, int]:
        """What every channel offers."""
        return {name: shop.shows(sku, place) for name, shop in self.shops.items()}

    def causes(self, channel: str, sku: str, place: str = MAIN) -> list[str]:
        """Why a channel was told each of its numbers, the newest first."""
        with self.ledger.read() as tx:
            return [one.cause for one in written.of_key(tx, channel, "stock", f"{sku}|{place}")]


@cache
def _bound(entity: str, name: str) -> BoundMapping:
    return bound(entity, name)
