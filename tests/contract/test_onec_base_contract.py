"""The sandbox's base against the recordings of a real one: its metadata, its answers, its feed of changes."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from connectors.onec.sandbox import references
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.hands.goods import Variant
from connectors.onec.sandbox.model import VERSIONS, model_of
from tests.contract.edmx_judge import MOMENT, Judge
from tests.unit.onec import odata_people_kit as kit
from tests.unit.onec.odata_late_kit import Desk
from tests.unit.onec.sandbox_kit import MAIN, Client, Dated, opened

RECORDED = "data/odata/ut11_trade_demo"
ATOM = "{http://www.w3.org/2005/Atom}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
BASE = "{http://www.w3.org/XML/1998/namespace}base"
OLDER = {"СтавкаНДС", "ПорядокОплаты"}
"""What 11.4 has in shared types and the recorded base, of 11.5, has not."""


@pytest.fixture(scope="module")
def real(specs: Path) -> Judge:
    return Judge((specs / RECORDED / "msg001_metadata.xml").read_bytes())


def judge(version: str, names: frozenset[str] | None = None) -> Judge:
    model = model_of(version)
    return Judge(metadata(names or model.names, model))


@pytest.mark.parametrize("version", VERSIONS)
def test_types_that_both_bases_have_agree(real: Judge, version: str) -> None:
    ours = judge(version)
    shared = set(real.types) & set(ours.types)
    assert len(shared) >= 42
    for kind in shared:
        for name, described in ours.types[kind].items():
            if version != "11.4.2" or name not in OLDER:
                assert real.types[kind].get(name) == described, f"{kind}.{name}"
        assert real.keys.get(kind) == ours.keys.get(kind)
        assert real.sets.get(kind, "").removeprefix("StandardODATA.") == (kind if kind in ours.sets else "")


def test_the_newest_version_has_whole_what_a_sync_reads(real: Judge) -> None:
    ours = judge("11.5.20")
    for kind in ("Catalog_Номенклатура", "Catalog_Контрагенты", "AccumulationRegister_ТоварыНаСкладах"):
        for name in (found for found in real.types if found.startswith(kind)):
            assert ours.types[name] == real.types[name], name


@pytest.mark.parametrize("version", VERSIONS)
def test_references_and_functions_agree_where_the_same_is_published(real: Judge, version: str) -> None:
    shared = frozenset(model_of(version).names & set(real.sets))
    ours = judge(version, shared)
    assert len(shared) >= 5
    for pair, relation in real.navigation.items():
        if pair[0] in ours.types:
            assert ours.navigation[pair] == relation
    assert set(ours.navigation) <= set(real.navigation)
    assert {found for found in real.functions if str(found[1]).removeprefix("StandardODATA.") in ours.types} == set(
        ours.functions
    )


def lively(version: str) -> Iterator[tuple[Dated, Client]]:
    """A base in which everything happened once."""
    with opened(version, exchange_plan=True, marketplaces=("Ozon",)) as (ut, client):
        good = ut.add_good(
            "Чайник",
            "A-1",
            barcodes=["2000000000015"],
            characteristics=[Variant("Красный", prices={"Розничная": 10}, stock={MAIN: 4})],
            prices={"Розничная": Decimal("9.99"), "Оптовая": 8},
            stock={MAIN: 10, "Второй склад": 1},
            attributes={"Цвет": "Красный", "Год": 2026},
            images=[b"picture"],
            brand="Рубин",
            maker="Образец",
            weight=Decimal("0.5"),
        )
        red = ut.characteristic(good, "Красный")
        ut.add_image(red, b"picture")
        ut.add_unit(good, "Коробка", 12)
        partner = ut.add_partner("Пример Иван", phones=["+79000000001"], emails=["a@example.org"], cards=["777"])
        ut.accrue_bonuses(partner, 100, delay_days=3)
        ut.accrue_bonuses(partner, 10)
        ut.redeem_bonuses(partner, 5)
        ut.add_order([(good, 2, 10), (red, 1, 12)], number="1", partner=partner)
        if version != "11.4.2":
            ut.scan("1", good, "010460000000001521EXAMPLE1\x1d93TEST")
        shipment = ut.ship("1")
        ut.request_return(shipment, {red: 1})
        ut.add_return(shipment, {red: 1})
        ut.add_order([(good, 1, 10)])
        ut.add_receipt_return(ut.add_receipt([(good, 1, 10)], partner=partner, by_card=5))
        ut.close_shift()
        ut.move_stock(good, -1)
        if version != "11.4.2":
            ut.base.pricing_25 = False
            ut.set_price(good, "Закупочная", 5)
        yield ut, client


def answered(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client("GET", path)
    assert answer.status_code == 200, answer.text
    value: list[dict[str, Any]] = json.loads(answer.content, parse_float=Decimal)["value"]
    return value


@pytest.mark.parametrize("version", VERSIONS)
def test_every_set_answers_what_its_metadata_describes(version: str) -> None:
    for _, client in lively(version):
        ours = Judge(client("GET", "$metadata").content)
        empty = set()
        for name in ours.sets:
            rows = answered(client, name)
            for row in rows:
                assert list(ours.faults(row, name)) == []
            if not rows:
                empty.add(name)
            else:
                told = {part for part, (kind, _) in ours.types[name].items() if kind != "Edm.Stream"}
                assert set(rows[0]) == told, name
        assert not {name for name in empty if "Register" in name}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_function_answers_what_its_metadata_describes(version: str) -> None:
    for _, client in lively(version):
        root = ElementTree.fromstring(client("GET", "$metadata").content)
        ours = Judge(ElementTree.tostring(root))
        asked = 0
        for found in root.iter("{http://schemas.microsoft.com/ado/2009/11/edm}FunctionImport"):
            gives = found.get("ReturnType", "").removeprefix("Collection(StandardODATA.").rstrip(")")
            if gives:
                bound = str(found[0].get("Type")).removeprefix("StandardODATA.")
                rows = answered(client, f"{bound}/{found.get('Name')}()")
                assert rows, bound
                for row in rows:
                    assert list(ours.faults(row, gives)) == []
                asked += 1
        assert asked >= 10


def entries(content: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(content).iter(f"{ATOM}entry"))


def outline(entry: ElementTree.Element) -> list[tuple[str, tuple[str, ...]]]:
    """Return an entry's own elements with their attributes' names, but for links to what it refers to."""
    found = [(part.tag, tuple(sorted(part.attrib))) for part in entry if "related" not in part.get("rel", "")]
    properties = entry.find(f"{ATOM}content/{META}properties")
    assert properties is not None
    return [*found, (properties.tag, tuple(properties.attrib))]


def by_type(content: bytes) -> dict[str, ElementTree.Element]:
    return {str(entry.find(f"{ATOM}category").get("term")): entry for entry in entries(content)}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def packet() -> bytes:
    for _, client in lively("11.5.8"):
        node = f"{client.root}ExchangePlan_ОбменСКаналами(guid'{references.NODE}')"
        answer = client.session.post(
            f"{client.root}SelectChanges",
            params={"DataExchangePoint": f"'{node}'", "MessageNo": "1"},
            headers={"Accept": "application/atom+xml"},
            timeout=10,
        )
        return answer.content
    raise AssertionError


MESSAGES = (
    "msg002_nomenklatura.xml",
    "msg003_zakaz_klienta.xml",
    "msg004_kontragenti.xml",
    "msg005_zakaz_klienta_2.xml",
    "msg006_realizatsiya.xml",
)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_packet_of_changes_has_the_form_of_the_recorded_ones(specs: Path, packet: bytes, message: str) -> None:
    recorded = (specs / RECORDED / message).read_bytes()
    theirs, ours = ElementTree.fromstring(recorded), ElementTree.fromstring(packet)
    assert (theirs.tag, set(theirs.attrib)) == (ours.tag, set(ours.attrib))
    assert not recorded.startswith(b"<?xml")
    assert not packet.startswith(b"<?xml")
    shared = by_type(recorded).keys() & by_type(packet).keys()
    assert shared
    for term in shared:
        one, other = by_type(recorded)[term], by_type(packet)[term]
        assert outline(one) == outline(other)
        for part, root in ((one, theirs), (other, ours)):
            edit = next(link for link in part.iter(f"{ATOM}link") if link.get("rel") == "edit")
            assert part.findtext(f"{ATOM}id") == str(root.get(BASE)) + str(edit.get("href"))
            assert re.fullmatch(MOMENT, part.findtext(f"{ATOM}updated") or "")


@pytest.mark.parametrize("message", MESSAGES)
def test_entries_carry_properties_that_recorded_ones_carry(specs: Path, packet: bytes, message: str) -> None:
    recorded = by_type((specs / RECORDED / message).read_bytes())
    for term, entry in by_type(packet).items():
        if term in recorded:
            theirs, ours = (_properties(found) for found in (recorded[term], entry))
            assert set(ours) <= set(theirs), term
            for name, own in ours.items():
                assert own.attrib == theirs[name].attrib
                rows = [{part.tag for row in found for part in row} for found in (own, theirs[name])]
                assert rows[0] <= rows[1] or not rows[1], f"{term} {name}"


def test_a_reference_to_what_is_published_is_linked_in_the_recorded_form(specs: Path, packet: bytes) -> None:
    recorded = by_type((specs / RECORDED / "msg003_zakaz_klienta.xml").read_bytes())
    term = "StandardODATA.Document_ЗаказКлиента"
    theirs, ours = (
        {link.get("title"): link for link in found[term].iter(f"{ATOM}link") if "related" in str(link.get("rel"))}
        for found in (recorded, by_type(packet))
    )
    assert set(theirs) == {"Контрагент"}
    one, other = theirs["Контрагент"], ours["Контрагент"]
    assert (one.get("rel"), one.get("type")) == (other.get("rel"), other.get("type"))
    assert re.sub("guid'.*'", "", str(one.get("href"))) == re.sub("guid'.*'", "", str(other.get("href")))


def _properties(entry: ElementTree.Element) -> dict[str, ElementTree.Element]:
    properties = entry.find(f"{ATOM}content/{META}properties")
    assert properties is not None
    return {part.tag: part for part in properties}


@pytest.mark.field("N21")
@pytest.mark.parametrize("version", VERSIONS)
def test_n21_what_a_late_cancellation_writes_is_what_the_base_describes(version: str) -> None:
    with kit.opened(version) as one:
        desk = Desk(one)
        desk.ut.ship("15", {desk.kettle: 2})
        one.ut.journal.clear()
        desk.cancel()
        desk.come_back("R-1", "A-1", 1, "in_transit")
        ours = judge(version)
        written = set()
        for sent in (exchange for exchange in one.ut.journal if exchange.request_body):
            name = re.sub(r"\(.*", "", sent.path.rpartition("standard.odata/")[2])
            written.add((sent.method, name))
            assert list(ours.faults(json.loads(sent.request_body, parse_float=Decimal), name)) == []
        order, request = "Document_ЗаказКлиента", "Document_ЗаявкаНаВозвратТоваровОтКлиента"
        assert written == {("PATCH", order), ("POST", request), ("PATCH", request)}
