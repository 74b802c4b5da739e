"""What cannot be told to a target is known to everybody until it can be, however well its source is read meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from obmen.errors import ConfigurationError, Denied, ObmenError
from obmen.testing.peer import Peer
from runner.observe import examine
from tests.crash.world import price, product
from tests.unit.observe.kit import Watched, watched
from tests.unit.observe.test_metrics import asked, samples, value

HOUR = 3600.0
PRICES = "prices: { entity: price, from: erp, to: shop, every: 5m, guards: { change: off, share: off } }\n"
ALONE = f"goods: {{ entity: product, from: erp, to: shop, every: 12h }}\n{PRICES}"
BESIDE = f"""{ALONE.replace("12h", "30m")}
stocks: {{ entity: stock, from: erp, to: shop, every: 5m }}
"""
KEY = Denied("shop: POST /prices: status 403: the key may not do this. Check the key.")


@contextmanager
def agreeing(folder: Path, flows: str) -> Iterator[Watched]:
    """Give a shop in which all is told, and then every price and every stock changes."""
    peers = {"erp": Peer(), "shop": Peer()}
    peers["erp"].put("product", *map(product, range(5)))
    peers["erp"].put("price", *map(price, range(5)))
    with watched(folder, flows=flows, peers=peers) as one:
        one.pass_time(600, tick=60)
        assert one.heard.told() == []
        peers["erp"].put("price", *(price(number, "1050.00") for number in range(5)))
        yield one


def refuse(one: Watched, entity: str, error: ObmenError) -> Callable[[], None]:
    """Let the shop refuse to be told of an entity; return what lets it take it again."""
    refusing = [True]
    for assembly in one.works.plant.assemblies.values():
        connector = assembly.connectors["shop"]

        def write(about: str, batch: Any, op: Any = "put", _write: Any = connector.write) -> Any:
            if refusing and about == entity:
                raise error
            return _write(about, batch, op)

        connector.write = write  # type: ignore[method-assign]  # a shop that misbehaves
    return refusing.clear


def numbers(one: Watched) -> Callable[..., float]:
    one.works.clock.advance(3)
    _, text = asked(one, "/metrics")
    return lambda name, **labels: value(samples(text), name, **labels)


@pytest.mark.field("I6")
@pytest.mark.parametrize("flows", [ALONE, BESIDE], ids=["alone", "beside what is taken"])
def test_a_key_that_may_not_write_is_told_once_until_a_write_is_answered(tmp_path: Path, flows: str) -> None:
    with agreeing(tmp_path, flows) as one:
        answer = refuse(one, "price", KEY)
        one.pass_time(4 * HOUR, tick=150)
        told = [("trouble", "critical", "shop")]
        assert one.heard.told() == told
        assert "may not do this" in one.heard.notices[0].text
        assert numbers(one)("obmen_connection_denied", connection="shop") == 1
        answer()
        one.pass_time(0.5 * HOUR, tick=150)
        assert one.heard.told() == [*told, ("over", "over", "shop")]
        assert numbers(one)("obmen_connection_denied", connection="shop") == 0


@pytest.mark.field("I6")
@pytest.mark.parametrize("flows", [ALONE, BESIDE], ids=["alone", "beside another"])
def test_a_target_that_does_not_answer_is_down_until_it_does(tmp_path: Path, flows: str) -> None:
    with agreeing(tmp_path, flows) as one:
        shop = one.works.peers["shop"]
        shop.down = True
        one.pass_time(400, tick=5)
        down = numbers(one)
        assert down("obmen_connection_paused", connection="shop") == 1
        assert down("obmen_connection_paused", connection="erp") == 0
        one.pass_time(4 * HOUR, tick=100)
        told = [("trouble", "warning", "shop"), ("trouble", "critical", "shop")]
        assert one.heard.told() == told
        shop.down = False
        one.pass_time(0.5 * HOUR, tick=60)
        assert one.heard.told() == [*told, ("over", "over", "shop")]
        assert numbers(one)("obmen_connection_paused", connection="shop") == 0


@pytest.mark.field("I8")
def test_reads_that_succeed_hide_no_delivery_that_fails(tmp_path: Path) -> None:
    """Whatever it is that keeps it from arriving: health, metrics, the doctor and the rules know it."""
    with agreeing(tmp_path, ALONE) as one:
        answer = refuse(one, "price", ConfigurationError("shop: 'price.type' names no price list of it."))
        one.pass_time(600, tick=30)
        assert [run.status for run in one.works.runs("prices")][-1] == "partial"
        assert numbers(one)("obmen_flow_failures", flow="prices") == 1
        assert asked(one, "/readyz")[0] == 200
        one.pass_time(HOUR, tick=60)
        assert numbers(one)("obmen_flow_failures", flow="prices") >= 4
        assert one.heard.told() == [("trouble", "warning", "prices")]
        assert "no price list" in one.heard.notices[0].text
        status, body = asked(one, "/readyz")
        (problem,) = json.loads(body)["problems"]
        assert (status, problem["what"], problem["flow"], problem["target"]) == (503, "delivery", "prices", "shop")
        assert problem["age_seconds"] > problem["limit_seconds"] == 1800
        assert "has not been told of 5" in problem["why"]
        assert "no price list" in problem["why"]
        found = [each for each in examine.service(one.works.ledger, one.works.plant.project) if each.about == "prices"]
        assert {each.level for each in found} == {"warning", "problem"}
        assert any("no price list" in each.message for each in found)
        answer()
        one.pass_time(0.5 * HOUR, tick=60)
        assert one.heard.told() == [("trouble", "warning", "prices"), ("over", "over", "prices")]
        assert numbers(one)("obmen_flow_failures", flow="prices") == 0
        assert asked(one, "/readyz")[0] == 200


@pytest.mark.field("I8")
def test_what_changes_all_the_time_is_as_old_as_what_could_not_be_told(tmp_path: Path) -> None:
    with agreeing(tmp_path, ALONE) as one:
        one.works.peers["shop"].down = True
        for minute in range(45):
            one.works.peers["erp"].put("price", *(price(number, f"{1051 + minute}.00") for number in range(5)))
            one.pass_time(60, tick=60)
        status, body = asked(one, "/readyz")
        assert status == 503
        assert "cannot be reached" in json.loads(body)["problems"][0]["why"]


def test_what_fails_and_is_not_wanted_any_more_is_no_trouble(tmp_path: Path) -> None:
    """The price is again what the shop knows, so there is nothing to tell it."""
    with agreeing(tmp_path, ALONE) as one:
        one.works.peers["shop"].down = True
        one.pass_time(300, tick=30)
        assert numbers(one)("obmen_flow_failures", flow="prices") > 0
        one.works.peers["erp"].put("price", *map(price, range(5)))
        one.pass_time(300, tick=30)
        assert numbers(one)("obmen_flow_failures", flow="prices") == 0
