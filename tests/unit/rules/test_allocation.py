"""Stock rules: what each channel is told, case by case, with the numbers reckoned by hand."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from obmen.rules import wanted
from obmen.rules.allocation import Allocation, Allotment, Channel, Pool, allot, bound_to, parts_of, pools_of
from obmen.rules.split import by_shares, surely_free

CHANNELS = ("ozon", "wb", "market")
KIT = {"KIT": {"A": Decimal(2), "B": Decimal(1)}}


def rules(**words: Any) -> Allocation:
    return Allocation(version=b"1", **{key: _number(key, value) for key, value in words.items()})


def _number(key: str, value: Any) -> Any:
    return Decimal(value) if key in {"safety", "safety_share"} else value


def share(text: str, **words: Any) -> Channel:
    return Channel(share=Decimal(text), **words)


def of(
    free: int | str | Mapping[str, str],
    given: Allocation,
    *,
    taken: Mapping[str, int] | None = None,
    shown: Mapping[str, int] | None = None,
    sellers: tuple[str, ...] = CHANNELS,
    sku: str = "A",
) -> Allotment:
    """Allot a SKU in the pool ``main``; ``free`` is its stock there, or that of several warehouses."""
    stock = free if isinstance(free, Mapping) else {"main": str(free)}
    stocks = {sku: {name: Decimal(amount) for name, amount in stock.items()}}
    return allot(given, sku, "main", stocks, _units(taken), sellers, shown or {})


def _units(taken: Mapping[str, int] | None) -> dict[str, Decimal]:
    return {sku: Decimal(amount) for sku, amount in (taken or {}).items()}


def shown_to(given: Allotment) -> list[int]:
    return [given.told[name] for name in CHANNELS]


@pytest.mark.field("D4")
@pytest.mark.parametrize(
    ("free", "words", "each"),
    [
        ("12", {}, 12),
        ("0", {}, 0),
        ("-3", {}, 0),
        ("2.9", {}, 2),
        ("12", {"safety": "2"}, 10),
        ("2", {"safety": "2"}, 0),
        ("1", {"safety": "2"}, 0),
        ("2.9", {"safety": "0.5"}, 2),
        ("100", {"safety_share": "0.05"}, 95),
        ("10", {"safety_share": "0.05"}, 9),
        ("10", {"safety": "2", "safety_share": "0.05"}, 8),
        ("100", {"safety": "2", "safety_share": "0.05"}, 95),
        ("5", {"safety_share": "1"}, 0),
        ("500", {"most": 100}, 100),
        ("99", {"most": 100}, 99),
        ("9", {"most": 0}, 0),
        ("9", {"stop": frozenset({"A"})}, 0),
        ("9", {"stop": frozenset({"B"})}, 9),
    ],
)
def test_each_channel_is_shown_what_is_free(free: str, words: dict[str, Any], each: int) -> None:
    assert shown_to(of(free, rules(**words))) == [each] * 3


@pytest.mark.field("D3")
@pytest.mark.parametrize(("taken", "each"), [(0, 8), (3, 5), (8, 0), (9, 0)])
def test_what_orders_took_is_shown_nowhere(taken: int, each: int) -> None:
    assert shown_to(of(10, rules(safety="2"), taken={"A": taken, "OTHER": 5})) == [each] * 3


@pytest.mark.parametrize(
    "words",
    [
        {"safety": "2"},
        {"safety": "0.5"},
        {"safety": "2", "safety_share": "0.05"},
        {"safety": "1", "oversell": False, "channels": {"wb": Channel(safety=Decimal(3))}},
        {"safety_share": "0.1", "oversell": False, "channels": {"ozon": share("0.5")}},
    ],
)
@pytest.mark.parametrize("remembered", [3, 10_000])
def test_what_was_reckoned_before_changes_no_number(
    words: dict[str, Any], remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanted, "_REMEMBERED", remembered)
    given = rules(**words)
    for quarters in (*range(-6, 60), *range(59, -7, -1)):
        free, taken = str(Decimal(quarters) / 4), {"A": quarters % 2}
        assert shown_to(of(free, given, taken=taken)) == shown_to(of(free, rules(**words), taken=taken))
    (service,) = given.services.values()
    assert max(len(service.known), len(service.of_left)) <= remembered


def test_a_sku_or_a_warehouse_without_stock_has_nothing() -> None:
    assert shown_to(of({"other": "5"}, rules())) == [0, 0, 0]
    assert dict(allot(rules(), "A", "main", {}, {}, CHANNELS, {}).told) == dict.fromkeys(CHANNELS, 0)
    assert dict(allot(rules(), "A", "main", {}, {}, (), {}).told) == {}


@pytest.mark.field("D6")
class TestWarehouses:
    """What channels sell from."""

    @pytest.mark.parametrize(
        ("stock", "take", "units"),
        [
            ({"one": "5", "two": "3"}, "sum", 8),
            ({"one": "-5", "two": "3"}, "sum", 3),
            ({"one": "0.5", "two": "0.5"}, "sum", 1),
            ({"one": "5", "two": "3"}, "first", 5),
            ({"one": "0", "two": "3"}, "first", 3),
            ({"two": "3"}, "first", 3),
            ({"main": "7", "one": "0"}, "first", 0),
        ],
    )
    def test_a_pool_takes_all_or_the_first_that_has_any(self, stock: dict[str, str], take: Any, units: int) -> None:
        assert of(stock, rules(pools={"main": Pool(("one", "two"), take)})).told["wb"] == units

    def test_warehouses_become_pools(self) -> None:
        main = Pool(("main", "second"), "first")
        given = rules(pools={"main": main, "named": Pool(("third",))})
        assert pools_of(given, ["second", "alone", "main"]) == {"main": main, "alone": Pool(("alone",))}
        assert pools_of(given, ["named"]) == {}
        assert pools_of(rules(), ["b", "a"]) == {"b": Pool(("b",)), "a": Pool(("a",))}


@pytest.mark.field("D5")
class TestChannels:
    """What is otherwise in one channel, while each is shown all that is free."""

    @pytest.mark.parametrize(
        ("free", "channel", "units"),
        [
            (9, Channel(most=3), 3),
            (200, Channel(most=150), 150),
            (9, Channel(safety=Decimal(4)), 5),
            (9, Channel(safety=Decimal(1)), 7),
            (3, Channel(safety=Decimal(4)), 0),
            (9, Channel(stop=frozenset({"A"})), 0),
            (12, share("0.5"), 5),
            (11, share("0.5"), 5),
            (3, share("0.5"), 1),
            (12, share("0"), 0),
        ],
    )
    def test_it_is_so_there_alone(self, free: int, channel: Channel, units: int) -> None:
        told = shown_to(of(free, rules(safety="2", most=100, channels={"ozon": channel})))
        assert told == [units, min(free - 2, 100), min(free - 2, 100)]

    @pytest.mark.parametrize(("free", "told"), [(1, [0, 1, 0]), (2, [0, 2, 0]), (3, [3, 3, 3]), (0, [0, 0, 0])])
    def test_the_last_units_are_shown_in_one(self, free: int, told: list[int]) -> None:
        assert shown_to(of(free, rules(last=2, priority=("wb", "ozon")))) == told

    def test_the_last_units_go_to_the_next_where_the_first_does_not_sell(self) -> None:
        given = rules(last=1, priority=("wb", "ozon"), channels={"wb": Channel(stop=frozenset({"A"}))})
        assert shown_to(of(1, given)) == [1, 0, 0]
        assert dict(of(1, rules(last=1, priority=("wb", "ozon")), sellers=("market", "ozon")).told) == {
            "ozon": 1,
            "market": 0,
        }


@pytest.mark.field("D5")
class TestNoOversell:
    """With oversell off each unit is promised once."""

    @pytest.mark.parametrize(
        ("free", "words", "told"),
        [
            (9, {}, [3, 3, 3]),
            (10, {}, [4, 3, 3]),
            (2, {}, [1, 1, 0]),
            (2, {"priority": ("market",)}, [0, 0, 2]),
            (9, {"priority": ("wb", "ozon"), "most": 4}, [4, 4, 1]),
            (10, {"channels": {"ozon": share("0.5"), "wb": share("0.3")}}, [5, 3, 2]),
            (11, {"channels": {"ozon": share("0.5"), "wb": share("0.3")}}, [6, 3, 2]),
            (1, {"channels": {"ozon": share("0.3"), "wb": share("0.5")}}, [0, 1, 0]),
            (10, {"channels": {"ozon": share("0.5")}}, [6, 2, 2]),
            (20, {"channels": {"ozon": share("0.5", most=4), "wb": share("0.3")}}, [4, 10, 6]),
            (20, {"most": 5}, [5, 5, 5]),
            (20, {"channels": {"wb": Channel(stop=frozenset({"A"}))}}, [10, 0, 10]),
            (9, {"channels": {"wb": share("0")}}, [5, 0, 4]),
            (9, {"channels": {"ozon": Channel(safety=Decimal(8))}}, [1, 4, 4]),
            (9, {"safety": "3", "channels": {"ozon": Channel(safety=Decimal(8))}}, [1, 3, 2]),
            (3, {"last": 3, "priority": ("wb",)}, [0, 3, 0]),
            (4, {"last": 3, "priority": ("wb",), "channels": {"wb": share("0.25")}}, [2, 1, 1]),
            (9, {"stop": frozenset({"A"})}, [0, 0, 0]),
        ],
    )
    def test_what_is_free_is_divided(self, free: int, words: dict[str, Any], told: list[int]) -> None:
        given = of(free, rules(oversell=False, **words))
        assert shown_to(given) == told
        assert dict(given.wanted) == dict(given.told)

    def test_shares_are_of_the_channels_that_sell_it(self) -> None:
        given = rules(oversell=False, channels={"ozon": share("0.5"), "wb": share("0.3")})
        assert dict(of(8, given, sellers=("ozon", "wb")).told) == {"ozon": 5, "wb": 3}
        assert dict(of(7, given, sellers=("ozon", "market")).told) == {"ozon": 5, "market": 2}
        assert dict(of(7, given, sellers=("market",)).told) == {"market": 7}

    @pytest.mark.field("N12")
    @pytest.mark.parametrize(
        ("shown", "told"),
        [
            ({}, [3, 3, 3]),
            ({"ozon": 9}, [3, 0, 0]),
            ({"ozon": 7, "wb": 1}, [3, 2, 0]),
            ({"ozon": 3, "wb": 3, "market": 3}, [3, 3, 3]),
            ({"ozon": 20}, [3, 0, 0]),
            ({"gone": 8}, [1, 0, 0]),
            ({"wb": 5}, [3, 3, 1]),
        ],
    )
    def test_nothing_is_promised_that_another_may_still_show(self, shown: dict[str, int], told: list[int]) -> None:
        given = of(9, rules(oversell=False), shown=shown)
        assert shown_to(given) == told
        assert [given.wanted[name] for name in CHANNELS] == [3, 3, 3]


@pytest.mark.field("D7")
class TestKits:
    """Goods that are sold as one and lie as several."""

    def _told(self, sku: str, a: int, b: int, taken: Mapping[str, int] | None = None, **words: Any) -> int:
        stocks = {"A": {"main": Decimal(a)}, "B": {"main": Decimal(b)}, "KIT": {"main": Decimal(99)}}
        given = rules(**{"kits": KIT, **words})
        return sum(allot(given, sku, "main", stocks, _units(taken), ("ozon",), {}).told.values())

    @pytest.mark.parametrize(("a", "b", "kits"), [(7, 9, 3), (8, 9, 4), (40, 9, 9), (1, 9, 0), (9, 0, 0), (-2, 9, 0)])
    def test_there_are_as_many_as_the_scarcest_part_allows(self, a: int, b: int, kits: int) -> None:
        assert self._told("KIT", a, b) == kits

    def test_what_is_kept_back_is_kept_of_parts(self) -> None:
        assert self._told("KIT", 10, 9, safety="3") == 3
        assert self._told("A", 10, 9, safety="3") == 7

    @pytest.mark.parametrize(
        ("taken", "a", "b", "kits"), [({"KIT": 1}, 8, 8, 4), ({"A": 3}, 7, 9, 3), ({"A": 1, "B": 6, "KIT": 1}, 7, 2, 2)]
    )
    def test_orders_of_kits_take_parts_and_the_other_way_round(
        self, taken: dict[str, int], a: int, b: int, kits: int
    ) -> None:
        assert [self._told(sku, 10, 9, taken) for sku in ("A", "B", "KIT")] == [a, b, kits]

    def test_with_oversell_off_a_part_is_promised_singly_or_in_a_kit(self) -> None:
        assert [self._told(sku, 10, 9, oversell=False) for sku in ("A", "B", "KIT")] == [5, 5, 2]
        assert self._told("A", 1, 9, oversell=False) == 1

    def test_what_is_not_sold_singly_is_all_for_kits(self) -> None:
        stop = frozenset({"A", "B"})
        assert [self._told(sku, 10, 9, oversell=False, stop=stop) for sku in ("A", "B", "KIT")] == [0, 0, 5]
        assert [self._told(sku, 10, 9, oversell=False, stop=frozenset({"KIT"})) for sku in ("A", "KIT")] == [10, 0]

    def test_a_channel_keeps_kits_back(self) -> None:
        assert self._told("KIT", 10, 9, channels={"ozon": Channel(safety=Decimal(2))}) == 3

    def test_who_hangs_on_whom_is_known(self) -> None:
        given = rules(kits={**KIT, "SET": {"B": Decimal(3), "C": Decimal(1)}})
        assert bound_to(given, "A") == {"A", "KIT"}
        assert bound_to(given, "B") == {"B", "KIT", "SET"}
        assert bound_to(given, "KIT") == {"KIT", "A", "B", "SET"}
        assert bound_to(given, "X") == {"X"}
        assert parts_of(given, "KIT") == KIT["KIT"]
        assert parts_of(given, "A") == {}


class TestSteps:
    """How a number came about can be read."""

    def test_of_one_sku(self) -> None:
        given = rules(
            oversell=False,
            safety="2",
            last=1,
            priority=("wb",),
            pools={"main": Pool(("one", "two"))},
            channels={"ozon": share("0.5", most=3), "wb": share("0.3")},
        )
        found = of({"one": "8", "two": "4.5"}, given, taken={"A": 1}, shown={"ozon": 3, "market": 6})
        assert [(step.name, str(step.amount), step.note) for step in found.steps] == [
            ("free", "12.5", "one 8, two 4.5"),
            ("orders", "11.5", "orders took 1 that the source does not count yet"),
            ("safety", "9.5", "2 kept back"),
            ("whole", "9", "whole units"),
            ("channel:wb/split", "4", "30% of 9"),
            ("channel:wb/wait", "0", "4 once the others no longer show them"),
            ("channel:wb/told", "0", ""),
            ("channel:ozon/most", "3", "at most 3"),
            ("channel:ozon/told", "3", ""),
            ("channel:market/split", "2", "20% of 9"),
            ("channel:market/told", "2", ""),
        ]

    def test_of_a_kit(self) -> None:
        given = rules(kits=KIT, oversell=False, safety_share="0.1", stop=frozenset({"B"}))
        stocks = {"A": {"main": Decimal(21)}, "B": {"main": Decimal(3)}}
        found = allot(given, "KIT", "main", stocks, {"KIT": Decimal(1)}, ("ozon",), {})
        assert [(step.name, str(step.amount), step.note) for step in found.steps] == [
            ("part:A/free", "21", "main 21"),
            ("part:A/orders", "19", "orders took 2 that the source does not count yet"),
            ("part:A/safety", "17.1", "10% kept back"),
            ("part:A/kits", "8", "sold as A, KIT, and promised once"),
            ("part:A/kit", "4", "2 in one kit"),
            ("part:B/free", "3", "main 3"),
            ("part:B/orders", "2", "orders took 1 that the source does not count yet"),
            ("part:B/safety", "1.8", "10% kept back"),
            ("part:B/kit", "1", "1 in one kit"),
            ("kit", "1", "as many as B allows"),
            ("channel:ozon/told", "1", ""),
        ]

    @pytest.mark.parametrize(
        ("words", "names"),
        [
            ({"stop": frozenset({"A"})}, ["free", "stop"]),
            ({"channels": {"ozon": Channel(stop=frozenset({"A"}))}}, ["free", "channel:ozon/stop"]),
            ({"channels": {"ozon": Channel(safety=Decimal(5))}}, ["free", "channel:ozon/safety"]),
            ({"channels": {"ozon": share("0.25")}}, ["free", "channel:ozon/share"]),
            ({"last": 9, "priority": ("wb",)}, ["free", "channel:ozon/last"]),
            ({"oversell": False, "priority": ("wb",)}, ["free", "channel:ozon/split"]),
        ],
    )
    def test_each_rule_has_a_name(self, words: dict[str, Any], names: list[str]) -> None:
        steps = of(9, rules(**words), sellers=("ozon", "wb")).steps
        ours = [step.name for step in steps if not step.name.startswith("channel:wb") and "told" not in step.name]
        assert ours == names


def test_a_share_never_falls_when_there_is_more() -> None:
    # by the largest remainder the third of these would get 2 of 10, and 1 of 11
    shares, limits = (6, 6, 2), (99, 99, 99)
    given = [by_shares(units, shares, limits) for units in range(60)]
    assert all(all(a <= b for a, b in zip(one, more, strict=True)) for one, more in pairwise(given))
    assert [sum(one) for one in given] == list(range(60))


def test_a_lowering_is_never_delayed() -> None:
    assert surely_free(5, {"a": 0, "b": 5}, {"a": 50, "b": 0}) == {"a": 0, "b": 0}


def test_who_may_show_less_than_is_known_is_not_raised_again_before_the_others_are_lowered() -> None:
    shown = {"ozon": 2, "wb": 2}
    assert surely_free(2, {"ozon": 2, "wb": 0}, shown) == {"ozon": 2, "wb": 0}
    assert surely_free(2, {"ozon": 2, "wb": 0}, shown, ["ozon"]) == {"ozon": 0, "wb": 0}
    assert surely_free(3, {"ozon": 2, "wb": 1}, shown, ["ozon"]) == {"ozon": 1, "wb": 1}
    assert surely_free(4, {"ozon": 2, "wb": 2}, shown, ["ozon"]) == {"ozon": 2, "wb": 2}
