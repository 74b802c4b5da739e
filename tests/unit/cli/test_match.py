"""``obmen match``: what is shown, what is stored when, and what it ends with."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import Place, ShelfSandbox

FLOW = (
    "flows:\n  products: { entity: product, from: erp, to: shop }\n  orders: { entity: order, from: shop, to: erp }\n"
)
FIELDS = (
    "entity: product\nfields:\n  sku: id\n  name: name\n  article: article\n  barcodes: { path: codes, as: list }\n"
)


@pytest.fixture
def shelves(place: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    place.project(erp.url, shop.url, flows=FLOW)
    for name in ("erp", "shop"):
        place.write(f"mappings/{name}/product.yaml", FIELDS)
    erp.put("product", {"id": "A-1", "name": "Rug"}, {"id": "A-2", "name": "Lamp", "codes": ["0461"]})
    erp.put("product", {"id": "A-3", "name": "Vase", "article": "V"}, {"id": "A-4", "name": "Cup", "article": "V"})
    erp.put("product", {"id": "A-5", "name": "Chair"})
    shop.put("product", {"id": "A-1", "name": "Rug"}, {"id": "L-9", "name": "Old lamp", "codes": ["461"]})
    shop.put("product", {"id": "V", "name": "Something"}, {"id": "S-1", "name": "Strange"})
    return place


def test_without_apply_all_is_shown_and_nothing_is_stored(cli: Cli, shelves: Place, shop: ShelfSandbox) -> None:
    for _ in range(2):
        ran = cli("match", "shop", "product")
        assert ran.code == 3
        lines = ran.out.splitlines()
        assert [line.split() for line in lines[1:6]] == [
            ["by", "sku", "1"],
            ["by", "barcode", "1"],
            ["unclear", "2"],
            ["goods", "without", "a", "card", "1"],
            ["cards", "without", "a", "good", "1"],
        ]
        assert lines.count("    V (V), by article  Something") == 2
        assert "  A-5  Chair" in lines
        assert "  S-1 (S-1)  Strange" in lines
        assert "Nothing was stored. To bind 2 goods: obmen match shop product --apply" in ran.out
    assert shop.writes == []


def test_apply_stores_what_was_found_and_a_person_says_the_rest(cli: Cli, shelves: Place, shop: ShelfSandbox) -> None:
    ran = cli("match", "shop", "product", "--apply")
    assert ran.code == 3
    assert "2 bindings stored." in ran.out
    ran = cli("match", "shop", "product", "--bind", "A-3=V", "--json")
    assert ran.code == 0
    assert {one["key"]: (one["card"]["native_id"], one["how"]) for one in ran.data["matched"]} == {
        "A-1": ("A-1", "bound"),
        "A-2": ("L-9", "bound"),
        "A-3": ("V", "chosen"),
    }
    assert [one["key"] for one in ran.data["unmatched"]["goods"]] == ["A-4", "A-5"]
    assert ran.data["stored"] == {"bound": 1, "unbound": 0, "again": 0, "mended": 0}
    assert cli("sync").code == 0
    assert sorted(shop.records["product"]) == ["A-1", "A-4", "A-5", "L-9", "S-1", "V"]
    assert shop.records["product"]["V"]["name"] == "Vase"
    ran = cli("match", "shop", "product", "--apply")
    assert "There is nothing new" not in ran.out
    assert "bindings stored." in ran.out


def test_a_binding_is_taken_back(cli: Cli, shelves: Place) -> None:
    cli("match", "shop", "product", "--apply")
    ran = cli("match", "shop", "product", "--unbind", "A-1", "--json")
    assert ran.data["stored"]["unbound"] == 1
    assert "A-1" in [one["key"] for one in ran.data["unmatched"]["goods"]]
    assert [one["key"] for one in cli("match", "shop", "product", "--json").data["matched"] if not one["stored"]] == [
        "A-1"
    ]


def test_one_key_may_be_enough(cli: Cli, shelves: Place) -> None:
    data = cli("match", "shop", "product", "--by", "barcode", "--json").data
    assert [one["key"] for one in data["matched"]] == ["A-2"]
    assert data["ambiguous"] == []


def test_what_cannot_be_read_is_told_and_asks_for_a_person(cli: Cli, shelves: Place, erp: ShelfSandbox) -> None:
    erp.put("product", {"id": "A-6", "name": ["no", "text"]})
    ran = cli("match", "shop", "product")
    assert ran.code == 3
    assert "1 of the goods cannot be read, such as: product.name" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shp", "product"), "Did you mean 'shop'?"),
        (("shop", "price"), "Only product is matched, not 'price'."),
        (("erp", "product"), "No flow brings products to 'erp'"),
        (("shop", "product", "--by", "barcod"), "Did you mean 'barcode'?"),
        (("shop", "product", "--bind", "A-1"), "A choice is written --bind SKU=CARD, not 'A-1'."),
        (("shop", "product", "--bind", "A-1=V", "--bind", "A-1=S-1"), "'A-1' is bound twice"),
        (("shop", "product", "--bind", "A-9=V"), "There is no good 'A-9'."),
        (("shop", "product", "--unbind", "A-1"), "'A-1' is not bound"),
    ],
)
def test_a_mistake_is_told(cli: Cli, shelves: Place, words: tuple[str, ...], said: str) -> None:
    ran = cli("match", *words)
    assert ran.code == 2
    assert said in ran.err
