"""The vendor's limits: kept before it has to say no, on each method's own budget."""

from datetime import date

import pytest

from connectors.wildberries import paths
from connectors.wildberries.sandbox import VENDOR
from obmen.errors import Unavailable
from tests.unit.wildberries.orders.conftest import read, refusals, step, stock_up

SCHEMES = ["fbs", "dbs", "dbw", "click_collect"]


@pytest.fixture
def strict(make_sandbox):
    made = make_sandbox(journal=True, pace=VENDOR)
    stock_up(made, "A-1")
    return made


def test_a_busy_morning_is_never_told_to_wait(connect, strict):
    wb = connect(strict, schemes=SCHEMES)
    numbers = [strict.place_order("A-1", scheme=scheme) for scheme in SCHEMES for _ in range(15)]
    for _ in range(3):
        read(wb, "order")
        read(wb, "order_status")
    assert set(step(wb, "confirm", *numbers)) == {"done"}
    assert set(step(wb, "cancel", *numbers[::3])) == {"done"}
    assert set(step(wb, "complete", *numbers[1::3])) == {"done"}
    strict.send_back(numbers[1])
    read(wb, "return")
    assert refusals(strict) == []


def test_reports_a_minute_apart_are_never_told_to_wait(connect, strict, clock):
    wb = connect(strict)
    for week in range(1, 4):
        strict.book(strict.open_report(date(2026, 5, 7 * week)), penalty="10")
    began = clock.monotonic()
    assert sum(len(page.slices) for page in wb.read("accrual", None)) == 6
    assert clock.monotonic() - began >= 5 * 60
    assert refusals(strict) == []


def test_returns_read_by_a_new_process_each_time_are_never_told_to_wait(connect_anew, strict, clock):
    strict.send_back(strict.place_order("A-1"))
    for _ in range(12):
        assert len(read(connect_anew(strict), "return")[0]) == 1
        clock.pass_by(minutes=2)
    assert refusals(strict) == []
    assert strict.calls[f"GET {paths.GOODS_RETURNED}"] == 12 + 2


def test_a_process_that_comes_too_soon_makes_no_call_of_the_report(connect_anew, strict, clock):
    for _ in range(8):
        read(connect_anew(strict), "return")
    wb = connect_anew(strict)
    with pytest.raises(Unavailable, match="goods returned"):
        read(wb, "return")
    assert refusals(strict) == []
    clock.pass_by(minutes=10)
    assert read(wb, "return")[0] == []


def test_a_token_that_only_reads_may_read_all_of_it(connect, make_sandbox):
    sandbox = make_sandbox()
    stock_up(sandbox, "A-1")
    sandbox.issue_token(read_only=True)
    wb = connect(sandbox, schemes=SCHEMES)
    for scheme in SCHEMES:
        sandbox.place_order("A-1", scheme=scheme)
    sandbox.book(sandbox.open_report(date(2026, 6, 1)), penalty="10")
    for entity in ("order", "order_status", "return"):
        read(wb, entity)
    assert sum(len(page.slices) for page in wb.read("accrual", None)) == 2
