"""The job on which other toolkits were measured: ten records in batches of two, refusals, and a kill.

Records 3 and 7 are refused with 400; in another run the process is killed after seven records have arrived.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from obmen.state import Ledger, quarantine
from tests.crash.shop import RECORDS, Shop
from tests.forks import command

ALL = {str(n): 1 for n in range(1, RECORDS + 1)}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as served:
        assert isinstance(served, Shop)
        yield served


def run(shop: Shop, state: str) -> int:
    return subprocess.run([*command("tests.crash.shop"), shop.url, state], check=False).returncode


def set_aside(state: str) -> list[tuple[int, str]]:
    ledger = Ledger(state)
    with ledger.read() as tx:
        found = [(entry.id, entry.key) for entry in quarantine.entries(tx)]
    ledger.close()
    return found


def test_refused_records_are_in_quarantine_and_everything_else_arrived(shop: Shop, state_url: str) -> None:
    shop.refused = {"3", "7"}
    assert run(shop, state_url) == 0
    assert shop.got == {key: 1 for key in ALL if key not in shop.refused}
    assert [key for _, key in set_aside(state_url)] == ["3", "7"]
    shop.refused = set()
    ledger = Ledger(state_url)
    with ledger.write() as tx:
        quarantine.set_state(tx, [entry.id for entry in quarantine.entries(tx)], "due")
    ledger.close()
    assert run(shop, state_url) == 0
    assert shop.got == ALL
    assert set_aside(state_url) == []


def test_after_a_kill_nothing_is_lost_and_nothing_doubled(shop: Shop, state_url: str) -> None:
    shop.kill_after = 7
    assert run(shop, state_url) == -9
    assert shop.got.total() == 7
    assert run(shop, state_url) == 0
    assert shop.got == ALL
