"""Guards: what is held, what goes, and what is too little to judge."""

from __future__ import annotations

from decimal import Decimal

import pytest

from obmen.entities import Price, Product, Stock
from obmen.rules.guards import Guards, effect, is_live, jump, verdict

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
    assert held == {"*": "41 of 200 records (20%) would change; the guard 'share' allows 20%"}
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
