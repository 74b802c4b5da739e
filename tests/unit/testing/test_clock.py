"""The fake clock moves only when told to."""

from __future__ import annotations

from datetime import timedelta

from obmen.clock import Clock
from obmen.testing.clock import FakeClock


def test_sleep_moves_both_clocks_and_is_noted() -> None:
    clock = FakeClock()
    as_the_library_sees_it: Clock = clock
    wall, seconds = clock.now(), clock.monotonic()
    as_the_library_sees_it.sleep(90)
    clock.sleep(0)
    assert clock.now() - wall == timedelta(seconds=90)
    assert clock.monotonic() - seconds == 90
    assert clock.sleeps == [90, 0]


def test_a_jump_moves_the_wall_clock_alone() -> None:
    clock = FakeClock()
    wall, seconds = clock.now(), clock.monotonic()
    clock.jump(-3600)
    assert wall - clock.now() == timedelta(hours=1)
    assert clock.monotonic() == seconds
