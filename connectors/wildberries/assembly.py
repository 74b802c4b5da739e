"""The seller's steps with FBS orders: into a supply, marked, handed over, or cancelled.

A refusal costs Wildberries' callers ten calls, so it is asked how things stand before anything is said, and again
after it. Whatever was said already, by us or by a person in the cabinet, is not said twice; and an order that was
not told as shipped is never handed over because it lies in one supply with another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from connectors.wildberries import paths
from connectors.wildberries.listing import look_for, portions
from connectors.wildberries.marks import Marking, Marks
from connectors.wildberries.schemes import FBS
from connectors.wildberries.statuses import State, Statuses, too_late
from connectors.wildberries.supplies import ADDED, Kind, Supplies
from obmen.errors import Refused
from obmen.records import Batch, Item, Outcome, RecordError, decode_json

_RANKS = {"new": 0, "confirm": 1, "complete": 2}
_REACHED = {"confirm": 1, "ready": 1, "complete": 2}
_OTHERS = {"receive", "reject"}
"""Steps that the carrier and the buyer take: writing them does nothing."""
_SETTLING = 60.0
CANCEL, READY, SHIP = "cancel", "ready", "complete"


class Assembly(Statuses, Marking, Supplies):
    """Carries out the steps of FBS orders, many at once."""

    def assemble(self, batch: Batch, items: Mapping[int, Item], now: Mapping[int, State]) -> Iterator[Outcome]:
        """Bring each order to the status that its item wants; ``now``: where they stand."""
        cancels = {id_: item for id_, item in items.items() if item.payload["status"] == CANCEL}
        yield from self._cancel_orders(batch, cancels, now)
        forward: dict[int, Item] = {}
        for id_, item in items.items():
            outcome = None if id_ in cancels else self._order_settled(batch, item, now[id_])
            if outcome is not None:
                yield outcome
            elif id_ not in cancels:
                forward[id_] = item
        new = {id_ for id_ in forward if now[id_].supplier == "new"}
        if new:
            failed = dict(self._supply_orders(batch, forward, new))
            yield from failed.values()
            forward = {id_: item for id_, item in forward.items() if id_ not in failed}
        yield from self._all_done(batch, [i for i in forward.values() if i.payload["status"] == "confirm"])
        forward = {id_: item for id_, item in forward.items() if item.payload["status"] != "confirm"}
        blocked = dict(self._mark_orders(batch, forward))
        yield from blocked.values()
        marked = {id_: item for id_, item in forward.items() if id_ not in blocked}
        yield from self._all_done(batch, [i for i in marked.values() if i.payload["status"] == READY])
        yield from self._ship_orders(batch, {id_: i for id_, i in marked.items() if i.payload["status"] == SHIP})

    def stands(self, item: Item, state: State) -> bool:
        """Whether what the item wants is there already; with codes to be checked, only once it is handed over."""
        wanted = item.payload["status"]
        if wanted == CANCEL:
            return state.cancelled
        rank = -1 if state.cancelled else _RANKS.get(state.supplier, -1)
        return wanted in _OTHERS or rank == _RANKS[SHIP] or (wanted == "confirm" and rank == _REACHED[wanted])

    def _all_done(self, batch: Batch, items: Sequence[Item]) -> Iterator[Outcome]:
        return (batch.done(item.id, item.id) for item in items)

    def _order_settled(self, batch: Batch, item: Item, state: State) -> Outcome | None:
        """Return what needs no call: what stands already, and what can never be."""
        wanted = item.payload["status"]
        if wanted not in _REACHED and wanted not in _OTHERS:
            return batch.refused(item.id, [RecordError("unknown_step", f"FBS has no step '{wanted}'.", "status")])
        if self.stands(item, state):
            return batch.done(item.id, item.id)
        if state.cancelled or state.supplier not in _RANKS:
            return batch.refused(item.id, [_mismatch(item, state)])
        return None

    # -- cancelling ---------------------------------------------------------------------------------------

    def _cancel_orders(self, batch: Batch, items: Mapping[int, Item], now: Mapping[int, State]) -> Iterator[Outcome]:
        said: dict[int, Item] = {}
        for id_, item in items.items():
            if now[id_].cancelled:
                yield batch.done(item.id, item.id)
            elif not now[id_].cancellable:
                yield batch.refused(item.id, [too_late(now[id_])])
            else:
                said[id_] = item
                try:
                    self.call(paths.ORDER_CANCEL, parts={"orderId": id_})
                except Refused as error:
                    if error.code not in {"StatusMismatch", "StatusChangeNotAllowed"}:
                        yield batch.refused(item.id, [RecordError(error.code, str(error), "status")])
                        del said[id_]
        after = self.states(FBS, said) if said else {}
        for id_, item in said.items():
            state = after.get(id_)
            if state is not None and state.cancelled:
                yield batch.done(item.id, item.id)
            elif state is not None and not state.cancellable:
                yield batch.refused(item.id, [too_late(state)])
            else:
                yield batch.later(item.id, "Wildberries has not cancelled it yet", after=_SETTLING)

    # -- into a supply ------------------------------------------------------------------------------------

    def _supply_orders(self, batch: Batch, items: Mapping[int, Item], new: set[int]) -> Iterator[tuple[int, Outcome]]:
        """Put new orders into supplies; yield those that did not get into one."""
        reasons: dict[int, Refused] = {}
        known = self._order_rows(new)
        for kind, ids in _by_kind(known).items():
            supply = self.open_supply(kind, "assemble")
            for some in portions(sorted(ids), ADDED):
                self._put_many(supply, some, reasons)
        after = self.states(FBS, new)
        for id_ in sorted(new):
            item, state = items[id_], after.get(id_)
            if state is not None and state.cancelled:
                yield id_, batch.refused(item.id, [_mismatch(item, state)])
            elif id_ in reasons and (state is None or state.supplier == "new"):
                error = reasons[id_]
                yield id_, batch.refused(item.id, [RecordError(error.code, str(error), "status")])
            elif state is None or state.supplier == "new":
                yield id_, batch.later(item.id, "Wildberries has not put it into a supply yet", after=_SETTLING)

    def _put_many(self, supply: str, ids: Sequence[int], reasons: dict[int, Refused]) -> None:
        """Put orders into a supply; a refusal of all for the sake of one is narrowed down to that one."""
        try:
            self.put_into(supply, ids)
        except Refused as error:
            if len(ids) == 1:
                reasons[ids[0]] = error
                return
            still = [id_ for id_, state in self.states(FBS, ids).items() if not state.cancelled]
            if len(still) < len(ids):
                if still:
                    self._put_many(supply, sorted(still), reasons)
                return
            middle = len(ids) // 2
            self._put_many(supply, ids[:middle], reasons)
            self._put_many(supply, ids[middle:], reasons)

    def _order_rows(self, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return these orders as they are listed."""
        return {
            id_: native
            for found in look_for(self, FBS, ids)
            for id_, raw in found.items()
            for native in decode_json(raw)
        }

    # -- marking codes ------------------------------------------------------------------------------------

    def _mark_orders(self, batch: Batch, items: Mapping[int, Item]) -> Iterator[tuple[int, Outcome]]:
        """Set the codes of orders in assembly; yield those that cannot go on (yet)."""
        known = self.marks(FBS, items) if items else {}
        changed: set[int] = set()
        held: dict[int, Outcome] = {}
        for id_, item in items.items():
            try:
                if self.set_marks(FBS, id_, codes_of(item), known.get(id_, Marks())):
                    changed.add(id_)
            except Refused as error:
                held[id_] = batch.refused(item.id, [RecordError(error.code, without_codes(error, item), error.field)])
        known |= self.marks(FBS, changed) if changed else {}
        for id_, item in items.items():
            marks = known.get(id_, Marks())
            if id_ in held:
                yield id_, held[id_]
            elif marks.errors:
                yield id_, batch.refused(item.id, marks.errors)
            elif marks.pending:
                yield id_, batch.accepted(item.id, "marks", after=_SETTLING)

    # -- handing over -------------------------------------------------------------------------------------

    def _ship_orders(self, batch: Batch, items: Mapping[int, Item]) -> Iterator[Outcome]:
        if not items:
            return
        rows = self._order_rows(items)
        supplies: dict[str, set[int]] = {}
        for id_, row in rows.items():
            if row.get("supplyId"):
                supplies.setdefault(row["supplyId"], set()).add(id_)
        reasons: dict[int, Refused] = {}
        for supply, mine in supplies.items():
            try:
                self.hand_over(self._supply_apart(supply, mine, rows))
            except Refused as error:
                reasons |= dict.fromkeys(mine, error)
        after = self.states(FBS, items)
        for id_, item in items.items():
            state = after.get(id_)
            if state is not None and state.supplier == SHIP:
                yield batch.done(item.id, item.id)
            elif state is not None and state.cancelled:
                yield batch.refused(item.id, [_mismatch(item, state)])
            else:
                refused = reasons.get(id_)
                reason = f"{refused.code}: {refused}" if refused is not None else "its supply is not handed over yet"
                yield batch.later(item.id, reason, after=_SETTLING)

    def _supply_apart(self, supply: str, mine: set[int], rows: Mapping[int, Mapping[str, Any]]) -> str:
        """Return a supply in which these orders are alone: theirs, or one into which they are moved."""
        if self.orders_in(supply) <= mine:
            return supply
        kind = Kind.of(rows[min(mine)])
        apart = self.open_supply(kind, "ship")
        if not self.orders_in(apart) <= mine:
            apart = self.new_supply(kind, "ship")
        for some in portions(sorted(mine), ADDED):
            self.put_into(apart, some)
        return apart


def codes_of(item: Item) -> list[str]:
    """Return the marking codes that an item carries, whichever package they lie in."""
    return [
        code
        for package in item.payload.get("packages") or ()
        for line in package.get("lines") or ()
        for code in line.get("marks") or ()
    ]


def _by_kind(rows: Mapping[int, Mapping[str, Any]]) -> dict[Kind, set[int]]:
    groups: dict[Kind, set[int]] = {}
    for id_, row in rows.items():
        groups.setdefault(Kind.of(row), set()).add(id_)
    return groups


def _mismatch(item: Item, state: State) -> RecordError:
    now = f"{state.supplier}/{state.there}"
    message = f"The order is {now} at Wildberries, so it cannot become '{item.payload['status']}'."
    return RecordError("cancelled" if state.cancelled else "StatusMismatch", message, "status")


def without_codes(error: Refused, item: Item) -> str:
    """Return what a refusal says, without the codes that it may quote."""
    text = str(error)
    for code in codes_of(item):
        text = text.replace(code, "…")
    return text
