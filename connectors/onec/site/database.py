"""What the exchange has to remember: orders with their short numbers, what 1C made of them, pictures.

A file of its own in the exchange folder, for the flow that writes orders and the server that hands them out
are two processes; each step is one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

HOME = Path(".site")
"""The folder inside the exchange folder that is Obmen's own; hidden, so that no reader takes it for an export."""
_PATIENCE = 60.0
_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  short TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  number TEXT NOT NULL,
  payload BLOB NOT NULL,
  state BLOB NOT NULL,
  revision INTEGER NOT NULL,
  confirmed INTEGER NOT NULL DEFAULT 0,
  written_at REAL NOT NULL,
  UNIQUE (channel, number)
);
CREATE TABLE IF NOT EXISTS answers (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  short TEXT NOT NULL,
  record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_of ON answers (short, position);
CREATE TABLE IF NOT EXISTS pictures (path TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class Database:
    """The memory of one exchange folder; made with its folder when it is first asked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / HOME / "site.db"
        self._made = False

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a transaction that writes; nobody else's is open at the same time, in any process."""
        with closing(self.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a transaction that reads one state."""
        with closing(self.connect()) as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    def connect(self) -> sqlite3.Connection:
        """Return a connection of one's own; what it reads outside of a transaction must be read to the end."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            if not self._made:
                connection.executescript(_TABLES)
                self._made = True
        except BaseException:
            connection.close()
            raise
        return connection
