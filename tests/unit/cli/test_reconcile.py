"""``obmen reconcile`` on two shelves: drift is named by field, and repaired with just that many writes."""

from __future__ import annotations

import pytest

from obmen.testing.clock import FakeClock
from tests.clocked import rule
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import Place, ShelfSandbox, fill, price


@pytest.fixture
def agreed(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    fill(erp)
    place.project(erp.url, shop.url)
    assert cli("sync").code == 0
    shop.writes.clear()
    return place


def test_no_drift_is_said_and_ends_with_nothing_to_do(agreed: Place, cli: Cli) -> None:
    ran = cli("reconcile", "prices")
    assert ran.code == 0
    assert "No drift: 5 records as confirmed." in ran.out
    data = cli("reconcile", "prices", "--json").data
    assert (data["drift"], data["summary"]["targets"][0]["drift"]) == ([], 0)


def test_drift_is_named_and_repaired(agreed: Place, cli: Cli, shop: ShelfSandbox) -> None:
    shop.put("price", price(2, "90.00"), price(4, "95.00"))
    ran = cli("reconcile", "prices")
    assert ran.code == 3
    assert "2 of 5 drifted: amount 2" in ran.out
    assert "obmen reconcile prices --repair" in ran.out
    data = cli("reconcile", "prices", "--json").data
    assert [(one["key"], one["fields"]) for one in data["drift"]] == [
        ("A-2|base", {"amount": ["90", "100"]}),
        ("A-4|base", {"amount": ["95", "100"]}),
    ]
    assert shop.writes == []
    ran = cli("reconcile", "prices", "--repair")
    assert (ran.code, [entity for entity, _ in shop.writes]) == (0, ["price"])
    assert "2 records written." in ran.out
    assert all(cli("reconcile", flow).code == 0 for flow in ("prices", "products"))
    assert [entity for entity, _ in shop.writes] == ["price"]


def test_what_goes_by_other_keys_there_is_not_taken_for_missing(agreed: Place, cli: Cli, shop: ShelfSandbox) -> None:
    """This shelf reads a place back by its own word for it."""
    ran = cli("reconcile", "stock", "--repair")
    assert ran.code == 0
    assert "5 records were not met there, which says nothing" in ran.out
    assert shop.writes == []


def test_a_mistake_is_told(agreed: Place, cli: Cli) -> None:
    ran = cli("reconcile", "price")
    assert ran.code == 2
    assert "There is no flow 'price'. Did you mean 'prices'?" in ran.err


def test_only_what_was_written_lately_is_asked_back_and_looking_alone_keeps_nothing(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    rule(clock, monkeypatch)
    fill(erp)
    place.project(erp.url, shop.url)
    assert cli("sync").code == 0
    shop.put("price", price(2, "90.00"))
    shop.writes.clear()
    assert "No drift: 0 records" in cli("reconcile", "prices", "--written").out  # it has not settled
    clock.advance(301)
    for _ in range(2):
        ran = cli("reconcile", "prices", "--written")
        assert (ran.code, "1 of 5 drifted: amount 1" in ran.out) == (3, True)
        assert "obmen reconcile prices --written --repair" in ran.out
    assert "Drifted" not in cli("status").out
    ran = cli("reconcile", "prices", "--written", "--repair")
    assert (ran.code, [entity for entity, _ in shop.writes]) == (0, ["price"])
    status = cli("status", "--json").data
    (found,) = [one["compared"]["shop"] for one in status["flows"] if one["flow"] == "prices"]
    assert (found["drift"], found["drifted"]) == (1, 1)
    assert "Drifted" in cli("status").out
    clock.advance(301)
    data = cli("reconcile", "prices", "--written", "--repair", "--json").data
    assert (data["drift"], data["summary"]["targets"][0]["counts"]["same"]) == ([], 1)
    (found,) = [one["compared"] for one in cli("status", "--json").data["flows"] if one["flow"] == "prices"]
    assert found["shop"]["drift"] == 0


def test_what_cannot_be_asked_by_id_is_said(agreed: Place, cli: Cli) -> None:
    ran = cli("reconcile", "stock", "--written")
    assert ran.code == 2
    assert "No target of the flow 'stock' can be asked by id" in ran.err
