"""The writer of statuses: whatever the seller does with an order, by the scheme in which it was sold."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.wildberries.assembly import Assembly
from connectors.wildberries.bulk import Bulk
from connectors.wildberries.orders import numbers
from connectors.wildberries.routes import ROUTES
from connectors.wildberries.schemes import FBS, chosen
from connectors.wildberries.statuses import ASKED
from obmen.connector import find, poll, writer
from obmen.records import Batch, Item, Outcome, RecordError


class Steps(Assembly, Bulk):
    """Payloads: ``id``, ``status`` (confirm, ready, complete, receive, reject, cancel), ``packages``, ``reason``."""

    @writer("order_status", key="id", batch=ASKED)
    def set_statuses(self, batch: Batch) -> Iterator[Outcome]:
        """Bring orders to a status: into a supply, marked, handed over, cancelled."""
        items = {int(item.id): item for item in batch.items if item.id.isdecimal()}
        for item in batch.items:
            if not item.id.isdecimal():
                yield batch.refused(item.id, [_unknown(item)])
        for scheme in chosen(self.options.schemes):
            now = self.states(scheme, items) if items else {}
            mine = {id_: items.pop(id_) for id_ in list(items) if id_ in now}
            if mine and scheme is FBS:
                yield from self.assemble(batch, mine, now)
            elif mine:
                yield from self.advance(scheme, batch, mine, now)
        for item in items.values():
            yield batch.refused(item.id, [_unknown(item)])

    @poll("order_status")
    def ask_again(self, ticket: str, batch: Batch) -> Iterator[Outcome]:  # noqa: ARG002 - all wait for the same
        """Go on with orders whose marking codes were being checked."""
        return self.set_statuses(batch)

    @find("order_status")
    def find_status(self, item: Item) -> str | None:
        """Return the order's id if the step's effect already stands there."""
        for scheme in chosen(self.options.schemes):
            state = self.states(scheme, numbers([item.id])).get(int(item.id)) if item.id.isdecimal() else None
            if state is not None:
                wanted = item.payload["status"]
                stands = self.stands(item, state) if scheme is FBS else ROUTES[scheme.name].reached(wanted, state)
                return item.id if stands else None
        return None


def _unknown(item: Item) -> RecordError:
    return RecordError("NotFound", f"Wildberries has no order {item.id} in the schemes of this connection.", "id")
