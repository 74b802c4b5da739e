"""The ledger on both databases: transactions, leases, rehearsals, bindings, and what keeps it from being used."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from obmen.errors import Busy, LeaseLost, StateError
from obmen.state import Ledger, bindings, outbox, seen, tables
from obmen.state.judging import Judging
from obmen.state.ledger import LEASE_SECONDS
from obmen.state.outbox import Decided
from obmen.state.seen import Checkpoint, Known, Seen
from obmen.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(state_url: str, clock: FakeClock) -> Iterator[Ledger]:
    opened = Ledger(state_url, clock=clock)
    yield opened
    opened.close()


def test_the_migrations_give_exactly_the_tables(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_a_failed_transaction_leaves_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.write() as tx:
            bindings.bind(tx, "shop", "product", {"A": "1"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with ledger.read() as tx:
        assert bindings.count(tx, "shop", "product") == 0


def test_bindings_are_unique_both_ways(ledger: Ledger) -> None:
    with ledger.write() as tx:
        assert bindings.bind(tx, "shop", "product", {"A": "1", "B": "2"}) == {}
        assert bindings.bind(tx, "shop", "product", {"C": "2"}) == {"C": "B"}
        assert bindings.bind(tx, "shop", "product", {"B": "3"}) == {}
        assert bindings.native_ids(tx, "shop", "product", ["A", "B", "C"]) == {"A": "1", "B": "3"}
        assert bindings.keys(tx, "shop", "product", ["1", "2", "3"]) == {"1": "A", "3": "B"}


def test_a_lease_is_held_by_one_and_fences_the_one_before(ledger: Ledger, clock: FakeClock) -> None:
    with ledger.lease("prices") as first:
        with pytest.raises(Busy, match="run by another process"), ledger.lease("prices"):
            pass
        clock.advance(61)
        with ledger.lease("prices") as second:
            assert second.token > first.token
            with pytest.raises(LeaseLost), ledger.write(first) as tx:
                bindings.bind(tx, "shop", "product", {"A": "1"})
            with ledger.write(second):
                pass
    with ledger.read() as tx:
        assert bindings.count(tx, "shop", "product") == 0


def test_a_lease_is_renewed_by_each_transaction(ledger: Ledger, clock: FakeClock) -> None:
    with ledger.lease("prices") as lease:
        for _ in range(5):
            clock.advance(40)
            ledger.keep(lease)
        with pytest.raises(Busy), ledger.lease("prices"):
            pass


def test_a_lease_of_a_killed_process_is_free_at_once(state_url: str, clock: FakeClock) -> None:
    code = (
        "import sys, time\n"
        "from obmen.state import Ledger\n"
        "ledger = Ledger(sys.argv[1])\n"
        "with ledger.lease('prices'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, state_url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        ledger = Ledger(state_url)
        with pytest.raises(Busy), ledger.lease("prices"):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with ledger.lease("prices") as lease:
            assert lease.token == 2
        ledger.close()


def test_nothing_of_a_rehearsal_stays(ledger: Ledger) -> None:
    with ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {"A": "1"})
    with ledger.rehearsal() as scratch:
        with scratch.lease("products") as lease, scratch.write(lease) as tx:
            bindings.bind(tx, "shop", "product", {"B": "2"})
        with scratch.read() as tx:
            assert bindings.count(tx, "shop", "product") == 2
    with ledger.read() as tx:
        assert bindings.count(tx, "shop", "product") == 1
        assert tx.rows(sa.select(tables.lease)) == []


def test_the_outbox_keeps_only_the_newest_change(ledger: Ledger) -> None:
    with ledger.write() as tx:
        for n in range(50):
            outbox.put(tx, "prices", "shop", "price", [Decided("A", "put", "changed", bytes([n]), b"{}")], 1)
        rows = outbox.of(tx, "shop", "price", ["A"])
        assert [row.hash for row in rows] == [bytes([49])]


def test_a_change_behind_one_in_flight_does_not_replace_it(ledger: Ledger) -> None:
    with ledger.write() as tx:
        outbox.put(tx, "prices", "shop", "price", [Decided("A", "put", "changed", b"1", b'"one"')], 1)
        outbox.mark_sent(tx, outbox.of(tx, "shop", "price", ["A"]), 2.0)
        outbox.put(tx, "prices", "shop", "price", [Decided("A", "put", "changed", b"2", b'"two"')], 2)
        (row,) = outbox.of(tx, "shop", "price", ["A"])
    assert (row.state, row.sent_hash, row.sent_canonical) == ("sent", b"1", b'"one"')
    assert (row.hash, row.canonical) == (b"2", b'"two"')


def test_of_one_records_history_only_the_earliest_step_is_due(ledger: Ledger) -> None:
    with ledger.write() as tx:
        steps = [Decided("A", "put", "changed", bytes([n]), b"{}", sequence=n) for n in (1, 2, 3)]
        outbox.put(tx, "statuses", "erp", "order_status", steps, 1)
        Judging(tx, "statuses", "erp", 1).release()
        assert [row.sequence for row in outbox.due(tx, "statuses", "erp", "order_status", ("pending",), 10)] == [1]
        outbox.drop(tx, outbox.due(tx, "statuses", "erp", "order_status", ("pending",), 10))
        assert [row.sequence for row in outbox.due(tx, "statuses", "erp", "order_status", ("pending",), 10)] == [2]


def test_gone_finds_records_whose_page_lost_them(ledger: Ledger) -> None:
    prints = [bytes([n]) * 16 for n in range(1, 6)]
    with ledger.write() as tx:
        seen.save_records(tx, "prices", [Known(f"K{n}", f"S{n}", one) for n, one in enumerate(prints)])
        seen.save_pages(tx, "prices", [(0, Seen(b"".join(prints[:2]))), (1, Seen(b"".join(prints[3:])))])
        assert [[known.key for known in batch] for batch in seen.gone(tx, "prices")] == [["K2"]]


def test_forgetting_survives_a_checkpoint_that_was_read_before(ledger: Ledger) -> None:
    with ledger.write() as tx:
        seen.save_checkpoint(tx, "prices", Checkpoint(cursor="3"))
        before = seen.checkpoint(tx, "prices")
        seen.forget(tx, "prices")
        seen.save_checkpoint(tx, "prices", before)
        assert seen.checkpoint(tx, "prices").epoch == before.epoch + 1


# -- what keeps a state database from being used ---------------------------------------------------------------


def test_a_locked_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    ledger = Ledger(f"sqlite:///{path}", busy_seconds=0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="locked by another program") as caught, ledger.write():
        pass
    assert "End that program" in str(caught.value)
    other.close()
    ledger.close()


def test_a_read_only_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Ledger(f"sqlite:///{path}").close()
    ledger = Ledger(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(StateError, match="read-only"), ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {"A": "1"})
    ledger.close()


def test_a_full_disk_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/state.db")
    with ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {"A": "1"})
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    @sa.event.listens_for(ledger.engine, "checkout")
    def limit(connection, _record, _proxy) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    with pytest.raises(StateError, match="disk is full") as caught, ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {f"K{n}": "x" * 100 + str(n) for n in range(10_000)})
    assert "Free some space" in str(caught.value)
    with ledger.read() as tx:
        assert bindings.count(tx, "shop", "product") == 1
    ledger.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////no/such/folder/state.db", "neither be opened nor made"),
        ("nonsense", "not a database URL"),
        ("mysql://u:secret@h/db", "use sqlite:/// or postgresql"),
        ("postgresql+psycopg://user:topsecret@127.0.0.1:1/none", "does not answer"),
    ],
)
def test_a_url_that_leads_nowhere_says_what_to_mend(url: str, words: str) -> None:
    with pytest.raises(StateError, match=words) as caught:
        Ledger(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is not a database, but it is long enough to be looked at" * 20)
    with pytest.raises(StateError, match="not an SQLite database"):
        Ledger(f"sqlite:///{path}")


def test_a_newer_schema_is_refused(state_url: str) -> None:
    ledger = Ledger(state_url)
    with ledger.write() as tx:
        tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    with pytest.raises(StateError, match="newer Obmen"):
        Ledger(state_url)


def test_who_was_paused_for_long_asks_whether_the_lease_is_still_his(state_url: str, clock: FakeClock) -> None:
    one, other = Ledger(state_url, clock=clock), Ledger(state_url, clock=clock)
    lease = one.take_lease("prices")
    one.ensure(lease)
    clock.advance(LEASE_SECONDS + 1)
    with other.lease("prices"), pytest.raises(LeaseLost):
        one.ensure(lease)
    one.close()
    other.close()


def test_a_verdict_on_one_run_leaves_what_another_still_reads(ledger: Ledger) -> None:
    def decided(*keys: str) -> list[Decided]:
        return [Decided(key, "put", "changed", b"h", b"{}") for key in keys]

    with ledger.write() as tx:
        outbox.put(tx, "prices", "shop", "price", decided("A", "B"), 1)
        outbox.put(tx, "prices", "shop", "price", decided("C"), 2)
        judging = Judging(tx, "prices", "shop", 2, only_run=True)
        assert judging.effects()["new"] == {"changed": 1}
        judging.doubt({"*": "too many"})
        judging.release()
        rows = {row.key: (row.state, row.reason) for row in outbox.of(tx, "shop", "price", ["A", "B", "C"])}
    assert rows == {"A": ("fresh", ""), "B": ("fresh", ""), "C": ("held", "too many")}
