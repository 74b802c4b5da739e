"""Laws of the stock rules, for any stock, reserves, orders, safety, shares and kits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from obmen.rules.allocation import Allocation, Allotment, Channel, Pool, allot, bound_to

NAMES = ("ozon", "wb", "market", "shop")
SKUS = ("A", "B", "C", "KIT", "SET")
WAREHOUSES = ("main", "second", "third")
KITS = {"KIT": {"A": Decimal(2), "B": Decimal(1)}, "SET": {"B": Decimal(3), "C": Decimal("0.5")}}

AMOUNTS = st.integers(-8, 90).map(lambda halves: Decimal(halves) / 2)
STOCKS = st.fixed_dictionaries({sku: st.dictionaries(st.sampled_from(WAREHOUSES), AMOUNTS) for sku in ("A", "B", "C")})
TAKEN = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 6).map(Decimal))
SHOWN = st.dictionaries(st.sampled_from((*NAMES, "gone")), st.integers(0, 40))
SELLERS = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple)
STOP = st.frozensets(st.sampled_from(SKUS), max_size=1)
SHARES = st.none() | st.integers(0, 25).map(lambda percent: Decimal(percent) / 100)
MOST = st.none() | st.integers(0, 20)
CHANNELS = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(Channel, SHARES, MOST, st.none() | st.integers(0, 6).map(Decimal), STOP),
)
RULES = st.builds(
    Allocation,
    version=st.just(b"1"),
    oversell=st.booleans(),
    safety=st.sampled_from([Decimal(0), Decimal(2), Decimal("0.5")]),
    safety_share=st.sampled_from([Decimal(0), Decimal("0.1"), Decimal(1) / 3]),
    most=MOST,
    last=st.integers(0, 3),
    priority=st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
    pools=st.sampled_from([{}, {"main": Pool(("main", "second"))}, {"main": Pool(("second", "main"), "first")}]),
    kits=st.sampled_from([{}, KITS]),
    stop=STOP,
    channels=CHANNELS,
)
DIVIDED = RULES.map(lambda rules: replace(rules, oversell=False))


class Case(NamedTuple):
    """Everything that a number is reckoned from, but the rules."""

    sku: str
    stocks: Mapping[str, Mapping[str, Decimal]]
    taken: Mapping[str, Decimal]
    sellers: tuple[str, ...]
    shown: Mapping[str, int]


LAW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CASES = st.builds(Case, st.sampled_from(SKUS), STOCKS, TAKEN, SELLERS, SHOWN)


def made(rules: Allocation, case: Case) -> Allotment:
    return allot(rules, case.sku, "main", case.stocks, case.taken, case.sellers, case.shown)


def free_of(rules: Allocation, case: Case, sku: str, *, safety: bool = True) -> Decimal:
    """Reckon anew, in the plainest way, what there is of a SKU that lies in a warehouse."""
    pool = rules.pools.get("main", Pool(("main",)))
    there = [max(case.stocks.get(sku, {}).get(name, Decimal(0)), Decimal(0)) for name in pool.warehouses]
    left = sum(there, Decimal(0)) if pool.take == "sum" else next((one for one in there if one), Decimal(0))
    left -= case.taken.get(sku, Decimal(0))
    for kit, parts in rules.kits.items():
        left -= case.taken.get(kit, Decimal(0)) * parts.get(sku, Decimal(0))
    left = max(left, Decimal(0))
    return max(left - max(rules.safety, left * rules.safety_share), Decimal(0)) if safety else left


def units_of(rules: Allocation, case: Case) -> int:
    """How many there are at most of the case's SKU, whole and after what is kept back."""
    parts = rules.kits.get(case.sku, {case.sku: Decimal(1)})
    return min(int(free_of(rules, case, part) / quantity) for part, quantity in parts.items())


def shared(rules: Allocation, case: Case) -> bool:
    """Whether what is free of the SKU is also sold under another one."""
    parts = rules.kits.get(case.sku, (case.sku,))
    return any(part in kit for part in parts for kit in rules.kits.values())


pytestmark = pytest.mark.field("N12")


@LAW
@given(RULES, CASES)
def test_every_channel_is_told_a_number_that_is_not_below_zero(rules: Allocation, case: Case) -> None:
    found = made(rules, case)
    assert found.told.keys() == found.wanted.keys() == set(case.sellers)
    assert min(*found.told.values(), *found.wanted.values()) >= 0
    assert max(*found.told.values(), *found.wanted.values()) <= units_of(rules, case)


@pytest.mark.field("D5")
@LAW
@given(DIVIDED, CASES)
def test_no_more_is_promised_than_is_free(rules: Allocation, case: Case) -> None:
    found = made(rules, case)
    free = units_of(rules, case)
    assert sum(found.told.values()) <= free
    assert sum(found.wanted.values()) <= free
    names = {*case.sellers, *case.shown}
    may_show = sum(max(case.shown.get(name, 0), found.told.get(name, 0)) for name in names)
    assert may_show <= max(free, sum(case.shown.values()))


@pytest.mark.field("D7")
@LAW
@given(DIVIDED, CASES)
def test_no_part_is_promised_both_singly_and_in_kits(rules: Allocation, case: Case) -> None:
    rules = replace(rules, kits=KITS)
    promised = {sku: sum(made(rules, case._replace(sku=sku)).wanted.values()) for sku in SKUS}
    for part in ("A", "B", "C"):
        in_kits = sum((parts.get(part, Decimal(0)) * promised[kit] for kit, parts in KITS.items()), Decimal(0))
        assert promised[part] + in_kits <= free_of(rules, case, part)


@pytest.mark.field("D5")
@LAW
@given(RULES, CASES, st.integers(0, 9), st.integers(1, 5))
def test_the_last_units_are_shown_in_the_first_channel_that_sells_them(
    rules: Allocation, case: Case, stock: int, last: int
) -> None:
    rules = replace(rules, last=last, priority=NAMES, channels={}, most=None)
    case = case._replace(stocks={sku: {"main": Decimal(stock)} for sku in case.stocks})
    units = units_of(rules, case)
    assume(not shared(rules, case) or rules.oversell)
    first = next(name for name in NAMES if name in case.sellers)
    wanted = made(rules, case).wanted
    if units <= last:
        assert dict(wanted) == {name: units * (name == first and case.sku not in rules.stop) for name in case.sellers}
    elif rules.oversell and case.sku not in rules.stop:
        assert set(wanted.values()) == {units}


@pytest.mark.field("D7")
@pytest.mark.parametrize("kit", sorted(KITS))
@LAW
@given(RULES, CASES)
def test_a_kit_is_as_many_as_its_scarcest_part_allows(kit: str, rules: Allocation, case: Case) -> None:
    rules = replace(rules, kits=KITS, oversell=True, channels={}, most=None, last=0, stop=frozenset())
    case = case._replace(sku=kit)
    limits = [int(free_of(rules, case, part) // quantity) for part, quantity in KITS[kit].items()]
    assert set(made(rules, case).told.values()) == {min(limits)}


@pytest.mark.field("D4")
@LAW
@given(RULES, CASES)
def test_safety_is_kept_back_and_no_channel_shows_more_than_it_may(rules: Allocation, case: Case) -> None:
    for name, told in made(rules, case).told.items():
        channel = rules.channels.get(name, Channel())
        most = rules.most if channel.most is None else channel.most
        assert most is None or told <= most
        assert told == 0 or case.sku not in channel.stop | rules.stop
        if channel.safety and case.sku not in rules.kits:
            assert told == 0 or told <= free_of(rules, case, case.sku, safety=False) - channel.safety


@LAW
@given(RULES, CASES)
def test_the_same_values_give_the_same_numbers(rules: Allocation, case: Case) -> None:
    again = replace(rules)
    made(again, case._replace(stocks={"A": {"main": Decimal(7)}}))
    first, second = made(rules, case), made(again, case)
    assert (first.told, first.wanted, first.steps) == (second.told, second.wanted, second.steps)
    assert made(rules, case).told == first.told


@LAW
@given(RULES, CASES)
def test_a_lowering_is_never_delayed(rules: Allocation, case: Case) -> None:
    found = made(rules, case)
    for name, wanted in found.wanted.items():
        if wanted <= case.shown.get(name, 0):
            assert found.told[name] == wanted
        elif not rules.oversell:
            assert case.shown.get(name, 0) <= found.told[name] <= wanted


@pytest.mark.field("D5")
@LAW
@given(RULES, CASES)
def test_once_lowerings_are_confirmed_all_that_is_free_is_shown(rules: Allocation, case: Case) -> None:
    case = case._replace(shown={name: case.shown.get(name, 0) for name in case.sellers})
    for _ in range(3):
        found = made(rules, case)
        case = case._replace(shown=found.told)
    assert dict(made(rules, case).told) == dict(found.told) == dict(found.wanted)
    if rules.oversell or rules.last or shared(rules, case) or case.sku in rules.stop:
        return
    units = units_of(rules, case)
    if sum(found.told.values()) < units:
        sold = [(name, rules.channels.get(name, Channel())) for name in case.sellers]
        for name, channel in sold:
            most = rules.most if channel.most is None else channel.most
            limits = [Decimal(units)] if most is None else [Decimal(most)]
            if channel.safety is not None:
                limits.append(max(free_of(rules, case, case.sku, safety=False) // 1 - channel.safety, Decimal(0)))
            limits += [Decimal(0)] if channel.share == 0 or case.sku in channel.stop else []
            assert found.told[name] == min(limits)


@pytest.mark.field("D3")
@LAW
@given(RULES, CASES, st.sampled_from(SKUS), st.integers(1, 4))
def test_an_order_never_raises_what_is_shown(rules: Allocation, case: Case, sold: str, units: int) -> None:
    more = case._replace(taken={**case.taken, sold: case.taken.get(sold, Decimal(0)) + units})
    before, after = made(rules, case), made(rules, more)
    assert sum(after.wanted.values()) <= sum(before.wanted.values())
    keeps_back = any(channel.safety for channel in rules.channels.values())
    if rules.oversell or not (rules.last or keeps_back):
        assert all(after.wanted[name] <= before.wanted[name] for name in case.sellers)
        assert all(after.told[name] <= before.told[name] for name in case.sellers)
    if sold not in bound_to(rules, case.sku):
        assert after.wanted == before.wanted


@LAW
@given(RULES, CASES)
def test_the_steps_lead_to_the_numbers(rules: Allocation, case: Case) -> None:
    found = made(rules, case)
    common = [step for step in found.steps if "/" not in step.name]
    assert sorted((step.amount for step in common), reverse=True) == [step.amount for step in common]
    parts = [step.amount for step in found.steps if step.name.endswith("/kit")]
    assert not parts or common[0].amount == min(parts)
    if rules.oversell and case.sku not in rules.stop:
        assert common[-1].amount == units_of(rules, case)
    for name, told in found.told.items():
        own = [step.amount for step in found.steps if step.name.startswith(f"channel:{name}/")]
        assert own[-1] == told
        way = [common[-1].amount, *own]
        assert sorted(way, reverse=True) == way


@LAW
@given(st.integers(0, 10**14))
def test_large_numbers_are_exact(stock: int) -> None:
    rules = Allocation(b"1", oversell=False, channels={"ozon": Channel(share=Decimal("0.3333"))})
    case = Case("A", {"A": {"main": Decimal(stock)}}, {}, NAMES, {})
    assert sum(made(rules, case).told.values()) == stock
