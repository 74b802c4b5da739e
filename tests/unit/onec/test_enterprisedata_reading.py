"""What the mirror gives as records: put together from what the format keeps apart, and right after each change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.onec.enterprisedata.door import EnterpriseData
from connectors.onec.sandbox import references
from connectors.onec.sandbox.enterprisedata import RETAIL
from obmen.entities import ENTITIES
from obmen.errors import Refused
from obmen.mapping import Context, load_mapping, run_tests
from obmen.records import Native, Page
from obmen.testing.clock import FakeClock

from .enterprisedata_kit import (
    BASES,
    BUYER,
    CARD,
    CLOTHES,
    HAT,
    JACKET,
    JACKET_XL,
    ORDER,
    PERSON,
    PRICES,
    REPORT,
    STATE,
    WHOLESALE,
    ZONE,
    connected,
    fill,
    natives,
)

PRESETS = Path(__file__).resolve().parents[3] / "mappings" / "onec" / "enterprisedata"
CONTEXT = Context(connection="ut", options={}, zone=ZONE)
XL = f"{JACKET}#{JACKET_XL}"


def goods(opened: EnterpriseData) -> dict[str, Native]:
    return {native["Ид"]: native for native in natives(opened.products())}


def prices(opened: EnterpriseData) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (native["Ид"], native["ТипЦены"]): (native["ЦенаЗаЕдиницу"], native["Валюта"])
        for native in natives(opened.prices())
    }


def slices(pages: Any) -> list[bytes]:
    return [raw for page in pages for raw in page.slices]


# -- goods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", BASES)
def test_goods_are_the_same_in_every_version_of_the_format(tmp_path: Path, version: str) -> None:
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        assert goods(opened) == {
            XL: {
                "Ид": XL,
                "ИдТовара": JACKET,
                "Удален": False,
                "Наименование": "Куртка «Проба» (XL)",
                "НаименованиеПолное": "Куртка «Проба» утеплённая",
                "Характеристика": "XL",
                "Код": "ОБ-00000048",
                "АртикулТовара": "TS-48",
                "Описание": "Тёплая & лёгкая.",
                "ТипНоменклатуры": "Товар",
                "СтавкаНДС": "20",
                "Марка": "Выдумкино",
                "ЕдиницаИзмерения": {"Код": "796", "Наименование": "шт", "НаименованиеПолное": "Штука"},
                "ПутьГруппы": ["Одежда", "Куртки"],
                "Штрихкод": ["2900000000018"],
                "Свойства": {"Материал": "хлопок", "Размер": "XL"},
            },
            HAT: {
                "Ид": HAT,
                "Удален": False,
                "Наименование": "Шапка",
                "НаименованиеПолное": "Шапка",
                "Артикул": "H-1",
                "ТипНоменклатуры": "Товар",
                "СтавкаНДС": "БезНДС",
                "ЕдиницаИзмерения": {"Код": "796", "Наименование": "шт", "НаименованиеПолное": "Штука"},
                "Штрихкод": ["2900000000025", "2900000000032"],
            },
        }


def test_a_change_of_one_object_changes_the_slices_of_its_goods_alone(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        jacket, hat = slices(opened.products())
        for kind, ref, change in (
            ("Справочник.НоменклатураГруппа", CLOTHES, {"name": "Верхняя одежда"}),
            ("Справочник.ХарактеристикиНоменклатуры", JACKET_XL, {"name": "48"}),
            ("Справочник.ШтрихкодыНоменклатуры", "2900000000018", {"goods": []}),
        ):
            base.shelf.put(kind, ref, **change)
            changed, same = slices(opened.products())
            assert changed != jacket, kind
            assert same == hat, kind
            jacket = changed
        native = goods(opened)[f"{JACKET}#{JACKET_XL}"]
        assert native["ПутьГруппы"] == ["Верхняя одежда", "Куртки"]
        assert native["Наименование"] == "Куртка «Проба» (48)"
        assert "Штрихкод" not in native


def test_a_barcode_that_moves_leaves_its_former_good(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        goods(opened)
        base.shelf.add_barcode("2900000000025", JACKET, JACKET_XL)
        found = goods(opened)
        assert found[XL]["Штрихкод"] == ["2900000000018", "2900000000025"]
        assert found[HAT]["Штрихкод"] == ["2900000000032"]


def test_deleted_goods_and_variants_are_told_and_come_back(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        goods(opened)
        base.shelf.delete("Справочник.Номенклатура", HAT)
        base.shelf.delete("Справочник.ХарактеристикиНоменклатуры", JACKET_XL)
        assert {id_: native["Удален"] for id_, native in goods(opened).items()} == {XL: True, HAT: True}
        base.shelf.put("Справочник.Номенклатура", HAT)
        base.shelf.put("Справочник.ХарактеристикиНоменклатуры", JACKET_XL)
        base.shelf.delete("Справочник.Номенклатура", JACKET)
        assert {id_: native["Удален"] for id_, native in goods(opened).items()} == {XL: True, HAT: False}


def test_a_characteristic_of_a_kind_belongs_to_the_goods_that_are_priced_with_it(tmp_path: Path) -> None:
    shared = "b02e2816-720f-11df-b436-0015e92f2899"
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.shelf.put("Справочник.ХарактеристикиНоменклатуры", shared, name="красная", product=JACKET)
        base.shelf.set_prices(
            "22222222-0000-4000-8000-000000000009", "2026-06-02T00:00:00", {RETAIL: [(HAT, shared, "1")]}
        )
        found = goods(opened)
        assert found[f"{HAT}#{shared}"]["Наименование"] == "Шапка (красная)"
        assert HAT not in found, "a good that is sold in variants is sold as them"


def test_a_variant_whose_name_never_came_ails_alone(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.shelf.add_barcode("2900000000099", HAT, JACKET_XL)
        base.node.registered.pop(("Справочник.ХарактеристикиНоменклатуры", JACKET_XL))
        pages = opened.products()
        page: Page = next(pages)
        refused = []
        for raw in page.slices:
            try:
                list(page.decode(raw))
            except Refused as error:
                refused.append(error.code)
        assert refused == ["no_variant"] * 2


# -- prices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", BASES)
def test_prices_by_type(tmp_path: Path, version: str) -> None:
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        assert prices(opened) == {
            (XL, "Розничная"): ("1990.50", "643"),
            (HAT, "Розничная"): ("500", "643"),
            (HAT, "Оптовая"): ("4.20", "840"),
        }


def test_the_last_document_counts_and_a_deleted_one_does_not(tmp_path: Path) -> None:
    later = "22222222-0000-4000-8000-000000000002"
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.shelf.set_prices(later, "2026-06-10T00:00:00", {RETAIL: [(HAT, "", "450")]})
        assert prices(opened)[HAT, "Розничная"] == ("450", "643")
        base.shelf.set_prices(later, "2026-05-10T00:00:00", {RETAIL: [(HAT, "", "450")]})
        assert prices(opened)[HAT, "Розничная"] == ("500", "643"), "its date went back before the other's"
        base.shelf.set_prices(later, "2026-06-10T00:00:00", {WHOLESALE: [(HAT, "", "4.10")]})
        assert prices(opened)[HAT, "Розничная"] == ("500", "643"), "it sets another type now"
        assert prices(opened)[HAT, "Оптовая"] == ("4.10", "840")
        base.shelf.delete("Документ.УстановкаЦенНоменклатуры", later)
        base.shelf.delete("Документ.УстановкаЦенНоменклатуры", PRICES)
        assert prices(opened) == {}


def test_a_price_of_the_good_serves_its_variants_that_have_none(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        rows = {RETAIL: [(JACKET, "", "2500")], WHOLESALE: [(JACKET, "", "25")]}
        base.shelf.set_prices("22222222-0000-4000-8000-000000000004", "2026-06-11T00:00:00", rows)
        found = prices(opened)
        assert found[XL, "Розничная"] == ("1990.50", "643")
        assert found[XL, "Оптовая"] == ("25", "840")
        assert not any(id_ == JACKET for id_, _ in found), "what is not sold as such has no price"


def test_a_price_of_a_pack_is_told_for_one_unit(tmp_path: Path) -> None:
    rows = {RETAIL: [(HAT, "", "1000", "Коробка", "3")], WHOLESALE: [(HAT, "", "7", "Мешок")]}
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.shelf.set_prices("22222222-0000-4000-8000-000000000005", "2026-06-11T00:00:00", rows)
        found = {native["ТипЦены"]: native for native in natives(opened.prices()) if native["Ид"] == HAT}
        assert found["Розничная"]["ЦенаЗаЕдиницу"] == "333.33"
        assert found["Розничная"]["ЦенаЗаУпаковку"] == "1000"
        assert found["Оптовая"]["ЦенаЗаЕдиницу"] == "7 / Мешок", "how many a sack holds is not known"
        own = {RETAIL: [(HAT, "", "1000", "Коробка", "3"), (HAT, "", "350")]}
        base.shelf.set_prices("22222222-0000-4000-8000-000000000005", "2026-06-12T00:00:00", own)
        assert prices(opened)[HAT, "Розничная"] == ("350", "643"), "of one document the base unit's"


def test_a_price_of_tomorrow_waits_and_a_price_of_zero_is_none(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 6, 15, 20, 0, tzinfo=UTC))
    with connected(tmp_path, clock=clock) as (opened, base):
        fill(base)
        base.shelf.set_prices("22222222-0000-4000-8000-000000000003", "2026-06-16T00:00:00", {RETAIL: [(HAT, "", "0")]})
        assert prices(opened)[HAT, "Розничная"] == ("500", "643")
        clock.advance(3600)
        assert (HAT, "Розничная") not in prices(opened), "in Moscow the day has begun"


def test_a_renamed_type_reaches_every_price(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        before = [(page.salt, list(page.slices)) for page in opened.prices()]
        base.shelf.put("Справочник.ТипыЦен", RETAIL, name="Цена на полке")
        renamed = [(page.salt, list(page.slices)) for page in opened.prices()]
        assert before[0][1] == renamed[0][1]
        assert before[0][0] != renamed[0][0]
        assert (HAT, "Цена на полке") in prices(opened)
        base.shelf.put("Справочник.ТипыЦен", WHOLESALE, name="Цена на полке")
        assert {type_ for _, type_ in prices(opened)} == {RETAIL, WHOLESALE}, (
            "a name that is not its alone says nothing"
        )


# -- people -----------------------------------------------------------------------------------------------


def test_customers_with_the_person_and_the_cards_behind_them(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        found = {native["Ref_Key"]: native for native in natives(opened.customers())}
        assert found[BUYER] == {
            "Ref_Key": BUYER,
            "Наименование": "Образцов Пример",
            "ЮридическоеФизическоеЛицо": "ФизическоеЛицо",
            "Телефоны": ["+7 (900) 000-00-01"],
            "АдресаЭлектроннойПочты": ["buyer@example.com"],
            "Адрес": "Пример, Выдуманная ул, дом 1",
            "ФизическоеЛицо": {
                "ФИО": "Образцов Пример Выдумкович",
                "Фамилия": "Образцов",
                "Имя": "Пример",
                "Отчество": "Выдумкович",
                "ДатаРождения": "1990-05-17",
                "Пол": "Мужской",
            },
            "Карты": ["2900000000117"],
            "Удален": False,
        }
        base.shelf.delete("Справочник.ДисконтныеКарты", CARD)
        base.shelf.delete("Справочник.Контрагенты", references.CONTRAGENT)
        base.shelf.put("Справочник.ФизическиеЛица", PERSON, gender="Женский")
        found = {native["Ref_Key"]: native for native in natives(opened.customers())}
        assert "Карты" not in found[BUYER]
        assert found[BUYER]["ФизическоеЛицо"]["Пол"] == "Женский"
        assert found[references.CONTRAGENT]["Удален"] is True


# -- documents --------------------------------------------------------------------------------------------


def test_orders_are_read_since_the_cursor(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        pages = list(opened.orders(None))
        (order,) = natives(pages)
        assert (order["Ref_Key"], order["Канал"], order["Номер"]) == (ORDER, "ut", "ОБ00-000001/2026")
        assert order["Комментарий"] == "Позвонить"
        assert order["Склад"]["Наименование"] == "Основной склад"
        assert order["Товары"] == [
            {
                "Товар": XL,
                "Наименование": "Куртка «Проба»",
                "Количество": "2",
                "Цена": "1990.50",
                "Сумма": "3981.00",
                "СтавкаНДС": "20",
            }
        ]
        cursor = pages[-1].cursor
        assert natives(opened.orders(cursor)) == []
        base.shelf.put("Документ.ЗаказКлиента", ORDER, comment="[ozon] Изменён", incoming="0112233-0001-1")
        (changed,) = natives(opened.orders(cursor))
        assert (changed["Канал"], changed["Номер"], changed["Комментарий"]) == ("ozon", "0112233-0001-1", "Изменён")
        assert len(natives(opened.orders("another folder:7"))) == 1, "a cursor of elsewhere means nothing"
        base.shelf.delete("Документ.ЗаказКлиента", ORDER)
        assert natives(opened.orders(cursor)) == []


def test_states_where_the_base_sends_them(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        pages = list(opened.order_statuses(None))
        assert natives(pages) == [{"Ref_Key": ORDER, "Состояние": "Комплектуется"}]
        base.shelf.put("Справочник.СостояниеЗаказа", STATE, state="Выполнен")
        assert natives(opened.order_statuses(pages[-1].cursor)) == [{"Ref_Key": ORDER, "Состояние": "Выполнен"}]


def states(opened: EnterpriseData) -> list[Any]:
    return [one for page in opened.order_statuses(None) if page.expand for one in page.expand(page.slices)]


def test_a_state_tells_the_channel_of_its_order_where_the_base_sent_that(tmp_path: Path) -> None:
    told = {"Ref_Key": ORDER, "Состояние": "Комплектуется"}
    with connected(tmp_path) as (opened, base):
        fill(base)
        assert states(opened) == [[{**told, "Канал": "ut"}]], "1C's own"
        base.shelf.put("Документ.ЗаказКлиента", ORDER, comment="[ozon]", incoming="0112233-0001-1")
        assert states(opened) == [[{**told, "Канал": "ozon"}]]
        assert natives(opened.orders(None))[0]["Канал"] == "ozon"
        with opened.exchange.mirror.writing() as database:
            database.execute("DELETE FROM object WHERE type = 'Документ.ЗаказКлиента'")
        assert states(opened) == [[told]], "an order that was never sent"


def test_reports_on_retail_sales_with_returns_apart(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        sold, back = natives(opened.receipts(None))
        assert (sold["Ref_Key"], sold["Вид"], sold["Номер"], sold["Сумма"]) == (REPORT, "Продажа", "РО-1/2026", "1500")
        assert [(line["Товар"], line["Количество"]) for line in sold["Товары"]] == [(HAT, "3")]
        assert (back["Вид"], back["Номер"]) == ("Возврат", "РО-1/2026/возврат")


# -- presets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_presets_pass_their_own_examples(path: Path) -> None:
    results = run_tests(load_mapping(path), CONTEXT)
    assert results
    assert [result for result in results if not result.ok] == []


@pytest.mark.parametrize("version", BASES)
def test_everything_that_is_read_becomes_canonical(tmp_path: Path, version: str) -> None:
    refs = {("product", XL): XL, ("product", HAT): "H-1", ("order", ORDER): "ut|ОБ00-000001/2026"}
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        read = {
            "product": opened.products(),
            "price": opened.prices(),
            "customer": opened.customers(),
            "order": opened.orders(None),
            "order_status": opened.order_statuses(None),
            "receipt": opened.receipts(None),
        }
        counts = {}
        for entity, pages in read.items():
            bound = load_mapping(PRESETS / f"{entity}.yaml").bind(
                Context("ut", {"enterprisedata": {"order": {"warehouses": references.WAREHOUSES}}}, ZONE)
            )
            records = [ENTITIES[entity].model_validate(bound.pull(native, refs)) for native in natives(pages)]
            counts[entity] = len(records)
            assert len({record.key for record in records}) == len(records)
    whole = {"product": 2, "price": 3, "customer": 2, "order": 1, "order_status": 1, "receipt": 2}
    missing = {"11.4.2": {"order_status", "receipt"}, "11.5.8": {"order_status"}}.get(version, set())
    assert counts == {entity: 0 if entity in missing else count for entity, count in whole.items()}
