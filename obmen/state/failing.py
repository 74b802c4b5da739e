"""What fails at the moment: reading a flow, or telling one of its targets, from its first failure until it works again.

A flow is read more often than a target that fails is tried, so its last run tells nothing of that target. Without this
a source that answers would hide that nothing arrives. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from obmen.state import tables
from obmen.state.fixed import fixed
from obmen.state.given import among, given
from obmen.state.ledger import Transaction

_M = tables.memory.c
_PREFIX = "failing|"
_COLUMNS = ("connection", "name", "value")
_OF = fixed(sa.select(_M.connection, _M.value).where(among(_M.connection), given(_M.name)))


class Failing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often in a row it failed, ``since`` when, and in which ``words`` it did last.

    ``denied``: the system does not let us in.
    """

    times: int
    since: float
    words: str
    denied: bool = False


def of(tx: Transaction, flow: str, connections: Iterable[str]) -> dict[str, Failing]:
    """Return what fails of a flow: by its source for reading it, by its targets for telling them."""
    rows = tx.rows(_OF, of_connection=list(connections), of_name=_PREFIX + flow)
    return {connection: msgspec.json.decode(bytes(value), type=Failing) for connection, value in rows}


def failed(tx: Transaction, flow: str, connection: str, words: str, *, denied: bool) -> None:
    """Note that it failed once more."""
    known = of(tx, flow, [connection]).get(connection)
    times, since = (known.times, known.since) if known is not None else (0, tx.now)
    kept = msgspec.json.encode(Failing(times + 1, min(since, tx.now), words, denied))
    tx.upsert(tables.memory, _COLUMNS, [(connection, _PREFIX + flow, kept)])


def worked(tx: Transaction, flow: str, connection: str) -> None:
    """Note that it works."""
    tx.run(sa.delete(tables.memory).where(_M.connection == connection, _M.name == _PREFIX + flow))
