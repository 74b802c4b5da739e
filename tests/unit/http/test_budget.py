"""Budgets per method group and for the connection as a whole."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from obmen.errors import Refused, Unavailable
from obmen.http import Budgets, Http, Rate, Remaining
from obmen.testing.clock import FakeClock

from .conftest import Peer, answer


def _moments(budgets: Budgets, clock: FakeClock, group: str, count: int) -> list[float]:
    taken = []
    for _ in range(count):
        budgets.take(group)
        taken.append(clock.monotonic())
    return taken


def _most_in(window: float, moments: list[float]) -> int:
    return max(sum(start <= moment < start + window for moment in moments) for start in moments)


def test_no_window_holds_more_than_its_rate(clock: FakeClock) -> None:
    budgets = Budgets({"stocks": (Rate(5, 60.0),)}, clock)
    moments = _moments(budgets, clock, "stocks", 23)
    assert _most_in(60.0, moments) == 5
    assert moments[-1] - moments[0] == pytest.approx(4 * 60.0, abs=0.1)


def test_the_whole_connections_rate_counts_every_group(clock: FakeClock) -> None:
    budgets = Budgets({"*": (Rate(10, 1.0),), "stocks": (Rate(4, 1.0),)}, clock)
    moments, stocks = [], []
    for turn in range(60):
        group = "stocks" if turn % 2 else "prices"
        budgets.take(group)
        moments.append(clock.monotonic())
        if group == "stocks":
            stocks.append(clock.monotonic())
    assert _most_in(1.0, moments) <= 10
    assert _most_in(1.0, stocks) == 4


def test_a_place_counts_from_the_moment_at_which_all_buckets_allow_it(clock: FakeClock) -> None:
    budgets = Budgets({"*": (Rate(1, 10.0),), "slow": (Rate(1, 15.0),)}, clock)
    budgets.take("other")  # the connection is busy for 10 s
    slow = _moments(budgets, clock, "slow", 2)
    assert slow[1] - slow[0] >= 15.0


def test_several_rates_of_one_group_hold_together(clock: FakeClock) -> None:
    moments = _moments(Budgets({"*": (Rate(2, 1.0), Rate(6, 60.0))}, clock), clock, "x", 13)
    assert _most_in(1.0, moments) == 2
    assert _most_in(60.0, moments) == 6


def test_a_group_without_a_budget_waits_for_nothing(clock: FakeClock) -> None:
    assert Budgets({"stocks": (Rate(1, 60.0),)}, clock).take("prices") == 0.0
    assert clock.sleeps == []


def test_a_block_stops_its_group_alone(clock: FakeClock) -> None:
    budgets = Budgets({}, clock)
    budgets.block("stocks", 30.0)
    budgets.block("stocks", 5.0)  # a shorter one does not shorten it
    assert budgets.take("prices") == 0.0
    assert budgets.take("stocks") == pytest.approx(30.0)
    assert budgets.take("stocks") == 0.0


def test_a_block_of_everything_stops_every_group(clock: FakeClock) -> None:
    budgets = Budgets({}, clock)
    budgets.block("*", 12.0)
    assert budgets.take("prices") == pytest.approx(12.0)


def test_a_block_longer_than_the_patience_is_left_to_the_engine(clock: FakeClock) -> None:
    budgets = Budgets({}, clock, connection="ozon")
    budgets.block("stocks", 61.0)
    with pytest.raises(Unavailable, match=r"^ozon: no call of the group 'stocks' .* 61 s") as caught:
        budgets.take("stocks", patience=60.0)
    assert caught.value.after == pytest.approx(61.0)
    assert clock.sleeps == []


def test_a_spent_quota_of_a_day_is_left_to_the_engine(clock: FakeClock) -> None:
    budgets = Budgets({"*": (Rate(3, 86400.0),)}, clock)
    _moments(budgets, clock, "x", 3)
    with pytest.raises(Unavailable, match="budget is spent") as caught:
        budgets.take("x")
    assert caught.value.after == pytest.approx(86400.0, abs=1)


def test_threads_share_one_budget(clock: FakeClock) -> None:
    budgets = Budgets({"*": (Rate(3, 10.0),)}, clock)
    moments: list[float] = []

    def work() -> None:
        for _ in range(5):
            budgets.take("x")
            moments.append(clock.monotonic())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 15
    assert clock.monotonic() - 1000.0 >= 40.0


def test_the_wait_for_a_place_does_not_use_up_the_patience(
    peer: Callable[..., Peer], http: Callable[..., Http], clock: FakeClock
) -> None:
    shop = peer(answer(), answer(status=429, Retry_After="50"), answer(b"[1]"))
    session = http(shop.url, budgets={"*": (Rate(1, 100.0),)})
    session.get("/first")
    assert session.get("/second").json() == [1]


def test_a_429_blocks_the_other_calls_of_its_group(
    peer: Callable[..., Peer], http: Callable[..., Http], clock: FakeClock
) -> None:
    shop = peer(answer(status=429, Retry_After="600"), answer(b"[]"), answer(b"[]"))
    session = http(shop.url)
    with pytest.raises(Unavailable):
        session.get("/stocks", group="stocks")
    assert session.get("/prices", group="prices").status == 200
    with pytest.raises(Unavailable):
        session.get("/stocks", group="stocks")
    assert len(shop.requests) == 2


def test_a_call_takes_as_many_places_as_it_carries_goods(clock: FakeClock) -> None:
    budgets = Budgets({"*": (Rate(3, 1.0),), "goods": (Rate(1000, 60.0),)}, clock)
    assert budgets.take("goods", weight=600) == 0.0
    assert budgets.take("goods", weight=400) == 0.0
    assert budgets.take("other") == 0.0  # the connection counts calls, not goods
    assert budgets.take("goods", weight=1) == pytest.approx(60.0, abs=0.1)


def test_a_call_that_weighs_more_than_there_is_waits_for_all_of_it(clock: FakeClock) -> None:
    budgets = Budgets({"goods": (Rate(1000, 60.0),)}, clock)
    budgets.take("goods")
    assert budgets.take("goods", weight=2000) == pytest.approx(60.0, abs=0.1)
    assert budgets.take("goods") == pytest.approx(60.0, abs=0.1)


def test_a_weight_that_finds_no_place_leaves_none_behind(clock: FakeClock) -> None:
    budgets = Budgets({"goods": (Rate(1000, 1.0),), "*": (Rate(1, 10.0),)}, clock)
    budgets.take("other")  # the connection is busy for 10 s, in which the goods' places must stay free
    budgets.take("goods", weight=900)
    assert clock.monotonic() == pytest.approx(1010.0, abs=0.1)


def test_a_refusal_costs_what_the_vendor_says(
    peer: Callable[..., Peer], http: Callable[..., Http], clock: FakeClock
) -> None:
    shop = peer(answer(status=400), answer(b"[]"))
    session = http(shop.url, budgets={"orders": (Rate(11, 60.0),)}, refusal_weight=10)
    with pytest.raises(Refused):
        session.get("/bad", group="orders")
    session.get("/good", group="orders")
    assert clock.sleeps == []
    session.get("/good", group="orders")
    assert sum(clock.sleeps) == pytest.approx(60.0, abs=0.1)


@pytest.mark.parametrize("reset", ["30", "Sun, 15 Jun 2026 10:00:30 GMT"])
def test_an_answer_that_says_nothing_is_left_is_believed(
    peer: Callable[..., Peer], http: Callable[..., Http], clock: FakeClock, reset: str
) -> None:
    told = {"X_Left": "0", "X_Reset": reset, "Date": "Sun, 15 Jun 2026 10:00:00 GMT"}
    shop = peer(answer(b"[]", X_Left="7", X_Reset=reset), answer(b"[]", **told), answer(b"[]"))
    session = http(shop.url, remaining=Remaining(left="X-Left", reset="X-Reset"))
    session.get("/stocks", group="stocks")
    session.get("/stocks", group="stocks")
    session.get("/prices", group="prices")
    assert clock.sleeps == []
    session.get("/stocks", group="stocks")
    assert clock.sleeps == [pytest.approx(30.0)]
