"""Who is told what, whatever happens: never twice, never an end without a beginning, never nothing for ever."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from obmen.state.alerts import Alert
from runner.observe.notices import CALM, HOLDS, Notice, advance, untold
from runner.observe.troubles import Trouble

CHANNELS = ["telegram", "email"]
STEP = 30.0
LEVELS = st.sampled_from(["", "warning", "critical"])
DAYS = st.lists(st.tuples(LEVELS, st.booleans()), min_size=1, max_size=60)
"""What a trouble is at each look, and whether the channel works then."""


def trouble(level: str = "warning", name: str = "down|erp", **more: object) -> Trouble:
    return Trouble(name, name.partition("|")[0], name.partition("|")[2], level, **more)  # type: ignore[arg-type]


class Desk:
    """Looks again and again, and keeps what each channel was told."""

    def __init__(self) -> None:
        self.kept: list[Alert] = []
        self.now = 1_000_000.0
        self.told: dict[str, list[Notice]] = {channel: [] for channel in CHANNELS}

    def look(self, *troubles: Trouble, works: frozenset[str] = frozenset(CHANNELS), seconds: float = STEP) -> None:
        self.now += seconds
        present = {one.name: one for one in troubles}
        stand, gone = advance(self.kept, present, self.now, CHANNELS, lambda one: one.name)
        assert not {one.name for one in stand} & set(gone)
        for channel in works:
            for notice in untold(stand, present, channel, self.now, lambda alert: f"over: {alert.text}"):
                self.told[channel].append(notice)
                stand = [
                    replace(one, told={**one.told, channel: notice.level}) if one.name == notice.name else one
                    for one in stand
                ]
        self.kept = stand

    def levels(self, channel: str = "telegram", name: str = "") -> list[str]:
        return [one.level for one in self.told[channel] if name in ("", one.name)]


@given(DAYS)
def test_a_channel_hears_a_beginning_then_what_is_worse_then_an_end(day: list[tuple[str, bool]]) -> None:
    desk = Desk()
    for level, works in day:
        works_now = frozenset(CHANNELS if works else ["email"])
        desk.look(*([trouble(level)] if level else []), works=works_now, seconds=90.0)
    for channel in CHANNELS:
        rank = 0
        for level in desk.levels(channel):
            following = {"over": 0, "warning": 1, "critical": 2}[level]
            assert (following > rank) if following else rank > 0
            rank = following


@given(DAYS)
def test_in_the_end_everybody_knows_that_it_is_over_and_nothing_is_kept(day: list[tuple[str, bool]]) -> None:
    desk = Desk()
    for level, works in day:
        desk.look(*([trouble(level)] if level else []), works=frozenset(CHANNELS if works else []))
    for _ in range(int(CALM / STEP) + 2):
        desk.look()
    for channel in CHANNELS:
        assert desk.levels(channel)[-1:] in ([], ["over"])
    assert desk.kept == []


def test_a_short_trouble_and_a_flapping_one_make_no_noise() -> None:
    desk = Desk()
    for _ in range(int(HOLDS["down"] / STEP) - 1):
        desk.look(trouble())
    desk.look()
    assert desk.levels() == []
    desk = Desk()
    for _ in range(40):
        desk.look(trouble())
        desk.look(trouble())
        desk.look()
    assert desk.levels() == ["warning"]


def test_a_trouble_that_lasts_grows_and_does_not_shrink() -> None:
    desk = Desk()
    for _ in range(70):
        desk.look(trouble(grows=1800.0))
    assert desk.levels() == ["warning", "critical"]
    for _ in range(10):
        desk.look(trouble("warning"))
    assert desk.levels() == ["warning", "critical"]


def test_what_follows_from_another_trouble_is_told_only_if_it_outlasts_it() -> None:
    desk = Desk()
    late = trouble(name="late|stock", because=("down|erp",))
    for _ in range(20):
        desk.look(trouble(), late)
    assert desk.levels(name="late|stock") == []
    for _ in range(int(CALM / STEP)):
        desk.look(late)
    assert desk.levels(name="late|stock") == []
    for _ in range(3):
        desk.look(late)
    assert desk.levels(name="late|stock") == ["warning"]
    assert desk.levels(name="down|erp") == ["warning", "over"]


def test_a_channel_that_is_new_hears_what_is_open() -> None:
    desk = Desk()
    for _ in range(10):
        desk.look(trouble(), works=frozenset(["email"]))
    assert (desk.levels("telegram"), desk.levels("email")) == ([], ["warning"])
    desk.look(trouble())
    assert desk.levels("telegram") == ["warning"]


def test_a_wall_clock_that_is_set_back_loses_nothing() -> None:
    desk = Desk()
    for _ in range(3):
        desk.look(trouble())
    desk.look(trouble(), seconds=-7200.0)
    for _ in range(6):
        desk.look(trouble())
    assert desk.levels() == ["warning"]
