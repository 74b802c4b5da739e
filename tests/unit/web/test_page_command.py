"""``obmen page password``: a hash comes out, and nothing else of the password."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from obmen.errors import ConfigurationError
from runner.cli import page
from runner.cli.call import Call
from runner.render import Screen
from runner.web import passwords
from tests.unit.project_kit import CONNECTIONS, project
from tests.unit.web.kit import QUICK

LONG = "correct horse battery"
FLOWS_YAML = CONNECTIONS.replace("flows:\n", "")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", QUICK)


def asked(monkeypatch: pytest.MonkeyPatch, typed: str | list[str]) -> str:
    """Run it; what is typed at a terminal is a list."""
    if isinstance(typed, str):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    else:
        monkeypatch.setattr("sys.stdin", type("", (), {"isatty": lambda _: True})())
        answers = iter(typed)
        monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    return page._asked()


def test_the_first_line_of_the_input_is_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, f"{LONG}\nmore\n") == LONG


def test_at_a_terminal_it_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, [LONG, LONG]) == LONG
    with pytest.raises(ConfigurationError, match="not the same"):
        asked(monkeypatch, [LONG, "something else"])


@pytest.mark.parametrize("typed", ["", "short\n", "x" * 2000])
def test_one_that_is_too_short_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    with pytest.raises(ConfigurationError, match="A password has"):
        asked(monkeypatch, typed)


def test_what_is_printed_is_what_the_project_takes(
    quick: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{LONG}\n"))
    holder = typer.Typer()
    holder.add_typer(page.app, name="page")
    call = Call(Screen())
    assert get_command(holder).main(["page", "password"], obj=call, standalone_mode=False) == 0
    printed = capsys.readouterr().out.strip()
    assert LONG not in printed
    assert passwords.fits(printed, LONG)
    assert not passwords.fits(printed, f"{LONG}!")
    text = f"{FLOWS_YAML}service: {{ page: {{ users: {{ anna: {{ password: '${{ANNA}}', role: operate }} }} }} }}\n"
    users = project(tmp_path, text, ANNA=printed).service.page.users
    assert (users["anna"].password, users["anna"].role) == (printed, "operate")


def test_a_plain_password_in_the_project_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = f"{FLOWS_YAML}service: {{ page: {{ users: {{ anna: {{ password: {LONG} }} }} }} }}\n"
    with pytest.raises(ConfigurationError, match="obmen page password") as refused:
        project(tmp_path, text)
    assert LONG not in str(refused.value)
