"""Papers of orders, such as labels, fetched so that one order that has none keeps no other from its own.

Systems make papers for many orders at once and refuse the whole call for one of them, or have them only a
while after the order was packed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from obmen.clock import Clock
from obmen.connector import Connector
from obmen.entities import join_key
from obmen.errors import ConfigurationError, IncompleteSource, Later, ObmenError, Refused, meant
from obmen.mapping import BoundMapping, NotCarried, Unresolved
from obmen.records import Document, pick
from obmen.state import Ledger, bindings

_PAUSE = 5.0


class Papers:
    """Fetches papers of one kind; ``failed``: native id of an order → why there is none for it."""

    def __init__(self, connector: Connector, kind: str, clock: Clock) -> None:
        if kind not in connector.documents:
            known = ", ".join(sorted(connector.documents)) or "none at all"
            message = f"{connector.name} ({connector.title}) makes no paper '{kind}'; it makes: {known}."
            raise ConfigurationError(message + meant(kind, connector.documents))
        self._connector, self._kind, self._clock = connector, kind, clock
        self._most = connector.documents[kind].batch
        self._later: dict[str, Later] = {}
        self.failed: dict[str, ObmenError] = {}

    def fetch(self, orders: Sequence[str], *, patience: float = 0.0) -> Iterator[Document]:
        """Yield the papers; what is not ready is asked for again for up to ``patience`` seconds."""
        until = self._clock.monotonic() + patience
        while orders:
            self._later = {}
            for some in _parts(list(dict.fromkeys(orders)), self._most):
                yield from self._some(some)
            wait = max((error.after or _PAUSE for error in self._later.values()), default=0.0)
            if self._clock.monotonic() + wait > until:
                self.failed.update(self._later)
                return
            orders = list(self._later)
            if orders:
                self._clock.sleep(wait)

    def _some(self, orders: list[str]) -> Iterator[Document]:
        try:
            made = list(self._connector.papers(self._kind, orders))
        except (Later, Refused) as error:
            if len(orders) > 1:
                middle = len(orders) // 2
                yield from self._some(orders[:middle])
                yield from self._some(orders[middle:])
            elif isinstance(error, Later):
                self._later[orders[0]] = error
            else:
                self.failed[orders[0]] = error
            return
        yield from made
        told = {order for document in made for order in document.orders}
        for order in orders:
            if order not in told:
                message = f"{self._connector.name} answered, but with no {self._kind} for order {order}."
                self.failed[order] = IncompleteSource(message)


def native_ids(ledger: Ledger, connection: str, numbers: Sequence[str]) -> dict[str, str]:
    """Return what a channel calls its orders: number → native id; an order that is not known keeps its number."""
    keys = {number: join_key([connection, number]) for number in numbers}
    with ledger.read() as tx:
        bound = bindings.native_ids(tx, connection, "order", list(keys.values()))
    return {number: bound.get(key, number) for number, key in keys.items()}


def ready(connector: Connector, mapping: BoundMapping) -> list[str]:
    """Return the native ids of the orders that are packed and wait for the carrier, as the channel tells now.

    ``mapping``: the connection's mapping of order_status, for reading.
    """
    key = connector.readers["order_status"].key
    states: dict[str, Any] = {}
    for page in connector.read("order_status", None):
        expanded = page.expand(page.slices) if page.expand is not None else map(page.decode, page.slices)
        for natives in expanded:
            if isinstance(natives, Refused):
                continue
            for native in natives:
                try:
                    states[pick(native, key)] = mapping.pull(native, {}).get("status")
                except (Refused, NotCarried, Unresolved):
                    continue
    return [native_id for native_id, status in states.items() if status == "ready"]


def _parts(orders: list[str], most: int) -> Iterator[list[str]]:
    for start in range(0, len(orders), most):
        yield orders[start : start + most]
