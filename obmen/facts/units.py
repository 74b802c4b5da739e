"""Margin and unit economics: what each SKU brought in each channel, from what was accrued. Pure.

How money finds its SKU: an operation that names one belongs to it; one of an order with a single SKU, to that; one of
an order with several, to each by its share of the order's sum; one of no order, such as storage or advertising, to
each SKU of the channel by its share of the sales in the period (then it stands under ``shared``). What finds none
stands in the row without an SKU. Shares are rounded to the kopeck so that the parts come to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from obmen.facts.books import Book, Terms, opened
from obmen.facts.kept import ZERO, Accrual, Facts

COLUMNS = ("sale", "refund", "commission", "delivery", "other", "shared")
_COLUMN = {
    "sale": "sale",
    "refund": "refund",
    "commission": "commission",
    "delivery": "delivery",
    "return_delivery": "delivery",
}
_KOPECK, _FINE, _SHARE = Decimal("0.01"), Decimal("0.0001"), Decimal("0.0001")
_Owner = tuple[str, str, str]


@dataclass(slots=True)
class Unit:
    """One SKU in one channel and currency; "" for what belongs to none.

    ``sums``: a column of ``COLUMNS`` → its accruals. ``sold``, ``returned``: units; None where a sale does not tell
    them. ``vat``: the tax within the sales. ``cost``: of the units that stayed sold; None where it is not known.
    ``share``: of the channel's sales.
    """

    channel: str
    currency: str
    sku: str
    sums: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(COLUMNS, ZERO))
    sold: Decimal | None = ZERO
    returned: Decimal | None = ZERO
    vat: Decimal = ZERO
    cost: Decimal | None = None
    share: Decimal | None = None

    @property
    def revenue(self) -> Decimal:
        """Sales less refunds."""
        return self.sums["sale"] + self.sums["refund"]

    @property
    def accrued(self) -> Decimal:
        """All that was accrued for it: revenue less fees."""
        return sum(self.sums.values(), ZERO)

    @property
    def profit(self) -> Decimal | None:
        """What is left after fees, VAT and cost; None where the cost is not known."""
        return None if self.cost is None else self.accrued - self.vat - self.cost

    @property
    def margin(self) -> Decimal | None:
        """The profit's share of the revenue, to 0.01 %."""
        if self.profit is None or self.revenue <= 0:
            return None
        return (self.profit / self.revenue).quantize(_SHARE)


def units(
    facts: Facts,
    terms: Terms,
    costs: Mapping[tuple[str, str], Decimal] | None = None,
    vats: Mapping[str, str] | None = None,
) -> list[Unit]:
    """Return a row for each SKU of each channel, by channel and SKU.

    ``costs``: (SKU, currency) → what a unit costs. ``vats``: SKU → VAT's rate, for sales whose order does not tell it.
    """
    found: dict[_Owner, Unit] = {}
    homeless: list[Accrual] = []
    rates = dict(vats or {})
    for book in opened(facts).values():
        if book.order is not None:
            rates |= {line.sku: line.vat for line in book.order.lines if line.vat}
        for one in book.accruals:
            if terms.tell(one.occurred_at):
                _take(found, homeless, book, one)
    _share_out(found, homeless)
    whole: dict[tuple[str, str], Decimal] = {}
    for unit in found.values():
        owner = unit.channel, unit.currency
        whole[owner] = whole.get(owner, ZERO) + unit.revenue
    for unit in found.values():
        _finish(unit, whole[unit.channel, unit.currency], rates, costs or {})
    return sorted(found.values(), key=lambda unit: (unit.channel, unit.currency, unit.sku))


def _unit(found: dict[_Owner, Unit], channel: str, currency: str, sku: str) -> Unit:
    return found.setdefault((channel, currency, sku), Unit(channel, currency, sku))


def _take(found: dict[_Owner, Unit], homeless: list[Accrual], book: Book, one: Accrual) -> None:
    column = _COLUMN.get(one.kind, "other")
    sku = book.sku_of(one)
    if sku is not None:
        unit = _unit(found, one.channel, one.currency, sku)
        unit.sums[column] += one.amount
        _count(unit, book, one, sku)
        return
    lines = book.order.lines if book.order is not None else ()
    weights: dict[str, Decimal] = {}
    for line in lines:
        weights[line.sku] = weights.get(line.sku, ZERO) + line.sum
    parts = split(one.amount, weights)
    if not parts:
        homeless.append(one)
    for owner, amount in parts.items():
        unit = _unit(found, one.channel, one.currency, owner)
        unit.sums[column] += amount
        if one.kind == "sale":
            unit.sold = None if unit.sold is None else unit.sold + book.units(owner)
        elif one.kind == "refund":
            unit.returned = None


def _count(unit: Unit, book: Book, one: Accrual, sku: str) -> None:
    if one.kind not in {"sale", "refund"}:
        return
    quantity = one.quantity if one.quantity is not None else _quantity(book, one, sku)
    if one.kind == "sale":
        unit.sold = None if quantity is None or unit.sold is None else unit.sold + quantity
    else:
        unit.returned = None if quantity is None or unit.returned is None else unit.returned + quantity


def _quantity(book: Book, one: Accrual, sku: str) -> Decimal | None:
    """Return how many units a sum is for: as many times as a unit's price goes into it."""
    ordered, count = book.ordered(sku), book.units(sku)
    if not ordered or not count:
        return None
    quantity = abs(one.amount) * count / ordered
    return quantity if quantity == quantity.to_integral_value() else count if one.kind == "sale" else None


def _share_out(found: dict[_Owner, Unit], homeless: Iterable[Accrual]) -> None:
    weights: dict[tuple[str, str], dict[str, Decimal]] = {}
    for (channel, currency, sku), unit in found.items():
        weights.setdefault((channel, currency), {})[sku] = max(unit.revenue, ZERO)
    sums: dict[tuple[str, str], Decimal] = {}
    for one in homeless:
        owner = one.channel, one.currency
        if one.order is None and one.kind not in {"sale", "refund"}:
            sums[owner] = sums.get(owner, ZERO) + one.amount
        else:
            _unit(found, *owner, "").sums[_COLUMN.get(one.kind, "other")] += one.amount
    for (channel, currency), amount in sums.items():
        parts = split(amount, weights.get((channel, currency), {})) or {"": amount}
        for sku, part in parts.items():
            _unit(found, channel, currency, sku).sums["shared"] += part


def split(amount: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Split an amount by weights into parts that come to it exactly; nothing where no weight is above zero.

    Parts are whole kopecks, but for an amount that is none itself; what is left goes to the largest remainders.
    """
    whole = sum((weight for weight in weights.values() if weight > 0), ZERO)
    if not whole:
        return {}
    step = _KOPECK if amount == amount.quantize(_KOPECK) else _FINE
    exact = {name: amount * weight / whole for name, weight in weights.items() if weight > 0}
    parts = {name: value.quantize(step, ROUND_DOWN) for name, value in exact.items()}
    left = amount - sum(parts.values(), ZERO)
    sign = step if left > 0 else -step
    order = sorted(exact, key=lambda name: (-abs(exact[name] - parts[name]), name))
    for at in range(int(abs(left) / step)):
        parts[order[at % len(order)]] += sign
    return parts


def _finish(unit: Unit, whole: Decimal, rates: Mapping[str, str], costs: Mapping[tuple[str, str], Decimal]) -> None:
    rate = rates.get(unit.sku, "")
    if rate.isdecimal():
        percent = Decimal(rate)
        unit.vat = (unit.revenue * percent / (100 + percent)).quantize(_KOPECK, ROUND_HALF_UP)
    cost = costs.get((unit.sku, unit.currency))
    if cost is not None and unit.sold is not None and unit.returned is not None:
        unit.cost = cost * (unit.sold - unit.returned)
    unit.share = (unit.revenue / whole).quantize(_SHARE) if whole > 0 else None


def added(rows: Sequence[Unit]) -> Unit:
    """Return a channel's rows added up; its cost is known only if every row's that sold something is."""
    first = rows[0]
    sums = {name: sum((row.sums[name] for row in rows), ZERO) for name in COLUMNS}
    known = [row.cost for row in rows if row.cost is not None]
    whole = all(row.cost is not None or (not row.sold and row.sold is not None) for row in rows)
    return Unit(
        first.channel,
        first.currency,
        "",
        sums,
        _sum([row.sold for row in rows]),
        _sum([row.returned for row in rows]),
        sum((row.vat for row in rows), ZERO),
        sum(known, ZERO) if whole and known else None,
        Decimal(1) if any(row.share for row in rows) else None,
    )


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if len(known) == len(values) else None
