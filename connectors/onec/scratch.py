"""What is needed only while one read goes on and may be larger than memory is kept on disk."""

from __future__ import annotations

import sqlite3


def scratch() -> sqlite3.Connection:
    """Return a database on disk that nobody else sees and that is gone when it is closed."""
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;")
    return database
