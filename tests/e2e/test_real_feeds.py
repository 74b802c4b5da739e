"""Change feeds of a real base, from its exchange plan to canonical records: every field against the XML itself.

What a field must be is said here by XPath on the recorded XML and plain Python, with nothing of the reader's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from lxml import etree

from connectors.onec import OneC
from connectors.onec.odata.atom import entries
from connectors.onec.odata.changes import Changes
from connectors.onec.odata.client import OData
from connectors.onec.odata.entry import Entry
from connectors.onec.odata.good import native_of
from connectors.onec.odata.order_reading import OrderReader
from connectors.onec.odata.partners import shape
from connectors.onec.odata.words import Words
from obmen.entities import ENTITIES
from obmen.mapping import Context, load_mapping
from obmen.records import Hints, Native
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Request, Response, Sandbox, route

PRESETS = Path(__file__).resolve().parents[2] / "mappings" / "onec" / "odata"
MOSCOW = ZoneInfo("Europe/Moscow")
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "d": "http://schemas.microsoft.com/ado/2007/08/dataservices",
    "m": "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata",
}
NO_REF = "00000000-0000-0000-0000-000000000000"
EMPTY = "a9bc23c5-0000-4000-8000-000000000000"
VAT = {"55256246-041e-11ec-8104-60a44ccf99dc": "20", "5525624e-041e-11ec-8104-60a44ccf99dc": "none"}
CURRENCIES = {"RUB": "26093579-c180-11e4-a7a9-000d884fd00d", "USD": "51ed67a6-7220-11df-b336-0011955cba6b"}
ORDER = {
    **dict.fromkeys(("organization", "partner", "contragent", "agreement"), EMPTY),
    "currencies": CURRENCIES,
    "warehouses": {"Склад": "37615a36-5893-11e6-8caa-0050568b35ac"},
    "vat": "20",
    "vat_rates": {rate: ref for ref, rate in VAT.items()},
}


@dataclass
class Recording:
    """A recording of a node's messages."""

    folder: Path
    node: str
    messages: list[str]
    trees: dict[str, etree._ElementTree] = field(default_factory=dict)

    def tree(self, name: str) -> etree._ElementTree:
        return self.trees.setdefault(name, etree.parse(self.folder / name))

    def objects(self, term: str) -> Iterator[tuple[str, etree._Element]]:
        """Yield the message and the properties of each object of a type, by XPath."""
        for name in self.messages:
            wanted = f"//a:entry[a:category/@term='StandardODATA.{term}']/a:content/m:properties"
            for properties in self.tree(name).xpath(wanted, namespaces=NS):
                yield name, properties


class Base(Sandbox):
    """A base that sends the recorded messages one after the other, each until it is confirmed."""

    recording: Recording

    def reset(self) -> None:
        self.received = 0

    @route("GET", r".*/\$metadata")
    def describe(self, request: Request) -> Response:
        del request
        return Response(body=(self.recording.folder / "msg001_metadata.xml").read_bytes())

    @route("GET", r".*/ExchangePlan_ДляODATA\(guid'[^']*'\)")
    def the_node(self, request: Request) -> Response:
        del request
        return Response(body=json.dumps({"Ref_Key": self.recording.node, "ReceivedNo": str(self.received)}).encode())

    @route("POST", r".*/SelectChanges")
    def select(self, request: Request) -> Response:
        number = int(request.query["MessageNo"])
        assert request.query["DataExchangePoint"].endswith(f"ExchangePlan_ДляODATA(guid'{self.recording.node}')'")
        name = self.recording.messages[number - 1]
        headers = {"Content-Type": "application/atom+xml;type=feed;charset=utf-8"}
        return Response(body=(self.recording.folder / name).read_bytes(), headers=headers)

    @route("POST", r".*/NotifyChangesReceived")
    def confirm(self, request: Request) -> Response:
        self.received = int(request.query["MessageNo"])
        return Response(200)


@pytest.fixture(scope="module")
def recording(specs: Path) -> Recording:
    folder = specs / "data" / "odata" / "ut11_trade_demo"
    told = json.loads((folder / "manifest.json").read_bytes())
    return Recording(folder, told["queue_guid"], told["batches"])


@contextmanager
def connected(recording: Recording) -> Iterator[tuple[OneC, OData]]:
    serving = type("Serving", (Base,), {"recording": recording})
    with serving() as base:
        plan = {"name": "ДляODATA", "node": recording.node}
        options = OneC.Options(url=f"{base.url}/trade", order=ORDER, exchange_plan=plan, own_orders=True)
        onec = OneC("ut", options, clock=FakeClock())
        try:
            yield onec, OData(onec.http)
        finally:
            onec.close()


@pytest.fixture(scope="module")
def received(recording: Recording) -> Iterator[tuple[OneC, OData, list[Entry], list[Hints]]]:
    """All messages, read through the exchange plan, each confirmed before the next."""
    with connected(recording) as (onec, base):
        changes = Changes(base, onec.options)
        found: list[Entry] = []
        hints: list[Hints] = []
        cursor = None
        for name in recording.messages:
            (told,) = changes.read(cursor)
            hints.append(told)
            changes.acknowledge(told.cursor)
            cursor = told.cursor
            content = (recording.folder / name).read_bytes()
            found += [one for one in entries(content, base.metadata()) if isinstance(one, Entry)]
        yield onec, base, found, hints


def canonical(entity: str, native: Native, onec: OneC) -> dict[str, Any]:
    context = Context(connection="ut", options=onec.options.model_dump(mode="json"), zone=MOSCOW)
    mapping = load_mapping(PRESETS / f"{entity}.yaml").bind(context, "pull")
    refs = {(of, id_): f"SKU {id_}" for of, id_ in mapping.pull_refs(native)}
    record = ENTITIES[entity].model_validate(mapping.pull(native, refs))
    told: dict[str, Any] = record.model_dump(exclude_unset=True)
    return told


def text(element: etree._Element, name: str) -> str:
    found = element.xpath(f"string(d:{name})", namespaces=NS)
    return str(found)


def said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", None)}


def test_the_recording_holds_what_is_compared(recording: Recording) -> None:
    counts = {
        term: sum(1 for _ in recording.objects(term))
        for term in ("Catalog_Номенклатура", "Document_ЗаказКлиента", "Catalog_Контрагенты")
    }
    assert counts == {"Catalog_Номенклатура": 5, "Document_ЗаказКлиента": 4, "Catalog_Контрагенты": 5}


def test_every_property_of_every_object_is_as_in_the_xml(recording: Recording, received: Any) -> None:
    """Shipments and movements too, which become no record of their own: what they say is not lost on the way."""
    _, base, found, _ = received
    told = iter(found)
    values = 0
    for name in recording.messages:
        for properties in recording.tree(name).xpath("//a:entry/a:content/m:properties", namespaces=NS):
            entry = next(told)
            known = base.metadata().properties(entry.set)
            values += compared(entry.native, properties, {name: one.type for name, one in known.items()})
    assert next(told, None) is None
    assert values > 4000


def compared(native: Native, xml: etree._Element, types: dict[str, str]) -> int:
    """Compare a record with its XML, and its rows; return how many values were alike."""
    children = {etree.QName(child).localname: child for child in xml}
    assert list(native) == list(children)
    count = 0
    for name, child in children.items():
        value = native[name]
        rows = child.xpath("d:element", namespaces=NS)
        if isinstance(value, list):
            assert len(value) == len(rows), name
            count += sum(compared(row, element, {}) for row, element in zip(value, rows, strict=True))
            continue
        assert not rows, name
        spelt = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        if isinstance(spelt, int | Decimal):
            assert Decimal(spelt) == Decimal(child.text or ""), name
        else:
            assert spelt == (child.text or ""), name
        if types.get(name) in {"Edm.Boolean", "Edm.Double", "Edm.Int16"}:
            assert not isinstance(value, str), f"{name} is no text"
        count += 1
    return count


def test_each_message_tells_what_to_look_at_again(recording: Recording, received: Any) -> None:
    _, _, _, hints = received
    assert [one.cursor.rpartition("/")[2] for one in hints] == ["1", "2", "3", "4", "5"]
    assert not any(one.lost for one in hints)
    told = dict(zip(recording.messages, hints, strict=True))
    for name in recording.messages:
        wanted = {
            "product": refs(recording, name, "Catalog_Номенклатура", "Ref_Key"),
            "customer": refs(recording, name, "Catalog_Контрагенты", "Партнер_Key"),
            "order": refs(recording, name, "Document_ЗаказКлиента", "Ref_Key"),
            "order_status": sorted(
                {
                    *refs(recording, name, "Document_ЗаказКлиента", "Ref_Key"),
                    *refs(recording, name, "Document_РеализацияТоваровУслуг", "ЗаказКлиента"),
                    *refs(recording, name, "Document_РеализацияТоваровУслуг", "Товары/d:element/d:ЗаказКлиента"),
                }
            ),
        }
        assert dict(told[name].ids) == {entity: ids for entity, ids in wanted.items() if ids}


def refs(recording: Recording, message: str, term: str, path: str) -> list[str]:
    wanted = f"//a:entry[a:category/@term='StandardODATA.{term}']/a:content/m:properties/d:{path}/text()"
    found = recording.tree(message).xpath(wanted, namespaces=NS)
    return sorted({str(one) for one in found if one not in ("", NO_REF)})


def test_goods_become_products(recording: Recording, received: Any) -> None:
    onec, base, found, _ = received
    goods = [one.native for one in found if one.set == "Catalog_Номенклатура"]
    expected = [
        said(
            sku=text(xml, "Артикул") or text(xml, "Ref_Key"),
            article=text(xml, "Артикул"),
            name=text(xml, "Description"),
            description=text(xml, "Описание"),
            archived=text(xml, "DeletionMark") == "true",
        )
        for _, xml in recording.objects("Catalog_Номенклатура")
    ]
    assert [canonical("product", native_of(good, None, [], [], Words(base)), onec) for good in goods] == expected


def test_contragents_become_customers(recording: Recording, received: Any) -> None:
    onec, _, found, _ = received
    contragents = [one.native for one in found if one.set == "Catalog_Контрагенты"]
    natives = [shape(one["Партнер_Key"], None, [one], []) for one in contragents]
    assert [canonical("customer", native, onec) for native in natives] == [
        customer(xml) for _, xml in recording.objects("Catalog_Контрагенты")
    ]


def customer(xml: etree._Element) -> dict[str, Any]:
    def contacts(kind: str) -> list[str]:
        rows = xml.xpath(f"d:КонтактнаяИнформация/d:element[d:Тип='{kind}']/d:Представление/text()", namespaces=NS)
        return [str(row).strip() for row in rows]

    person = text(xml, "ЮрФизЛицо") == "ФизЛицо"
    name = text(xml, "НаименованиеПолное") or text(xml, "Description")
    words = name.split() if person and len(name.split()) in (2, 3) else []
    return said(
        customer_id=text(xml, "Партнер_Key"),
        kind="person" if person else "company",
        name=name,
        **dict(zip(("last_name", "first_name", "middle_name"), words, strict=False)),
        phones=tuple(dict.fromkeys(e164(one) for one in contacts("Телефон"))),
        emails=tuple(dict.fromkeys(one.lower() for one in contacts("АдресЭлектроннойПочты"))),
        address=next(iter(contacts("Адрес")), None),
        tax_id=text(xml, "ИНН"),
        cards=(),
        archived=text(xml, "DeletionMark") == "true",
    )


def e164(spelling: str) -> str:
    return phonenumbers.format_number(phonenumbers.parse(spelling, "RU"), phonenumbers.PhoneNumberFormat.E164)


def test_orders_become_orders(recording: Recording, received: Any) -> None:
    onec, base, found, _ = received
    orders = [one.native for one in found if one.set == "Document_ЗаказКлиента"]
    reader = OrderReader(base, onec.options, onec.clock, "ut")
    natives = [native for (native,) in reader.shaped("Document_ЗаказКлиента", orders)]
    assert [canonical("order", native, onec) for native in natives] == [
        order(xml) for _, xml in recording.objects("Document_ЗаказКлиента")
    ]


def order(xml: etree._Element) -> dict[str, Any]:
    rows = xml.xpath("d:Товары/d:element[d:Отменено='false']", namespaces=NS)
    assert rows
    total = sum((Decimal(text(row, "СуммаСНДС")) for row in rows), Decimal(0))
    assert total == Decimal(text(xml, "СуммаДокумента")), "1C's own total"
    names = {ref: name for name, ref in CURRENCIES.items()}
    warehouses = {ref: name for name, ref in ORDER["warehouses"].items()}
    bonuses = sum((Decimal(text(row, "СуммаБонусныхБалловКСписаниюВВалюте")) for row in rows), Decimal(0))
    delivery = said(address=text(xml, "АдресДоставки"), warehouse=warehouses.get(text(xml, "Склад_Key")))
    return said(
        channel="ut",
        number=f"{text(xml, 'Number')}/{text(xml, 'Date')[:4]}",
        placed_at=local(text(xml, "Date")),
        currency=names[text(xml, "Валюта_Key")],
        comment=text(xml, "Комментарий"),
        document=text(xml, "Number"),
        delivery=delivery or None,
        total=total,
        bonuses_spent=bonuses or None,
        lines=tuple(order_line(row) for row in rows),
    )


def order_line(row: etree._Element) -> dict[str, Any]:
    variant = text(row, "Характеристика_Key")
    product = text(row, "Номенклатура_Key") + (f"#{variant}" if variant != NO_REF else "")
    discount = Decimal(text(row, "СуммаРучнойСкидки")) + Decimal(text(row, "СуммаАвтоматическойСкидки"))
    return said(
        sku=f"SKU {product}",
        quantity=Decimal(text(row, "Количество")),
        price=Decimal(text(row, "Цена")),
        total=Decimal(text(row, "Сумма")),
        discount=discount or None,
        vat=VAT[text(row, "СтавкаНДС_Key")],
    )


def local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=MOSCOW).astimezone(UTC)
