"""Orders read from 1C: those that channels sent, and those that people took in 1C itself.

An order of a channel keeps the channel's name and number, so that it is the same order wherever it is met. One
that was made in 1C has only 1C's number, which begins anew every year, so its year belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.onec.odata.client import OData, is_reference
from connectors.onec.odata.journal import STANDING, Journal
from connectors.onec.odata.lines import bonuses, line, total
from connectors.onec.odata.names import Names
from connectors.onec.odata.order_body import CHANNEL, DOCUMENT, NUMBER, channel_of
from connectors.onec.odata.orders import existing
from connectors.onec.odata.partners import Partners
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Page
from obmen.records import Native

OWN_NUMBER = "Номер"


class OrderReader:
    """The orders of one base. ``name`` is the connection's: the channel of orders that were made in 1C."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock, name: str) -> None:
        self._base, self._options, self._name = base, options, name
        self._journal = Journal(base, options, clock, (DOCUMENT,), self.shaped)
        self._names = Names(base, options.order)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the posted orders in the window of dates; the key is ``Ref_Key``.

        ``Товары`` are the lines that stand, ``Отмененные`` those that were cancelled; an order with none left
        keeps all. ``Итого`` is what the lines that stand come to.
        """
        self._names.forget()
        return self._journal.pages(cursor, self._told)

    def read_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield the posted orders dated in a period."""
        self._names.forget()
        return self._journal.of(since, until, self._told)

    @property
    def _told(self) -> str:
        return STANDING if self._options.own_orders else f"{NUMBER} ne '' and {STANDING}"

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield orders by their references, or by ``channel|number`` as they were written."""
        for found in self._journal.look_up([one for one in ids if is_reference(one)]):
            if found.get(NUMBER) or self._options.own_orders:
                yield found
        for one in ids:
            if not is_reference(one) and (order := self._by_number(*one.split("|", 1))) is not None:
                yield order

    def _by_number(self, channel: str, number: str = "") -> Native | None:
        """Return an order as its channel knows it; also one that a person has not posted again yet."""
        ref = existing(self._base, channel, number, self._name)
        order = self._base.get(DOCUMENT, ref) if ref is not None else None
        if order is None:
            return None
        ((shaped,),) = self.shaped(DOCUMENT, [order])
        return {**shaped, CHANNEL: channel, OWN_NUMBER: number}

    def shaped(self, entity_set: str, orders: Sequence[Native]) -> list[list[Native]]:
        """Return orders as 1C holds them in the shape of this reader."""
        del entity_set
        own = self._options.order.partner if self._options.order else ""
        partners = {str(order.get("Партнер_Key", "")) for order in orders} - {own, ""}
        buyers = Partners(self._base, self._options).buyers(sorted(ref for ref in partners if is_reference(ref)))
        return [[self._order(order, buyers)] for order in orders]

    def _order(self, order: Native, buyers: dict[str, Native]) -> Native:
        channel, comment = channel_of(str(order.get("Комментарий") or ""))
        number = str(order.get(NUMBER) or "")
        if not (channel and number):
            channel, comment = self._name, str(order.get("Комментарий") or "")
            number = f"{order['Number']}/{str(order['Date'])[:4]}"
        rows = [line(row, self._names) for row in order.get("Товары") or ()]
        cancelled = [row for row in rows if row.get("Отменено") is True]
        standing = [row for row in rows if row.get("Отменено") is not True] or rows
        shaped = {
            **order,
            CHANNEL: channel,
            OWN_NUMBER: number,
            "Комментарий": comment,
            "Товары": standing,
            "Отмененные": cancelled,
            "Итого": total(standing),
            **self._names.currency(order.get("Валюта_Key")),
            "Склад": self._names.warehouse(order.get("Склад_Key")),
            "Покупатель": buyers.get(str(order.get("Партнер_Key"))),
        }
        if paid := bonuses(standing):
            shaped["ОплаченоБонусами"] = paid
        return {name: value for name, value in shaped.items() if value is not None}
