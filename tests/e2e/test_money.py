"""A month of 500 orders through Ozon's sandbox, with five things planted that do not agree: the report names these."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pytest

from connectors.ozon import Ozon
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import load_project
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from runner.cli import main
from tests.clocked import Clock, by, rule
from tests.unit.ozon.conftest import sell

ENTITIES = ("order", "order_status", "return", "accrual")
FLOWS: dict[str, dict[str, object]] = {name: {"entity": name, "from": "ozon", "to": []} for name in ENTITIES}
DAYS, HALF, ORDERS = 30, 15, 500
GOODS = {f"A-{at}": f"{price}.{kopecks:02d}" for at, (price, kopecks) in enumerate(((990, 7), (1490, 50), (77, 77)))}


class Cabinet:
    """Ozon's sandbox, the seller's project, and the clock that both live by."""

    def __init__(self, folder: Path, sandbox: OzonSandbox, clock: Clock) -> None:
        project = {
            "connections": {"ozon": {"connector": "ozon", **sandbox.connection(), "lookback_days": 90}},
            "flows": FLOWS,
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.folder, self.sandbox, self.clock = folder, sandbox, clock
        self.returned: list[str] = []
        self.kept: list[str] = []
        ozon = Ozon("ozon", Ozon.Options(**sandbox.connection()), clock=clock)
        sell(ozon, *GOODS, amount=10_000)
        ozon.close()
        for sku, price in GOODS.items():
            sandbox.products[sku].price = Decimal(price)

    def live(self, random: Random) -> None:
        """Let the month pass: orders, deliveries, cancels, returns and storage day by day."""
        waiting: list[str] = []
        coming: list[tuple[str, str]] = []
        for day in range(DAYS):
            if day == HALF:
                self.sandbox.pay_out()
                self.kept.clear()
                self.returned.clear()
            self.sandbox.charge(5, "-41.15", random.choice(sorted(GOODS)))
            for number in waiting:
                if random.random() < 0.06:
                    self.sandbox.cancel_by_buyer(number)
                    continue
                self.sandbox.deliver(number)
                if random.random() < 0.08:
                    line = self.sandbox.postings[number].lines[0]
                    coming.append((number, self.sandbox.send_back(number, line.product.offer_id, line.quantity)))
                else:
                    self.kept.append(number)
            waiting = [self._order(random) for _ in range(ORDERS * (day + 1) // DAYS - ORDERS * day // DAYS)]
            for number, back in coming:
                self.sandbox.move_return(back, "ReceivedBySeller")
                self.returned.append(number)
            coming = []
            self.clock.pass_by(days=1)
        for number in waiting:
            self.sandbox.deliver(number)
            self.kept.append(number)

    def _order(self, random: Random) -> str:
        return self.sandbox.place_order({sku: random.choice((1, 1, 2)) for sku in random.sample(sorted(GOODS), 1)})

    def accruals(self, number: str) -> list[dict[str, object]]:
        return [one for one in self.sandbox.accrued if one["unit_number"] == number]

    def net(self, number: str) -> Decimal:
        return sum((Decimal(one["total_amount"]["amount"]) for one in self.accruals(number)), Decimal(0))  # type: ignore[index] # as Ozon tells it

    def sync(self) -> None:
        ledger = Ledger(f"sqlite:///{self.folder}/.obmen/state.db", clock=self.clock)
        with Assembly(load_project(self.folder), ledger=ledger, clock=self.clock) as assembly:
            reports = Engine(ledger, assembly.flows).sync((), patience=20)
        ledger.close()
        assert [str(error) for report in reports for error in report.trouble] == []


@pytest.fixture
def cabinet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cabinet]:
    clock = Clock()
    rule(clock, monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".obmen").mkdir()
    with by(clock, OzonSandbox)() as sandbox:
        sandbox.accruals_per_page = 1000
        yield Cabinet(tmp_path, sandbox, clock)


def plant(cabinet: Cabinet, random: Random) -> dict[str, str]:
    """Make five of the orders wrong; return number → kind."""
    dear, twice, unpaid, early = random.sample(cabinet.kept[ORDERS // 4 :], 4)
    lost = cabinet.returned[-1]
    _change(cabinet.accruals(dear)[0], Decimal("-55.55"))
    (again,) = [dict(one) for one in cabinet.accruals(twice)]
    again["accrual_id"] = 99_999
    cabinet.sandbox.accrued.append(again)
    (back,) = [one for one in cabinet.accruals(lost) if one["total_amount"]["amount"].startswith("-")]  # type: ignore[index] # as Ozon tells it
    cabinet.sandbox.accrued.remove(back)
    (moved,) = cabinet.accruals(early)
    moved["date"] = "2026-07-01"
    _change(cabinet.accruals(unpaid)[0], Decimal("-3.33"), "delivery")
    cabinet.sandbox.pay_out()
    day, amount = cabinet.sandbox.paid[-1]
    cabinet.sandbox.paid[-1] = day, amount - cabinet.net(unpaid)
    return {dear: "commission", twice: "doubled", lost: "return", unpaid: "payout", early: "period"}


def _change(accrual: dict[str, object], amount: Decimal, what: str = "commission") -> None:
    """Change a sum of an accrual, and its total with it."""
    posting: dict = accrual["posting"]  # type: ignore[type-arg,assignment] # as Ozon tells it
    part = posting["products"][0]
    told = part["commission"]["commission"] if what == "commission" else part["delivery"]["services"][0]["accrued"]
    for place in (told, accrual["total_amount"]):
        place["amount"] = f"{Decimal(place['amount']) + amount:.2f}"  # type: ignore[index] # as Ozon tells it


@pytest.mark.field("N13")
@pytest.mark.field("F2")
@pytest.mark.field("F3")
def test_n13_a_month_of_ozon_names_the_planted_five_and_comes_to_the_payout(
    cabinet: Cabinet, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(13)
    cabinet.live(random)
    planted = plant(cabinet, random)
    cabinet.clock.pass_by(days=32)
    cabinet.sync()
    capsys.readouterr()
    assert main(["money", "--from", "2026-06-01", "--json", "--by", "sku"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert {one["order"]: one["kind"] for one in told["differences"]} == planted
    assert len(told["differences"]) == 5
    (totals,) = told["totals"]
    assert totals["orders"] == ORDERS
    assert Decimal(totals["accrued"]) == cabinet.sandbox.owed()
    missing = next(Decimal(one["amount"]) for one in told["differences"] if one["kind"] == "payout")
    assert Decimal(totals["paid"]) == sum(amount for _, amount in cabinet.sandbox.paid)
    assert Decimal(totals["paid"]) + missing == Decimal(totals["accrued"])
    assert Decimal(totals["owed"]) == missing
    assert sum(Decimal(row["accrued"]) for row in told["rows"]) == cabinet.sandbox.owed()
    assert {row["sku"] for row in told["rows"]} == set(GOODS)

    assert main(["money", "--from", "2026-06-01", "--by", "order", "--csv", "orders.csv"]) == 3
    shown = capsys.readouterr().out
    assert all(number in shown for number in planted)
    with Path("orders.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert sum(Decimal(row["accrued"]) for row in rows) == cabinet.sandbox.owed()
    assert {row["status"] for row in rows if row["order"]} == {"delivered", "cancelled"}

    assert main(["commissioner", "ozon", "--from", "2026-06-01", "-o", "papers", "--json"]) == 0
    (paper,) = json.loads(capsys.readouterr().out)
    assert Decimal(paper["totals"]["due"]) == cabinet.sandbox.owed()
    assert Decimal(paper["totals"]["paid"]) == Decimal(totals["paid"])
    assert all(Path(name).is_file() for name in paper["files"])
