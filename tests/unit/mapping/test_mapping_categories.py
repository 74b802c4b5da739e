"""The word ``categories``: a categories file, checked with its lines, and what it writes into payloads."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from obmen.entities import Product
from obmen.errors import ConfigurationError, Refused
from obmen.mapping import BoundMapping, Context, parse_mapping, run_tests

MAPPING = """
entity: product
fields: { sku: offer_id, name: name }
categories: { option: categories, category: card.category, attributes: attributes }
"""
FILE = """
"*":
  attributes:
    Бренд: brand
    "9048": { field: group }
Посуда/Чайники:
  category: "17028922:91565"
  attributes:
    Цвет товара: { attribute: Цвет, values: { Красный: красный, Радуга: [красный, синий], Нет: ~ } }
    Объем: { attribute: "Объём, л", unit: мл }
    Тип: { value: Чайник }
    Комплектация: { attribute: Комплект, split: ";" }
    Вес: { field: weight_kg, unit: г }
    Страна: { attribute: Страна, when_absent: Россия }
Посуда/Чайники/Заварочные:
  attributes:
    Тип: { value: Заварочный }
    Бренд: ~
Посуда:
  category: 15
  attributes: { Материал: { attribute: Материал } }
"""


def bound(tmp_path: Path, text: str = FILE) -> BoundMapping:
    path = tmp_path / "ozon.yaml"
    path.write_text(dedent(text), "utf-8")
    return parse_mapping(MAPPING).bind(Context("ozon", {"categories": path}))


def pushed(mapping: BoundMapping, *category: str, **fields: Any) -> dict[str, Any]:
    product = Product(sku="A-1", name="Чайник", category=category or None, **fields)
    return mapping.push(product, {}, None)


def attributes(payload: dict[str, Any]) -> dict[str, list[str]]:
    return {one["attribute"]: one["values"] for one in payload["attributes"]}


def test_a_product_goes_to_its_category_with_its_attributes(tmp_path: Path) -> None:
    payload = pushed(
        bound(tmp_path),
        "Посуда",
        "Чайники",
        brand="Выдумкино",
        weight_kg="0.95",
        attributes={"Цвет": "Радуга", "Объём, л": "1,5", "Комплект": "чайник; подставка;"},
    )
    assert payload["offer_id"] == "A-1"
    assert payload["card"] == {"category": "17028922:91565"}
    assert payload["attributes"] == [
        {"attribute": "Бренд", "values": ["Выдумкино"], "unit": "", "general": True},
        {"attribute": "Цвет товара", "values": ["красный", "синий"], "unit": ""},
        {"attribute": "Объем", "values": ["1500"], "unit": "мл"},
        {"attribute": "Тип", "values": ["Чайник"], "unit": ""},
        {"attribute": "Комплектация", "values": ["чайник", "подставка"], "unit": ""},
        {"attribute": "Вес", "values": ["950"], "unit": "г"},
        {"attribute": "Страна", "values": ["Россия"], "unit": ""},
    ]


def test_a_longer_entry_says_otherwise_attribute_by_attribute(tmp_path: Path) -> None:
    payload = pushed(bound(tmp_path), "Посуда", "Чайники", "Заварочные", "Малые", brand="Выдумкино")
    assert payload["card"]["category"] == "17028922:91565"
    assert attributes(payload) == {"Тип": ["Заварочный"], "Страна": ["Россия"]}


def test_a_prefix_holds_for_what_is_below_it_and_not_for_names_that_only_begin_so(tmp_path: Path) -> None:
    mapping = bound(tmp_path)
    payload = pushed(mapping, "Посуда", "Чашки", attributes={"Материал": "фарфор"})
    assert payload["card"]["category"] == "15"
    assert payload["attributes"] == [{"attribute": "Материал", "values": ["фарфор"], "unit": ""}]
    with pytest.raises(Refused) as caught:
        pushed(mapping, "Посуда для кукол")
    assert caught.value.code == "unmapped_category"


def test_what_stands_above_the_entry_with_the_category_serves_those_that_have_it(tmp_path: Path) -> None:
    payload = pushed(bound(tmp_path), "Посуда", "Чайники", attributes={"Материал": "сталь"})
    general = {one["attribute"] for one in payload["attributes"] if one.get("general")}
    assert general == {"Материал"}


def test_a_value_of_the_table_may_be_left_out_and_another_passes(tmp_path: Path) -> None:
    mapping = bound(tmp_path)
    assert "Цвет товара" not in attributes(pushed(mapping, "Посуда", "Чайники", attributes={"Цвет": "Нет"}))
    assert attributes(pushed(mapping, "Посуда", "Чайники", attributes={"Цвет": "хаки"}))["Цвет товара"] == ["хаки"]


def test_an_unmapped_category_is_refused_with_what_to_add_and_where(tmp_path: Path) -> None:
    mapping = bound(tmp_path)
    with pytest.raises(Refused) as caught:
        pushed(mapping, "Обувь", "Ботинки")
    assert caught.value.code == "unmapped_category"
    assert "'Обувь/Ботинки' has no entry in" in str(caught.value)
    assert "ozon.yaml. Add one: 'Обувь/Ботинки: { category: … }'; obmen categories ozon TEXT" in str(caught.value)
    with pytest.raises(Refused, match=r"The product has no category, and .*ozon\.yaml has no `category` under"):
        pushed(mapping)


def test_all_may_go_to_one_category(tmp_path: Path) -> None:
    mapping = bound(tmp_path, '"*": { category: "7", attributes: { Бренд: brand } }')
    assert pushed(mapping, brand="Б") == {
        "offer_id": "A-1",
        "name": "Чайник",
        "card": {"category": "7"},
        "attributes": [{"attribute": "Бренд", "values": ["Б"], "unit": ""}],
    }


@pytest.mark.parametrize(
    ("told", "reason"),
    [("полтора", "is not a number"), ("2 кг", "cannot be told in мл")],
)
def test_a_measure_that_does_not_convert_is_refused(tmp_path: Path, told: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        pushed(bound(tmp_path), "Посуда", "Чайники", attributes={"Объём, л": told})
    assert caught.value.code == "bad_value"
    assert "ozon.yaml:10" in str(caught.value)


def test_without_the_option_nothing_is_written() -> None:
    mapping = parse_mapping(MAPPING).bind(Context("ozon"))
    assert mapping.categories is None
    assert pushed(mapping, "Обувь") == {"offer_id": "A-1", "name": "Чайник"}


def test_the_version_follows_what_the_file_says_and_not_where_it_lies(tmp_path: Path) -> None:
    one = bound(tmp_path).version
    (tmp_path / "moved").mkdir()
    assert bound(tmp_path / "moved").version == one
    assert bound(tmp_path, "# a remark\n" + FILE).version == one
    assert bound(tmp_path, FILE.replace("Заварочный", "Другой")).version != one
    assert parse_mapping(MAPPING).bind(Context("ozon")).version != one


def test_an_empty_file_is_one_without_entries(tmp_path: Path) -> None:
    mapping = bound(tmp_path, "")
    with pytest.raises(Refused, match="has no entry"):
        pushed(mapping, "Обувь")


def test_a_file_that_is_not_there_is_told_with_how_to_begin(tmp_path: Path) -> None:
    context = Context("ozon", {"categories": tmp_path / "none.yaml"})
    with pytest.raises(ConfigurationError, match=r"obmen categories ozon --draft > none\.yaml"):
        parse_mapping(MAPPING).bind(context)
    parse_mapping("entity: product\nfields: { sku: offer_id }").bind(context)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Обувь: { catgory: '1' }", 1, "has no word 'catgory'. Did you mean 'category'?"),
        ("Обувь:\n  category: 1.5", 2, "put it in quotes"),
        ("Обувь:\n  attributes: [Бренд]", 2, "`attributes` is vendor's attribute"),
        ("Обувь:\n  attributes:\n    Бренд: brnad", 3, "has no field 'brnad'. Did you mean 'brand'?"),
        ("Обувь:\n  attributes:\n    Бренд: { feild: brand }", 3, "Did you mean 'field'?"),
        ("Обувь:\n  attributes:\n    Бренд: { unit: мл }", 3, "is filled from one of field, attribute, value"),
        ("Обувь:\n  attributes:\n    Бренд: { field: brand, value: Б }", 3, "is filled from one of"),
        ("Обувь:\n  attributes:\n    Бренд: { value: Б, split: ';' }", 3, "`split` has no meaning beside `value`"),
        ("Обувь:\n  attributes:\n    Цвет: attributes.Цвет", 3, "{ attribute: … }"),
        ("Обувь:\n  attributes:\n    Цвет: { attribute: Цвет, values: [а] }", 3, "`values` is canonical: vendor's"),
        ("Обувь:\n  attributes:\n    Цвет: { attribute: Цвет, split: 5 }", 3, "`split` is a text"),
        ("Обувь:\n  attributes:\n    Цвет: { value: [] }", 3, "a value or a list of values"),
        ("Обувь//Ботинки: { category: '1' }", 1, "has an empty name"),
        ("[1]", 1, "a categories file is"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bound(tmp_path, text)
    assert said in str(caught.value)
    assert caught.value.where.endswith(f"ozon.yaml:{line}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MAPPING.replace("option:", "opton:"), "Did you mean 'option'?"),
        (MAPPING.replace("option: categories, ", ""), "`categories` needs `option`"),
        (MAPPING.replace("product", "price"), "only a product has a category"),
        (MAPPING.replace("card.category", "offer_id"), "push writes the vendor's category to 'offer_id', where sku"),
        (MAPPING + "only: pull", "`categories` is for push"),
    ],
)
def test_a_mistake_in_the_mapping_is_told(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_mapping(text.replace("fields: { sku: offer_id, name: name }", "fields: { sku: offer_id }"))
    assert said in str(caught.value)


def test_a_mappings_own_tests_may_bring_the_rules_along() -> None:
    text = MAPPING + dedent("""
        tests:
          - only: push
            options: { categories: { Обувь: { category: "5", attributes: { Бренд: brand } } } }
            canonical: { sku: A-1, brand: Б, category: [Обувь, Ботинки] }
            native:
              offer_id: A-1
              card: { category: "5" }
              attributes: [{ attribute: Бренд, values: [Б], unit: "" }]
          - options: { categories: { Обувь: { category: "5" } } }
            canonical: { sku: A-1, name: Б, category: [Обувь] }
            native: { offer_id: A-1, name: Б, card: { category: "5" }, attributes: [] }
    """)
    results = run_tests(parse_mapping(text), Context("ozon"))
    assert [result.name for result in results] == ["test 1 (push)", "test 2 (pull)", "test 2 (push)", "made-up values"]
    assert [result.message for result in results] == [""] * 4
