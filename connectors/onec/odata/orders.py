"""Orders: created exactly once, changed as their channel changes them, posted, and found again however a call ended.

See ``documents``: an order's mark is the client's number and day, and the channel at the head of its comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from connectors.onec.odata import documents
from connectors.onec.odata.cancelled_lines import CancelledLines
from connectors.onec.odata.client import OData, text
from connectors.onec.odata.documents import LIGHT, Wanted
from connectors.onec.odata.errors import CHANGED_MEANWHILE
from connectors.onec.odata.late_cancel import still_out
from connectors.onec.odata.lines import product_id
from connectors.onec.odata.order_body import CHANNEL, DAY, DOCUMENT, NUMBER, channel_of, day, order_body
from connectors.onec.odata.order_changes import ROWS, Told, changes
from connectors.onec.odata.shipments import goods, of_order, quantities
from connectors.onec.options import OrderOptions
from obmen.errors import Denied, InDoubt, Later, Refused, Unavailable
from obmen.memory import Memory
from obmen.records import Item, Native

NAMESPACE = UUID("5a0d2c1e-3f57-5b86-9c44-8e1b6f0a7d21")
"""The namespace of our orders' references: it may never change, or every order would be created anew."""

_ROUNDS = 3
_VERSION = ("Ref_Key", "DataVersion")


def order_ref(channel: str, number: str) -> str:
    """Return the reference (Ref_Key) that an order of a channel gets in every base."""
    return str(uuid5(NAMESPACE, f"{channel}:{number}"))


class Orders:
    """The orders of one base, as they are written."""

    def __init__(self, base: OData, options: OrderOptions, memory: Callable[[], Memory] | None = None) -> None:
        self._base = base
        self._options = options
        self._cancelled_lines = CancelledLines(memory)

    def write(self, item: Item) -> str:
        """Bring the order into the base as told, posted, and return its reference.

        What 1C has shipped of lines that the channel takes out stands, and is a task (Refused, LATE_CANCEL). Raises
        Refused (1C's own text, or what is wrong) too, Later (somebody keeps changing it), InDoubt (look again
        before repeating).
        """
        wanted = self._wanted(item.payload)
        document = documents.look(self._base, wanted)
        if document is None:
            ref = documents.create(self._base, wanted, self._body(item.payload))
            documents.post(self._base, DOCUMENT, ref)
            return ref
        ref = str(document["Ref_Key"])
        if document.get("DeletionMark") is True:
            return ref
        changed, out = self._changed(ref, item)
        if out:
            still_out(self._base, str(document.get("Number") or ref), of_order(self._base, ref), out)
        if changed:
            return ref
        if item.attempt > 1 or not documents.settled(document):  # an earlier attempt may have died before posting
            documents.post(self._base, DOCUMENT, ref)
        return ref

    def find(self, item: Item) -> str | None:
        """Return the order's reference if nothing is left to do about it; an unposted order is not done.

        Of a change that is in doubt nothing is looked for: saying it again does no harm, and posts it.
        """
        return None if item.native_id else documents.find(self._base, self._wanted(item.payload))

    def _changed(self, ref: str, item: Item) -> tuple[bool, dict[str, Decimal]]:
        """Change and post an order that stands otherwise than told; return whether it did, and what is out too much."""
        for said_before in range(_ROUNDS):
            order = self._base.get(DOCUMENT, ref) or {}
            change, out = self._change(order, item)
            if not change and not said_before:
                return False, out
            if self._said(order, change):
                return True, out
        message = f"The order {ref} was changed in 1C {_ROUNDS} times while its changes were being written."
        raise Later(message)

    def _said(self, order: Native, change: Native) -> bool:
        """Change and post the order; False if it changed under our hands and must be looked at again.

        Nothing may be left to change where the answer to the change was lost: then it is posted alone.
        """
        ref = str(order["Ref_Key"])
        noted = ROWS in change and self._cancelled_lines.note(ref, order.get(ROWS) or (), change[ROWS])
        try:
            if change:
                self._base.change(DOCUMENT, ref, change, version=str(order.get("DataVersion") or ""))
            self._post(order, change)
        except (Denied, Unavailable) as error:
            message = f"{error} Whether the order {ref} was changed and posted is unknown."
            raise InDoubt(message) from error
        except Refused as refused:
            if noted:
                self._cancelled_lines.unnote(ref)
            if refused.code == CHANGED_MEANWHILE:
                return False
            raise
        return True

    def _post(self, order: Native, change: Native) -> None:
        """Post a changed order; take the change back where 1C will not, unless somebody has gone on from it."""
        ref = str(order["Ref_Key"])
        changed = self._base.get(DOCUMENT, ref, _VERSION) or {}
        try:
            documents.post(self._base, DOCUMENT, ref)
        except Refused:
            now = self._base.get(DOCUMENT, ref, _VERSION) or {}
            if now.get("DataVersion") == changed.get("DataVersion"):
                before = {name: _plain_rows(order[name]) for name in change if name in order}
                self._base.change(DOCUMENT, ref, before, version=str(now.get("DataVersion") or ""))
            raise

    def _change(self, order: Native, item: Item) -> tuple[Native, dict[str, Decimal]]:
        metadata = self._base.metadata()
        now = self._body(item.payload)
        told = Told(now, self._body(item.before) if item.before is not None else None)
        change, out = changes(order, told, self._shipped(str(order["Ref_Key"])), self._options)
        metadata.require(DOCUMENT, change)
        return change, out

    def _shipped(self, ref: str) -> dict[str, Decimal]:
        """Return product → how much of it posted shipments took from an order, where the base publishes them."""
        return quantities(goods(of_order(self._base, ref)))

    def _body(self, payload: Native) -> Native:
        return order_body(payload, self._options, self._base.metadata())

    def read(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the orders with these natural ids (``channel|number``), in the shape of a payload."""
        for wanted in ids:
            channel, _, number = wanted.partition("|")
            order = self._base.get(DOCUMENT, order_ref(channel, number))
            if order is None:
                hits = marked(self._base, channel, f"{NUMBER} eq {text(number)}")
                order = self._base.get(DOCUMENT, hits[0]["Ref_Key"]) if len(hits) == 1 else None
            if order is not None:
                lines = [_line(row) for row in order.get("Товары", ())]
                told = channel_of(str(order.get("Комментарий", "")))[1]
                yield {**order, CHANNEL: channel, "Комментарий": told, "Товары": lines}

    def _wanted(self, payload: Native) -> Wanted:
        channel, number = str(payload[CHANNEL]), str(payload[NUMBER])
        return Wanted(
            entity_set=DOCUMENT,
            ref=order_ref(channel, number),
            search=lambda: self._marked(channel, number, day(payload)),
            what=f"the order with the client's number {number} of {day(payload)[:10]}",
            field=NUMBER,
        )

    def _marked(self, channel: str, number: str, when: str) -> Sequence[Native]:
        return marked(self._base, channel, f"{NUMBER} eq {text(number)} and {DAY} eq datetime{text(when)}")


def existing(base: OData, channel: str, number: str, own: str = "") -> str | None:
    """Return the reference of an order as its channel knows it; None if the base has none, or several.

    ``own``: the channel of orders that were made in 1C, whose number is 1C's and the year.
    """
    if base.get(DOCUMENT, order_ref(channel, number), ("Ref_Key",)) is not None:
        return order_ref(channel, number)
    name, _, year = number.rpartition("/")
    if channel == own and name and year.isdecimal():
        where = f"Number eq {text(name)} and year(Date) eq {int(year)}"
        hits = [row for page in base.pages(DOCUMENT, where=where, select=LIGHT) for row in page]
    else:
        hits = marked(base, channel, f"{NUMBER} eq {text(number)}")
    standing = [row for row in hits if not row.get("DeletionMark")]
    return str(standing[0]["Ref_Key"]) if len(standing) == 1 else None


def marked(base: OData, channel: str, where: str) -> list[Native]:
    """Return the orders that meet a condition and are of no other channel."""
    rows = [row for page in base.pages(DOCUMENT, where=where, select=LIGHT) for row in page]
    return [row for row in rows if channel_of(str(row.get("Комментарий") or ""))[0] in {"", channel}]


def _plain_rows(value: Any) -> Any:
    """Return a property as it may be sent back: rows without the reference of what they belong to."""
    if not isinstance(value, list):
        return value
    return [{name: one for name, one in row.items() if name != "Ref_Key"} for row in value]


def _line(row: Native) -> Native:
    return {**row, "Товар": product_id(row), "СтавкаНДС": row.get("СтавкаНДС_Key") or row.get("СтавкаНДС")}
