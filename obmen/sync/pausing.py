"""Reading as long as nobody has paused it: it is looked before every page, so that a pause acts within one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from obmen.state import Ledger, stops

_Page = TypeVar("_Page")


def refuse(ledger: Ledger, connection: str, entity: str) -> None:
    """Raise Paused if somebody has paused reading an entity from a connection."""
    with ledger.read() as tx:
        stops.refuse(tx, connection, entity, "read")


def unpaused(ledger: Ledger, connection: str, entity: str, pages: Iterable[_Page]) -> Iterator[_Page]:
    """Yield pages; raises Paused before one is asked for that may not be."""
    refuse(ledger, connection, entity)
    for page in pages:
        yield page
        del page  # let go of before the next one is read
        refuse(ledger, connection, entity)
