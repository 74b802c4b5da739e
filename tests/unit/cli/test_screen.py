"""What is printed where: plain off a terminal, colours and bars on one; no secret, no control code."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from rich.console import Console

from obmen.errors import StateError
from obmen.testing.clock import FakeClock
from runner import logging
from runner.progress import EVERY, progress
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
    assert capsys.readouterr().err == "goods: sending to shop: 600 of 1,000, 120/s, about 3 s left\n"


def test_a_ledger_that_cannot_tell_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()

    def remaining(flow: str, target: str) -> int:
        raise StateError("locked")

    with progress(Screen(), remaining=remaining, clock=clock) as listener:
        listener.delivering("goods", "shop", 100)
        clock.advance(10.0)
        listener.delivering("goods", "shop", 100)
    assert capsys.readouterr().err == "goods: sending to shop: 200, 20/s\n"


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
    with progress(screen) as listener:
        listener.reading("goods", 10, 100)
        listener.reading("goods", 20, 100)
        listener.delivering("goods", "shop", 5)
    text = written.getvalue()
    assert "goods: reading" in text
    assert "20 of 100" in text
    assert "goods: sending to shop" in text


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
