"""Reconciliation: what a target does not show as it confirmed is found by field, and sent again once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from obmen.errors import ConfigurationError
from obmen.rules.guards import Guards
from obmen.state import Ledger, outbox
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.scales import Drift, Side
from obmen.testing.clock import FakeClock
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, bound, order, price, product

GOODS = 8


class Drifting(World):
    """A world whose targets can be read back."""

    by_id = False

    def flow(self, *args: str, **kwargs: str):  # type: ignore[no-untyped-def, override]
        made = super().flow(*args, **kwargs)
        (target,) = made.targets
        connector = target.connector
        if self.by_id:
            connector.readers = {entity: replace(spec, complete=False) for entity, spec in connector.readers.items()}
        back = bound(made.entity.entity, target.name)
        return replace(made, targets=(replace(target, back=back),))

    def reconcile(self, name: str, *, repair: bool = False) -> tuple[Side, list[Drift]]:
        (flow,) = [flow for flow in self.flows() if flow.name == name]
        found: list[Drift] = []
        work = Pass(flow)
        one = Reconciliation(self.ledger, work, on_drift=found.append, repair=repair)
        one.run()
        one.deliver(Engine(self.ledger, self.flows()), 600.0)
        assert work.report.trouble == []
        (side,) = one.sides
        return side, found


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite; on both databases for the tests that ask for ``state_url``."""
    both = "state_url" in request.fixturenames
    return str(request.getfixturevalue("state_url")) if both else f"sqlite:///{tmp_path}/state.db"


@pytest.fixture
def world(url: str) -> Iterator[Drifting]:
    ledger = Ledger(url, clock=FakeClock())
    made = Drifting(ledger)
    made.erp.put("product", *(product(n) for n in range(GOODS)))
    made.erp.put("price", *(price(n) for n in range(GOODS)))
    made.erp.put("stock", *({"id": f"SKU-{n}", "place": "A", "free": 5} for n in range(GOODS)))
    made.sync("products", "prices", "stocks")
    made.clock.advance(60)
    made.shop.calls.clear()
    yield made
    ledger.close()


@pytest.mark.parametrize("by_id", [False, True], ids=["whole", "by id"])
@pytest.mark.usefixtures("state_url")
def test_drift_is_found_by_field_and_repaired_with_just_that_many_writes(world: Drifting, by_id: bool) -> None:
    world.by_id = by_id
    for number in (1, 4, 6):
        world.shop.of("price")[f"SKU-{number}|BASE"]["amount"] = "90.00"
    side, drifts = world.reconcile("prices")
    assert (side.drift, side.fields, side.counts["same"]) == (3, {"amount": 3}, GOODS - 3)
    assert drifts[0] == Drift("prices", "shop", "SKU-1|BASE", {"amount": ["90", "100"]})
    assert [call for call, _ in world.shop.calls if not call.startswith("look")] == []

    side, _ = world.reconcile("prices", repair=True)
    assert side.repaired == 3
    written = [one for call, ids in world.shop.calls if call == "price" for one in ids]
    assert sorted(written) == [f"SKU-{number}|BASE" for number in (1, 4, 6)]
    world.clock.advance(60)
    world.shop.calls.clear()
    side, drifts = world.reconcile("prices", repair=True)
    assert (side.drift, drifts) == (0, [])
    world.sync("prices")
    assert [call for call, _ in world.shop.calls if call == "price"] == []


@pytest.mark.usefixtures("state_url")
def test_what_was_swallowed_is_named_and_sent_again(world: Drifting) -> None:
    for number in (2, 5):
        del world.shop.of("stock")[f"SKU-{number}|A"]
    world.shop.of("stock")["SKU-7|A"]["free"] = 1
    side, drifts = world.reconcile("stocks", repair=True)
    assert [(one.key, one.fields) for one in drifts] == [
        ("SKU-2|A", {}),
        ("SKU-5|A", {}),
        ("SKU-7|A", {"available": ["1", "5"]}),
    ]
    assert (side.counts["missing"], side.repaired) == (2, 3)
    assert {native["free"] for native in world.shop.of("stock").values()} == {5}


def test_what_is_only_there_is_told_and_left(world: Drifting) -> None:
    world.shop.put("price", price(77))
    side, _ = world.reconcile("prices", repair=True)
    assert (side.counts["only_there"], side.only_there) == (1, ["SKU-77|BASE"])
    assert "SKU-77|BASE" in world.shop.of("price")


def test_what_was_not_sent_yet_is_no_drift(world: Drifting) -> None:
    world.erp.put("price", price(3, "105.00"))
    world.shop.refuse.add("SKU-4|BASE")
    world.erp.put("price", price(4, "106.00"))
    world.sync("prices")
    world.erp.put("price", price(3, "107.00"))
    world.clock.advance(60)
    side, drifts = world.reconcile("prices", repair=True)
    assert (side.counts["unsent"], drifts) == (2, [])


def test_a_repair_passes_the_guards(world: Drifting) -> None:
    world.guards = Guards(change=0.5)  # type: ignore[arg-type]
    world.shop.of("price")["SKU-1|BASE"]["amount"] = "1.00"
    world.reconcile("prices", repair=True)
    assert world.shop.of("price")["SKU-1|BASE"]["amount"] == "1.00"
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "prices") == {"held": 1}


def test_a_product_that_a_person_archived_there_is_brought_back(world: Drifting) -> None:
    world.erp.put("product", {**product(1), "archived": False})
    world.sync("products")
    world.clock.advance(60)
    for native in world.shop.of("product").values():
        native["archived"] = False
    world.shop.of("product")["SKU-1"]["archived"] = True
    side, drifts = world.reconcile("products", repair=True)
    assert [one.fields for one in drifts] == [{"archived": [True, False]}]
    assert not world.shop.of("product")["SKU-1"].get("archived")
    assert side.repaired == 1


def test_a_field_that_cannot_be_read_there_is_named_and_not_guessed(world: Drifting) -> None:
    for native in world.shop.of("price").values():
        del native["currency"]
    side, drifts = world.reconcile("prices")
    assert (side.blind, drifts, side.counts["same"]) == (["currency"], [], GOODS)


def test_an_order_that_is_gone_there_is_made_again_once(world: Drifting) -> None:
    world.shop.put("order", order(1), order(2))
    world.sync("orders")
    world.clock.advance(60)
    del world.erp.of("order")["N-1"]
    side, _ = world.reconcile("orders", repair=True)
    assert (side.counts["missing"], side.repaired) == (1, 1)
    assert world.erp.created == {"N-1": 2, "N-2": 1}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda flow: replace(flow, targets=()), "has no target"),
        (lambda flow: replace(flow, targets=(replace(flow.targets[0], back=None),)), "cannot be asked what it holds"),
    ],
)
def test_what_cannot_be_compared_is_refused(world: Drifting, spoil: Callable[..., object], words: str) -> None:
    (flow,) = [flow for flow in world.flows() if flow.name == "prices"]
    with pytest.raises(ConfigurationError, match=words):
        Reconciliation(world.ledger, Pass(spoil(flow)), on_drift=print)  # type: ignore[arg-type]
    (statuses,) = [flow for flow in world.flows() if flow.name == "statuses"]
    with pytest.raises(ConfigurationError, match="a step, not a state"):
        Reconciliation(world.ledger, Pass(statuses), on_drift=print)


def test_the_peer_of_these_tests_is_read_whole() -> None:
    assert PeerConnector.readers["price"].complete
