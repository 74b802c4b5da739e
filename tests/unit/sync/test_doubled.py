"""Two records of a source with one id: which of them is right nobody knows, so neither is believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from obmen.connector import reader
from obmen.records import Page
from obmen.state import bindings, quarantine
from obmen.state.quarantine import Entry
from obmen.sync import read
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, price, product

COUNT = 12


@pytest.fixture(autouse=True, params=[1, 64], ids=["page by page", "all at once"])
def _groups(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_GROUP_PAGES", request.param)


@pytest.fixture
def agreed(world: World) -> World:
    """Prices and stocks of a dozen goods, the same in both systems."""
    world.missing = "zero"
    world.erp.put("product", *(product(n) for n in range(COUNT)))
    world.erp.put("price", *(price(n) for n in range(COUNT)))
    world.erp.put("stock", *(stock(n) for n in range(COUNT)))
    sync(world)
    world.shop.calls.clear()
    return world


def stock(number: int, free: int = 5) -> dict[str, object]:
    return {"id": f"SKU-{number}", "place": "Основной", "free": free}


def sync(world: World) -> None:
    world.sync("products")
    world.missing, missing = "ignore", world.missing
    world.sync("prices")
    world.missing = missing
    world.sync("stocks")


def also(world: World, entity: str, at: int, native: dict[str, object]) -> None:
    """Give the source another record, whatever its id, at a place among the others."""
    held = list(world.erp.of(entity).items())
    world.erp.records[entity] = dict([*held[:at], ("another", native), *held[at:]])


def shown(world: World) -> list[object]:
    """The prices of the goods by their number."""
    prices = world.shop.of("price")
    return [prices[f"SKU-{number}|BASE"]["amount"] for number in range(len(prices))]


def free(world: World) -> list[object]:
    """The stocks of the goods by their number."""
    stocks = world.shop.of("stock")
    return [stocks[f"SKU-{number}|Основной"]["free"] for number in range(len(stocks))]


def set_aside(world: World) -> list[Entry]:
    with world.ledger.read() as tx:
        return quarantine.entries(tx)


def replay(world: World) -> None:
    with world.ledger.write() as tx:
        quarantine.set_state(tx, [entry.id for entry in quarantine.entries(tx)], "due")


@pytest.mark.parametrize("at", [0, 1, 3, 4, COUNT])
def test_of_two_that_come_together_neither_is_written(world: World, at: int) -> None:
    world.erp.put("product", *(product(n) for n in range(COUNT)))
    world.erp.put("price", *(price(n) for n in range(COUNT)))
    also(world, "price", at, price(2, "50.00"))
    sync(world)
    assert set(world.shop.of("price")) == {f"SKU-{n}|BASE" for n in range(COUNT) if n != 2}
    (entry,) = set_aside(world)
    assert (entry.code, entry.source, entry.flow) == ("duplicate_id", "SKU-2|BASE", "prices")
    assert entry.message == (
        "Two records of erp have the id SKU-2|BASE in one read. Nothing is taken from either. Remove one of them there."
    )


@pytest.mark.parametrize("at", [0, 1, 3, 4, COUNT])
def test_one_that_comes_beside_another_changes_nothing(agreed: World, at: int) -> None:
    also(agreed, "price", at, price(2, "50.00"))
    for _ in range(2):
        sync(agreed)
        assert agreed.shop.calls == []
        assert [entry.source for entry in set_aside(agreed)] == ["SKU-2|BASE"]


def test_what_the_two_say_later_is_not_written_either(agreed: World) -> None:
    also(agreed, "price", 5, price(2, "50.00"))
    sync(agreed)
    agreed.erp.of("price")["another"] = price(2, "60.00")
    sync(agreed)
    agreed.erp.put("price", price(2, "120.00"), price(3, "130.00"))
    sync(agreed)
    assert agreed.shop.calls == [("price", ["SKU-3|BASE"])]
    assert [entry.source for entry in set_aside(agreed)] == ["SKU-2|BASE"]


def test_both_changed_at_once_change_nothing(agreed: World) -> None:
    agreed.erp.put("price", price(2, "120.00"))
    also(agreed, "price", 5, price(2, "50.00"))
    sync(agreed)
    assert agreed.shop.calls == []
    assert [entry.source for entry in set_aside(agreed)] == ["SKU-2|BASE"]


@pytest.mark.parametrize(("removed", "right"), [("another", "110.00"), ("SKU-2|BASE", "50.00")])
@pytest.mark.parametrize("together", [True, False])
def test_the_one_that_is_left_is_taken_when_a_person_replays(
    agreed: World, removed: str, right: str, together: bool
) -> None:
    if together:
        agreed.erp.put("price", price(2, "110.00"))
        also(agreed, "price", 5, price(2, "50.00"))
        sync(agreed)
    else:
        agreed.erp.put("price", price(2, "110.00"))
        sync(agreed)
        also(agreed, "price", 5, price(2, "50.00"))
        sync(agreed)
    del agreed.erp.of("price")[removed]
    replay(agreed)
    sync(agreed)
    sync(agreed)
    assert shown(agreed)[2] == right
    assert set_aside(agreed) == []


def test_two_that_a_person_replays_too_early_are_set_aside_again(agreed: World) -> None:
    also(agreed, "price", 5, price(2, "50.00"))
    sync(agreed)
    replay(agreed)
    sync(agreed)
    sync(agreed)
    assert agreed.shop.calls == []
    assert [entry.source for entry in set_aside(agreed)] == ["SKU-2|BASE"]


def test_the_same_record_twice_is_no_trouble(world: World) -> None:
    world.erp.put("product", *(product(n) for n in range(COUNT)))
    world.erp.put("price", *(price(n) for n in range(COUNT)))
    also(world, "price", 3, price(2))
    sync(world)
    assert set_aside(world) == []
    assert shown(world) == ["100.00"] * COUNT


def test_none_of_the_two_is_taken_for_gone(agreed: World) -> None:
    also(agreed, "stock", 5, stock(2, 7))
    sync(agreed)
    del agreed.erp.of("stock")["SKU-2|Основной"]
    del agreed.erp.of("stock")["SKU-8|Основной"]
    sync(agreed)
    sync(agreed)
    assert free(agreed) == [5] * 8 + [0] + [5] * 3
    replay(agreed)
    sync(agreed)
    sync(agreed)
    assert free(agreed) == [5, 5, 7, 5, 5, 5, 5, 5, 0, 5, 5, 5]


def test_when_both_are_removed_the_record_is_gone(agreed: World) -> None:
    also(agreed, "stock", 5, stock(2, 7))
    sync(agreed)
    del agreed.erp.of("stock")["another"]
    del agreed.erp.of("stock")["SKU-2|Основной"]
    sync(agreed)
    assert free(agreed) == [5] * COUNT
    replay(agreed)
    sync(agreed)
    sync(agreed)
    assert free(agreed) == [5, 5, 0, *[5] * 9]


def test_a_price_that_changes_while_others_move_is_not_taken_for_doubled(agreed: World) -> None:
    """Interrupted and shifted reads leave old fingerprints on no page; that alone is no sign of a double."""

    class Stop(BaseException):
        pass

    steps: list[str] = []

    def die(step: str) -> None:
        steps.append(step)
        if step == "read.committed":
            raise Stop

    held = dict(agreed.erp.of("price"))
    agreed.erp.records["price"] = {"new": price(COUNT), **held}
    agreed.erp.put("product", product(COUNT))
    agreed.sync("products")
    with pytest.raises(Stop):
        agreed.sync("prices", on_step=die)
    agreed.erp.put("price", *(price(n, "101.00") for n in range(COUNT)))
    agreed.missing = "ignore"
    agreed.sync("prices")
    assert set_aside(agreed) == []
    assert shown(agreed) == ["101.00"] * COUNT + ["100.00"]


@pytest.mark.parametrize("at", [0, 1])
def test_a_double_with_another_key_binds_nothing_anew(world: World, at: int) -> None:
    world.erp.put("product", {"id": "GUID-1", "sku": "A", "name": "Один"})
    world.sync("keyed")
    also(world, "product", at, {"id": "GUID-1", "sku": "B", "name": "Один"})
    world.sync("keyed")
    world.sync("keyed")
    with world.ledger.read() as tx:
        assert bindings.keys(tx, "erp", "product", ["GUID-1"]) == {"GUID-1": "A"}
    assert set(world.shop.of("product")) == {"A"}
    assert [entry.source for entry in set_aside(world)] == ["GUID-1"]
    del world.erp.of("product")["GUID-1"]
    replay(world)
    world.sync("keyed")
    world.sync("keyed")
    with world.ledger.read() as tx:
        assert bindings.keys(tx, "erp", "product", ["GUID-1"]) == {"GUID-1": "B"}
    assert set(world.shop.of("product")) == {"A", "B"}


def test_what_is_on_its_way_is_not_followed_by_a_double(agreed: World) -> None:
    agreed.shop.late = 3
    agreed.erp.put("product", {**product(2), "name": "Новое имя"})
    agreed.sync("products", patience=0.0)
    also(agreed, "product", 5, {**product(2), "name": "Чужое имя"})
    agreed.sync("products", patience=0.0)
    agreed.sync("products")
    assert agreed.shop.of("product")["SKU-2"]["name"] == "Новое имя"
    assert agreed.shop.calls == [("product", ["SKU-2"])]


class Telling(PeerConnector):
    """Tells only what changed, so one record may come again in the same read."""

    @reader("price", key=("id", "type"))
    def prices(self, _cursor: str | None) -> Iterator[Page]:
        """Read prices."""
        return self._pages("price")


def test_of_changes_the_first_is_taken_and_the_second_waits_for_a_person(agreed: World) -> None:
    flow = agreed.flow("prices", "price", "erp", "shop")
    flow = replace(flow, source=Telling("erp", agreed.erp, clock=agreed.clock), missing="ignore")
    agreed.erp.records["price"] = {"one": price(2, "110.00"), "two": price(2, "120.00")}
    run(agreed, flow)
    assert shown(agreed)[2] == "110.00"
    (entry,) = set_aside(agreed)
    assert entry.message == (
        "Two records of erp have the id SKU-2|BASE in one read. The first is taken. This one waits, and so does any "
        "later one, until it is replayed or dropped."
    )
    agreed.erp.records["price"] = {}
    replay(agreed)
    run(agreed, flow)
    assert shown(agreed)[2] == "120.00"
    assert set_aside(agreed) == []


def run(world: World, flow: Flow) -> None:
    Engine(world.ledger, [flow]).sync(patience=600.0)
