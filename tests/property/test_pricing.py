"""Rules of prices, whatever the prices: what must hold of every one that a channel is told."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connectors.ozon import Ozon
from connectors.ozon import price_rules as ozon_rules
from connectors.wildberries import Wildberries
from connectors.wildberries.discount import say
from connectors.yandex_market import YandexMarket
from connectors.yandex_market import price_rules as market_rules
from obmen.entities import Price, Product
from obmen.rules.costs import Fees, least_price, vat_percent
from obmen.rules.habits import PriceHabits
from obmen.rules.pricing import Aside, Floor, Priced, Pricing, Rule, Terms, margin, price
from obmen.rules.rounding import Rounding

ANY = PriceHabits()
HABITS = {"any": ANY, "ozon": Ozon.price_habits, "wb": Wildberries.price_habits, "ym": YandexMarket.price_habits}


def amounts(least: str = "0.01", most: str = "200000") -> st.SearchStrategy[Decimal]:
    return _decimals(least, most, 2)


def shares(least: str, most: str) -> st.SearchStrategy[Decimal]:
    return _decimals(least, most, 4)


def _decimals(least: str, most: str, places: int) -> st.SearchStrategy[Decimal]:
    whole = st.integers(int(Decimal(least).scaleb(places)), int(Decimal(most).scaleb(places)))
    return whole.map(lambda number: Decimal(number).scaleb(-places))


@st.composite
def roundings(draw: st.DrawFn) -> Rounding:
    to = draw(st.sampled_from(["0.01", "0.5", "1", "5", "10", "50", "100"]).map(Decimal))
    less = draw(st.sampled_from([Decimal(0), Decimal("0.01"), Decimal(1), Decimal(10)]).filter(lambda one: one < to))
    return Rounding(to, draw(st.sampled_from(["up", "down", "nearest"])), less)


fees = st.builds(
    Fees,
    commission=shares("0", "0.45"),
    acquiring=shares("0", "0.05"),
    logistics=amounts("0", "500"),
    vat=st.sampled_from(["none", "0", "5", "7", "10", "20", "22"]),
)
asides = (
    st.none()
    | st.builds(Aside, st.sampled_from(["РРЦ", "Минимальная"]))
    | st.builds(Aside, st.just(""), shares("-0.6", "2"))
)
rules_of_goods = st.lists(
    st.builds(Rule, st.just("rule"), st.just(frozenset({"A-1"})), markup=shares("-0.9", "1"))
    | st.builds(Rule, st.just("rule"), st.just(frozenset({"A-1"})), amount=amounts())
    | st.builds(Rule, st.just("rule"), brands=st.just(frozenset({"образец"})), markup=shares("0", "1")),
    max_size=2,
).map(tuple)
terms = st.builds(
    Terms,
    markup=shares("-0.9", "2"),
    rules=rules_of_goods,
    round=st.none() | roundings(),
    old=asides,
    min=asides,
    cost=st.just("Закупочная"),
    fees=fees,
    floor=st.none() | st.builds(Floor, shares("0", "0.4"), st.sampled_from(["hold", "raise"])),
)
products = st.none() | st.builds(
    Product,
    sku=st.just("A-1"),
    brand=st.sampled_from([None, "Образец"]),
    vat=st.sampled_from([None, "none", "5", "20", "22"]),
)


def _price(price_type: str, amount: Decimal, **more: Any) -> Price:
    return Price(sku="A-1", price_type=price_type, amount=amount, currency="RUB", **more)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Pricing, str, Price, dict[str, Price], Product | None, PriceHabits]:
    kinds = {"РРЦ": amounts("0"), "Минимальная": amounts("0"), "Закупочная": amounts("0", "100000")}
    others = {name: _price(name, draw(one)) for name, one in kinds.items() if draw(st.integers(0, 4))}
    aside = {name: draw(amounts()) for name in ("old_amount", "min_amount") if draw(st.booleans())}
    base = _price("Розничная", draw(amounts("0")), **aside)
    channel = draw(st.sampled_from(sorted(HABITS)))
    return Pricing(b"", usual=draw(terms)), channel, base, others, draw(products), HABITS[channel]


def _left(fees: Fees, amount: Decimal, cost: Decimal, vat: Decimal) -> Fraction:
    """What is left of a price, reckoned otherwise: term by term, in fractions."""
    paid, rate = Fraction(amount), Fraction(vat)
    part = Fraction(fees.commission) + Fraction(fees.acquiring)
    return paid - paid * part - Fraction(fees.logistics) - paid * rate / (100 + rate) - Fraction(cost)


@given(cases())
def test_what_a_channel_is_told_keeps_all_rules_and_is_the_same_each_time(case: Any) -> None:
    pricing, _, base, others, product, habits = case
    told = price(*case)
    record = told.record
    assert told == price(*case)
    assert {type(number) for number in _numbers(told)} == {Decimal}
    assert record.model_fields_set.isdisjoint(
        name for name in ("old_amount", "min_amount") if getattr(record, name) is None
    )
    assert (record.sku, record.price_type, record.currency) == (base.sku, base.price_type, base.currency)
    if record.old_amount is not None:
        assert record.old_amount > record.amount
    if record.min_amount is not None:
        assert record.min_amount <= record.amount
    if told.held:
        return
    assert record.amount > 0
    if not habits.whole_percent or record.old_amount is None:
        assert record.amount % habits.step == 0
    floor = pricing.usual.floor
    if floor is not None:
        vat = vat_percent(pricing.usual.fees, product)
        for amount in (record.amount, record.min_amount):
            if amount is not None:
                left = _left(pricing.usual.fees, amount, others["Закупочная"].amount, vat)
                assert left >= Fraction(floor.margin) * Fraction(amount)


@given(cases())
def test_no_channel_refuses_what_it_is_told(case: Any) -> None:
    _, channel, *_ = case
    told = price(*case)
    record = told.record
    assume(not told.held)
    if channel == "ozon":
        row = {"price": record.amount, "old_price": record.old_amount or 0, "min_price": record.min_amount or ""}
        assert ozon_rules.fault(row) == ""
    elif channel == "wb":
        assert say(record.amount, record.old_amount, "refuse").sold == record.amount
    elif channel == "ym":
        crossed = {} if record.old_amount is None else {"discountBase": record.old_amount}
        assert market_rules.fault({"offerId": "A-1", "price": {"value": record.amount, **crossed}}) is None


def _numbers(told: Priced) -> list[Any]:
    record = told.record
    found = [record.amount, record.old_amount, record.min_amount, *(step.amount for step in told.steps)]
    return [one for one in found if one is not None]


@given(roundings(), amounts("0"))
def test_rounding_moves_by_less_than_a_step_and_only_once(rounding: Rounding, amount: Decimal) -> None:
    rounded = rounding.of(amount)
    assert rounded > 0
    assert rounding.of(rounded) == rounded
    assert (rounded + rounding.less) % rounding.to == 0
    if rounded > rounding.to - rounding.less:
        assert abs(rounded - amount) < rounding.to
        assert rounding.way != "up" or rounded >= amount
        assert rounding.way != "down" or rounded <= amount
        assert rounding.way != "nearest" or abs(rounded - amount) * 2 <= rounding.to
    else:
        assert amount < rounding.to * 2


@given(
    fees,
    amounts("0", "100000"),
    shares("0", "0.4"),
    st.sampled_from([0, 5, 7, 10, 20, 22]).map(Decimal),
    st.sampled_from(["0.01", "1", "10"]).map(Decimal),
)
def test_the_floor_leaves_the_margin_and_one_step_lower_does_not(
    fees: Fees, cost: Decimal, share: Decimal, vat: Decimal, step: Decimal
) -> None:
    floor = least_price(fees, cost, share, vat, Rounding(step))
    if floor is None:
        assert _left(fees, Decimal(10**9), Decimal(0), vat) - Fraction(share) * 10**9 <= 0
        return
    assert floor % step == 0
    assert _left(fees, floor, cost, vat) >= Fraction(share) * Fraction(floor)
    lower = floor - step
    assert lower == 0 or _left(fees, lower, cost, vat) < Fraction(share) * Fraction(lower)


@given(fees, amounts(), amounts("0", "100000"), products)
def test_the_margin_is_what_is_left_within_its_roundings(
    fees: Fees, amount: Decimal, cost: Decimal, product: Product | None
) -> None:
    left = margin(Pricing(b"", usual=Terms(fees=fees)), "shop", amount, cost, product)
    exact = _left(fees, amount, cost, vat_percent(fees, product))
    assert abs(Fraction(left.profit) - exact) <= Fraction(3, 200)
    assert left.revenue == left.commission + left.acquiring + left.logistics + left.vat + left.cost + left.profit
    assert abs(Fraction(left.share) - Fraction(left.profit) / Fraction(amount)) <= Fraction(1, 20000)


@pytest.mark.parametrize("digits", [6, 9])
def test_the_callers_precision_changes_nothing(digits: int) -> None:
    said = Pricing(b"", usual=Terms(markup=Decimal("0.1234")))
    base = _price("Розничная", Decimal("123456789.12"))
    with localcontext(prec=digits):
        told = price(said, "any", base, {}, None, ANY)
    assert told == price(said, "any", base, {}, None, ANY)
    assert told.record.amount == Decimal("138691356.90")
