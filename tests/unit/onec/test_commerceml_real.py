"""Real exports, held value by value against what XPath finds in them."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.onec.commerceml import CommerceML

from .commerceml_kit import NAMESPACE, by_id, natives

NS = {"c": NAMESPACE}


def found(folder: Path, path: str) -> list[Any]:
    """What XPath finds in all files of a folder."""
    return [node for tree in trees(folder) for node in tree.xpath(path, namespaces=NS)]


@cache
def trees(folder: Path) -> list[Any]:
    return [etree.parse(file) for file in sorted(folder.glob("*.xml"))]


def text(node: Any, path: str) -> str:
    value = node.xpath(f"string({path})", namespaces=NS)
    return str(value).strip()


@pytest.fixture
def folder(specs: Path, request: pytest.FixtureRequest) -> Path:
    return specs / "data" / "commerceml" / str(request.param)


in_folders = pytest.mark.parametrize("folder", ["ut-2.07", "bitrix-module-2.09"], indirect=True)


def test_the_counts_are_those_of_the_files(specs: Path) -> None:
    for name, counts in {
        "ut-2.07": (44, 44, 132),
        "bitrix-module-2.09": (978, 978, 978),
        "ut-2.07-nested-groups": (283, 0, 0),
    }.items():
        source = CommerceML(specs / "data" / "commerceml" / name)
        read = (source.products(), source.prices(), source.stocks())
        assert tuple(len(natives(pages)) for pages in read) == counts, name


@in_folders
def test_every_price_is_the_files(folder: Path) -> None:
    types = {text(node, "c:Ид"): text(node, "c:Наименование") for node in found(folder, "//c:ТипЦены")}
    expected = {
        (text(node, "../../c:Ид"), text(node, "c:ИдТипаЦены"), types[text(node, "c:ИдТипаЦены")]): (
            text(node, "c:ЦенаЗаЕдиницу"),
            text(node, "c:Валюта"),
        )
        for node in found(folder, "//c:Предложение/c:Цены/c:Цена")
    }
    read = {
        (native["Ид"], native["ИдТипаЦены"], native["ТипЦены"]): (native["ЦенаЗаЕдиницу"], native["Валюта"])
        for native in natives(CommerceML(folder).prices())
    }
    assert read == expected
    assert all(Decimal(amount) > 0 for amount, _ in read.values())
    assert CommerceML(folder).price_types() == types


@in_folders
def test_every_rest_is_the_files(folder: Path) -> None:
    names = {text(node, "c:Ид"): text(node, "c:Наименование") for node in found(folder, "//c:Склады/c:Склад[c:Ид]")}
    expected = {
        (text(node, "../c:Ид"), node.get("ИдСклада")): node.get("КоличествоНаСкладе")
        for node in found(folder, "//c:Предложение/c:Склад[@ИдСклада]")
    } | {
        (text(node, "../../../c:Ид"), text(node, "c:Ид")): text(node, "c:Количество")
        for node in found(folder, "//c:Предложение/c:Остатки/c:Остаток/c:Склад")
    }
    read = natives(CommerceML(folder).stocks())
    assert {(native["Ид"], native["ИдСклада"]): native["Количество"] for native in read} == expected
    assert {native["ИдСклада"]: native["Склад"] for native in read} == names
    assert CommerceML(folder).warehouses() == names


@pytest.mark.parametrize("folder", ["ut-2.07", "ut-2.07-nested-groups"], indirect=True)
def test_every_field_of_a_good_is_the_files(folder: Path) -> None:
    goods = found(folder, "//c:Каталог/c:Товары/c:Товар")
    products = by_id(natives(CommerceML(folder).products()))
    for node in goods:
        product = products[text(node, "c:Ид")]
        for name in ("Артикул", "Наименование", "Описание"):
            assert product[name] == text(node, f"c:{name}")
        assert product.get("Изготовитель", {}).get("Наименование", "") == text(node, "c:Изготовитель/c:Наименование")
        assert product["СтавкиНалогов"] == {"НДС": text(node, "c:СтавкиНалогов/c:СтавкаНалога/c:Ставка")}
        assert product.get("Штрихкод", []) == [text(code, ".") for code in node.findall("c:Штрихкод", NS)]
        assert product["БазоваяЕдиница"]["НаименованиеПолное"] == text(node, "c:БазоваяЕдиница/@НаименованиеПолное")
        assert product["Удален"] is (node.get("Статус") == "Удален")
        assert product["ПутьГруппы"] == group_path(folder, text(node, "c:Группы/c:Ид"))
        assert product.get("Свойства", {}) == properties(folder, node)
        assert product["Реквизиты"] == {
            text(entry, "c:Наименование"): text(entry, "c:Значение")
            for entry in node.findall("c:ЗначенияРеквизитов/c:ЗначениеРеквизита", NS)
        }
    assert sum(product["Удален"] for product in products.values()) == ("groups" not in folder.name)


def group_path(folder: Path, group: str) -> list[str]:
    (node,) = found(folder, f"//c:Группа[c:Ид='{group}']")
    return [text(above, "c:Наименование") for above in node.xpath("ancestor-or-self::c:Группа", namespaces=NS)]


def properties(folder: Path, node: Any) -> dict[str, str]:
    values = {}
    (classifier,) = found(folder, "//c:Классификатор[c:Свойства]")
    for entry in node.findall("c:ЗначенияСвойств/c:ЗначенияСвойства", NS):
        described = classifier.xpath(f"c:Свойства/c:Свойство[c:Ид='{text(entry, 'c:Ид')}']", namespaces=NS)[0]
        value = text(entry, "c:Значение")
        listed = text(described, f".//c:Справочник[c:ИдЗначения='{value}']/c:Значение") if value else ""
        if value:
            values[text(described, "c:Наименование")] = listed or value
    return values


def test_offers_without_a_good_are_products_of_their_own(specs: Path) -> None:
    for name, count in (("ut-2.07", 8), ("bitrix-module-2.09", 978)):
        folder = specs / "data" / "commerceml" / name
        goods = {text(node, "c:Ид") for node in found(folder, "//c:Товар")}
        offers = {text(node, "c:Ид"): node for node in found(folder, "//c:Предложение[c:Наименование]")}
        products = by_id(natives(CommerceML(folder).products()))
        assert len(products.keys() - goods) == count
        assert products.keys() == offers.keys() | goods
        for id_ in products.keys() - goods:
            assert products[id_]["Наименование"] == text(offers[id_], "c:Наименование")
            assert products[id_].get("Артикул", "") == text(offers[id_], "c:Артикул")


def test_what_says_that_it_holds_changes_only_is_partial(specs: Path) -> None:
    for name, partial in (("ut-2.07", False), ("bitrix-module-2.09", True)):
        source = CommerceML(specs / "data" / "commerceml" / name)
        for pages in (source.products(), source.prices(), source.stocks()):
            assert {page.partial for page in pages} == {partial}


def test_a_catalogue_alone_says_nothing_of_prices_and_rests(specs: Path) -> None:
    source = CommerceML(specs / "data" / "commerceml" / "ut-2.07-nested-groups")
    for pages in (source.prices(), source.stocks()):
        assert [(page.partial, list(page.slices)) for page in pages] == [(True, [])]
    assert not any(page.partial for page in source.products())


def test_real_exports_have_no_problem(specs: Path) -> None:
    for name in ("ut-2.07", "bitrix-module-2.09"):
        assert list(CommerceML(specs / "data" / "commerceml" / name).problems()) == []
