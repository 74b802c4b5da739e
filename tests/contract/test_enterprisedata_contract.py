"""What passes over the wire, held against the published schemas and service descriptions of EnterpriseData."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree

from connectors.onec.sandbox.enterprisedata import RETAIL, EnterpriseDataSandbox
from connectors.onec.sandbox.enterprisedata.description import EXCHANGE, VERSIONS, Service, describe
from obmen.records import Batch, Item
from tests.unit.onec.enterprisedata_kit import (
    BASES,
    HAT,
    JACKET,
    JACKET_XL,
    calls,
    connected,
    fill,
    messages,
    natives,
    payload,
    write,
)

MESSAGE = "http://www.1c.ru/SSL/Exchange/Message"
FORMAT = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData"
SCHEMAS = {"1.8": "1_8_6", "1.17": "1_17_3", "1.21": "1_21_1"}
SPOKEN = {"11.4.2": "1.8", "11.5.8": "1.17", "11.5.20": "1.21"}


@cache
def body_schema(folder: Path, version: str) -> etree.XMLSchema:
    """The schema of a version, with a Body around its objects and a deletion among them."""
    space = f"{FORMAT}/{version}"
    wrapper = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:e="{space}" targetNamespace="{space}"
      elementFormDefault="qualified"><xs:include schemaLocation="EnterpriseData_{SCHEMAS[version]}.xsd"/>
      <xs:element name="УдалениеОбъекта" type="e:УдалениеОбъекта"/>
      <xs:element name="Body"><xs:complexType><xs:sequence><xs:any namespace="##targetNamespace"
      processContents="strict" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
      </xs:schema>"""
    return etree.XMLSchema(etree.fromstring(wrapper.encode(), base_url=(folder / "wrapper.xsd").as_uri()))


@cache
def header_schema(folder: Path) -> etree.XMLSchema:
    wrapper = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:m="{MESSAGE}"
      targetNamespace="{MESSAGE}"><xs:include schemaLocation="ExchangeMessage.xsd"/>
      <xs:element name="Header" type="m:Header"/></xs:schema>"""
    return etree.XMLSchema(etree.fromstring(wrapper.encode(), base_url=(folder / "wrapper.xsd").as_uri()))


def judge(message: etree._Element, folder: Path, version: str) -> list[str]:
    """Hold a message against the schemas of its version; return the names of its objects."""
    assert message.tag == "Message"
    header, body = message
    header_schema(folder).assertValid(header)
    assert header.findtext(f"{{{MESSAGE}}}Format") == f"{FORMAT}/{version}"
    assert body.tag == f"{{{FORMAT}/{version}}}Body"
    body_schema(folder, version).assertValid(body)
    return [etree.QName(one).localname for one in body]


@pytest.fixture
def xsd(specs: Path) -> Path:
    return specs / "specs" / "enterprisedata" / "xsd"


@pytest.fixture
def wsdl(specs: Path) -> Path:
    return specs / "specs" / "enterprisedata" / "wsdl"


@pytest.mark.parametrize("version", BASES)
def test_every_message_is_valid_by_the_schema_of_its_version(tmp_path: Path, xsd: Path, version: str) -> None:
    with connected(tmp_path / "ut", version=version) as (door, base):
        fill(base)
        packed = {RETAIL: [(HAT, "", "1000", "Коробка", "3")]}
        base.shelf.set_prices("22222222-0000-4000-8000-000000000005", "2026-06-11T00:00:00", packed)
        natives(door.products())
        base.shelf.delete("Справочник.Номенклатура", JACKET)
        base.shelf.delete("Документ.УстановкаЦенНоменклатуры", "22222222-0000-4000-8000-000000000001")
        natives(door.products())
        base.shelf.put("Справочник.Номенклатура", JACKET)
        natives(door.products())
        outcomes = write(door, payload(), payload("1001", Склад=None, ДатаОтгрузки=None, Покупатель=None))
        outcomes += door.write_products(Batch([good(), good_of_1c()]))
        outcomes += door.write_prices(Batch([price(HAT, "Розничная"), price(f"{JACKET}#{JACKET_XL}", "Оптовая")]))
        outcomes += door.write_customers(Batch([company(), person()]))
        assert {outcome.kind for outcome in outcomes} == {"done"}, outcomes
        sent, put = messages(base)
    spoken = SPOKEN[version]
    brought = [name for message in sent for name in judge(message, xsd, spoken)]
    assert {"Справочник.Номенклатура", "Справочник.ХарактеристикиНоменклатуры", "УдалениеОбъекта"} <= set(brought)
    assert [name for name in base.profile.sends if name not in brought] == ["Справочник.Валюты"]
    taken = [name for message in put for name in judge(message, xsd, spoken)]
    assert sorted(set(taken)) == [
        "Документ.ЗаказКлиента",
        "Документ.УстановкаЦенНоменклатуры",
        "Справочник.Контрагенты",
        "Справочник.Номенклатура",
        "Справочник.ШтрихкодыНоменклатуры",
    ]


def good() -> Item:
    told = {"Наименование": "Шарф", "Описание": "Длинный", "СтавкаНДС": "10", "Штрихкод": ["2900000000049"]}
    return Item(id="S-1", payload={"Артикул": "S-1", **told, "ЕдиницаИзмерения": {"Наименование": "шт"}})


def good_of_1c() -> Item:
    return Item(id="H-1", payload={"Артикул": "H-1", "Наименование": "Шапка новая"}, native_id=HAT)


def price(id_: str, type_: str) -> Item:
    body = {"Ид": id_, "ТипЦены": type_, "ЦенаЗаЕдиницу": "10.5"}
    return Item(id=f"{id_}|{type_}", payload=body, idempotency_key=id_)


def company() -> Item:
    told = {"Наименование": "ООО «Образец»", "ЮридическоеФизическоеЛицо": "ЮридическоеЛицо", "ИНН": "7700000000"}
    return Item(id="crm-1", payload={"Ref_Key": "crm-1", **told, "Адрес": "Пример, 1 <а>"})


def person() -> Item:
    contacts = {"Телефоны": ["+79000000003"], "АдресаЭлектроннойПочты": ["a@example.com"]}
    body = {"Ref_Key": "crm-2", "Наименование": "Пример", **contacts, "ДополнительнаяИнформация": "VIP"}
    return Item(id="crm-2", payload=body)


def test_a_message_of_settings_has_no_body(tmp_path: Path, xsd: Path) -> None:
    with connected(tmp_path / "ut", finished=False) as (door, base):
        with pytest.raises(Exception, match="not finished"):
            natives(door.products())
        sent, put = messages(base)
    for message in (*sent, *put):
        (header,) = message
        header_schema(xsd).assertValid(header)
        assert header.findtext(f"{{{MESSAGE}}}Format") == FORMAT


def test_the_judge_sees_an_element_out_of_its_place(tmp_path: Path, xsd: Path) -> None:
    with connected(tmp_path / "ut") as (door, base):
        fill(base)
        natives(door.products())
        (message, *_), _ = messages(base)
    product = message.find(".//{*}Справочник.Номенклатура")
    assert product is not None
    product.append(product[0])
    with pytest.raises(etree.DocumentInvalid):
        judge(message, xsd, "1.21")


# -- the services -----------------------------------------------------------------------------------------


def shape(document: Any) -> dict[str, Any]:
    """What a description promises: bindings, operations, parts, and the elements in them."""
    found: dict[str, Any] = {}
    for name, binding in document.bindings.items():
        found[name] = {
            "port": str(binding.port_name),
            "transport": binding.transport,
            "kind": type(binding).__name__,
            "operations": {
                operation.name: (
                    operation.soapaction,
                    operation.style,
                    *(tuple(parts(message)) for message in (operation.input, operation.output)),
                )
                for operation in binding._operations.values()
            },
        }
    return found


def parts(message: Any) -> Iterator[tuple[Any, ...]]:
    for name, part in message.abstract.parts.items():
        element = part.element
        yield name, str(element.qname), tuple(fields(element.type))


def fields(kind: Any) -> Iterator[tuple[Any, ...]]:
    for name, element in kind.elements:
        inner = tuple(fields(element.type)) if hasattr(element.type, "elements") else ()
        named = str(getattr(element.type, "qname", "any"))
        bounds = getattr(element, "nillable", None), element.min_occurs, element.max_occurs
        yield name, named, *bounds, inner


def described(service: Service) -> Any:
    return zeep.Client(io.BytesIO(describe(service, "http://127.0.0.1/ws"))).wsdl


@pytest.mark.parametrize("service", [EXCHANGE, VERSIONS], ids=lambda service: service.name)
def test_our_description_promises_what_the_published_one_does(wsdl: Path, service: Service) -> None:
    published = zeep.Client(str(wsdl / f"{service.name}.wsdl")).wsdl
    ours = described(service)
    assert shape(ours) == shape(published)
    assert {name: list(one.ports) for name, one in ours.services.items()} == {
        name: list(one.ports) for name, one in published.services.items()
    }


def test_calls_and_answers_are_those_of_the_published_description(tmp_path: Path, wsdl: Path) -> None:
    """Each request is, byte for byte, what the published description makes of its arguments."""
    published = zeep.Client(str(wsdl / f"{EXCHANGE.name}.wsdl"))
    binding = published.wsdl.bindings[f"{{{EXCHANGE.namespace}}}{EXCHANGE.name}SoapBinding"]
    with connected(tmp_path / "ut") as (door, base):
        fill(base)
        list(door.check())
        natives(door.products())
        write(door, payload())
    seen = set()
    for exchange in base.journal:
        name = exchange.path.rpartition("/")[2]
        if exchange.method != "POST" or name == "GetVersions":
            continue
        seen.add(name)
        operation = binding.get(name)
        asked = etree.fromstring(exchange.request_body)
        (call,) = asked.find("{*}Body")
        arguments = operation.input.body.parse(call, published.wsdl.types)
        made = published.create_message(published.service, name, **dict(arguments.__values__))
        assert etree.tostring(made, method="c14n") == etree.tostring(asked, method="c14n")
        assert exchange.request_headers["soapaction"].strip('"') == operation.soapaction
        answer = operation.process_reply(etree.fromstring(exchange.response_body))
        assert answer is not None or name == "Ping"
    expected = set(EXCHANGE.operations) - {"Ping"}
    assert seen == expected


def test_calls_go_where_the_project_says(tmp_path: Path) -> None:
    """The description names an address of its own, which may be one that nobody reaches from here."""
    with connected(tmp_path / "ut") as (door, base):
        natives(door.products())
        assert b"http://internal.example" in next(one for one in base.journal if one.method == "GET").response_body
        assert "PutData" in calls(base)


def test_a_sandbox_that_is_asked_otherwise_says_so() -> None:
    with EnterpriseDataSandbox() as base:
        client = zeep.Client(io.BytesIO(describe(EXCHANGE, f"{base.url}/ut/ws/{EXCHANGE.name}.1cws")))
        client.transport.session.auth = (base.username.encode(), base.password.encode())
        with pytest.raises(zeep.exceptions.Fault, match="Ошибка при разборе запроса"):
            client.service.GetDataPart(FileID="x", PartNumber="не число")
        client.transport.session.close()
