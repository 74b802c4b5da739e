"""The quarantine's queries on both databases: causes are counted without a payload, and no entry hides another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from obmen.errors import LATE_CANCEL
from obmen.state import Ledger, quarantine
from obmen.state.quarantine import Problem
from obmen.testing.clock import FakeClock

PAYLOAD = b'{"name": "Rug"}'


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(state_url: str, clock: FakeClock) -> Iterator[Ledger]:
    opened = Ledger(state_url, clock=clock)
    yield opened
    opened.close()


def refused(number: int, code: str = "too_dear", **more: str) -> Problem:
    message = f"nobody pays that for {number}"
    return Problem("deliver", code, message, key=f"SKU-{number}", canonical=PAYLOAD, raw=PAYLOAD, **more)


def add(ledger: Ledger, *problems: Problem, flow: str = "prices", connection: str = "shop") -> None:
    with ledger.write() as tx:
        quarantine.add(tx, flow, connection, "price", problems, run=1)


@contextmanager
def watched(ledger: Ledger) -> Iterator[list[str]]:
    """Gather the statements that the block sends."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(ledger.engine, "before_cursor_execute", note)


def reads_a_payload(statements: list[str]) -> bool:
    return any(f".{column}" in statement for statement in statements for column in ("raw", "canonical"))


def test_causes_are_counted_by_the_database_and_no_payload_is_read(ledger: Ledger, clock: FakeClock) -> None:
    began = clock.now().timestamp()
    add(ledger, *(refused(number) for number in range(2000)))
    clock.advance(60)
    add(ledger, refused(5000), refused(5001, "no_price"), refused(5002, state="due"))
    add(ledger, refused(1), flow="stock")
    with watched(ledger) as statements, ledger.read() as tx:
        found = quarantine.groups(tx)
    assert len([statement for statement in statements if "quarantine" in statement]) == 1
    assert not reads_a_payload(statements)
    assert [(one.flow, one.code, one.state, one.count) for one in found] == [
        ("prices", "too_dear", "open", 2001),
        ("prices", "no_price", "open", 1),
        ("prices", "too_dear", "due", 1),
        ("stock", "too_dear", "open", 1),
    ]
    most = found[0]
    assert (most.connection, most.entity, most.stage) == ("shop", "price", "deliver")
    assert (most.first_at, most.last_at) == (began, began + 60)
    assert (most.key, most.source, most.message) == ("SKU-5000", "", "nobody pays that for 5000")
    with ledger.read() as tx:
        newest = quarantine.get(tx, most.id)
    assert newest is not None
    assert newest.key == most.key


def test_causes_may_be_asked_for_one_flow_or_one_code(ledger: Ledger) -> None:
    add(ledger, refused(1), refused(2, "no_price"))
    add(ledger, refused(1), flow="stock")
    with ledger.read() as tx:
        assert [one.code for one in quarantine.groups(tx, flow="prices")] == ["too_dear", "no_price"]
        assert [one.flow for one in quarantine.groups(tx, code="too_dear")] == ["prices", "stock"]
        assert quarantine.groups(tx, flow="stock", code="no_price") == []


def test_what_is_closed_is_no_cause(ledger: Ledger) -> None:
    add(ledger, refused(1), refused(2, "no_price"))
    with ledger.write() as tx:
        quarantine.close(tx, "prices", stage="deliver", keys=["SKU-1"])
        assert [one.code for one in quarantine.groups(tx)] == ["no_price"]


def test_entries_may_be_listed_without_their_payloads(ledger: Ledger) -> None:
    add(ledger, refused(1), refused(2, "no_price"))
    with watched(ledger) as statements, ledger.read() as tx:
        found = quarantine.entries(tx, code="too_dear", payloads=False)
    assert [(one.key, one.raw, one.canonical) for one in found] == [("SKU-1", None, None)]
    assert not reads_a_payload(statements)
    with watched(ledger) as statements, ledger.read() as tx:
        assert quarantine.entries(tx)[0].canonical == PAYLOAD
    assert reads_a_payload(statements)


def test_of_two_records_without_an_id_each_lies_here(ledger: Ledger) -> None:
    one, other = (Problem("pull", "unreadable", "broken", raw=raw) for raw in (b"{1", b"{2"))
    add(ledger, one)
    add(ledger, other)
    add(ledger, one)
    with ledger.read() as tx:
        assert [entry.raw for entry in quarantine.entries(tx)] == [b"{2", b"{1"]
        assert quarantine.has_unreadable(tx, "prices")


@pytest.mark.field("N21")
def test_n21_a_task_is_asked_again_after_an_hour_and_nothing_else_is(ledger: Ledger, clock: FakeClock) -> None:
    add(ledger, refused(1, LATE_CANCEL), refused(2))
    add(ledger, refused(3, LATE_CANCEL), flow="others")
    clock.advance(3599)
    for due in ([], ["SKU-1"]):
        with ledger.write() as tx:
            quarantine.ask_again(tx, "prices")
            assert [entry.key for entry in quarantine.entries(tx, states=("due",))] == due
        clock.advance(1)
