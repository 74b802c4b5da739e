"""Statuses of postings: read from the same listing as orders, and set where the seller may set them.

A seller assembles and cancels, and where he delivers himself he also says how far the goods are; all other
steps are the carrier's and the buyer's. No call is safe to repeat, and an answer of 200 is no promise: so a
posting is looked at before and after each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connectors.ozon import marking, own_delivery
from connectors.ozon.assembly import assemble, prepared
from connectors.ozon.cancelling import Reason, cancel
from connectors.ozon.errors import WRONG_STATUS
from connectors.ozon.families import (
    ASSEMBLED,
    CANCELLED,
    DELIVERED,
    DELIVERING,
    SPLIT,
    TO_ASSEMBLE,
    is_being_split,
    living,
)
from connectors.ozon.orders import AT_ONCE, WEEK, PostingReader
from connectors.ozon.postings import POSTING_LIMIT, find_families, posting
from obmen.connector import find, history, lookup, poll, reader, writer
from obmen.errors import Later, Refused
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError

MOVED = 20
"""Postings in one call about deliveries; assembling and cancelling take one."""
_NOT_YET = {"awaiting_approve", "awaiting_verification"}
_SELLERS = {ASSEMBLED, CANCELLED, DELIVERING, DELIVERED}
_CHECKS = "checks"
_SETTLING = 60.0


class Statuses(PostingReader):
    """Statuses: natural id ``posting_number``; the native status is the posting's own."""

    @reader("order_status", key="posting_number")
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        """Read the postings whose status changed, and those that wait for the seller."""
        return self.read_postings(cursor)

    @history("order_status", step=WEEK, parallel=AT_ONCE)
    def statuses_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the postings that Ozon took up in a period, each in the status that it has now."""
        return self.read_postings_of(since, until)

    @lookup("order_status", batch=POSTING_LIMIT)
    def look_up_statuses(self, ids: Sequence[str]) -> Iterator[Native]:
        """Read these postings."""
        return self.look_up_postings(ids)

    @find("order_status")
    def find_status(self, item: Item) -> str | None:
        """Return the posting's number if the status's effect already stands there, and in all of its parts."""
        if item.payload["status"] not in _SELLERS:
            return item.id
        try:
            alone = posting(self.http, item.id)
        except Refused:
            return None
        if alone["status"] != SPLIT and not _stands(item, [alone]):
            return None
        ((_, parts),) = self._postings_of([item])
        return item.id if not isinstance(parts, Refused) and _stands(item, parts) else None

    @writer("order_status", key="posting_number", batch=MOVED)
    def set_status(self, batch: Batch) -> Iterator[Outcome]:
        """Assemble, cancel, or say how far goods are; a status that is not the seller's to set needs nothing done.

        Goods that have left the seller's warehouse were packed: where nobody said so, it is said first.
        """
        ours = [item for item in batch.items if item.payload["status"] in _SELLERS]
        yield from (batch.done(item.id, item.id) for item in batch.items if item not in ours)
        moving: dict[str, list[Native]] = {}
        for item, parts in self._postings_of(ours):
            if isinstance(parts, Refused):
                yield _refused(batch, item, parts)
            elif _stands(item, parts):
                yield batch.done(item.id, item.id)
            elif item.payload["status"] in {DELIVERING, DELIVERED} and not _unassembled(parts):
                moving[item.id] = parts
            else:
                yield self._assemble_or_cancel(batch, item, parts)
        yield from self._lead(batch, moving)

    @poll("order_status")
    def settled(self, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Look whether what was asked for has happened: a check of marking codes, a step of a delivery."""
        for item, parts in self._postings_of(list(batch.items)):
            if isinstance(parts, Refused):
                yield _refused(batch, item, parts)
            elif _stands(item, parts):
                yield batch.done(item.id, item.id)
            else:
                try:
                    ready = self._has_happened(ticket, item, parts)
                except Refused as error:
                    yield _refused(batch, item, error)
                    continue
                if ready:
                    yield batch.later(item.id, "Ozon is ready for the next step", after=0.0)

    def _has_happened(self, ticket: str, item: Item, parts: Sequence[Native]) -> bool:
        if ticket == _CHECKS:
            return any(part["status"] != TO_ASSEMBLE for part in living(parts)) or prepared(
                self.http, item.payload.get("packages") or (), parts
            )
        return all(own_delivery.next_step(part, item.payload["status"]) != ticket for part in parts)

    # -- looking ------------------------------------------------------------------------------------------

    def _postings_of(self, items: Sequence[Item]) -> Iterator[tuple[Item, list[Native] | Refused]]:
        """Yield each item with the parts of its posting, or with why there are none."""
        found = find_families(self.http, self.clock, [item.id for item in items]) if items else {}
        known = {part["posting_number"]: parts for parts in found.values() for part in parts}
        for item in items:
            if item.id in known:
                yield item, known[item.id]
                continue
            try:
                yield item, [posting(self.http, item.id)]
            except Refused as error:
                yield item, error

    # -- doing --------------------------------------------------------------------------------------------

    def _assemble_or_cancel(self, batch: Batch, item: Item, parts: Sequence[Native]) -> Outcome:
        if is_being_split(parts):
            return batch.later(item.id, "Ozon is still splitting it", after=_SETTLING)
        reason = Reason.of(self.options, item.payload.get("reason"))
        packages = item.payload.get("packages") or ()
        try:
            if item.payload["status"] == CANCELLED:
                cancel(self.http, parts, reason)
            elif not assemble(self.http, parts, packages, reason):
                return batch.accepted(item.id, _CHECKS)
            self._tell_tracking(item, packages, parts)
            if item.payload["status"] in {DELIVERING, DELIVERED}:
                return batch.later(item.id, "it is assembled now", after=0.0)
        except Refused as error:
            return _refused(batch, item, error)
        except Later as error:
            return batch.later(item.id, str(error), after=error.after)
        return batch.done(item.id, item.id)

    def _tell_tracking(self, item: Item, packages: Sequence[Native], parts: Sequence[Native]) -> None:
        """Tell the carrier's number where the seller chose the carrier; of several boxes their own are needed."""
        told = {str(package["tracking_number"]) for package in packages if package.get("tracking_number")}
        number = item.payload.get("tracking_number") or (told.pop() if len(told) == 1 and len(packages) == 1 else None)
        tracked = [part["posting_number"] for part in living(parts) if own_delivery.is_tracked(part)]
        if number and tracked and item.payload["status"] == ASSEMBLED:
            own_delivery.track(self.http, dict.fromkeys(tracked, str(number)))

    def _lead(self, batch: Batch, moving: Mapping[str, list[Native]]) -> Iterator[Outcome]:
        """Lead postings that the seller delivers one step on, all that take the same step in one call."""
        steps: dict[str, list[str]] = {}
        asked: dict[str, str] = {}
        tracks: dict[str, str] = {}
        for id_, parts in moving.items():
            payload = batch.item(id_).payload
            for part in living(parts):
                step = own_delivery.next_step(part, payload["status"])
                if step is not None:
                    steps.setdefault(step, []).append(part["posting_number"])
                    asked[id_] = step
                track = payload.get("tracking_number")
                if track and own_delivery.is_tracked(part) and part.get("tracking_number") != track:
                    tracks[part["posting_number"]] = str(track)
        faults = own_delivery.track(self.http, tracks)
        for step, numbers in steps.items():
            faults |= own_delivery.take(self.http, step, [number for number in numbers if number not in faults])
        for id_, parts in moving.items():
            errors = [faults[part["posting_number"]] for part in parts if part["posting_number"] in faults]
            if errors:
                yield batch.refused(id_, errors)
            elif id_ in asked:
                yield batch.accepted(id_, asked[id_])
            elif any(part["posting_number"] in tracks for part in parts):
                yield batch.done(id_, id_)
            else:
                yield batch.refused(id_, [_out_of_turn(batch.item(id_), parts)])


def _stands(item: Item, parts: Sequence[Native]) -> bool:
    wanted = item.payload["status"]
    if wanted == CANCELLED:
        return not living(parts) and not is_being_split(parts)
    if wanted == ASSEMBLED:
        alive = living(parts)
        return bool(alive) and all(_is_assembled(part) for part in alive)
    if _unassembled(parts):
        return False
    track = item.payload.get("tracking_number")
    untold = track and any(own_delivery.is_tracked(p) and p.get("tracking_number") != track for p in living(parts))
    return not untold and all(own_delivery.arrived(part, wanted) for part in parts)


def _unassembled(parts: Sequence[Native]) -> bool:
    return any(part["status"] in {TO_ASSEMBLE, *_NOT_YET} for part in parts)


def _is_assembled(part: Native) -> bool:
    waits = "awaiting_delivery" in (part.get("available_actions") or ())
    return part["status"] not in {TO_ASSEMBLE, CANCELLED, SPLIT, *_NOT_YET} and not waits


def _out_of_turn(item: Item, parts: Sequence[Native]) -> RecordError:
    status = ", ".join(sorted({str(part["status"]) for part in parts}))
    message = f"The posting is {status}, so it cannot become {item.payload['status']}."
    return RecordError(CANCELLED if status == CANCELLED else WRONG_STATUS, message, "status")


def _refused(batch: Batch, item: Item, error: Refused) -> Outcome:
    """Return why Ozon does not take a status, with no marking code of it in full."""
    packages = item.payload.get("packages") or ()
    codes = [code for package in packages for row in package["products"] for code in row.get("marks") or ()]
    text = marking.hide(str(error), codes)
    return batch.refused(item.id, [RecordError(marking.hide(error.code, codes), text, error.field or "status")])
