"""Opening the ledger, its transactions, and the leases that fence them.

Two processes that deliver one flow would double what they send. A lease with a growing number prevents it:
every transaction of a flow renews the lease by its number, so a process that lost it (it slept, it was
paused, its clock jumped) can commit nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from obmen.clock import Clock, SystemClock
from obmen.errors import Busy, LeaseLost, StateError
from obmen.state import migrate, owners, planner, tables
from obmen.state.text import fault
from obmen.state.trouble import explained

LEASE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a flow, while its number is the newest."""

    name: str
    owner: str
    token: int


_NUL = "\\u0000"


class Transaction:
    """One transaction on the ledger; ``now`` is its time in Unix seconds."""

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.now = now
        self.written = 0
        self._postgresql = connection.dialect.name == "postgresql"

    def rows(self, query: sa.Executable, parameters: Any = None) -> Sequence[Any]:
        """Return all rows of a query: tuples whose values are attributes, by the columns' names, as well."""
        return self.connection.execute(query, parameters).all()

    def one(self, query: sa.Executable) -> sa.Row[Any] | None:
        """Return the first row of a query."""
        return self.connection.execute(query).first()

    def run(self, statement: sa.Executable, parameters: Any = None) -> int:
        """Execute a statement; return how many rows it touched."""
        return self.connection.execute(statement, parameters).rowcount

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

    def among(self, column: sa.ColumnElement[Any], values: Iterable[str | int]) -> sa.ColumnElement[bool]:
        """Return the condition that a column holds one of these values.

        They are one parameter however many they are, so that a statement is compiled once and not for each
        page. A text that cannot be kept is nowhere.
        """
        wanted = list(values)
        listed = _listed(wanted)
        if _NUL in listed:
            wanted = [value for value in wanted if isinstance(value, int) or not fault(value)]
            listed = _listed(wanted)
        if self._postgresql:
            return column == sa.any_(sa.literal(wanted, sa.ARRAY(column.type)))
        return column.in_(sa.select(sa.func.json_each(listed).table_valued("value").c.value))


class Ledger:
    """The state database.

    ``url``: an SQLAlchemy URL, ``sqlite:///path`` or ``postgresql+psycopg://…``. Opening it brings it to the
    newest schema. ``rehearsing``: nothing of what is written stays. Raises StateError with the next step for
    whatever keeps it from being used.
    """

    _written = 0
    _count_at = 1000

    def __init__(self, url: str, *, clock: Clock | None = None, busy_seconds: float = 10.0) -> None:
        self.clock: Clock = clock or SystemClock()
        self.url = url
        self.rehearsing = False
        self._outer: Connection | None = None
        with explained(url):
            self.engine = _engine(url, busy_seconds)
            try:
                migrate.upgrade(self.engine)
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
            transaction = Transaction(connection, self._now())
            if lease is not None:
                _renew(transaction, lease)
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
        """Hold the right to run a flow; raises Busy if another process has it."""
        taken = self._take(name)
        try:
            yield taken
        finally:
            self._release(taken)

    def keep(self, lease: Lease) -> None:
        """Renew a lease during long work that writes nothing."""
        with self.write(lease):
            pass

    def _take(self, name: str) -> Lease:
        """Take a lease that is free. A row is there before anybody looks at it, for only a row can be locked."""
        columns = ("name", "owner", "token", "expires_at")
        with self.write() as tx:
            tx.upsert(tables.lease, columns, [(name, "", 0, 0.0)], keep=columns[1:])
            row = tx.one(sa.select(tables.lease).where(tables.lease.c.name == name).with_for_update())
            assert row is not None  # noqa: S101 - it was made above
            if row.expires_at > tx.now and owners.may_live(row.owner):
                rest = row.expires_at - tx.now
                message = (
                    f"The flow '{name}' is being run by another process ({row.owner}). Wait until it has finished; "
                    f"if that process died, its lease ends in {rest:.0f} s."
                )
                raise Busy(message)
            token = row.token + 1
            owner = owners.this_process()
            tx.upsert(tables.lease, columns, [(name, owner, token, tx.now + LEASE_SECONDS)])
        return Lease(name, owner, token)

    def _release(self, lease: Lease) -> None:
        with explained(self.url), self._connection(writes=True) as connection:
            connection.execute(
                sa.update(tables.lease)
                .where(tables.lease.c.name == lease.name, tables.lease.c.token == lease.token)
                .values(expires_at=0.0)
            )

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
        scratch.clock, scratch.url, scratch.rehearsing = self.clock, self.url, True
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
            scratch.engine, scratch._outer = self.engine, connection
            try:
                yield scratch
            finally:
                outer.rollback()


def _listed(values: list[Any]) -> str:
    """Return the values as JSON; it holds ``_NUL`` if one of them cannot be kept."""
    try:
        return msgspec.json.encode(values).decode()
    except UnicodeEncodeError:
        return _NUL


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
    renewed = tx.run(
        sa.update(tables.lease)
        .where(tables.lease.c.name == lease.name, tables.lease.c.token == lease.token)
        .values(expires_at=tx.now + LEASE_SECONDS)
    )
    if renewed == 0:
        message = f"Another process runs the flow '{lease.name}' now; this one stops and leaves everything to it."
        raise LeaseLost(message)


def _engine(url: str, busy_seconds: float) -> Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        message = f"'{url}' is not a database URL. Use sqlite:///path/state.db or postgresql+psycopg://user@host/name."
        raise StateError(message) from error
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": busy_seconds})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(parsed, pool_pre_ping=True)
    message = f"The state cannot be kept in {parsed.get_backend_name()}: use sqlite:/// or postgresql+psycopg://."
    raise StateError(message)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, never implicitly
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA cache_size=-8000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("obmen_writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
