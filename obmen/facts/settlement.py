"""Settlement: order, accruals, report, payout and 1C's document side by side, and what does not agree. Pure.

Every accrual stands in exactly one line, so the lines' sum is that of the accruals, to the kopeck.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from obmen.facts.books import Book, Difference, Key, Terms, opened, total
from obmen.facts.commissions import misjudged
from obmen.facts.documents import undocumented
from obmen.facts.doubles import doubled
from obmen.facts.kept import ZERO, Document, Facts
from obmen.facts.lost_returns import lost
from obmen.facts.payouts import tied
from obmen.facts.periods import misplaced

KINDS = ("commission", "return", "doubled", "payout", "period", "document")
"""Kinds of differences, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Line:
    """One order's money; or, with ``order`` "", what belongs to none in this channel and currency.

    ``sums``: kind of accrual → what it comes to in the period, without payouts; ``paid``: payouts that the channel
    told for this order in the period. ``owed``: what is accrued by now and in no payout yet. ``ordered``, ``returned``:
    what the order came to and what came back; ``count``: how many accruals and payouts stand in the line.
    """

    key: Key
    placed_at: datetime | None
    ordered: Decimal | None
    status: str
    returned: Decimal
    sums: Mapping[str, Decimal]
    paid: Decimal
    owed: Decimal
    document: Document | None
    count: int

    @property
    def accrued(self) -> Decimal:
        """What the accruals come to: what should be paid out."""
        return sum(self.sums.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Total:
    """A channel's sums in one currency: those of its lines."""

    channel: str
    currency: str
    orders: int
    sums: Mapping[str, Decimal]
    paid: Decimal
    owed: Decimal

    @property
    def accrued(self) -> Decimal:
        """What the accruals come to."""
        return sum(self.sums.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Settlement:
    """Lines by channel and order, what does not agree, and how many orders with money nobody has read."""

    lines: Sequence[Line] = ()
    differences: Sequence[Difference] = ()
    unread: Mapping[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> list[Total]:
        """The lines added up, for each channel and currency."""
        grouped: dict[tuple[str, str], list[Line]] = {}
        for line in self.lines:
            grouped.setdefault((line.key.channel, line.key.currency), []).append(line)
        return [_total(channel, currency, lines) for (channel, currency), lines in sorted(grouped.items())]


def settle(facts: Facts, terms: Terms) -> Settlement:
    """Put the papers side by side."""
    books = opened(facts)
    all_ = list(books.values())
    doubles = list(doubled(all_))
    again = {one.operation_id for _, some in doubles for one in some}
    surplus = {_key(difference): -difference.amount for difference, _ in doubles}
    payments = tied(books, terms, surplus)
    differences = [
        *misjudged(all_, facts.categories, terms, again),
        *lost(all_, facts.read, terms),
        *(difference for difference, _ in doubles),
        *payments.differences,
        *misplaced(all_, terms),
        *undocumented(all_, facts.documented, terms),
    ]
    lines = [_line(book, terms, payments.covered) for book in all_]
    return Settlement(
        sorted((line for line in lines if _told(line, terms)), key=lambda line: line.key),
        sorted((one for one in differences if terms.tell(one.at)), key=_rank),
        _unread(all_, facts),
    )


def _key(one: Difference) -> Key:
    return Key(one.channel, one.currency, one.order)


def _rank(one: Difference) -> tuple[str, int, datetime, str]:
    return one.channel, KINDS.index(one.kind), one.at, one.order


def _line(book: Book, terms: Terms, covered: Mapping[Key, Decimal]) -> Line:
    accruals = [one for one in book.accruals if terms.tell(one.occurred_at)]
    payouts = [one for one in book.payouts if terms.tell(one.occurred_at)]
    sums: dict[str, Decimal] = {}
    for one in accruals:
        sums[one.kind] = sums.get(one.kind, ZERO) + one.amount
    order = book.order
    return Line(
        book.key,
        order.placed_at if order else None,
        (order.total if order.total is not None else order.sum) if order else None,
        book.status.status if book.status else "",
        _returned(book),
        sums,
        total(payouts),
        book.sum() - covered.get(book.key, ZERO),
        book.document,
        len(accruals) + len(payouts),
    )


def _returned(book: Book) -> Decimal:
    backs = [one for one in book.returns if one.state in {"received", "refunded"}]
    return sum(
        (one.total if one.total is not None else sum((line.sum for line in one.lines), ZERO) for one in backs), ZERO
    )


def _told(line: Line, terms: Terms) -> bool:
    return bool(line.count) or (line.placed_at is not None and terms.tell(line.placed_at))


def _unread(books: Iterable[Book], facts: Facts) -> dict[str, int]:
    found: dict[str, int] = {}
    for book in books:
        if book.key.order and book.order is None and "order" in facts.read.get(book.key.channel, ()):
            found[book.key.channel] = found.get(book.key.channel, 0) + 1
    return found


def _total(channel: str, currency: str, lines: Sequence[Line]) -> Total:
    sums: dict[str, Decimal] = {}
    for line in lines:
        for kind, amount in line.sums.items():
            sums[kind] = sums.get(kind, ZERO) + amount
    return Total(
        channel,
        currency,
        sum(bool(line.key.order) for line in lines),
        sums,
        sum((line.paid for line in lines), ZERO),
        sum((line.owed for line in lines), ZERO),
    )
