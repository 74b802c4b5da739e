"""A person stops prices in the middle of a run, and takes back what a run wrote, against 1C and Ozon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon import Ozon, paths
from connectors.ozon.sandbox import OzonSandbox
from obmen.state import Ledger, runs
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport, Pass
from obmen.sync.steps import OnStep, Step, ignore
from obmen.sync.undo import KIND, Line, Undo
from runner import stops
from tests.e2e.test_onec_and_ozon import WAREHOUSE, Site

GOODS, BATCH = 8, 3
SHOP = ("goods", "prices", "stock")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Eight more goods that both sides agree on, and an Ozon that takes three prices or levels in one call."""
    small = {
        name: replace(spec, batch=BATCH) if name[0] in {"price", "stock"} else spec
        for name, spec in Ozon.writers.items()
    }
    monkeypatch.setattr(Ozon, "writers", MappingProxyType(small))
    with OneCSandbox() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}, journal=True) as ozon:
        made = Site(tmp_path, ut, ozon)
        goods = [
            ut.add_good(f"Чайник {n}", f"B-{n}", prices={"Розничная": Decimal(1000)}, stock={WAREHOUSE: 10})
            for n in range(GOODS)
        ]
        made.goods = goods  # type: ignore[attr-defined]  # for this file
        made.sync(*SHOP)
        made.clock.advance(60)  # Ozon takes a level of one product in one warehouse every 30 seconds
        yield made
        made.ledger.close()


def sync(site: Site, *names: str, ledger: Ledger | None = None, on_step: OnStep = ignore) -> list[FlowReport]:
    opened = ledger or site.ledger
    with Assembly(site.project, ledger=opened) as assembly:
        return Engine(opened, assembly.flows, on_step=on_step).sync(names or ("prices", "stock"), patience=20)


def change(site: Site, amount: int, free: int, count: int = GOODS) -> None:
    """Let the base tell other prices and more stock."""
    for good in site.goods[:count]:  # type: ignore[attr-defined]  # see the fixture
        site.ut.set_price(good, "Розничная", Decimal(amount))
        site.ut.move_stock(good, free, warehouse=WAREHOUSE)


def calls(site: Site, path: paths.Path) -> int:
    return sum(exchange.path == str(path) for exchange in site.ozon.journal)


def prices(site: Site) -> list[int]:
    found = site.ozon.state()["products"]
    told = (found[f"B-{n}"]["price"] for n in range(GOODS))
    return [int(Decimal(str(one["price"] if isinstance(one, dict) else one))) for one in told]


def levels(site: Site) -> list[int]:
    found = site.ozon.state()["products"]
    return [next(iter(found[f"B-{n}"]["stocks"].values()))["free"] for n in range(GOODS)]


@pytest.mark.field("N17")
def test_n17_pause_ozon_prices_in_the_middle_of_a_run(site: Site, tmp_path: Path) -> None:
    change(site, 1200, 5)
    site.ozon.journal.clear()

    def pause(step: Step) -> None:
        if step == "deliver.called" and calls(site, paths.PRICES_SET) == 1:
            other = Ledger(f"sqlite:///{tmp_path}/state.db", clock=site.clock)
            with other.write() as tx:
                stops.pause(tx, "ozon", "price", "", "anna", "wrong prices")
            other.close()

    first, second = sync(site, on_step=pause)
    assert calls(site, paths.PRICES_SET) == 1
    assert calls(site, paths.STOCKS_SET) == 3
    assert prices(site).count(1200) == BATCH
    assert levels(site) == [15] * GOODS
    assert (first.status, first.outbox, second.status) == ("paused", {"pending": GOODS - BATCH}, "done")

    site.ledger.close()
    site.ledger = Ledger(f"sqlite:///{tmp_path}/state.db", clock=site.clock)
    site.clock.advance(3600)
    change(site, 1300, 1)
    sync(site)
    assert calls(site, paths.PRICES_SET) == 1
    assert levels(site) == [16] * GOODS

    with site.ledger.write() as tx:
        stops.resume(tx, site.project, "ozon", "price", "", "anna")
    assert [one.status for one in sync(site)] == ["done", "done"]
    assert prices(site) == [1300] * GOODS


def undo(site: Site, flow: str, run: int) -> list[Line]:
    lines: list[Line] = []
    with Assembly(site.project, ledger=site.ledger) as assembly:
        engine = Engine(site.ledger, assembly.flows)
        (chosen,) = engine.choose([flow])
        work = Pass(chosen, KIND)
        done = Undo(site.ledger, chosen, run, on_line=lines.append)
        with site.ledger.write() as tx:
            work.run = done.by = runs.begin(tx, flow, KIND)
        done.put()
        engine.finish(work, 60.0, only=done.mine)
    assert work.report.trouble == []
    return lines


def last(site: Site, flow: str) -> int:
    with site.ledger.read() as tx:
        found = runs.last(tx, flow)
    assert found is not None
    return found.id


@pytest.mark.field("N16")
def test_n16_a_run_is_undone_except_what_changed_since(site: Site) -> None:
    change(site, 1200, 5)
    sync(site)
    wrong = {flow: last(site, flow) for flow in ("prices", "stock")}
    site.clock.advance(60)
    change(site, 1250, 2, count=2)
    sync(site)
    site.clock.advance(60)
    listed = {flow: [line for line in undo(site, flow, run) if line.verdict != "back"] for flow, run in wrong.items()}
    assert prices(site) == [1250, 1250] + [1000] * (GOODS - 2)
    assert levels(site) == [17, 17] + [10] * (GOODS - 2)
    now = {flow: [(line.key, line.verdict, line.fields) for line in lines] for flow, lines in listed.items()}
    assert now == {
        "prices": [(f"B-{n}|Розничная", "changed", {"amount": ["1250", "1200"]}) for n in range(2)],
        "stock": [(f"B-{n}|{WAREHOUSE}", "changed", {"available": ["17", "15"]}) for n in range(2)],
    }
    assert [one.written for one in sync(site)] == [0, 0], "it stays undone until its source changes"
