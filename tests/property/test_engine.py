"""Whatever people change, peers do and processes suffer, in whatever order: when it is quiet, both sides agree.

A run is read from one side, its answers get lost, it dies between two steps, somebody reads beside it, a person pauses,
takes back and replays. Prevents the fault that hides between two features that are right by themselves.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from obmen.rules.guards import Guards
from obmen.state import Ledger, quarantine, stops
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.steps import Step, ignore
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from tests.crash.world import Crash, World, order, price, product, status

NUMBERS = st.integers(0, 2)
_FLOWS = ("products", "prices", "stocks", "orders", "statuses")
_OFF = Guards(change=None, grown=None, created=None, vanished=False, share=None, lowered=None, zeroed=None, gone=None)
_STATUSES = ("new", "confirmed", "assembling", "ready", "shipped")
EXAMPLES = int(os.environ.get("OBMEN_EXAMPLES", "12"))


class Shop(World):
    """The world of the crash tests; stock that its source no longer has goes to zero."""

    def flows(self) -> list[Flow]:
        return [
            replace(flow, missing="zero") if flow.name == "stocks" else flow
            for flow in super().flows()
            if flow.name in _FLOWS
        ]


class Life(RuleBasedStateMachine):
    """What may happen, one thing after another."""

    blank: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(f"sqlite:///{shutil.copy(self.blank, self.folder)}", clock=FakeClock())
        self.world = Shop(self.ledger, guards=_OFF, attempts=4)
        self.expected: dict[str, int] = {}
        for number in range(3):
            self.world.erp.put("product", product(number))
            self.world.erp.put("price", price(number))

    def teardown(self) -> None:
        try:
            self.comes_to_rest()
        finally:
            self.ledger.close()
            shutil.rmtree(self.folder)

    @initialize(tells=st.booleans())
    def the_source_tells_what_changes_or_is_read_whole(self, tells: bool) -> None:
        self.world.erp.tells = tells

    # -- people change things ---------------------------------------------------------------------------------------

    @rule(number=NUMBERS, name=st.sampled_from("АБ"), archived=st.booleans())
    def a_product_changes(self, number: int, name: str, archived: bool) -> None:
        self.world.erp.put("product", {**product(number), "name": name, "archived": archived})

    @rule(number=NUMBERS, amount=st.sampled_from(["100.00", "120.00"]))
    def a_price_changes(self, number: int, amount: str) -> None:
        self.world.erp.put("price", price(number, amount))

    @rule(number=NUMBERS, free=st.integers(0, 2))
    def a_stock_changes(self, number: int, free: int) -> None:
        self.world.erp.put("stock", {"id": f"SKU-{number}", "place": "A", "free": free})

    @rule(number=NUMBERS)
    def a_stock_vanishes(self, number: int) -> None:
        self.world.erp.of("stock").pop(f"SKU-{number}|A", None)

    @precondition(lambda self: len(self.expected) < 3)
    @rule()
    def somebody_buys(self) -> None:
        number = len(self.expected)
        self.world.shop.put("order", order(number))
        self.world.shop.put("order_status", status(number, _STATUSES[0]))
        self.expected[f"N-{number}"] = 0

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), further=st.integers(1, 2))
    def an_order_moves_on(self, data: st.DataObject, further: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.expected)))
        at = min(self.expected[number] + further, len(_STATUSES) - 1)
        self.expected[number] = at
        self.world.shop.put("order_status", status(int(number[2:]), _STATUSES[at]))

    # -- things go wrong ------------------------------------------------------------------------------------------

    @rule(peer=st.sampled_from(["erp", "shop"]), calls=st.integers(0, 3))
    def answers_get_lost(self, peer: str, calls: int) -> None:
        self._peer(peer).lose_answers = calls

    @rule(peer=st.sampled_from(["erp", "shop"]), down=st.booleans())
    def a_peer_goes_or_comes(self, peer: str, down: bool) -> None:
        self._peer(peer).down = down

    @rule(names=st.sets(st.sampled_from(["SKU-0", "SKU-1", "SKU-0|BASE", "SKU-1|A"])), whole=st.booleans())
    def the_shop_refuses(self, names: set[str], whole: bool) -> None:
        self.world.shop.refuse, self.world.shop.refuse_whole = names, whole

    @rule(polls=st.integers(0, 3))
    def tickets_take_longer(self, polls: int) -> None:
        self.world.shop.late = polls

    # -- it runs --------------------------------------------------------------------------------------------------

    @rule(
        names=st.sampled_from([(), *((name,) for name in _FLOWS)]),
        patience=st.sampled_from([0.0, 30.0]),
        crash=st.none() | st.integers(0, 60),
    )
    def it_runs(self, names: tuple[str, ...], patience: float, crash: int | None) -> None:
        self._run(names or _FLOWS, patience, ignore if crash is None else _after(crash, _die))

    @rule(
        at=st.integers(0, 40),
        flow=st.sampled_from(_FLOWS),
        number=NUMBERS,
        amount=st.sampled_from(["100.00", "120.00"]),
        free=st.integers(0, 2),
    )
    def somebody_reads_beside_it(self, at: int, flow: str, number: int, amount: str, free: int) -> None:
        def beside() -> None:
            self.a_price_changes(number, amount)
            self.a_stock_changes(number, free)
            Engine(self.ledger, self.world.flows()).read_only([flow])

        self._run(_FLOWS, 0.0, _after(at, beside))

    @rule(seconds=st.sampled_from([1.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    # -- a person steps in ----------------------------------------------------------------------------------------

    @rule()
    def a_person_replays(self) -> None:
        with self.ledger.write() as tx:
            quarantine.set_state(tx, [one.id for one in quarantine.entries(tx)], "due")

    @rule(entity=st.sampled_from(["", "price", "product"]), paused=st.booleans())
    def a_person_pauses_or_resumes(self, entity: str, paused: bool) -> None:
        with self.ledger.write() as tx:
            if paused:
                stops.put(tx, "shop", entity, "write", "Анна Образцова", "looking")
            else:
                stops.lift(tx, "shop", entity, "")

    # -- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def no_order_is_there_twice(self) -> None:
        assert all(times == 1 for times in self.world.erp.created.values())

    @invariant()
    def no_order_goes_back(self) -> None:
        for steps in self.world.erp.steps.values():
            places = [_STATUSES.index(step) for step in steps]
            assert places == sorted(places)

    @rule()
    def comes_to_rest(self) -> None:
        """All troubles end: what one side has the other has, and then nothing more is said."""
        world = self.world
        for peer in (world.erp, world.shop):
            peer.lose_answers, peer.down, peer.late, peer.refuse, peer.refuse_whole = 0, False, 0, set(), False
        with self.ledger.write() as tx:
            stops.lift(tx, "shop", "", "")
        for _ in range(6):
            world.clock.advance(3600.0)
            self.a_person_replays()
            self._run(_FLOWS, 600.0, ignore)
        said = len(world.shop.calls) + len(world.erp.calls)
        self._run(_FLOWS, 600.0, ignore)
        assert len(world.shop.calls) + len(world.erp.calls) == said
        with self.ledger.read() as tx:
            assert quarantine.entries(tx) == []
        self._compare()

    def _compare(self) -> None:
        erp, shop = self.world.erp, self.world.shop
        for key, one in erp.of("product").items():
            there = shop.of("product").get(key)
            if one.get("archived"):
                assert there is None or there.get("archived"), key
            else:
                assert there is not None, key
                assert (there["name"], bool(there.get("archived"))) == (one["name"], False)
        cards = shop.of("product").keys()
        assert {key: one["amount"] for key, one in shop.of("price").items()} == {
            key: one["amount"] for key, one in erp.of("price").items() if one["id"] in cards
        }
        shown = {key: one["free"] for key, one in shop.of("stock").items()}
        free = {key: one["free"] for key, one in erp.of("stock").items() if one["id"] in cards}
        assert {**dict.fromkeys(shown, 0), **free} == shown
        assert erp.created == dict.fromkeys(self.expected, 1)
        assert {number: steps[-1] for number, steps in erp.steps.items()} == {
            number: _STATUSES[at] for number, at in self.expected.items()
        }

    def _peer(self, name: str) -> Peer:
        return self.world.erp if name == "erp" else self.world.shop

    def _run(self, names: tuple[str, ...], patience: float, on_step: Callable[[Step], None]) -> None:
        self.world.clock.advance(1.0)
        try:
            self.world.sync(*names, on_step=on_step, patience=patience)
        except Crash:
            self.world.clock.advance(1.0)


def _die() -> None:
    raise Crash


def _after(steps: int, happens: Callable[[], None]) -> Callable[[Step], None]:
    """Return what the engine calls at each step: once, after so many, something happens."""
    left = [steps]

    def on_step(_step: Step) -> None:
        left[0] -= 1
        if left[0] == -1:
            happens()

    return on_step


@pytest.mark.timeout(0 if "OBMEN_EXAMPLES" in os.environ else 120)
def test_when_it_is_quiet_both_sides_agree(blank_ledger: Path) -> None:
    Life.blank = blank_ledger
    settled = settings(max_examples=EXAMPLES, stateful_step_count=20, deadline=None, database=None)
    run_state_machine_as_test(Life, settings=settled)  # type: ignore[no-untyped-call]  # as Hypothesis has it
