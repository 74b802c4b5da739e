"""A month of a channel that is made up from a seed: orders, deliveries, returns, accruals and payouts that all agree.

Payouts are told for each order, for each week's report, or as one sum, as channels do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Literal

import msgspec

from obmen.facts.books import Terms
from obmen.facts.kept import Accrual, Document, Facts, Order, OrderLine, Return, Status
from obmen.facts.settlement import Settlement, settle

Paying = Literal["order", "report", "sum"]
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=90)
TERMS = Terms(now=NOW)
CATEGORIES = {"K": Decimal("0.17"), "B": Decimal("0.105"), "T": Decimal("0.2225")}
_GOODS = {f"{category}-{number}": category for category in CATEGORIES for number in range(10)}
_KOPECK = Decimal("0.01")


@dataclass
class Month:
    """What the papers say; ``plant`` changes one of them."""

    paying: Paying
    orders: dict[str, Order] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    returns: dict[str, Return] = field(default_factory=dict)
    accruals: dict[str, list[Accrual]] = field(default_factory=dict)
    fees: list[Accrual] = field(default_factory=list)
    unpaid: set[str] = field(default_factory=set)

    def facts(self) -> Facts:
        accruals = [one for some in self.accruals.values() for one in some] + self.fees
        return Facts(
            orders=list(self.orders.values()),
            statuses=list(self.statuses.values()),
            returns=list(self.returns.values()),
            accruals=[*accruals, *self._payouts(accruals)],
            documents={("shop", n): Document("ut", f"guid-{n}", one.total) for n, one in self.orders.items()},
            categories=_GOODS,
            read={"shop": frozenset({"order", "return", "accrual"})},
            documented=frozenset({"shop"}),
        )

    def settle(self) -> Settlement:
        return settle(self.facts(), TERMS)

    def owed(self) -> Decimal:
        """What the channel accrued, without what it left unpaid."""
        told = [one for number, some in self.accruals.items() if number not in self.unpaid for one in some]
        return sum((one.amount for one in (*told, *self.fees)), Decimal(0))

    def _payouts(self, accruals: list[Accrual]) -> list[Accrual]:
        sums: dict[tuple[int, str], Decimal] = {}
        for one in accruals:
            if one.order not in self.unpaid:
                order = one.order or "" if self.paying == "order" else ""
                sums[week(one), order] = sums.get((week(one), order), Decimal(0)) + one.amount
        return [
            Accrual(
                "shop",
                f"payout:{number}:{order}",
                "payout",
                amount,
                "RUB",
                BEGIN + timedelta(days=7 * (number + 1) - 1, hours=12),
                order=order or None,
                report=f"W{number}" if self.paying == "report" else None,
            )
            for (number, order), amount in sums.items()
            if amount
        ]


def week(one: Accrual) -> int:
    return (one.occurred_at - BEGIN).days // 7


def month(seed: int, paying: Paying = "order", count: int = 500) -> Month:
    """Make up a month in which everything agrees."""
    random, made = Random(seed), Month(paying)
    for at in range(count):
        _order(made, random, f"{1000 + at}")
    for day in range(40):
        made.fees.append(
            _accrual(made, "", day, "storage", Decimal(random.randrange(-50_000, -100)) / 100, f"fee{day}")
        )
    return made


def _order(made: Month, random: Random, number: str) -> None:
    skus = random.sample(sorted(_GOODS), random.choice((1, 1, 1, 2, 3)))
    lines = tuple(
        OrderLine(sku, Decimal(random.choice((1, 1, 1, 2))), Decimal(random.randrange(10_000, 900_000)) / 100)
        for sku in skus
    )
    placed = random.randrange(28)
    total = sum((line.sum for line in lines), Decimal(0))
    made.orders[number] = Order("shop", number, BEGIN + timedelta(days=placed, hours=9), "RUB", lines, total)
    some = made.accruals.setdefault(number, [])
    delivered = placed + random.randrange(1, 6)
    fate = random.random()
    if fate < 0.08:
        made.statuses[number] = Status("shop", number, "cancelled")
        some.append(_accrual(made, number, delivered, "return_delivery", Decimal(-50), "back", skus[0]))
        return
    made.statuses[number] = Status("shop", number, "delivered")
    for line in lines:
        commission = (-line.sum * CATEGORIES[_GOODS[line.sku]]).quantize(_KOPECK, ROUND_HALF_UP)
        for kind, amount in (("sale", line.sum), ("commission", commission), ("delivery", Decimal("-76.35"))):
            some.append(_accrual(made, number, delivered, kind, amount, f"{kind}.{line.sku}", line.sku))
        if fate > 0.9:
            for kind, amount in (("refund", -line.sum), ("commission", -commission), ("return_delivery", Decimal(-50))):
                some.append(_accrual(made, number, delivered + 6, kind, amount, f"r{kind}.{line.sku}", line.sku))
    if fate > 0.9:
        at = BEGIN + timedelta(days=delivered + 4)
        made.returns[number] = Return("shop", f"R-{number}", number, "received", at, lines, total)


def _accrual(
    made: Month, number: str, day: int, kind: str, amount: Decimal, id_: str, sku: str | None = None
) -> Accrual:
    at = BEGIN + timedelta(days=day)
    report = f"W{day // 7}" if made.paying == "report" else None
    return Accrual("shop", f"{number}:{id_}", kind, amount, "RUB", at, number or None, sku, None, kind, report)


# -- what goes wrong ------------------------------------------------------------------------------------------


def changed(one: Accrual, **values: object) -> Accrual:
    return msgspec.structs.replace(one, **values)


def plain(made: Month, random: Random) -> str:
    """Choose an order that was delivered and kept, with one line, and that nothing was planted into."""
    chosen = random.choice(
        sorted(
            number
            for number, order in made.orders.items()
            if len(order.lines) == 1 and number not in made.returns and made.statuses[number].status == "delivered"
        )
    )
    made.orders[chosen] = msgspec.structs.replace(made.orders[chosen])
    return chosen


def plant(made: Month, random: Random) -> dict[str, str]:
    """Plant one difference of each kind; return order → kind."""
    numbers: list[str] = []
    while len(set(numbers)) < 4:
        numbers = [plain(made, random) for _ in range(4)]
    dear, twice, unpaid, early = numbers
    lost = random.choice(sorted(made.returns))
    made.accruals[dear] = [
        changed(one, amount=(one.amount * 2).quantize(_KOPECK)) if one.kind == "commission" else one
        for one in made.accruals[dear]
    ]
    made.accruals[lost] = [
        one for one in made.accruals[lost] if one.kind != "refund" and not (one.kind == "commission" and one.amount > 0)
    ]
    made.accruals[twice] += [changed(one, operation_id=f"{one.operation_id}.again") for one in made.accruals[twice]]
    made.unpaid.add(unpaid)
    order = made.orders[early]
    placed = BEGIN + timedelta(days=40, hours=9)
    made.orders[early] = msgspec.structs.replace(order, placed_at=placed)
    return {dear: "commission", lost: "return", twice: "doubled", unpaid: "payout", early: "period"}


__all__ = ["BEGIN", "CATEGORIES", "NOW", "TERMS", "Month", "changed", "month", "plain", "plant", "replace"]
