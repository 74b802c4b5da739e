"""An empty ledger for every crash test, on SQLite and on PostgreSQL, quick to empty again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from obmen.state import Ledger, tables
from obmen.testing.clock import FakeClock
from tests.crash.world import World

EMPTIED = [table.delete() for table in tables.metadata.sorted_tables]


@pytest.fixture
def new_world(state_url: str) -> Iterator[Callable[[], World]]:
    """Make a world whose ledger is empty; the one made before it is forgotten."""
    ledger = Ledger(state_url, clock=FakeClock())

    def make() -> World:
        ledger.clock = FakeClock()
        with ledger.write() as tx:
            for emptied in EMPTIED:
                tx.run(emptied)
        return World(ledger)

    yield make
    ledger.close()
