"""``obmen state`` and ``obmen worker``: what people see, and what is refused in words."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from obmen.state import Ledger, restore, tables
from runner.daemon.service import SERVICE
from tests.unit.cli.kit import FLOWS, Place, Ran, ShelfSandbox, fill

Cli = Callable[..., Ran]


@pytest.fixture
def synced(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    place.project(erp.url, shop.url)
    fill(erp)
    assert cli("sync").code == 0
    return place


def address(place: Place) -> str:
    return f"sqlite:///{place.folder}/.obmen/state.db"


def test_the_state_is_carried_to_postgresql_and_work_goes_on_there(
    synced: Place, cli: Cli, postgres_url: str, shop: ShelfSandbox
) -> None:
    before = shop.state()
    done = cli("state", "migrate", "--to", postgres_url)
    assert done.code == 0, done.err
    assert "Carried" in done.out
    stale = cli("sync")
    assert stale.code == 5
    assert "The state has moved to postgresql+psycopg://" in stale.err
    assert "It has moved to postgresql" in cli("state", "show").out
    file = synced.folder / "obmen.yaml"
    file.write_text(f"state: {postgres_url!r}\n{file.read_text('utf-8')}", "utf-8")
    again = cli("sync", "--json")
    assert again.code == 0, again.err
    assert all(flow["written"] == 0 for flow in again.data["flows"]), "nothing is sent again"
    assert shop.state() == before
    shown = cli("state", "show", "--json").data
    assert shown["tables"]["agreed"]["rows"] == 15
    assert shown["leases"] == []
    refused = cli("state", "backup", "copy.db")
    assert refused.code == 2
    assert "pg_dump" in refused.err


def test_a_service_that_runs_is_not_moved_from_under_it(synced: Place, cli: Cli, tmp_path: Path) -> None:
    ledger = Ledger(address(synced))
    with ledger.lease(SERVICE):
        refused = cli("state", "migrate", "--to", f"sqlite:///{tmp_path}/new.db")
    ledger.close()
    assert refused.code == 7
    assert "Stop the service (obmen run) and its workers first" in refused.err
    assert cli("state", "migrate", "--to", f"sqlite:///{tmp_path}/new.db").code == 0


def test_giving_up_what_never_began_is_refused(synced: Place, cli: Cli, tmp_path: Path) -> None:
    refused = cli("state", "migrate", "--to", f"sqlite:///{tmp_path}/new.db", "--cancel")
    assert refused.code == 5
    assert "nothing to cancel" in refused.err


def test_a_backup_is_a_whole_state(synced: Place, cli: Cli) -> None:
    done = cli("state", "backup", "copy.db")
    assert done.code == 0, done.err
    copy = sqlite3.connect(synced.folder / "copy.db")
    assert copy.execute("SELECT count(*) FROM agreed").fetchone() == (15,)
    copy.close()
    refused = cli("state", "backup", "copy.db")
    assert refused.code == 2
    assert "is not overwritten" in refused.err
    assert sorted(path.name for path in synced.folder.iterdir() if "copy" in path.name) == ["copy.db"]


def test_what_the_state_holds_is_shown(synced: Place, cli: Cli) -> None:
    shown = cli("state", "show").out
    assert "schema 0" in shown
    assert "agreed" in shown


def test_a_service_hands_out_what_a_worker_does(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox, postgres_url: str
) -> None:
    quiet = "service: { page: { address: 'off' }, endpoints: 'off' }\n"
    place.project(erp.url, shop.url, flows=f"state: {postgres_url!r}\n{quiet}{FLOWS}")
    fill(erp)
    started = [place.start("run", "--workers"), place.start("worker", "--jobs", "1")]
    end = time.monotonic() + 90
    while len(shop.state()["stock"]) < 5 or len(shop.state()["price"]) < 5:
        assert time.monotonic() < end
        time.sleep(0.2)
    told = []
    for one in started:
        one.send_signal(signal.SIGTERM)
        out, err = one.communicate(timeout=60)
        told.append((one.returncode, out, err))
    assert [code for code, _, _ in told] == [0, 0], told
    assert cli("status", "--json").data["flows"][0]["last_run"]["counts"]["written"] == 5


def test_workers_want_postgresql(synced: Place, cli: Cli) -> None:
    refused = cli("worker")
    assert refused.code == 2
    assert "obmen state migrate --to" in refused.err


def test_a_state_is_put_back_and_what_was_there_is_kept(synced: Place, cli: Cli, shop: ShelfSandbox) -> None:
    assert cli("state", "backup", "copy.db").code == 0
    before = shop.state()
    done = cli("state", "restore", "copy.db")
    assert done.code == 0, done.err
    assert "The state is that of copy.db, made 20" in done.out
    assert "What stood there is kept:" in done.out
    assert "obmen reconcile" in done.out
    again = cli("sync", "--json")
    assert all(flow["written"] == 0 for flow in again.data["flows"])
    assert shop.state() == before
    assert cli("state", "restore").code == 2
    assert cli("state", "restore", "copy.db", "--done").code == 2
    missing = cli("state", "restore", "nowhere.db")
    assert missing.code == 2
    assert "There is no file nowhere.db" in missing.err


def test_postgresql_is_restored_by_its_own_tools_and_then_told(synced: Place, cli: Cli, postgres_url: str) -> None:
    file = synced.folder / "obmen.yaml"
    secret = postgres_url.replace("postgres:@", "postgres:s3cret@")
    file.write_text(f"state: {secret!r}\n{file.read_text('utf-8')}", "utf-8")
    refused = cli("state", "restore", "copy.dump")
    assert refused.code == 2
    assert "pg_restore --exit-on-error --single-transaction --dbname='postgresql://postgres@/obmen_" in refused.err
    assert "obmen state restore --done" in refused.err
    assert "s3cret" not in refused.err
    assert cli("sync").code == 0
    ledger = Ledger(secret)
    with ledger.lease("prices"):
        assert cli("state", "restore", "--done").code == 7
    noted = cli("state", "restore", "--done")
    assert noted.code == 0, noted.err
    with ledger.read() as tx:
        assert restore.restored_at(tx) is not None
    ledger.close()


def test_a_state_is_made_small(synced: Place, cli: Cli) -> None:
    done = cli("state", "compact")
    assert done.code == 0, done.err
    assert "Forgotten: nothing" in done.out
    assert "will be used first" in done.out
    ledger = Ledger(address(synced))
    with ledger.write() as tx:
        tx.run(tables.run.update().values(ended_at=0.0))
        tx.run(tables.memory.insert().values(connection="erp", name="long", value=bytes(2_000_000)))
        tx.run(tables.memory.delete().where(tables.memory.c.name == "long"))
    ledger.close()
    again = cli("state", "compact")
    assert again.code == 0, again.err
    assert "Forgotten: 3 of runs." in again.out
    assert "Compacted: 2." in again.out


def test_a_state_is_checked(synced: Place, cli: Cli) -> None:
    done = cli("state", "check")
    assert done.code == 0, done.out
    assert "Every page and every index can be read" in done.out
    (synced.folder / ".obmen" / "state.db").write_bytes(b"no database" * 1000)
    damaged = cli("state", "check", "--json")
    assert damaged.code == 5
    assert [one["level"] for one in damaged.data["findings"] if one["about"] == "state"] == ["problem"]
