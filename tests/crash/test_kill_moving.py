"""kill -9 in the middle of a state's move: it goes on where it was, and nothing is there twice or not at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from obmen.errors import StateError
from obmen.state import Ledger, bindings
from tests.crash.moving import BATCH
from tests.forks import command

GOODS = 450


def move(source: str, target: str, batches: int) -> tuple[int, list[tuple[str, int]]]:
    """Carry in a process of its own; return how it ended, and what it told."""
    call = [*command("tests.crash.moving"), source, target, str(batches)]
    ended = subprocess.run(call, check=False, timeout=120, capture_output=True, text=True)
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert ended.returncode in {0, -9}, ended.stderr
    return ended.returncode, [(what, int(done)) for what, done in lines]


def filled(url: str) -> None:
    ledger = Ledger(url)
    with ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {f"A-{n}": f"{n:05}" for n in range(GOODS)})
        bindings.bind(tx, "market", "product", {f"A-{n}": f"м-{n:05}" for n in range(GOODS)})
    ledger.close()


def test_a_move_that_was_killed_goes_on_where_it_was(tmp_path: Path, postgres_url: str) -> None:
    source = f"sqlite:///{tmp_path}/state.db"
    filled(source)
    reached = 0
    for batches in (3, 4, 4):  # in the copying, again, and in the comparing
        code, told = move(source, postgres_url, batches)
        assert code == -9
        assert told[0] == ("state", reached + BATCH), "what was carried is not carried again"
        reached = max(done for what, done in told if what == "state")
        for url in (source, postgres_url):
            with pytest.raises(StateError):
                Ledger(url)
    assert reached == 2 * GOODS
    code, told = move(source, postgres_url, 0)
    assert (code, {what for what, _ in told}) == (0, {"copy"})
    ledger = Ledger(postgres_url)
    with ledger.read() as tx:
        for connection in ("shop", "market"):
            assert bindings.count(tx, connection, "product") == GOODS
        assert bindings.native_ids(tx, "market", "product", ["A-7"]) == {"A-7": "м-00007"}
    ledger.close()
    with pytest.raises(StateError, match="has moved"):
        Ledger(source)
