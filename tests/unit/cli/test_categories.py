"""Categories on the command line: found, described, drafted, and checked before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from obmen.mapping.category_rules import CategoryRules
from obmen.mapping.yaml import parse_yaml
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import Place, Ran, ShelfSandbox

RUG, LAMP = "17:1", "17:2"
SIZE = {"id": "1", "name": "Size", "kind": "number", "unit": "см", "required": True}
COLOUR = {"id": "2", "name": "Colour", "list": ["red", "blue"], "required": True, "many": True, "most": 2}
MAKER = {"id": "3", "name": "Maker"}
FILE = """\
"*":
  attributes:
    Maker: brand
Floor/Rugs:
  category: "17:1"
  attributes:
    Size: { attribute: size, unit: см }
    Colour: { attribute: colour, values: { crimson: red } }
"""
LACKING = (
    "categories/shop.yaml:7: 'Floor/Rugs': 'Size' is required and has no value (1 of the goods, such as A-4): mend "
    "them, or give it a `when_absent`."
)
NEAREST = (
    "categories/shop.yaml:9: 'Lamps': the vendor has no category 17:3. Nearest by name: 17:2 (Home / Light / Lamp)."
)
FLOW = "flows:\n  products: { entity: product, from: erp, to: shop }\n"


@pytest.fixture
def window(place: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    """A shop with two categories, and a base whose goods have categories of its own."""
    shop.put("category", {"id": RUG, "path": ["Home", "Floor", "Rug"], "attributes": [MAKER, COLOUR, SIZE]})
    shop.put("category", {"id": LAMP, "path": ["Home", "Light", "Lamp"], "attributes": [SIZE]})
    place.project(erp.url, shop.url, flows=FLOW, more=", categories: categories/shop.yaml")
    place.write("categories/shop.yaml", FILE)
    fields = "sku: id\n  name: name\n  brand: maker\n  attributes: has\n  category: { path: group, as: list }\n"
    place.write("mappings/erp/product.yaml", f"entity: product\nfields:\n  {fields}")
    return place


def good(number: int, *group: str, maker: str = "Vymyslov", **has: str) -> dict[str, Any]:
    return {"id": f"A-{number}", "name": f"Good {number}", "maker": maker, "group": list(group), "has": has}


def rug(number: int, **has: str) -> dict[str, Any]:
    return good(number, "Floor", "Rugs", **{"size": "1,2 м", "colour": "crimson", **has})


def problems(ran: Ran) -> list[str]:
    return [line.removeprefix("problem").strip() for line in ran.out.splitlines() if line.startswith("problem")]


def test_cards_go_out_with_the_vendors_category_and_attributes(
    cli: Cli, window: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("product", rug(1))
    assert "Everything is in order." in cli("check").out
    assert cli("sync").code == 0
    card = shop.records["product"]["A-1"]
    assert card["category"] == RUG
    assert [(one["attribute"], one["values"]) for one in card["attributes"]] == [
        ("Maker", ["Vymyslov"]),
        ("Size", ["120"]),
        ("Colour", ["red"]),
    ]
    assert cli("sync", "--json").data["flows"][0]["read"]["unchanged"] == 1
    window.write("categories/shop.yaml", FILE.replace("crimson: red", "crimson: blue"))
    assert cli("sync").code == 0
    assert shop.records["product"]["A-1"]["attributes"][2]["values"] == ["blue"]


def test_check_tells_what_the_goods_lack_with_the_line_of_the_file(cli: Cli, window: Place, erp: ShelfSandbox) -> None:
    erp.put("product", rug(1), rug(2, colour="crimsom"), rug(3, colour="crimsom"), rug(4, size=""))
    ran = cli("check")
    assert ran.code == 2
    assert problems(ran) == [
        "categories/shop.yaml:8: the list of 'Colour' has no 'crimsom' (2 of the goods, such as A-2).",
        LACKING,
    ]


def test_check_tells_what_the_file_lacks_before_there_are_goods(cli: Cli, window: Place) -> None:
    window.write(
        "categories/shop.yaml",
        FILE.replace("Colour:", "Color:").replace("Maker", "Brand") + 'Lamps: { category: "17:3" }\nStairs: {}\n',
    )
    ran = cli("check")
    assert problems(ran) == [
        "categories/shop.yaml:4: 'Floor/Rugs': category 17:1 requires 'Colour', and no rule fills it.",
        "categories/shop.yaml:8: the category has no attribute 'Color' (is 'Colour' meant?).",
        NEAREST,
    ]
    assert "shop.yaml:3: no category that is used has an attribute 'Brand', so this rule fills nothing." in ran.out


def test_check_tells_categories_without_an_entry_by_the_number_of_their_goods(
    cli: Cli, window: Place, erp: ShelfSandbox
) -> None:
    erp.put("product", rug(1), good(2, "Lamps"), good(3, "Light", "Lamps"), good(4, "Light", "Lamps"), good(5))
    found = problems(cli("check"))
    assert [line.partition("obmen.yaml:3: ")[2][:40] for line in found] == [
        "The category 'Light/Lamps' has no entry ",
        "The product has no category, and categor",
        "The category 'Lamps' has no entry in cat",
    ]
    assert "Nearest by name: 17:2 (Home / Light / Lamp). (2 of the goods, such as A-3)" in found[0]


def test_a_vendor_that_cannot_be_asked_is_a_warning_and_the_rest_is_checked(
    cli: Cli, window: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("product", rug(1))
    shop.key = "another"
    ran = cli("check")
    assert "The categories of shop could not be checked" in ran.out
    assert "1 record of erp read, 1 ready to be sent to shop" in ran.out


def test_of_very_many_values_only_the_first_are_looked_up(
    cli: Cli, window: Place, erp: ShelfSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.cli.check_categories._MOST_ASKED", 2)
    erp.put("product", rug(1), rug(2, colour="blue"), *(rug(n, colour=f"hue {n}") for n in range(3, 6)))
    ran = cli("check")
    assert problems(ran) == []
    assert "only the first 2 values were looked up; shop judges the rest" in ran.out


def test_a_mistake_in_the_file_is_a_problem_with_its_line(cli: Cli, window: Place) -> None:
    window.write("categories/shop.yaml", "Rugs:\n  categry: x\n")
    ran = cli("check")
    assert ran.code == 2
    assert "categories/shop.yaml:2: the category 'Rugs' has no word 'categry'. Did you mean 'category'?" in ran.out


def test_a_category_is_searched_and_described(cli: Cli, window: Place) -> None:
    ran = cli("categories", "shop", "floor rug")
    assert ran.code == 0
    assert "17:1  Home / Floor / Rug" in ran.out
    assert "Lamp" not in ran.out
    ran = cli("categories", "shop", "--attributes", RUG)
    rows = [line.split() for line in ran.out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["Colour", "Size", "Maker"]
    assert "a choice, up to 2" in ran.out
    assert rows[1] == ["Size", "1", "yes", "a", "number", "см"]
    assert cli("categories", "shop", "--json").data == [
        {"id": RUG, "path": ["Home", "Floor", "Rug"]},
        {"id": LAMP, "path": ["Home", "Light", "Lamp"]},
    ]
    assert cli("categories", "shop", "--attributes", LAMP, "--json").data[0]["unit"] == "см"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shop", "boat"), "No category of 'shop' has 'boat' in its path"),
        (("shop", "--attributes", "99"), "There is no category 99."),
        (("shp",), "Did you mean 'shop'?"),
        (("shp", "--draft"), "Did you mean 'shop'?"),
        (("erp", "--draft"), "No flow brings products to 'erp'"),
        (("shop", "--draft", "--json"), "it takes nothing beside it"),
    ],
)
def test_what_is_not_there_is_told(cli: Cli, window: Place, words: tuple[str, ...], said: str) -> None:
    ran = cli("categories", *words)
    assert ran.code == 2
    assert said in ran.err


def test_a_draft_is_a_file_to_begin_with(cli: Cli, window: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    erp.put("product", rug(1), rug(2), good(3, "Light", 'Lamps "Retro"'), good(4, "Stairs"), good(5))
    window.write("categories/shop.yaml", "")
    for _ in range(2):
        ran = cli("categories", "shop", "--draft")
        assert ran.code == 0, ran
        drafted = CategoryRules(parse_yaml(ran.out, "draft.yaml"), "shop")
        assert {name: entry.category for name, entry in drafted.entries.items()} == {
            "*": "",
            "Floor/Rugs": RUG,
            'Light/Lamps "Retro"': LAMP,
            "Stairs": "",
        }
        assert "2 products" in ran.out
        assert "1 product without a category" in ran.out
        assert list(drafted.entries["Floor/Rugs"].rules) == ["Colour", "Size"]
        window.write("categories/shop.yaml", FILE)
        cli("sync")
    assert shop.records["product"]["A-1"]["category"] == RUG
