"""``obmen check`` names the rules that would never do anything, with their lines and the name that was meant."""

from __future__ import annotations

from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import Place, ShelfSandbox, fill, price

STOCK = """\
flows:
  products: { entity: product, from: erp, to: shop }
  orders: { entity: order, from: shop, to: erp }
  stock:
    entity: stock
    from: erp
    to: shop
    allocate:
      warehouses:
        Main: [Main, Mian]
      kits:
        KIT-1:
          A-1: 2
          A-44: 1
      stop:
        - A-2
        - A-33
      channels:
        shop: { stop: [B-2] }
"""
PRICES = """\
flows:
  prices:
    entity: price
    from: erp
    to: shop
    where: { price_type: base }
    pricing:
      old: { price_type: oldd }
      cost: { price_type: cots }
"""


def warnings(cli: Cli, place: Place) -> list[str]:
    ran = cli("check")
    assert ran.code == 0, ran
    found = [line.removeprefix("warning").strip() for line in ran.out.splitlines() if line.startswith("warning")]
    assert ("Everything is in order." in ran.out) is not bool(found)
    return [line.replace(f"{place.folder}/", "") for line in found]


def line_of(place: Place, words: str) -> int:
    lines = (place.folder / "obmen.yaml").read_text("utf-8").splitlines()
    return 1 + next(number for number, line in enumerate(lines) if words in line)


def test_warehouses_and_goods_that_nobody_has_are_named(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, shop.url, flows=STOCK)
    at = {words: line_of(place, words) for words in ("Main: [", "KIT-1:", "A-44: 1", "stop:", "shop: { stop")}
    found = warnings(cli, place)
    assert [(one.split(": ", 1)[0], one.split("'")[1]) for one in found] == [
        (f"obmen.yaml:{at['Main: [']}", "Mian"),
        (f"obmen.yaml:{at['KIT-1:']}", "KIT-1"),
        (f"obmen.yaml:{at['A-44: 1']}", "A-44"),
        (f"obmen.yaml:{at['stop:']}", "A-33"),
        (f"obmen.yaml:{at['shop: { stop']}", "B-2"),
    ]
    assert "Did you mean 'Main'?" in found[0]
    assert "Did you mean 'A-" in found[2]


def test_rules_that_name_what_is_there_are_in_order(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    erp.put("product", {"id": "KIT-1", "name": "Set"})
    right = (
        STOCK.replace("Mian", "Main").replace("[Main, Main]", "[Main]").replace("A-44", "A-3").replace("A-33", "A-5")
    )
    place.project(erp.url, shop.url, flows=right.replace("B-2", "A-4"))
    assert warnings(cli, place) == []


def test_price_types_that_nobody_has_are_named(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    fill(erp)
    erp.put("price", *({**price(number, "80.00"), "type": "cost"} for number in range(1, 6)))
    place.project(erp.url, shop.url, flows=PRICES)
    old, cost = warnings(cli, place)
    assert (old.split(": ", 1)[0], "'oldd'" in old) == (f"obmen.yaml:{line_of(place, 'oldd')}", True)
    assert (cost.split(": ", 1)[0], "Did you mean 'cost'?" in cost) == (f"obmen.yaml:{line_of(place, 'cots')}", True)


def test_a_channel_whose_orders_never_come_to_the_stock_is_named(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    flows = "flows:\n  stock:\n    entity: stock\n    from: erp\n    to: shop\n    allocate:\n      oversell: off\n"
    place.project(erp.url, shop.url, flows=flows)
    (told,) = [one for one in warnings(cli, place) if "No flow brings orders" in one]
    assert told.split(": ", 1)[0] == f"obmen.yaml:{line_of(place, 'oversell')}"
    assert "from shop to erp" in told
    place.project(erp.url, shop.url, flows=f"{flows}  orders: {{ entity: order, from: shop, to: erp }}\n")
    assert not any("No flow brings orders" in one for one in warnings(cli, place))
