"""What was paid out, put against what was accrued. Pure.

Channels tell payouts in three ways, and each is tied in its own: for one order (its accruals), for one report (the
accruals that stand in it), or as one sum (all accruals up to some day). A sum that is short by just what one order
brought names that order; one that nothing explains is told as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from obmen.facts.books import Book, Difference, Key, Terms, money, total
from obmen.facts.kept import ZERO, Accrual

_LONGEST = 100
"""Days of accruals that one payout is looked for in."""


@dataclass
class Tied:
    """``covered``: whose book → how much of its accruals some payout holds; ``differences``: what does not come up."""

    covered: dict[Key, Decimal] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def cover(self, accruals: Iterable[Accrual]) -> None:
        """Note that a payout holds these."""
        for one in accruals:
            key = _key(one)
            self.covered[key] = self.covered.get(key, ZERO) + one.amount


def tied(books: Mapping[Key, Book], terms: Terms, surplus: Mapping[Key, Decimal]) -> Tied:
    """Tie payouts to accruals. ``surplus``: whose book → what is accrued twice in it, so need not be paid."""
    found = Tied()
    accounts: dict[tuple[str, str], list[Book]] = {}
    for key, book in books.items():
        accounts.setdefault((key.channel, key.currency), []).append(book)
    for some in accounts.values():
        payouts = [one for book in some for one in book.payouts]
        if payouts:
            _account(some, sorted(payouts, key=lambda one: one.occurred_at), terms, surplus, found)
    return found


def _account(
    books: Sequence[Book], payouts: Sequence[Accrual], terms: Terms, surplus: Mapping[Key, Decimal], found: Tied
) -> None:
    by_order = any(one.order for one in payouts)
    accruals = [one for book in books for one in book.accruals]
    reports = {one.report for one in accruals if one.report}
    reports &= {one.report for one in payouts if one.report and not one.order}
    pools: dict[str, list[Accrual]] = {}
    for one in accruals:
        if not (by_order and one.order):
            pools.setdefault((one.report or "") if reports else "", []).append(one)
    if by_order:
        _by_order([book for book in books if book.key.order], payouts[0].occurred_at, terms, surplus, found)
    paid: dict[str, list[Accrual]] = {}
    for one in payouts:
        if not one.order:
            paid.setdefault(one.report if one.report in reports and one.report else "", []).append(one)
    for report in sorted(reports | {name for name in pools if name}):
        _of_report(report, pools.pop(report, []), paid.pop(report, []), terms, found)
    lump = sorted(pools.get("", []), key=lambda one: one.occurred_at)
    if paid.get("") and lump:
        _Lump(lump, terms, found).take(paid[""])


def _by_order(
    books: Iterable[Book], first: datetime, terms: Terms, surplus: Mapping[Key, Decimal], found: Tied
) -> None:
    """``first``: when the first payout is known; what was accrued long before may have been paid unseen."""
    for book in books:
        paid = total(book.payouts)
        if paid:
            found.covered[book.key] = paid
        left = book.sum() - paid
        if not book.accruals or not left or left == surplus.get(book.key):
            continue
        if book.order is None and not book.of("sale"):
            continue  # what comes late for an order from before all that was looked at
        last = max(one.occurred_at for one in (*book.accruals, *book.payouts))
        if terms.due(last) and book.accruals[0].occurred_at + terms.wait >= first:
            found.differences.append(_missing(book.key, left, book.accruals[-1].occurred_at, "no payout holds it"))


def _of_report(report: str, accruals: Sequence[Accrual], payouts: Sequence[Accrual], terms: Terms, found: Tied) -> None:
    left = total(accruals) - total(payouts)
    at = max(one.occurred_at for one in (*accruals, *payouts))
    if not payouts:
        if left and terms.due(at):
            found.differences.append(_unpaid(_nobody(accruals[0]), left, at, f"report {report} has no payout"))
        return
    key = _only(_nets(accruals), left) if left else None
    found.cover(one for one in accruals if _key(one) != key)
    if key is not None:
        found.differences.append(_missing(key, left, at, f"the payout of report {report} is short by just this"))
    elif left:
        said = f"report {report} comes to {money(total(accruals))}, its payout to {money(total(payouts))}"
        found.differences.append(_unpaid(_nobody(payouts[0]), left, at, said))


class _Lump:
    """Payouts of an account that names neither orders nor reports, taken one after another."""

    def __init__(self, accruals: Sequence[Accrual], terms: Terms, found: Tied) -> None:
        self._terms, self._found = terms, found
        self._days: dict[date, list[Accrual]] = {}
        for one in accruals:
            self._days.setdefault(one.occurred_at.date(), []).append(one)
        self._first = True

    def take(self, payouts: Sequence[Accrual]) -> None:
        sums: dict[date, list[Accrual]] = {}
        for one in payouts:
            sums.setdefault(one.occurred_at.date(), []).append(one)
        for day, some in sums.items():
            self._one(day, some)
        waiting = [one for some in self._days.values() for one in some if self._terms.due(one.occurred_at)]
        if left := total(waiting):
            said = "accrued, due, and not paid out yet"
            self._found.differences.append(_unpaid(_nobody(waiting[0]), left, waiting[-1].occurred_at, said))

    def _one(self, day: date, payouts: Sequence[Accrual]) -> None:
        """Find up to which day a payout pays; else which order it leaves out; else say that it does not come up."""
        amount = total(payouts)
        cuts = list(self._cuts(day))
        for days, left in cuts:
            if left == amount:
                self._close(days, None)
                return
        for days, left in cuts:
            inside = [one for some in days for one in self._days[some]]
            key = _only(_nets(inside), left - amount)
            if key is not None:
                at = max(one.occurred_at for one in inside if _key(one) == key)
                said = f"the payout of {day:%Y-%m-%d} is short by just this"
                self._found.differences.append(_missing(key, left - amount, at, said))
                self._close(days, key)
                return
        if cuts:
            days, left = cuts[0]
            if not self._first:  # the first one pays also what was accrued before anything was read
                said = f"accrued up to {day:%Y-%m-%d} is {money(left)}, paid out {money(amount)}"
                at = payouts[-1].occurred_at
                self._found.differences.append(_unpaid(_nobody(payouts[0]), left - amount, at, said))
            self._close(days, None)

    def _cuts(self, day: date) -> Iterator[tuple[list[date], Decimal]]:
        """Yield the days that a payout may pay, the most of them first, with what they come to."""
        days = [one for one in self._days if one <= day]
        left = sum((total(self._days[one]) for one in days), ZERO)
        for count in range(len(days), max(len(days) - _LONGEST, 0), -1):
            yield days[:count], left
            left -= total(self._days[days[count - 1]])

    def _close(self, days: Iterable[date], without: Key | None) -> None:
        for day in days:
            self._found.cover(one for one in self._days.pop(day) if _key(one) != without)
        self._first = False


def _key(one: Accrual) -> Key:
    return Key(one.channel, one.currency, one.order or "")


def _nobody(one: Accrual) -> Key:
    return Key(one.channel, one.currency, "")


def _nets(accruals: Iterable[Accrual]) -> dict[Key, Decimal]:
    nets: dict[Key, Decimal] = {}
    for one in accruals:
        if one.order:
            nets[_key(one)] = nets.get(_key(one), ZERO) + one.amount
    return nets


def _only(nets: Mapping[Key, Decimal], amount: Decimal) -> Key | None:
    """Return the order that brought just so much, unless several did."""
    keys = [key for key, net in nets.items() if net == amount]
    return keys[0] if len(keys) == 1 else None


def _missing(key: Key, amount: Decimal, at: datetime, why: str) -> Difference:
    return Difference(
        "payout",
        key.channel,
        key.order,
        key.currency,
        amount,
        at,
        ("accrual", "payout"),
        f"{money(amount, key.currency)} is accrued and due, but {why}.",
        "Ask the channel's support for the payout of this order, with its accruals.",
    )


def _unpaid(key: Key, amount: Decimal, at: datetime, why: str) -> Difference:
    return Difference(
        "payout",
        key.channel,
        "",
        key.currency,
        amount,
        at,
        ("accrual", "payout"),
        f"Payouts and accruals do not come to the same: {why}.",
        "Compare with the channel's statement; accruals from before the first read, or not read at all, show so.",
    )
