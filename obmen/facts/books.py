"""Books: all that is known of one order's money, put side by side. Pure.

Money that belongs to no order has a book too, one for each channel and currency, so no accrual is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from obmen.facts.kept import ZERO, Accrual, Document, Facts, Order, Return, Status

WAIT = timedelta(days=30)
"""How long one paper may follow another before it counts as missing."""


class Key(NamedTuple):
    """Whose book it is; ``order`` is "" for what belongs to none."""

    channel: str
    currency: str
    order: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a settlement is judged by.

    ``since``, ``until``: the period that is told, the latter exclusive; what lies beyond is used to judge it.
    ``wait``: how long one paper may follow another. ``rates``: channel → category (or "*") → commission's share.
    """

    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    wait: timedelta = WAIT
    rates: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def tell(self, moment: datetime) -> bool:
        """Whether a moment lies in the period."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)

    def due(self, moment: datetime) -> bool:
        """Whether what follows a moment should have come by now."""
        return moment + self.wait <= self.now


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree. ``amount`` is what the seller is short of; below zero, what he has too much.

    ``kind``: commission, return, doubled, payout, period or document. ``sources``: which papers disagree.
    ``at``: when it happened; ``said``: what is wrong; ``next``: what to do about it.
    """

    kind: str
    channel: str
    order: str
    currency: str
    amount: Decimal
    at: datetime
    sources: tuple[str, ...]
    said: str
    next: str


@dataclass(slots=True)
class Book:
    """One order's papers. ``accruals`` are without payouts, which stand in ``payouts``; both by time."""

    key: Key
    order: Order | None = None
    status: Status | None = None
    document: Document | None = None
    returns: list[Return] = field(default_factory=list)
    accruals: list[Accrual] = field(default_factory=list)
    payouts: list[Accrual] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Accrual]:
        """Return the accruals of these kinds."""
        return [one for one in self.accruals if one.kind in kinds]

    def sum(self, *kinds: str) -> Decimal:
        """Return what the accruals of these kinds come to; of all, without any."""
        return total(one for one in self.accruals if not kinds or one.kind in kinds)

    def units(self, sku: str | None) -> Decimal:
        """Return how many units were ordered of an SKU; of all, of None."""
        lines = self.order.lines if self.order else ()
        return sum((line.quantity for line in lines if sku in {None, line.sku}), ZERO)

    def ordered(self, sku: str | None) -> Decimal:
        """Return what the order's lines of an SKU come to; all of them, of None."""
        lines = self.order.lines if self.order else ()
        return sum((line.sum for line in lines if sku in {None, line.sku}), ZERO)

    def sku_of(self, accrual: Accrual) -> str | None:
        """Return the SKU of an accrual: its own, else the only one that the order has."""
        if accrual.sku is not None:
            return accrual.sku
        skus = {line.sku for line in self.order.lines} if self.order else set()
        return next(iter(skus)) if len(skus) == 1 else None

    def difference(
        self, kind: str, amount: Decimal, at: datetime, sources: tuple[str, ...], said: str, next_: str
    ) -> Difference:
        """Return a difference of this order."""
        return Difference(kind, self.key.channel, self.key.order, self.key.currency, amount, at, sources, said, next_)


def total(accruals: Iterable[Accrual]) -> Decimal:
    """Return what accruals come to."""
    return sum((one.amount for one in accruals), ZERO)


def money(amount: Decimal, currency: str = "") -> str:
    """Return an amount as people write it: at least two places, thousands apart."""
    places = max(2, -int(amount.normalize().as_tuple().exponent)) if amount else 2
    return f"{amount:,.{places}f}".replace(",", " ") + (f" {currency}" if currency else "")


def opened(facts: Facts) -> dict[Key, Book]:
    """Return a book for every order and for what belongs to none."""
    books: dict[Key, Book] = {}
    for one in sorted(facts.accruals, key=lambda one: (one.occurred_at, one.operation_id)):
        key = Key(one.channel, one.currency, one.order or "")
        book = books.setdefault(key, Book(key))
        (book.payouts if one.paid else book.accruals).append(one)
    named: dict[tuple[str, str], list[Book]] = {}
    for key, book in books.items():
        named.setdefault((key.channel, key.order), []).append(book)
    for order in facts.orders:
        told = named.setdefault((order.channel, order.number), [])
        if not told:
            key = Key(order.channel, order.currency, order.number)
            told.append(books.setdefault(key, Book(key)))
        for book in told:
            book.order = order
            book.document = facts.documents.get((order.channel, order.number))
    for status in facts.statuses:
        for book in named.get((status.channel, status.number), ()):
            book.status = status
    for back in facts.returns:
        for book in named.get((back.channel, back.order or ""), ()) if back.order else ():
            book.returns.append(back)
    return books
