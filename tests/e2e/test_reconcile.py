"""What a person changed in Ozon's cabinet by hand is found by field and set right, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.scales import Drift, Side
from tests.e2e.test_onec_and_ozon import WAREHOUSE, Site

OTHERS = ("A-2", "A-3")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with OneCSandbox() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        for article in OTHERS:
            ut.add_good(
                f"Чайник {article}",
                article,
                weight=Decimal("1.2"),
                vat="20",
                prices={"Розничная": Decimal(1990)},
                stock={WAREHOUSE: 5},
            )
        made = Site(tmp_path, ut, ozon)
        assert made.sync("goods", "prices", "stock") > 0
        yield made
        made.ledger.close()


def reconcile(site: Site, name: str, *, repair: bool = False) -> tuple[Side, list[Drift]]:
    found: list[Drift] = []
    with Assembly(site.project, ledger=site.ledger) as assembly:
        engine = Engine(site.ledger, assembly.flows)
        work = Pass(next(flow for flow in assembly.flows if flow.name == name))
        one = Reconciliation(site.ledger, work, on_drift=found.append, repair=repair)
        one.run()
        one.deliver(engine, 60.0)
    assert [str(error) for error in work.report.trouble] == []
    (side,) = one.sides
    return side, found


def written(site: Site) -> int:
    return sum(site.ozon.state()["written"].values())


@pytest.mark.parametrize("flow", ["goods", "prices", "stock"])
def test_what_arrived_has_not_drifted(site: Site, flow: str) -> None:
    side, drifts = reconcile(site, flow)
    assert (drifts, side.counts["same"], side.counts["only_there"]) == ([], 3, 0), side


def test_a_price_that_was_changed_by_hand(site: Site) -> None:
    site.ozon.products["A-2"].price = Decimal(1490)
    before = written(site)
    side, drifts = reconcile(site, "prices")
    assert (side.fields, [one.fields for one in drifts]) == ({"amount": 1}, [{"amount": ["1490", "1990"]}])
    assert written(site) == before
    side, _ = reconcile(site, "prices", repair=True)
    assert (side.repaired, written(site) - before) == (1, 1)
    assert site.ozon.products["A-2"].price == 1990
    assert reconcile(site, "prices", repair=True)[0].drift == 0
    assert written(site) - before == 1


def test_a_stock_that_was_changed_by_hand_and_one_that_was_sold(site: Site) -> None:
    site.ozon.products["A-2"].stocks[1020000000001].free = 9
    site.ozon.place_order({"A-3": 2})
    site.clock.advance(60)
    before = written(site)
    side, drifts = reconcile(site, "stock", repair=True)
    assert [(one.key, one.fields) for one in drifts] == [("A-2|Основной склад", {"available": ["9", "5"]})]
    assert (side.repaired, written(site) - before) == (1, 1)
    assert site.ozon.products["A-3"].stocks[1020000000001].free == 3, "what buyers reserved is not set back"
    assert reconcile(site, "stock")[0].drift == 0
