from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.onec.commerceml import CommerceML
from obmen.records import Native

from .commerceml_kit import catalogue, document, good, natives, offer, package, price, write

WAREHOUSES = (
    "<Склады><Склад><Ид>w1</Ид><Наименование>Основной</Наименование></Склад>"
    "<Склад><Ид>w2</Ид><Наименование>Дальний</Наименование></Склад></Склады>"
)
TYPES = (
    "<ТипыЦен><ТипЦены><Ид>розница</Ид><Наименование>Розничная</Наименование><Валюта>RUB</Валюта></ТипЦены>"
    "<ТипЦены><Ид>опт</Ид><Наименование>Оптовая</Наименование><Валюта>USD</Валюта></ТипЦены></ТипыЦен>"
)
CLASSIFIER = """<Классификатор><Группы>
<Группа><Ид>g1</Ид><Наименование>Одежда</Наименование><Группы>
<Группа><Ид>g2</Ид><Наименование>Куртки</Наименование></Группа></Группы></Группа></Группы>
<Свойства><Свойство><Ид>p1</Ид><Наименование>Цвет</Наименование><ТипЗначений>Справочник</ТипЗначений>
<ВариантыЗначений><Справочник><ИдЗначения>v1</ИдЗначения><Значение>синий</Значение></Справочник>
<Справочник><ИдЗначения>v2</ИдЗначения><Значение>белый</Значение></Справочник></ВариантыЗначений></Свойство>
<Свойство><Ид>p2</Ид><Наименование>Вес</Наименование><ТипЗначений>Число</ТипЗначений></Свойство></Свойства>
<ЕдиницыИзмерения><ЕдиницаИзмерения><Ид>u1</Ид><НаименованиеКраткое>шт</НаименованиеКраткое><Код>796 </Код>
<НаименованиеПолное>Штука</НаименованиеПолное></ЕдиницаИзмерения></ЕдиницыИзмерения></Классификатор>"""


def prices(tmp_path: Path, *offers: str, head: str = TYPES) -> list[Native]:
    return natives(CommerceML(write(tmp_path / "o.xml", document(package(*offers, head=head)))).prices())


def stocks(tmp_path: Path, *offers: str, head: str = WAREHOUSES) -> list[Native]:
    return natives(CommerceML(write(tmp_path / "o.xml", document(package(*offers, head=head)))).stocks())


def product(tmp_path: Path, *parts: str) -> Native:
    (native,) = natives(CommerceML(write(tmp_path / "i.xml", document(*parts))).products())
    return native


def at(warehouse: str, count: str) -> str:
    return f'<Склад ИдСклада="{warehouse}" КоличествоНаСкладе="{count}"/>'


def held(*rests: tuple[str, str]) -> str:
    inner = "".join(
        f"<Склад><Ид>{warehouse}</Ид><Количество>{count}</Количество></Склад>" for warehouse, count in rests
    )
    return f"<Остаток>{inner}</Остаток>"


@pytest.mark.parametrize(
    ("rests", "expected"),
    [
        (at("w1", "3") + at("w2", "0"), {"w1": "3", "w2": "0"}),
        ((at("w1", "3") + at("w2", "1")).replace("Склад ", "Склады "), {"w1": "3", "w2": "1"}),
        (at("w1", ""), {"w1": "0"}),
        ("<Количество>9</Количество>" + at("w1", "9"), {"w1": "9"}),
        (f"<Остатки>{held(('w1', '4'))}</Остатки>", {"w1": "4"}),
        (f"<Остатки>{held(('w1', '4'), ('w2', '5'))}</Остатки>", {"w1": "4", "w2": "5"}),
        (f"<Остатки>{held(('w1', '4'))}{held(('w2', '5'))}</Остатки>", {"w1": "4", "w2": "5"}),
        ("<Склады><Склад><Ид>w1</Ид><Количество>6</Количество></Склад></Склады>", {"w1": "6"}),
        (f"<Количество>7</Количество><Остатки>{held(('w2', '7'))}</Остатки>", {"w2": "7"}),
        ("<Остатки><Остаток><Количество>8</Количество></Остаток></Остатки>", {"": "8"}),
        ("<Количество>8</Количество>", {"": "8"}),
        ("<Количество>-3.5</Количество>", {"": "-3.5"}),
        ("<Количество>много</Количество>", {"": "много"}),
        ("<Количество/>", {}),
        ("", {}),
    ],
)
def test_rests_in_every_spelling(tmp_path: Path, rests: str, expected: dict[str, str]) -> None:
    found = stocks(tmp_path, offer("a", rests))
    assert {native["ИдСклада"]: native["Количество"] for native in found} == expected
    assert {native["Ид"] for native in found} <= {"a"}
    shown = {"w1": "Основной", "w2": "Дальний", "": "Основной склад"}
    assert all(native["Склад"] == shown[native["ИдСклада"]] for native in found)


def test_names_that_are_not_known_or_not_alone_leave_the_id(tmp_path: Path) -> None:
    head = WAREHOUSES.replace("Дальний", "Основной") + TYPES.replace("Оптовая", "Розничная")
    rests = "".join(f'<Склад ИдСклада="{w}" КоличествоНаСкладе="1"/>' for w in ("w1", "w2", "w3"))
    assert [n["Склад"] for n in stocks(tmp_path, offer("a", rests), head=head)] == ["w1", "w2", "w3"]
    source = CommerceML(tmp_path / "o.xml")
    assert source.warehouses() == {"w1": "w1", "w2": "w2"}
    assert source.price_types() == {"розница": "розница", "опт": "опт"}
    assert [problem.code for problem in source.problems()][:2] == ["doubled_price_type", "doubled_warehouse"]


def test_prices_by_type_in_their_currency(tmp_path: Path) -> None:
    both = price("5", extra="") + price("4", "опт", "") + price("3", "иной", "<Валюта>EUR</Валюта>")
    found = prices(tmp_path, offer("a", both.replace("</Цены><Цены>", "")))
    assert found == [
        {"Ид": "a", "ИдТипаЦены": "розница", "ТипЦены": "Розничная", "ЦенаЗаЕдиницу": "5", "Валюта": "RUB"},
        {"Ид": "a", "ИдТипаЦены": "опт", "ТипЦены": "Оптовая", "ЦенаЗаЕдиницу": "4", "Валюта": "USD"},
        {"Ид": "a", "ИдТипаЦены": "иной", "ТипЦены": "иной", "ЦенаЗаЕдиницу": "3", "Валюта": "EUR"},
    ]


def test_the_price_of_the_base_unit_is_taken_where_packs_have_their_own(tmp_path: Path) -> None:
    pack = "<Валюта>RUB</Валюта><Единица>уп</Единица><Коэффициент>12</Коэффициент>"
    piece = "<Валюта>RUB</Валюта><Единица>шт</Единица><Коэффициент>1.000</Коэффициент>"
    for order in ((pack, piece), (piece, pack)):
        listed = "".join(price("120" if extra is pack else "11", extra=extra) for extra in order)
        (found,) = prices(tmp_path, offer("a", listed.replace("</Цены><Цены>", "")))
        assert (found["ЦенаЗаЕдиницу"], found["Единица"]) == ("11", "шт")
    (found,) = prices(tmp_path, offer("a", price("120", extra=pack)))
    assert found["Коэффициент"] == "12"


@pytest.mark.parametrize("amount", ["договорная", "-5", "1e400", "", "1 990,00", "NaN"])
def test_bad_prices_are_left_for_the_mapping_to_refuse(tmp_path: Path, amount: str) -> None:
    (found,) = prices(tmp_path, offer("a", price(amount)))
    assert found.get("ЦенаЗаЕдиницу", "") == amount


def test_a_characteristic_in_an_element_of_its_own_is_part_of_the_id(tmp_path: Path) -> None:
    (found,) = prices(tmp_path, offer("a", f"<ИдХарактеристики>x</ИдХарактеристики>{price('5')}"))
    assert found["Ид"] == "a#x"


def test_a_good_in_full(tmp_path: Path) -> None:
    found = product(
        tmp_path,
        CLASSIFIER,
        catalogue(
            """<Товар><Ид> a </Ид><НомерВерсии>AAAB</НомерВерсии><Штрихкод>1</Штрихкод><Штрихкод>2</Штрихкод>
            <Артикул>А-1</Артикул><Наименование>Куртка &amp; «Проба»</Наименование>
            <БазоваяЕдиница Код="796 " НаименованиеПолное="Штука" МеждународноеСокращение="PCE">шт</БазоваяЕдиница>
            <Группы><Ид>g0</Ид><Ид>g2</Ид></Группы><Описание>Тёплая.
            Очень.</Описание><Картинка>import_files/1.jpg</Картинка>
            <Изготовитель><Ид>m</Ид><Наименование>Выдумкино</Наименование></Изготовитель>
            <ЗначенияСвойств><ЗначенияСвойства><Ид>p1</Ид><Значение>v1</Значение><Значение>v2</Значение></ЗначенияСвойства>
            <ЗначенияСвойства><Ид>p2</Ид><Значение>1,4</Значение></ЗначенияСвойства>
            <ЗначенияСвойства><Ид>p3</Ид><Наименование>Сорт</Наименование><Значение>1</Значение></ЗначенияСвойства>
            <ЗначенияСвойства><Ид>p4</Ид><Значение/></ЗначенияСвойства>
            <ЗначенияСвойства><Ид>p5</Ид><ИдЗначения>z</ИдЗначения></ЗначенияСвойства></ЗначенияСвойств>
            <СтавкиНалогов><СтавкаНалога><Наименование>НДС</Наименование><Ставка>20</Ставка></СтавкаНалога></СтавкиНалогов>
            <ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>ОписаниеФайла</Наименование><Значение>x</Значение></ЗначениеРеквизита>
            <ЗначениеРеквизита><Наименование>ОписаниеФайла</Наименование><Значение>y</Значение></ЗначениеРеквизита></ЗначенияРеквизитов>
            </Товар>"""
        ),
    )
    assert found == {
        "Ид": "a",
        "НомерВерсии": "AAAB",
        "Штрихкод": ["1", "2"],
        "Артикул": "А-1",
        "Наименование": "Куртка & «Проба»",
        "БазоваяЕдиница": {
            "Код": "796",
            "НаименованиеПолное": "Штука",
            "МеждународноеСокращение": "PCE",
            "НаименованиеКраткое": "шт",
        },
        "Группы": ["g0", "g2"],
        "ПутьГруппы": ["Одежда", "Куртки"],
        "Описание": "Тёплая.\n            Очень.",
        "Картинка": ["import_files/1.jpg"],
        "Изготовитель": {"Ид": "m", "Наименование": "Выдумкино"},
        "Свойства": {"Цвет": "синий; белый", "Вес": "1,4", "Сорт": "1", "p5": "z"},
        "СтавкиНалогов": {"НДС": "20"},
        "Реквизиты": {"ОписаниеФайла": "x; y"},
        "Удален": False,
    }


@pytest.mark.parametrize("said", ["796", "u1"])
def test_a_unit_may_be_named_by_its_code(tmp_path: Path, said: str) -> None:
    found = product(tmp_path, CLASSIFIER, catalogue(good("a", extra=f"<БазоваяЕдиница>{said}</БазоваяЕдиница>")))
    assert found["БазоваяЕдиница"]["НаименованиеКраткое"] == ("шт" if said == "796" else "u1")
    assert found["БазоваяЕдиница"]["НаименованиеПолное"] == "Штука"


@pytest.mark.parametrize(
    ("element", "deleted"),
    [
        ('<Товар Статус="Удален"><Ид>a</Ид></Товар>', True),
        ('<Товар Статус="Удалён"><Ид>a</Ид></Товар>', True),
        ('<Товар Статус="Изменен"><Ид>a</Ид></Товар>', False),
        ("<Товар><Ид>a</Ид><Статус>Удален</Статус></Товар>", True),
        ("<Товар><Ид>a</Ид><ПометкаУдаления>true</ПометкаУдаления></Товар>", True),
        ("<Товар><Ид>a</Ид><ПометкаУдаления>false</ПометкаУдаления></Товар>", False),
        ("<Товар><Ид>a</Ид></Товар>", False),
    ],
)
def test_what_1c_deleted_says_so(tmp_path: Path, element: str, deleted: bool) -> None:
    assert product(tmp_path, catalogue(element)) == {"Ид": "a", "Удален": deleted}


def test_what_is_declared_for_all_decides_the_salt(tmp_path: Path) -> None:
    def salts(text: str) -> list[bytes]:
        source = CommerceML(write(tmp_path / "all.xml", text))
        return [next(iter(pages)).salt for pages in (source.products(), source.prices(), source.stocks())]

    said = offer("a", price("5") + "<Количество>1</Количество>")
    text = document(CLASSIFIER, catalogue(good("a")), package(said, head=WAREHOUSES + TYPES))
    before = salts(text)
    assert salts(text.replace("<Количество>1", "<Количество>2")) == before
    for place, (old, new) in enumerate((("синий", "голубой"), ("Розничная", "Базовая"), ("Дальний", "Ближний"))):
        after = salts(text.replace(old, new))
        assert [one != other for one, other in zip(before, after, strict=True)] == [n == place for n in range(3)]


def everything(value: Any) -> Any:
    if isinstance(value, dict):
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)
    else:
        yield value


def test_natives_are_plain_json_without_white_space_around(tmp_path: Path) -> None:
    extra = '<Вложение а=" б "><в> г </в><в xmlns:x="urn:x" x:тип="д">е</в>ж</Вложение>'
    found = product(tmp_path, catalogue(good("a", extra=extra)))
    assert found["Вложение"] == {"а": "б", "в": ["г", "е"]}
    assert all(isinstance(leaf, bool) or (isinstance(leaf, str) and leaf == leaf.strip()) for leaf in everything(found))
