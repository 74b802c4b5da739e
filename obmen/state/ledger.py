"""Opening the ledger, its transactions, and the leases that fence them.

Two processes that deliver one flow would double what they send. A lease with a growing number prevents it:
every transaction of a flow renews the lease by its number, so a process that lost it (it slept, it was
paused, its clock jumped) can commit nothing more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from obmen.clock import Clock, SystemClock
from obmen.errors import Busy, LeaseLost, StateError
from obmen.state import migrate, moves, owners, planner, tables
from obmen.state.fixed import directly, failed, fixed
from obmen.state.given import given
from obmen.state.trouble import explained

LEASE_SECONDS = 60.0
_L = tables.lease.c
_LOOK = sa.select(tables.lease).where(given(_L.name)).with_for_update()
_ALONE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_END = fixed(sa.update(tables.lease).where(given(_L.name, _L.token)).values(expires_at=sa.bindparam("until")))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a flow, while its number is the newest."""

    name: str
    owner: str
    token: int


class Transaction:
    """One transaction on the ledger; ``now`` is its time in Unix seconds."""

    def __init__(self, connection: Connection, now: float, *, rehearsing: bool = False) -> None:
        self.connection = connection
        self._rehearsing = rehearsing
        self.now = now
        self.written = 0
        self._postgresql = connection.dialect.name == "postgresql"

    def rows(self, query: sa.Executable, **values: Any) -> Sequence[Any]:
        """Return all rows of a query: tuples whose values, but of a ``fixed`` query, are attributes as well."""
        cursor = directly(self.connection, query, values)
        if cursor is None:
            return self.connection.execute(query, values or None).all()
        with closing(cursor):
            return cursor.fetchall()

    def one(self, query: sa.Executable, **values: Any) -> Any:
        """Return the first row of a query."""
        cursor = directly(self.connection, query, values)
        if cursor is None:
            return self.connection.execute(query, values or None).first()
        with closing(cursor):
            return cursor.fetchone()

    def run(self, statement: sa.Executable, parameters: Any = None, **values: Any) -> int:
        """Execute a statement, with values or for each of ``parameters``; return how many rows it touched."""
        cursor = directly(self.connection, statement, values) if parameters is None else None
        if cursor is None:
            return self.connection.execute(statement, parameters or values or None).rowcount
        with closing(cursor):
            return cursor.rowcount

    def alone(self, name: str) -> None:
        """Keep other transactions that ask for the same name out until this one ends; to be asked first in it.

        In SQLite only one transaction writes at a time anyway. A rehearsal keeps nobody waiting.
        """
        if self._postgresql and not self._rehearsing:
            self.connection.execute(_ALONE, {"name": name})

    def upsert(
        self, table: sa.Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, keep: tuple[str, ...] = ()
    ) -> None:
        """Insert rows by primary key, replacing those that stand there except for the columns in ``keep``.

        ``columns`` names what the rows hold, the primary key first. They are written in key order, which keeps a
        large table fast.
        """
        if not rows:
            return
        statement = _upsert(table, columns, keep, "%s" if self._postgresql else "?")
        ordered = sorted(rows, key=itemgetter(*range(len(table.primary_key))))
        self.connection.exec_driver_sql(statement, ordered)
        self.written += len(ordered)

    def let_go(self) -> None:
        """Free what SQLite still holds of what was read, when a long walk will not come by it again."""
        if not self._postgresql:
            self.connection.exec_driver_sql("PRAGMA shrink_memory")


class Ledger:
    """The state database.

    ``url``: an SQLAlchemy URL, ``sqlite:///path`` or ``postgresql+psycopg://…``. Opening it brings it to the
    newest schema. ``rehearsing``: nothing of what is written stays. ``moving``: open it even if it has moved
    elsewhere, or is about to. Raises StateError with the next step for whatever keeps it from being used.
    """

    _written = 0
    _count_at = 1000

    def __init__(
        self, url: str, *, clock: Clock | None = None, busy_seconds: float = 10.0, moving: bool = False
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.url = url
        self.rehearsing = False
        self._outer: Connection | None = None
        self._renewed: dict[Lease, float] = {}
        """When each lease that is held was last renewed, on the monotonic clock."""
        with explained(url):
            self.engine = _engine(url, busy_seconds)
            try:
                migrate.upgrade(self.engine)
                if not moving:
                    with self._connection(writes=False) as connection:
                        moves.refuse(connection)
            except BaseException:
                self.engine.dispose()
                raise

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Look, without a lease and without blocking writers."""
        with explained(self.url), self._connection(writes=False) as connection:
            yield Transaction(connection, self._now())

    @contextmanager
    def write(self, lease: Lease | None = None) -> Iterator[Transaction]:
        """Write, all or nothing. With a lease: only while it is ours."""
        with explained(self.url), self._connection(writes=True) as connection:
            transaction = Transaction(connection, self._now(), rehearsing=self.rehearsing)
            if lease is not None and not self.rehearsing:
                began = self.clock.monotonic()
                _renew(transaction, lease)
                self._renewed[lease] = began
            elif not self.rehearsing:
                moves.refuse(connection)
            yield transaction
            self._count(transaction)

    def _count(self, transaction: Transaction) -> None:
        """Have PostgreSQL count its rows once many were written, and again when there are ten times as many."""
        self._written += transaction.written
        if self._written >= self._count_at:
            planner.count(transaction.connection)
            self._count_at = self._written * 10

    @contextmanager
    def lease(self, name: str) -> Iterator[Lease]:
        """Hold the right to run a flow; raises Busy if another process has it.

        A rehearsal changes nothing that another could, so it asks nobody and keeps nobody waiting.
        """
        if self.rehearsing:
            yield Lease(name, "rehearsal", 0)
            return
        taken = self.take_lease(name)
        try:
            yield taken
        finally:
            self.release_lease(taken)

    def keep(self, lease: Lease) -> None:
        """Renew a lease during long work that writes nothing."""
        with self.write(lease):
            pass

    def ensure(self, lease: Lease) -> None:
        """Raise LeaseLost unless the lease is surely still ours; asked before a call that another could make too.

        A process that was paused knows by the clock that nobody can set that it was, before it says anything.
        """
        renewed = self._renewed.get(lease, float("-inf"))
        if not self.rehearsing and self.clock.monotonic() - renewed > LEASE_SECONDS / 2:
            self.keep(lease)

    def take_lease(self, name: str) -> Lease:
        """Take a lease that is free; raises Busy otherwise.

        Its row is there before anybody looks at it, for only a row can be locked.
        """
        columns = ("name", "owner", "token", "expires_at")
        with self.write() as tx:
            tx.upsert(tables.lease, columns, [(name, "", 0, 0.0)], keep=columns[1:])
            row = tx.one(_LOOK, of_name=name)
            assert row is not None  # noqa: S101 - it was made above
            if row.expires_at > tx.now and owners.may_live(row.owner):
                rest = row.expires_at - tx.now
                message = (
                    f"The flow '{name}' is being run by another process ({row.owner}). Wait until it has finished; "
                    f"if that process died, its lease ends in {rest:.0f} s."
                )
                raise Busy(message)
            token = row.token + 1
            taken = Lease(name, owners.this_process(), token)
            tx.upsert(tables.lease, columns, [(name, taken.owner, token, tx.now + LEASE_SECONDS)])
        return taken

    def release_lease(self, lease: Lease) -> None:
        """Let go of a lease; one that was lost since is left to whoever has it."""
        self._renewed.pop(lease, None)
        with explained(self.url), self._connection(writes=True) as connection:
            Transaction(connection, 0.0).run(_END, of_name=lease.name, of_token=lease.token, until=0.0)

    @contextmanager
    def _connection(self, *, writes: bool) -> Iterator[Connection]:
        if self._outer is not None:
            with self._outer.begin_nested():
                yield self._outer
            return
        options = {"obmen_writes": writes}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def _now(self) -> float:
        return self.clock.now().timestamp()

    @contextmanager
    def rehearsal(self) -> Iterator[Ledger]:
        """Give a ledger in which everything can be tried and nothing stays: a plan is made in it.

        SQLite: a scratch copy, so that a plan of any length blocks nobody. PostgreSQL: one transaction that
        is rolled back.
        """
        scratch = object.__new__(Ledger)
        scratch.clock, scratch.url, scratch.rehearsing, scratch._renewed = self.clock, self.url, True, {}
        if self.engine.dialect.name == "sqlite":
            with explained(self.url), migrate.scratch_copy(self.engine) as path:
                scratch.engine, scratch._outer = _engine(f"sqlite:///{path}", 10.0), None
                try:
                    yield scratch
                finally:
                    scratch.close()
            return
        with explained(self.url), self.engine.connect() as connection:
            outer = connection.begin()
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            scratch.engine, scratch._outer = self.engine, connection
            try:
                yield scratch
            finally:
                outer.rollback()


@cache
def _upsert(table: sa.Table, columns: Sequence[str], keep: Sequence[str], mark: str) -> str:
    """Write the statement for the driver itself: what is done for each record must cost nothing but the record."""
    key = [column.name for column in table.primary_key]
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in (*key, *keep))
    then = f"UPDATE SET {changed}" if changed else "NOTHING"
    marks = ", ".join([mark] * len(columns))
    into = f"INSERT INTO {table.name} ({_quoted(columns)}) VALUES ({marks})"  # noqa: S608 - names of our own tables
    return f"{into} ON CONFLICT ({_quoted(key)}) DO {then}"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _renew(tx: Transaction, lease: Lease) -> None:
    if tx.run(_END, of_name=lease.name, of_token=lease.token, until=tx.now + LEASE_SECONDS) == 0:
        message = f"Another process runs the flow '{lease.name}' now; this one stops and leaves everything to it."
        raise LeaseLost(message)


def _engine(url: str, busy_seconds: float) -> Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        message = f"'{url}' is not a database URL. Use sqlite:///path/state.db or postgresql+psycopg://user@host/name."
        raise StateError(message) from error
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": busy_seconds}, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        engine = sa.create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_postgresql)
        return engine
    message = f"The state cannot be kept in {parsed.get_backend_name()}: use sqlite:/// or postgresql+psycopg://."
    raise StateError(message)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, never implicitly
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA cache_size=-8000")
    cursor.close()


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Have the server end a transaction whose process was paused: by then its lease is over, and others wait."""
    connection.execute(f"SET idle_in_transaction_session_timeout = {LEASE_SECONDS * 1000:.0f}")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("obmen_writes", True)
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - it has just been taken from the pool
    try:
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    except sqlite3.Error as error:
        raise failed(connection, "BEGIN", error) from error
