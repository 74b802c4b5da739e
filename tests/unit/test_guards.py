"""Guards: what is held, what goes, and what is too little to judge."""

from __future__ import annotations

from decimal import Decimal

import pytest

from obmen.entities import Price, Product, Stock
from obmen.rules.guards import Guards, effect, is_live, jump, vanished, verdict

SHARE = Decimal("0.2")


def price(amount: str) -> Price:
    return Price(sku="A", price_type="base", amount=Decimal(amount), currency="RUB")


def stock(available: int) -> Stock:
    return Stock(sku="A", warehouse="W", available=Decimal(available))


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        ("100", "120", False),
        ("100", "80", False),
        ("100", "121", True),
        ("100", "79.99", True),
        ("100", "0", True),
        ("0", "500", False),
    ],
)
def test_a_price_is_held_when_it_moves_further_than_it_may(before: str, after: str, held: bool) -> None:
    assert bool(jump(price(before), price(after), Guards(change=SHARE))) is held
    assert jump(price(before), price(after), Guards()) == ""


def test_a_new_price_is_no_jump() -> None:
    assert jump(None, price("5"), Guards(change=SHARE)) == ""


@pytest.mark.parametrize(
    ("zeroed", "live", "held"),
    [(20, 100, False), (21, 100, True), (5, 20, True), (4, 10, False), (1, 1, False), (2, 2, True), (0, 0, False)],
)
def test_stock_is_held_when_too_much_of_it_goes_to_zero(zeroed: int, live: int, held: bool) -> None:
    assert ("zeroed" in verdict({"zeroed": zeroed}, 200, live, Guards(zeroed=SHARE))) is held


def test_a_share_of_changes_holds_everything() -> None:
    held = verdict({"changed": 30, "zeroed": 11}, 200, 100, Guards(share=SHARE))
    assert held == {"*": "too many at once: 41 of 200 records (20%) would change; the guard 'share' allows 20%"}
    assert verdict({"created": 500}, 200, 100, Guards(share=SHARE)) == {}


def test_effects_have_names() -> None:
    gone = Product(sku="A", archived=True)
    assert effect(None, stock(1), "put") == "created"
    assert effect(stock(1), stock(0), "put") == "zeroed"
    assert effect(stock(0), stock(0), "put") == "changed"
    assert effect(gone, gone, "archive") == "archived"
    assert effect(gone, gone, "restore") == "restored"
    assert [is_live(one.encoded()) for one in (stock(1), stock(0), gone, Product(sku="A"), price("1"))] == [
        True,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.field("C4")
@pytest.mark.parametrize(("amount", "held"), [("100", False), ("99.99", True)])
def test_a_price_below_the_floor_is_held_however_little_it_moves(amount: str, held: bool) -> None:
    reason = jump(price("100.50"), price(amount), Guards(change=Decimal("0.5"), floor=Decimal(100)))
    assert bool(reason) is held
    assert bool(jump(None, price(amount), Guards(floor=Decimal(100)))) is held


@pytest.mark.field("J3")
def test_so_many_new_records_are_held_unless_all_are_new() -> None:
    assert "created" in verdict({"created": 501}, 10, 10, Guards(created=500))
    assert verdict({"created": 500}, 10, 10, Guards(created=500)) == {}
    assert verdict({"created": 501}, 0, 0, Guards(created=500)) == {}


@pytest.mark.field("N2")
@pytest.mark.parametrize(("zeroed", "live", "held"), [(5, 5, True), (5, 6, False), (4, 4, False)])
def test_a_warehouse_that_loses_all_it_has_is_held(zeroed: int, live: int, held: bool) -> None:
    assert bool(vanished("Attic", zeroed, live)) is held
