"""What a person has paused is nobody's trouble, and stays to be seen until it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from obmen.state import stops
from obmen.testing.peer import Peer
from runner import stops as doing
from runner.observe import examine, snapshot
from runner.observe.metrics import Metrics
from tests.crash.world import price, product
from tests.unit.observe.kit import Watched, watched

DAY = 86400.0
FLOWS = """
goods: { entity: product, from: erp, to: shop, every: 30m }
prices: { entity: price, from: erp, to: shop, every: 10m }
stocks: { entity: stock, from: erp, to: shop, every: 10m }
"""


def stock(free: int) -> dict[str, object]:
    return {"id": "SKU-1", "place": "main", "free": free}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Watched]:
    peers = {"erp": Peer(), "shop": Peer()}
    for entity, native in (("product", product(1)), ("price", price(1)), ("stock", stock(3))):
        peers["erp"].put(entity, native)
    with watched(tmp_path, flows=FLOWS, peers=peers) as made:
        made.pass_time(3600, tick=600)
        yield made


def pause(one: Watched, connection: str, entity: str, direction: stops.Direction = "") -> None:
    with one.works.ledger.write() as tx:
        doing.pause(tx, connection, entity, direction, "anna", "a wrong list")


def resume(one: Watched, connection: str) -> None:
    with one.works.ledger.write() as tx:
        doing.resume(tx, one.works.plant.project, connection, "", "", "anna")


def test_a_day_of_pauses_calls_nobody_and_then_all_goes_on(shop: Watched) -> None:
    works, erp, there = shop.works, shop.works.peers["erp"], shop.works.peers["shop"]
    pause(shop, "erp", "price", "read")
    pause(shop, "shop", "stock")
    before = len(works.runs("prices", None)), len(works.runs("stocks", "delivery"))
    erp.put("price", price(1, "90.00"))
    erp.put("stock", stock(9))
    there.calls.clear()
    works.ask("prices")
    shop.pass_time(DAY, tick=7200)
    assert shop.heard.told() == []
    assert there.calls == []
    assert (len(works.runs("prices", None)), len(works.runs("stocks", "delivery"))) == before
    assert works.runs("stocks")[-1].status in {"paused", "partial"}
    now = snapshot.take(works.ledger, works.plant.project)
    assert [(one.flow.name, one.late, one.failures) for one in now.flows] == [
        ("goods", False, 0), ("prices", False, 0), ("stocks", False, 0),
    ]  # fmt: skip
    told = Metrics(works.ledger, lambda: now).text().decode()
    assert 'obmen_pause_seconds{connection="erp",direction="read",entity="price"} 86400.0' in told
    assert 'obmen_pause_seconds{connection="shop",direction="both",entity="stock"} 86400.0' in told
    (forgotten, _) = (one for one in examine.service(works.ledger, works.plant.project) if "paused by" in one.message)
    assert (forgotten.level, forgotten.about) == ("warning", "erp")
    assert forgotten.message.endswith("That is 1 day ago: is it still meant?")
    resume(shop, "erp")
    resume(shop, "shop")
    shop.pass_time(20, tick=5)
    assert (there.of("price")["SKU-1|BASE"]["amount"], there.of("stock")["SKU-1|main"]["free"]) == ("90.00", 9)
    assert shop.heard.told() == []


def test_what_is_not_paused_is_still_told(shop: Watched) -> None:
    pause(shop, "shop", "price", "write")
    shop.works.peers["erp"].down = True
    shop.pass_time(7200, tick=600)
    assert ("trouble", "warning", "erp") in shop.heard.told("down")
