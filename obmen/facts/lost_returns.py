"""Lost returns: money that went back without goods, and goods that came back without money. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from obmen.facts.books import Book, Difference, Terms, money
from obmen.facts.kept import Return

_BACK = frozenset({"received", "refunded"})
_VOID = frozenset({"rejected", "cancelled"})


def lost(books: Iterable[Book], read: Mapping[str, frozenset[str]], terms: Terms) -> Iterator[Difference]:
    """Yield what is amiss between returns and refunds, of channels whose returns are read."""
    for book in books:
        if not book.key.order or "return" not in read.get(book.key.channel, ()):
            continue
        real = [one for one in book.returns if one.state not in _VOID]
        refunds = book.of("refund")
        if refunds and not real:
            cancelled = book.status is not None and book.status.status == "cancelled"
            if not cancelled and terms.due(refunds[0].occurred_at):
                yield _no_goods(book)
        elif refunds:
            yield from _on_the_way(book, real, terms)
        elif book.sum("sale") > 0:
            yield from _no_money(book, real, terms)


def _no_goods(book: Book) -> Difference:
    refunded = -book.sum("refund")
    return book.difference(
        "return",
        refunded,
        book.of("refund")[0].occurred_at,
        ("accrual", "return"),
        f"{money(refunded, book.key.currency)} went back to the buyer, but the channel tells of no return.",
        "Look for the goods in the channel's returns; if they never came, claim a compensation.",
    )


def _on_the_way(book: Book, returns: list[Return], terms: Terms) -> Iterator[Difference]:
    late = [one for one in returns if one.state not in _BACK and one.occurred_at is not None]
    for one in late:
        assert one.occurred_at is not None  # noqa: S101 - chosen so
        if one.occurred_at + 2 * terms.wait <= terms.now:
            yield book.difference(
                "return",
                -book.sum("refund"),
                one.occurred_at,
                ("return", "accrual"),
                f"Return {one.number} is paid back but its goods have not come for"
                f" {(terms.now - one.occurred_at).days} days (state {one.state or 'unknown'}).",
                "Ask the channel where the goods are; if they are lost, claim a compensation.",
            )
            return


def _no_money(book: Book, returns: list[Return], terms: Terms) -> Iterator[Difference]:
    sale = book.of("sale")[-1]
    for one in returns:
        at = one.occurred_at or sale.occurred_at
        if one.state in _BACK and terms.due(at):
            worth = one.total if one.total is not None else sum((line.sum for line in one.lines), start=sale.amount * 0)
            yield book.difference(
                "return",
                -(worth or book.sum("sale")),
                at,
                ("return", "accrual"),
                f"Return {one.number} came back, but no refund is accrued: the sale of"
                f" {money(book.sum('sale'), book.key.currency)} still stands.",
                "Expect the channel to take the sale back; check the return and 1C's document of it.",
            )
            return
