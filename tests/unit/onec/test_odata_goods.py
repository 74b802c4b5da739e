"""Goods of a base in its three versions: what their records hold, and that only what is new is fetched."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest

from connectors.onec.odata.needs import CHARACTERISTICS, GOODS
from connectors.onec.sandbox import references
from connectors.onec.sandbox.hands.goods import Variant
from obmen.errors import ConfigurationError, Denied
from tests.unit.onec.goods_kit import VERSIONS, by_item, changed, door, natives, natives_of, prints
from tests.unit.onec.odata_support import deliver, payload

every_version = pytest.mark.parametrize("version", VERSIONS)


@every_version
def test_a_good_is_told_in_words_not_in_references(version: str) -> None:
    with door(version) as one:
        group = one.ut.add_group("Чайники", one.ut.add_group("Кухня"))
        good = one.ut.add_good(
            "Чайник",
            "A-1",
            group=group,
            barcodes=["2000000000022", "2000000000015"],
            attributes={"Цвет": "Красный", "Объём": Decimal("1.40"), "Новинка": True, "С": datetime(2026, 6, 15)},  # noqa: DTZ001 - 1C's own dates are naive
            texts={"Состав": "сталь"},
            brand="Выдумка",
            maker="Завод проб",
            vat="10",
            weight=Decimal("1.25"),
            Описание="  Тёплый & тихий.\n",
        )
        (native,) = natives(one.goods().read(None))
    assert native.pop("Код").startswith("00-")
    assert native == {
        "Ид": good,
        "Артикул": "A-1",
        "Наименование": "Чайник",
        "НаименованиеПолное": "Чайник",
        "Описание": "Тёплый & тихий.",
        "ТипНоменклатуры": "Товар",
        "ВидНоменклатуры": "Товары",
        "ЕдиницаИзмерения": {"Код": "796", "Наименование": "шт"},
        "СтавкаНДС": "10",
        "Группы": ["Кухня", "Чайники"],
        "Марка": "Выдумка",
        "Производитель": "Завод проб",
        "Вес": Decimal("1.25"),
        "ДополнительныеРеквизиты": {
            "Цвет": "Красный",
            "Объём": "1,4",
            "Новинка": "Да",
            "С": "15.06.2026",
            "Состав": "сталь",
        },
        "Штрихкоды": ["2000000000015", "2000000000022"],
        "ПометкаУдаления": False,
    }


@every_version
@pytest.mark.parametrize("rate", ["none", "0", "10", "20"])
def test_vat_is_told_in_one_way_by_enumeration_and_by_catalog(version: str, rate: str) -> None:
    with door(version) as one:
        one.ut.add_good("Чайник", vat=rate)
        (native,) = natives(one.goods().read(None))
    assert native["СтавкаНДС"] == ("Без НДС" if rate == "none" else rate)


@pytest.mark.field("B5")
@every_version
def test_what_is_sold_in_characteristics_is_one_product_each_and_none_itself(version: str) -> None:
    with door(version) as one:
        plain = one.ut.add_good("Чайник", "A-1", barcodes=["2000000000015"])
        coat = one.ut.add_good(
            "Куртка",
            "B-1",
            barcodes=["2000000000039"],
            attributes={"Цвет": "Любой", "Сезон": "Зима"},
            characteristics=["S", Variant("XL", barcodes=["2000000000022"], attributes={"Цвет": "Синий"})],
        )
        large, small = (one.ut.characteristic(coat, name) for name in ("XL", "S"))
        found = by_item(natives(one.goods().read(None)))
        assert set(found) == {plain, large, small}
        assert found[plain]["Артикул"] == "A-1"
        native = found[large]
        assert "Артикул" not in native
        assert (native["ИдТовара"], native["АртикулТовара"], native["Характеристика"]) == (coat, "B-1", "XL")
        assert native["Наименование"] == "Куртка (XL)"
        assert native["Штрихкоды"] == ["2000000000022"]
        assert native["ДополнительныеРеквизиты"] == {"Цвет": "Синий", "Сезон": "Зима"}
        assert "Штрихкоды" not in found[small]
        lines = [{"Товар": item, "Количество": 1, "Цена": 10} for item in (plain, large)]
        assert deliver(one.onec, payload(Товары=lines)).kind == "done"
        (order,) = one.ut.state()["orders"]
    sold = [(row["Номенклатура_Key"], row["Характеристика_Key"]) for row in order["Товары"]]
    assert sold == [(plain, "00000000-0000-0000-0000-000000000000"), (coat, large.partition("#")[2])]


@every_version
def test_characteristics_of_a_kind_are_those_of_each_of_its_goods(version: str) -> None:
    with door(version) as one:
        kind = one.ut.add_kind("Обувь", ["40", "41"])
        boots = [one.ut.add_good(name, kind=kind) for name in ("Ботинки", "Сапоги")]
        found = by_item(natives(one.goods().read(None)))
        assert set(found) == {one.ut.characteristic(good, size) for good in boots for size in ("40", "41")}
        assert {native["Наименование"] for native in found.values()} >= {"Ботинки (40)", "Сапоги (41)"}


def test_a_good_that_has_no_characteristic_yet_is_sold_as_it_is() -> None:
    with door() as one:
        good = one.ut.add_good("Куртка", "B-1", ИспользованиеХарактеристик="ИндивидуальныеДляНоменклатуры")
        (native,) = natives(one.goods().read(None))
    assert (native["Ид"], native["Артикул"]) == (good, "B-1")


def test_characteristics_that_a_good_no_longer_uses_are_not_sold() -> None:
    with door() as one:
        good = one.ut.add_good("Куртка", "B-1", characteristics=["S"])
        one.ut.change(good, ИспользованиеХарактеристик="НеИспользовать")
        (native,) = natives(one.goods().read(None))
    assert native["Ид"] == good


def test_what_is_marked_for_deletion_is_told_so_and_folders_are_no_goods() -> None:
    with door() as one:
        one.ut.add_group("Пусто")
        good = one.ut.add_good("Чайник")
        coat = one.ut.add_good("Куртка", characteristics=["S", "L"])
        gone = one.ut.characteristic(coat, "S")
        one.ut.mark_deleted(good)
        one.ut.mark_deleted(gone.partition("#")[2])
        found = by_item(natives(one.goods().read(None)))
        kept = one.ut.characteristic(coat, "L")
    assert {item: native["ПометкаУдаления"] for item, native in found.items()} == {good: True, gone: True, kept: False}


def test_the_barcode_of_a_package_is_not_that_of_a_piece() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", barcodes=["2000000000015"])
        one.ut.add_barcode(good, "2000000000091", one.ut.add_unit(good, "Коробка", 12))
        one.ut.add_barcode(good, "2000000000084", references.PIECE)
        (native,) = natives(one.goods().read(None))
        (again,) = one.goods().look_up([good])
    assert native["Штрихкоды"] == again["Штрихкоды"] == ["2000000000015", "2000000000084"]


def test_measures_are_reckoned_into_kilograms_and_metres_and_only_where_they_are_used() -> None:
    with door() as one:
        one.ut.add_good(
            "Кабель",
            "K",
            ВесИспользовать=True,
            ВесЧислитель=750,
            ВесЗнаменатель=3,
            ВесЕдиницаИзмерения_Key=references.GRAM,
            ДлинаИспользовать=True,
            ДлинаЧислитель=1500,
            ДлинаЗнаменатель=1,
            ДлинаЕдиницаИзмерения_Key=references.MILLIMETRE,
        )
        one.ut.add_good("Моток", "M", ВесЧислитель=5, ВесЗнаменатель=1, ВесЕдиницаИзмерения_Key=references.KILOGRAM)
        one.ut.add_good("Бухта", "B", ВесИспользовать=True, ВесЧислитель=5, ВесЗнаменатель=0)
        found = {native["Артикул"]: native for native in natives(one.goods().read(None))}
    assert (found["K"]["Вес"], found["K"]["Длина"]) == (Decimal("0.25"), Decimal("1.5"))
    assert "Вес" not in found["M"]
    assert "Вес" not in found["B"]


def test_pictures_are_told_as_files_with_versions_the_main_one_first() -> None:
    with door() as one:
        good = one.ut.add_good("Куртка", characteristics=["S", "L"])
        one.ut.add_image(good, b"1", "сбоку")
        main = one.ut.add_image(good, b"2", "спереди", main=True)
        one.ut.add_image(good, b"3", "описание", extension="html")
        small = one.ut.characteristic(good, "S")
        own = one.ut.add_image(small, b"4", "маленькая")
        found = by_item(natives(one.goods().read(None)))
        large = found[one.ut.characteristic(good, "L")]
        assert [picture["Имя"] for picture in large["Картинки"]] == ["спереди.jpg", "сбоку.jpg"]
        assert large["Картинки"][0]["Файл"] == main
        assert large["Картинки"][0]["Справочник"] == "Catalog_НоменклатураПрисоединенныеФайлы"
        assert all(picture["Версия"] for picture in large["Картинки"])
        assert [picture["Файл"] for picture in found[small]["Картинки"]] == [own]
        assert natives_of(one, good) == found


@every_version
def test_looking_up_gives_the_same_records_as_reading(version: str) -> None:
    with door(version) as one:
        one.ut.fill(60)
        kind = one.ut.add_kind("Обувь", ["40"])
        one.ut.add_good("Ботинки", kind=kind, images=[b"x"], attributes={"Цвет": "Синий"})
        found = by_item(natives(one.goods().read(None)))
        assert natives_of(one, *found) == found
        goods = {item.partition("#")[0] for item in found}
        assert natives_of(one, *goods) == found


def test_what_is_no_longer_there_is_left_out() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник")
        coat = one.ut.add_good("Куртка", characteristics=["S", "L"])
        small, large = (one.ut.characteristic(coat, name) for name in ("S", "L"))
        pages = one.goods().read(None)
        page = next(pages)
        assert len(page.slices) == 3
        one.ut.delete_for_good(good)
        one.ut.delete_for_good(small.partition("#")[2])
        assert [native["Ид"] for native in natives([page])] == [large]
        assert next(pages, None) is None
        nowhere = "bbbbbbbb-0000-4000-8000-000000000001"
        assert set(natives_of(one, good, small, large, nowhere)) == {large}


def test_a_read_in_which_nothing_changed_fetches_no_good_and_is_the_same_to_the_byte() -> None:
    with door() as one:
        one.ut.fill(50)
        before = prints(one.goods().read)
        one.asked()
        after = prints(one.goods().read)
        asked = one.asked()
    assert after == before
    assert asked.count(GOODS) == 2, "the folders, and the list of versions"
    assert len(asked) == len(set(asked)) + 1


def test_what_changed_is_fetched_many_at_once() -> None:
    with door() as one:
        one.ut.fill(200)
        pages = one.goods().read(None)
        page = next(pages)
        assert len(page.slices) > 200
        one.asked()
        found = natives([page])
        queries = [urlencode(exchange.query, safe="'$(),", quote_via=quote) for exchange in one.ut.journal]
        asked = one.asked()
        assert next(pages, None) is None
    assert len(found) > 200
    assert asked.count(GOODS) <= 200 / 15
    assert max(map(len, queries)) < 2048


@pytest.mark.parametrize(
    "act",
    [
        "good",
        "characteristic",
        "new characteristic",
        "barcode",
        "barcode away",
        "picture",
        "group renamed",
        "group moved",
    ],
)
def test_each_change_of_a_good_or_of_what_belongs_to_it_is_noticed_and_no_other(act: str) -> None:
    with door() as one:
        root, group = one.ut.add_group("Корень"), one.ut.add_group("Куртки")
        one.ut.add_good("Чайник", barcodes=["2000000000015"])
        coat = one.ut.add_good("Куртка", group=group, characteristics=[Variant("S", barcodes=["2000000000022"])])
        small = one.ut.characteristic(coat, "S")
        before = prints(one.goods().read)
        acts: dict[str, Callable[[], object]] = {
            "good": lambda: one.ut.touch(coat),
            "characteristic": lambda: one.ut.touch(small.partition("#")[2]),
            "new characteristic": lambda: one.ut._add_characteristic(coat, GOODS, "L", {}),
            "barcode": lambda: one.ut.add_barcode(small, "2000000000039"),
            "barcode away": lambda: one.ut.remove_barcode("2000000000022"),
            "picture": lambda: one.ut.add_image(coat, b"x"),
            "group renamed": lambda: one.ut.change(group, Description="Пуховики"),
            "group moved": lambda: one.ut.change(group, Parent_Key=root),
        }
        acts[act]()
        after = prints(one.goods().read)
        expected = {one.ut.characteristic(coat, "L")} if act == "new characteristic" else {small}
    assert changed(before, after) == expected


def test_a_renamed_word_has_all_goods_read_anew_and_a_new_one_none() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", brand="Выдумка", attributes={"Цвет": "Красный"})
        before = prints(one.goods().read)
        other = one.ut.add_good("Кружка", brand="Новая", attributes={"Узор": "Клетка"})
        grown = prints(one.goods().read)
        assert changed(before, grown) == {other}
        brand = one.ut.object(good)["Марка_Key"]
        one.ut.change(brand, Description="Задумка")
        renamed = prints(one.goods().read)
        assert changed(grown, renamed) == {good, other}
        assert prints(one.goods().read) == renamed
        assert natives_of(one, good)[good]["Марка"] == "Задумка"


def test_a_classifier_that_is_published_later_reaches_the_goods_that_are_known() -> None:
    with door(sandbox={"published": frozenset({GOODS, CHARACTERISTICS})}) as one:
        good = one.ut.add_good("Чайник", brand="Выдумка", barcodes=["2000000000015"])
        before = prints(one.goods().read)
        (poor,) = natives(one.goods().read(None))
        assert not {"Марка", "Штрихкоды", "ЕдиницаИзмерения", "СтавкаНДС", "Картинки"} & set(poor)
        one.ut.published |= {"Catalog_Марки"}
        one.base()._cache.forget()
        assert changed(before, prints(one.goods().read)) == {good}
        (richer,) = natives(one.goods().read(None))
    assert richer["Марка"] == "Выдумка"


def test_what_a_base_must_publish_is_named_as_its_administrator_knows_it() -> None:
    with door(sandbox={"published": frozenset({"Catalog_Склады"})}) as one:
        for read in (lambda: list(one.goods().read(None)), lambda: list(one.goods().look_up(["x"]))):
            with pytest.raises(ConfigurationError) as error:
                read()
            assert "Справочник.Номенклатура; Справочник.ХарактеристикиНоменклатуры" in str(error.value)


def test_rows_that_1c_hides_are_denied_and_left_out_only_where_that_is_asked_for() -> None:
    with door() as one:
        good, hidden = one.ut.add_good("Чайник"), one.ut.add_good("Секрет")
        one.ut.hide(hidden)
        with pytest.raises(Denied, match="role with OData access"):
            list(one.goods().read(None))
    with door(allowed_only=True) as one:
        good, hidden = one.ut.add_good("Чайник"), one.ut.add_good("Секрет")
        one.ut.hide(hidden)
        assert [native["Ид"] for native in natives(one.goods().read(None))] == [good]
