"""Memory: the little that a connector must know again after a restart, such as a number that may not repeat."""

from __future__ import annotations

import sqlalchemy as sa

from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import given
from obmen.state.ledger import Ledger, Transaction

_M = tables.memory.c
_OF = fixed(sa.select(_M.value).where(given(_M.connection, _M.name)))


class LedgerMemory:
    """A connection's memory in the ledger. See ``obmen.memory.Memory``."""

    def __init__(self, ledger: Ledger, connection: str) -> None:
        self._ledger, self._connection = ledger, connection

    def get(self, name: str) -> bytes | None:
        """Return what was kept under a name."""
        with self._ledger.read() as tx:
            row = tx.one(_OF, of_connection=self._connection, of_name=name)
        return None if row is None else bytes(row[0])

    def put(self, name: str, value: bytes) -> None:
        """Keep a value under a name; once this returns it survives anything."""
        with self._ledger.write() as tx:
            tx.upsert(tables.memory, ("connection", "name", "value"), [(self._connection, name, value)])


def everywhere(tx: Transaction, name: str) -> dict[str, bytes]:
    """Return connection → what it keeps under a name."""
    rows = tx.rows(sa.select(_M.connection, _M.value).where(_M.name == name))
    return {connection: bytes(value) for connection, value in rows}
