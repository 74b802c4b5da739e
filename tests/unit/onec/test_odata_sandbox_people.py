"""Customers, their points, returns and receipts, as they are entered and as the interface tells them."""

import json
from datetime import date
from typing import Any

import pytest
from lxml import etree

from connectors.onec.sandbox import references
from connectors.onec.sandbox.values import Refusal
from tests.unit.onec.sandbox_kit import MAIN, NO_REF, POINTS, VERSIONS, Client, error, opened

PARTNERS = "Catalog_Партнеры"
BONUSES = "Document_НачислениеИСписаниеБонусныхБаллов"
REF = "8d1d7287-6240-11f1-9296-08002761f3c5"


def points(client: Client, partner: str, period: str = "") -> Any:
    """Return what can be spent: accrued less what is to be written off and what is held."""
    at = f"Period=datetime'{period}'," if period else ""
    rows = client.rows(f"{POINTS}/Balance({at}Condition='Партнер_Key eq guid''{partner}''')")
    held = sum(row.get("ЗарезервированоBalance", 0) for row in rows)
    return sum(row["НачисленоBalance"] - row["КСписаниюBalance"] for row in rows) - held


@pytest.mark.parametrize("version", VERSIONS)
def test_a_customer_with_contacts_and_cards(version: str) -> None:
    with opened(version) as (ut, client):
        partner = ut.add_partner(
            "Пример Иван",
            phones=["+7 (900) 000-00-01", "8 900 000 00 02"],
            emails=["ivan@example.org"],
            address="Примерск, Образцовая ул., 1",
            cards=["2900000000018"],
            birthday=date(1990, 5, 17),
            gender="Мужской",
            tax_id="000000000000",
        )
        read = client.one(f"{PARTNERS}(guid'{partner}')")
        assert (read["ЮрФизЛицо"], read["Пол"], read["ДатаРождения"]) == (
            "ЧастноеЛицо",
            "Мужской",
            "1990-05-17T00:00:00",
        )
        rows = client.rows(f"{PARTNERS}_КонтактнаяИнформация", filter=f"Ref_Key eq guid'{partner}'", expand="Вид")
        assert [(row["Тип"], row["Представление"]) for row in rows] == [
            ("Телефон", "+7 (900) 000-00-01"),
            ("Телефон", "8 900 000 00 02"),
            ("АдресЭлектроннойПочты", "ivan@example.org"),
            ("Адрес", "Примерск, Образцовая ул., 1"),
        ]
        assert rows[0]["НомерТелефона"] == "79000000001"
        assert rows[0]["Вид"]["Description"] == "Телефон"
        if version == "11.4.2":
            assert etree.fromstring(rows[2]["ЗначенияПолей"]).get("Представление") == "ivan@example.org"
        else:
            assert json.loads(rows[2]["Значение"])["value"] == "ivan@example.org"
        (card,) = client.rows("Catalog_КартыЛояльности", expand="Owner,Партнер")
        assert (card["Штрихкод"], card["Статус"], card["Партнер"]["Ref_Key"]) == ("2900000000018", "Действует", partner)
        assert card["Owner"]["БонуснаяПрограммаЛояльности_Key"] == references.PROGRAM
        (own,) = client.rows("Catalog_Контрагенты", filter=f"Партнер_Key eq guid'{partner}'")
        assert (own["ИНН"], own["ЮридическоеФизическоеЛицо"]) == ("000000000000", "ФизическоеЛицо")


@pytest.mark.parametrize("version", VERSIONS)
def test_points_begin_expire_and_are_spent(version: str) -> None:
    with opened(version) as (ut, client):
        partner = ut.add_partner("Пример Иван")
        ut.accrue_bonuses(partner, 100, comment="За покупку")
        ut.accrue_bonuses(partner, 50, delay_days=10)
        ut.accrue_bonuses(partner, 30, expires=date(2026, 6, 18))
        spent = ut.redeem_bonuses(partner, 20)
        now = "2026-06-15T12:00:01"
        assert points(client, partner, now) == 110
        assert points(client, partner, "2026-06-18T00:00:01") == 80
        assert points(client, partner, "2026-06-25T12:00:01") == points(client, partner) == 130
        assert ut.bonus_balance(partner) == {"balance": 110, "pending": 50}
        ut.unpost(spent)
        assert points(client, partner, now) == 130
        ut.move(days=11)
        assert ut.bonus_balance(partner) == {"balance": 150, "pending": 0}
        assert ut.state()["bonuses"][partner]["balance"] == 150
        (row,) = client.rows(BONUSES, filter="Комментарий eq 'За покупку'")
        assert row["Начисление"][0]["Баллы"] == 100


def accrual(partner: str, amount: Any, **more: Any) -> dict[str, Any]:
    rows = [{"LineNumber": "1", "Партнер_Key": partner, "Баллы": amount}]
    return {"Ref_Key": REF, "БонуснаяПрограммаЛояльности_Key": references.PROGRAM, "Начисление": rows, **more}


def test_points_are_written_by_a_client_with_its_own_reference_once() -> None:
    with opened() as (ut, client):
        partner = ut.add_partner("Пример Иван")
        assert client("POST", BONUSES, accrual(partner, 15)).json()["Ref_Key"] == REF
        assert points(client, partner) == 0
        for _ in range(2):
            assert client("POST", f"{BONUSES}(guid'{REF}')/Post").json()["Posted"] is True
        assert error(client("POST", BONUSES, accrual(partner, 15))) == (400, "15")
        assert points(client, partner) == 15
        client("PATCH", f"{BONUSES}(guid'{REF}')", {"DeletionMark": True})
        assert points(client, partner) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"БонуснаяПрограммаЛояльности_Key": NO_REF},
        {"Начисление": []},
        {"Начисление": [{"LineNumber": "1", "Партнер_Key": NO_REF, "Баллы": 1}]},
        {"Начисление": [{"LineNumber": "1", "Партнер_Key": references.PARTNER, "Баллы": -1}]},
        {"Списание": [{"LineNumber": "1", "Партнер_Key": references.PARTNER, "Баллы": 1}]},
    ],
)
def test_points_that_make_no_sense_are_not_posted(wrong: Any) -> None:
    with opened() as (_, client):
        client("POST", BONUSES, {**accrual(references.PARTNER, 15), **wrong})
        assert error(client("POST", f"{BONUSES}(guid'{REF}')/Post")) == (500, "-1")


def test_points_are_not_spent_twice() -> None:
    with opened() as (ut, client):
        partner = ut.add_partner("Пример Иван", cards=["1"])
        ut.accrue_bonuses(partner, 100)
        ut.redeem_bonuses(partner, 60)
        with pytest.raises(Refusal, match="есть 40, нужно 60"):
            ut.redeem_bonuses(partner, 60)
        assert points(client, partner) == 40


@pytest.mark.parametrize("version", VERSIONS)
def test_points_that_an_order_is_paid_with_are_held(version: str) -> None:
    with opened(version) as (ut, client):
        partner = ut.add_partner("Пример Иван", cards=["1"])
        ut.accrue_bonuses(partner, 100)
        (card,) = client.rows("Catalog_КартыЛояльности")
        ref = ut.add_order([(ut.add_good("Чайник"), 1, 500)], number="1", partner=partner, card=card["Ref_Key"])
        rows = [{**row, "СуммаБонусныхБалловКСписанию": 30} for row in ut.object(ref)["Товары"]]
        ut.change(ref, Товары=rows)
        assert points(client, partner) == 70
        assert ut.bonus_balance(partner)["balance"] == 70
        ut.cancel("1")
        assert points(client, partner) == 100


@pytest.mark.parametrize("version", VERSIONS)
def test_goods_come_back(version: str) -> None:
    with opened(version) as (ut, client):
        good, other = (ut.add_good(name, stock={MAIN: 5}) for name in ("Чайник", "Кружка"))
        ut.add_order([(good, 3, 100), (other, 1, 50)], number="1")
        shipment = ut.ship("1")
        asked = ut.request_return(shipment, {good: 2})
        came = ut.add_return(shipment, {good: 2}, reason="Не подошло")
        (request,) = client.rows("Document_ЗаявкаНаВозвратТоваровОтКлиента")
        assert (request["Ref_Key"], request["Статус"], request["СуммаДокумента"]) == (asked, "КВозврату", 200)
        assert [(row["Номенклатура_Key"], row["Количество"]) for row in request["ВозвращаемыеТовары"]] == [(good, 2)]
        (back,) = client.rows("Document_ВозвратТоваровОтКлиента")
        assert (back["Ref_Key"], back["Posted"], back["ПричинаВозврата"]) == (came, True, "Не подошло")
        assert back["ДокументРеализации"] == back["Товары"][0]["ДокументРеализации"] == shipment
        assert back["ДокументРеализации_Type"] == "StandardODATA.Document_РеализацияТоваровУслуг"
        assert ut.free_stock(good) == 4
        assert ut.free_stock(other) == 4


@pytest.mark.parametrize("version", VERSIONS)
def test_a_shop_sells_takes_back_and_closes_its_shift(version: str) -> None:
    with opened(version) as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 5})
        partner = ut.add_partner("Пример Иван", cards=["777"])
        (card,) = client.rows("Catalog_КартыЛояльности")
        sold = ut.add_receipt([(good, 2, 100)], card=card["Ref_Key"], partner=partner, by_card=150)
        ut.add_receipt([(good, 1, 100)], status="Отложен")
        assert ut.free_stock(good) == 3
        assert ut.state()["stock"][good][MAIN]["on_hand"] == 5
        (receipt,) = client.rows("Document_ЧекККМ", filter="Статус eq 'Пробит'", expand="КартаЛояльности,КассаККМ")
        assert (receipt["Ref_Key"], receipt["СуммаДокумента"], receipt["ПолученоНаличными"]) == (sold, 200, 50)
        assert receipt["ОплатаПлатежнымиКартами"][0]["Сумма"] == 150
        assert (receipt["КартаЛояльности"]["Штрихкод"], receipt["КассаККМ"]["Description"]) == ("777", "Касса 1")
        assert ("НомерЧекаККМ" in receipt) is (version == "11.5.20")
        vat = ("СтавкаНДС", "НДС20") if version == "11.4.2" else ("СтавкаНДС_Key", references.VAT_20)
        assert receipt["Товары"][0][vat[0]] == vat[1]
        report = ut.close_shift()
        assert client.one(f"Document_ОтчетОРозничныхПродажах(guid'{report}')")["СуммаДокумента"] == 200
        assert ut.state()["stock"][good] == {MAIN: {"on_hand": 3, "free": 3}}
        assert client.one(f"Document_ЧекККМ(guid'{sold}')")["Статус"] == "Архивный"
        ut.add_receipt_return(sold, {good: 1})
        (back,) = client.rows("Document_ЧекККМВозврат", expand="ЧекККМ")
        assert (back["ЧекККМ"]["Ref_Key"], back["СуммаДокумента"]) == (sold, 100)
        assert ut.free_stock(good) == 4


def test_a_document_is_posted_anew_when_a_person_changes_it() -> None:
    with opened() as (ut, _):
        good = ut.add_good("Чайник", stock={MAIN: 5})
        order = ut.add_order([(good, 1, 100)])
        rows = [{**row, "Количество": 3, "КоличествоУпаковок": 3} for row in ut.object(order)["Товары"]]
        ut.change(order, Товары=rows)
        assert ut.free_stock(good) == 2
        ut.mark_deleted(order)
        assert ut.free_stock(good) == 5
        with pytest.raises(KeyError):
            ut.change(REF)
