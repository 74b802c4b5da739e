"""The stand-in of a base refuses, cuts, ignores and answers as a base does."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from lxml import etree

from connectors.onec.sandbox import OneCSandbox, references
from connectors.onec.sandbox.model import ORDER
from connectors.onec.sandbox.query import BadQuery, compile_filter
from tests.unit.onec.odata_support import SHIRT
from tests.unit.onec.sandbox_kit import Client, error

REF = "8d1d7287-6240-11f1-9296-08002761f3c5"
ROW = {
    "LineNumber": "1",
    "Номенклатура_Key": SHIRT,
    "Количество": 1,
    "КоличествоУпаковок": 1,
    "СтавкаНДС_Key": references.VAT_20,
    "ВариантОбеспечения": "КОбеспечению",
}
GOOD: dict[str, Any] = {
    "Ref_Key": REF,
    "Date": "2026-06-15T09:50:09",
    "Организация_Key": references.ORGANIZATION,
    "Партнер_Key": references.PARTNER,
    "Контрагент_Key": references.CONTRAGENT,
    "Соглашение_Key": references.AGREEMENT,
    "Валюта_Key": references.ROUBLE,
    "Склад_Key": references.WAREHOUSE,
    "Статус": "КОбеспечению",
    "НалогообложениеНДС": "ПродажаОблагаетсяНДС",
    "ХозяйственнаяОперация": "РеализацияКлиенту",
    "СпособДоставки": "Самовывоз",
    "СкидкиРассчитаны": True,
    "Товары": [ROW],
}


@pytest.fixture
def sandbox() -> Iterator[OneCSandbox]:
    with OneCSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: OneCSandbox) -> Iterator[Client]:
    client = Client(sandbox)
    yield client
    client.session.close()


def found(client: Client, where: str, **more: str) -> list[dict[str, Any]]:
    return client.rows(ORDER, filter=where, **more)


def address(ref: str = REF) -> str:
    return f"{ORDER}(guid'{ref}')"


def test_the_answer_to_a_creation_has_a_location_and_no_version(client: Client) -> None:
    answer = client("POST", ORDER, GOOD)
    assert answer.status_code == 201
    assert answer.json()["DataVersion"] is None
    assert answer.json()["Ref_Key"] == REF
    assert REF in answer.headers["Location"]
    version = client("GET", address()).json()["DataVersion"]
    assert len(base64.b64decode(version)) == 8


def test_the_version_changes_at_each_write(client: Client) -> None:
    client("POST", ORDER, GOOD)
    seen = [client("GET", address()).json()["DataVersion"]]
    for path, method, body in (
        (address(), "PATCH", {"Комментарий": "1"}),
        (address() + "/Post", "POST", None),
    ):
        assert client(method, path, body).status_code == 200
        seen.append(client("GET", address()).json()["DataVersion"])
    assert len(set(seen)) == 3


def test_a_second_object_with_the_same_reference_is_refused(client: Client) -> None:
    client("POST", ORDER, GOOD)
    assert error(client("POST", ORDER, GOOD)) == (400, "15")


def test_unknown_properties_are_ignored_without_a_word(client: Client) -> None:
    answer = client("POST", ORDER, {**GOOD, "Коментарий": "?", "Товары": [{**ROW, "Колво": 3}]})
    assert answer.status_code == 201
    assert "Коментарий" not in answer.json()
    assert "Колво" not in answer.json()["Товары"][0]


@pytest.mark.parametrize(("version", "length"), [("11.4.2", 30), ("11.5.8", 30), ("11.5.20", 50)])
def test_strings_are_cut_without_a_word(version: str, length: int) -> None:
    with OneCSandbox(version=version) as sandbox:
        client = Client(sandbox)
        answer = client("POST", ORDER, {"Ref_Key": REF, "НомерПоДаннымКлиента": "1" * 60})
        assert answer.json()["НомерПоДаннымКлиента"] == "1" * length
        client.session.close()


def test_what_is_not_given_is_empty_in_the_way_of_1c(client: Client) -> None:
    made = client("POST", ORDER, {"Ref_Key": REF}).json()
    assert made["Договор_Key"] == "00000000-0000-0000-0000-000000000000"
    assert made["ДатаОтгрузки"] == "0001-01-01T00:00:00"
    assert made["МаксимальныйКодСтроки"] == "0"
    assert made["ДокументОснование_Type"] == "StandardODATA.Undefined"
    assert made["Number"] == "ОБ00-000001"
    assert len(made["Number"]) == 11
    assert "Z" not in made["Date"]
    assert "+" not in made["Date"]


@pytest.mark.parametrize(
    "body",
    [
        {"Ref_Key": "не ключ"},
        {"СуммаДокумента": "100"},
        {"Posted": "true"},
        {"Date": "2026-06-15T09:50:09Z"},
        {"Комментарий": 1},
        {"Товары": {}},
        {"Товары": [{"LineNumber": "1", "КодСтроки": "x"}]},
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(client: Client, body: Any) -> None:
    assert error(client("POST", ORDER, body)) == (400, "4")


def test_a_line_without_its_number_is_an_error(client: Client) -> None:
    rows = [{name: value for name, value in ROW.items() if name != "LineNumber"}]
    assert error(client("POST", ORDER, {**GOOD, "Товары": rows})) == (500, "-1")


def test_a_section_is_replaced_whole_and_the_rest_is_kept(client: Client) -> None:
    client("POST", ORDER, {**GOOD, "Комментарий": "был", "Товары": [ROW, {**ROW, "LineNumber": "2"}]})
    changed = client("PATCH", address(), {"Товары": [{**ROW, "Цена": 5}]}).json()
    assert len(changed["Товары"]) == 1
    assert changed["Товары"][0]["Цена"] == 5
    assert changed["Комментарий"] == "был"


def test_a_change_of_another_version_is_refused(client: Client) -> None:
    client("POST", ORDER, GOOD)
    version = client("GET", address()).json()["DataVersion"]
    assert client("PATCH", address(), {"Комментарий": "1"}, **{"If-Match": version}).status_code == 200
    assert client("PATCH", address(), {"Комментарий": "2"}, **{"If-Match": version}).status_code == 412


@pytest.mark.parametrize(
    "wrong",
    [
        {"СкидкиРассчитаны": False},
        {"Организация_Key": SHIRT},
        {"Партнер_Key": "00000000-0000-0000-0000-000000000000"},
        {"Статус": "Новый"},
        {"Статус": ""},
        {"НалогообложениеНДС": ""},
        {"ЭтоЗаказКакСчет": True},
        {"Товары": []},
        {"Товары": [{**ROW, "Номенклатура_Key": "00000000-0000-0000-0000-000000000000"}]},
        {"Товары": [{**ROW, "СтавкаНДС_Key": SHIRT}]},
        {"Товары": [{**ROW, "ВариантОбеспечения": "Требуется"}]},
        {"Товары": [{**ROW, "Количество": 0}]},
        {"DeletionMark": True},
    ],
)
def test_posting_is_refused_where_1c_refuses_it(client: Client, wrong: Any) -> None:
    assert client("POST", ORDER, {**GOOD, **wrong}).status_code == 201
    assert error(client("POST", address() + "/Post?PostingModeOperational=false")) == (500, "-1")
    assert client("GET", address()).json()["Posted"] is False


def test_posting_and_taking_it_back(client: Client) -> None:
    client("POST", ORDER, GOOD)
    assert client("POST", address() + "/Post?PostingModeOperational=false").json()["Posted"] is True
    assert client("POST", address() + "/Post?PostingModeOperational=false").json()["Posted"] is True
    assert client("POST", address() + "/Unpost").json()["Posted"] is False


def test_a_mark_for_deletion_takes_the_posting_back(client: Client) -> None:
    client("POST", ORDER, GOOD)
    client("POST", address() + "/Post")
    assert client("PATCH", address(), {"DeletionMark": True}).json()["Posted"] is False


def test_deletion_is_for_good(client: Client) -> None:
    client("POST", ORDER, GOOD)
    assert client("DELETE", address()).status_code == 204
    assert error(client("GET", address())) == (404, "9")


def test_goods_must_exist_where_the_base_is_strict() -> None:
    with OneCSandbox(strict_products=True) as sandbox:
        client = Client(sandbox)
        client("POST", ORDER, GOOD)
        assert client("POST", address() + "/Post").status_code == 500
        sandbox.add_products(SHIRT)
        assert client("POST", address() + "/Post").status_code == 200
        client.session.close()


def test_what_is_not_published_or_not_there_has_its_code(client: Client) -> None:
    assert error(client("GET", "Document_Нет")) == (404, "8")
    assert error(client("GET", address())) == (404, "9")
    assert error(client("GET", f"{ORDER}(1)")) == (400, "6")
    assert error(client("GET", f"{ORDER}?$seelct=Number")) == (400, "14")


def test_errors_are_xml_where_the_client_does_not_ask_for_json(client: Client) -> None:
    answer = client("GET", address(), Accept="*/*")
    root = etree.fromstring(answer.content)
    assert root.tag.endswith("}error")
    assert root.findtext("{*}code") == "9"


def test_atom_is_what_a_client_gets_that_asks_for_nothing(client: Client) -> None:
    client("POST", ORDER, GOOD)
    root = etree.fromstring(client("GET", ORDER, Accept="*/*").content)
    names = {"m": "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"}
    (properties,) = root.xpath("//m:properties", namespaces=names)
    assert properties.findtext("{*}Ref_Key") == REF
    assert properties.findtext("{*}Товары/{*}element/{*}Номенклатура_Key") == SHIRT
    assert client("GET", f"{ORDER}?$format=json", Accept="*/*").json()["value"][0]["Ref_Key"] == REF


def test_a_stranger_is_not_let_in(client: Client) -> None:
    client.session.headers["Authorization"] = "Basic ????"
    assert client("GET", ORDER).status_code == 401


def test_lists_are_filtered_chosen_sorted_and_cut(client: Client) -> None:
    for at in range(5):
        ref = f"8d1d7287-6240-11f1-9296-08002761f3c{at}"
        client("POST", ORDER, {**GOOD, "Ref_Key": ref, "НомерПоДаннымКлиента": str(at), "СуммаДокумента": at})
    assert [
        row["НомерПоДаннымКлиента"] for row in found(client, "СуммаДокумента ge 3", select="НомерПоДаннымКлиента")
    ] == [
        "3",
        "4",
    ]
    cut = found(client, "СуммаДокумента ge 0", top="2", skip="1", orderby="НомерПоДаннымКлиента desc")
    assert [row["НомерПоДаннымКлиента"] for row in cut] == ["3", "2"]
    counted = client("GET", f"{ORDER}?$inlinecount=allpages&$top=1").json()
    assert (counted["odata.count"], len(counted["value"])) == ("5", 1)
    bare = found(client, "СуммаДокумента eq 1", select="**")[0]
    assert "Товары" not in bare
    assert "Комментарий" in bare


def test_a_misspelt_filter_is_an_empty_list(client: Client) -> None:
    client("POST", ORDER, GOOD)
    assert len(found(client, "Статус eq 'КОбеспечению'")) == 1
    assert found(client, "Сатус eq 'КОбеспечению'") == []


def test_references_cannot_be_paged_by(client: Client) -> None:
    client("POST", ORDER, GOOD)
    assert client("GET", f"{ORDER}?$filter=Ref_Key gt guid'{REF}'").status_code == 500


RECORD = {
    "Number": "ОБ-1",
    "Name": "О'Нил",
    "Ref_Key": REF,
    "Date": "2026-06-15T09:50:09",
    "Sum": 10.5,
    "Lines": "12",
    "Posted": True,
    "Товары": [{"Цена": 5, "Отменено": True}, {"Цена": 7, "Отменено": False}],
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Number eq 'ОБ-1'", True),
        ("Number ne 'ОБ-1'", False),
        ("Name eq 'О''Нил'", True),
        (f"Ref_Key eq guid'{REF.upper()}'", True),
        (f"Ref_Key eq cast(guid'{REF}', 'Document_ЗаказКлиента')", True),
        ("Date ge datetime'2026-06-15T09:50:09'", True),
        ("Date gt datetime'2026-06-15T09:50:09'", False),
        ("Date lt datetime'2026-06-15T10:00'", True),
        ("Sum le 10.5", True),
        ("Sum lt 10.5", False),
        ("Lines gt 9", True),
        ("Posted eq true", True),
        ("not Posted eq true", False),
        ("not (Posted eq true) or Sum gt 1", True),
        ("Posted eq false or Number eq 'x' and Sum gt 1", False),
        ("(Posted eq true or Number eq 'x') and Sum gt 100", False),
        ("substringof('Б-', Number)", True),
        ("startswith(Number, 'ОБ')", True),
        ("endswith(Number, 'ОБ') eq false", True),
        ("like(Number, 'О_-%')", True),
        ("like(Number, '%2')", False),
        ("Товары/any(d: d/Отменено eq true)", True),
        ("Товары/all(d: d/Отменено eq true)", False),
        ("Товары/any(d: d/Цена gt 6 and d/Отменено eq true)", False),
        ("Number eq null", False),
    ],
)
def test_a_filter_decides(source: str, expected: bool) -> None:
    assert compile_filter(source)(RECORD) is expected


@pytest.mark.parametrize(
    "source",
    [
        "Number eq",
        "Number eq 'a",
        "(Number eq 'a'",
        "Number eq 'a')",
        "length(Number) eq 3",
        "Ref_Key eq guid'1'",
        "Date eq datetime'вчера'",
        "Number eq 'a' 'b'",
        "and",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(source: str) -> None:
    with pytest.raises(BadQuery):
        compile_filter(source)(RECORD)


def test_state_shows_orders_and_catalogs_and_reset_forgets_orders(sandbox: OneCSandbox, client: Client) -> None:
    client("POST", ORDER, GOOD)
    state = requests.get(f"{sandbox.url}/__sandbox__/state", timeout=10).json()
    assert state["orders"][0]["Товары"][0]["Номенклатура_Key"] == SHIRT
    assert {row["Ref_Key"] for row in state["catalogs"]["Catalog_Склады"]} == set(references.WAREHOUSES.values())
    assert requests.post(f"{sandbox.url}/__sandbox__/reset", timeout=10).status_code == 204
    assert sandbox.state()["orders"] == []
    assert sandbox.state()["catalogs"]["Catalog_Организации"]
    again = client("POST", ORDER, GOOD).json()
    assert again["Number"] == "ОБ00-000001"


def test_a_person_in_1c_sets_statuses_and_cancels(sandbox: OneCSandbox, client: Client) -> None:
    client("POST", ORDER, {**GOOD, "НомерПоДаннымКлиента": "77"})
    sandbox.set_status("77", "КОтгрузке")
    assert sandbox.order("ОБ00-000001")["Статус"] == "КОтгрузке"
    sandbox.cancel("77")
    assert sandbox.order("77")["Товары"][0]["Отменено"] is True
    with pytest.raises(ValueError, match="none of"):
        sandbox.set_status("77", "Отменен")
    with pytest.raises(KeyError):
        sandbox.order("78")
