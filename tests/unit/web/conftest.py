"""The page over an empty state, on SQLite; and on both databases for what asks the database much."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from obmen.state import Ledger
from obmen.testing.clock import FakeClock
from tests.unit.web import kit


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty state, to be copied: making one costs more than most tests of a page."""
    path = tmp_path_factory.mktemp("blank") / "page.db"
    Ledger(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def new_site(tmp_path: Path, clock: FakeClock, blank: Path) -> Iterator[Callable[..., kit.Site]]:
    made: list[kit.Site] = []

    def make(url: str = "", **page: Any) -> kit.Site:
        if not url:
            url = f"sqlite:///{shutil.copy(blank, tmp_path / f'page{len(made)}.db')}"
        ledger = Ledger(url, clock=clock)
        made.append(kit.Site(kit.Look(kit.project(tmp_path, **page), ledger)))
        return made[-1]

    yield make
    for site in made:
        for client in site.clients:
            client.close()
        site.app.state.jobs.stop()
        site.ledger.close()


@pytest.fixture
def site(new_site: Callable[..., kit.Site]) -> kit.Site:
    return new_site()


@pytest.fixture
def both(new_site: Callable[..., kit.Site], state_url: str) -> kit.Site:
    """The page, once on SQLite and once on PostgreSQL."""
    return new_site(state_url)
