"""The demonstration, act by act: each shows one thing that Obmen claims, and checks it before it says so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from obmen.entities import split_key
from obmen.errors import ObmenError
from obmen.state import agreed, bindings, quarantine
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport
from obmen.testing.sandbox import Fault
from runner.demo.edits import reprice
from runner.demo.stage import Stage
from runner.progress import progress
from runner.render import Cell, Column, Screen, Table, number

ORDERS = 12
CHANGED = 7
_PATIENCE = 90.0
_FEWEST_TO_GUARD = 10


class UntrueError(ObmenError):
    """What an act should have shown did not happen: Obmen does not do what it says."""


@dataclass
class Story:
    """The acts, with what they leave for the end."""

    stage: Stage
    screen: Screen
    facts: list[tuple[str, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def tell(self) -> None:
        """Play every act."""
        self.goods_arrive()
        orders = self.orders_travel()
        self.statuses_travel(orders)
        self.nothing_is_written_twice()
        refused = self.only_what_changed_is_written()
        self.what_was_refused_is_replayed(refused)
        self.a_slip_is_held()
        self.the_end()

    # -- the acts -----------------------------------------------------------------------------------------

    def goods_arrive(self) -> None:
        """Everything that 1C exports stands in Ozon, with its price and stock."""
        self._act("1C's goods, prices and stock go to Ozon")
        began = time.monotonic()
        reports = self._sync()
        seconds = time.monotonic() - began
        self._show(reports)
        products = self.stage.ozon.state()["products"]
        written = sum(report.written for report in reports)
        self._fact(f"{number(len(products))} goods", f"in Ozon, {number(written)} writes in {seconds:.0f} s")

    def orders_travel(self) -> list[str]:
        """Buyers order in Ozon; each order stands in 1C once, posted."""
        self._act(f"{ORDERS} buyers order in Ozon; the orders appear in 1C")
        sold = [
            sku
            for sku, product in self.stage.ozon.state()["products"].items()
            if any(level["free"] > 1 for level in product["stocks"].values())
        ]
        placed = [self.stage.ozon.place_order({sold[n * 7 % len(sold)]: 1}) for n in range(ORDERS)]
        self._sync()
        made = {order["НомерПоДаннымКлиента"]: order for order in self.stage.ut.state()["orders"]}
        self._expect(sorted(made) == sorted(placed), "each order of Ozon stands in 1C exactly once")
        table = Table([Column("Ozon"), Column("1C"), Column("sum", right=True), Column("status"), Column("posted")])
        for name in placed[:4]:
            order = made[name]
            posted = "yes" if order["Posted"] else "no"
            table.add(name, order["Number"], f"{order['СуммаДокумента']} ₽", order["Статус"], posted)
        self.screen.table(table)
        self.screen.line(f"… and {len(placed) - 4} more")
        self._fact(f"{len(placed)} orders", "created in 1C, each once, and posted")
        return placed

    def statuses_travel(self, orders: Sequence[str]) -> None:
        """1C's manager releases orders: they are assembled in Ozon; a buyer cancels: 1C closes the order."""
        self._act("1C releases three orders for shipment, a buyer cancels another")
        released, cancelled = orders[:3], orders[3]
        for name in released:
            self.stage.ut.set_status(name, "КОтгрузке")
        self.stage.ozon.cancel_by_buyer(cancelled)
        self._sync()
        postings = self.stage.ozon.state()["postings"]
        moved = [postings[name]["status"] for name in released]
        self._expect(moved == ["awaiting_deliver"] * len(released), "released orders are assembled in Ozon")
        closed = self.stage.ut.order(cancelled)
        self._expect(closed["Статус"] == "Закрыт", "the cancelled order is closed in 1C")
        for name in released:
            self.screen.line(f"  {name}: КОтгрузке in 1C → {postings[name]['status']} in Ozon")
        self.screen.line(f"  {cancelled}: cancelled in Ozon → {closed['Статус']} in 1C")
        self._fact("Statuses", "went both ways, and none came back as an echo")

    def nothing_is_written_twice(self) -> None:
        """A run in which nothing changed writes nothing."""
        self._act("Again, with nothing changed")
        before, began = self._written(), time.monotonic()
        self._sync()
        seconds = time.monotonic() - began
        self._expect(self._written() == before, "a run in which nothing changed writes nothing")
        self.screen.line(f"  0 writes, {seconds:.1f} s")
        self._fact("A second run", f"wrote nothing, in {seconds:.1f} s")

    def only_what_changed_is_written(self) -> str:
        """Some prices change, and Ozon refuses one of them."""
        count = min(CHANGED, max(len(self._priced(100)) // 2, 1))
        self._act(f"{count} prices change in 1C, and Ozon refuses one of them")
        chosen = self._priced(count)
        before = dict(self._prices())
        reprice(self.stage.export, set(chosen), self.stage.price_type, lambda price: price + 1)
        fault = Fault(kind="custom", name="item_error", match="/v1/product/import/prices")
        self.stage.ozon.faults.append(fault)
        self._sync("prices")
        after = self._prices()
        moved = [sku for sku in after if after[sku] != before[sku]]
        self._expect(len(moved) == count - 1, f"exactly {count - 1} prices changed in Ozon")
        with self.stage.ledger.read() as tx:
            entries = quarantine.entries(tx)
        self._expect(len(entries) == 1, "exactly the refused record lies in quarantine")
        self.screen.line(f"  {len(moved)} written, 1 set aside:")
        self.screen.line(f"  {split_key(entries[0].key)[0]}: {entries[0].message}")
        self._fact(f"{count} changed prices", f"made {len(moved)} writes; the one refused harmed no other")
        return entries[0].key

    def what_was_refused_is_replayed(self, key: str) -> None:
        """A person replays the refused record alone."""
        self._act("The refused record is replayed")
        with self.stage.ledger.write() as tx:
            quarantine.set_state(tx, [entry.id for entry in quarantine.entries(tx)], "due")
        self._sync("prices")
        with self.stage.ledger.read() as tx:
            rest = quarantine.entries(tx)
            told = agreed.of(tx, "ozon", "price", [key])[key]
        shown = self._prices()[split_key(key)[0]]
        self._expect(not rest, "nothing is left in quarantine")
        self._expect(Decimal(msgspec.json.decode(told.canonical)["amount"]) == shown, "Ozon shows what it was told")
        self.screen.line(f"  {split_key(key)[0]}: taken; the quarantine is empty")
        self._fact("The quarantine", "gave it back on demand, and is empty")

    def a_slip_is_held(self) -> None:
        """Somebody divides prices by ten; the guard holds them."""
        chosen = self._priced(_FEWEST_TO_GUARD)
        self._act(f"Somebody divides {len(chosen)} prices by ten")
        before = self._written()
        reprice(self.stage.export, set(chosen), self.stage.price_type, lambda price: price / 10)
        reports = self._sync("prices")
        held = sum(report.outbox.get("held", 0) for report in reports)
        self._expect(self._written() == before and held > 0, "a price that falls by 90 % is not sent")
        self.screen.line(f"  {held} held for a person, 0 sent. To send them anyway: obmen sync prices --force REASON")
        self._fact("A slip in the price list", f"{held} prices held before anybody could buy")

    def the_end(self) -> None:
        """Sum up."""
        self.screen.line()
        self.screen.line("What you saw", "bold")
        width = max(len(name) for name, _ in self.facts)
        for name, text in self.facts:
            self.screen.line(f"  ✓ {name:<{width}}  {text}", "green")
        self.screen.line(f"  All of it in {time.monotonic() - self.began:.0f} s, on SQLite and two sandboxes.")

    # -- behind the scenes --------------------------------------------------------------------------------

    def _act(self, title: str) -> None:
        self.screen.line()
        self.screen.line(f"▸ {title}", "bold")
        self.screen.flush()

    def _fact(self, name: str, text: str) -> None:
        self.facts.append((name, text))

    def _expect(self, truth: bool, claim: str) -> None:
        if not truth:
            raise UntrueError(f"The demonstration expected that {claim}, and it is not so. This is a bug in Obmen.")

    def _sync(self, *names: str) -> list[FlowReport]:
        with self.stage.assembly() as assembly, progress(self.screen) as listener:
            reports = Engine(self.stage.ledger, assembly.flows, listener=listener).sync(names, patience=_PATIENCE)
        trouble = [str(error) for report in reports for error in report.trouble]
        self._expect(not trouble, f"every flow runs ({'; '.join(trouble)})")
        return reports

    def _show(self, reports: Sequence[FlowReport]) -> None:
        table = Table([Column("flow"), Column("read", right=True), Column("written", right=True)])
        for report in reports:
            table.add(report.flow, Cell(number(report.read["read"])), Cell(number(report.written)))
        self.screen.table(table)

    def _written(self) -> tuple[Any, ...]:
        """Everything that the peers hold and have been told, to compare before and after."""
        return (self.stage.ozon.state()["written"], self.stage.ut.state()["orders"])

    def _prices(self) -> dict[str, Decimal]:
        products = self.stage.ozon.state()["products"]
        return {sku: Decimal(product["price"]) for sku, product in products.items()}

    def _priced(self, count: int) -> list[str]:
        """Return the Ид of goods that have a price in Ozon, some from all over the catalogue."""
        skus = sorted(self._prices())
        chosen = skus[:: max(len(skus) // count, 1)][:count]
        with self.stage.ledger.read() as tx:
            return list(bindings.native_ids(tx, "ut", "product", chosen).values())
