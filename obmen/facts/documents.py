"""1C's documents: every sale that was accrued stands on one, with the order's total. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from obmen.facts.books import Book, Difference, Terms, money


def undocumented(books: Iterable[Book], documented: Set[str], terms: Terms) -> Iterator[Difference]:
    """Yield sold orders without a document in 1C, and documents with another total."""
    for book in books:
        sales = book.of("sale")
        if not sales or book.order is None or book.key.channel not in documented:
            continue
        ordered = book.order.total if book.order.total is not None else book.order.sum
        document = book.document
        if document is None and terms.due(sales[0].occurred_at):
            yield book.difference(
                "document",
                ordered,
                sales[0].occurred_at,
                ("accrual", "1C"),
                "The order is sold, and 1C has no document of it.",
                "Look for it in the quarantine and the outbox: obmen quarantine list; else read it again: obmen"
                " backfill.",
            )
        elif document is not None and document.total is not None and document.total != ordered:
            yield book.difference(
                "document",
                ordered - document.total,
                sales[0].occurred_at,
                ("order", "1C"),
                f"The order comes to {money(ordered, book.key.currency)}, its document in {document.connection} to"
                f" {money(document.total, book.key.currency)}.",
                "Open the document in 1C and compare its lines with the order's.",
            )
