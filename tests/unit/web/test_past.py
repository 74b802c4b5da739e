"""The past on the page: what of it is not read yet, with what goes on with it; and what an old run changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from obmen.periods import Period
from obmen.state import backfills
from obmen.testing.clock import FakeClock
from runner.web import changes
from tests.unit.web import kit

FIRST, DAY = 1767214800.0, 86400.0
"""Midnight of the first of January 2026 in Moscow."""


def test_a_backfill_that_is_not_finished_is_shown_with_the_command_that_goes_on(
    site: kit.Site, clock: FakeClock
) -> None:
    oleg = site.logged_in("oleg")
    title = "The past that is not read yet"
    assert title not in oleg.get("/").text
    with site.ledger.write() as tx:
        backfills.ask(tx, "orders", Period(FIRST, FIRST + 4 * DAY))
    clock.advance(3 * 3600)
    with site.ledger.write() as tx:
        backfills.finish(tx, "orders", Period(FIRST, FIRST + DAY), {})
    for path in ("/", "/flows/orders"):
        page = oleg.get(path).text
        assert title in page
        assert "25 % of the time asked for is read" in page
        assert "left: 2026-01-02 – 2026-01-05." in page
        assert "<code>obmen backfill orders --resume</code>" in page
        assert "3 h ago" in page
    assert title not in oleg.get("/flows/prices").text
    with site.ledger.write() as tx:
        backfills.finish(tx, "orders", Period(FIRST + DAY, FIRST + 4 * DAY), {})
    assert title not in oleg.get("/").text


def test_what_a_run_changed_is_found_without_looking_at_all_else(site: kit.Site) -> None:
    kit.confirm(site.ledger, *(f"A-{number}" for number in range(500)), run=1)
    kit.confirm(site.ledger, "B-1", run=2)
    plans = []
    with site.ledger.read() as tx:
        raw = tx.connection.connection.driver_connection
        assert raw is not None

        def explained(_conn: object, cursor: Any, statement: str, parameters: Any, *_more: object) -> None:
            if "FROM agreed" in statement:
                plans.append(" ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)))

        sa.event.listen(tx.connection, "before_cursor_execute", explained)
        flow = site.view.project.flows["prices"]
        assert [one.key for one in changes.confirmed(tx, flow, 2, personal=True)] == ["B-1|base"]
    assert plans == ["SEARCH agreed USING INDEX agreed_by_run (connection=? AND entity=? AND run=?)"]
