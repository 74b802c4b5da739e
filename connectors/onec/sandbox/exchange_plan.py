"""Changes by exchange plan: which objects changed since each node last confirmed, and nothing of how.

What is registered is a set: an object that changed twice stands once. A change is given the number of the
first message that carried it; every message carries all that is not confirmed, and confirming a number drops
what was carried by it or before. What the administrator did not publish stays in the queue without a word,
and so do registers that no document records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from connectors.onec.sandbox.atom import Writer
from connectors.onec.sandbox.base import Base, Record
from connectors.onec.sandbox.kinds import NAMESPACE
from connectors.onec.sandbox.model import EXCHANGE_PLAN
from connectors.onec.sandbox.references import THIS_NODE
from connectors.onec.sandbox.shapes import Shape, Shapes
from connectors.onec.sandbox.values import Refusal

_POINT = re.compile(r"(?P<plan>ExchangePlan_\w+)\(guid'{1,2}(?P<node>[0-9a-fA-F-]{36})'{1,2}\)")


@dataclass(frozen=True, slots=True)
class Change:
    """An object that changed, or with ``register`` the rows that it recorded there."""

    kind: str
    ref: str
    register: str


class ExchangePlan:
    """The queues of all nodes of the plan."""

    def __init__(self, base: Base, shapes: Shapes) -> None:
        self._base = base
        self._shapes = shapes
        self._queues: dict[str, dict[Change, int | None]] = {}
        base.noticed.append(self._noticed)

    def queue(self, node: str) -> dict[Change, int | None]:
        """Return what is not confirmed by a node, each with the number of the message that first carried it."""
        return self._queues.setdefault(node, {})

    def select(self, query: Mapping[str, str], writer: Writer) -> etree._Element:
        """Return the feed of a message, all that the node did not confirm. Raises Refusal."""
        node, number = self._asked(query)
        carried = self._carried(node)
        try:
            feed = writer.feed(self._entries(carried))
        except ValueError as invalid:
            raise Refusal("Недопустимый символ XML в данных", status=400, code="2") from invalid
        for change in carried:
            if self._is_gone(change):
                writer.deleted(feed, f"{change.kind}(guid'{change.ref}')")
        self._number(node, carried, number)
        return feed

    def select_json(self, query: Mapping[str, str]) -> list[Record]:
        """Return the records of a message; JSON has no place for those that were deleted. Raises Refusal."""
        node, number = self._asked(query)
        carried = self._carried(node)
        self._number(node, carried, number)
        return [{"odata.type": f"{NAMESPACE}.{shape.name}", **record} for shape, record in self._entries(carried)]

    def confirm(self, query: Mapping[str, str]) -> None:
        """Drop what the message of this number, or one before, carried. Raises Refusal."""
        node, number = self._asked(query)
        kept = {change: first for change, first in self.queue(node).items() if first is None or first > number}
        self._queues[node] = kept
        record = self._base.get(EXCHANGE_PLAN, node)
        record["ReceivedNo"] = str(max(number, int(record["ReceivedNo"])))
        record["ExchangeDate"] = self._base.local_time()

    def _carried(self, node: str) -> list[Change]:
        """Return what a message carries, objects before registers, each type together."""
        seen = filter(self._is_seen, self.queue(node))
        return sorted(seen, key=lambda change: (bool(change.register), change.register or change.kind))

    def _number(self, node: str, carried: list[Change], number: int) -> None:
        queue = self.queue(node)
        for change in carried:
            if queue[change] is None:
                queue[change] = number

    def _asked(self, query: Mapping[str, str]) -> tuple[str, int]:
        point = _POINT.search(query.get("DataExchangePoint", ""))
        if point is None:
            raise Refusal("Неверное значение DataExchangePoint", status=400, code="4")
        self._shapes.of(point["plan"])
        node = self._base.get(EXCHANGE_PLAN, point["node"])["Ref_Key"]
        if node == THIS_NODE:
            raise Refusal("Узел является этим узлом", status=400, code="4")
        if not query.get("MessageNo", "").isdecimal():
            raise Refusal("Неверное значение MessageNo", status=400, code="4")
        return node, int(query["MessageNo"])

    def _noticed(self, kind: str, ref: str, register: str) -> None:
        if kind == EXCHANGE_PLAN:
            return
        for node in self._base.objects[EXCHANGE_PLAN]:
            if node != THIS_NODE:
                queue, change = self.queue(node), Change(kind, ref, register)
                queue.pop(change, None)
                queue[change] = None

    def _is_seen(self, change: Change) -> bool:
        published = self._shapes.published
        if change.register:
            return bool(change.ref) and change.register in published
        return change.kind in published

    def _is_gone(self, change: Change) -> bool:
        return not change.register and change.ref not in self._base.objects[change.kind]

    def _entries(self, carried: list[Change]) -> Iterator[tuple[Shape, Record]]:
        for change in carried:
            if change.register:
                rows = self._base.registers.row_set(change.register, change.kind, change.ref)
                yield self._shapes.of(change.register), rows
            elif not self._is_gone(change):
                yield self._shapes.of(change.kind), self._base.objects[change.kind][change.ref]
