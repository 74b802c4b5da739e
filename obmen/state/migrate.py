"""Brings a ledger to the newest schema, forward only, by numbered migrations."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from obmen.errors import StateError
from obmen.state import planner, tables

_LOCK = 0x6F626D656E  # "obmen" in ASCII: PostgreSQL's advisory lock while migrating


def upgrade(engine: Engine) -> None:
    """Apply the migrations that the database lacks. Raises StateError if a newer Obmen wrote it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head()
    with engine.connect().execution_options(obmen_writes=False) as connection, connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        strange = sa.inspect(connection).get_table_names() if current is None else []
    if current == newest:
        return
    if strange and engine.dialect.name == "sqlite":
        message = (
            f"The file {engine.url.database} is the database of another program (it has the table "
            f"'{strange[0]}'). Its tables were not touched. Mend 'state:' in the project."
        )
        raise StateError(message)
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        message = (
            f"The state database was written by a newer Obmen (schema {current}); this one knows {newest}. "
            "Install the newer version."
        )
        raise StateError(message)
    context = EnvironmentContext(config, scripts)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        context.configure(
            connection=connection,
            target_metadata=tables.metadata,
            fn=lambda revision, _context: scripts._upgrade_revs("head", revision),  # noqa: SLF001 - alembic's own way for programs
        )
        context.run_migrations()
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
