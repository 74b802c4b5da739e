"""Two shelves on loopback, a project folder, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from runner.cli import main
from tests.unit.cli.kit import Place, Ran, ShelfSandbox, install

Cli = Callable[..., Ran]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("site"))


@pytest.fixture
def place(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("OBMEN_PROJECT", raising=False)
    return Place(folder, site)


@pytest.fixture
def cli(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    monkeypatch.setattr("runner.progress.EVERY", float("inf"))  # how slow the machine is shows in no test

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    yield run
    structlog.reset_defaults()


@pytest.fixture
def erp() -> Iterator[ShelfSandbox]:
    with ShelfSandbox() as made:
        yield made


@pytest.fixture
def shop() -> Iterator[ShelfSandbox]:
    with ShelfSandbox() as made:
        yield made
