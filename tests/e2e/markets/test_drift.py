"""What arrived on a marketplace reads back as it was sent: a comparison names no drift that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.scales import Drift, Side
from tests.e2e.markets.cabinet import Cabinet
from tests.e2e.markets.life import Life, quiet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet

FACETS = ("price", "stock", "product")


def reconciled(life: Life, entity: str, *, repair: bool = False) -> tuple[Side, list[Drift]]:
    found: list[Drift] = []
    with Assembly(life.project, clock=life.clock, ledger=life.ledger) as assembly:
        (flow,) = [flow for flow in assembly.flows if flow.entity.entity == entity]
        work = Pass(flow)
        one = Reconciliation(life.ledger, work, on_drift=found.append, repair=repair)
        one.run()
        one.deliver(Engine(life.ledger, assembly.flows), 600.0)
    assert [str(error) for error in work.report.trouble] == []
    (side,) = one.sides
    return side, found


@pytest.mark.parametrize("cabinet", [OzonCabinet, WildberriesCabinet, YandexMarketCabinet])
def test_nothing_has_drifted_where_nobody_touched_it(tmp_path: Path, cabinet: Callable[[], Cabinet]) -> None:
    with Life(tmp_path, cabinet(), goods=3, categories=2) as life:
        quiet(life)
        life.buy(2)
        life.settle()
        for entity in FACETS:
            if not _can_be_read(life, entity):
                continue
            side, drifts = reconciled(life, entity)
            assert drifts == [], entity
            assert side.counts == {"same": 3}, (entity, side)


def _can_be_read(life: Life, entity: str) -> bool:
    with Assembly(life.project, clock=life.clock) as assembly:
        market = assembly.connectors["market"]
        return entity in market.lookups or market.readers[entity].complete
