"""A state put back from a copy: it is older than the world, and yet nothing is done twice and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from obmen.errors import Busy, LeaseLost, StateError
from obmen.state import Ledger, bindings, copies, hints, outbox, restore, seen
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, order, price, product, status

FLOWS = ("products", "prices", "orders", "statuses")


@pytest.fixture
def world(tmp_path: Path, blank_ledger: Path) -> Iterator[World]:
    """Peers at work: the shop has goods, the ERP has one order, and a second is decided but not sent."""
    ledger = Ledger(f"sqlite:///{shutil.copy(blank_ledger, tmp_path)}", clock=FakeClock())
    made = World(ledger)
    made.erp.put("product", *(product(n) for n in range(4)))
    made.erp.put("price", *(price(n) for n in range(4)))
    made.shop.put("order", order(1))
    made.shop.put("order_status", status(1, "new"))
    made.sync(*FLOWS)
    made.shop.put("order", order(2))
    made.erp.down = True
    made.sync("orders", patience=0.0)
    made.erp.down = False
    yield made
    ledger.close()


def file_of(world: World) -> Path:
    return Path(world.ledger.url.removeprefix("sqlite:///"))


def copied(world: World) -> Path:
    copy = file_of(world).with_name("copy.db")
    copies.make(world.ledger, copy)
    return copy


def put_back(world: World, copy: Path) -> World:
    """Restore, and start anew with the peers as they are by now."""
    world.ledger.close()
    restore.restore(file_of(world), copy, "anna", world.clock)
    return World(Ledger(world.ledger.url, clock=world.clock), world.erp, world.shop)


def counted(world: World, flow: str) -> dict[str, int]:
    with world.ledger.read() as tx:
        return outbox.counts(tx, flow)


def test_what_was_created_since_the_copy_is_not_created_twice(world: World) -> None:
    copy = copied(world)
    assert counted(world, "orders") == {"pending": 1}
    world.shop.put("order", order(3))
    world.shop.put("order_status", status(1, "packed"))
    world.erp.put("price", price(2, "150.00"))
    world.clock.advance(3600)
    world.sync(*FLOWS)
    world.erp.put("price", price(2, "175.00"))
    world.shop.put("order", order(4))
    steps = {number: list(one) for number, one in world.erp.steps.items()}
    after = put_back(world, copy)
    try:
        after.sync(*FLOWS)
        assert after.erp.created == {f"N-{n}": 1 for n in range(1, 5)}
        assert after.erp.steps == steps
        assert after.shop.of("price")["SKU-2|BASE"]["amount"] == "175.00"
        assert all(counted(after, flow) == {} for flow in FLOWS)
        with after.ledger.read() as tx:
            found = bindings.native_ids(tx, "erp", "order", [f"shop|N-{n}" for n in range(1, 5)])
        assert found == {f"shop|N-{n}": f"ref-N-{n}" for n in range(1, 5)}
        after.erp.calls.clear()
        after.shop.calls.clear()
        after.sync(*FLOWS)
        assert (after.erp.calls, after.shop.calls) == ([], [])
    finally:
        after.ledger.close()


def test_without_the_note_the_order_would_be_there_twice(world: World) -> None:
    """The same with a file that was simply copied: what the note is for."""
    copy = copied(world)
    world.clock.advance(3600)
    world.sync("orders")
    world.ledger.close()
    shutil.copyfile(copy, file_of(world))
    ledger = Ledger(world.ledger.url, clock=world.clock)
    try:
        Engine(ledger, World(ledger, world.erp, world.shop).flows()).sync(("orders",))
    finally:
        ledger.close()
    assert world.erp.created["N-2"] == 2


def test_what_is_there_and_can_be_changed_gets_its_newest_content(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = dict(PeerConnector.writers)
    writers["order", "put"] = replace(writers["order", "put"], updates=True)
    monkeypatch.setattr(PeerConnector, "writers", writers)
    copy = copied(world)
    world.clock.advance(3600)
    world.sync("orders")
    assert world.erp.created["N-2"] == 1
    world.shop.put("order", {**order(2), "lines": [{"sku": "SKU-2", "n": 5, "price": 100}]})
    after = put_back(world, copy)
    try:
        after.erp.calls.clear()
        after.sync("orders")
    finally:
        after.ledger.close()
    assert after.erp.calls == [("order", ["N-2"])]
    assert after.erp.of("order")["N-2"]["lines"][0]["n"] == 5


def test_who_slept_meanwhile_commits_nothing_and_everything_is_read_anew(world: World) -> None:
    copy = copied(world)
    lease = world.ledger.take_lease("orders")
    world.ledger.release_lease(lease)
    with world.ledger.read() as tx:
        epoch = seen.checkpoint(tx, "orders").epoch
    with world.ledger.write() as tx:
        hints.save_feed(tx, "erp", hints.Feed("7", number=7))
    after = put_back(world, copy)
    try:
        with pytest.raises(LeaseLost), after.ledger.write(lease):
            pass
        with after.ledger.read() as tx:
            assert seen.checkpoint(tx, "orders").epoch == epoch + 1
            assert seen.checkpoint(tx, "orders").heard is None
            assert restore.restored_at(tx) == after.clock.now().timestamp()
    finally:
        after.ledger.close()


def kept_of(world: World) -> list[Path]:
    return sorted(path for path in file_of(world).parent.iterdir() if "before-restore" in path.name)


def test_what_stood_there_is_kept_whole_and_can_be_put_back(world: World) -> None:
    copy = copied(world)
    world.clock.advance(3600)
    world.sync("orders")
    first = put_back(world, copy)
    assert counted(first, "orders") == {"pending": 1}
    assert len(kept_of(world)) == 1
    world.clock.advance(5)
    second = put_back(first, kept_of(world)[0])
    assert counted(second, "orders") == {}
    world.clock.advance(5)
    third = put_back(second, kept_of(world)[1])  # itself put back before, and changed since
    assert counted(third, "orders") == {"pending": 1}
    third.ledger.close()
    assert not list(file_of(world).parent.glob("*.restoring*"))


def test_nothing_is_replaced_while_somebody_is_at_work(world: World) -> None:
    copy = copied(world)
    place = file_of(world)
    with world.ledger.lease("orders"), pytest.raises(Busy, match=r"'orders' is being run .* Stop the service"):
        restore.restore(place, copy, "anna", world.clock)
    with pytest.raises(Busy, match=r"Another program has .* open"):
        restore.restore(place, copy, "anna", world.clock)
    world.sync("orders")
    assert world.erp.created["N-2"] == 1
    assert sorted(path.name for path in place.parent.glob("*.db*") if "before" in path.name) == []


def cut(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def other(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as made:
        made.execute("CREATE TABLE films (id INTEGER)")


def changed(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as made, made:
        made.execute("UPDATE agreed SET live = 0")


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as made, made:
        made.execute("DELETE FROM memory WHERE name = 'seal'")
        made.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut, "Nothing was changed; take another copy"),
        (other, "is no copy of a state of Obmen"),
        (changed, "is not as it was made: agreed differ"),
        (newer, "newer Obmen"),
        (
            lambda copy: copy.write_bytes(b"not a database at all, but long enough to be read as one" * 40),
            "not a database",
        ),
    ],
)
def test_a_copy_that_is_not_right_replaces_nothing(world: World, spoil: Callable[[Path], None], words: str) -> None:
    copy = copied(world)
    spoil(copy)
    world.ledger.close()
    before = file_of(world).read_bytes()
    with pytest.raises(StateError, match=words):
        restore.restore(file_of(world), copy, "anna", world.clock)
    assert file_of(world).read_bytes() == before


def test_a_state_that_cannot_be_read_is_replaced_too(world: World) -> None:
    copy = copied(world)
    world.ledger.close()
    place = file_of(world)
    place.write_bytes(b"\x00" * 5000)
    done = restore.restore(place, copy, "anna", world.clock)
    assert done.unread
    assert done.kept is not None
    assert done.kept.read_bytes() == b"\x00" * 5000
    assert done.made_at == world.clock.now().timestamp()
    ledger = Ledger(world.ledger.url, clock=world.clock)
    ledger.close()
