"""The stand-in of a base has what each version of UT has, and takes orders in each version's words."""

import re
from typing import Any

import pytest

from connectors.onec.sandbox import OneCSandbox, references
from connectors.onec.sandbox.kinds import Register, Type
from connectors.onec.sandbox.model import EXCHANGE_PLAN, ORDER, TYPES, VERSIONS, model_of
from tests.unit.onec.sandbox_kit import FREE, NEED, SPREAD, Client, error, opened

GOODS = "Catalog_Номенклатура"
RECEIPT = "Document_ЧекККМ"


def own(version: str, name: str) -> set[str]:
    model = model_of(version)
    kind: Type | Register = model.types.get(name) or model.registers[name]
    return set(kind.properties if isinstance(kind, Type) else kind.own)


def rows_of(version: str, name: str) -> set[str]:
    return set(model_of(version).types[name].sections["Товары"])


def published(client: Client) -> set[str]:
    return set(re.findall(r'EntitySet Name="(\w+)"', client("GET", "$metadata").text))


@pytest.mark.parametrize(
    ("name", "having"),
    [
        ("Catalog_СтавкиНДС", {"11.5.8", "11.5.20"}),
        ("Catalog_ХарактеристикиНоменклатурыДляЦенообразования", {"11.5.8", "11.5.20"}),
        ("InformationRegister_ЦеныНоменклатуры", {"11.4.2", "11.5.8", "11.5.20"}),
        ("InformationRegister_ЦеныНоменклатуры25", {"11.5.8", "11.5.20"}),
        (FREE, {"11.4.2"}),
        (SPREAD, {"11.5.8", "11.5.20"}),
        (NEED, {"11.5.20"}),
        ("AccumulationRegister_ЗаказыКлиентов", {"11.4.2", "11.5.8"}),
        ("Document_ОтчетОРозничныхВозвратах", {"11.5.8", "11.5.20"}),
    ],
)
def test_each_version_publishes_what_it_has(name: str, having: set[str]) -> None:
    for version in VERSIONS:
        with opened(version) as (_, client):
            assert (name in published(client)) is (version in having), version
            assert client("GET", f"{name}?$top=1").status_code == (200 if version in having else 404)


def test_vat_is_an_enumeration_in_11_4_and_a_catalog_later() -> None:
    assert "СтавкаНДС" in own("11.4.2", GOODS)
    assert "СтавкаНДС_Key" not in own("11.4.2", GOODS)
    assert {"СтавкаНДС", "ПорядокОплаты"} <= rows_of("11.4.2", ORDER) | own("11.4.2", ORDER)
    for version in ("11.5.8", "11.5.20"):
        assert "СтавкаНДС_Key" in own(version, GOODS) & rows_of(version, ORDER)


def test_attributes_come_and_go_between_versions() -> None:
    assert "Зарезервировано" in own("11.5.20", "AccumulationRegister_БонусныеБаллы")
    assert "Зарезервировано" not in own("11.5.8", "AccumulationRegister_БонусныеБаллы")
    assert {"Партнер_Key", "Производитель_Key"} <= own("11.4.2", "InformationRegister_ШтрихкодыНоменклатуры")
    assert "Партнер_Key" not in own("11.5.8", "InformationRegister_ШтрихкодыНоменклатуры")
    assert ["НомерЧекаККМ" in own(version, RECEIPT) for version in VERSIONS] == [False, False, True]
    assert ["СуммаРучнойСкидки" in rows_of(version, RECEIPT) for version in VERSIONS] == [True, False, True]
    assert ["Излишек" in own(version, SPREAD) for version in VERSIONS[1:]] == [False, True]
    assert ["ПарольМП" in own(version, "Catalog_Партнеры") for version in VERSIONS] == [True, False, False]
    assert ["ВидЦен_Key" in own(version, "Catalog_Партнеры") for version in VERSIONS] == [False, True, True]


def order(version: str, supply: str) -> dict[str, Any]:
    vat = {"СтавкаНДС": "НДС20"} if version == "11.4.2" else {"СтавкаНДС_Key": references.VAT_20}
    row = {"LineNumber": "1", "Номенклатура_Key": references.PARTNER, "Количество": 1, "КоличествоУпаковок": 1}
    return {
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
        "Товары": [{**row, **vat, "ВариантОбеспечения": supply}],
    }


@pytest.mark.parametrize(
    ("version", "supply", "posted"),
    [
        ("11.4.2", "Требуется", True),
        ("11.4.2", "КОбеспечению", False),
        ("11.5.8", "КОбеспечению", True),
        ("11.5.8", "УдалитьОбособленно", True),
        ("11.5.20", "КОбеспечению", True),
        ("11.5.20", "УдалитьОбособленно", False),
        ("11.5.20", "Требуется", False),
    ],
)
def test_lines_are_supplied_in_the_words_of_the_version(version: str, supply: str, posted: bool) -> None:
    with opened(version) as (_, client):
        ref = client("POST", ORDER, order(version, supply)).json()["Ref_Key"]
        answer = client("POST", f"{ORDER}(guid'{ref}')/Post")
        assert (answer.status_code == 200) is posted, answer.text


def test_an_enumeration_takes_only_its_own_rates() -> None:
    with opened("11.4.2") as (_, client):
        wrong = order("11.4.2", "Требуется")
        wrong["Товары"][0]["СтавкаНДС"] = "НДС22"
        ref = client("POST", ORDER, wrong).json()["Ref_Key"]
        assert error(client("POST", f"{ORDER}(guid'{ref}')/Post")) == (500, "-1")


def test_the_options_that_a_base_offers_fit_its_version() -> None:
    with OneCSandbox(version="11.4.2") as old, OneCSandbox() as new:
        assert old.connection()["order"]["vat_rates"]["20"] == "НДС20"
        assert new.connection()["order"]["vat_rates"]["20"] == references.VAT_20
        assert {old.connection()["order"]["supply"], new.connection()["order"]["supply"]} == {"СоСклада"}


def test_another_exchange_is_there_only_where_it_is_asked_for() -> None:
    name = "Catalog_УчетныеЗаписиМаркетплейсов"
    assert not {name, EXCHANGE_PLAN} & set(TYPES)
    with opened() as (_, client):
        assert error(client("GET", name)) == (404, "8")
        assert error(client("GET", EXCHANGE_PLAN)) == (404, "8")
    with opened(marketplaces=("Ozon", "Яндекс.Маркет")) as (_, client):
        assert {row["Description"] for row in client.rows(name)} == {"Ozon", "Яндекс.Маркет"}
    with opened("11.4.2", marketplaces=("Ozon",)) as (_, client):
        assert error(client("GET", name)) == (404, "8")


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="is none of 11"):
        OneCSandbox(version="11.6")


def test_the_composition_can_be_changed_while_it_serves() -> None:
    with opened() as (sandbox, client):
        assert client("GET", "Catalog_Марки").status_code == 200
        sandbox.published -= {"Catalog_Марки"}
        assert error(client("GET", "Catalog_Марки")) == (404, "8")
        assert "Catalog_Марки" not in published(client)
        sandbox.reset()
        assert error(client("GET", "Catalog_Марки")) == (404, "8")
