"""What a target will hold back is said by the plan, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from obmen.records import Native
from obmen.sync.flow import Flow
from obmen.sync.plan import Change, plan
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, price, product


class _Careful(PeerConnector):
    """Holds back a price that falls below a third."""

    def foresee(self, entity: str, payload: Native, before: Mapping[str, Any] | None) -> str:
        if entity == "price" and before is not None and Decimal(payload["amount"]) * 3 < before["amount"]:
            return "goes into quarantine: it fell to less than a third"
        return ""


def _flows(world: World) -> list[Flow]:
    careful = _Careful("shop", world.shop, clock=world.clock)
    return [
        replace(flow, targets=tuple(replace(target, connector=careful) for target in flow.targets))
        for flow in world.flows()
        if flow.name in {"products", "prices"}
    ]


def test_the_plan_says_what_the_target_will_hold_back(world: World) -> None:
    world.erp.put("product", *(product(n) for n in range(3)))
    world.erp.put("price", *(price(n) for n in range(3)))
    world.sync("products", "prices")
    world.erp.put("price", price(0, "30.00"), price(1, "90.00"))
    changes = {line.key: line for line in plan(world.ledger, _flows(world), ["prices"]) if isinstance(line, Change)}
    assert {key: change.foreseen for key, change in changes.items()} == {
        "SKU-0|BASE": "goes into quarantine: it fell to less than a third",
        "SKU-1|BASE": "",
    }
