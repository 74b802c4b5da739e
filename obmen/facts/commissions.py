"""Wrong commissions: what was taken of a sale is another share than the one that holds. Pure.

The right share is the one that the project states for the channel and the good's category. Where it states none, it
is learned from the channel's own accruals: the share that nearly all other orders of the same good, else of the same
category, else of the whole channel were charged. Where they do not agree, nothing is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from obmen.facts.books import Book, Difference, Terms, money
from obmen.facts.kept import ZERO

FEWEST, AGREEING = 5, Decimal("0.8")
"""Of how many charges a share is learned at least, and how many of them must agree."""
_SHARE, _KOPECK = Decimal("0.0001"), Decimal("0.01")
_TRIED = 5


@dataclass(frozen=True, slots=True)
class _Charge:
    """``taken`` of a sale of ``base`` by so many ``parts``, each of them rounded."""

    book: Book
    sku: str | None
    base: Decimal
    taken: Decimal
    parts: int
    at: datetime

    def fits(self, share: Decimal) -> bool:
        return abs(self.taken - self.base * share) <= _KOPECK * self.parts


def misjudged(
    books: Iterable[Book], categories: Mapping[str, str], terms: Terms, doubled: Set[str]
) -> Iterator[Difference]:
    """Yield the orders whose commission is wrong; ``doubled``: ids of accruals that are told twice."""
    charges = [charge for book in books if book.key.order for charge in _charges(book, doubled)]
    learned = _learned(charges, categories)
    for charge in charges:
        share, whose = _share(charge, categories, terms, learned)
        if share is None or charge.fits(share) or (not charge.taken and not terms.due(charge.at)):
            continue
        right = (charge.base * share).quantize(_KOPECK)
        currency = charge.book.key.currency
        said = (
            f"The commission is {money(charge.taken, currency)} of {money(charge.base, currency)}"
            f"{f' for {charge.sku}' if charge.sku else ''}, {_percent(charge.taken / charge.base)}; {whose} is"
            f" {_percent(share)}, {money(right, currency)}."
        )
        yield charge.book.difference(
            "commission",
            charge.taken - right,
            charge.at,
            ("accrual", "project" if whose.startswith("the project") else "report"),
            said,
            "Look at the good's category and tariff in the channel; if they are right, claim the difference there.",
        )


def _charges(book: Book, doubled: Set[str]) -> Iterator[_Charge]:
    told = [one for one in book.of("sale", "commission") if one.operation_id not in doubled]
    apart = all(book.sku_of(one) is not None for one in told)
    for sku in {book.sku_of(one) if apart else None for one in told}:
        some = [one for one in told if not apart or book.sku_of(one) == sku]
        base = sum((one.amount for one in some if one.kind == "sale"), ZERO)
        parts = [one.amount for one in some if one.kind == "commission" and one.amount < 0]
        if base > 0:
            at = next(one.occurred_at for one in some if one.kind == "sale")
            yield _Charge(book, sku, base, -sum(parts, ZERO), max(len(parts), 1), at)


_Group = tuple[str, str, str]


def _groups(charge: _Charge, categories: Mapping[str, str]) -> list[_Group]:
    channel, sku = charge.book.key.channel, charge.sku
    category = categories.get(sku) if sku is not None else None
    found = [(channel, "good", sku)] if sku is not None else []
    found += [(channel, "category", category)] if category is not None else []
    return [*found, (channel, "channel", "")]


def _learned(charges: Iterable[_Charge], categories: Mapping[str, str]) -> dict[_Group, Decimal | None]:
    grouped: dict[_Group, list[_Charge]] = {}
    for charge in charges:
        for group in _groups(charge, categories):
            grouped.setdefault(group, []).append(charge)
    return {group: _common(some) for group, some in grouped.items() if len(some) >= FEWEST}


def _common(charges: list[_Charge]) -> Decimal | None:
    tried = Counter((one.taken / one.base).quantize(_SHARE) for one in charges).most_common(_TRIED)
    count, share = max((sum(one.fits(share) for one in charges), share) for share, _ in tried)
    return share if count >= AGREEING * len(charges) else None


def _share(
    charge: _Charge, categories: Mapping[str, str], terms: Terms, learned: Mapping[_Group, Decimal | None]
) -> tuple[Decimal | None, str]:
    rates = terms.rates.get(charge.book.key.channel, {})
    category = categories.get(charge.sku, "") if charge.sku is not None else ""
    stated = rates.get(category, rates.get("*"))
    if stated is not None:
        return stated, f"the project's rate for {category}" if category in rates else "the project's rate"
    for group in _groups(charge, categories):
        if group in learned:
            name = {"good": "that good", "category": f"{group[2]}", "channel": "the channel"}[group[1]]
            return learned[group], f"the usual rate of {name}"
    return None, ""


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(_KOPECK).normalize():f} %"
