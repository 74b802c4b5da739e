"""Statuses: asked for by the ids of the orders, since no list tells them and nothing says that one changed.

An order's status is two words: what the seller did (``supplierStatus``) and what became of it since
(``wbStatus``). An order is asked for until its life is over. Which are still alive stands in the checkpoint
itself, which is kept together with the statuses that it belongs to: neither a restart nor a crash between two
pages can forget one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from connectors.wildberries.fbw import Fbw
from connectors.wildberries.listing import KEPT, ids_of, listed_between, passing, portions
from connectors.wildberries.orders import WEEK, made_since, numbers
from connectors.wildberries.schemes import Scheme, chosen
from obmen.connector import history, lookup, reader
from obmen.errors import TOO_LATE
from obmen.http import Reply, encode_json
from obmen.records import Native, Page, RecordError, decode_json

ASKED = 1000
CANCELLED = {"cancel", "cancel_carrier", "cancel_missed_call", "cancel_shelf_life", "reject"}
CANCELLED_BY_OTHERS = {
    "canceled",
    "canceled_by_client",
    "declined_by_client",
    "defect",
    "canceled_by_missed_call",
    "canceled_by_carrier",
}
_ENDED = CANCELLED | {"receive"}
_ENDED_THERE = CANCELLED_BY_OTHERS | {"sold"}
_GOES_ON_THERE = {
    "",
    "waiting",
    "sorted",
    "ready_for_pickup",
    "postponed_delivery",
    "accepted_by_carrier",
    "sent_to_carrier",
}


@dataclass(frozen=True, slots=True)
class State:
    """Where an order stands: ``supplier`` is the seller's word, ``there`` what the peer says."""

    supplier: str
    there: str
    cancellable: bool = True

    @property
    def cancelled(self) -> bool:
        """Whether anybody cancelled it."""
        return self.supplier in CANCELLED or self.there in CANCELLED_BY_OTHERS

    @property
    def ended(self) -> bool:
        """Whether nothing more can become of it; a word that is not known ends nothing."""
        return self.supplier in _ENDED or self.there in _ENDED_THERE

    @property
    def told_out(self) -> bool:
        """Whether it need not be asked for again: it has ended, in a word that is known."""
        return self.ended and (self.there in _ENDED_THERE or self.there in _GOES_ON_THERE)


class _Cursor(msgspec.Struct):
    """``open``: scheme → ids of the orders that are alive, each but the first as its distance from the last."""

    made: datetime
    open: dict[str, list[int]] = {}


class Statuses(Fbw):
    """Statuses: natural id ``id``, the number of the assembly order."""

    @reader("order_status", key="id")
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        """Ask for the status of every order that was alive at the last pass or was made since.

        Natives: ``id``, ``scheme``, ``supplierStatus``, ``wbStatus`` (``/api/v3/orders/status`` and its likes).
        """
        if self.only_reads:
            yield from self.fbw_statuses(cursor)
            return
        since = made_since(cursor, self.clock.now() - timedelta(days=self.options.lookback_days))
        alive = msgspec.json.decode(cursor, type=_Cursor).open if cursor else {}
        began = []
        left: dict[str, list[int]] = {name: ids for name, ids in alive.items() if name not in self.options.schemes}
        for scheme in chosen(self.options.schemes):
            ids = set(_summed(alive.get(scheme.name, ())))
            for listed in passing(self, scheme, since):
                began.append(listed.at)
                ids |= listed.rows.keys()
            for some in portions(sorted(ids), ASKED):
                reply = self._ask_states(scheme, some)
                ids -= {id_ for id_, state in _states(scheme, reply).items() if state.told_out}
                yield self._status_page(scheme, reply)
            left[scheme.name] = _distances(ids)
        yield Page((), cursor=msgspec.json.encode(_Cursor(min(began), left)).decode())

    @history("order_status", step=WEEK, reach=KEPT)
    def statuses_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Ask for the status of every order made in a period, as it is now."""
        if self.only_reads:
            made = {one["id"] for one in self.fbw_order_natives(since, until)}
            yield Page([encode_json(one) for one in self.fbw_status_natives(since) if one["id"] in made])
        for scheme in chosen(self.options.schemes):
            for reply in listed_between(self, scheme, since, until):
                for some in portions(ids_of(reply), ASKED):
                    yield self._status_page(scheme, self._ask_states(scheme, some))

    @lookup("order_status", batch=ASKED)
    def look_up_statuses(self, ids: Sequence[str]) -> Iterator[Native]:
        """Ask for the statuses of these orders."""
        if self.only_reads:
            yield from (one for one in self.fbw_status_natives(self.fbw_begin) if one["id"] in ids)
        wanted = numbers(ids)
        for scheme in chosen(self.options.schemes):
            for some in portions(sorted(wanted), ASKED):
                page = self._status_page(scheme, self._ask_states(scheme, some))
                for raw in page.slices:
                    for native in page.decode(raw):
                        wanted.discard(int(native["id"]))
                        yield native

    def states(self, scheme: Scheme, ids: Collection[int]) -> dict[int, State]:
        """Return where these orders stand now; one that the scheme does not have is left out."""
        found: dict[int, State] = {}
        for some in portions(sorted(ids), ASKED):
            found |= _states(scheme, self._ask_states(scheme, some))
        return found

    def _ask_states(self, scheme: Scheme, ids: Sequence[int]) -> Reply:
        return self.call(scheme.states, json={scheme.asked: list(ids)}, safe=True)

    def _status_page(self, scheme: Scheme, reply: Reply) -> Page:
        decode = partial(_decoded, scheme)
        return Page(reply.slices("orders"), decode=decode, salt=scheme.name.encode(), where=reply.what)


def _states(scheme: Scheme, reply: Reply) -> dict[int, State]:
    return {
        row[scheme.told]: State(row["supplierStatus"], row.get("wbStatus", ""), row.get("isCancellable", True))
        for row in reply["orders"]
        if "supplierStatus" in row
    }


def _decoded(scheme: Scheme, raw: bytes) -> Iterator[Native]:
    """Tell a status in one shape for all schemes; a row that only says that there is no such order tells nothing."""
    for row in decode_json(raw):
        if "supplierStatus" in row:
            yield {
                "id": str(row[scheme.told]),
                "scheme": scheme.name,
                "supplierStatus": row["supplierStatus"],
                "wbStatus": row.get("wbStatus", ""),
            }


def _distances(ids: Iterable[int]) -> list[int]:
    """Write ids as short numbers: many stand close together."""
    last, short = 0, []
    for id_ in sorted(ids):
        short.append(id_ - last)
        last = id_
    return short


def _summed(distances: Iterable[int]) -> Iterator[int]:
    last = 0
    for distance in distances:
        last += distance
        yield last


def too_late(state: State) -> RecordError:
    """Return why an order is not cancelled that has left the seller's hands, and what to do."""
    message = (
        f"The order is {state.supplier}/{state.there} at Wildberries: it cannot be cancelled any more. Take the"
        " cancellation back in the books; if the goods come back, Wildberries tells of their return."
    )
    return RecordError(TOO_LATE, message, "status")
