"""The reference of the command line names every command, option and exit code, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.cli.app import commands as obmen
from runner.cli.deferred import Deferred
from runner.exit_codes import ExitCode

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, listed in getattr(command, "commands", {}).items():
        inner = listed.load() if isinstance(listed, Deferred) else listed
        if getattr(inner, "commands", None):
            yield from commands(inner, f"{path} {name}")
        else:
            yield f"{path} {name}", inner


COMMANDS = dict(commands(obmen(), "obmen"))


def options(command: Any) -> set[str]:
    return {name for one in command.params for name in one.opts if name.startswith("-")}


def documented(section: str) -> set[str]:
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `-")]
    return {name for row in rows for name in re.findall(r"`(--?[\w-]+)", row)}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    titles = {title for title in SECTIONS if title.startswith("obmen ")}
    assert titles == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_described(name: str) -> None:
    assert documented(SECTIONS[name]) == options(COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_of_a_command_is_shown(name: str) -> None:
    arguments = [one for one in COMMANDS[name].params if one.param_type_name == "argument"]
    for one in arguments:
        word = re.findall(r"[A-Z]+", one.metavar or one.name.upper())[0].removesuffix("S")
        assert word in SECTIONS[name], one.name


def test_the_options_before_the_command_are_described() -> None:
    assert documented(SECTIONS["Options before the command"]) == options(obmen()) | {"--help", "-h"}


def test_every_exit_code_stands_in_the_table_with_its_meaning() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", SECTIONS["Exit codes"], flags=re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == {int(code): code.meaning for code in ExitCode}
