"""What a source repeats to us because we wrote it there goes nowhere, even where it does not tell all of it."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from obmen.mapping import BoundMapping, Context, parse_mapping
from obmen.state import quarantine
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from tests.crash.world import World, order, status

_ERP = """\
entity: order_status
fields:
  channel: channel
  number: number
  status: status
  reason: { path: reason, only: push }
"""
_SHOP = _ERP.replace("{ path: reason, only: push }", "reason")


def _bound(text: str, name: str) -> BoundMapping:
    return parse_mapping(text).bind(Context(name, {}, ZoneInfo("Europe/Moscow")))


def _flows(world: World) -> list[Flow]:
    """Statuses both ways; the ERP takes the reason of a step and never tells it."""
    erp, shop = _bound(_ERP, "erp"), _bound(_SHOP, "shop")
    there, back = world.both_ways()
    orders = [flow for flow in world.flows() if flow.name == "orders"]
    return [
        *orders,
        replace(there, pull=shop, echo=shop, targets=(replace(there.targets[0], mapping=erp),)),
        replace(back, pull=erp, echo=erp, targets=(replace(back.targets[0], mapping=shop),)),
    ]


def _sync(world: World) -> int:
    world.clock.advance(60)
    return sum(report.written for report in Engine(world.ledger, _flows(world)).sync((), patience=60.0))


@pytest.fixture
def cancelled(world: World) -> World:
    """A buyer cancelled an order, and the ERP knows."""
    world.shop.put("order", order(1))
    world.shop.put("order_status", {**status(1, "cancelled"), "reason": "Передумал"})
    assert _sync(world) == 2
    assert world.erp.of("order_status")["N-1"]["reason"] == "Передумал"
    world.erp.put("order_status", {**status(1, "cancelled"), "posted": True})
    return world


def test_a_step_that_comes_back_without_its_reason_is_an_echo(cancelled: World) -> None:
    assert [_sync(cancelled), _sync(cancelled)] == [0, 0]
    assert [entity for entity, _ in cancelled.shop.calls] == []


def test_a_step_that_comes_back_with_another_reason_is_an_echo(cancelled: World) -> None:
    flows = _flows(cancelled)
    flows[-1] = replace(flows[-1], pull=_bound(_SHOP, "erp"))
    cancelled.erp.put("order_status", {**status(1, "cancelled"), "reason": "Отказ покупателя"})
    cancelled.clock.advance(60)
    assert sum(report.written for report in Engine(cancelled.ledger, flows).sync((), patience=60.0)) == 0
    assert [entity for entity, _ in cancelled.shop.calls] == []


def test_another_step_is_none(cancelled: World) -> None:
    cancelled.erp.put("order_status", status(1, "returned"))
    assert _sync(cancelled) == 1
    assert cancelled.shop.of("order_status")["N-1"]["status"] == "returned"


def _set_aside(world: World) -> list[str]:
    with world.ledger.read() as tx:
        return [entry.message for entry in quarantine.entries(tx)]


def test_a_step_that_came_too_late_is_over_once_the_source_knows_of_the_cancellation(world: World) -> None:
    world.shop.put("order", order(1))
    _sync(world)
    world.erp.put("order_status", status(1, "confirmed"))
    world.shop.refuse.add("N-1")
    _sync(world)
    assert _set_aside(world) == ["the peer does not take it (bad)"]
    world.shop.put("order_status", {**status(1, "cancelled"), "reason": "Передумал"})
    _sync(world)
    world.erp.put("order_status", {**status(1, "cancelled"), "posted": True})
    _sync(world)
    assert _set_aside(world) == []


def test_a_record_that_is_again_as_agreed_waits_for_nobody(world: World) -> None:
    world.erp.put("product", {"id": "A-1", "name": "Кружка"})
    goods = [flow for flow in world.flows() if flow.name == "products"]
    engine = Engine(world.ledger, goods)
    engine.sync((), patience=60.0)
    world.shop.refuse.add("A-1")
    world.erp.put("product", {"id": "A-1", "name": "Кружка с ошибкой"})
    engine.sync((), patience=60.0)
    assert _set_aside(world) == ["the peer does not take it (bad)"]
    world.erp.put("product", {"id": "A-1", "name": "Кружка"})
    engine.sync((), patience=60.0)
    assert _set_aside(world) == []
