"""A cabinet filled by hand, matched with a base of 1C: its cards are used under their own names, none is made twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon import Ozon
from connectors.ozon.sandbox import OzonSandbox
from connectors.ozon.sandbox.cabinet import Level
from obmen.records import Batch, Item
from runner.cli import main
from tests.clocked import Clock, by, rule

FLOWS = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}},
    "stock": {"entity": "stock", "from": "ut", "to": "ozon"},
    "orders": {"entity": "order", "from": "ozon", "to": "ut"},
}
WAREHOUSE = "Основной склад"
Cli = Callable[..., tuple[int, Any]]


def card(offer_id: str, **more: Any) -> dict[str, Any]:
    return {
        "offer_id": offer_id,
        "name": f"Товар {offer_id}",
        "price": "10.00",
        "old_price": "0",
        "currency_code": "RUB",
        "vat": "0.2",
        "description_category_id": 17000001,
        "type_id": 91000001,
        "depth": 400,
        "width": 300,
        "height": 80,
        "dimension_unit": "mm",
        "weight": 950,
        "weight_unit": "g",
        "images": ["https://img.example/1.jpg"],
        **more,
    }


def by_hand(sandbox: OzonSandbox, *cards: dict[str, Any]) -> dict[str, str]:
    """Make cards as a person in the cabinet does; return their ids."""
    ozon = Ozon("by_hand", Ozon.Options(**sandbox.connection()))
    try:
        batch = Batch([Item(one["offer_id"], one) for one in cards])
        tickets = {outcome.ticket for outcome in ozon.write("product", batch)}
        return {
            o.id: str(o.native_id) for ticket in tickets for _ in range(3) for o in ozon.poll("product", ticket, batch)
        }
    finally:
        ozon.close()


def good(ut: OneCSandbox, sku: str, stock: int = 5) -> None:
    prices = {"Розничная": Decimal(1990)}
    ut.add_good(f"Чайник {sku}", sku, weight=Decimal("1.2"), vat="20", prices=prices, stock={WAREHOUSE: stock})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The one clock of the commands and both systems: Ozon asks for half a minute between two stocks of a card."""
    made = Clock()
    rule(made, monkeypatch)
    return made


@pytest.fixture
def ozon(clock: Clock) -> Iterator[OzonSandbox]:
    with by(clock, OzonSandbox)(warehouses={WAREHOUSE: 1020000000001}) as made:
        yield made


@pytest.fixture
def ut(clock: Clock) -> Iterator[OneCSandbox]:
    with by(clock, OneCSandbox)() as made:
        yield made


@pytest.fixture
def cli(tmp_path: Path, ut: OneCSandbox, ozon: OzonSandbox, capsys: pytest.CaptureFixture[str]) -> Cli:
    project = {
        "connections": {
            "ut": {"connector": "onec", **ut.connection(), "warehouses": [WAREHOUSE]},
            "ozon": {"connector": "ozon", **ozon.connection()},
        },
        "flows": FLOWS,
    }
    (tmp_path / "obmen.yaml").write_bytes(msgspec.json.encode(project))

    def run(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main(["-p", str(tmp_path), "-q", *words, "--json"])
        out = capsys.readouterr().out
        return code, msgspec.json.decode(out) if out else None

    return run


def synced(cli: Cli) -> int:
    code, data = cli("sync")
    assert code == 0, data
    return sum(counts["done"] for flow in data["flows"] for counts in flow["sent"].values() if "done" in counts)


def test_a_card_under_another_name_gets_all_under_that_name_and_no_second_card_appears(
    cli: Cli, ut: OneCSandbox, ozon: OzonSandbox
) -> None:
    good(ut, "A-7", stock=5)
    good(ut, "A-1", stock=3)
    ids = by_hand(ozon, card("OLD-7"), card("A-1"), card("OTHER"))
    code, found = cli("match", "ozon", "product")
    assert code == 0
    assert [(one["key"], one["card"]["native_id"], one["how"]) for one in found["matched"]] == [
        ("A-1", ids["A-1"], "sku")
    ]
    assert [one["key"] for one in found["unmatched"]["goods"]] == ["A-7"]
    assert [one["sku"] for one in found["unmatched"]["cards"]] == ["OLD-7", "OTHER"]
    assert found["stored"] is None
    code, found = cli("match", "ozon", "product", "--bind", "A-7=OLD-7", "--apply")
    assert (code, found["stored"]) == (0, {"bound": 2, "unbound": 0, "again": 0, "mended": 0})
    assert synced(cli) > 0
    products = ozon.state()["products"]
    assert sorted(products) == ["A-1", "OLD-7", "OTHER"]
    assert products["OLD-7"]["product_id"] == int(ids["OLD-7"])
    assert products["OLD-7"]["card"]["name"] == "Чайник A-7"
    assert [level["free"] for level in products["OLD-7"]["stocks"].values()] == [5]
    assert "1990" in str(products["OLD-7"]["price"])
    number = ozon.place_order({"OLD-7": 2})
    assert synced(cli) == 1
    assert [row["Количество"] for row in ut.order(number)["Товары"]] == [2]
    synced(cli)
    assert synced(cli) == 0
    assert sorted(ozon.state()["products"]) == ["A-1", "OLD-7", "OTHER"]


def test_a_good_whose_sku_is_the_name_of_anothers_card_waits_for_a_person(
    cli: Cli, ut: OneCSandbox, ozon: OzonSandbox
) -> None:
    good(ut, "A-7")
    good(ut, "OLD-7")
    by_hand(ozon, card("OLD-7"))
    cli("match", "ozon", "product", "--bind", "A-7=OLD-7")
    code, _ = cli("sync")
    assert code == 3
    assert ozon.state()["products"]["OLD-7"]["card"]["name"] == "Чайник A-7"
    assert sorted(ozon.state()["products"]) == ["OLD-7"]
    _, entries = cli("quarantine", "list")
    assert "name_taken" in str(entries)


def test_another_choice_tells_everything_to_the_other_card(cli: Cli, ut: OneCSandbox, ozon: OzonSandbox) -> None:
    good(ut, "A-7")
    by_hand(ozon, card("OLD-7"), card("OLD-8"))
    cli("match", "ozon", "product", "--bind", "A-7=OLD-7")
    synced(cli)
    code, found = cli("match", "ozon", "product", "--apply")
    assert (code, [one["how"] for one in found["matched"]]) == (0, ["chosen"])
    code, found = cli("match", "ozon", "product", "--bind", "A-7=OLD-8")
    assert (code, found["stored"]["again"]) == (0, 3)
    synced(cli)
    product = ozon.state()["products"]["OLD-8"]
    assert product["card"]["name"] == "Чайник A-7"
    assert [level["free"] for level in product["stocks"].values()] == [5]
    assert synced(cli) == 0


def test_an_order_that_came_before_the_match_goes_on_once_the_name_is_known(
    cli: Cli, ut: OneCSandbox, ozon: OzonSandbox
) -> None:
    good(ut, "A-7")
    by_hand(ozon, card("OLD-7"))
    with ozon.lock:
        product = next(iter(ozon.products.values()))
        product.stocks[1020000000001] = Level(free=5)
    number = ozon.place_order({"OLD-7": 1})
    cli("sync", "orders")
    assert [order for order in ut.state()["orders"] if order["НомерПоДаннымКлиента"] == number] == []
    code, found = cli("match", "ozon", "product", "--bind", "A-7=OLD-7")
    assert (code, found["stored"]["mended"]) == (0, 1)
    synced(cli)
    assert [row["Количество"] for row in ut.order(number)["Товары"]] == [1]
