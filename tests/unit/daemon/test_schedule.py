"""When a flow is due: so often, by the calendar, never in quiet hours, and whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obmen.project.settings import Schedule
from obmen.project.times import Hours
from obmen.testing.clock import FakeClock
from runner.daemon.schedule import Timer

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
"""Noon in Moscow."""
NIGHT = Hours(time(23), time(7))


def every(seconds: float, **more: object) -> Schedule:
    return Schedule(every=timedelta(seconds=seconds), **more)  # type: ignore[arg-type]  # its own words


def fired(timer: Timer, clock: FakeClock, seconds: int, step: int = 1) -> list[datetime]:
    """Let time pass and return when the timer was due."""
    times = []
    for _ in range(0, seconds, step):
        clock.advance(step)
        if timer.due():
            times.append(clock.now())
            timer.began()
    return times


def test_what_never_ran_is_due_at_once_and_then_so_often() -> None:
    clock = FakeClock(NOON)
    timer = Timer(every(120), MOSCOW, clock)
    assert timer.due()
    timer.began()
    assert not timer.due()
    assert len(fired(timer, clock, 3600)) == 30


def test_what_ran_a_while_ago_waits_for_the_rest_of_its_time() -> None:
    clock = FakeClock(NOON)
    timer = Timer(every(600), MOSCOW, clock, last=NOON - timedelta(seconds=500))
    assert not timer.due()
    assert fired(timer, clock, 101)[0] == NOON + timedelta(seconds=100)


@pytest.mark.field("J6")
def test_what_was_missed_runs_once() -> None:
    clock = FakeClock(NOON)
    timer = Timer(every(60), MOSCOW, clock, last=NOON - timedelta(days=3))
    assert timer.due()
    timer.began()
    assert fired(timer, clock, 59) == []
    by_calendar = Timer(Schedule(cron="0 3 * * *"), MOSCOW, clock, last=NOON - timedelta(days=3))
    assert by_calendar.due()
    by_calendar.began()
    assert not by_calendar.due()


def test_by_the_calendar_in_the_services_zone() -> None:
    clock = FakeClock(NOON)
    timer = Timer(Schedule(cron="30 3 * * *"), MOSCOW, clock)
    assert not timer.due()
    times = fired(timer, clock, 3 * 86400, step=60)
    assert [at.astimezone(MOSCOW).strftime("%d %H:%M") for at in times] == ["16 03:30", "17 03:30", "18 03:30"]


@pytest.mark.parametrize(
    ("noon_before", "times"),
    [(datetime(2026, 10, 24, 12, tzinfo=UTC), 2), (datetime(2026, 3, 28, 12, tzinfo=UTC), 1)],
)
def test_an_hour_that_comes_twice_or_not_at_all_shifts_no_later_day(noon_before: datetime, times: int) -> None:
    clock = FakeClock(noon_before)
    timer = Timer(Schedule(cron="30 2 * * *"), BERLIN, clock)
    assert len(fired(timer, clock, 86400, step=60)) == times
    next_day = fired(timer, clock, 86400, step=60)
    assert [at.astimezone(BERLIN).strftime("%H:%M") for at in next_day] == ["02:30"]


def test_nothing_begins_in_quiet_hours_and_what_was_due_begins_at_their_end() -> None:
    clock = FakeClock(datetime(2026, 6, 15, 19, 0, tzinfo=UTC))  # 22:00 in Moscow
    timer = Timer(every(600, quiet=(NIGHT,)), MOSCOW, clock, last=clock.now())
    times = [at.astimezone(MOSCOW) for at in fired(timer, clock, 12 * 3600, step=60)]
    assert not any(NIGHT.hold(at.time()) for at in times)
    assert times[0].strftime("%H:%M") == "22:10"
    assert next(at.strftime("%H:%M") for at in times if at.hour == 7) == "07:00"


def test_the_next_run_is_told_after_quiet_hours() -> None:
    clock = FakeClock(datetime(2026, 6, 15, 19, 55, tzinfo=UTC))
    timer = Timer(every(600, quiet=(NIGHT,)), MOSCOW, clock, last=clock.now())
    due = timer.next()
    assert due is not None
    assert due.astimezone(MOSCOW).strftime("%d %H:%M") == "16 07:00"
    assert Timer(Schedule(), MOSCOW, clock).next() is None


def test_a_clock_that_jumps_neither_starves_a_flow_nor_makes_it_run_again_and_again() -> None:
    for jump in (-86400.0, 86400.0):
        clock = FakeClock(NOON)
        timer = Timer(every(60), MOSCOW, clock, last=NOON)
        clock.jump(jump)
        timer.jumped()
        assert len(fired(timer, clock, 600)) == 10


def test_the_calendar_is_looked_at_anew_after_a_jump() -> None:
    clock = FakeClock(NOON)
    timer = Timer(Schedule(cron="0 15 * * *"), MOSCOW, clock)
    clock.jump(4 * 3600.0)
    timer.jumped()
    assert timer.due()
    timer.began()
    clock.jump(-4 * 3600.0)
    timer.jumped()
    assert [at.astimezone(MOSCOW).hour for at in fired(timer, clock, 6 * 3600, step=60)] == [15]


def test_a_jitter_makes_it_later_and_never_by_more() -> None:
    clock = FakeClock(NOON)
    timer = Timer(every(60, jitter=timedelta(seconds=30)), MOSCOW, clock, last=NOON, chance=lambda: 1.0)
    assert fired(timer, clock, 60) == [NOON + timedelta(seconds=60)]
    assert fired(timer, clock, 91) == [NOON + timedelta(seconds=150)]


@given(
    seconds=st.integers(10, 7200),
    steps=st.lists(st.integers(1, 900), min_size=1, max_size=60),
    jumps=st.lists(st.integers(-200_000, 200_000), min_size=60, max_size=60),
)
def test_however_the_clocks_go_it_runs_as_often_as_time_has_passed(
    seconds: int, steps: list[int], jumps: list[int]
) -> None:
    clock = FakeClock(NOON)
    timer = Timer(every(seconds), MOSCOW, clock, last=NOON)
    runs = 0
    since = 0
    for step, jump in zip(steps, jumps, strict=False):
        clock.advance(step)
        since += step
        clock.jump(jump)
        timer.jumped()
        if timer.due():
            assert since >= seconds
            timer.began()
            runs, since = runs + 1, 0
        else:
            assert since < seconds
    assert runs <= sum(steps) / seconds
