"""Wrong periods: a sale accrued when its order was not delivered yet, or no more. Pure.

A day of grace is given, for channels tell accruals by days of their own zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import timedelta

from obmen.facts.books import Book, Difference, Terms, money, total
from obmen.facts.kept import Accrual

_GRACE = timedelta(days=1)
_OPEN = frozenset({"new", "confirmed", "assembling", "ready", "shipped"})
_BACK = frozenset({"received", "refunded"})
_HABIT = 5
"""Where more than one of so many orders under way has its sale already, the channel accrues what buyers prepay."""


def misplaced(books: Sequence[Book], terms: Terms) -> Iterator[Difference]:
    """Yield the orders whose sale stands in a wrong period."""
    prepaid = _prepaid(books)
    for book in books:
        for reason, sources, some in _wrong(book, terms, prepaid):
            if some:
                amount = total(some)
                days = ", ".join(dict.fromkeys(f"{one.occurred_at:%Y-%m-%d}" for one in some))
                yield book.difference(
                    "period",
                    -amount,
                    some[0].occurred_at,
                    sources,
                    f"A sale of {money(amount, book.key.currency)} is accrued on {days}, {reason}.",
                    "Check in which report of the channel it stands; in 1C enter it in the period of the delivery.",
                )
                break


_Found = tuple[str, tuple[str, ...], list[Accrual]]


def _prepaid(books: Iterable[Book]) -> frozenset[str]:
    """Return the channels that accrue sales before they deliver."""
    open_, accrued = Counter[str](), Counter[str]()
    for book in books:
        if book.status is not None and book.status.status in _OPEN:
            open_[book.key.channel] += 1
            accrued[book.key.channel] += bool(book.of("sale"))
    return frozenset(channel for channel, count in accrued.items() if count * _HABIT > open_[channel])


def _wrong(book: Book, terms: Terms, prepaid: Set[str]) -> Iterator[_Found]:
    sales = [one for one in book.of("sale") if one.amount > 0]
    if not sales:
        return
    if book.order is not None:
        placed = book.order.placed_at
        early = [one for one in sales if one.occurred_at + _GRACE < placed]
        yield f"before the order was placed ({placed:%Y-%m-%d})", ("accrual", "order"), early
    status = book.status
    if status is not None and status.status == "cancelled" and not book.returns and book.sum("sale", "refund") > 0:
        yield "but the order is cancelled and was never delivered", ("accrual", "order status"), sales
    if status is not None and status.status in _OPEN and book.key.channel not in prepaid:
        old = [one for one in sales if one.occurred_at + _GRACE < terms.now]
        yield f"but the order is not delivered yet ({status.status})", ("accrual", "order status"), old
    if status is not None and status.status == "delivered" and status.occurred_at is not None:
        late = [one for one in sales if one.occurred_at > status.occurred_at + terms.wait]
        yield f"long after the delivery ({status.occurred_at:%Y-%m-%d})", ("accrual", "order status"), late
    backs = [one.occurred_at for one in book.returns if one.state in _BACK and one.occurred_at is not None]
    if backs and sales[0].occurred_at > min(backs) + _GRACE:
        yield f"when the goods had come back already ({min(backs):%Y-%m-%d})", ("accrual", "return"), sales
