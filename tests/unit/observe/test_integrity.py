"""The examination of the state: what is damaged, contradicts itself or was left over is named; nothing is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from obmen.state import Ledger, Transaction, hints, outbox, quarantine, tables
from obmen.state.outbox import Decided
from obmen.state.quarantine import Problem
from obmen.testing.peer import Peer
from runner.observe import integrity
from tests.unit.daemon.kit import loaded, written

FLOWS = "prices: { entity: price, from: erp, to: shop }"
DEAD = "0000:1:1:aaaa"


def found(folder: Path, url: str) -> dict[str, set[str]]:
    """Examine the state of a project; level → about and message."""
    peers = {"erp": Peer(), "shop": Peer()}
    project = loaded(written(folder, peers, FLOWS, f"state: {url!r}\n"), peers)
    told: dict[str, set[str]] = {"ok": set(), "warning": set(), "problem": set()}
    for one in integrity.state(project):
        if one.about != "disk":  # how full this machine is
            told[one.level].add(f"{one.about}: {one.message}")
    return told


def decide(tx: Transaction, flow: str, target: str) -> None:
    outbox.put(tx, flow, target, "price", [Decided(f"{flow}-{target}", "put", "new", b"h", b"{}")], 1, state="pending")


def test_a_state_in_order_has_no_findings(tmp_path: Path, state_url: str) -> None:
    ledger = Ledger(state_url)
    with ledger.write() as tx:
        decide(tx, "prices", "shop")
        hints.add(tx, "erp", "price", ["A-1"], 0)
    ledger.close()
    told = found(tmp_path, state_url)
    assert told["warning"] | told["problem"] == set()
    assert len(told["ok"]) == 3


def test_what_was_left_over_is_named(tmp_path: Path, state_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("obmen.state.owners.may_live", lambda owner: owner != DEAD)
    ledger = Ledger(state_url)
    with ledger.write() as tx:
        decide(tx, "prices", "shop")
        decide(tx, "prices", "other")
        decide(tx, "old", "shop")
        quarantine.add(tx, "old", "shop", "price", [Problem("deliver", "bad", "no", key="A")], 1)
        hints.add(tx, "erp", "product", ["A-1", "A-2"], 0)
        tx.upsert(tables.lease, ("name", "owner", "token", "expires_at"), [("prices", DEAD, 1, tx.now + 50)])
        tx.connection.exec_driver_sql("DROP INDEX binding_by_natural_id")
        for key in ("A", "B"):
            values = {
                "connection": "shop",
                "entity": "price",
                "key": key,
                "native_id": f"n-{key}",
                "natural_id": "same",
            }
            tx.run(sa.insert(tables.binding).values(values))
    ledger.close()
    told = found(tmp_path, state_url)
    assert {one.partition(": ")[0] for one in told["warning"]} == {"lease prices", "prices", "old", "erp"}
    assert [one for one in told["warning"] if "no target 'other' any more" in one]
    assert [one for one in told["warning"] if "1 of it are in quarantine" in one]
    assert [one for one in told["warning"] if "1 decided for shop will not be sent" in one]
    assert [one for one in told["warning"] if "2 changes of product" in one]
    assert len(told["problem"]) == 1
    assert "'A' and 'B' are both bound to its price same" in next(iter(told["problem"]))


def test_a_damaged_file_is_told_before_it_fails_and_stays_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "state.db"
    ledger = Ledger(f"sqlite:///{place}")
    with ledger.write() as tx:
        for number in range(2000):
            tx.run(sa.insert(tables.run).values(flow=f"f{number}", kind="sync", started_at=0.0, status="done"))
    ledger.close()
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")
        root = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'run_by_flow'").fetchone()[0]
        size = raw.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(place.read_bytes())
    content[(root - 1) * size + 12 : root * size] = bytes(size - 12)
    place.write_bytes(content)
    told = found(tmp_path, f"sqlite:///{place}")
    assert any("It is damaged" in one and "obmen state restore" in one for one in told["problem"])
    assert place.read_bytes() == bytes(content)
