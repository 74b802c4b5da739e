"""Settlement: a month in which five things are wrong names these five and nothing else."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from tests.unit.facts.month import Paying, month, plant


@pytest.mark.field("N13")
@pytest.mark.field("F2")
@pytest.mark.parametrize("paying", ["order", "report", "sum"])
@pytest.mark.parametrize("seed", range(2))
def test_of_a_month_of_500_orders_exactly_the_five_planted_differences_are_named(paying: Paying, seed: int) -> None:
    made = month(seed, paying)
    assert made.settle().differences == []
    planted = plant(made, Random(seed))
    told = made.settle()
    assert {one.order: one.kind for one in told.differences} == planted
    assert len(told.differences) == 5
    (totals,) = told.totals
    assert totals.orders == 500
    assert totals.paid == made.owed()
    missing = next(one for one in told.differences if one.kind == "payout")
    assert totals.accrued - missing.amount == totals.paid
    assert totals.owed == missing.amount


@pytest.mark.field("N13")
def test_a_difference_says_by_how_much_which_papers_and_what_to_do() -> None:
    made = month(7)
    planted = plant(made, Random(7))
    order_of = {kind: order for order, kind in planted.items()}
    told = {one.kind: one for one in made.settle().differences}
    sale = {
        kind: sum(one.amount for one in made.accruals[order] if one.kind == "sale") for kind, order in order_of.items()
    }
    dear = [one.amount for one in made.accruals[order_of["commission"]] if one.kind == "commission"]
    assert told["commission"].amount == -sum(dear) / 2
    assert told["return"].amount == -sale["return"]
    assert told["doubled"].amount == -sum(one.amount for one in made.accruals[order_of["doubled"]]) / 2
    assert told["payout"].amount == sum(one.amount for one in made.accruals[order_of["payout"]])
    assert told["period"].amount == -sale["period"]
    assert [told[kind].sources for kind in ("commission", "return", "doubled", "payout", "period")] == [
        ("accrual", "report"),
        ("return", "accrual"),
        ("accrual", "accrual"),
        ("accrual", "payout"),
        ("accrual", "order"),
    ]
    assert all(one.said.endswith(".") and one.next.endswith(".") for one in told.values())
    assert all(isinstance(one.amount, Decimal) for one in told.values())
