"""What is printed where: plain off a terminal, colours and bars on one; no secret, no control code."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
import structlog
from rich.console import Console

from obmen.errors import StateError
from obmen.testing.clock import FakeClock
from runner import logging
from runner.progress import EVERY, Tally, Work, progress
from runner.render import Cell, Column, Screen, Table, ago, clipped, number, plural, span
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import KEY, ROOT, SITE, Place, ShelfSandbox, fill

SECRET = "hunter2-secret"


def on_terminal(place: Place, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command with a terminal for all its streams; return its code and what the terminal got."""
    master, slave = pty.openpty()
    path = os.pathsep.join(map(str, (place.site, SITE, ROOT)))
    variables = {**os.environ, "PYTHONPATH": path, "TERM": "xterm-256color", "COLUMNS": "160", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "runner.cli", *arguments],
        cwd=place.folder,
        env=variables,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    got = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not chunk:
            break
        got += chunk
    os.close(master)
    return process.wait(60), got.decode("utf-8", "replace")


# -- render -----------------------------------------------------------------------------------------------


def test_numbers_and_times_read_well() -> None:
    assert (number(0), number(1234567)) == ("0", "1,234,567")
    assert (plural(1, "record"), plural(2000, "record")) == ("1 record", "2,000 records")
    assert [span(seconds) for seconds in (0, 119, 120, 7199, 7200, 180_000)] == [
        "0 s",
        "119 s",
        "2 min",
        "120 min",
        "2 h",
        "2 days",
    ]
    assert ago(100.0, 160.0) == "60 s ago"
    assert clipped("a\nb  c", 10) == "a b c"
    assert clipped("abcdef", 4) == "abc…"


def test_a_plain_table_is_aligned_whatever_the_letters(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table([Column("Name"), Column("Count", right=True), Column("State")])
    table.add("Коврик", "1", Cell("held", "red"))
    table.add("寿司", "1,000", "")
    Screen().table(table)
    assert capsys.readouterr().out == ("Name    Count  State\nКоврик      1  held\n寿司    1,000\n")


def test_text_of_others_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.line("peer says \x1b[2J\x07[bold]hello")
    screen.error("again \x1b[31m")
    table = Table([Column("A")])
    table.add("\x1b[0m")
    screen.table(table)
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "[bold]hello" in out


def test_on_a_terminal_there_are_colours_and_with_no_color_there_are_none(
    place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, shop.url)
    code, text = on_terminal(place, "check")
    assert code == 0, text
    assert "\x1b[32mok" in text
    code, text = on_terminal(place, "sync", NO_COLOR="1")
    assert code == 0, text
    assert "\x1b[3" not in text
    assert "15 records written." in text


def test_off_a_terminal_there_is_no_escape_code_at_all(place: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    fill(erp)
    place.project(erp.url, shop.url)
    ran = place.process("sync")
    assert ran.code == 0
    assert "\x1b" not in ran.out + ran.err


def shown(width: int, table: Table) -> str:
    screen = Screen()
    written = io.StringIO()
    screen.out = Console(file=written, force_terminal=True, width=width, no_color=True)
    screen.table(table)
    return re.sub(r"\x1b\[[\d;]*m", "", written.getvalue())


def wide() -> Table:
    table = Table([Column("Flow"), Column("Records", right=True), Column("State"), Column("Reason")])
    table.add("products", "1,200", "waits for you", "too_dear: nobody pays that")
    table.add("stock", "7", "", "unmapped")
    return table


def test_a_table_that_fits_is_as_wide_as_its_texts() -> None:
    lines = [line.rstrip() for line in shown(80, wide()).splitlines()]
    assert lines == [
        "Flow      Records  State          Reason",
        "products    1,200  waits for you  too_dear: nobody pays that",
        "stock           7                 unmapped",
    ]


@pytest.mark.parametrize("width", [32, 34, 40, 48, 60])
def test_a_narrow_terminal_breaks_no_word(width: int) -> None:
    text = shown(width, wide())
    words = {word for line in text.splitlines() for word in line.split()}
    assert {"products", "1,200", "waits", "too_dear:", "nobody", "unmapped", "Records"} <= words
    assert max(map(len, text.splitlines())) <= width


def test_on_a_terminal_too_narrow_for_a_table_each_row_is_a_block() -> None:
    lines = [line.rstrip() for line in shown(28, wide()).splitlines()]
    assert lines == [
        "Flow     products",
        "Records  1,200",
        "State    waits for you",
        "Reason   too_dear: nobody",
        "         pays that",
        "",
        "Flow     stock",
        "Records  7",
        "Reason   unmapped",
    ]


def test_a_word_longer_than_the_terminal_is_broken_and_not_lost() -> None:
    table = Table([Column("ID"), Column("Where")])
    table.add("a" * 73, "shop")
    lines = shown(50, table).splitlines()
    assert sum(line.count("a") for line in lines) == 73
    assert max(map(len, lines)) <= 50


def test_results_are_not_glued_to_a_bar(place: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    fill(erp)
    place.project(erp.url, shop.url)
    code, text = on_terminal(place, "check")
    assert code == 0, text
    assert "products: reading" in text
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert re.findall(r"reading[^\r\n\x1b]*ok  ", plain) == []


# -- progress ---------------------------------------------------------------------------------------------


def test_off_a_terminal_a_line_comes_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    with progress(Screen(), clock=clock) as listener:
        for done in range(0, 13_000, 1_000):
            listener.reading("goods", done, 24_000)
            clock.advance(1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "goods: reading: 5,000 of 24,000, 1,000/s, about 19 s left",
        "goods: reading: 10,000 of 24,000, 1,000/s, about 14 s left",
    ]
    assert EVERY == 5.0


def test_deliveries_ask_the_ledger_how_much_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    left = {"shop": 1000}

    def remaining(flow: str, target: str) -> int:
        return left[target]

    with progress(Screen(), remaining=remaining, clock=clock) as listener:
        for _ in range(6):
            listener.delivering("goods", "shop", 100)
            left["shop"] -= 100
            clock.advance(1.0)
    assert capsys.readouterr().err == "goods: sending to shop: 600 of 1,000, 100/s, about 4 s left\n"


def test_a_ledger_that_cannot_tell_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()

    def remaining(flow: str, target: str) -> int:
        raise StateError("locked")

    with progress(Screen(), remaining=remaining, clock=clock) as listener:
        listener.delivering("goods", "shop", 100)
        clock.advance(10.0)
        listener.delivering("goods", "shop", 100)
        clock.advance(10.0)
        listener.delivering("goods", "shop", 100)
    assert capsys.readouterr().err.splitlines() == [
        "goods: sending to shop: 200",
        "goods: sending to shop: 300, 10/s",
    ]


class Paces:
    """What a bar would show, at every moment at which it is told something."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self.seen: list[tuple[float, float, float | None]] = []

    def __call__(self, work: Work) -> None:
        self.seen.append((self.clock.monotonic() - self.began, work.rate, work.left))


def batches(tally: Tally, clock: FakeClock, count: int, *, size: int = 1000, every: float = 2.0) -> None:
    """Outcomes as they come: those of a batch within a millisecond, then nothing until the next is answered."""
    for _ in range(count):
        for _ in range(size):
            tally.delivering("prices", "shop", 1)
            clock.advance(0.001 / size)
        clock.advance(every)


def test_batches_that_come_in_bursts_have_a_calm_rate() -> None:
    paces = Paces()
    tally = Tally(paces, remaining=lambda _flow, _target: 20_000, clock=paces.clock)
    batches(tally, paces.clock, 10)
    assert {rate for at, rate, _ in paces.seen if at < 3.0} == {0.0}
    rates = {rate for at, rate, _ in paces.seen if at >= 4.5}
    assert min(rates) > 499
    assert max(rates) < 501
    assert paces.seen[-1][2] == pytest.approx(40, abs=3)


def test_a_steady_pace_is_told_once_there_is_something_to_measure() -> None:
    paces = Paces()
    tally = Tally(paces, clock=paces.clock)
    for done in range(0, 8000, 2):
        tally.reading("goods", done, 100_000)
        paces.clock.advance(0.002)
    assert {rate for at, rate, _ in paces.seen if at < 2.0} == {0.0}
    assert {left for at, _, left in paces.seen if at < 2.0} == {None}
    assert {round(rate) for at, rate, _ in paces.seen if at > 2.5} == {1000}
    changes = [rate for (_, rate, _), (_, before, _) in pairwise(reversed(paces.seen)) if rate != before]
    assert len(changes) <= 13


def test_a_read_that_begins_anew_is_measured_anew() -> None:
    paces = Paces()
    tally = Tally(paces, clock=paces.clock)
    for _ in range(2):
        for done in range(0, 5000, 1000):
            tally.reading("goods", done, 5000)
            paces.clock.advance(1.0)
    assert [round(rate) for _, rate, _ in paces.seen] == [0, 0, 1000, 1000, 1000] * 2


def test_a_slow_pace_is_not_told_as_none(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    with progress(Screen(), clock=clock) as listener:
        for done in range(4):
            listener.reading("orders", done, 5)
            clock.advance(4.0)
    assert capsys.readouterr().err.splitlines()[-1] == "orders: reading: 2 of 5, 0.2/s, about 12 s left"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    with progress(Screen(quiet=True), clock=clock) as listener:
        listener.reading("goods", 1, 2)
        clock.advance(60)
        listener.reading("goods", 2, 2)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_a_bar_shows_rate_and_time_left() -> None:
    screen = Screen()
    written = io.StringIO()
    screen.err = Console(file=written, force_terminal=True, width=120)
    clock = FakeClock()
    with progress(screen, clock=clock) as listener:
        listener.delivering("goods", "shop", 5)
        for done in range(0, 2000, 400):
            listener.reading("goods", done, 2000)
            clock.advance(1.0)
    text = written.getvalue()
    assert "goods: reading" in text
    assert "1,600 of 2,000" in text
    assert "400/s, about 1 s left" in text
    assert "goods: sending to shop" in text
    assert text.count("/s") == text.count("400/s")


# -- logs -------------------------------------------------------------------------------------------------


@pytest.fixture
def logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_off_a_terminal_logs_are_json_lines_without_secrets(logs: None, capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure(secrets=[SECRET])
    structlog.get_logger("x").warning(
        "guard.held", flow="prices", reasons=[f"key {SECRET}"], customer={"name": "Ivan Primerov"}
    )
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "guard.held"
    assert line["flow"] == "prices"
    assert line["level"] == "warning"
    assert line["timestamp"].endswith("Z")
    assert SECRET not in str(line)
    assert "Primerov" not in str(line)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(logging.QUIET, ["e"]), (logging.USUAL, ["w", "e"]), (logging.VERBOSE, ["d", "w", "e"])],
)
def test_the_level_follows_verbose_and_quiet(
    logs: None, capsys: pytest.CaptureFixture[str], level: int, expected: list[str]
) -> None:
    logging.configure(level)
    log = structlog.get_logger("x")
    log.debug("d")
    log.warning("w")
    log.error("e")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == expected


def test_at_a_terminal_logs_are_text_and_do_not_repeat_what_the_command_tells(
    logs: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    logging.configure(secrets=[SECRET])
    log = structlog.get_logger("x")
    log.warning("guard.held", flow="prices")
    log.warning("http.repeat", reason=f"answered {SECRET}")
    text = capsys.readouterr().err
    assert "guard.held" not in text
    assert "http.repeat" in text
    assert "\x1b" not in text
    assert SECRET not in text
    logging.configure(logging.VERBOSE)
    log.warning("guard.held", flow="prices")
    assert "guard.held" in capsys.readouterr().err


def test_verbose_shows_every_call_without_the_key(
    cli: Cli, place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, shop.url)
    ran = cli("--verbose", "sync")
    events = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert any(event["event"] == "http.call" and event["path"] == "/price" for event in events)
    assert KEY not in ran.err
    assert cli("--quiet", "sync").err == ""
