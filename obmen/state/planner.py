"""Tells the database what the ledger's tables look like once they are full.

Without it SQLite takes a flow for some ten records, so that it would rather walk through all records of a flow
than look a page of them up by their ids: with a million records each page would cost a second. Real figures
would be those of the day on which they were counted, mostly an empty first day; so they are given.

PostgreSQL cannot be told, and counts by itself only once a minute. Until then it compares each record of a flow
with each id of a page; so it is made to count as soon as there is something.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

_FULL = {
    ("record", "record"): (1_000_000, 300_000, 1),
    ("record", "record_by_source"): (1_000_000, 300_000, 1),
    ("binding", "binding"): (1_000_000, 500_000, 100_000, 1),
    ("binding", "sqlite_autoindex_binding_2"): (1_000_000, 500_000, 100_000, 1),
    ("agreed", "agreed"): (1_000_000, 500_000, 100_000, 1),
    ("outbox", "outbox"): (1_000_000, 500_000, 100_000, 1, 1),
    ("outbox", "outbox_by_flow"): (1_000_000, 200_000, 100_000, 50_000, 20_000),
    ("quarantine", "quarantine_by_flow"): (100_000, 50_000, 20_000, 1),
    ("quarantine", "quarantine_by_source"): (100_000, 50_000, 1),
    ("quarantine", "quarantine_by_key"): (100_000, 50_000, 1),
}
"""Table and index (the table's own name is its primary key) → how many rows there are, and how many share the
values of the index's first column, of its first two, and so on."""


def teach(connection: Connection) -> None:
    """Lay the figures down where SQLite looks for them."""
    connection.exec_driver_sql("ANALYZE")
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    rows = [(table, index, " ".join(map(str, figures))) for (table, index), figures in _FULL.items()]
    connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", rows)
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes this connection read them


def count(connection: Connection) -> None:
    """Have PostgreSQL count the rows of the tables that grow; SQLite was told once and for all."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {', '.join(sorted({table for table, _ in _FULL}))}")
