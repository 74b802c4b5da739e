"""Where the queue lies: in the ledger's PostgreSQL, in a schema of its own, so that neither sees the other's tables.

What is in the queue is only who should look at which flow; what is to be done stands in the ledger. So the queue may be
thrown away and made anew at any time, and nothing is lost with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from procrastinate.schema import SchemaManager

from obmen.errors import ConfigurationError, StateError
from obmen.state import ledger
from obmen.state.trouble import shown

SCHEMA = "obmen_queue"
QUEUE = "flows"
_LOCK = 0x6F626D71  # "obmq": PostgreSQL's advisory lock while the schema is made
_ABOUT = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"
_MADE = "SELECT to_regnamespace(%s) IS NOT NULL"


def conninfo(url: str) -> str:
    """Return a ledger's address as libpq takes it, its password included. Raises ConfigurationError for SQLite."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "postgresql":
        message = (
            f"Workers share a state in PostgreSQL, and this one is in {shown(url)}. Carry it over first: "
            "obmen state migrate --to postgresql+psycopg://user@host/name"
        )
        raise ConfigurationError(message)
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)


def session_options() -> str:
    """Return what a connection to the queue begins with: its schema; and a paused process holds up nobody for long."""
    return f"-c search_path={SCHEMA} -c idle_in_transaction_session_timeout={ledger.LEASE_SECONDS * 1000:.0f}"


def prepare(url: str, *, anew: bool = False) -> None:
    """Make the queue if there is none; ``anew``: also in the place of one that another version made.

    Raises StateError if it was made by another version, or cannot be made.
    """
    with _explained(url), psycopg.connect(conninfo(url)) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        exists, about = _one(connection, _MADE), _one(connection, _ABOUT)
        if exists and about == _version():
            return
        if exists and not anew:
            message = (
                f"The queue of {shown(url)} was made by another version of procrastinate ({about}; this is "
                f"{_version()}). Stop all workers and the service, say 'obmen worker --init', and start them again: "
                "what is due stands in the state, so nothing is lost."
            )
            raise StateError(message)
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(f"SET LOCAL search_path = {SCHEMA}")
        connection.execute(SchemaManager.get_schema())
        connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{_version()}'".encode())


def _version() -> str:
    """The newest of the steps by which the library's schema came to be."""
    return max(path.stem for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _one(connection: psycopg.Connection[Any], query: Any) -> Any:
    row = connection.execute(query, [SCHEMA]).fetchone()
    return row[0] if row is not None else None


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        parsed = sa.make_url(url)
        message = (
            f"The user of {shown(url)} may not make the schema {SCHEMA}, in which workers keep their queue. Let an "
            f'administrator say: GRANT CREATE ON DATABASE "{parsed.database}" TO "{parsed.username}";'
        )
        raise StateError(message) from error
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StateError(f"The queue in {shown(url)} cannot be used: {reason}. Nothing was lost.") from error
