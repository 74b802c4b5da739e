"""A record that came in words nobody understands is asked for again, for its source may not tell of it twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from obmen.errors import InDoubt, ObmenError, Refused, Unavailable
from obmen.records import Native
from obmen.state import quarantine
from obmen.state.quarantine import Entry
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, price, product

WRONG = price(2, "90 рублей")


@pytest.fixture
def telling(world: World) -> World:
    """A world that agrees, whose source tells what changes, and once told wrongly of a price."""
    world.erp.tells = True
    world.erp.put("product", *(product(n) for n in range(6)))
    world.erp.put("price", *(price(n) for n in range(6)))
    _later(world)
    world.erp.put("price", WRONG)
    _later(world)
    world.erp.calls.clear()
    return world


def _later(world: World, seconds: float = 60) -> None:
    world.clock.advance(seconds)
    for report in world.sync("products", "prices"):
        assert not report.trouble


def _aside(world: World) -> list[Entry]:
    with world.ledger.read() as tx:
        return quarantine.entries(tx)


def _asked(world: World) -> int:
    return len([call for call in world.erp.calls if call[0] == "look price"])


def test_what_is_right_by_then_goes_on_though_the_source_tells_nothing(telling: World) -> None:
    assert [entry.source for entry in _aside(telling)] == ["SKU-2|BASE"]
    telling.erp.of("price")["SKU-2|BASE"] = price(2, "90.00")
    _later(telling)
    assert telling.shop.of("price")["SKU-2|BASE"]["amount"] == "90.00"
    assert _aside(telling) == []


def test_what_is_wrong_still_is_asked_for_ever_more_rarely_and_stays_the_entry_that_it_was(telling: World) -> None:
    before = _aside(telling)
    for _ in range(64):
        _later(telling)
    assert _aside(telling) == before
    assert _asked(telling) == 7


def test_what_is_there_no_longer_is_left_to_a_person(telling: World) -> None:
    before = _aside(telling)
    del telling.erp.of("price")["SKU-2|BASE"]
    _later(telling)
    assert _aside(telling) == before


@pytest.mark.parametrize("error", [Refused("No such price.", code="bad"), Unavailable("Down."), InDoubt("Lost.")])
def test_what_cannot_be_asked_for_keeps_what_it_came_as_and_stops_nothing(
    telling: World, monkeypatch: pytest.MonkeyPatch, error: ObmenError
) -> None:
    before = _aside(telling)
    whole = PeerConnector.look_at_prices

    def failing(self: PeerConnector, ids: Sequence[str]) -> Iterator[Native]:
        if "SKU-2|BASE" in ids:
            raise error
        return whole(self, ids)

    monkeypatch.setattr(PeerConnector, "look_at_prices", failing)
    telling.erp.put("price", price(3, "80.00"))
    _later(telling)
    assert _aside(telling) == before
    assert telling.shop.of("price")["SKU-3|BASE"]["amount"] == "80.00"
