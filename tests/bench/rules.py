"""Stock rules beside a loop that was written by hand for the case: a million rows, no file and no ledger.

Both go through the same rows of the same kinds (decimals by SKU and warehouse), each of a SKU of its own, in one
process, turn by turn on decimals that were just made, and each is told by its best turn; that they give the same
numbers is looked at first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

from obmen.rules.allocation import Allocation, Channel, Pool, allot

ROWS = 1_000_000
_WAREHOUSES = 2
_TURNS = 5
_SELLERS = ("ozon", "wb", "market")
_NONE = Decimal(0)
_SHOWN_NOTHING: dict[str, int] = {}
Stocks = dict[str, dict[str, Decimal]]
Told = Callable[[Stocks, dict[str, Decimal]], int]


def lines(rows: int = ROWS, limit: float | None = None) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table: the case, rows, CPU seconds by hand and by the rules, and their ratio.

    Raises SystemExit where the two do not agree, and after the last line where a ratio is above ``limit``.
    """
    stocks, taken = _made(rows)
    above = []
    yield ("stock rules", "rows", "by hand", "by rules", "of hand")
    for title, by_hand, by_rules in (
        ("every warehouse alone", _by_hand, _by_rules),
        ("two warehouses as one", _pooled_by_hand, _pooled_by_rules),
        ("all rules, oversell off", _divided_by_hand, _divided_by_rules),
    ):
        if by_hand(stocks, taken) != by_rules(stocks, taken):
            raise SystemExit(f"{title}: the loop and the rules do not agree")
        costs = [(_cost(by_hand, stocks, taken), _cost(by_rules, stocks, taken)) for _ in range(_TURNS)]
        hand, rules = (min(column) for column in zip(*costs, strict=True))
        yield title, f"{rows:,}", f"{hand:.2f}", f"{rules:.2f}", f"{rules / hand:.2f}"
        if limit is not None and rules / hand > limit:
            above.append(title)
    if above:
        raise SystemExit(f"more than {limit} of the loop by hand: {', '.join(above)}")


def _made(rows: int) -> tuple[Stocks, dict[str, Decimal]]:
    rng = random.Random(6)
    stocks = {
        f"SKU-{number}": {f"W{one}": Decimal(rng.randint(-2, 150)) for one in range(_WAREHOUSES)}
        for number in range(rows // _WAREHOUSES)
    }
    return stocks, {sku: Decimal(1) for sku in list(stocks)[::50]}


def _cost(work: Told, stocks: Stocks, taken: dict[str, Decimal]) -> float:
    """Return the CPU seconds of one turn, with decimals that were just made: nothing of them is remembered."""
    stocks = {sku: {name: +amount for name, amount in stock.items()} for sku, stock in stocks.items()}
    began = time.process_time()
    work(stocks, taken)
    return time.process_time() - began


_STOP = frozenset({"SKU-13", "SKU-99"})
_PLAIN = Allocation(b"1", safety=Decimal(2), most=100, stop=_STOP)
_POOLED = Allocation(b"1", safety=Decimal(2), most=100, stop=_STOP, pools={"main": Pool(("W0", "W1"))})
_DIVIDED = Allocation(
    b"1",
    oversell=False,
    safety=Decimal(2),
    safety_share=Decimal("0.05"),
    most=100,
    last=1,
    priority=("wb",),
    pools={"main": Pool(("W0", "W1"))},
    kits={"KIT-1": {"SKU-1": Decimal(2), "SKU-7": Decimal(1)}},
    stop=_STOP,
    channels={"ozon": Channel(share=Decimal("0.5"), most=20), "wb": Channel(share=Decimal("0.3"))},
)


def _by_hand(stocks: Stocks, taken: dict[str, Decimal]) -> int:
    safety, total = Decimal(2), 0
    for sku, stock in stocks.items():
        for available in stock.values():
            left = (available - taken[sku] if sku in taken else available) - safety
            units = int(left) if left > 0 and sku not in _STOP else 0
            if units > 100:  # noqa: PLR1730 - min() costs more, and nobody should say that the loop is a slow one
                units = 100
            told = {"ozon": units, "wb": units, "market": units}
            total += told["ozon"]
    return total


def _by_rules(stocks: Stocks, taken: dict[str, Decimal]) -> int:
    total = 0
    for sku, stock in stocks.items():
        for warehouse in stock:
            total += allot(_PLAIN, sku, warehouse, stocks, taken, _SELLERS, _SHOWN_NOTHING).told["ozon"]
    return total


def _pooled_by_hand(stocks: Stocks, taken: dict[str, Decimal]) -> int:
    safety, total = Decimal(2), 0
    for sku, stock in stocks.items():
        left = -safety
        for warehouse in ("W0", "W1"):
            available = stock[warehouse]
            if available > 0:
                left += available
        if sku in taken:
            left -= taken[sku]
        units = int(left) if left > 0 and sku not in _STOP else 0
        if units > 100:  # noqa: PLR1730 - as above
            units = 100
        told = {"ozon": units, "wb": units, "market": units}
        total += told["ozon"]
    return total


def _pooled_by_rules(stocks: Stocks, taken: dict[str, Decimal]) -> int:
    total = 0
    for sku in stocks:
        total += allot(_POOLED, sku, "main", stocks, taken, _SELLERS, _SHOWN_NOTHING).told["ozon"]
    return total


def _divided_by_hand(stocks: Stocks, taken: dict[str, Decimal]) -> int:  # noqa: C901, PLR0912 - all of it in one loop
    least, twentieth, total = Decimal(2), Decimal("0.05"), 0
    shown = {"ozon": 3}
    for sku, stock in stocks.items():
        left = _NONE
        for warehouse in ("W0", "W1"):
            if stock[warehouse] > 0:
                left += stock[warehouse]
        if sku in taken:
            left -= taken[sku]
        kept = max(least, left * twentieth)
        units = int(left - kept) if left > kept and sku not in _STOP else 0
        if sku in {"SKU-1", "SKU-7"}:
            units = (units + 1) // 2
        wb, ozon, market = 0, 0, 0
        if units == 1:
            wb = 1
        elif units * 5 // 10 >= 20:
            ozon, rest = 20, units - 20
            wb, market = rest * 3 // 5, rest * 2 // 5
            if wb + market < rest:
                if 3 * (market + 1) >= 2 * (wb + 1):
                    wb += 1
                else:
                    market += 1
            if wb > 100:
                wb, market = 100, min(rest - 100, 100)
        else:
            wb, ozon, market = units * 3 // 10, units * 5 // 10, units * 2 // 10
            for _ in range(units - wb - ozon - market):
                by_wb, by_ozon, by_market = 3 / (wb + 1), 5 / (ozon + 1), 2 / (market + 1)
                if by_wb >= by_ozon and by_wb >= by_market:
                    wb += 1
                elif by_ozon >= by_market:
                    ozon += 1
                else:
                    market += 1
        room = max(units - 3, 0)
        wb = min(wb, room)
        room -= wb
        if ozon > shown["ozon"]:
            raised = min(ozon - 3, room)
            room -= raised
            ozon = 3 + raised
        told = {"wb": wb, "ozon": ozon, "market": min(market, room)}
        total += told["wb"] * 3 + told["ozon"] * 2 + told["market"]
    return total


def _divided_by_rules(stocks: Stocks, taken: dict[str, Decimal]) -> int:
    total = 0
    shown = {"ozon": 3}
    for sku in stocks:
        told = allot(_DIVIDED, sku, "main", stocks, taken, _SELLERS, shown).told
        total += told["wb"] * 3 + told["ozon"] * 2 + told["market"]
    return total
