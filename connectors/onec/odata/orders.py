"""Orders: created exactly once, posted as a step of its own, and found again however a call ended.

An answer that was lost says nothing of what 1C did, and one part of the bases may not honour a reference that
the client chose. So an order is looked for by both its reference and the client's number and day, before it
is created and whenever a creation is in doubt; two of them are an alarm, never a choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from connectors.onec.odata.client import NO_REF, OData, text
from connectors.onec.odata.errors import ALREADY_EXISTS
from connectors.onec.odata.order_body import CHANNEL, DAY, DOCUMENT, NUMBER, channel_of, day, order_body
from connectors.onec.options import OrderOptions
from obmen.errors import Denied, InDoubt, Later, Refused, Unavailable
from obmen.records import Native

NAMESPACE = UUID("5a0d2c1e-3f57-5b86-9c44-8e1b6f0a7d21")
"""The namespace of our orders' references: it may never change, or every order would be created anew."""

_LIGHT = ("Ref_Key", "Number", "Posted", "DeletionMark", "Комментарий")


def order_ref(channel: str, number: str) -> str:
    """Return the reference (Ref_Key) that an order of a channel gets in every base."""
    return str(uuid5(NAMESPACE, f"{channel}:{number}"))


def post(base: OData, ref: str) -> None:
    """Post an order and make sure that it is posted; raises Refused with 1C's reason where it is not."""
    base.post_document(DOCUMENT, ref)
    order = base.get(DOCUMENT, ref, ("Ref_Key", "Posted"))
    if order is None or order.get("Posted") is not True:
        message = (
            f"1C took the call but did not post the order {ref}. Open the order in 1C, post it there to see"
            " the reason, then replay the record."
        )
        raise Refused(message, code="not_posted")


class Orders:
    """The orders of one base."""

    def __init__(self, base: OData, options: OrderOptions) -> None:
        self._base = base
        self._options = options

    def write(self, payload: Native) -> str:
        """Bring the order into the base, posted, and return its reference.

        Raises Refused (1C's own text, or the field that is wrong), InDoubt (look again before repeating).
        """
        order = self.look(payload)
        ref = str(order["Ref_Key"]) if order is not None else self._create(payload)
        if order is None or not _settled(order):
            post(self._base, ref)
        return ref

    def find(self, payload: Native) -> str | None:
        """Return the order's reference if nothing is left to do about it; an unposted order is not done."""
        order = self.look(payload)
        return str(order["Ref_Key"]) if order is not None and _settled(order) else None

    def look(self, payload: Native) -> Native | None:
        """Return the order as the base has it, by its reference or else by the client's number and day."""
        ref = order_ref(str(payload[CHANNEL]), str(payload[NUMBER]))
        return self._base.get(DOCUMENT, ref, _LIGHT) or self._search(payload)

    def read(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the orders with these natural ids (``channel|number``), in the shape of a payload."""
        for wanted in ids:
            channel, _, number = wanted.partition("|")
            order = self._base.get(DOCUMENT, order_ref(channel, number))
            if order is None:
                hits = self._hits(f"{NUMBER} eq {text(number)}", channel)
                order = self._base.get(DOCUMENT, hits[0]["Ref_Key"]) if len(hits) == 1 else None
            if order is not None:
                yield _as_payload(order, channel)

    def _create(self, payload: Native) -> str:
        body = {
            "Ref_Key": order_ref(str(payload[CHANNEL]), str(payload[NUMBER])),
            **order_body(payload, self._options, self._base.metadata()),
        }
        try:
            return str(self._base.create(DOCUMENT, body)["Ref_Key"])
        except InDoubt as doubt:
            return str(self._look_into(doubt, payload)["Ref_Key"])
        except Refused as refused:
            if refused.code != ALREADY_EXISTS:
                raise
            order = self.look(payload)
            if order is None:
                message = f"1C says that the order {body['Ref_Key']} exists, and does not show it yet."
                raise Later(message) from refused
        return str(order["Ref_Key"])

    def _look_into(self, doubt: InDoubt, payload: Native) -> Native:
        """Return the order if its creation had its effect after all; what cannot be seen stays in doubt."""
        try:
            order = self.look(payload)
        except (Denied, Later, Unavailable) as error:
            raise doubt from error
        if order is None:
            raise doubt
        return order

    def _search(self, payload: Native) -> Native | None:
        number = str(payload[NUMBER])
        where = f"{NUMBER} eq {text(number)} and {DAY} eq datetime{text(day(payload))}"
        hits = self._hits(where, str(payload[CHANNEL]))
        if len(hits) > 1:
            numbers = ", ".join(sorted(str(hit["Number"]) for hit in hits))
            message = (
                f"1C holds {len(hits)} orders with the client's number {number} of that day: {numbers}. Mark"
                " the superfluous ones for deletion in 1C, then replay the record."
            )
            raise Refused(message, code="ambiguous", field=NUMBER)
        return hits[0] if hits else None

    def _hits(self, where: str, channel: str) -> list[Native]:
        """Return what may be the order: none of another channel, none deleted while others stand."""
        found: list[Native] = []
        for page in self._base.pages(DOCUMENT, where=where, select=_LIGHT):
            found += [hit for hit in page if channel_of(str(hit.get("Комментарий", "")))[0] in {"", channel}]
        return [hit for hit in found if not hit.get("DeletionMark")] or found[:1]


def _settled(order: Native) -> bool:
    return order.get("Posted") is True or order.get("DeletionMark") is True


def _as_payload(order: Native, channel: str) -> Native:
    lines = [_as_line(row) for row in order.get("Товары", ())]
    told = channel_of(str(order.get("Комментарий", "")))[1]
    return {**order, CHANNEL: channel, "Комментарий": told, "Товары": lines}


def _as_line(row: Native) -> Native:
    variant = row.get("Характеристика_Key", NO_REF)
    product: Any = row["Номенклатура_Key"] if variant == NO_REF else f"{row['Номенклатура_Key']}#{variant}"
    rate = row.get("СтавкаНДС_Key") or row.get("СтавкаНДС")
    return {**row, "Товар": product, "СтавкаНДС": rate}
