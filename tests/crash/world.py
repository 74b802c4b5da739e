"""Two peers in memory and the flows between them, for crashing the engine at every step of its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from zoneinfo import ZoneInfo

from obmen.entities import ENTITIES
from obmen.mapping import BoundMapping, Context, parse_mapping
from obmen.rules.guards import Guards
from obmen.state import Ledger
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Missing, Target
from obmen.sync.passes import FlowReport
from obmen.sync.steps import Step, ignore
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer, PeerConnector

_LINES = "{ quantity: { path: n, as: number }, price: { path: price, as: number }, sku: %s }"
_ORDER = (
    "entity: order\nfields:\n  channel: channel\n  number: number\n  placed_at: { path: at, as: utc }\n"
    "  currency: currency\n  lines: { path: lines, each: %s }\n"
)
_PRICE = (
    "entity: price\nfields:\n  sku: id\n  price_type: %s\n  amount: { path: amount, as: money_string }\n"
    "  currency: currency\n"
)
MAPPINGS = {
    "product": "entity: product\nfields:\n  sku: id\n  name: name\n"
    "  archived: { path: archived, as: boolean, only: pull }\n",
    "price": _PRICE % "type",
    "one_price": _PRICE % "{ path: type, only: pull }" + "fixed: { type: '' }\n",
    "stock": "entity: stock\nfields:\n  sku: id\n  warehouse: place\n  available: { path: free, as: number }\n",
    "keyed": "entity: product\nfields:\n  sku: sku\n  name: name\n",
    "keyed_shop": "entity: product\nfields:\n  sku: id\n  name: name\n",
    "order": _ORDER % _LINES % "sku",
    "linked": _ORDER % _LINES % "{ path: sku, ref: product }",
    "order_status": "entity: order_status\nfields:\n  channel: channel\n  number: number\n  status: status\n",
}


class Crash(BaseException):
    """The process dies here: nothing after this line runs."""


@cache
def bound(entity: str, connection: str) -> BoundMapping:
    context = Context(connection=connection, options={}, zone=ZoneInfo("Europe/Moscow"))
    return parse_mapping(MAPPINGS[entity], f"{entity}.yaml").bind(context)


@dataclass
class World:
    """What survives a crash: the two peers and the state database."""

    ledger: Ledger
    erp: Peer = field(default_factory=Peer)
    shop: Peer = field(default_factory=Peer)
    missing: Missing = "ignore"
    guards: Guards = field(default_factory=Guards)
    attempts: int = 10
    where: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.ledger.clock, FakeClock)
        return self.ledger.clock

    def flow(self, name: str, entity: str, source: str, target: str, pull: str = "", push: str = "") -> Flow:
        peers = {"erp": self.erp, "shop": self.shop}
        return Flow(
            name=name,
            entity=ENTITIES[entity],
            source=PeerConnector(source, peers[source], clock=self.ledger.clock),
            pull=bound(pull or entity, source),
            targets=(
                Target(
                    target,
                    PeerConnector(target, peers[target], clock=self.ledger.clock),
                    bound(push or entity, target),
                ),
            ),
            missing=self.missing,
            guards=self.guards,
            attempts=self.attempts,
        )

    def flows(self) -> list[Flow]:
        return [
            self.flow("products", "product", "erp", "shop"),
            self.flow("prices", "price", "erp", "shop"),
            self.flow("stocks", "stock", "erp", "shop"),
            self.flow("orders", "order", "shop", "erp"),
            self.flow("linked_orders", "order", "shop", "erp", push="linked"),
            *self.both_ways(),
            self.flow("keyed", "product", "erp", "shop", pull="keyed", push="keyed_shop"),
            replace(self.flow("one_price", "price", "erp", "shop", push="one_price"), where=self.where),
        ]

    def both_ways(self) -> list[Flow]:
        """Statuses in both directions, each of which knows that the other writes."""
        there = self.flow("statuses", "order_status", "shop", "erp")
        back = self.flow("statuses_back", "order_status", "erp", "shop")
        return [
            replace(there, echo=bound("order_status", "shop")),
            replace(back, echo=bound("order_status", "erp")),
        ]

    def sync(
        self,
        *names: str,
        on_step: Callable[[Step], None] = ignore,
        patience: float = 600.0,
        force: str | None = None,
    ) -> list[FlowReport]:
        """Run as a process does that has just been started; a Crash goes through."""
        return Engine(self.ledger, self.flows(), on_step=on_step).sync(names, patience=patience, force=force)


def product(number: int) -> dict[str, object]:
    return {"id": f"SKU-{number}", "name": f"Коврик {number}"}


def price(number: int, amount: str = "100.00") -> dict[str, object]:
    return {"id": f"SKU-{number}", "type": "BASE", "amount": amount, "currency": "RUB"}


def order(number: int) -> dict[str, object]:
    return {
        "channel": "shop",
        "number": f"N-{number}",
        "at": "2026-06-15T06:00:00Z",
        "currency": "RUB",
        "lines": [{"sku": f"SKU-{number}", "n": 2, "price": 100}],
    }


def status(number: int, value: str) -> dict[str, object]:
    return {"channel": "shop", "number": f"N-{number}", "status": value}
