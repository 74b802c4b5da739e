"""Budgets shared through the ledger: however many processes take turns, no window holds more than the peer allows."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obmen.connector import Connector, Options, SecretStr, Transport
from obmen.errors import Unavailable
from obmen.http import Rate
from obmen.state import Ledger, tables
from obmen.state.budgets import SharedBudgets
from obmen.testing.clock import FakeClock

RATES = {"*": (Rate(40, 1.0),), "stocks": (Rate(5, 60.0),), "goods": (Rate(60, 2.0), Rate(400, 60.0))}
Make = Callable[..., SharedBudgets]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(state_url: str, clock: FakeClock) -> Iterator[Make]:
    ledgers = []

    def made(rates: dict[str, tuple[Rate, ...]] = RATES, account: str = "one") -> SharedBudgets:
        """A process of its own, as far as budgets are concerned."""
        ledgers.append(Ledger(state_url, clock=clock))
        return SharedBudgets(rates, clock, ledgers[-1], lambda: account, connection="shop")

    yield made
    for one in ledgers:
        one.close()


def most(moments: list[tuple[float, int]], seconds: float) -> int:
    """The most places in any window."""
    return max(sum(n for at, n in moments if start <= at < start + seconds) for start, _ in moments)


class Impatient(FakeClock):
    """A clock whose sleeper gives up: the test lets time pass, so that others may come in between."""

    def sleep(self, seconds: float) -> None:
        raise TimeoutError


@settings(max_examples=8)
@given(seed=st.integers(0, 1 << 30), processes=st.integers(2, 5))
def test_no_window_holds_more_than_its_rate(
    tmp_path_factory: pytest.TempPathFactory, seed: int, processes: int
) -> None:
    chance = random.Random(seed)
    clock = Impatient()
    url = f"sqlite:///{tmp_path_factory.mktemp('shared')}/state.db"
    ledgers = [Ledger(url, clock=clock) for _ in range(processes)]
    these = [SharedBudgets(RATES, clock, one, lambda: "one") for one in ledgers]
    calls: list[tuple[str, float, int]] = []
    for _ in range(500):
        group = chance.choice(("stocks", "goods", "goods", "goods", "other", "other"))
        weight = chance.choice((1, 1, 1, 12)) if group == "goods" else 1
        try:
            chance.choice(these).take(group, 1e9, weight=weight)
            calls.append((group, clock.monotonic(), weight))
        except TimeoutError:
            pass
        clock.advance(chance.choice((0.0, 0.0, 0.0, 0.0, 0.01, 0.01, 0.05, 0.15)))
    for one in ledgers:
        one.close()
    assert len(calls) > 20
    for group, rates in RATES.items():
        moments = [(at, 1 if group == "*" else n) for name, at, n in calls if group in {"*", name}]
        for rate in rates if moments else ():
            assert most(moments, rate.seconds) <= rate.calls, group


def test_threads_and_processes_share_one_budget(make: Make, clock: FakeClock) -> None:
    these = [make({"*": (Rate(3, 10.0),)}) for _ in range(3)]
    moments: list[tuple[float, int]] = []

    def work(budgets: SharedBudgets) -> None:
        for _ in range(4):
            budgets.take("x", 1e9)
            moments.append((clock.monotonic(), 1))

    threads = [threading.Thread(target=work, args=(one,)) for one in these for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 24
    assert clock.monotonic() - 1000.0 >= 70.0  # eight windows begin, the last one has not ended


def test_all_of_a_rate_can_be_used(make: Make, clock: FakeClock) -> None:
    budgets = make({"*": (Rate(50, 1.0),)})
    for _ in range(200):
        budgets.take("x")
    assert clock.monotonic() - 1000.0 == pytest.approx(3.0, abs=0.5)


def test_a_busy_process_asks_the_ledger_for_several_places_at_once(
    make: Make, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets, visits = make({"*": (Rate(1000, 60.0),)}), 0
    visit = budgets._visit

    def counted(*arguments: object) -> float:
        nonlocal visits
        visits += 1
        return visit(*arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(budgets, "_visit", counted)
    for _ in range(500):
        budgets.take("x")
    assert visits <= 15


def test_a_place_counts_from_the_last_moment_at_which_it_may_be_used(make: Make, clock: FakeClock) -> None:
    rates = {"*": (Rate(20, 10.0),)}
    one, other = make(rates), make(rates)
    moments = []
    for _ in range(2):  # the second time it takes two places, and uses one of them
        one.take("x")
        moments.append((clock.monotonic(), 1))
    clock.advance(0.9)
    one.take("x")
    moments.append((clock.monotonic(), 1))
    clock.advance(9.15)
    for _ in range(25):
        other.take("x")
        moments.append((clock.monotonic(), 1))
    assert most(moments, 10.0) == 20


def test_what_one_does_not_use_another_gets(make: Make, clock: FakeClock) -> None:
    one, other = make({"*": (Rate(10, 60.0),)}), make({"*": (Rate(10, 60.0),)})
    for _ in range(5):
        one.take("x")
    clock.advance(62.5)
    assert [other.take("x") for _ in range(10)] == [0.0] * 10


def test_a_block_that_the_peer_asked_of_one_holds_the_others_back(make: Make, clock: FakeClock) -> None:
    one, limited, free = make(), make(), make({})
    limited.take("stocks")
    free.take("stocks")
    one.block("stocks", 30.0)
    one.block("stocks", 5.0)  # a shorter one does not shorten it
    clock.advance(3.0)
    assert limited.take("stocks") == pytest.approx(27.0, abs=0.1)
    one.block("prices", 600.0)
    clock.advance(2.0)
    with pytest.raises(Unavailable, match="the peer asked for it"):
        free.take("prices", patience=60.0)
    assert free.take("other") == 0.0


def test_other_accounts_are_not_held_back(make: Make) -> None:
    one, other = make({"*": (Rate(1, 60.0),)}), make({"*": (Rate(1, 60.0),)}, account="two")
    one.take("x")
    one.block("*", 1000.0)
    assert other.take("x") == 0.0


def test_a_call_that_was_refused_costs_everybody(make: Make) -> None:
    one, other = make({"*": (Rate(10, 60.0),)}), make({"*": (Rate(10, 60.0),)})
    one.take("x")
    one.charge("x", 9)
    assert other.take("x") == pytest.approx(60.0, abs=0.5)


def test_a_clock_that_is_set_back_makes_nobody_wait_for_days(make: Make, clock: FakeClock) -> None:
    clock.jump(86400.0)
    one, other = make({"*": (Rate(1, 10.0),)}), make({"*": (Rate(1, 10.0),)})
    one.take("x")
    one.block("*", 20.0)
    clock.jump(-86400.0)
    assert other.take("x") <= 100.0


def test_calls_without_a_rate_write_nothing(make: Make) -> None:
    budgets = make({"stocks": (Rate(5, 60.0),)})
    for _ in range(10):
        budgets.take("odata")
    with budgets._ledger.read() as tx:
        assert tx.rows(tables.budget.select()) == []


class Vendor(Connector):
    class Options(Options):
        url: str
        key: SecretStr

    @classmethod
    def transport(cls, options: Options) -> Transport:
        return Transport(base_url=options.url, headers={"Key": options.key.get_secret_value()})  # type: ignore[attr-defined]  # its own


def test_an_account_is_told_by_address_and_credentials_and_gives_none_away(tmp_path: Path) -> None:
    def account(name: str, url: str, key: str) -> str:
        connector = Vendor(name, Vendor.Options(url=url, key=SecretStr(key)))
        connector.close()
        return connector.account()

    one = account("a", "https://api.example", "k-0001")
    assert one == account("b", "https://api.example", "k-0001")
    assert one != account("a", "https://other.example", "k-0001")
    assert one != account("a", "https://api.example", "k-0002")
    assert len(one) == 32
