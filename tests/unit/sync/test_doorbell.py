"""What a system says by itself is kept at once and read by its ids, besides the usual reading."""

from __future__ import annotations

import threading

import pytest

from obmen.errors import Busy
from obmen.state import Ledger, hints
from obmen.sync.doorbell import Doorbell
from tests.crash.world import World, price, product


@pytest.fixture
def quiet(world: World) -> World:
    """A world that agrees."""
    world.erp.put("product", *(product(n) for n in range(6)))
    world.erp.put("price", *(price(n) for n in range(6)))
    _sync(world)
    world.erp.calls.clear()
    return world


def _sync(world: World) -> None:
    world.clock.advance(60)
    for report in world.sync("products", "prices"):
        assert not report.trouble


def _bell(world: World) -> Doorbell:
    return Doorbell(world.ledger, "erp", world.flows())


def test_a_record_that_was_named_is_read_by_its_id_and_once(quiet: World) -> None:
    quiet.erp.put("price", price(2, "90.00"))
    for _ in range(2):
        _bell(quiet).ring({"price": ["SKU-2|BASE"]})
    _sync(quiet)
    assert quiet.erp.calls == [("look price", ["SKU-2|BASE"])]
    assert quiet.shop.of("price")["SKU-2|BASE"]["amount"] == "90.00"
    _sync(quiet)
    assert quiet.erp.calls == [("look price", ["SKU-2|BASE"])]


def test_what_was_named_and_is_not_there_is_not_taken_for_gone(quiet: World) -> None:
    quiet.missing = "archive"
    _bell(quiet).ring({"product": ["SKU-2", "SKU-99"]})
    del quiet.erp.of("product")["SKU-2"]
    removed = dict(quiet.shop.of("product")["SKU-2"])
    quiet.erp.of("product")["SKU-2"] = product(2)
    _sync(quiet)
    assert quiet.shop.of("product")["SKU-2"] == removed


def test_nothing_is_kept_for_which_no_flow_asks(quiet: World) -> None:
    _bell(quiet).ring({"order": ["N-1"], "price": ["bad\0id"]})
    with quiet.ledger.read() as tx:
        assert hints.feed(tx, "erp").number == 0


def test_hints_that_were_read_are_dropped_at_the_next_ring(quiet: World) -> None:
    _bell(quiet).ring({"price": ["SKU-1|BASE", "SKU-2|BASE"]})
    _sync(quiet)
    _bell(quiet).ring({"price": ["SKU-3|BASE"]})
    with quiet.ledger.read() as tx:
        assert [hint.native_id for hint in hints.after(tx, "erp", "price", 0, 10)] == ["SKU-3|BASE"]


def test_several_may_ring_at_once(state_url: str, world: World) -> None:
    ledger = Ledger(state_url)
    flows = world.flows()
    threads = [
        threading.Thread(target=Doorbell(ledger, "erp", flows).ring, args=({"price": [f"SKU-{n}|BASE"]},))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.read() as tx:
        kept = hints.after(tx, "erp", "price", 0, 100)
    ledger.close()
    assert {hint.native_id for hint in kept} == {f"SKU-{n}|BASE" for n in range(4)}
    assert len({hint.number for hint in kept}) == 4


def test_a_state_that_stays_in_use_is_told_so_that_the_caller_comes_again(quiet: World) -> None:
    with quiet.ledger.lease("feed:erp"), pytest.raises(Busy):
        _bell(quiet).ring({"price": ["SKU-2|BASE"]})
