"""Brings a ledger to the newest schema, forward only, by numbered migrations."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from obmen.errors import StateError
from obmen.state import planner

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
"""Each file is named by its revision, a number, and what follows an underscore."""
_CURRENT = sa.text("SELECT version_num FROM alembic_version")
_LOCK = 0x6F626D656E  # "obmen" in ASCII: PostgreSQL's advisory lock while migrating


def upgrade(engine: Engine) -> None:
    """Apply the migrations that the database lacks. Raises StateError if a newer Obmen wrote it."""
    numbers = sorted(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*.py"))
    newest = numbers[-1]
    with engine.connect().execution_options(obmen_writes=False) as connection, connection.begin():
        names = sa.inspect(connection).get_table_names()
        current = connection.execute(_CURRENT).scalar() if "alembic_version" in names else None
        strange = names if current is None else []
    if current == newest:
        return
    if strange and engine.dialect.name == "sqlite":
        message = (
            f"The file {engine.url.database} is the database of another program (it has the table "
            f"'{strange[0]}'). Its tables were not touched. Mend 'state:' in the project."
        )
        raise StateError(message)
    if current is not None and current not in numbers:
        message = (
            f"The state database was written by a newer Obmen (schema {current}); this one knows {newest}. "
            "Install the newer version."
        )
        raise StateError(message)
    from obmen.state.migrations.run import run  # noqa: PLC0415 - Alembic is loaded only where it is needed

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        run(connection)
        if connection.dialect.name == "sqlite":
            planner.teach(connection)


@contextmanager
def scratch_copy(engine: Engine) -> Iterator[Path]:
    """Copy an SQLite ledger into a scratch file that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="obmen-plan-") as folder:
        path = Path(folder) / "state.db"
        raw = engine.raw_connection()
        try:
            target = sqlite3.connect(path)
            try:
                raw.driver_connection.backup(target)  # type: ignore[union-attr]  # it is sqlite3's, checked by dialect
            finally:
                target.close()
        finally:
            raw.close()
        yield path


def standing(engine: Engine) -> tuple[str | None, str]:
    """Return the schema that a database has, None for an empty one, and the newest; nothing is changed."""
    newest = max(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*.py"))
    with engine.connect().execution_options(obmen_writes=False) as connection, connection.begin():
        if "alembic_version" not in sa.inspect(connection).get_table_names():
            return None, newest
        return connection.execute(_CURRENT).scalar(), newest
