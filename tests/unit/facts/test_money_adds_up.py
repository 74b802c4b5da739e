"""Money adds up: whatever the facts are, every accrual stands in one line, one SKU's row and one row of the report."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obmen.facts.books import Terms
from obmen.facts.commissioner import reports
from obmen.facts.kept import Accrual, Facts, Order, OrderLine, Return, Status
from obmen.facts.settlement import Settlement, settle
from obmen.facts.units import split, units
from tests.unit.facts.month import BEGIN, NOW, month, plant

_KINDS = ("sale", "refund", "commission", "delivery", "return_delivery", "storage", "bonus", "other", "payout")
_SKUS = ("A-1", "A-2", "A-3")
_NUMBERS = ("1", "2", "3")
_amounts = st.decimals("-99999.99", "99999.99", places=2)
_moments = st.integers(0, 60).map(lambda day: BEGIN + timedelta(days=day))
_lines = st.lists(
    st.builds(OrderLine, st.sampled_from(_SKUS), st.integers(1, 3).map(Decimal), st.decimals("0.01", "9999", places=2)),
    min_size=1,
    max_size=3,
).map(tuple)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    accruals = draw(
        st.lists(
            st.builds(
                Accrual,
                st.sampled_from(("shop", "mart")),
                st.just(""),
                st.sampled_from(_KINDS),
                _amounts,
                st.sampled_from(("RUB", "KZT")),
                _moments,
                st.sampled_from((*_NUMBERS, None)),
                st.sampled_from((*_SKUS, None)),
                st.sampled_from((Decimal(1), None)),
                st.just("title"),
                st.sampled_from(("R1", None)),
            ),
            max_size=25,
        )
    )
    named = [msgspec.structs.replace(one, operation_id=str(at)) for at, one in enumerate(accruals)]
    orders = [
        Order("shop", number, draw(_moments), "RUB", draw(_lines))
        for number in draw(st.lists(st.sampled_from(_NUMBERS), unique=True))
    ]
    backs = [Return("shop", f"R{one.number}", one.number, "received", draw(_moments), one.lines) for one in orders[:1]]
    statuses = [Status("shop", one.number, draw(st.sampled_from(("new", "delivered", "cancelled")))) for one in orders]
    read = {"shop": frozenset({"order", "return"})}
    return Facts(orders, statuses, backs, named, read=read, documented=frozenset({"shop"}))


_periods = st.tuples(st.none() | _moments, st.none() | _moments).map(lambda pair: Terms(NOW, *pair))


def told(settlement: Settlement) -> dict[tuple[str, str, bool], Decimal]:
    found = {}
    for total in settlement.totals:
        found[total.channel, total.currency, False] = total.accrued
        found[total.channel, total.currency, True] = total.paid
    return {key: amount for key, amount in found.items() if amount}


@pytest.mark.field("N13")
@pytest.mark.field("F2")
@settings(max_examples=60, deadline=None)
@given(facts(), _periods)
def test_every_accrual_is_in_exactly_one_line(happened: Facts, terms: Terms) -> None:
    within = [one for one in happened.accruals if terms.tell(one.occurred_at)]
    settlement = settle(happened, terms)
    sums: dict[tuple[str, str, bool], Decimal] = {}
    for one in within:
        key = one.channel, one.currency, one.paid
        sums[key] = sums.get(key, Decimal(0)) + one.amount
    assert told(settlement) == {key: amount for key, amount in sums.items() if amount}
    assert sum(line.count for line in settlement.lines) == len(within)
    assert len({line.key for line in settlement.lines}) == len(settlement.lines)
    for line in settlement.lines:
        own = [one for one in within if (one.channel, one.currency, one.order or "") == line.key]
        assert line.accrued == sum((one.amount for one in own if not one.paid), Decimal(0))
        assert line.paid == sum((one.amount for one in own if one.paid), Decimal(0))


@pytest.mark.field("F3")
@settings(max_examples=60, deadline=None)
@given(facts(), _periods)
def test_what_skus_brought_comes_to_what_was_accrued(happened: Facts, terms: Terms) -> None:
    sums: dict[tuple[str, str], Decimal] = {}
    for one in happened.accruals:
        if terms.tell(one.occurred_at) and not one.paid:
            sums[one.channel, one.currency] = sums.get((one.channel, one.currency), Decimal(0)) + one.amount
    found: dict[tuple[str, str], Decimal] = {}
    for unit in units(happened, terms):
        found[unit.channel, unit.currency] = found.get((unit.channel, unit.currency), Decimal(0)) + unit.accrued
    assert found == sums


@pytest.mark.field("F1")
@settings(max_examples=60, deadline=None)
@given(facts(), _periods)
def test_what_a_commissioners_report_owes_is_what_was_accrued(happened: Facts, terms: Terms) -> None:
    sums: dict[tuple[str, str], Decimal] = {}
    for one in happened.accruals:
        if terms.tell(one.occurred_at) and not one.paid:
            sums[one.channel, one.currency] = sums.get((one.channel, one.currency), Decimal(0)) + one.amount
    assert {(one.channel, one.currency): one.due for one in reports(happened, terms)} == sums


@given(_amounts, st.dictionaries(st.sampled_from(_SKUS), st.decimals("-5", "9999", places=2)))
def test_parts_come_to_the_whole_and_none_is_off_by_more_than_a_kopeck(
    amount: Decimal, weights: dict[str, Decimal]
) -> None:
    parts = split(amount, weights)
    above = {name: weight for name, weight in weights.items() if weight > 0}
    assert set(parts) == set(above)
    if above:
        assert sum(parts.values()) == amount
        whole = sum(above.values())
        assert all(abs(parts[name] - amount * above[name] / whole) < Decimal("0.01") for name in parts)


@pytest.mark.field("N13")
def test_a_month_whose_papers_come_in_another_order_is_told_alike() -> None:
    made = month(3, "sum", count=60)
    plant(made, Random(3))
    happened = made.facts()
    shuffled = list(happened.accruals)
    Random(1).shuffle(shuffled)
    again = Facts(
        happened.orders[::-1],
        happened.statuses,
        happened.returns,
        shuffled,
        happened.documents,
        happened.categories,
        happened.read,
        happened.documented,
    )
    assert settle(again, Terms(NOW)) == settle(happened, Terms(NOW))
