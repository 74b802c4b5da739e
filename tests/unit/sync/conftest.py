"""A world of two peers on an SQLite ledger, for tests of what the engine does with records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from obmen.state import Ledger
from obmen.testing.clock import FakeClock
from tests.crash.world import World


@pytest.fixture
def world(tmp_path: Path, blank_ledger: Path) -> Iterator[World]:
    ledger = Ledger(f"sqlite:///{shutil.copy(blank_ledger, tmp_path)}", clock=FakeClock())
    yield World(ledger)
    ledger.close()
