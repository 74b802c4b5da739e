"""Writes invented goods as the CommerceML export of 1C:Управление торговлей would.

The demonstration needs an input that anybody may have, and benches one of any size; both are read by the
same connector that reads real exports, so the files follow their shape (schema 2.07, two files, a byte
order mark, tabs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
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
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2"'
    ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' ВерсияСхемы="2.07" ДатаФормирования="{_MADE_AT.isoformat()}">\n'
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
    made = (_changed(make_good(seed, number), number in repriced, number in restocked) for number in range(goods))
    return write_pieces(folder, ((good_xml(good), offers_xml(good)) for good in made))


def write_pieces(folder: Path, pieces: Iterable[tuple[str, Sequence[str]]]) -> Written:
    """Write goods that are XML already, each with its offers, as they come and in constant memory."""
    folder.mkdir(parents=True, exist_ok=True)
    goods = offers = 0
    paths = folder / "import0_1.xml", folder / "offers0_1.xml"
    with ExitStack() as stack:
        catalogue, package = (stack.enter_context(path.open("w", encoding="utf-8-sig")) for path in paths)
        catalogue.writelines((_HEAD, _classifier(), _catalogue_head()))
        package.writelines((_HEAD, _package_head()))
        for good, sold in pieces:
            catalogue.write(good)
            package.writelines(sold)
            goods, offers = goods + 1, offers + len(sold)
        catalogue.write("\t\t</Товары>\n\t</Каталог>\n</КоммерческаяИнформация>\n")
        package.write("\t\t</Предложения>\n\t</ПакетПредложений>\n</КоммерческаяИнформация>\n")
    return Written(goods, offers, paths)


def _changed(good: Good, dearer: bool, fuller: bool) -> Good:
    def change(variant: Variant) -> Variant:
        prices, stock = variant.prices, variant.stock
        if dearer:
            prices = {name: kopecks(price * Decimal("1.05")) for name, price in prices.items()}
        if fuller:
            stock = stock | {WAREHOUSES[0]: stock[WAREHOUSES[0]] + 1}
        return replace(variant, prices=prices, stock=stock)

    return replace(good, variants=tuple(change(variant) for variant in good.variants))


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
        f"\t\t<Ид>{_CATALOGUE}</Ид>\n"
        f"\t\t<ИдКлассификатора>{_CATALOGUE}</ИдКлассификатора>\n"
        "\t\t<Наименование>Выдуманный каталог</Наименование>\n"
        f"\t\t{_owner()}\t\t<Товары>\n"
    )


def _package_head() -> str:
    types = (_element("ТипЦены", _named(name), "<Валюта>RUB</Валюта>") for name in PRICE_TYPES)
    stores = (_element("Склад", _named(name)) for name in WAREHOUSES)
    return (
        '\t<ПакетПредложений СодержитТолькоИзменения="false">\n'
        f"\t\t<Ид>{_CATALOGUE}#</Ид>\n"
        "\t\t<Наименование>Пакет предложений (Выдуманный каталог)</Наименование>\n"
        f"\t\t<ИдКаталога>{_CATALOGUE}</ИдКаталога>\n"
        f"\t\t<ИдКлассификатора>{_CATALOGUE}</ИдКлассификатора>\n"
        f"\t\t{_element('ТипыЦен', *types)}\t\t{_element('Склады', *stores)}\t\t<Предложения>\n"
    )


def good_xml(good: Good) -> str:
    """Return the good as an element of a catalogue."""
    barcode = "" if good.varied else f"\t\t\t\t<Штрихкод>{good.variants[0].barcode}</Штрихкод>\n"
    requisites = {
        "ВидНоменклатуры": good.kind.group,
        "ТипНоменклатуры": "Товар",
        "Полное наименование": good.name,
    }
    return (
        f"\t\t\t<Товар>\n\t\t\t\t<Ид>{good.id}</Ид>\n{barcode}"
        f"\t\t\t\t<Артикул>{good.article}</Артикул>\n"
        f"\t\t\t\t<Наименование>{escape(good.name)}</Наименование>\n\t\t\t\t{_BASE_UNIT}\n"
        f"\t\t\t\t<Группы>\n\t\t\t\t\t<Ид>{fixed_id(good.kind.group)}</Ид>\n\t\t\t\t</Группы>\n"
        f"\t\t\t\t<Описание>{escape(good.description)}</Описание>\n"
        f"\t\t\t\t<Изготовитель>\n\t\t\t\t\t<Ид>{fixed_id(good.brand)}</Ид>\n"
        f"\t\t\t\t\t<Наименование>{escape(good.brand)}</Наименование>\n\t\t\t\t</Изготовитель>\n"
        f"{_entries('ЗначенияСвойств', 'ЗначенияСвойства', 'Ид', _values(good))}"
        f"\t\t\t\t<СтавкиНалогов>\n\t\t\t\t\t<СтавкаНалога>\n\t\t\t\t\t\t<Наименование>НДС</Наименование>\n"
        f"\t\t\t\t\t\t<Ставка>{good.vat}</Ставка>\n\t\t\t\t\t</СтавкаНалога>\n\t\t\t\t</СтавкиНалогов>\n"
        f"{_entries('ЗначенияРеквизитов', 'ЗначениеРеквизита', 'Наименование', requisites)}\t\t\t</Товар>\n"
    )


def offers_xml(good: Good) -> list[str]:
    """Return the good's variants as elements of an offers package."""
    return [_offer_xml(good, variant) for variant in good.variants]


def _offer_xml(good: Good, variant: Variant) -> str:
    name, traits = good.name, ""
    if variant.size:
        name = f"{name} ({variant.size})"
        values = {"Размер": variant.size, "Цвет": good.attributes["Цвет"]}
        traits = _entries("ХарактеристикиТовара", "ХарактеристикаТовара", "Наименование", values)
    prices = "".join(_price(type_, amount) for type_, amount in variant.prices.items())
    stores = "".join(
        f'\t\t\t\t<Склад ИдСклада="{fixed_id(store)}" КоличествоНаСкладе="{count}"/>\n'
        for store, count in variant.stock.items()
    )
    return (
        f"\t\t\t<Предложение>\n\t\t\t\t<Ид>{variant.id}</Ид>\n"
        f"\t\t\t\t<Штрихкод>{variant.barcode}</Штрихкод>\n\t\t\t\t<Артикул>{variant.article}</Артикул>\n"
        f"\t\t\t\t<Наименование>{escape(name)}</Наименование>\n\t\t\t\t{_BASE_UNIT}\n{traits}"
        f"\t\t\t\t<Цены>\n{prices}\t\t\t\t</Цены>\n"
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


def _entries(name: str, entry: str, key: str, values: dict[str, str]) -> str:
    entries = "".join(
        f"\t\t\t\t\t<{entry}>\n\t\t\t\t\t\t<{key}>{escape(known_by)}</{key}>\n"
        f"\t\t\t\t\t\t<Значение>{escape(value)}</Значение>\n\t\t\t\t\t</{entry}>\n"
        for known_by, value in values.items()
    )
    return f"\t\t\t\t<{name}>\n{entries}\t\t\t\t</{name}>\n"


def _values(good: Good) -> dict[str, str]:
    """Values of properties by their ids; those of a list by the value's id."""
    return {
        fixed_id(name): fixed_id(f"{name}={value}") if name in _LISTED_PROPERTIES else value
        for name, value in good.attributes.items()
    }


def _listed_value(name: str, value: str) -> str:
    return _element("Справочник", f"<ИдЗначения>{fixed_id(f'{name}={value}')}</ИдЗначения><Значение>{value}</Значение>")


def _named(name: str) -> str:
    return f"<Ид>{fixed_id(name)}</Ид><Наименование>{name}</Наименование>"


def _owner() -> str:
    return _element("Владелец", _named("ООО «Вымышленная торговля»"))


def _element(name: str, *parts: str) -> str:
    return f"<{name}>{''.join(parts)}</{name}>\n"
