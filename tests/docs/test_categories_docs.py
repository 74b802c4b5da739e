"""The page about categories files: its example is one, and every word stands on it."""

from __future__ import annotations

import re

from obmen.entities import Product
from obmen.mapping.category_rules import ENTRY_WORDS, RULE_WORDS, CategoryRules
from obmen.mapping.yaml import parse_yaml

from .markdown import ROOT

PAGE = (ROOT / "docs" / "reference" / "categories.md").read_text("utf-8")
EXAMPLE = PAGE.split("```yaml\n")[1].split("```")[0]


def test_the_example_does_what_the_page_says() -> None:
    rules = CategoryRules(parse_yaml(EXAMPLE, "categories.md"), "ozon")
    path = ("Посуда", "Чайники", "Заварочные")
    has = {"Цвет": "Радуга", "Объём, л": "1,5", "Материал": "сталь", "Комплект": "чайник; ситечко"}
    filling = rules.of(path)
    assert filling is not None
    assert filling.category == "17028922:91565"
    product = Product(sku="A-1", brand="Выдумкино", category=path, weight_kg="0.95", attributes=has)  # type: ignore[arg-type]  # it is made a Decimal
    assert {one["attribute"]: one["values"] for one in filling.attributes(product)} == {
        "Материал": ["сталь"],
        "Цвет товара": ["красный", "синий"],
        "Объем": ["1500"],
        "Вес": ["950"],
        "Комплектация": ["чайник", "ситечко"],
        "Страна": ["Россия"],
        "Тип": ["Чайник заварочный"],
    }


def test_every_word_is_explained_and_shown() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert rows == {*ENTRY_WORDS, *RULE_WORDS}
    assert [word for word in rows if not re.search(rf"\b{word}:", EXAMPLE)] == []
