"""Output that is not UTF-8, whose reader goes away, or that is closed: no command ends ill by it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from runner import streams
from runner.cli import main
from runner.render import Screen, as_json
from tests.unit.cli.kit import ROOT, SITE, Place, ShelfSandbox, fill


def shell(place: Place, line: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command by a line of the shell in which it is called ``"$@"``."""
    path = os.pathsep.join(map(str, (place.site, SITE, ROOT)))
    variables = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "runner.cli", *arguments]
    words = ["sh", "-c", line, "sh", *command]
    return subprocess.run(words, cwd=place.folder, env=variables, capture_output=True, timeout=120, check=False)


@pytest.fixture
def filled(place: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    fill(erp)
    erp.put("product", {"id": "A-1", "name": "Коврик 寿司 🍣"})
    place.project(erp.url, shop.url)
    return place


Print = Callable[..., str]


@pytest.fixture
def printed(filled: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Print]:
    """Run a command in this process; return what it prints into a stream of some alphabet."""

    def run(encoding: str, command: str) -> str:
        files = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", files[0])
            patch.setattr(sys, "stderr", files[1])
            patch.setattr("runner.progress.EVERY", float("inf"))
            code = main(command.split())
        out, err = (stream.detach().getvalue().decode(encoding) for stream in files)
        assert (code, err) == (0, "")
        return out

    yield run
    structlog.reset_defaults()


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "cp866", "latin-1", "utf-8"])
def test_every_alphabet_takes_what_is_printed(printed: Print, encoding: str) -> None:
    printed(encoding, "--help")
    assert ("erp → shop" if encoding == "utf-8" else "erp -> shop") in printed(encoding, "status")
    plan = printed(encoding, "plan")
    cyrillic = encoding in {"cp1251", "cp866", "utf-8"}
    assert ("Коврик" if cyrillic else r"\u041a\u043e\u0432\u0440\u0438\u043a") in plan
    assert ("寿司 🍣" if encoding == "utf-8" else r"\u5bff\u53f8 \ud83c\udf63") in plan


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "utf-8"])
def test_json_is_the_same_in_every_alphabet(printed: Print, encoding: str) -> None:
    assert "$defs" in json.loads(printed(encoding, "schema"))
    assert json.loads(printed(encoding, "check --json"))["problems"] == 0
    lines = json.loads(printed(encoding, "plan --json"))["lines"]
    names = {line["fields"]["name"][1] for line in lines if "name" in line.get("fields", {})}
    assert "Коврик 寿司 🍣" in names


@pytest.mark.parametrize("command", ["--help", "status", "plan --json", "check"])
def test_a_reader_that_goes_away_is_no_news(filled: Place, command: str) -> None:
    filled.process("status")
    reading, writing = os.pipe()
    os.close(reading)
    process = filled.start(*command.split(), stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_command_works_with_closed_streams(filled: Place, shop: ShelfSandbox, closed: str) -> None:
    ran = shell(filled, f'exec "$@" {closed}', "sync")
    assert ran.returncode == 0, ran
    assert len(shop.records["price"]) == 5
    assert b"Traceback" not in ran.stdout + ran.stderr
    if closed == "2>&-":
        assert b"15 records written." in ran.stdout


def test_names_of_files_that_are_no_text_are_shown_all_the_same(place: Place) -> None:
    folder = os.fsencode(place.folder) + b"/\xd4"
    ran = subprocess.run(
        [sys.executable, "-m", "runner.cli", "--project", folder, "status"],
        cwd=place.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert b"There is no project file" in ran.stderr
    assert json.loads(as_json({"file": "🍣\udcd4.plan", "rows": 1})) == {"file": "🍣\ufffd.plan", "rows": 1}


def test_a_half_of_a_pair_reaches_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().line("a\ud83db")
    assert capsys.readouterr().out == "a\ufffdb\n"


def test_json_is_escaped_only_where_it_must_be() -> None:
    assert streams.json_for(io.TextIOWrapper(io.BytesIO(), "utf-8"), '"Ж🍣"') == '"Ж🍣"'
    assert streams.json_for(io.TextIOWrapper(io.BytesIO(), "cp1251"), '"Ж🍣"') == r'"\u0416\ud83c\udf63"'
    assert streams.json_for(io.StringIO(), '"Ж"') == '"Ж"'
