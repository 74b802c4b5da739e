"""What works in the background: a plan and a check of a connection, one of a kind, under a limit of time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from obmen.errors import Denied
from obmen.project import load_project
from obmen.state import Ledger, deeds, outbox, runs
from obmen.testing.clock import FakeClock
from runner.web.jobs import Jobs, Watch
from tests.unit.cli.kit import FLOWS, Place, Shelf, ShelfSandbox, fill, price
from tests.unit.web import kit
from tests.unit.web.test_pages import ran
from tests.unit.web.test_stop_and_undo import wrote

SYSTEMS = {"shelf": Shelf}


@pytest.fixture
def shelves() -> Iterator[tuple[ShelfSandbox, ShelfSandbox]]:
    with ShelfSandbox() as erp, ShelfSandbox() as shop:
        fill(erp, 3)
        yield erp, shop


@pytest.fixture
def site(shelves: tuple[ShelfSandbox, ShelfSandbox], tmp_path: Path) -> Iterator[kit.Site]:
    erp, shop = shelves
    file = Place(tmp_path, tmp_path).project(erp.url, shop.url, flows=FLOWS)
    loaded = load_project(file, connectors=SYSTEMS)
    page = loaded.service.page.model_copy(update={"users": kit.USERS})
    project = replace(loaded, service=loaded.service.model_copy(update={"page": page}))
    ledger = Ledger(f"sqlite:///{tmp_path}/page.db")
    made = kit.Site(kit.Look(project, ledger))
    yield made
    made.app.state.jobs.stop()
    for client in made.clients:
        client.close()
    ledger.close()


def ended(jobs: Jobs, kind: str, about: str) -> None:
    """Wait until work has ended."""
    running = jobs._running.get(kind)
    if running is not None:
        running[0].join(30)
    found = jobs.last(kind, about)
    assert found is not None
    assert found.state != "running"


def test_a_plan_shows_each_field_and_writes_nothing(site: kit.Site, shelves: tuple[ShelfSandbox, ShelfSandbox]) -> None:
    erp, shop = shelves
    erp.put("price", price(2, "175.00"))
    anna = site.logged_in("anna")
    assert "There is no plan" in anna.get("/flows/prices/plan").text
    assert anna.send("/flows/prices/plan").headers["location"] == "/flows/prices/plan"
    ended(site.app.state.jobs, "plan", "prices")
    page = anna.get("/flows/prices/plan").text
    assert "3 changes" in page
    assert "A-2 · base" in page
    assert "175</ins>" in page
    assert "data-every" not in page, "there is nothing more to wait for"
    with site.ledger.read() as tx:
        assert outbox.counts(tx, "prices") == {}
        assert deeds.recent(tx, 1)[0].what == "plan"
    assert not any(exchange for exchange in shop.state().get("price", []))


def test_a_run_is_taken_back_after_a_look_at_the_counts(site: kit.Site) -> None:
    number = ran(site)
    wrote(site, number, "A-1", "100", "10")
    wrote(site, number, "A-2", "100", "10")
    kit.confirm(site.ledger, "A-1", amount="10", run=number)
    kit.confirm(site.ledger, "A-2", amount="12", run=number + 1)
    browser = site.logged_in("anna")
    page = browser.get(f"/runs/{number}/undo").text
    assert "back to what it was" in page
    assert "left alone: it has changed since" in page
    assert browser.send(f"/runs/{number}/undo", {}).status_code == 400
    answer = browser.send(f"/runs/{number}/undo", {"reason": "wrong list"})
    assert answer.headers["location"] == f"/runs/{number}?said=undoing"
    ended(site.app.state.jobs, "undo", str(number))
    assert "Taken back" in browser.get(f"/runs/{number}").text
    with site.ledger.read() as tx:
        (row,) = outbox.listing(tx, "prices", "shop", "price")
        by = runs.get(tx, row.run)
        (deed,) = (one for one in deeds.recent(tx, 5) if one.what == "undo")
    assert (row.key, row.state, row.cause, row.canonical) == (
        "A-1|base", "pending", f"undo:{number}", kit.price("A-1", "100"),
    )  # fmt: skip
    assert by is not None
    assert (by.kind, by.message) == ("undo", f"undoes run {number}: wrong list")
    assert (deed.who, deed.about, deed.reason) == ("anna", f"prices: {number}", "wrong list")


def test_a_plan_that_cannot_be_made_says_why(site: kit.Site, shelves: tuple[ShelfSandbox, ShelfSandbox]) -> None:
    shelves[0].stop()
    anna = site.logged_in("anna")
    anna.send("/flows/prices/plan")
    ended(site.app.state.jobs, "plan", "prices")
    page = anna.get("/flows/prices/plan").text
    assert "would be set aside" in page or "could not be made" in page
    assert "erp" in page


def test_a_check_is_kept_and_read_again_without_a_call(
    site: kit.Site, shelves: tuple[ShelfSandbox, ShelfSandbox]
) -> None:
    anna = site.logged_in("anna")
    assert "Not checked from here yet" in anna.get("/connections").text
    assert anna.send("/connections/erp/check").status_code == 303
    ended(site.app.state.jobs, "check", "erp")
    address = shelves[0].url
    for sandbox in shelves:
        sandbox.stop()
    page = anna.get("/connections").text
    assert "Checked by anna" in page
    assert address in page
    assert anna.send("/connections/nothing/check").status_code == 404


def test_a_check_that_is_refused_is_a_problem(site: kit.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_self: object, _usage: object) -> None:
        raise Denied("shop: the key shelf-key-0001 ended yesterday. Make a new one.")

    monkeypatch.setattr(Shelf, "check_usage", denied)
    anna = site.logged_in("anna")
    anna.send("/connections/shop/check")
    ended(site.app.state.jobs, "check", "shop")
    page = anna.get("/connections").text
    assert "a problem" in page
    assert "ended yesterday" in page
    assert kit.PASSWORD not in page
    assert "shelf-key-0001" not in page


def test_one_of_a_kind_at_a_time(clock: FakeClock) -> None:
    jobs, free = Jobs(clock), threading.Event()
    assert jobs.begin("plan", "a", "anna", 60, lambda _: free.wait(30))
    assert not jobs.begin("plan", "b", "anna", 60, lambda _: None)
    assert jobs.begin("check", "b", "anna", 60, lambda _: None)
    free.set()
    ended(jobs, "plan", "a")
    assert jobs.begin("plan", "b", "anna", 60, lambda _: 7)
    ended(jobs, "plan", "b")
    assert jobs.last("plan", "b").result == 7  # type: ignore[union-attr]  # it was begun above


@pytest.mark.parametrize("end", ["late", "stopped"])
def test_work_ends_when_its_time_is_over_or_it_is_stopped(clock: FakeClock, end: str) -> None:
    jobs, begun, free = Jobs(clock), threading.Event(), threading.Event()

    def work(watch: Watch) -> None:
        watch.progress(1)
        begun.set()
        free.wait(30)
        watch.progress(2)

    jobs.begin("plan", "a", "anna", 60, work)
    begun.wait(30)
    if end == "late":
        clock.advance(61)
    else:
        jobs.stop(0)
    free.set()
    ended(jobs, "plan", "a")
    job = jobs.last("plan", "a")
    assert job is not None
    assert (job.state, job.done) == ("failed", 2)
    assert "longer" in job.error


def test_a_bug_in_the_work_is_told_without_its_inside(clock: FakeClock) -> None:
    jobs = Jobs(clock)
    fail: Callable[[Watch], None] = lambda _: {}["secret"]  # noqa: E731 - it is as short as that
    jobs.begin("plan", "a", "anna", 60, fail)
    ended(jobs, "plan", "a")
    job = jobs.last("plan", "a")
    assert job is not None
    assert "bug" in job.error
    assert "secret" not in job.error
