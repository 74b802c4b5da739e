"""A day of a shop by a clock that runs as fast as it is asked: restarts, troubles, a clock that is set, and agreement.

In the usual test run it has seven hours, and one base of 1C that sells in three marketplaces: 12 flows. OBMEN_DAY=1
makes it a whole day of five bases in fifteen cabinets: 20 connections, 60 flows. The service is the one of
``obmen run``: its own loop, its schedule, its eye on the project's files and on the clock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.onec.sandbox import OneCSandbox
from obmen.state import runs
from obmen.state.ledger import LEASE_SECONDS
from runner import logging
from tests.e2e.town import SCHEDULES, TICK, Town, lasting

WHOLE = "OBMEN_DAY" in os.environ
BASES, GOODS, ORDERS = (5, 6, 60) if WHOLE else (1, 5, 8)
PART, DOWN, REST = (3.0, 2.0, 6.5) if WHOLE else (0.55, 0.55, 0.55)
"""Hours."""
JUMP = 5400.0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    logging.configure(logging.TELLING)
    made = Town(tmp_path, BASES, GOODS)
    yield made
    made.close()


@pytest.mark.timeout(7200)
def test_a_day_with_all_that_can_happen_ends_in_agreement(town: Town) -> None:
    cabinets = [sandbox for sandbox in town.sandboxes() if not isinstance(sandbox, OneCSandbox)]
    with town.faults(cabinets, lasting("status", 0.2, status=429, retry_after="20")):
        town.pass_time(PART)
    town.pass_time(PART)
    for base in town.bases:
        assert all(cabinet.cards() == set(base.goods) for cabinet in base.cabinets.values())
    town.busy_hours(PART, ORDERS // 2)
    the_machine_is_off_for_two_hours(town)
    a_system_is_down_and_the_service_is_killed(town)
    for base in town.bases:
        base.pack()
    the_clock_is_set_forth_and_back(town)
    the_project_is_changed(town)
    town.pass_time(REST)
    assert town.set_aside() == []
    for base in town.bases:
        base.compare()
    with town.ledger.read() as tx:
        last = {runs.last(tx, flow, "sync").status for flow in town.flows}  # type: ignore[union-attr]  # each has run
    assert last == {"done"}
    the_page_tells_it(town)


def the_machine_is_off_for_two_hours(town: Town) -> None:
    """Each flow has missed some of its runs: one makes up for all."""
    before = town.ran()
    town.stop()
    town.busy_hours(2, 2)
    town.start()
    town.turn()
    town.turn()
    assert since(town, before) == dict.fromkeys(before, 1)


def a_system_is_down_and_the_service_is_killed(town: Town) -> None:
    """Killed in the midst of its work; what it held is free once its time is over, for nobody else can know of it."""
    cabinet = next(iter(town.bases[0].cabinets.values()))
    with town.faults([cabinet.sandbox], lasting("drop", 1.0)):
        town.busy_hours(DOWN, ORDERS // 4)
        assert "Its connection is paused" in town.browser().get("/").text
        town.kill(tasks=2)
    assert LEASE_SECONDS / 2 <= town.start_elsewhere() <= LEASE_SECONDS + TICK


def the_clock_is_set_forth_and_back(town: Town) -> None:
    """What goes by the calendar is made up for once, and not put off; what runs so often goes on as it did."""
    town.pass_time(0.05)
    before = town.ran()
    town.set_clock(JUMP)
    town.pass_time(0.05)
    ran = since(town, before)
    assert {ran[flow] for flow in ran if flow.startswith("goods")} == {1}, "made up for"
    assert max(ran.values()) == 1
    town.busy_hours(PART, ORDERS // 4)
    before = town.ran()
    town.set_clock(-JUMP)
    town.pass_time(1)
    ran = since(town, before)
    assert {ran[flow] for flow in ran if flow.startswith("goods")} == {1}, "not put off"
    assert all(5 <= ran[flow] <= 7 for flow in ran if flow.startswith(("orders", "stock"))), ran


def the_project_is_changed(town: Town) -> None:
    """First wrongly, which is refused whole; then the service takes it up by itself, without a new start."""
    service, running, before = town.driven.service, town.driven.plant, town.ran()
    town.write({**SCHEDULES, "stock": {"every": "5m"}, "price": {"evry": "5m"}})
    town.pass_time(0.25)
    assert town.driven.plant is running
    page = town.browser().get("/").text
    assert "The changed project is wrong; the one before goes on." in page
    assert "Did you mean &#39;every&#39;?" in page
    assert all(1 <= count <= 2 for flow, count in since(town, before).items() if flow.startswith("stock")), "as before"
    town.write({**SCHEDULES, "stock": {"every": "5m"}})
    town.turn()
    taken_up, before = town.driven.plant, town.ran()
    assert taken_up is not running
    assert "The changed project is wrong" not in town.browser().get("/").text
    town.pass_time(0.25)
    assert all(3 <= count <= 4 for flow, count in since(town, before).items() if flow.startswith("stock"))
    assert town.driven.plant is taken_up
    service.reload()
    town.turn()
    assert town.driven.plant is not taken_up, "whoever asks for it has it read anew, changed or not"


def since(town: Town, before: dict[str, int]) -> dict[str, int]:
    return {flow: count - before[flow] for flow, count in town.ran().items()}


def the_page_tells_it(town: Town) -> None:
    """Now all is well, and who asks for the flow of the system that was down sees when it was, and why."""
    browser = town.browser()
    overview = browser.get("/").text
    assert all(flow in overview for flow in town.flows)
    assert overview.count("In agreement") == len(town.flows), "nothing is left to send, nor waits"
    assert "The last run failed" not in overview
    down = next(iter(town.bases[0].cabinets))
    with town.ledger.read() as tx:
        about = [runs.recent(tx, flow, 10_000, "sync") for flow in town.flows if down in flow]
    failed = [run for of_flow in about for run in of_flow if run.status == "failed"]
    assert failed
    assert any("the answer was lost" in browser.get(f"/runs/{run.id}").text for run in failed)
