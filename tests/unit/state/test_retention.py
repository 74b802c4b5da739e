"""What is old and decides nothing is forgotten; whatever decides anything stays, at any age."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from obmen.errors import Busy
from obmen.state import Ledger, alerts, deeds, quarantine, retention, runs, stops, tables, written
from obmen.state.alerts import Alert
from obmen.state.quarantine import Problem
from obmen.testing.clock import FakeClock

DAY = 86400.0


@pytest.fixture
def ledger(state_url: str) -> Iterator[Ledger]:
    opened = Ledger(state_url, clock=FakeClock())
    yield opened
    opened.close()


def happen(ledger: Ledger, name: str, *, over: bool = True) -> None:
    """Let a run write and end, an entry be closed, a trouble be over and a person do something, all of today."""
    with ledger.write() as tx:
        run = runs.begin(tx, "prices", "sync", name)
        quarantine.add(tx, "prices", "shop", "price", [Problem("deliver", "bad", name, key=name)], run)
        alerts.save(tx, [Alert(name, "rule", name, "warning", name, tx.now, over_at=tx.now if over else None)])
        deeds.note(tx, "anna", "run", name)
        stops.put(tx, "shop", name, "write", "anna", "until I say so")
        row = {"run": run, "flow": "prices", "connection": "shop", "entity": "price", "key": name, "op": "put"}
        written.add(tx, [{**row, "before": None, "after": b"{}", "cause": ""}])
        if over:
            runs.end(tx, run, "done", {})
            quarantine.close(tx, "prices", stage="deliver", connection="shop", keys=[name])
        values = {"connection": "shop", "entity": "payout", "key": name, "canonical": b"{}", "read_at": tx.now}
        tx.run(sa.insert(tables.fact).values(values))


def left(ledger: Ledger) -> dict[str, list[str]]:
    columns = (
        tables.run.c.message,
        tables.quarantine.c.key,
        tables.alert.c.name,
        tables.deed.c.about,
        tables.fact.c.key,
        tables.written.c.key,
        tables.pause.c.entity,
    )
    with ledger.read() as tx:
        return {column.table.name: sorted(row[0] for row in tx.rows(sa.select(column))) for column in columns}


def test_only_what_is_old_and_over_is_forgotten(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    clock = ledger.clock
    assert isinstance(clock, FakeClock)
    for number in range(3):
        happen(ledger, f"old-{number}")
    happen(ledger, "open", over=False)
    clock.advance(60 * DAY)
    happen(ledger, "young")
    clock.advance(40 * DAY)
    assert retention.sweep(ledger, 90 * DAY) == {"runs": 3, "quarantine": 3, "deeds": 0, "alerts": 3, "written": 4}
    every = ["old-0", "old-1", "old-2", "open", "young"]
    kept = {name: ["open", "young"] for name in ("run", "quarantine", "alert")}
    assert left(ledger) == {**kept, "written": ["young"], "deed": every, "fact": every, "pause": every}
    assert retention.sweep(ledger, 90 * DAY).total() == 0
    clock.advance(300 * DAY)
    assert retention.sweep(ledger, 90 * DAY) == {"runs": 1, "quarantine": 1, "deeds": 4, "alerts": 1, "written": 1}
    assert left(ledger)["fact"] == every


def test_a_file_that_is_mostly_free_is_written_anew_when_nobody_works(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        assert retention.size(ledger) is None
        return
    with ledger.write() as tx:
        for number in range(200):
            tx.run(sa.insert(tables.memory).values(connection="shop", name=str(number), value=bytes(10_000)))
    full = retention.size(ledger)
    assert full is not None
    assert not full.worth_compacting
    with ledger.write() as tx:
        tx.run(sa.delete(tables.memory).where(tables.memory.c.name != "7"))
    before = retention.size(ledger)
    assert before is not None
    assert before.worth_compacting
    with ledger.lease("prices"), pytest.raises(Busy, match="'prices' is being run"):
        retention.compact(ledger)
    assert retention.size(ledger) == before
    retention.compact(ledger)
    after = retention.size(ledger)
    assert after is not None
    assert after.total < before.total / 5
    assert after.free == 0
    with ledger.read() as tx:
        assert tx.rows(sa.select(tables.memory.c.name)) == [("7",)]
