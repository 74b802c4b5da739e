"""A peer in memory, for tests of the protocol: it keeps records, counts effects, and misbehaves when told to.

It outlives a simulated crash of the engine, as a real system does, so a test can ask it afterwards whether
anything was lost or doubled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from obmen.clock import Clock
from obmen.connector import Connector, Hints, Options, acknowledge, feed, find, history, lookup, poll, reader, writer
from obmen.errors import InDoubt, Refused, Unavailable
from obmen.http.session import Http
from obmen.http.transport import Transport
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError, natural_id

PAGE = 3
_NOBODY = Http("peer", Transport())
"""One session for all: a peer in memory is called by nobody over the network."""


@dataclass
class Peer:
    """What the peer holds, and how it behaves.

    ``records``: entity → natural id → native record. ``created``: how often each record was made to exist.
    ``steps``: the order in which a record's history arrived. ``refuse``: natural ids it never takes.
    ``lose_answers``: how many calls take effect and are not answered; ``down``: it cannot be reached;
    ``refuse_whole``: one bad record makes it refuse the whole batch; ``late``: a ticket is worked on for so
    many polls. ``tickets``: ticket → record → whether it was taken. ``tells``: it notes what changes and tells it, as
    an exchange plan of 1C does: ``told`` is record → the first message that named it, 0 for none yet, until a message
    is ``acknowledged``.
    ``told_since``: the first read of what is dated tells only what is later.
    """

    records: dict[str, dict[str, Native]] = field(default_factory=dict)
    created: Counter[str] = field(default_factory=Counter)
    steps: dict[str, list[str]] = field(default_factory=dict)
    calls: list[tuple[str, list[str]]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    lose_answers: int = 0
    down: bool = False
    refuse_whole: bool = False
    late: int = 0
    tickets: dict[str, dict[str, bool]] = field(default_factory=dict)
    polls: Counter[str] = field(default_factory=Counter)
    tells: bool = False
    told: dict[tuple[str, str], int] = field(default_factory=dict)
    message: int = 0
    acknowledged: int = 0
    told_since: str = ""

    def of(self, entity: str) -> dict[str, Native]:
        """The records of one entity."""
        return self.records.setdefault(entity, {})

    def put(self, entity: str, *natives: Native) -> None:
        """Let the peer hold these records, as if a person had entered them there."""
        for native in natives:
            self.of(entity)[native_key(entity, native)] = native
            self.told[entity, native_key(entity, native)] = 0

    def drop(self, entity: str, native_id: str) -> None:
        """Let a person delete a record there."""
        del self.of(entity)[native_id]
        self.told[entity, native_id] = 0


def native_key(entity: str, native: Native) -> str:
    """The natural id of a native record."""
    names = _KEYS[entity]
    return natural_id(tuple(native[name] for name in names) if len(names) > 1 else native[names[0]])


_KEYS = {
    "product": ("id",),
    "price": ("id", "type"),
    "stock": ("id", "place"),
    "order": ("number",),
    "order_status": ("number",),
}


class PeerConnector(Connector):
    """Speaks with a ``Peer``: prices and stocks are absolute, products take a ticket, orders are created."""

    title = "Peer"

    def __init__(self, name: str, peer: Peer, *, clock: Clock | None = None) -> None:
        super().__init__(name, Options(), clock=clock, http=_NOBODY)
        self.peer = peer

    def _pages(self, entity: str) -> Iterator[Page]:
        if self.peer.down:
            raise Unavailable(f"{self.name}: the peer cannot be reached.")
        slices = [msgspec.json.encode(native) for native in self.peer.of(entity).values()]
        for start in range(0, len(slices), PAGE):
            yield Page(slices[start : start + PAGE], total=len(slices))

    @reader("product", key="id", complete=True)
    def products(self, _cursor: str | None) -> Iterator[Page]:
        """Read products."""
        return self._pages("product")

    @reader("price", key=("id", "type"), complete=True)
    def prices(self, _cursor: str | None) -> Iterator[Page]:
        """Read prices."""
        return self._pages("price")

    @reader("stock", key=("id", "place"), complete=True)
    def stocks(self, _cursor: str | None) -> Iterator[Page]:
        """Read stocks."""
        return self._pages("stock")

    @reader("order", key="number", complete=True)
    def orders(self, _cursor: str | None) -> Iterator[Page]:
        """Read orders."""
        return self._pages("order")

    @reader("order_status", key="number", complete=True, channel="channel")
    def statuses(self, _cursor: str | None) -> Iterator[Page]:
        """Read order statuses."""
        return self._pages("order_status")

    @writer("price", key=("id", "type"), batch=4, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        """Set prices."""
        return self._set("price", batch)

    @writer("stock", key=("id", "place"), batch=4, absolute=True)
    def set_stocks(self, batch: Batch) -> Iterator[Outcome]:
        """Set stocks."""
        return self._set("stock", batch)

    @writer("order", key="number", batch=1, updates=False)
    def create_order(self, batch: Batch) -> Iterator[Outcome]:
        """Create an order: said twice, it would be there twice."""
        item = batch.items[0]
        self._arrive("order", batch)
        if item.id in self.peer.refuse:
            yield batch.refused(item.id, [RecordError("bad", "the peer does not take it")])
            return
        self.peer.created[item.id] += 1
        self.peer.of("order")[item.id] = dict(item.payload)
        self._answer()
        yield batch.done(item.id, f"ref-{item.id}")

    @find("order")
    def find_order(self, item: Item) -> str | None:
        """Look an order up by its number."""
        self._reached()
        return f"ref-{item.id}" if item.id in self.peer.of("order") else None

    @writer("order_status", key="number", batch=2)
    def set_status(self, batch: Batch) -> Iterator[Outcome]:
        """Move orders on; every step is noted."""
        self._arrive("order_status", batch)
        for item in batch.items:
            if item.id not in self.peer.refuse:
                self.peer.steps.setdefault(item.id, []).append(str(item.payload["status"]))
                self.peer.of("order_status")[item.id] = dict(item.payload)
        self._answer()
        yield from self._answers(batch)

    @find("order_status")
    def find_status(self, item: Item) -> str | None:
        """Whether the order already has the status."""
        self._reached()
        there = self.peer.of("order_status").get(item.id, {})
        return item.id if there.get("status") == item.payload["status"] else None

    @writer("product", key="id", batch=4, absolute=True)
    def import_products(self, batch: Batch) -> Iterator[Outcome]:
        """Take cards in; what became of them is asked by ticket."""
        self._arrive("product", batch)
        ticket = f"task-{len(self.peer.tickets) + 1}"
        self.peer.tickets[ticket] = {item.id: item.id not in self.peer.refuse for item in batch.items}
        for item in batch.items:
            if item.id not in self.peer.refuse:
                self.peer.of("product")[item.id] = dict(item.payload)
        self._answer()
        for item in batch.items:
            yield batch.accepted(item.id, ticket)

    @poll("product")
    def poll_products(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Say what became of cards."""
        self._reached()
        self.peer.polls[ticket] += 1
        if self.peer.polls[ticket] > self.peer.late:
            taken = self.peer.tickets.get(ticket, {})
            yield from (_said(batch, item, taken[item.id]) for item in batch.items if item.id in taken)

    @writer("product", key="id", batch=4, absolute=True, op="archive")
    def archive_products(self, batch: Batch) -> Iterator[Outcome]:
        """Archive cards."""
        return self._flag(batch, archived=True)

    @writer("product", key="id", batch=4, absolute=True, op="restore")
    def restore_products(self, batch: Batch) -> Iterator[Outcome]:
        """Bring cards back."""
        return self._flag(batch, archived=False)

    @lookup("product", batch=2)
    def look_at_products(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read cards again."""
        return self._held("product", ids)

    @lookup("price", batch=2)
    def look_at_prices(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read prices back."""
        return self._held("price", ids)

    def listens(self, entity: str) -> bool:
        """Only some peers tell what changes."""
        return self.peer.tells and entity in self.feeds

    @feed("product", "price")
    def changed(self, _cursor: str | None) -> Iterator[Hints]:
        """Name what changed since the last message that was acknowledged."""
        self._reached()
        self.peer.message = self.peer.acknowledged + 1
        ids: dict[str, list[str]] = {}
        for (entity, native_id), message in self.peer.told.items():
            self.peer.told[entity, native_id] = message or self.peer.message
            ids.setdefault(entity, []).append(native_id)
        if ids:
            yield Hints(ids, str(self.peer.message))

    @acknowledge
    def forget_told(self, cursor: str) -> None:
        """Forget what messages up to this one named."""
        self._reached()
        self.peer.acknowledged = int(cursor)
        self.peer.told = {one: at for one, at in self.peer.told.items() if at == 0 or at > int(cursor)}

    def _held(self, entity: str, ids: Sequence[str]) -> Iterator[Native]:
        self._reached()
        self.peer.calls.append((f"look {entity}", list(ids)))
        held = self.peer.of(entity)
        return (held[one] for one in ids if one in held)

    def _set(self, entity: str, batch: Batch) -> Iterator[Outcome]:
        self._arrive(entity, batch)
        for item in batch.items:
            if item.id not in self.peer.refuse:
                self.peer.of(entity)[item.id] = dict(item.payload)
        self._answer()
        yield from self._answers(batch)

    def _flag(self, batch: Batch, *, archived: bool) -> Iterator[Outcome]:
        self._arrive("product", batch)
        for item in batch.items:
            self.peer.of("product")[item.id]["archived"] = archived
        self._answer()
        yield from self._answers(batch)

    def _answers(self, batch: Batch) -> Iterator[Outcome]:
        return (_said(batch, item, item.id not in self.peer.refuse) for item in batch.items)

    def _arrive(self, entity: str, batch: Batch) -> None:
        self._reached()
        self.peer.calls.append((entity, [item.id for item in batch.items]))
        bad = [item.id for item in batch.items if item.id in self.peer.refuse]
        if self.peer.refuse_whole and bad:
            raise Refused(f"{self.name}: one of {len(batch)} records is bad.", code="bad_batch")

    def _reached(self) -> None:
        if self.peer.down:
            raise Unavailable(f"{self.name}: the peer cannot be reached.")

    def _answer(self) -> None:
        if self.peer.lose_answers > 0:
            self.peer.lose_answers -= 1
            raise InDoubt(f"{self.name}: the answer was lost.")


def _said(batch: Batch, item: Item, taken: bool) -> Outcome:
    if taken:
        return batch.done(item.id, f"ref-{item.id}")
    return batch.refused(item.id, [RecordError("bad", "the peer does not take it")])


class DatedPeerConnector(PeerConnector):
    """Tells of orders and their statuses what is newer than its cursor, or what belongs to a period by ``at``."""

    step = timedelta(days=1)

    @reader("order", key="number")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Read the orders after the cursor."""
        return self._since("order", cursor)

    @history("order", step=step, parallel=2, reach=timedelta(days=400))
    def orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the orders of a period."""
        return self._of("order", since, until)

    @reader("order_status", key="number")
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read the statuses after the cursor."""
        return self._since("order_status", cursor)

    @history("order_status", step=step)
    def statuses_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the statuses of the orders of a period."""
        return self._of("order_status", since, until)

    def _since(self, entity: str, cursor: str | None) -> Iterator[Page]:
        self._reached()
        newer = [one for one in self.peer.of(entity).values() if str(one["at"]) > (cursor or self.peer.told_since)]
        if newer:
            slices = [msgspec.json.encode(one) for one in newer]
            yield Page(slices, cursor=max(str(one["at"]) for one in newer))

    def _of(self, entity: str, since: datetime, until: datetime) -> Iterator[Page]:
        self._reached()
        self.peer.calls.append((f"past {entity}", [since.isoformat(), until.isoformat()]))
        found = [one for one in self.peer.of(entity).values() if since <= datetime.fromisoformat(one["at"]) < until]
        slices = [msgspec.json.encode(one) for one in found]
        for start in range(0, len(slices), PAGE):
            self._reached()
            yield Page(slices[start : start + PAGE])


def written(peer: Peer) -> dict[str, Any]:
    """What a test compares at the end: records, creations and steps."""
    return {"records": peer.records, "created": dict(peer.created), "steps": peer.steps}
