"""How far the reading of the past is, counted from when it was asked for."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from obmen.periods import Period
from obmen.state import Ledger, backfills, tables
from obmen.state.backfills import Unfinished
from obmen.testing.clock import FakeClock

DAY = 86400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def days(first: int, end: int) -> Period:
    return Period(first * DAY, end * DAY)


def test_how_far_it_is(state_url: str, clock: FakeClock) -> None:
    ledger = Ledger(state_url, clock=clock)
    began = clock.now().timestamp()

    def left() -> Unfinished | None:
        with ledger.read() as tx:
            return backfills.unfinished(tx).get("orders")

    with ledger.write() as tx:
        backfills.finish(tx, "orders", days(0, 4), {"read": 9})
        assert backfills.unfinished(tx) == {}, "what is read is not told of"
        backfills.ask(tx, "orders", days(2, 6))
    assert left() == Unfinished(began, began, [days(4, 6)], 2 * DAY)
    clock.advance(3600)
    with ledger.write() as tx:
        backfills.finish(tx, "orders", days(4, 5), {})
        backfills.ask(tx, "orders", days(7, 9))
    assert left() == Unfinished(began, began + 3600, [days(5, 6), days(7, 9)], 4 * DAY)
    with ledger.write() as tx:
        backfills.drop(tx, "orders", days(5, 6))
    now = left()
    assert now is not None
    assert now.since == began
    assert now.share == pytest.approx(1 / 3)
    with ledger.write() as tx:
        backfills.finish(tx, "orders", days(7, 9), {})
        assert backfills.periods(tx, "orders", "whole") == []
    assert left() is None
    clock.advance(3600)
    with ledger.write() as tx:
        backfills.ask(tx, "orders", days(0, 1), again=True)
    now = left()
    assert now is not None
    assert (now.since, now.share) == (began + 7200, 0.0), "it counts from the new one"
    ledger.close()


def test_what_an_older_version_asked_for_is_told_of_and_counts_on(state_url: str, clock: FakeClock) -> None:
    ledger = Ledger(state_url, clock=clock)
    began = clock.now().timestamp()
    with ledger.write() as tx:
        backfills.ask(tx, "orders", days(0, 3))
        tx.run(sa.delete(tables.backfill).where(tables.backfill.c.state == "whole"))
        assert backfills.unfinished(tx) == {"orders": Unfinished(began, began, [days(0, 3)])}
        backfills.ask(tx, "orders", days(3, 4))
        backfills.finish(tx, "orders", days(0, 1), {})
        assert backfills.unfinished(tx)["orders"].share == 0.25
    ledger.close()
