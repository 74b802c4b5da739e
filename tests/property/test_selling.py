"""However buyers buy, give up and change their minds: when it is quiet, every channel shows what the source has.

Between two readings a channel lowers and raises its number by itself, answers get lost, the process dies, and somebody
reads orders while stock is being told. Prevents a unit that is sold twice, or that nobody offers any more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from obmen.rules.allocation import Allocation
from obmen.state import Ledger, quarantine, stops
from obmen.sync.engine import Engine
from obmen.sync.steps import Step, ignore
from obmen.testing.clock import FakeClock
from tests.crash.world import Crash
from tests.market import MAIN, Market, Shop
from tests.property.chance import after, die

NAMES = ("ozon", "wb")
SHOPS, SKUS = st.sampled_from(NAMES), st.sampled_from(["A", "B"])
_FLOWS = ("stock", *(f"{entity}_{name}" for entity in ("order", "order_status") for name in NAMES))
EXAMPLES = int(os.environ.get("OBMEN_EXAMPLES", "12"))


class Selling(RuleBasedStateMachine):
    """What may happen between a source of stock and two channels, one thing after another."""

    blank: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(f"sqlite:///{shutil.copy(self.blank, self.folder)}", clock=FakeClock())
        self.standing: dict[str, str] = {}
        self.given_up: set[str] = set()

    @initialize(oversell=st.booleans())
    def rules_are_given(self, oversell: bool) -> None:
        rules = Allocation(version=b"" if oversell else b"1", oversell=oversell)
        self.market = Market(self.ledger, names=NAMES, rules=rules)
        self.market.stock(A=9, B=2)
        self.market.rest()

    def teardown(self) -> None:
        try:
            self.comes_to_rest()
        finally:
            self.ledger.close()
            shutil.rmtree(self.folder)

    # -- buyers and the warehouse ---------------------------------------------------------------------------------

    @rule(shop=SHOPS, sku=SKUS, count=st.integers(1, 3))
    def somebody_buys(self, shop: str, sku: str, count: int) -> None:
        if self._shop(shop).shows(sku) >= count:
            self.standing[self._shop(shop).buy(sku, count)] = shop

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def a_buyer_gives_up(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.standing)))
        self._shop(self.standing.pop(number)).give_up(number)
        self.given_up.add(number)

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def goods_leave_an_order(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.standing)))
        shop = self._shop(self.standing[number])
        if shop.of("order")[number]["lines"][0]["n"] > 1:
            shop.drop_line(number, 1)

    @rule()
    def the_source_hears_who_gave_up(self) -> None:
        self.market.source.given_up |= self.given_up & self.market.source.of("order").keys()

    @rule(sku=SKUS, more=st.integers(-2, 3))
    def the_warehouse_counts(self, sku: str, more: int) -> None:
        on_hand = self.market.source.on_hand
        on_hand[sku, MAIN] = max(on_hand[sku, MAIN] + more, Decimal(0))

    # -- things go wrong ------------------------------------------------------------------------------------------

    @rule(shop=SHOPS, calls=st.integers(0, 2))
    def answers_get_lost(self, shop: str, calls: int) -> None:
        self._shop(shop).lose_answers = calls

    @rule(shop=SHOPS, down=st.booleans())
    def a_channel_goes_or_comes(self, shop: str, down: bool) -> None:
        self._shop(shop).down = down

    @rule(names=st.sets(st.sampled_from(["ozon-1", "wb-1", "wb-2"])))
    def the_source_refuses_orders(self, names: set[str]) -> None:
        self.market.source.refuse = names

    @rule(shop=SHOPS, paused=st.booleans())
    def a_person_pauses_or_resumes(self, shop: str, paused: bool) -> None:
        with self.ledger.write() as tx:
            if paused:
                stops.put(tx, shop, "stock", "write", "Анна Образцова", "looking")
            else:
                stops.lift(tx, shop, "", "")

    # -- it runs --------------------------------------------------------------------------------------------------

    @rule(
        name=st.sampled_from(["", *_FLOWS]), patience=st.sampled_from([0.0, 60.0]), crash=st.none() | st.integers(0, 60)
    )
    def it_runs(self, name: str, patience: float, crash: int | None) -> None:
        self._run((name,) if name else _FLOWS, patience, ignore if crash is None else after(crash, die))

    @rule(at=st.integers(0, 40), name=st.sampled_from(_FLOWS), shop=SHOPS, sku=SKUS)
    def somebody_buys_and_is_heard_while_it_runs(self, at: int, name: str, shop: str, sku: str) -> None:
        def meanwhile() -> None:
            self.somebody_buys(shop, sku, 1)
            Engine(self.ledger, self.market.flows()).read_only([name])

        self._run(_FLOWS, 0.0, after(at, meanwhile))

    def comes_to_rest(self) -> None:
        """All troubles end: every channel shows its part of what the source has, or all of it where that is wanted."""
        market, source = self.market, self.market.source
        for peer in (source, *market.shops.values()):
            peer.lose_answers, peer.down, peer.refuse = 0, False, set()
        with self.ledger.write() as tx:
            stops.lift(tx, "ozon", "", "")
            stops.lift(tx, "wb", "", "")
        for _ in range(4):
            market.clock.advance(3600.0)
            with self.ledger.write() as tx:
                quarantine.set_state(tx, [one.id for one in quarantine.entries(tx)], "due")
            self._run(_FLOWS, 600.0, ignore)
            self.the_source_hears_who_gave_up()
        market.rest()
        assert self.given_up <= source.given_up | (self.given_up - source.of("order").keys())
        for sku in ("A", "B"):
            free = int(max(source.free(sku), 0))
            shown = market.shown(sku)
            if market.rules.oversell:
                assert shown == dict.fromkeys(NAMES, free), sku
            else:
                assert sum(shown.values()) == free, sku

    def _shop(self, name: str) -> Shop:
        return self.market.shops[name]

    def _run(self, names: tuple[str, ...], patience: float, on_step: Callable[[Step], None]) -> None:
        try:
            self.market.sync(*names, on_step=on_step, patience=patience)
        except Crash:
            self.market.clock.advance(1.0)


@pytest.mark.timeout(0 if "OBMEN_EXAMPLES" in os.environ else 120)
def test_when_it_is_quiet_every_channel_shows_what_there_is(blank_ledger: Path) -> None:
    Selling.blank = blank_ledger
    settled = settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None, database=None)
    run_state_machine_as_test(Selling, settings=settled)  # type: ignore[no-untyped-call]  # as Hypothesis has it
