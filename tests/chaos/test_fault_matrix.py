"""Every fault on every operation: the end is the same as without faults, and nothing is created twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault
from runner.demo.catalogue import write_catalogue
from tests.e2e.site import Site

OZON = (
    "POST /v3/product/import$",
    "POST /v1/product/import/info$",
    "POST /v1/product/import/prices$",
    "POST /v2/products/stocks$",
    "POST /v4/posting/fbs/list$",
    "POST /v4/posting/fbs/unfulfilled/list$",
    "POST /v4/posting/fbs/ship$",
    "POST /v3/posting/fbs/get$",
)
UT = (
    "GET .*/\\$metadata$",
    "GET .*Document_ЗаказКлиента$",
    "GET .*Document_ЗаказКлиента\\(",
    "POST .*Document_ЗаказКлиента$",
    "POST .*/Post$",
    "PATCH .*Document_ЗаказКлиента",
)
SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429},
    "429 with seconds": {"kind": "status", "status": 429, "retry_after": "3"},
    "429 with a date": {"kind": "status", "status": 429, "retry_after": SOON},
    "500 before the effect": {"kind": "status", "status": 500},
    "500 after the effect": {"kind": "status_after", "status": 500},
    "503 with seconds": {"kind": "status", "status": 503, "retry_after": "2"},
    "dropped before the effect": {"kind": "drop"},
    "dropped after the effect": {"kind": "drop_after"},
    "a page of HTML": {"kind": "html"},
    "a cut body": {"kind": "truncate"},
}
NewSite = Callable[[], Site]


@pytest.fixture(scope="module")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewSite]:
    made: list[Site] = []

    def make() -> Site:
        folder = tmp_path_factory.mktemp("site")
        write_catalogue(folder / "export", 3, seed=3)
        site = Site(folder, folder / "export")
        site.flows["prices"]["where"] = {"price_type": "Розничная"}
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


def story(site: Site, *, skew: float = 0.0) -> dict[str, Any]:
    """Goods go out, orders come in, one is released and one cancelled; ``skew``: how wrong the peers' clock is."""
    clock = FakeClock(datetime.now(UTC))
    for sandbox in (site.ozon, site.ut):
        sandbox.now = lambda: clock.now().timestamp() + skew  # type: ignore[method-assign]
    project = site.project()
    ledger = Ledger(project.state_url, clock=clock)

    def sync() -> None:
        with Assembly(project, clock=clock) as assembly:
            engine = Engine(ledger, assembly.flows)
            for _ in range(6):
                reports = engine.sync(patience=7200.0)
                clock.advance(120)
                if not any(report.trouble or report.written for report in reports):
                    return

    sync()
    sold = sorted(
        sku
        for sku, product in site.ozon.state()["products"].items()
        if any(level["free"] > 2 for level in product["stocks"].values())
    )
    first, second = (site.ozon.place_order({sku: 1}) for sku in sold[:2])
    sync()
    site.ut.set_status(first, "КОтгрузке")
    site.ozon.cancel_by_buyer(second)
    sync()
    ledger.close()
    assert site.left() == {}
    assert site.set_aside() == []
    return comparable(site)


def comparable(site: Site) -> dict[str, Any]:
    shown = site.shown()
    numbers = {number: f"order {place}" for place, number in enumerate(sorted(shown["postings"]))}
    return {
        "products": {sku: (one["price"], one["stocks"], one["archived"]) for sku, one in shown["products"].items()},
        "postings": {numbers[number]: posting["status"] for number, posting in shown["postings"].items()},
        "orders": {numbers[number]: order for number, order in shown["orders"].items()},
    }


@pytest.fixture(scope="module")
def without(new_site: NewSite) -> dict[str, Any]:
    end = story(new_site())
    assert sorted(end["postings"].values()) == ["awaiting_deliver", "cancelled"]
    assert sorted(status for status, _, _ in end["orders"].values()) == ["Закрыт", "КОтгрузке"]
    return end


@pytest.mark.field("I4")
@pytest.mark.field("N20")
@pytest.mark.parametrize("name", FAULTS)
def test_i4_n20_a_fault_in_every_operation_changes_nothing_in_the_end(
    new_site: NewSite, without: dict[str, Any], name: str
) -> None:
    site = new_site()
    faults = [Fault(match=match, times=1, **FAULTS[name]) for match in (*OZON, *UT)]
    site.ozon.faults += faults[: len(OZON)]
    site.ut.faults += faults[len(OZON) :]
    assert story(site) == without
    assert [fault.match for fault in faults if fault.times] == [], "every operation met its fault"


@pytest.mark.field("N20")
@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_n20_a_peer_whose_clock_is_wrong_changes_nothing_in_the_end(
    new_site: NewSite, without: dict[str, Any], skew: float
) -> None:
    assert story(new_site(), skew=skew) == without
