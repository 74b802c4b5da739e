"""Stock is what documents moved; what is free is told by each version's own register, and all of them agree."""

from collections import defaultdict
from typing import Any

import pytest

from connectors.onec.sandbox import references
from tests.unit.onec.sandbox_kit import FREE, MAIN, NEED, NO_REF, ON_HAND, SPREAD, VERSIONS, Client, error, opened

SECOND = "Второй склад"
PURPOSE = "c0000000-0000-4000-8000-000000000001"
DEPARTMENT = "c0000000-0000-4000-8000-000000000002"
UNSEEN = "UnavailableEntities.UnavailableEntity"
STORES = "StandardODATA.Catalog_Склады"


def free(version: str, client: Client) -> dict[tuple[str, str], Any]:
    """Return what is free by good and warehouse, by the vendor's formula for the version."""
    told: dict[tuple[str, str], Any] = defaultdict(int)
    if version == "11.4.2":
        for row in client.rows(f"{FREE}/Balance()"):
            place = (row["Номенклатура_Key"], row["Склад_Key"])
            told[place] += row["ВНаличииBalance"] - row["ВРезервеСоСкладаBalance"] - row["ВРезервеПодЗаказBalance"]
    elif version == "11.5.8":
        for row in client.rows(SPREAD, filter="Склад_Type eq 'StandardODATA.Catalog_Склады'"):
            told[row["Номенклатура_Key"], row["Склад"]] += row["Свободно"]
    else:
        for row in client.rows(f"{NEED}/Balance(Dimensions='Номенклатура,Склад,Назначение')"):
            if row["Назначение_Key"] == NO_REF and row["Склад_Type"] == STORES:
                held = row["РезервироватьНаСкладеBalance"] + row["РезервироватьПоМереПоступленияBalance"]
                told[row["Номенклатура_Key"], row["Склад"]] += max(0, row["ВНаличииBalance"] - held)
    return {place: amount for place, amount in told.items() if amount}


@pytest.mark.parametrize("version", VERSIONS)
def test_orders_hold_goods_until_they_are_shipped_cancelled_or_not_posted(version: str) -> None:
    with opened(version) as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 10, SECOND: 3})
        here, there = (good, references.WAREHOUSE), (good, references.SECOND_WAREHOUSE)
        assert free(version, client) == {here: 10, there: 3}
        order = ut.add_order([(good, 4, 100)], number="1")
        assert free(version, client) == {here: 6, there: 3}
        assert ut.free_stock(good) == 6
        ut.unpost(order)
        assert free(version, client) == {here: 10, there: 3}
        ut.set_status("1", "КОтгрузке")
        assert free(version, client) == {here: 6, there: 3}
        ut.ship("1", {good: 1})
        assert free(version, client) == {here: 6, there: 3}
        ut.set_status("1", "Закрыт")
        assert free(version, client) == {here: 9, there: 3}
        ut.add_order([(good, 2, 100)], number="2")
        ut.cancel("2")
        assert free(version, client) == {here: 9, there: 3}
        assert ut.state()["stock"] == {good: {MAIN: {"on_hand": 9, "free": 9}, SECOND: {"on_hand": 3, "free": 3}}}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_order_that_is_not_agreed_or_only_needs_goods_holds_none(version: str) -> None:
    with opened(version) as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 10})
        ut.add_order([(good, 4, 100)], status="НеСогласован")
        ut.add_order([(good, 4, 100)], supply="Требуется" if version == "11.4.2" else "КОбеспечению")
        assert free(version, client) == {(good, references.WAREHOUSE): 10}


@pytest.mark.parametrize("version", VERSIONS)
def test_goods_for_a_purpose_or_in_a_department_are_free_to_nobody(version: str) -> None:
    with opened(version) as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 2})
        ut.move_stock(good, 5, purpose=PURPOSE)
        ut.move_stock(good, 7, department=DEPARTMENT)
        assert free(version, client) == {(good, references.WAREHOUSE): 2}
        assert ut.free_stock(good) == 2
        assert sum(row["ВНаличииBalance"] for row in client.rows(f"{ON_HAND}/Balance()")) == 7
        if version == "11.5.20":
            rows = client.rows(f"{NEED}/Balance(Condition='Назначение_Key eq guid''{PURPOSE}''')")
            assert [row["ВНаличииBalance"] for row in rows] == [5]
            places = {row["Склад_Type"] for row in client.rows(f"{NEED}/Balance()")}
            assert {place.partition("_")[0] for place in places} == {"StandardODATA.Catalog", UNSEEN}


def test_reserves_beyond_what_is_there_show_below_zero() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 1})
        ut.add_order([(good, 4, 100)])
        (row,) = client.rows(f"{NEED}/Balance(Dimensions='Номенклатура')")
        assert row["ВНаличииBalance"] - row["РезервироватьНаСкладеBalance"] == -3
        assert ut.free_stock(good) == -3


def test_goods_that_are_not_there_cannot_be_taken() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 3})
        ut.add_order([(good, 4, 100)], number="1")
        with pytest.raises(Exception, match="недостаточно товара"):
            ut.ship("1")
        ut.move_stock(good, 1)
        shipment = ut.ship("1")
        assert client.rows(f"{ON_HAND}/Balance()") == []
        assert client("POST", f"Document_РеализацияТоваровУслуг(guid'{shipment}')/Post").status_code == 200
        ut.add_return(shipment, {good: 2})
        assert ut.free_stock(good) == 2


def test_a_balance_by_moment_dimensions_and_condition() -> None:
    with opened() as (ut, client):
        red, blue = (ut.add_good(name, stock={MAIN: 5, SECOND: 2}) for name in ("Красный", "Синий"))
        ut.move(hours=1)
        ut.move_stock(red, -1)
        balance = f"{ON_HAND}/Balance"
        whole = client.rows(f"{balance}(Dimensions='Номенклатура')", orderby="Номенклатура/Description")
        assert [(row["Номенклатура_Key"], row["ВНаличииBalance"]) for row in whole] == [(red, 6), (blue, 7)]
        assert set(whole[0]) == {"Номенклатура_Key", "ВНаличииBalance", "КОтгрузкеBalance"}
        before = client.rows(f"{balance}(Period=datetime'2026-06-15T13:00:00',Dimensions='Номенклатура')")
        assert {row["ВНаличииBalance"] for row in before} == {7}
        assert client.rows(f"{balance}(Period=datetime'2026-06-15T12:00:00')") == []
        condition = f"Номенклатура_Key eq guid'{red}' and Склад_Key eq guid'{references.WAREHOUSE}'"
        inside = condition.replace("'", "''")
        (row,) = client.rows(f"{balance}(Condition='{inside}')")
        assert row["ВНаличииBalance"] == 4
        quoted = f"'{inside}'"
        assert client.rows(balance, Condition=quoted, select="ВНаличииBalance") == [{"ВНаличииBalance": 4}]
        assert len(client.rows(balance, Dimensions="'Номенклатура, Склад'", filter="ВНаличииBalance gt 4")) == 1
        assert client("GET", f"{balance}(Dimensions='Склад')/$count").text == "2"
        named = client.rows(
            f"{balance}(Dimensions='Склад')", expand="Склад", select="Склад/Description", orderby="ВНаличииBalance"
        )
        assert named == [{"Склад": {"Description": SECOND}}, {"Склад": {"Description": MAIN}}]


def test_what_a_virtual_table_refuses() -> None:
    with opened() as (_, client):
        assert error(client("GET", f"{ON_HAND}/Balance(Dimensions='Склад_Key')")) == (400, "14")
        assert error(client("GET", f"{ON_HAND}/Balance(Periods=datetime'2026-01-01T00:00:00')")) == (400, "21")
        assert error(client("GET", f"{ON_HAND}/SliceLast()")) == (400, "11")
        assert error(client("GET", f"{ON_HAND}_RecordType/Balance()")) == (400, "11")
        assert error(client("GET", "InformationRegister_ЦеныНоменклатуры25/SliceLast()")) == (400, "11")
        assert error(client("GET", f"{SPREAD}/SliceLast()")) == (400, "11")
        assert error(client("GET", f"{ON_HAND}/Balance(Dimensions='Склад')?$select=Номенклатура_Key")) == (400, "10")


def test_a_misspelt_condition_is_an_error_where_a_misspelt_filter_is_an_empty_list() -> None:
    with opened() as (ut, client):
        ut.add_good("Чайник", stock={MAIN: 5})
        assert client.rows(f"{ON_HAND}/Balance()", filter=f"Скалд_Key eq guid'{NO_REF}'") == []
        assert error(client("GET", f"{ON_HAND}/Balance(Condition='Скалд eq 1')")) == (500, "-1")


def test_turnovers_and_balances_between_two_moments() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 5})
        ut.move(days=1)
        ut.move_stock(good, 3)
        ut.move_stock(good, -2)
        ut.move(days=1)
        ut.move_stock(good, -1)
        between = "StartPeriod=datetime'2026-06-16T00:00:00',EndPeriod=datetime'2026-06-16T23:59:59'"
        (moved,) = client.rows(f"{ON_HAND}/Turnovers({between})")
        assert [moved[f"ВНаличии{side}"] for side in ("Turnover", "Receipt", "Expense")] == [1, 3, 2]
        (both,) = client.rows(f"{ON_HAND}/BalanceAndTurnovers({between},Dimensions='Номенклатура')")
        sides = ("OpeningBalance", "Turnover", "Receipt", "Expense", "ClosingBalance")
        assert [both[f"ВНаличии{side}"] for side in sides] == [5, 1, 3, 2, 6]
        (all_of_it,) = client.rows(f"{ON_HAND}/Turnovers()")
        assert all_of_it["ВНаличииTurnover"] == 5
        quiet = "StartPeriod=datetime'2026-07-01T00:00:00'"
        assert client.rows(f"{ON_HAND}/Turnovers({quiet})") == []
        assert [row["ВНаличииClosingBalance"] for row in client.rows(f"{ON_HAND}/BalanceAndTurnovers({quiet})")] == [5]


def test_rows_and_row_sets_of_a_register_name_their_documents() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        document = ut.move_stock(good, 5)
        (row,) = client.rows(f"{ON_HAND}_RecordType")
        kind = "StandardODATA.Document_ОприходованиеИзлишковТоваров"
        assert (row["Recorder"], row["Recorder_Type"], row["RecordType"]) == (document, kind, "Receipt")
        assert (row["LineNumber"], row["Active"], row["Period"]) == ("1", True, "2026-06-15T12:00:00")
        (whole,) = client.rows(ON_HAND)
        assert whole["RecordSet"] == [row]
        key = f"Recorder='{document}', Recorder_Type='{kind}'"
        assert client.one(f"{ON_HAND}({key})") == whole
        assert error(client("GET", f"{ON_HAND}(Recorder='{document}')")) == (400, "7")
        assert client.one(f"{ON_HAND}_RecordType({key}, LineNumber=1)/Номенклатура")["Description"] == "Чайник"
        casted = f"Recorder eq cast(guid'{document}', 'Document_ОприходованиеИзлишковТоваров')"
        assert len(client.rows(f"{ON_HAND}_RecordType", filter=casted)) == 1
        assert client.rows(f"{ON_HAND}_RecordType", filter=f"Recorder eq guid'{document}'") == []
        ut.delete_for_good(document)
        assert client.rows(f"{ON_HAND}_RecordType") == []


def test_who_holds_what_is_told_by_the_register_of_allocation() -> None:
    with opened("11.5.8") as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 5})
        order = ut.add_order([(good, 2, 100)])
        rows = {row["Состояние"]: row for row in client.rows(SPREAD)}
        there, held = rows["ОстатокНаСкладе"], rows["РезервНаСкладе"]
        assert (there["ВНаличии"], there["Резерв"], there["Свободно"]) == (5, 2, 3)
        assert (held["ЗаказНаОтгрузку"], held["Зарезервировано"], held["Свободно"]) == (order, 2, 0)
        asked = f"ЗаказНаОтгрузку eq cast(guid'{order}', 'Document_ЗаказКлиента')"
        assert len(client.rows(SPREAD, filter=asked)) == 1
        assert {"Запас", "НеОбеспечено", "РезервПревышаетОстатки"} <= set(there)


def test_long_parameters_do_not_pass_some_web_servers() -> None:
    with opened(iis=True) as (_, client):
        long = " or ".join(f"Склад_Key eq guid'{NO_REF}'" for _ in range(6))
        quoted = long.replace("'", "''")
        refused = client("GET", f"{ON_HAND}/Balance(Condition='{quoted}')")
        assert (refused.status_code, refused.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
        assert client.rows(f"{ON_HAND}/Balance()", Condition=f"'{quoted}'") == []
