"""Two peers, one with a past: orders and statuses that are dated, most of them older than the usual read looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from obmen.periods import Period
from obmen.records import Native
from obmen.state import backfills
from obmen.sync.backfill import Backfill
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import FlowReport, Pass
from obmen.sync.steps import Step, ignore
from obmen.testing.peer import DatedPeerConnector
from tests.crash.world import World, order, status

FIRST = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = 10


def day(number: float) -> float:
    """Return the beginning of a day of the past, Unix seconds."""
    return (FIRST + timedelta(days=number)).timestamp()


ALL = Period(day(0), day(DAYS))


class PastWorld(World):
    """A world whose shop is asked for what changed, or for a period."""

    def flow(self, name: str, entity: str, source: str, target: str, pull: str = "", push: str = "") -> Flow:
        made = super().flow(name, entity, source, target, pull, push)
        if source != "shop":
            return made
        return replace(made, source=DatedPeerConnector(source, self.shop, clock=self.ledger.clock))

    def of(self, name: str) -> Flow:
        (found,) = [flow for flow in self.flows() if flow.name == name]
        return found

    def backfill(
        self,
        name: str = "orders",
        period: Period | None = ALL,
        *,
        again: bool = False,
        on_step: Callable[[Step], None] = ignore,
        beside: bool = False,
        on_note: Callable[[str], None] | None = None,
        on_read: Callable[[int, int | None], None] | None = None,
        deliver: bool = True,
    ) -> FlowReport:
        """Backfill as a process does that has just been started."""
        work = Pass(self.of(name))
        more = (lambda: DatedPeerConnector("shop", self.shop, clock=self.clock)) if beside else None
        past = Backfill(self.ledger, work, beside=more, on_step=on_step, on_note=on_note, on_read=on_read)
        if period is not None:
            past.ask(period, again=again)
        past.read()
        engine = Engine(self.ledger, self.flows(), on_step=on_step)
        if deliver:
            past.deliver(engine, 600.0)
        else:
            engine.close(work)
        return work.report

    def periods(self, state: backfills.State, flow: str = "orders") -> list[Period]:
        with self.ledger.read() as tx:
            return backfills.periods(tx, flow, state)

    def asked(self, entity: str = "order") -> list[Period]:
        """Return the periods that the shop was asked for."""
        return [
            Period(*(datetime.fromisoformat(one).timestamp() for one in ids))
            for call, ids in self.shop.calls
            if call == f"past {entity}"
        ]


def fill(world: World, *, a_day: int = 2) -> None:
    """Let every day of the past have so many orders, each with a status."""
    for number in range(DAYS * a_day):
        world.shop.put("order", dated(number, a_day=a_day))
        world.shop.put("order_status", {**status(number, "new"), "at": dated(number, a_day=a_day)["at"]})
    world.shop.told_since = "2026-06"


def dated(number: int, *, a_day: int = 2) -> Native:
    at = FIRST + timedelta(days=number / a_day)
    return {**order(number), "at": at.isoformat()}
