"""kill -9 of a real process while it listens to an exchange plan of 1C: nothing lost, nothing forgotten unkept."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox, references
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import load_project
from obmen.state import Ledger, hints, seen
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.steps import Step
from tests.crash.test_kill import killed

WAREHOUSE = "Основной склад"
PRICES = {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}}
PLAN = {"name": "ОбменСКаналами", "node": references.NODE}
LISTENING: tuple[Step, ...] = ("listen.told", "listen.kept", "listen.acknowledged")


class Telling:
    """A base with an exchange plan, a cabinet, and the project between them; two goods are known to both."""

    def __init__(self, folder: Path, ut: OneCSandbox, ozon: OzonSandbox, state: str) -> None:
        self.ut, self.ozon = ut, ozon
        self.goods = {name: self.enter(name, 100) for name in ("A-1", "A-2")}
        project = {
            "state": state,
            "connections": {
                "ut": {"connector": "onec", **ut.connection(), "exchange_plan": PLAN},
                "ozon": {"connector": "ozon", **ozon.connection()},
            },
            "flows": {"goods": {"entity": "product", "from": "ut", "to": "ozon"}, "prices": PRICES},
        }
        self.file = folder / "obmen.yaml"
        self.file.write_bytes(msgspec.json.encode(project))

    def enter(self, article: str, amount: int) -> str:
        return self.ut.add_good(f"Чайник {article}", article, weight=Decimal(1), prices={"Розничная": Decimal(amount)})

    def sync(self) -> int:
        """Run to the end in this process; return how many records were written."""
        project = load_project(self.file)
        ledger = Ledger(project.state_url)
        try:
            with Assembly(project) as assembly:
                reports = Engine(ledger, assembly.flows).sync((), patience=30)
        finally:
            ledger.close()
        assert [str(error) for report in reports for error in report.trouble] == []
        return sum(report.written for report in reports)

    def kept(self) -> Any:
        """Return what the ledger knows of the feed, and how the prices were read."""
        ledger = Ledger(load_project(self.file).state_url)
        with ledger.read() as tx:
            found = SimpleNamespace(feed=hints.feed(tx, "ut"), how=seen.checkpoint(tx, "prices").how)
        ledger.close()
        return found

    def registered(self) -> int:
        assert self.ut.changes is not None
        return len(self.ut.changes.queue(references.NODE))

    def shown(self) -> dict[str, Decimal]:
        found = {}
        for article, product in self.ozon.state()["products"].items():
            price = product["price"]
            found[article] = Decimal(str(price["price"] if isinstance(price, dict) else price))
        return found


@pytest.fixture
def telling(tmp_path: Path, state_url: str) -> Iterator[Telling]:
    with OneCSandbox(exchange_plan=True) as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        made = Telling(tmp_path, ut, ozon, state_url)
        made.sync()
        made.sync()
        yield made


@pytest.mark.parametrize("step", [*LISTENING, "read.examined", "read.committed", "deliver.called"])
def test_a_kill_while_the_plan_tells_of_changes_loses_none(telling: Telling, step: Step) -> None:
    assert telling.shown() == {"A-1": 100, "A-2": 100}
    assert telling.registered() == 0
    before = telling.kept().feed
    telling.ut.set_price(telling.goods["A-1"], "Розничная", Decimal(120))
    told = telling.registered()
    assert told > 0
    killed(telling, step)  # type: ignore[arg-type]  # it asks for the project's file alone
    after = telling.kept().feed
    if step == "listen.told":
        assert (after, telling.registered()) == (before, told), "nothing is kept, so nothing may be acknowledged"
    elif step == "listen.kept":
        assert after.cursor != before.cursor
        assert not after.acknowledged
        assert telling.registered() == told, "1C forgets only what is acknowledged"
    else:
        assert after.number > before.number, "what 1C forgot is kept here"
        assert telling.registered() == 0
    telling.ut.set_price(telling.goods["A-2"], "Розничная", Decimal(130))
    telling.sync()
    assert telling.shown() == {"A-1": 120, "A-2": 130}
    assert telling.kept().how.startswith("changes"), "a whole read would have hidden a loss"
    assert telling.registered() == 0
    assert telling.kept().feed.acknowledged
    written = telling.ozon.state()["written"]
    assert telling.sync() == 0
    assert telling.ozon.state()["written"] == written
