"""How old a flow's knowledge may get: by its intervals, by the calendar, without its quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obmen.project import FlowSettings, Project
from obmen.project.times import Hours
from runner.observe.late import LEAST, age, within
from tests.unit.project_kit import flows

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
MINUTE, HOUR = 60.0, 3600.0
NIGHT = Hours(time(23), time(7))
START = datetime(2026, 6, 15, 6, 0, tzinfo=UTC).timestamp()


def project(folder: Path, schedule: str, rules: str = "") -> tuple[Project, FlowSettings]:
    made = flows(folder, f"stock: {{ entity: stock, from: ut, to: shop{schedule} }}\n")
    if rules:
        text = (folder / "obmen.yaml").read_text() + f"alerts: {{ rules: {{ late: {{ stock: {rules} }} }} }}\n"
        from tests.unit.project_kit import project as written  # noqa: PLC0415 - only here

        made = written(folder, text)
    return made, made.flows["stock"]


@pytest.mark.parametrize(
    ("schedule", "rules", "limit"),
    [
        ("", "", LEAST),
        (", every: 10m", "", 30 * MINUTE),
        (", every: 1h", "", 3 * HOUR),
        (", every: 1h", "20m", 20 * MINUTE),
        (", every: 1h", "off", None),
        (", every: off", "", None),
        (", every: off", "1h", HOUR),
    ],
)
def test_the_limit_is_three_intervals_or_what_the_project_says(
    tmp_path: Path, schedule: str, rules: str, limit: float | None
) -> None:
    made, flow = project(tmp_path, schedule, rules)
    found = age(flow, made.alerts.rules, MOSCOW, START, START + HOUR)
    assert found.limit == limit
    assert found.late is (limit is not None and limit < HOUR)


def test_quiet_hours_do_not_count(tmp_path: Path) -> None:
    made, flow = project(tmp_path, ', every: 10m, quiet: "23:00-07:00"')
    evening = datetime(2026, 6, 15, 22, 50, tzinfo=MOSCOW).timestamp()
    rules = made.alerts.rules
    assert not age(flow, rules, MOSCOW, evening, evening + 8.4 * HOUR).late
    assert age(flow, rules, MOSCOW, evening, evening + 8.6 * HOUR).late


def test_a_calendar_may_miss_two_of_its_times(tmp_path: Path) -> None:
    made, flow = project(tmp_path, ', cron: "0 3 * * *"')
    since = datetime(2026, 6, 15, 3, 0, tzinfo=MOSCOW).timestamp()
    rules = made.alerts.rules
    assert not age(flow, rules, MOSCOW, since, since + 48 * HOUR).late
    assert age(flow, rules, MOSCOW, since, since + 48.5 * HOUR).late


MOMENTS = st.integers(min_value=int(START), max_value=int(START) + 40 * 86400).map(float)
ANY_HOURS = st.builds(Hours, st.times().map(lambda at: at.replace(second=0, microsecond=0)), st.just(time(12, 30)))


@given(ANY_HOURS, MOMENTS, MOMENTS, MOMENTS)
def test_hours_of_a_whole_are_those_of_its_parts(hours: Hours, one: float, two: float, three: float) -> None:
    first, middle, last = sorted((one, two, three))
    whole = within((hours,), MOSCOW, first, last)
    parts = within((hours,), MOSCOW, first, middle) + within((hours,), MOSCOW, middle, last)
    assert whole == pytest.approx(parts, abs=1e-3)
    assert 0 <= whole <= last - first


def test_a_night_in_which_the_clocks_change_has_its_own_length() -> None:
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN).timestamp()
    morning = datetime(2026, 3, 29, 10, 0, tzinfo=BERLIN).timestamp()
    assert within((NIGHT,), BERLIN, evening, morning) == 7 * HOUR
    assert within((NIGHT,), MOSCOW, START, START) == 0.0
