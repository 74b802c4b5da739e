"""Sources that tell what changed: nothing else is read, nothing told is lost, and now and then all is read again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from obmen.records import Hints
from obmen.state import Lease, Ledger, hints, quarantine, seen
from obmen.state.hints import Feed
from obmen.state.memory import LedgerMemory
from obmen.sync.engine import Engine
from obmen.sync.listen import Ear
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, price, product

DAY = 86400.0


@pytest.fixture
def telling(world: World) -> World:
    world.erp.tells = True
    world.erp.put("product", *(product(n) for n in range(6)))
    world.erp.put("price", *(price(n) for n in range(6)))
    sync(world)
    world.erp.calls.clear()
    world.shop.calls.clear()
    return world


def sync(world: World) -> None:
    world.clock.advance(60)
    for report in world.sync("products", "prices"):
        assert not report.trouble


def how(world: World, flow: str = "prices") -> str:
    with world.ledger.read() as tx:
        return seen.checkpoint(tx, flow).how


def amounts(world: World) -> dict[str, str]:
    return {key: str(native["amount"]) for key, native in world.shop.of("price").items()}


def test_the_first_read_is_whole_and_the_next_asks_for_nothing(telling: World) -> None:
    assert len(amounts(telling)) == 6
    assert how(telling) == "complete"
    sync(telling)
    assert how(telling) == "changes"
    assert telling.erp.calls == []
    assert telling.shop.calls == []


def test_only_what_was_named_is_read_and_written(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"))
    sync(telling)
    assert telling.erp.calls == [("look price", ["SKU-2|BASE"])]
    assert telling.shop.calls == [("price", ["SKU-2|BASE"])]
    assert amounts(telling)["SKU-2|BASE"] == "90.00"


def test_what_was_named_and_is_gone_is_forgotten(telling: World) -> None:
    telling.missing = "archive"
    telling.erp.drop("product", "SKU-3")
    sync(telling)
    assert telling.shop.of("product")["SKU-3"]["archived"] is True
    with telling.ledger.read() as tx:
        assert seen.by_key(tx, "products", ["SKU-3"]) == {}


def test_a_hint_that_comes_twice_writes_once(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"))
    sync(telling)
    telling.erp.told["price", "SKU-2|BASE"] = 0
    telling.shop.calls.clear()
    sync(telling)
    assert telling.shop.calls == []


def test_hints_that_all_flows_have_read_are_dropped(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"))
    sync(telling)
    sync(telling)
    with telling.ledger.read() as tx:
        assert hints.after(tx, "erp", "price", 0, 10) == []


def test_everything_is_read_again_after_a_while_and_nothing_is_taken_for_gone(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"))
    sync(telling)
    telling.shop.calls.clear()
    telling.clock.advance(DAY)
    sync(telling)
    assert how(telling) == "complete"
    assert telling.shop.calls == []
    assert len(amounts(telling)) == 6


def test_a_clock_that_is_set_back_puts_off_no_whole_read(telling: World) -> None:
    telling.clock.jump(-30 * DAY)
    sync(telling)
    assert how(telling) == "complete"
    sync(telling)
    assert how(telling) == "changes"


def test_a_change_that_came_back_is_not_taken_for_gone_by_the_next_whole_read(telling: World) -> None:
    telling.missing = "archive"
    for name in ("Другое", "Коврик 2"):
        telling.erp.put("product", {**product(2), "name": name})
        sync(telling)
    telling.erp.drop("product", "SKU-5")
    telling.erp.told.clear()
    telling.clock.advance(DAY)
    sync(telling)
    archived = {key for key, card in telling.shop.of("product").items() if card.get("archived")}
    assert archived == {"SKU-5"}


def test_a_change_during_a_whole_read_is_heard_by_the_next(telling: World, monkeypatch: pytest.MonkeyPatch) -> None:
    telling.clock.advance(DAY)
    listen = Ear.listen

    def late(ear: Ear) -> None:
        listen(ear)
        telling.erp.told["price", "SKU-4|BASE"] = 0

    monkeypatch.setattr(Ear, "listen", late)
    sync(telling)
    monkeypatch.undo()
    telling.erp.of("price")["SKU-4|BASE"] = price(4, "80.00")
    sync(telling)
    assert amounts(telling)["SKU-4|BASE"] == "80.00"


def test_a_source_that_forgot_what_it_told_is_read_whole(telling: World, monkeypatch: pytest.MonkeyPatch) -> None:
    telling.erp.put("price", price(1, "70.00"))
    telling.erp.told.clear()
    sync(telling)
    assert amounts(telling)["SKU-1|BASE"] == "100.00"
    told = Ear._keep

    def lost(ear: Ear, lease: Lease, state: Feed, page: Hints) -> Feed:
        return told(ear, lease, state, Hints(page.ids, page.cursor, lost=True))

    monkeypatch.setattr(Ear, "_keep", lost)
    telling.erp.put("price", price(2, "60.00"))
    sync(telling)
    assert how(telling) == "complete"
    assert amounts(telling)["SKU-1|BASE"] == "70.00"


def test_a_plan_hears_nothing_and_acknowledges_nothing(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"))
    acknowledged = telling.erp.acknowledged
    with telling.ledger.rehearsal() as scratch:
        Engine(scratch, telling.flows()).read_only(["prices"])
    assert telling.erp.acknowledged == acknowledged
    sync(telling)
    assert amounts(telling)["SKU-2|BASE"] == "90.00"


def test_a_source_that_stops_telling_is_read_whole(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"))
    telling.erp.tells = False
    sync(telling)
    assert how(telling) == "complete"
    assert amounts(telling)["SKU-2|BASE"] == "90.00"
    telling.erp.put("price", price(2, "91.00"))
    telling.erp.told.clear()
    telling.erp.tells = True
    sync(telling)
    assert amounts(telling)["SKU-2|BASE"] == "91.00"


def test_a_record_that_cannot_be_fetched_harms_only_itself(telling: World) -> None:
    telling.erp.put("price", price(2, "90.00"), {**price(3), "amount": "text"})
    sync(telling)
    assert amounts(telling)["SKU-2|BASE"] == "90.00"
    assert amounts(telling)["SKU-3|BASE"] == "100.00"
    telling.erp.put("price", price(3, "88.00"))
    sync(telling)
    assert amounts(telling)["SKU-3|BASE"] == "88.00"
    with telling.ledger.read() as tx:
        assert quarantine.counts(tx, "prices") == {}


def test_a_connection_remembers_what_it_kept(state_url: str) -> None:
    for _ in range(2):
        ledger = Ledger(state_url)
        memory = LedgerMemory(ledger, "erp")
        memory.put("number", str(int(memory.get("number") or b"0") + 1).encode())
        assert LedgerMemory(ledger, "shop").get("number") is None
        ledger.close()
    ledger = Ledger(state_url)
    assert LedgerMemory(ledger, "erp").get("number") == b"2"
    ledger.close()


@pytest.mark.parametrize("bad", ["SKU-2\0", "\ud800", "x" * 501])
def test_an_id_that_cannot_be_kept_is_passed_over_alone(
    telling: World, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    honest = PeerConnector.changes

    def told(self: PeerConnector, cursor: str | None) -> Iterator[Hints]:
        for one in honest(self, cursor):
            yield Hints({**one.ids, "price": (bad, *one.ids.get("price", ()))}, one.cursor)

    monkeypatch.setattr(PeerConnector, "changes", told)
    telling.erp.put("price", price(3, "80.00"))
    sync(telling)
    assert amounts(telling)["SKU-3|BASE"] == "80.00"


def test_a_mark_that_cannot_be_kept_is_never_acknowledged(telling: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hints_of_one = Hints({"price": ("SKU-1|BASE",)}, "1\0")
    acknowledged: list[str] = []
    monkeypatch.setattr(PeerConnector, "changes", lambda _self, _cursor: iter([hints_of_one]))
    monkeypatch.setattr(PeerConnector, "acknowledge", lambda _self, cursor: acknowledged.append(cursor))
    telling.clock.advance(60)
    reports = telling.sync("products", "prices")
    assert all(not report.trouble for report in reports), "it is read without being told"
    assert acknowledged == []
    with telling.ledger.read() as tx:
        assert "\0" not in (hints.feed(tx, "erp").cursor or "")
