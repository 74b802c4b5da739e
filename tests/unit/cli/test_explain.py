"""``obmen explain``: source, steps, what the channel answered, and what it shows; also where no rule is given."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import Place, ShelfSandbox, fill, order, price

WITH_ORDERS = """\
flows:
  products: { entity: product, from: erp, to: shop }
  stock: { entity: stock, from: erp, to: shop }
  orders: { entity: order, from: shop, to: erp }
"""


@pytest.fixture
def told(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    """Five goods whose prices and stock were told; no flow has rules."""
    fill(erp)
    place.project(erp.url, shop.url)
    assert cli("sync").code == 0
    return place


def number(cli: Cli, entity: str, sku: str = "A-1", *words: str) -> Any:
    (one,) = [one for one in cli("explain", sku, "--json", *words).data["numbers"] if one["entity"] == entity]
    return one


def test_a_flow_without_rules_tells_its_source_and_that_nothing_changed_it(told: Place, cli: Cli) -> None:
    data = cli("explain", "A-1", "--json").data
    assert [one["record"].get("available") or one["record"]["amount"] for one in data["sources"][0]["records"]] == [
        "100",
        "7",
    ]
    assert all(one["read_at"] for one in data["sources"][0]["records"])
    stock = number(cli, "stock")
    assert (stock["due"]["available"], stock["answer"]) == ("7", "confirmed")
    assert [(one["name"], str(one["number"])) for one in stock["steps"]] == [("source", "7")]
    text = cli("explain", "A-1").out
    assert "as erp tells it; no rule of this flow changes it" in text
    assert "told 7" in text


def test_what_a_person_took_back_is_not_what_the_source_tells(told: Place, cli: Cli, erp: ShelfSandbox) -> None:
    erp.put("price", price(1, "110.00"))
    assert cli("sync", "prices").code == 0
    run = number(cli, "price")["run"]
    assert cli("undo", str(run)).code == 0
    found = number(cli, "price")
    assert (found["due"]["amount"], found["told"]["amount"]) == ("110", "100")
    assert f"run {run} was undone" in cli("explain", "A-1").out


def test_what_the_channel_refused_is_told_in_its_words(
    told: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("price", price(1, "200000.00"))
    cli("sync", "prices", "--force", "it is right")
    found = number(cli, "price")
    assert (found["answer"], found["told"]["amount"]) == ("refused", "100")
    assert "nobody pays that" in found["refused"][0]["message"]
    assert "refused by shop" in cli("explain", "A-1").out


def test_a_sale_since_is_told_beside_what_the_channel_was_told(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, free=50)
    place.project(erp.url, shop.url, flows=WITH_ORDERS)
    assert cli("sync").code == 0
    sold: dict[str, Any] = {**order("N-1"), "at": "2099-01-01T00:00:00Z"}
    sold["lines"] = [{"sku": "A-1", "n": 2, "price": 100}]
    shop.put("order", sold)
    cli("sync", "orders")
    found = number(cli, "stock")
    assert (found["told"]["available"], found["known"]["available"]) == ("50", "48")
    text = cli("explain", "A-1").out
    assert "told 50" in text
    assert "shows 48 since" in text
    told = cli("history", "shop", "stock", "A-1", "--json").data["written"]
    assert (told[0]["run"], told[0]["fields"]["available"][1]) == (found["run"], "50")


def test_a_connection_that_is_no_channel_is_said_to_be_none(told: Place, cli: Cli) -> None:
    ran = cli("explain", "A-1", "--channel", "erp")
    assert (ran.code, "No flow tells 'erp' of stock or prices. Those that are told: shop." in ran.err) == (2, True)


RULED = """\
flows:
  products: { entity: product, from: erp, to: shop }
  stock:
    entity: stock
    from: erp
    to: shop
    allocate: { safety: 1, kits: { KIT-1: { A-1: 2 } } }
  prices:
    entity: price
    from: erp
    to: shop
    where: { price_type: base }
    pricing: { cost: { price_type: cost }, fees: { commission: 20% }, floor: { margin: 0%, below: raise } }
  orders: { entity: order, from: shop, to: erp }
"""


@pytest.mark.field("N5")
def test_one_sku_with_an_order_a_kit_and_a_floor_is_told_as_a_person_reckons_it(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, free=9)
    erp.put("product", {"id": "KIT-1", "name": "Two rugs"})
    erp.put("price", {"id": "KIT-1", "type": "base", "amount": "100.00"})
    erp.put("price", {"id": "KIT-1", "type": "cost", "amount": "88.00"})
    place.project(erp.url, shop.url, flows=RULED)
    cli("sync")
    shop.put("order", {**order("N-1"), "at": "2099-01-01T00:00:00Z"})
    cli("sync", "orders")
    kit, dear = number(cli, "stock", "KIT-1"), number(cli, "price", "KIT-1")
    free, sold, kept = 9, 1, 1
    by_hand = {"free": free, "orders": free - sold, "safety": free - sold - kept, "kit": (free - sold - kept) // 2}
    assert {one["name"]: int(one["number"]) for one in kit["steps"] if one["name"] != "told"} == {
        **{f"part:A-1/{name}": count for name, count in by_hand.items()},
        "kit": by_hand["kit"],
    }
    assert kit["due"]["available"] == "3"
    assert Decimal(dear["due"]["amount"]) == Decimal(88) / (1 - Decimal("0.2")) == 110
    assert "floor" in [one["name"] for one in dear["steps"]]
    assert (dear["told"]["amount"], dear["answer"], bool(dear["told_at"])) == ("110", "confirmed", True)
    text = cli("explain", "KIT-1").out
    assert "as many as A-1 allows" in text
    assert "orders took 1 that the source does not count yet" in text
    assert "told 110 " in text
    assert "ago" in text
    assert "because its source changed; it was confirmed" in text
