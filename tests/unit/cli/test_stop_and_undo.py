"""pause, resume, undo and history on two shelves, in the words that people type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from obmen.project import load_project
from obmen.state import Ledger, deeds, wishes
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import Place, ShelfSandbox, fill, price


@pytest.fixture
def agreed(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    """Five goods on both shelves."""
    fill(erp)
    place.project(erp.url, shop.url)
    assert cli("sync").code == 0
    shop.writes.clear()
    return place


@pytest.fixture
def reprice(erp: ShelfSandbox) -> Callable[[str], None]:
    def to(amount: str) -> None:
        for number in range(1, 6):
            erp.put("price", price(number, amount))

    return to


def done_by_hand(place: Place) -> list[tuple[str, str, str]]:
    ledger = Ledger(load_project(place.folder).state_url)
    with ledger.read() as tx:
        found = [(one.what, one.about, one.reason) for one in deeds.recent(tx, 10)]
    ledger.close()
    return found[::-1]


def test_a_pause_is_told_everywhere_and_is_no_error(
    agreed: Place, cli: Cli, shop: ShelfSandbox, reprice: Callable[[str], None]
) -> None:
    ran = cli("pause", "shop", "prices", "--reason", "a slip")
    assert (ran.code, "shop price is paused" in ran.out, "obmen resume shop price" in ran.out) == (0, True, True)
    reprice("110.00")
    ran = cli("sync")
    assert (ran.code, shop.writes) == (0, [])
    assert "paused by a person" in ran.out
    assert "shop price was paused by" in ran.out
    assert ": a slip. To go on: obmen resume shop price" in ran.out
    status = cli("status")
    assert "a slip. To go on: obmen resume shop price (since" in status.out
    data = cli("status", "--json").data
    assert [(one["connection"], one["entity"], one["direction"]) for one in data["paused"]] == [("shop", "price", None)]
    assert {one["flow"]: one["paused"] for one in data["flows"]} == {
        "products": [], "prices": ["shop price"], "stock": [],
    }  # fmt: skip
    planned = cli("plan", "prices")
    assert "prices: shop price was paused by" in planned.out
    assert planned.code == 0
    ran = cli("resume", "shop")
    assert (ran.code, ran.out) == (0, "shop price goes on.\n")
    assert "5 records written." in cli("sync").out
    assert done_by_hand(agreed) == [("pause", "shop price", "a slip"), ("resume", "shop price", "")]


def test_what_was_not_read_is_wanted_when_it_goes_on(agreed: Place, cli: Cli, erp: ShelfSandbox) -> None:
    cli("pause", "erp", "stock", "read", "--reason", "inventory")
    erp.records["stock"] = {}
    assert cli("sync", "stock").code == 0
    assert cli("reconcile", "stock").code == 3
    cli("resume", "erp", "stock")
    ledger = Ledger(load_project(agreed.folder).state_url)
    with ledger.read() as tx:
        assert [one.flow for one in wishes.waiting(tx)] == ["stock"]
    ledger.close()


@pytest.fixture
def idle(place: Place) -> Place:
    """A project that has never run, whose systems nobody needs."""
    place.project("http://127.0.0.1:1/erp", "http://127.0.0.1:1/shop")
    return place


def test_what_is_mistyped_is_told_with_what_was_meant(idle: Place, cli: Cli) -> None:
    cases = {
        "pause shopp --reason x": "There is no connection 'shopp'. Did you mean 'shop'?",
        "pause prices --reason x": "'prices' is no connection. Say first whose: obmen pause shop price",
        "resume цены": "'цены' is no connection. Say first whose: obmen resume shop price",
        "pause shop pricess --reason x": "There is no entity 'pricess'. Did you mean 'prices'?",
        "pause shop prices wrte --reason x": "There is no direction 'wrte'. Did you mean 'write'?",
        "pause shop": "A reason is asked for",
        "resume shop": "'shop' is not paused.",
        "undo 99": "There is no run 99",
        "history shop pricess A-1": "There is no entity 'pricess'. Did you mean 'prices'?",
    }
    for words, said in cases.items():
        ran = cli(*words.split())
        assert (ran.code, said in ran.err) == (2, True), ran.err


def test_things_are_called_as_people_call_them(idle: Place, cli: Cli) -> None:
    cases = {
        "shop prices": "shop price",
        "shop Цены writing": "shop price write",
        "shop stock": "shop stock",
        "shop write": "shop write",
        "erp goods read": "erp product read",
        "erp": "erp",
    }
    for words, about in cases.items():
        assert f"obmen resume {about}\n" in cli("pause", *words.split(), "--reason", "x").out
        assert cli("resume", *about.split()).code == 0


def test_what_is_paused_with_more_is_resumed_with_more(idle: Place, cli: Cli) -> None:
    cli("pause", "shop", "--reason", "x")
    ran = cli("resume", "shop", "prices")
    assert (ran.code, "with more: obmen resume shop" in ran.err) == (2, True)


@pytest.mark.field("D9")
def test_undo_takes_back_what_a_run_wrote_and_history_tells_it(
    agreed: Place, cli: Cli, shop: ShelfSandbox, erp: ShelfSandbox, reprice: Callable[[str], None]
) -> None:
    reprice("110.00")
    cli("sync", "prices")
    run = str(cli("history", "shop", "prices", "A-1", "--json").data["written"][0]["run"])
    erp.put("price", price(2, "120.00"))
    cli("sync", "prices")
    shop.writes.clear()
    dry = cli("undo", run, "--dry-run")
    assert (dry.code, shop.writes) == (3, [])
    assert "4 records back to what they were" in dry.out
    assert "it has changed since" in dry.out
    assert f"Nothing was written. To do it: obmen undo {run}" in dry.out
    ran = cli("undo", run, "--json", "--reason", "a slip")
    assert (ran.code, ran.data["summary"]["back"], ran.data["summary"]["left"]) == (3, 4, 1)
    assert [(one["key"], one["fields"]) for one in ran.data["records"] if one["verdict"] == "changed"] == [
        ("A-2|base", {"amount": ["120", "110"]})
    ]
    amounts = sorted(str(one["amount"]) for one in shop.records["price"].values())
    assert amounts == ["100.00"] * 4 + ["120.00"]
    told = cli("history", "shop", "prices", "A-1", "--json").data["written"]
    assert [(one["fields"]["amount"], one["because"]) for one in told] == [
        (["110", "100"], f"run {run} was undone"),
        (["100", "110"], "its source changed"),
        ([None, "100"], "its source changed"),
    ]
    assert f"run {run} was undone" in cli("history", "shop", "prices", "A-1").out
    assert done_by_hand(agreed) == [("undo", f"prices: {run}", "a slip")]
    assert "obmen pause erp price read" in dry.out
    assert "Nothing is known" in cli("history", "shop", "prices", "A-9").out
