"""A part of an order that the seller cancels in 1C is cancelled in the channel; what the channel cancelled is not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.markets.cabinet import Cabinet
from tests.e2e.markets.life import WAREHOUSE, Life, quiet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet

ALL, SOME, REST = "SKU-0000", "SKU-0001", "SKU-0002"
BOUGHT = {ALL: 1, SOME: 3, REST: 2}


def cancel(life: Life, number: str, **quantities: int) -> None:
    """A person cancels so much of goods, by the numbers of their SKUs: ``S1=2``."""
    life.ut.cancel_lines(number, {life.ids[f"SKU-000{sku[1:]}"]: quantity for sku, quantity in quantities.items()})


def held(life: Life, number: str) -> tuple[str, dict[str, int]]:
    """Return where an order stands in the cabinet, and what is left of it there."""
    one = life.cabinet.bought()[number]
    return one.state, dict(one.lines)


def free(life: Life) -> dict[str, tuple[int, int]]:
    """Return what is free of each of the three, in 1C and in the cabinet."""
    shown = life.cabinet.free()
    return {sku: (int(life.ut.free_stock(life.ids[sku], WAREHOUSE)), shown[sku]) for sku in BOUGHT}


def sums_agree(life: Life, *numbers: str) -> None:
    for number in numbers:
        one = life.cabinet.bought()[number]
        owed = sum((one.price[sku] * quantity for sku, quantity in one.lines.items()), Decimal(0))
        assert Decimal(str(life.ut.order(number)["СуммаДокумента"])) == owed


@pytest.mark.field("E5")
@pytest.mark.field("E6")
@pytest.mark.parametrize("make", [OzonCabinet, YandexMarketCabinet])
def test_e5_e6_what_1c_cancelled_is_cancelled_there_and_nothing_is_held_for_it(
    make: Callable[[], Cabinet], tmp_path: Path
) -> None:
    with Life(tmp_path, make(), goods=4, categories=2) as life:
        for sku in BOUGHT:
            life.ut.move_stock(life.ids[sku], 20)
        quiet(life)
        before = free(life)
        part, at_once, late = (life.cabinet.place(list(BOUGHT.items())) for _ in range(3))
        quiet(life)

        cancel(life, part, S0=1, S1=1)
        cancel(life, at_once, S2=2)
        for number in (part, at_once, late):
            life.ut.set_status(number, "КОтгрузке")
        quiet(life)
        assert held(life, part) == ("packed", {SOME: 2, REST: 2})
        assert held(life, at_once) == ("packed", {ALL: 1, SOME: 3})
        assert held(life, late) == ("packed", BOUGHT)
        sums_agree(life, part, at_once, late)
        taken = {ALL: 2, SOME: 8, REST: 4}
        assert free(life) == {sku: (ours - taken[sku], theirs - taken[sku]) for sku, (ours, theirs) in before.items()}

        cancel(life, late, S1=1)
        life.settle()
        assert (life.set_aside(), life.run()) == ([], 0), "packed is packed: nothing that the channel refuses is said"
        assert held(life, late) == ("packed", BOUGHT)


@pytest.mark.field("E5")
@pytest.mark.parametrize("make", [OzonCabinet, YandexMarketCabinet])
def test_e5_what_is_cancelled_packed_and_shipped_between_two_runs_is_left_out_all_the_same(
    make: Callable[[], Cabinet], tmp_path: Path
) -> None:
    with Life(tmp_path, make(), goods=4, categories=2) as life:
        quiet(life)
        number = life.cabinet.place(list(BOUGHT.items()))
        quiet(life)
        cancel(life, number, S2=2)
        life.ut.set_status(number, "КОтгрузке")
        life.ut.ship(number)
        life.settle()
        assert (life.set_aside(), life.run()) == ([], 0)
        assert held(life, number) == ("packed", {ALL: 1, SOME: 3})
        sums_agree(life, number)


@pytest.mark.field("E5")
def test_e5_what_the_buyer_gave_up_makes_no_step_and_no_second_cancellation(tmp_path: Path) -> None:
    with Life(tmp_path, YandexMarketCabinet(), goods=4, categories=2) as life:
        quiet(life)
        given_up, both = (life.cabinet.place(list(BOUGHT.items())) for _ in range(2))
        quiet(life)
        life.cabinet.give_up_part(given_up, SOME, 1)
        quiet(life)
        life.ut.set_status(given_up, "КОтгрузке")
        life.cabinet.give_up_part(both, SOME, 1)
        cancel(life, both, S2=1)
        life.ut.set_status(both, "КОтгрузке")
        quiet(life)
        assert {number: held(life, number) for number in (given_up, both)} == {
            given_up: ("packed", {ALL: 1, SOME: 2, REST: 2}),
            both: ("packed", {ALL: 1, SOME: 2, REST: 1}),
        }

        told = said(life)
        life.cabinet.give_up_part(given_up, REST, 1)
        quiet(life)
        assert held(life, given_up) == ("packed", {ALL: 1, SOME: 2, REST: 1})
        assert said(life) == told, "the order is as ready as it was"
        sums_agree(life, given_up, both)


def said(life: Life) -> dict[str, int]:
    """Return how often what was said to the cabinet of anything but stock."""
    written: dict[str, int] = life.cabinet.sandbox.state()["written"]
    return {kind: count for kind, count in written.items() if kind != "stocks"}
