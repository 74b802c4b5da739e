"""The seller's steps with orders that need no supply: DBS, DBW, and pick-up from the seller's own shop.

Each step is one call for many orders, which is answered order by order with status 200: an order that did not
follow is told in its own row. Steps that were skipped are made up for, one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.wildberries.assembly import codes_of, without_codes
from connectors.wildberries.listing import portions
from connectors.wildberries.marks import Marking, Marks
from connectors.wildberries.paths import Path
from connectors.wildberries.routes import CANCEL, ROUTES, Route
from connectors.wildberries.schemes import Scheme
from connectors.wildberries.statuses import ASKED, State, Statuses, too_late
from obmen.errors import Refused
from obmen.records import Batch, Item, Outcome, RecordError

_SETTLING = 60.0


@dataclass(slots=True)
class _Work:
    """What a batch came to so far: orders that were refused, and those whose codes are being checked."""

    scheme: Scheme
    items: Mapping[int, Item]
    now: Mapping[int, State]
    errors: dict[int, Sequence[RecordError]] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)

    def open(self, ids: Collection[int]) -> list[int]:
        """Return those of the orders that may go on."""
        return [id_ for id_ in ids if id_ not in self.errors and id_ not in self.waiting]


class Bulk(Statuses, Marking):
    """Carries out the steps of orders without supplies."""

    def advance(
        self, scheme: Scheme, batch: Batch, items: Mapping[int, Item], now: Mapping[int, State]
    ) -> Iterator[Outcome]:
        """Bring each order to the status that its item wants; ``now``: where they stand."""
        route = ROUTES[scheme.name]
        work = _Work(scheme, items, now)
        wanted = {id_: item.payload["status"] for id_, item in items.items()}
        self._cancel_many(route, work, [id_ for id_ in items if wanted[id_] == CANCEL])
        for status, path in route.steps.items():
            due = work.open([id_ for id_ in items if route.leads_through(status, wanted[id_], now[id_])])
            if status == route.marked:
                self._mark_many(work, due)
            if path is not None and (due := work.open(due)):
                self._say_step(path, work, due, coded=status in route.coded)
        self._mark_many(work, work.open([id_ for id_ in items if wanted[id_] == "ready"]))
        yield from self._many_outcomes(route, batch, work)

    def _many_outcomes(self, route: Route, batch: Batch, work: _Work) -> Iterator[Outcome]:
        after = self.states(work.scheme, work.items)
        for id_, item in work.items.items():
            state, wanted = after.get(id_), item.payload["status"]
            if id_ in work.errors:
                yield batch.refused(item.id, work.errors[id_])
            elif id_ in work.waiting:
                yield batch.accepted(item.id, "marks", after=_SETTLING)
            elif state is not None and route.reached(wanted, state):
                yield batch.done(item.id, item.id)
            elif state is not None and state.ended:
                message = f"The order is {state.supplier}/{state.there}, so it cannot become '{wanted}'."
                yield batch.refused(item.id, [RecordError("StatusMismatch", message, "status")])
            else:
                yield batch.later(item.id, "Wildberries has not moved it yet", after=_SETTLING)

    def _cancel_many(self, route: Route, work: _Work, ids: Sequence[int]) -> None:
        due = []
        for id_ in ids:
            state = work.now[id_]
            if state.supplier in route.until and not state.ended:
                due.append(id_)
            elif not state.cancelled:
                work.errors[id_] = [too_late(state)]
        if due:
            self._say_step(route.cancel, work, due, coded=False)

    def _say_step(self, path: Path, work: _Work, ids: Sequence[int], *, coded: bool) -> None:
        """Say one step of many orders, or of each in turn where the method takes one; note what was refused."""
        if "{orderId}" in path:
            for id_ in ids:
                try:
                    self.call(path, parts={"orderId": id_})
                except Refused as error:
                    work.errors[id_] = [RecordError(error.code, str(error), "status")]
            return
        codes = {id_: str(work.items[id_].payload.get("reason") or "") for id_ in ids}
        if coded:
            message = (
                "Wildberries wants the code that the buyer says when he takes the goods, as the status's reason. In 1C "
                "write it into the order's comment: [код 741852]. It is then told by itself."
            )
            missing = [RecordError("no_code", message, "reason")]
            work.errors |= {id_: missing for id_ in ids if not codes[id_]}
        for some in portions(sorted(work.open(ids)), ASKED):
            rows: list[Any] = [{"orderId": id_, "code": codes[id_]} if coded else id_ for id_ in some]
            for row in self.call(path, json={"orders" if coded else "ordersIds": rows})["results"]:
                if row.get("isError"):
                    work.errors[row["orderId"]] = _told(row)

    def _mark_many(self, work: _Work, ids: Sequence[int]) -> None:
        """Set the codes of orders; note those that cannot go on and those whose check is going on."""
        known = self.marks(work.scheme, ids)
        changed = set()
        for id_ in ids:
            try:
                if self.set_marks(work.scheme, id_, codes_of(work.items[id_]), known.get(id_, Marks())):
                    changed.add(id_)
            except Refused as error:
                work.errors[id_] = [RecordError(error.code, without_codes(error, work.items[id_]), error.field)]
        known |= self.marks(work.scheme, changed)
        for id_ in work.open(ids):
            marks = known.get(id_, Marks())
            if marks.errors:
                work.errors[id_] = marks.errors
            elif marks.pending:
                work.waiting.add(id_)


def _told(row: Mapping[str, Any]) -> list[RecordError]:
    """Return why an order did not follow; of its codes only the kind and the decision are told."""
    return [
        RecordError(
            str(error.get("detail") or "refused"),
            ", ".join(f"{one['key']}: {one['decision']}" for one in error.get("metaDetails") or ()),
            "status",
        )
        for error in row.get("errors") or [{}]
    ]
