"""A seller's life, told once for every marketplace: goods, prices, stock, orders with all their ends, returns.

At each rest 1C and the cabinet are compared number by number, from the two sandboxes' own records and not from
what Obmen believes; and one more run must have nothing to write.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import msgspec

from connectors.onec.sandbox import OneCSandbox
from obmen.entities import Accrual
from obmen.facts import gather
from obmen.facts.settlement import settle
from obmen.project import load_project
from obmen.state import Ledger, facts, quarantine
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.steps import OnStep, ignore
from obmen.testing.clock import FakeClock
from tests.clocked import by
from tests.e2e.markets.cabinet import Bought, Cabinet

MARKET = "market"
WAREHOUSE = "Основной склад"
PRICE_TYPE = "Розничная"
GOODS, ORDERS = int(os.environ.get("OBMEN_GOODS", "40")), int(os.environ.get("OBMEN_ORDERS", "10"))
"""How many goods and orders a life has: OBMEN_GOODS=500 OBMEN_ORDERS=50 for a real cabinet's size."""
COLOURS = ("Красный", "Синий", "Белый", "Чёрный")
_MOST_RUNS = 40
_RETURN = re.compile(r"\[возврат \S+ (\S+)\]")
_BETWEEN = 120.0
_DAY = 86400.0
_LONG_AFTER = 45 * _DAY
_STEPS: dict[str, tuple[str, str]] = {
    "open": ("КОбеспечению", "КОбеспечению"),
    "assembling": ("КОбеспечению", "КОтгрузке"),
    "packed": ("КОтгрузке", "КОтгрузке"),
    "gone": ("КОтгрузке", "КОтгрузке"),
    "delivered": ("КОтгрузке", "Закрыт"),
    "cancelled": ("Закрыт", "Закрыт"),
}
"""A state there → the first and the last Статус that the order may have in 1C."""


class Life:
    """A base of 1C and a cabinet, and Obmen between them by a clock that runs as fast as is asked.

    ``rules``: flow → what stands in it besides; ``options``: what stands in the connection to 1C besides.
    """

    def __init__(
        self,
        folder: Path,
        cabinet: Cabinet,
        *,
        goods: int,
        categories: int,
        seed: int = 1,
        rules: Mapping[str, dict[str, Any]] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.cabinet, self.rules, self.options = folder, cabinet, rules or {}, options or {}
        self.random = random.Random(seed)
        self.clock = FakeClock()
        self.ut = by(self.clock, OneCSandbox)(version="11.5.20")
        self.ut.start()
        cabinet.serve(self.clock, WAREHOUSE)
        self.ids: dict[str, str] = {}
        self.on_step: OnStep | None = None
        self.on_start: Callable[[Assembly], None] | None = None
        self._stock_goods(goods, categories)
        self.project = load_project(self._write_project())
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()
        self.cabinet.sandbox.stop()
        self.ut.stop()

    def _stock_goods(self, goods: int, categories: int) -> None:
        groups = [self.ut.add_group(f"Раздел {number}") for number in range(categories)]
        for number in range(goods):
            sku = f"SKU-{number:04d}"
            self.ids[sku] = self.ut.add_good(
                f"Пробный товар {number}",
                sku,
                group=groups[number % categories],
                barcodes=[_ean(number)],
                prices={PRICE_TYPE: Decimal(self.random.randrange(500, 9000))},
                stock={WAREHOUSE: self.random.randrange(3, 40)},
                attributes={"Цвет": COLOURS[number % len(COLOURS)]},
                brand="Образец",
                Описание=f"Пробный товар под номером {number}.",
                weight=Decimal("0.4"),
                vat="20",
            )

    def _write_project(self) -> Path:
        name = MARKET
        flows: dict[str, Any] = {
            "goods": {"entity": "product", "from": "ut", "to": name},
            "prices": {"entity": "price", "from": "ut", "to": name, "where": {"price_type": PRICE_TYPE}},
            "stock": {"entity": "stock", "from": "ut", "to": name},
            "orders": {"entity": "order", "from": name, "to": "ut"},
            "statuses": {"entity": "order_status", "from": name, "to": "ut"},
            "statuses_back": {"entity": "order_status", "from": "ut", "to": name},
        }
        if "return" in self.cabinet.entities:
            flows["returns"] = {"entity": "return", "from": name, "to": "ut"}
        if "accrual" in self.cabinet.entities:
            flows["money"] = {"entity": "accrual", "from": name, "to": []}
        for flow, rules in self.rules.items():
            flows[flow] |= rules
        ut = self.ut.connection()
        project = {
            "state": f"sqlite:///{self.folder}/state.db",
            "connections": {
                "ut": {"connector": "onec", **ut, "warehouses": [WAREHOUSE], **self.options},
                name: {"connector": self.cabinet.connector, **self.cabinet.options(self.folder)},
            },
            "flows": flows,
        }
        path = self.folder / "obmen.yaml"
        path.write_bytes(msgspec.json.encode(project))
        return path

    # -- running ----------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Run every flow once, as a process does that was just started; return how many records were written."""
        self.clock.advance(_BETWEEN)
        with Assembly(self.project, clock=self.clock, ledger=self.ledger) as assembly:
            if self.on_start is not None:
                self.on_start(assembly)
            reports = Engine(self.ledger, assembly.flows, on_step=self.on_step or ignore).sync((), patience=_BETWEEN)
        self.trouble = [str(error) for report in reports for error in report.trouble]
        self.waiting = sum(sum(report.outbox.values()) for report in reports)
        return sum(report.written for report in reports)

    def settle(self, again: frozenset[str] = frozenset()) -> None:
        """Run until nothing is written and nothing is on its way; what has a code of ``again`` is replayed."""
        for _ in range(_MOST_RUNS):
            if again:
                self._replay(again)
            written = self.run()
            self.cabinet.rest()
            if not (written or self.waiting or self.trouble):
                return
        raise AssertionError(f"no rest after {_MOST_RUNS} runs: {self.waiting} wait, {self.trouble[:3]}")

    def _replay(self, codes: frozenset[str]) -> None:
        """Let what was refused with these codes be tried again, as a person does who has read the reasons."""
        with self.ledger.write() as tx:
            quarantine.set_state(tx, [one.id for one in quarantine.entries(tx) if one.code in codes], "due")

    def read_back(self, entity: str) -> None:
        """Compare what the cabinet shows with what it was told, and tell it again where they differ."""
        with Assembly(self.project, clock=self.clock, ledger=self.ledger) as assembly:
            (flow,) = [flow for flow in assembly.flows if flow.entity.entity == entity]
            one = Reconciliation(self.ledger, Pass(flow), on_drift=lambda _: None, repair=True)
            one.run()
            one.deliver(Engine(self.ledger, assembly.flows), _BETWEEN)

    def set_aside(self) -> list[str]:
        with self.ledger.read() as tx:
            return [f"{entry.flow} {entry.key or entry.source}: {entry.message}" for entry in quarantine.entries(tx)]

    # -- what people do ---------------------------------------------------------------------------------------

    def buy(self, count: int) -> list[str]:
        """Buyers order; every number is new, and the last order has as many lines as one may have."""
        placed: list[str] = []
        while len(placed) < count:
            free = {sku: left for sku, left in self.cabinet.free().items() if left >= 3}
            fewest = self.cabinet.most_lines if len(placed) == count - 1 else 1
            lines = self.random.sample(sorted(free), self.random.randint(fewest, self.cabinet.most_lines))
            most = 3 if self.cabinet.most_lines > 1 else 1
            placed.append(self.cabinet.place([(sku, self.random.randint(1, most) if most > 1 else 1) for sku in lines]))
        return placed

    def cancel_lines(self, numbers: Sequence[str]) -> int:
        """The seller cancels the last line of each order that has several; return of how many."""
        bought = self.cabinet.bought()
        several = [number for number in numbers if len(bought[number].lines) > 1]
        for number in several:
            sku, quantity = list(bought[number].lines.items())[-1]
            self.ut.cancel_lines(number, {self.ids[sku]: quantity})
        return len(several)

    def pack(self, numbers: Sequence[str]) -> None:
        """The warehouse may pack these orders."""
        for number in numbers:
            self.ut.set_status(number, "КОтгрузке")

    def send_off(self, numbers: Sequence[str]) -> None:
        """The carrier takes orders, and 1C writes the shipments."""
        for number in numbers:
            self.cabinet.take(number)
            self.ut.ship(number)

    # -- comparing --------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every number of 1C against the cabinet's."""
        shown = self.cabinet.prices()
        base = self.ut.state()
        skus = {id_: sku for sku, id_ in self.ids.items()}
        assert self.cabinet.cards() == set(self.ids)
        assert shown == {sku: Decimal(str(base["prices"][id_][PRICE_TYPE])) for sku, id_ in self.ids.items()}
        free = {sku: int(base["stock"].get(id_, {}).get(WAREHOUSE, {"free": 0})["free"]) for id_, sku in skus.items()}
        assert self.cabinet.free() == free
        orders = {order["НомерПоДаннымКлиента"]: order for order in base["orders"]}
        assert len(orders) == len(base["orders"]), "an order stands in 1C twice"
        bought = self.cabinet.bought()
        assert set(orders) == set(bought)
        for number, one in bought.items():
            self._compare_order(one, orders[number], skus)
        if "return" in self.cabinet.entities:
            assert self._returned(base, skus) == self.cabinet.given_back()

    def _returned(self, base: dict[str, Any], skus: dict[str, str]) -> dict[str, dict[str, int]]:
        """Return what came back by 1C's own documents: SKU → how many, by the return's number."""
        found: dict[str, dict[str, int]] = {}
        for document in base["documents"]["Document_ВозвратТоваровОтКлиента"]:
            number = _RETURN.match(document["Комментарий"])
            assert number, document["Комментарий"]
            assert number[1] not in found, "a return stands in 1C twice"
            assert document["Posted"]
            found[number[1]] = {skus[row["Номенклатура_Key"]]: int(row["Количество"]) for row in document["Товары"]}
        return found

    def compare_money(self) -> None:
        """What was read of each order's money against what the cabinet owes, to the kopeck."""
        owed: dict[str, Decimal] = {}
        with self.ledger.read() as tx:
            for _, one in facts.of(tx, Accrual):
                assert isinstance(one, Accrual)
                owed[one.order or ""] = owed.get(one.order or "", Decimal(0)) + one.amount
        assert owed
        assert owed == self.cabinet.owed()
        self._compare_papers()

    def _compare_papers(self) -> None:
        """Orders, accruals, payouts and 1C's documents agree, as ``obmen money`` tells it long after.

        Periods are not looked at: a cabinet may make its report of a week that was over before.
        """
        with self.ledger.read() as tx:
            terms = gather.terms(self.project, tx.now + _LONG_AFTER, self.clock.now() - timedelta(days=90))
            settlement = settle(gather.facts(tx, self.project, terms), terms)
        assert [one for one in settlement.differences if one.kind != "period"] == []
        assert all(line.document is not None for line in settlement.lines if line.key.order)
        assert [total.owed for total in settlement.totals] == [0]

    def _compare_order(self, one: Bought, order: dict[str, Any], skus: dict[str, str]) -> None:
        rows = [row for row in order["Товары"] if not row["Отменено"]]
        kept: dict[str, int] = {}
        for row in rows:
            sku = skus[row["Номенклатура_Key"]]
            kept[sku] = kept.get(sku, 0) + int(row["Количество"])
            assert Decimal(str(row["Цена"])) == one.price[sku]
        assert order["Posted"]
        assert order["Статус"] in _STEPS[one.state], f"{one.state} there, {order['Статус']} in 1C"
        assert kept == ({} if one.state == "cancelled" else dict(one.lines))


def _ean(number: int) -> str:
    digits = f"200{number:09d}"
    odd, even = (sum(int(digit) for digit in digits[start::2]) for start in (0, 1))
    return digits + str(-(odd + 3 * even) % 10)


def quiet(life: Life) -> None:
    """Nothing is left to do, and nothing was set aside."""
    life.settle()
    agrees(life)


def agrees(life: Life) -> None:
    """Both sides hold the same, nothing was set aside, and one more run writes nothing."""
    assert life.set_aside() == []
    life.compare()
    assert life.run() == 0


def whole_life(life: Life, orders: int, rest: Callable[[Life], None] = quiet) -> None:
    """From an empty cabinet to returned goods; ``rest``: how it comes to rest after each thing that happens."""
    cabinet = life.cabinet
    rest(life)
    placed = life.buy(orders)
    part = max(1, orders // 5)
    for number in placed[:part]:
        cabinet.give_up(number)
    if cabinet.partial:
        _give_up_parts(life, placed[2 * part :])
    rest(life)
    by_seller, kept = placed[part : 2 * part], placed[2 * part :]
    for number in by_seller:
        life.ut.cancel(number)
    assert life.cancel_lines(kept[::-2]) or cabinet.most_lines == 1
    life.pack(kept)
    rest(life)
    life.send_off(kept)
    rest(life)
    for number in kept:
        cabinet.deliver(number)
    rest(life)
    if "return" in cabinet.entities:
        for number in kept[:part]:
            sku, quantity = next(iter(cabinet.bought()[number].lines.items()))
            cabinet.send_back(number, sku, quantity)
        rest(life)
    if "accrual" in cabinet.entities:
        cabinet.pay()
        life.clock.advance(_DAY)
        rest(life)
        life.compare_money()


def _give_up_parts(life: Life, numbers: Sequence[str]) -> None:
    """Of every other order the buyer gives up one unit, or the whole of a line that is not the only one."""
    bought = life.cabinet.bought()
    for number in numbers[::2]:
        sku, quantity = next(iter(bought[number].lines.items()))
        if quantity > 1 or len(bought[number].lines) > 1:
            life.cabinet.give_up_part(number, sku, 1)
