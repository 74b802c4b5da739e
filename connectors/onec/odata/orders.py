"""Orders: created exactly once, posted as a step of its own, and found again however a call ended.

See ``documents``: an order's mark is the client's number and day, and the channel at the head of its comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID, uuid5

from connectors.onec.odata import documents
from connectors.onec.odata.client import OData, text
from connectors.onec.odata.documents import LIGHT, Wanted
from connectors.onec.odata.lines import product_id
from connectors.onec.odata.order_body import CHANNEL, DAY, DOCUMENT, NUMBER, channel_of, day, order_body
from connectors.onec.options import OrderOptions
from obmen.records import Native

NAMESPACE = UUID("5a0d2c1e-3f57-5b86-9c44-8e1b6f0a7d21")
"""The namespace of our orders' references: it may never change, or every order would be created anew."""


def order_ref(channel: str, number: str) -> str:
    """Return the reference (Ref_Key) that an order of a channel gets in every base."""
    return str(uuid5(NAMESPACE, f"{channel}:{number}"))


class Orders:
    """The orders of one base, as they are written."""

    def __init__(self, base: OData, options: OrderOptions) -> None:
        self._base = base
        self._options = options

    def write(self, payload: Native) -> str:
        """Bring the order into the base, posted, and return its reference.

        Raises Refused (1C's own text, or the field that is wrong), InDoubt (look again before repeating).
        """
        return documents.bring(
            self._base,
            self._wanted(payload),
            lambda: order_body(payload, self._options, self._base.metadata()),
        )

    def find(self, payload: Native) -> str | None:
        """Return the order's reference if nothing is left to do about it; an unposted order is not done."""
        return documents.find(self._base, self._wanted(payload))

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


def _line(row: Native) -> Native:
    return {**row, "Товар": product_id(row), "СтавкаНДС": row.get("СтавкаНДС_Key") or row.get("СтавкаНДС")}
