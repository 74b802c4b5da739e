"""How the stand-in of a base is asked: choices, references, orders, pages, counts, keys, formats."""

from typing import Any
from urllib.parse import quote

import pytest
from lxml import etree

from connectors.onec.sandbox import references
from connectors.onec.sandbox.query import compile_filter
from tests.unit.onec.sandbox_kit import MAIN, NO_REF, Client, error, opened

GOODS = "Catalog_Номенклатура"
ORDER = "Document_ЗаказКлиента"
ORDER_ROWS = f"{ORDER}_Товары"


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["Description"] for row in rows]


def test_presentations_are_told_only_where_they_are_chosen() -> None:
    with opened() as (ut, client):
        group = ut.add_group("Посуда")
        good = ut.add_good("Чайник", group=group, brand="Рубин")
        ref = ut.add_order([(good, 1, 10)], number="7")
        path = f"{GOODS}(guid'{good}')"
        assert not any(name.endswith("Presentation") for name in client.one(path))
        told = client.one(
            path, select="Ref_Key,Parent____Presentation,Марка____Presentation,Производитель____Presentation"
        )
        assert told == {
            "Ref_Key": good,
            "Parent____Presentation": "Посуда",
            "Марка____Presentation": "Рубин",
            "Производитель____Presentation": "",
        }
        whole = client.one(path, select="*,*____Presentation")
        assert (whole["Марка____Presentation"], whole["Артикул"]) == ("Рубин", "")
        shipment = ut.ship("7") if ut.move_stock(good, 5) else ""
        (row,) = client.rows(
            "Document_РеализацияТоваровУслуг_Товары", select="ЗаказКлиента,ЗаказКлиента____Presentation"
        )
        assert row["ЗаказКлиента____Presentation"] == "Заказ клиента ОБ00-000001 от 15.06.2026 12:00:00"
        assert row["ЗаказКлиента"] == ref
        assert shipment
        assert error(client.get(path, select="Мраки____Presentation")) == (400, "10")


def test_what_is_referred_to_comes_along() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник", brand="Рубин")
        (row,) = client.rows(GOODS, expand="Марка,Parent", select="Description,Марка/Description")
        assert row == {"Description": "Чайник", "Марка": {"Description": "Рубин"}, "Parent": None}
        assert client.one(f"{GOODS}(guid'{good}')/Марка", select="Description") == {"Description": "Рубин"}
        assert error(client("GET", f"{GOODS}(guid'{good}')/Parent")) == (404, "9")
        assert error(client("GET", f"{GOODS}(guid'{good}')/Мрака")) == (400, "10")
        assert error(client.get(GOODS, expand="ДополнительныеРеквизиты")) == (400, "14")
        assert error(client.get(GOODS, select="Марка/Description")) == (400, "14")
        assert error(client.get(GOODS, expand="Марка", select="Марка/Нет")) == (400, "10")
        ut.published -= {"Catalog_Марки"}
        assert error(client.get(GOODS, expand="Марка")) == (400, "14")
        assert client.rows(GOODS, filter="Марка/Description eq 'Рубин'") == []


def test_filters_and_orders_go_through_references() -> None:
    with opened() as (ut, client):
        dishes, light = ut.add_group("Посуда"), ut.add_group("Свет")
        ut.add_good("Чайник", group=dishes)
        ut.add_good("Лампа", group=light)
        ut.add_good("Кружка", group=dishes)
        assert names(client.rows(GOODS, filter="Parent/Description eq 'Посуда'", orderby="Description")) == [
            "Кружка",
            "Чайник",
        ]
        goods = "IsFolder eq false"
        assert names(client.rows(GOODS, filter=goods, orderby="Parent/Description desc,Description desc")) == [
            "Лампа",
            "Чайник",
            "Кружка",
        ]
        assert error(client.get(GOODS, orderby="Цвет")) == (400, "10")
        ut.add_order([(ut.add_good("Ваза"), 1, 5)])
        inside = "Товары/any(d: d/Номенклатура/Description eq 'Ваза')"
        assert len(client.rows(ORDER, filter=inside)) == 1


def test_rows_of_sections_are_sets_of_their_own() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        order = ut.add_order([(good, 1, 10), (good, 2, 10)])
        rows = client.rows(
            ORDER_ROWS, orderby="LineNumber desc", expand="Номенклатура", select="Ref_Key,LineNumber,Номенклатура"
        )
        assert [(row["Ref_Key"], row["LineNumber"]) for row in rows] == [(order, "2"), (order, "1")]
        assert rows[0]["Номенклатура"]["Description"] == "Чайник"
        assert client.one(f"{ORDER_ROWS}(Ref_Key=guid'{order}',LineNumber=2)")["Количество"] == 2
        assert error(client("POST", ORDER_ROWS, {"Ref_Key": order})) == (400, "13")
        assert error(client("POST", "InformationRegister_ШтрихкодыНоменклатуры", {"Штрихкод": "1"})) == (405, "19")


def test_who_does_not_ask_for_an_order_sees_rows_move_between_pages() -> None:
    with opened() as (ut, client):
        refs = [ut.add_good(str(at)) for at in range(4)]
        first = [row["Ref_Key"] for row in client.rows(GOODS, top="2")]
        ut.touch(refs[0])
        second = [row["Ref_Key"] for row in client.rows(GOODS, top="2", skip="2")]
        assert set(first + second) != set(refs)
        first = [row["Ref_Key"] for row in client.rows(GOODS, top="2", orderby="Ref_Key")]
        ut.touch(refs[0])
        second = [row["Ref_Key"] for row in client.rows(GOODS, top="2", skip="2", orderby="Ref_Key")]
        assert first + second == sorted(refs)
        assert client.rows(GOODS, top="2", skip="4", orderby="Ref_Key") == []
        ut.delete_for_good(refs[1])
        assert len(client.rows(GOODS, orderby="Ref_Key", top="10")) == 3


def test_counts() -> None:
    with opened() as (ut, client):
        ut.fill(12)
        assert client("GET", f"{GOODS}/$count").text == "18"
        assert client.get(f"{GOODS}/$count", filter="IsFolder eq true").text == "6"
        page = client.one(GOODS, inlinecount="allpages", top="5", orderby="Ref_Key")
        assert (page["odata.count"], len(page["value"])) == ("18", 5)
        page = client.one(GOODS, inlinecount="allpages", top="5", filter="IsFolder eq true")
        assert (page["odata.count"], len(page["value"])) == ("6", 5)
        assert error(client.get(GOODS, top="много")) == (400, "14")


def test_a_restricted_record_spoils_a_list_that_does_not_ask_for_allowed_ones_only() -> None:
    with opened() as (ut, client):
        seen, unseen = ut.add_good("Чайник"), ut.add_good("Кружка")
        ut.hide(unseen)
        assert error(client.get(GOODS)) == (401, "20")
        assert names(client.rows(GOODS, allowedOnly="true")) == ["Чайник"]
        assert names(client.rows(GOODS, filter=f"Ref_Key eq guid'{seen}'")) == ["Чайник"]
        assert error(client("GET", f"{GOODS}(guid'{unseen}')")) == (401, "20")
        assert error(client("PATCH", f"{GOODS}(guid'{unseen}')", {"Артикул": "1"})) == (401, "20")


def test_types_that_are_not_published_have_no_name() -> None:
    with opened() as (ut, client):
        ut.add_good("Чайник", attributes={"Цвет": "Красный"})
        ut.published -= {"Catalog_ЗначенияСвойствОбъектов"}
        (good,) = client.rows(GOODS)
        (row,) = good["ДополнительныеРеквизиты"]
        assert row["Значение_Type"].startswith("UnavailableEntities.UnavailableEntity_")
        assert row["Значение"] != ""
        assert good["Принципал_Type"] == "StandardODATA.Undefined"


def test_metadata_of_records_is_told_unless_it_is_not_wanted() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник", brand="Рубин")
        path = f"{GOODS}(guid'{good}')"
        bare = client.one(path)
        full = client("GET", path, Accept="application/json").json()
        assert not any("odata" in name or "@" in name for name in bare)
        assert full["odata.metadata"].endswith("$metadata#Catalog_Номенклатура/@Element")
        assert full["Марка@navigationLinkUrl"] == f"{path}/Марка"
        assert "Parent@navigationLinkUrl" not in full


def test_numbers_of_64_bits_are_strings_and_nothing_is_null() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        order = ut.add_order([(good, 1, 10)])
        read = client.one(f"{ORDER}(guid'{order}')")
        assert read["МаксимальныйКодСтроки"] == "1"
        assert read["Товары"][0]["LineNumber"] == "1"
        assert read["Договор_Key"] == NO_REF
        assert None not in read.values()
        assert None not in read["Товары"][0].values()


def test_every_write_changes_the_version() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        path = f"{GOODS}(guid'{good}')"
        versions = [client.one(path)["DataVersion"]]
        for act in (lambda: ut.touch(good), lambda: ut.change(good, Артикул="1"), lambda: ut.mark_deleted(good)):
            act()
            versions.append(client.one(path)["DataVersion"])
        assert len(set(versions)) == 4
        ut.add_barcode(good, "1")
        assert client.one(path)["DataVersion"] == versions[-1]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (f"{GOODS}(guid'1')", "6"),
        (f"{GOODS}(guid'{NO_REF}", "6"),
        (f"{GOODS}('{NO_REF}')", "6"),
        (f"{GOODS}/Нет", "6"),
        (f"{GOODS}(guid'{NO_REF}')", "9"),
        ("InformationRegister_ДвоичныеДанныеФайлов(Файл='1')", "7"),
        ("InformationRegister_ШтрихкодыНоменклатуры(Штрихкод='1')", "9"),
        (f"{GOODS}_RecordType", "8"),
        ("InformationRegister_ШтрихкодыНоменклатуры_RecordType", "8"),
        ("Нет", "8"),
    ],
)
def test_an_address_that_leads_nowhere_has_its_code(address: str, code: str) -> None:
    with opened() as (_, client):
        status, told = error(client("GET", quote(address, safe="()'=,/")))
        assert told == code
        assert status in {400, 404}


def test_calls_that_a_type_does_not_have() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        assert error(client("POST", f"{GOODS}(guid'{good}')/Post")) == (400, "11")
        assert error(client("POST", f"{GOODS}(guid'{good}')/Удалить")) == (400, "11")
        assert error(client("POST", f"{ORDER}(guid'{NO_REF}')/Post")) == (404, "9")


def test_a_slash_at_the_end_does_no_harm() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        assert client.one(f"{GOODS}(guid'{good}')/")["Description"] == "Чайник"
        assert len(client.rows(f"{GOODS}/")) == 1


def test_a_file_that_is_no_base64_is_refused() -> None:
    with opened() as (_, client):
        files = "Catalog_НоменклатураПрисоединенныеФайлы"
        assert error(client("POST", files, {"ФайлХранилище_Base64Data": "????"})) == (400, "4")
        made = client("POST", files, {"ФайлХранилище_Base64Data": "YQ==", "ФайлХранилище_Type": "image/png"})
        assert client.get(f"{files}(guid'{made.json()['Ref_Key']}')/ФайлХранилище").content == b"a"


def test_characters_that_xml_does_not_have_break_atom_and_not_json() -> None:
    with opened() as (ut, client):
        ut.add_good("Чайник\x01")
        assert names(client.rows(GOODS)) == ["Чайник\x01"]
        refused = client("GET", GOODS, Accept="application/atom+xml")
        assert refused.status_code == 400
        assert etree.fromstring(refused.content).tag.endswith("}error")


RECORD = {
    "Sum": 10,
    "Share": 3,
    "Date": "2026-06-15T09:50:09",
    "Owner": "8d1d7287-6240-11f1-9296-08002761f3c5",
    "Owner_Type": "StandardODATA.Catalog_Номенклатура",
    "Text": "Красный",
    "Text_Type": "Edm.String",
    "Name": "Чайник",
}
OWNER = "guid'8d1d7287-6240-11f1-9296-08002761f3c5'"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Sum add Share eq 13", True),
        ("Sum sub Share mul 2 eq 4", True),
        ("(Sum sub Share) mul 2 eq 14", True),
        ("Sum div 4 eq 2.5", True),
        ("round(Sum div 4) eq 3", True),
        ("year(Date) eq 2026 and quarter(Date) eq 2 and month(Date) eq 6 and day(Date) eq 15", True),
        ("hour(Date) eq 9 and minute(Date) eq 50 and second(Date) eq 9", True),
        ("concat(Name, '!') eq 'Чайник!'", True),
        (f"Owner eq cast({OWNER}, 'Catalog_Номенклатура')", True),
        (f"Owner eq cast({OWNER}, 'StandardODATA.Catalog_Номенклатура')", True),
        (f"Owner eq cast({OWNER}, 'Catalog_ВидыНоменклатуры')", False),
        (f"Owner ne cast({OWNER}, 'Catalog_ВидыНоменклатуры')", True),
        (f"Owner eq {OWNER}", False),
        ("isof(Owner, 'Catalog_Номенклатура')", True),
        ("isof(Owner, 'Catalog_ВидыНоменклатуры')", False),
        ("Owner_Type eq 'StandardODATA.Catalog_Номенклатура'", True),
        ("Text eq 'Красный'", True),
        ("startswith(null, 'Ч')", False),
    ],
)
def test_a_filter_reckons_and_casts(source: str, expected: bool) -> None:
    assert compile_filter(source)(RECORD) is expected


def test_json_tells_numbers_as_numbers() -> None:
    with opened() as (ut, client):
        ut.add_good("Чайник", prices={"Розничная": 10}, stock={MAIN: 1})
        text = client.get("InformationRegister_ЦеныНоменклатуры25_RecordType", format="json").text
        assert '"Цена":10,' in text
        assert f'"Валюта_Key":"{references.ROUBLE}"' in text


def test_a_stranger_sees_nothing_and_a_tired_base_says_so() -> None:
    with opened() as (_, client):
        stranger = Client.__new__(Client)
        stranger.root, stranger.session = client.root, client.session
        stranger.session.headers["Authorization"] = "Basic 0JDQvdC40Lw="
        assert stranger("GET", f"{GOODS}/$count").status_code == 401
