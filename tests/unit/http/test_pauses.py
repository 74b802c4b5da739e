"""What a slow method's budget held is known to the next process, and no call is made in vain."""

from __future__ import annotations

from contextlib import suppress

import pytest

from obmen.errors import Unavailable
from obmen.http import Http, Rate, Transport
from obmen.memory import ShortMemory
from obmen.pauses import Pauses
from obmen.testing.clock import FakeClock

RATES = {"report": (Rate(2, 100.0),), "quick": (Rate(1, 1.0),)}


class Process:
    """A process that was just started: it has its own monotonic clock's zero, and shares the memory alone."""

    def __init__(self, clock: FakeClock, memory: ShortMemory) -> None:
        self.http = Http("peer", Transport(budgets=RATES), clock=clock)
        self.pauses = Pauses(self.http, lambda: memory, {"report"})

    def call(self, group: str = "report") -> float:
        with self.pauses.kept(group):
            return self.http.budgets.take(group)

    def close(self) -> None:
        self.http.close()


@pytest.fixture
def memory() -> ShortMemory:
    return ShortMemory()


def next_one(before: Process, clock: FakeClock, memory: ShortMemory) -> Process:
    before.close()
    clock._seconds = 5.0  # another process's monotonic clock began elsewhere
    return Process(clock, memory)


def test_places_that_the_last_process_took_still_count(clock: FakeClock, memory: ShortMemory) -> None:
    one = Process(clock, memory)
    assert one.call() == 0
    clock.advance(30)
    assert one.call() == 0
    two = next_one(one, clock, memory)
    clock.advance(30)
    assert two.call() == pytest.approx(40, abs=0.1)
    two.close()


def test_what_the_peer_asked_for_outlives_the_process(clock: FakeClock, memory: ShortMemory) -> None:
    one = Process(clock, memory)
    with one.pauses.kept("report"):
        one.http.budgets.take("report")
        one.http.budgets.block("report", 500)
    two = next_one(one, clock, memory)
    clock.advance(100)
    with pytest.raises(Unavailable) as caught:
        two.call()
    assert caught.value.after == pytest.approx(400, abs=0.1)
    clock.advance(400)
    assert two.call() == 0
    two.close()


def test_it_is_kept_when_a_call_fails(clock: FakeClock, memory: ShortMemory) -> None:
    one = Process(clock, memory)
    with suppress(RuntimeError), one.pauses.kept("report"):
        one.http.budgets.take("report", weight=2)
        raise RuntimeError
    two = next_one(one, clock, memory)
    assert two.call() == pytest.approx(100, abs=0.1)
    two.close()


def test_a_wall_clock_that_was_set_back_makes_nobody_wait_longer_than_the_rate(
    clock: FakeClock, memory: ShortMemory
) -> None:
    one = Process(clock, memory)
    one.call()
    one.call()
    clock.jump(-3600)
    two = next_one(one, clock, memory)
    assert two.call() == pytest.approx(100, abs=0.1)
    two.close()


def test_methods_that_are_quick_keep_nothing(clock: FakeClock, memory: ShortMemory) -> None:
    one = Process(clock, memory)
    one.call("quick")
    assert memory.get("pause/quick") is None
    one.close()
