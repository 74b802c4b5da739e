"""Doubled accruals: one operation of the channel's told twice, under two ids. Pure.

Two sums alike are no double by themselves: two units of one thing bring two. So as many are allowed as the order
has room for: a sale as often as it fits into what was ordered, anything else once for each unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from obmen.facts.books import Book, Difference, money, total
from obmen.facts.kept import Accrual

_Alike = tuple[str, str | None, str | None, Decimal]


def doubled(books: Iterable[Book]) -> Iterator[tuple[Difference, list[Accrual]]]:
    """Yield for each order with doubled accruals the difference and the accruals that are too many."""
    for book in books:
        if book.order is None or not book.key.order:
            continue
        surplus = _surplus(book)
        if surplus:
            titles = ", ".join(dict.fromkeys(one.title or one.kind for one in surplus))
            said = f"The same is accrued again under another id: {titles}; ids {_ids(surplus)}."
            yield (
                book.difference(
                    "doubled",
                    -total(surplus),
                    surplus[0].occurred_at,
                    ("accrual", "accrual"),
                    said,
                    f"Ask the channel to take back {money(total(surplus), book.key.currency)}; expect it in a later"
                    " payout.",
                ),
                surplus,
            )


def _surplus(book: Book) -> list[Accrual]:
    groups: dict[_Alike, list[Accrual]] = {}
    for one in book.accruals:
        if one.amount:
            groups.setdefault((one.kind, book.sku_of(one), one.title, one.amount), []).append(one)
    if all(len(group) == 1 for group in groups.values()):
        return []
    sales = {
        alike: (len(group), allowed)
        for alike, group in groups.items()
        if alike[0] == "sale" and len(group) > (allowed := _room(book, group[0]))
    }
    found: list[Accrual] = []
    for alike, group in groups.items():
        allowed = _room(book, group[0])
        for sale, (copies, fitting) in sales.items():
            if sale[1] in {alike[1], None} and len(group) >= copies:
                allowed = min(allowed, len(group) * fitting // copies)
        found += group[max(allowed, 1) :]
    return sorted(found, key=lambda one: (one.occurred_at, one.operation_id))


def _room(book: Book, one: Accrual) -> int:
    """Return how many accruals like this one the order has room for."""
    sku = book.sku_of(one)
    units = book.units(sku)
    if one.kind == "sale":
        if one.quantity:
            return max(int(units / one.quantity), 1)
        ordered = book.ordered(sku)
        return max(int(ordered / one.amount), 1) if ordered and one.amount > 0 else max(int(units), 1)
    return max(int(units), 1)


def _ids(accruals: Iterable[Accrual]) -> str:
    return ", ".join(one.operation_id for one in accruals)
