"""A flow of which nothing was sent is not called in agreement: the page says for what its records wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from obmen.testing.peer import Peer
from runner.daemon.pulse import found
from runner.web.health import Health, health
from runner.web.standings import standings
from tests.crash.world import price, product
from tests.unit.observe.kit import Watched, watched
from tests.unit.web.kit import Look, Site

PRICES = "prices: { entity: price, from: erp, to: shop, every: 10m, guards: { change: off } }\n"
GOODS = "goods: { entity: product, from: erp, to: shop, every: 10m }\n"
FIVE = range(5)


def judged(one: Watched, flow: str) -> Health:
    ledger = one.works.ledger
    with ledger.read() as tx:
        return next(health(each) for each in standings(tx, one.works.plant.project, None) if each.flow.name == flow)


def page(one: Watched) -> str:
    one.look()
    return Site(Look(one.works.plant.project, one.works.ledger, found(one.works.ledger))).browser().get("/").text


@pytest.mark.field("I8")
def test_prices_that_wait_for_refused_goods_are_not_in_agreement(tmp_path: Path) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    peers["erp"].put("product", *map(product, FIVE))
    peers["erp"].put("price", *map(price, FIVE))
    peers["shop"].refuse = {f"SKU-{number}" for number in FIVE}
    with watched(tmp_path, flows=GOODS + PRICES, peers=peers) as one:
        one.pass_time(120, tick=30)
        found_so_far = judged(one, "prices")
        assert (found_so_far.level, found_so_far.sentence) == ("busy", "health.waits_refused"), "it may come yet"
        one.pass_time(1200, tick=60)
        told = judged(one, "prices")
        assert (told.level, told.sentence) == ("care", "health.waits_refused")
        assert dict(told.values) == {"count": 5, "flow": "goods"}
        assert "does not take it" in told.detail
        shown = page(one)
        assert "In agreement" not in shown
        assert "5 records wait for what goods brought and was refused" in shown
        assert peers["shop"].of("price") == {}
        peers["shop"].refuse = set()
        peers["erp"].put("product", *({**product(number), "name": f"Новый {number}"} for number in FIVE))
        one.pass_time(1200, tick=60)
        assert len(peers["shop"].of("price")) == 5
        assert page(one).count("In agreement") == 2


def test_what_waits_for_goods_that_have_not_come_says_which_flow_brings_them(tmp_path: Path) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    peers["erp"].put("product", product(2))
    peers["erp"].put("price", price(1))
    with watched(tmp_path, flows=GOODS + PRICES, peers=peers) as one:
        one.pass_time(1200, tick=60)
        told = judged(one, "prices")
        assert (told.level, told.sentence, dict(told.values)) == (
            "care",
            "health.waits",
            {"count": 1, "flow": "goods"},
        )


def test_what_waits_for_what_nobody_brings_says_so(tmp_path: Path) -> None:
    peers = {"erp": Peer(), "shop": Peer()}
    peers["erp"].put("price", price(1))
    with watched(tmp_path, flows=PRICES, peers=peers) as one:
        one.pass_time(1200, tick=60)
        told = judged(one, "prices")
        assert (told.level, told.sentence) == ("care", "health.waits_alone")
