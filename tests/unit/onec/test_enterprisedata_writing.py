"""What is written arrives whole, in every version of the format; what cannot be said is refused with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.onec.enterprisedata.compose_goods import good_ref
from connectors.onec.enterprisedata.compose_people import customer_ref
from connectors.onec.odata.orders import order_ref
from connectors.onec.sandbox import references
from connectors.onec.sandbox.enterprisedata import CONTRACT, RETAIL
from obmen.errors import ConfigurationError, Refused
from obmen.records import Batch, Item, Native, Outcome

from .enterprisedata_kit import (
    BASES,
    BUYER,
    HAT,
    JACKET,
    JACKET_XL,
    STATE,
    connected,
    fill,
    item,
    messages,
    natives,
    orders,
    payload,
    write,
)

ED = "{*}"


@pytest.mark.parametrize("version", BASES)
def test_an_order_arrives_whole(tmp_path: Path, version: str) -> None:
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        (outcome,) = write(opened, payload())
        assert (outcome.kind, outcome.native_id) == ("done", order_ref("ozon", "0112233-0001-1"))
        (order,) = orders(base).values()
    assert order == {
        "date": "2026-06-15T09:50:09",
        "number": order["number"],
        "organization": references.ORGANIZATION,
        "contragent": references.CONTRAGENT,
        "warehouse": references.WAREHOUSE,
        "currency": "643",
        "incoming": "0112233-0001-1",
        "address": "Пример, Выдуманная ул, дом 1",
        "comment": "[ozon] Позвонить за час; Образцов Пример, +79000000001",
        "total": "4481.00",
        "posted": True,
        "lines": [
            {
                "product": JACKET,
                "variant": JACKET_XL,
                "quantity": "2",
                "price": "1990.50",
                "total": "3981.00",
                "vat": "20",
            },
            {"product": HAT, "variant": "", "quantity": "1", "price": "500.00", "total": "500.00", "vat": "none"},
        ],
    }
    assert order["number"], "1C gives the number"


def test_sums_and_vat_are_reckoned_as_1c_does(tmp_path: Path) -> None:
    order = {"organization": references.ORGANIZATION, "contragent": references.CONTRAGENT, "contract": CONTRACT}
    with connected(tmp_path, options={"order": {**order, "vat": "10", "price_includes_vat": False}}) as (opened, base):
        fill(base)
        lines = [{"Товар": HAT, "Количество": "3", "Цена": "33.333"}, {"Товар": HAT, "Количество": 1, "Цена": 0}]
        assert write(opened, payload(Товары=lines, Склад=None))[0].kind == "done"
        _, put = messages(base)
        document = put[-1].find(f".//{ED}Документ.ЗаказКлиента")
        assert document is not None
        assert document.findtext(f"{ED}Сумма") == "110.00"
        assert document.findtext(f"{ED}СуммаВключаетНДС") == "false"
        assert document.find(f"{ED}Склад") is None
        contract = document.find(f"{ED}ДанныеВзаиморасчетов/{ED}Договор")
        assert contract is not None
        assert contract.findtext(f"{ED}Ссылка") == CONTRACT
        row = document.find(f"{ED}Товары/{ED}Строка")
        assert row is not None
        assert [row.findtext(f"{ED}{name}") for name in ("Сумма", "СуммаНДС")] == ["100.00", "10.00"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Товары": []}, "no_lines"),
        ({"Дата": ""}, "no_date"),
        ({"Номер": "9" * 31}, "number_too_long"),
        ({"Товары": [{"Товар": "", "Количество": 1, "Цена": 1}]}, "bad_product"),
        ({"Товары": [{"Товар": "f06588ab-7924-11df-b33a-000000000000", "Количество": 1, "Цена": 1}]}, "not_sent"),
        ({"Товары": [{"Товар": f"{HAT}#{HAT}", "Количество": 1, "Цена": 1}]}, "not_sent"),
        ({"Товары": [{"Товар": HAT, "Количество": "много", "Цена": 1}]}, "bad_value"),
        ({"Товары": [{"Товар": HAT, "Количество": 1, "Цена": -1}]}, "bad_value"),
        ({"Товары": [{"Товар": HAT, "Количество": 0, "Цена": 1}]}, "bad_sum"),
        ({"Товары": [{"Товар": HAT, "Количество": 1, "Цена": 1, "Сумма": 2}]}, "bad_sum"),
        ({"Склад": "a6000000-0000-4000-8000-00000000000f"}, "not_sent"),
    ],
)
def test_an_order_that_cannot_be_said_ails_alone(tmp_path: Path, changes: Native, code: str) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        outcomes = {outcome.id: outcome for outcome in write(opened, payload("1"), {**payload("2"), **changes})}
        assert outcomes["ozon|1"].kind == "done"
        bad = next(outcome for id_, outcome in outcomes.items() if id_ != "ozon|1")
        assert (bad.kind, bad.errors[0].code) == ("refused", code)
        assert set(orders(base)) == {"1"}


def test_goods_that_another_door_knows_need_a_name(tmp_path: Path) -> None:
    """A base may send no goods to the node; then the line's own name is what the format asks for."""
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.shelf.objects["Справочник.Номенклатура", "99999999-0000-4000-8000-000000000001"] = {"name": "Другой"}
        line = {"Товар": "99999999-0000-4000-8000-000000000001", "Количество": 1, "Цена": 1}
        assert write(opened, payload("1", Товары=[line]))[0].errors[0].code == "not_sent"
        assert write(opened, payload("2", Товары=[{**line, "Наименование": "Другой"}]))[0].kind == "done"


def test_a_rate_that_a_version_does_not_have(tmp_path: Path) -> None:
    line = {"Товар": HAT, "Количество": 1, "Цена": 122, "СтавкаНДС": "22"}
    with connected(tmp_path / "old", version="11.4.2") as (opened, base):
        fill(base)
        assert write(opened, payload(Товары=[line]))[0].errors[0].code == "no_rate"
    with connected(tmp_path / "new", version="11.5.20") as (opened, base):
        fill(base)
        assert write(opened, payload(Товары=[line]))[0].kind == "done"
        (order,) = orders(base).values()
        assert order["lines"][0]["vat"] == "22"


def test_an_order_needs_its_section(tmp_path: Path) -> None:
    with connected(tmp_path, options={"order": None}) as (opened, _), pytest.raises(ConfigurationError, match="order"):
        write(opened, payload())


def test_what_the_base_does_not_receive_is_refused_here(tmp_path: Path) -> None:
    """1C would pass over the object and say that all is well."""
    with connected(tmp_path) as (opened, base):
        fill(base)
        object.__setattr__(base.node, "profile", type(base.profile)(base.profile.versions, base.profile.sends, ()))
        (outcome,) = write(opened, payload())
        assert (outcome.kind, outcome.errors[0].code) == ("refused", "not_received")


def test_no_common_version_stops_the_writing(tmp_path: Path) -> None:
    with connected(tmp_path, version="11.5.8", options={"versions": ("1.21",)}) as (opened, base):
        fill(base)
        assert len(natives(opened.products())) == 2, "reading goes on in the base's version"
        with pytest.raises(ConfigurationError, match=r"1\.8, 1\.17"):
            write(opened, payload())


# -- goods, prices, customers -----------------------------------------------------------------------------


def put(writer: Any, *items: Item) -> list[Outcome]:
    return list(writer(Batch(items)))


@pytest.mark.parametrize("version", BASES)
def test_goods_are_created_and_changed(tmp_path: Path, version: str) -> None:
    told = {"Наименование": "Шарф", "Описание": "Длинный", "СтавкаНДС": "10", "Штрихкод": ["2900000000049"]}
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        natives(opened.products())
        new = Item(id="S-1", payload={"Артикул": "S-1", **told})
        old = Item(id="H-1", payload={"Артикул": "H-1", "Наименование": "Шапка тёплая"}, native_id=HAT)
        ref = good_ref("S-1")
        assert [outcome.native_id for outcome in put(opened.write_products, new, old)] == [ref, HAT]
        goods = base.shelf.named("Справочник.Номенклатура")
        assert goods[ref] == {
            "name": "Шарф",
            "full_name": "Шарф",
            "article": "S-1",
            "description": "Длинный",
            "vat": "10",
        }
        assert (goods[HAT]["name"], goods[HAT]["vat"]) == ("Шапка тёплая", "none"), "what is not carried stays"
        assert base.shelf.named("Справочник.ШтрихкодыНоменклатуры")["2900000000049"] == {"goods": [(ref, "")]}
        assert opened.find_product(new) == ref
        variant = Item(id="x", payload={"Артикул": "x", "Наименование": "x"}, native_id=f"{JACKET}#{JACKET_XL}")
        nameless = Item(id="y", payload={"Артикул": "y"})
        refused = put(opened.write_products, variant, nameless)
        assert [outcome.errors[0].code for outcome in refused] == ["bad_product", "no_name"]


@pytest.mark.parametrize("version", BASES)
def test_prices_become_one_document_for_each_type(tmp_path: Path, version: str) -> None:
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        natives(opened.products())
        items = [
            price(HAT, "Розничная", "450"),
            price(f"{JACKET}#{JACKET_XL}", "Розничная", "1800.005"),
            price(HAT, "Оптовая", "4", "840"),
            price(HAT, "Небывалая", "4"),
            price(HAT, "Оптовая", "4", "643"),
        ]
        outcomes = put(opened.write_prices, *items)
        assert [(outcome.kind, outcome.errors[0].code if outcome.errors else "") for outcome in outcomes] == [
            ("refused", "no_price_type"),
            ("refused", "other_currency"),
            ("done", ""),
            ("done", ""),
            ("done", ""),
        ]
        documents = base.shelf.named("Документ.УстановкаЦенНоменклатуры")
        assert len(documents) == 3
        retail = next(spec for spec in documents.values() if RETAIL in spec["types"] and len(spec["types"]) == 1)
        assert retail["date"] == "2026-06-15T09:00:06", "now, by the clock of the base"
        assert sorted(retail["types"][RETAIL]) == sorted([(HAT, "", "450.00"), (JACKET, JACKET_XL, "1800.01")])
        put(opened.write_prices, *items[:3])
        assert len(base.shelf.named("Документ.УстановкаЦенНоменклатуры")) == 3, "said again, it is the same document"


def price(id_: str, type_: str, amount: str, currency: str = "643") -> Item:
    body = {"Ид": id_, "ТипЦены": type_, "ЦенаЗаЕдиницу": amount, "Валюта": currency}
    return Item(id=f"{id_}|{type_}|{currency}", payload=body, idempotency_key=f"{id_} {type_} {amount}")


@pytest.mark.parametrize("version", BASES)
def test_customers_are_created_and_changed(tmp_path: Path, version: str) -> None:
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        natives(opened.customers())
        new = Item(
            id="crm-17",
            payload={
                "Ref_Key": "crm-17",
                "Наименование": "Примеров Образец",
                "Телефоны": ["+79000000003"],
                "АдресаЭлектроннойПочты": ["a@example.com"],
                "Адрес": 'Пример, «Выдуманная», 1 & "2"',
                "ДополнительнаяИнформация": "VIP",
            },
        )
        old = Item(id=BUYER, payload={"Ref_Key": BUYER, "Телефоны": ["+79000000009"]})
        ref = customer_ref("crm-17")
        assert [outcome.native_id for outcome in put(opened.write_customers, new, old)] == [ref, BUYER]
        people = base.shelf.named("Справочник.Контрагенты")
        assert people[ref] == {
            "name": "Примеров Образец",
            "legal": "ФизическоеЛицо",
            "phones": ["+79000000003"],
            "emails": ["a@example.com"],
            "address": 'Пример, «Выдуманная», 1 & "2"',
            "comment": "VIP",
        }
        assert people[BUYER]["phones"] == ["+79000000009"]
        assert people[BUYER]["emails"] == ["buyer@example.com"], "the other contacts go along"
        assert opened.find_customer(new) == ref
        (outcome,) = put(opened.write_customers, Item(id="crm-18", payload={"Ref_Key": "crm-18"}))
        assert outcome.errors[0].code == "no_name"


def test_what_came_from_the_node_is_not_sent_back_until_somebody_changes_it(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.orders(None))
        write(opened, payload("7"))
        assert len(natives(opened.orders(None))) == 1
        ref = order_ref("ozon", "7")
        base.shelf.put("Документ.ЗаказКлиента", ref, address="Другая")
        (order,) = (one for one in natives(opened.orders(None)) if one["Канал"] == "ozon")
        assert (order["Ref_Key"], order["Канал"], order["Номер"]) == (ref, "ozon", "7")
        assert order["АдресДоставки"] == "Другая"
        assert opened.find_order(item(payload("7"))) == ref


@pytest.mark.field("C6")
def test_every_rate_of_vat_goes_both_ways(tmp_path: Path) -> None:
    rates = ["БезНДС", "0", "5", "7", "10", "20", "22"]
    lines = [{"Товар": HAT, "Количество": "1", "Цена": "100", "СтавкаНДС": rate} for rate in rates]
    assert [line["СтавкаНДС"] for line in there_and_back(tmp_path, lines)] == rates


@pytest.mark.field("B7")
def test_two_lines_of_one_good_with_two_prices_stay_two(tmp_path: Path) -> None:
    lines = [{"Товар": HAT, "Количество": "1", "Цена": price} for price in ("100.00", "90.00")]
    assert [(line["Товар"], line["Цена"]) for line in there_and_back(tmp_path, lines)] == [
        (HAT, "100.00"),
        (HAT, "90.00"),
    ]


def there_and_back(folder: Path, lines: list[Native]) -> list[Native]:
    """An order's lines as they are read again, once somebody in 1C has changed its address."""
    with connected(folder) as (opened, base):
        fill(base)
        assert write(opened, payload("7", Товары=lines))[0].kind == "done"
        base.shelf.put("Документ.ЗаказКлиента", order_ref("ozon", "7"), address="Другая")
        (order,) = (one for one in natives(opened.orders(None)) if one["Канал"] == "ozon")
        found: list[Native] = order["Товары"]
        return found


def test_the_reason_of_1c_is_told(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.shelf.objects["Справочник.Организации", references.ORGANIZATION]["deleted"] = True
        with pytest.raises(Refused, match=r"1C says: .*Документ\.ЗаказКлиента: Не заполнено поле «Организация»"):
            write(opened, payload())


def changed(before: Native, now: Native) -> Item:
    return msgspec.structs.replace(item(now), native_id=order_ref("ozon", now["Номер"]), before=before)


@pytest.mark.field("E5")
@pytest.mark.parametrize("version", BASES)
def test_e5_an_order_that_lost_a_line_is_sent_anew(tmp_path: Path, version: str) -> None:
    with connected(tmp_path, version=version) as (opened, base):
        fill(base)
        before = payload("7")
        now = payload("7", Товары=before["Товары"][:1], АдресДоставки="Другая")
        assert write(opened, before)[0].kind == "done"
        assert opened.find_order(changed(before, now)) is None, "the base does not tell which version it loaded"
        for _ in range(2):
            assert put(opened.write_orders, changed(before, now))[0].native_id == order_ref("ozon", "7")
        (order,) = orders(base).values()
        assert [(line["product"], line["quantity"]) for line in order["lines"]] == [(JACKET, "2")]
        assert (order["total"], order["address"]) == ("3981.00", "Другая")


@pytest.mark.parametrize("state", ["ПереданВДоставку", "Выполнен", "Отменен"])
def test_an_order_that_has_ended_in_1c_is_left_to_people(tmp_path: Path, state: str) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        before = payload("7")
        write(opened, before)
        base.shelf.put("Справочник.СостояниеЗаказа", STATE, order=order_ref("ozon", "7"), state=state)
        natives(opened.order_statuses(None))
        held = dict(orders(base)["7"])
        (refused,) = put(opened.write_orders, changed(before, payload("7", Товары=before["Товары"][:1])))
        assert (refused.kind, refused.errors[0].code) == ("refused", "closed")
        assert state in refused.errors[0].message
        assert put(opened.write_orders, changed(before, payload("7", Комментарий="Поздно")))[0].kind == "done"
        assert orders(base)["7"] == held
