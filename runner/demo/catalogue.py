"""Writes invented goods as the CommerceML export of 1C:Управление торговлей would.

The demonstration needs an input that anybody may have, and benches one of any size; both are read by the
same connector that reads real exports, so the files follow their shape (schema 2.07, two files, a byte
order mark, tabs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape

from runner.demo.goods import (
    COUNTRIES,
    KINDS,
    PRICE_TYPES,
    UNIT,
    WAREHOUSES,
    Good,
    Variant,
    comma,
    fixed_id,
    kopecks,
    make_good,
)

_CATALOGUE = fixed_id("catalogue")
_TEXT_PROPERTIES = ("Серия", "Цвет", "Вес_кг", "Длина_мм", "Ширина_мм", "Высота_мм")
_LISTED_PROPERTIES = ("Материал", "Страна")
_MADE_AT = datetime(2026, 2, 2, 9, 0)  # noqa: DTZ001 - 1C writes local times without a zone
_CODE, _FULL, _INTERNATIONAL, _SHORT = UNIT
_BASE_UNIT = (
    f'<БазоваяЕдиница Код="{_CODE} " НаименованиеПолное="{_FULL}" МеждународноеСокращение="{_INTERNATIONAL}">'
    f"{_SHORT}<Пересчет><Единица>{_CODE}</Единица><Коэффициент>1</Коэффициент></Пересчет></БазоваяЕдиница>"
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a catalogue holds: ``offers`` counts the sellable variants, ``files`` is what to read."""

    goods: int
    offers: int
    files: tuple[Path, ...]


def write_catalogue(
    folder: Path, goods: int, seed: int, *, repriced: Collection[int] = (), restocked: Collection[int] = ()
) -> Written:
    """Write ``import0_1.xml`` and ``offers0_1.xml`` with so many goods into a folder.

    ``repriced`` and ``restocked`` are numbers of goods (from 0) whose prices are 5 % higher, or whose first
    warehouse holds one piece more, than in the catalogue without them; all else stays byte for byte.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = (
        _changed(make_good(seed, number), number in repriced, number in restocked) for number in range(goods)
    )
    return write_goods(folder, made)


def write_goods(folder: Path, goods: Iterator[Good], *, offers: int | None = None) -> Written:
    """Write goods as they come, in constant memory; stop after so many offers, where that is given."""
    count = sold = 0
    paths = folder / "import0_1.xml", folder / "offers0_1.xml"
    with ExitStack() as stack:
        catalogue, package = (stack.enter_context(path.open("w", encoding="utf-8-sig")) for path in paths)
        _head(catalogue)
        catalogue.write(_classifier())
        catalogue.write(_catalogue_head())
        _head(package)
        package.write(_package_head())
        for good in goods:
            kept = good.variants if offers is None else good.variants[: offers - sold]
            catalogue.write(good_xml(good))
            package.writelines(offer_xml(good, variant) for variant in kept)
            count, sold = count + 1, sold + len(kept)
            if sold == offers:
                break
        catalogue.write("\t\t</Товары>\n\t</Каталог>\n</КоммерческаяИнформация>\n")
        package.write("\t\t</Предложения>\n\t</ПакетПредложений>\n</КоммерческаяИнформация>\n")
    return Written(count, sold, paths)


def _changed(good: Good, dearer: bool, fuller: bool) -> Good:
    def change(variant: Variant) -> Variant:
        prices, stock = variant.prices, variant.stock
        if dearer:
            prices = {name: kopecks(price * Decimal("1.05")) for name, price in prices.items()}
        if fuller:
            stock = stock | {WAREHOUSES[0]: stock[WAREHOUSES[0]] + 1}
        return replace(variant, prices=prices, stock=stock)

    return replace(good, variants=tuple(change(variant) for variant in good.variants))


def _head(file: TextIO) -> None:
    file.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' ВерсияСхемы="2.07" ДатаФормирования="{_MADE_AT.isoformat()}">\n'
    )


def _classifier() -> str:
    return _element(
        "Классификатор",
        f"<Ид>{_CATALOGUE}</Ид><Наименование>Классификатор (Выдуманный каталог)</Наименование>",
        _owner(),
        _element("Группы", *_groups()),
        _element("Свойства", *_properties()),
    )


def _groups() -> Iterator[str]:
    for upper in dict.fromkeys(kind.upper for kind in KINDS):
        below = (_element("Группа", _named(kind.group)) for kind in KINDS if kind.upper == upper)
        yield _element("Группа", _named(upper), _element("Группы", *below))


def _properties() -> Iterator[str]:
    for name in _TEXT_PROPERTIES:
        yield _element("Свойство", _named(name), _element("ТипЗначений", "Строка"))
    materials = dict.fromkeys(material for kind in KINDS for material in kind.materials)
    for name, values in (("Материал", materials), ("Страна", COUNTRIES)):
        listed = (_listed_value(name, value) for value in values)
        type_ = _element("ТипЗначений", "Справочник")
        yield _element("Свойство", _named(name), type_, _element("ВариантыЗначений", *listed))


def _catalogue_head() -> str:
    return (
        '\t<Каталог СодержитТолькоИзменения="false">\n'
        f"\t\t<Ид>{_CATALOGUE}</Ид>\n\t\t<ИдКлассификатора>{_CATALOGUE}</ИдКлассификатора>\n"
        f"\t\t<Наименование>Выдуманный каталог</Наименование>\n\t\t{_owner()}\t\t<Товары>\n"
    )


def _package_head() -> str:
    types = "".join(_element("ТипЦены", _named(name), "<Валюта>RUB</Валюта>") for name in PRICE_TYPES)
    stores = "".join(_element("Склад", _named(name)) for name in WAREHOUSES)
    return (
        '\t<ПакетПредложений СодержитТолькоИзменения="false">\n'
        f"\t\t<Ид>{_CATALOGUE}#</Ид>\n\t\t<Наименование>Пакет предложений (Выдуманный каталог)</Наименование>\n"
        f"\t\t<ИдКаталога>{_CATALOGUE}</ИдКаталога>\n\t\t<ИдКлассификатора>{_CATALOGUE}</ИдКлассификатора>\n"
        f"\t\t{_element('ТипыЦен', types)}\t\t{_element('Склады', stores)}\t\t<Предложения>\n"
    )


def good_xml(good: Good) -> str:
    """Return the good as an element of a catalogue."""
    values = "".join(
        f"\t\t\t\t\t<ЗначенияСвойства>\n\t\t\t\t\t\t<Ид>{fixed_id(name)}</Ид>\n"
        f"\t\t\t\t\t\t<Значение>{_value(name, value)}</Значение>\n\t\t\t\t\t</ЗначенияСвойства>\n"
        for name, value in good.attributes.items()
    )
    requisites = {
        "ВидНоменклатуры": good.kind.group,
        "ТипНоменклатуры": "Товар",
        "Полное наименование": good.name,
    }
    return (
        f"\t\t\t<Товар>\n\t\t\t\t<Ид>{good.id}</Ид>\n"
        + ("" if good.varied else f"\t\t\t\t<Штрихкод>{good.variants[0].barcode}</Штрихкод>\n")
        + f"\t\t\t\t<Артикул>{good.article}</Артикул>\n\t\t\t\t<Наименование>{escape(good.name)}</Наименование>\n"
        f"\t\t\t\t{_BASE_UNIT}\n\t\t\t\t<Группы>\n\t\t\t\t\t<Ид>{fixed_id(good.kind.group)}</Ид>\n\t\t\t\t</Группы>\n"
        f"\t\t\t\t<Описание>{escape(good.description)}</Описание>\n"
        f"\t\t\t\t<Изготовитель>\n\t\t\t\t\t<Ид>{fixed_id(good.brand)}</Ид>\n"
        f"\t\t\t\t\t<Наименование>{escape(good.brand)}</Наименование>\n\t\t\t\t</Изготовитель>\n"
        f"\t\t\t\t<ЗначенияСвойств>\n{values}\t\t\t\t</ЗначенияСвойств>\n"
        f"\t\t\t\t<СтавкиНалогов>\n\t\t\t\t\t<СтавкаНалога>\n\t\t\t\t\t\t<Наименование>НДС</Наименование>\n"
        f"\t\t\t\t\t\t<Ставка>{good.vat}</Ставка>\n\t\t\t\t\t</СтавкаНалога>\n\t\t\t\t</СтавкиНалогов>\n"
        f"\t\t\t\t<ЗначенияРеквизитов>\n{_pairs('ЗначениеРеквизита', requisites)}"
        "\t\t\t\t</ЗначенияРеквизитов>\n\t\t\t</Товар>\n"
    )


def offer_xml(good: Good, variant: Variant) -> str:
    """Return one variant as an element of an offers package."""
    traits = {"Размер": variant.size, "Цвет": good.attributes["Цвет"]}
    name = f"{good.name} ({variant.size})" if variant.size else good.name
    prices = "".join(_price(type_, amount) for type_, amount in variant.prices.items())
    stores = "".join(
        f'\t\t\t\t<Склад ИдСклада="{fixed_id(store)}" КоличествоНаСкладе="{count}"/>\n'
        for store, count in variant.stock.items()
    )
    return (
        f"\t\t\t<Предложение>\n\t\t\t\t<Ид>{variant.id}</Ид>\n\t\t\t\t<Штрихкод>{variant.barcode}</Штрихкод>\n"
        f"\t\t\t\t<Артикул>{variant.article}</Артикул>\n\t\t\t\t<Наименование>{escape(name)}</Наименование>\n"
        f"\t\t\t\t{_BASE_UNIT}\n"
        + (
            f"\t\t\t\t<ХарактеристикиТовара>\n{_pairs('ХарактеристикаТовара', traits)}\t\t\t\t</ХарактеристикиТовара>\n"
            if variant.size
            else ""
        )
        + f"\t\t\t\t<Цены>\n{prices}\t\t\t\t</Цены>\n"
        f"\t\t\t\t<Количество>{sum(variant.stock.values())}</Количество>\n{stores}\t\t\t</Предложение>\n"
    )


def _price(type_: str, amount: Decimal) -> str:
    return (
        f"\t\t\t\t\t<Цена>\n\t\t\t\t\t\t<Представление>{comma(amount)} RUB за {_SHORT}</Представление>\n"
        f"\t\t\t\t\t\t<ИдТипаЦены>{fixed_id(type_)}</ИдТипаЦены>\n"
        f"\t\t\t\t\t\t<ЦенаЗаЕдиницу>{comma(amount).replace(',', '.')}</ЦенаЗаЕдиницу>\n"
        f"\t\t\t\t\t\t<Валюта>RUB</Валюта>\n\t\t\t\t\t\t<Единица>{_SHORT}</Единица>\n"
        "\t\t\t\t\t\t<Коэффициент>1</Коэффициент>\n\t\t\t\t\t</Цена>\n"
    )


def _pairs(name: str, values: dict[str, str]) -> str:
    return "".join(
        f"\t\t\t\t\t<{name}>\n\t\t\t\t\t\t<Наименование>{escape(key)}</Наименование>\n"
        f"\t\t\t\t\t\t<Значение>{escape(value)}</Значение>\n\t\t\t\t\t</{name}>\n"
        for key, value in values.items()
    )


def _value(name: str, value: str) -> str:
    return fixed_id(f"{name}={value}") if name in _LISTED_PROPERTIES else escape(value)


def _listed_value(name: str, value: str) -> str:
    return _element(
        "Справочник", f"<ИдЗначения>{fixed_id(f'{name}={value}')}</ИдЗначения><Значение>{value}</Значение>"
    )


def _named(name: str) -> str:
    return f"<Ид>{fixed_id(name)}</Ид><Наименование>{name}</Наименование>"


def _owner() -> str:
    return _element("Владелец", _named("ООО «Вымышленная торговля»"))


def _element(name: str, *parts: str) -> str:
    return f"<{name}>{''.join(parts)}</{name}>\n"
