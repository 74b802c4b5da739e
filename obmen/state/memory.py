"""Memory: the little that a connector must know again after a restart, such as a number that may not repeat."""

from __future__ import annotations

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.ledger import Ledger, Transaction

_M = tables.memory.c


class LedgerMemory:
    """A connection's memory in the ledger. See ``obmen.memory.Memory``."""

    def __init__(self, ledger: Ledger, connection: str) -> None:
        self._ledger, self._connection = ledger, connection

    def get(self, name: str) -> bytes | None:
        """Return what was kept under a name."""
        query = sa.select(_M.value).where(_M.connection == self._connection, _M.name == name)
        with self._ledger.read() as tx:
            row = tx.one(query)
        return None if row is None else bytes(row.value)

    def put(self, name: str, value: bytes) -> None:
        """Keep a value under a name; once this returns it survives anything."""
        with self._ledger.write() as tx:
            tx.upsert(tables.memory, ("connection", "name", "value"), [(self._connection, name, value)])


def everywhere(tx: Transaction, name: str) -> dict[str, bytes]:
    """Return connection → what it keeps under a name."""
    rows = tx.rows(sa.select(_M.connection, _M.value).where(_M.name == name))
    return {connection: bytes(value) for connection, value in rows}
