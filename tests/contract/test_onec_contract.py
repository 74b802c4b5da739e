"""1C's own metadata judges what is sent to the sandbox and what the sandbox answers.

The judge reads the recording of a real base by itself, with none of the connector's code.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import TYPES
from obmen.connector import check
from obmen.testing.sandbox import Exchange, Fault
from tests.unit.onec.odata_support import connected, deliver, item, payload, set_status, states, write

EDM = "{http://schemas.microsoft.com/ado/2009/11/edm}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
ATOM = "{http://www.w3.org/2005/Atom}"
ORDER = "Document_ЗаказКлиента"
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
WIDTH = {"Edm.Int16": 15, "Edm.Int64": 63}


class Judge:
    """A base's metadata, and whether a JSON body is one that it describes."""

    def __init__(self, content: bytes) -> None:
        root = ElementTree.fromstring(content)
        self.types = {
            kind.get("Name", ""): {
                part.get("Name", ""): (part.get("Type", ""), part.get("Nullable") != "false")
                for part in kind.iter(f"{EDM}Property")
            }
            for tag in ("EntityType", "ComplexType")
            for kind in root.iter(EDM + tag)
        }
        self.keys = {
            kind.get("Name", ""): [ref.get("Name") for ref in kind.iter(f"{EDM}PropertyRef")]
            for kind in root.iter(f"{EDM}EntityType")
        }
        self.sets = {found.get("Name", ""): found.get("EntityType") for found in root.iter(f"{EDM}EntitySet")}
        self.navigation = {
            (kind.get("Name", ""), part.get("Name", "")): part.get("Relationship")
            for kind in root.iter(f"{EDM}EntityType")
            for part in kind.iter(f"{EDM}NavigationProperty")
        }
        self.functions = {
            (found.get("Name"), found[0].get("Type"), tuple(part.get("Name") for part in found))
            for found in root.iter(f"{EDM}FunctionImport")
            if len(found) and found[0].get("Name") == "bindingParameter"
        }

    def faults(self, body: dict[str, Any], kind: str, *, answer: bool = False) -> Iterator[str]:
        """Yield what is wrong with a body; in an answer, service properties of OData may stand too."""
        known = self.types[kind]
        for name, value in body.items():
            if answer and name.startswith("odata."):
                continue
            if name not in known:
                yield f"{kind} has no {name}"
                continue
            type_, nullable = known[name]
            if value is None:
                if not nullable:
                    yield f"{kind}.{name} is null"
            elif type_.startswith("Collection("):
                row_type = type_.removeprefix("Collection(StandardODATA.").rstrip(")")
                for row in value:
                    yield from self.faults(row, row_type, answer=answer)
            elif not fits(type_, value):
                yield f"{kind}.{name} is {value!r}, not {type_}"


def fits(type_: str, value: Any) -> bool:
    if type_ == "Edm.Boolean":
        return isinstance(value, bool)
    if type_ == "Edm.Double":
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if type_ == "Edm.Int16":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2 ** WIDTH[type_]
    pattern = {"Edm.Guid": GUID, "Edm.DateTime": MOMENT, "Edm.Int64": r"-?\d+", "Edm.String": r"(?s).*"}[type_]
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        return False
    return type_ != "Edm.Int64" or abs(int(value)) < 2 ** WIDTH[type_]


@pytest.fixture(scope="module")
def real(specs: Path) -> Judge:
    return Judge((specs / "data/odata/ut11_trade_demo/msg001_metadata.xml").read_bytes())


@pytest.fixture(scope="module")
def ours() -> Judge:
    return Judge(metadata(frozenset(TYPES)))


@pytest.fixture(scope="module")
def story() -> list[Exchange]:
    """Everything that the connector says to a base, and every answer."""
    with connected() as (onec, sandbox):
        check(onec)
        comment = "Позвонить за час"
        write(
            onec,
            payload("1", Комментарий=comment, АдресДоставки="Пример, 1", ДатаОтгрузки="2026-06-17T12:00:00"),
        )
        sandbox.faults = [Fault(kind="drop_after", match=rf"POST .*/{ORDER}\Z")]
        deliver(onec, payload("2"))
        sandbox.faults = []
        onec.find("order", item(payload("3")))
        for number in ("2", "3"):
            ref = str(write(onec, payload(number)).native_id)
            set_status(onec, ref, "КОтгрузке")
            set_status(onec, ref, "Отменен", Причина="Покупатель передумал")
        sandbox.set_status("1", "Закрыт")
        assert states(onec) == {"1": "Закрыт", "2": "Отменен", "3": "Отменен"}
        assert len(list(onec.look_up("order", ["ozon|1", "ozon|2"]))) == 2
        return list(sandbox.journal)


def decoded(content: bytes) -> Any:
    return json.loads(content, parse_float=Decimal)


def kind_of(exchange: Exchange) -> str:
    match = re.search(r"/odata/standard\.odata/(\w+)", exchange.path)
    return match[1] if match else ""


def test_every_body_that_is_sent_is_one_that_a_real_base_describes(real: Judge, story: list[Exchange]) -> None:
    sent = [exchange for exchange in story if exchange.request_body]
    assert {exchange.method for exchange in sent} == {"POST", "PATCH"}
    for exchange in sent:
        assert kind_of(exchange) == ORDER
        assert list(real.faults(decoded(exchange.request_body), ORDER)) == []


def test_every_answer_about_an_order_is_one_that_a_real_base_describes(real: Judge, story: list[Exchange]) -> None:
    judged = 0
    for exchange in story:
        if kind_of(exchange) != ORDER or exchange.status >= 400:
            continue
        body = decoded(exchange.response_body)
        for record in body.get("value", [body]):
            assert list(real.faults(record, ORDER, answer=True)) == []
            judged += 1
    assert judged > 10


def test_every_answer_is_one_that_the_sandbox_itself_describes(ours: Judge, story: list[Exchange]) -> None:
    kinds = set()
    for exchange in story:
        kind = kind_of(exchange)
        if exchange.status < 400 and kind in ours.types:
            body = decoded(exchange.response_body)
            for record in body.get("value", [body]):
                assert list(ours.faults(record, kind, answer=True)) == []
            kinds.add(kind)
    assert len(kinds) > 5


def test_what_both_bases_have_agrees(real: Judge, ours: Judge) -> None:
    shared = set(real.types) & set(ours.types)
    assert {ORDER, f"{ORDER}_Товары_RowType", "Catalog_Номенклатура", "Catalog_Контрагенты"} <= shared
    for kind in shared:
        for name, described in ours.types[kind].items():
            assert real.types[kind].get(name) == described, f"{kind}.{name}"
        assert real.keys.get(kind) == ours.keys.get(kind)
        assert real.sets.get(kind, "").removeprefix("StandardODATA.") == (kind if kind in ours.sets else "")
    for pair, relation in real.navigation.items():
        if pair in ours.navigation or pair[0] == ORDER:
            assert ours.navigation[pair] == relation
    assert {found for found in real.functions if found[1] == f"StandardODATA.{ORDER}"} <= ours.functions


def test_an_order_has_everything_that_a_real_one_has(real: Judge, ours: Judge) -> None:
    for kind in (name for name in real.types if name.startswith(ORDER)):
        assert ours.types[kind] == real.types[kind]


@pytest.mark.parametrize("message", ["msg003_zakaz_klienta.xml", "msg005_zakaz_klienta_2.xml"])
def test_a_recorded_order_has_the_shape_that_the_sandbox_gives(specs: Path, message: str) -> None:
    recorded = [
        entry
        for entry in ElementTree.parse(specs / "data/odata/ut11_trade_demo" / message).iter(f"{ATOM}entry")
        if _term(entry) == f"StandardODATA.{ORDER}"
    ]
    assert recorded
    with connected() as (onec, sandbox):
        write(onec, payload())
        (order,) = sandbox.state()["orders"]
    for entry in recorded:
        properties = entry.find(f".//{META}properties")
        assert properties is not None
        assert {part.tag.removeprefix(DATA) for part in properties} <= set(order)
        for row in properties.iterfind(f"{DATA}Товары/{DATA}element"):
            assert {part.tag.removeprefix(DATA) for part in row} == set(order["Товары"][0])
        for name, value in order.items():
            seen = properties.find(DATA + name)
            if seen is not None and isinstance(value, str) and re.fullmatch(MOMENT, value):
                assert re.fullmatch(MOMENT, seen.text or "")


def test_addresses_have_the_forms_of_the_vendor(story: list[Exchange]) -> None:
    root = r"/trade/odata/standard\.odata/"
    one = rf"{root}\w+\(guid'{GUID}'\)"
    forms = {
        "GET": rf"{root}\$metadata|{root}\w+|{one}",
        "POST": rf"{root}\w+|{one}/Post",
        "PATCH": one,
    }
    options = {"$filter", "$select", "$orderby", "$top", "$skip", "PostingModeOperational"}
    for exchange in story:
        assert re.fullmatch(forms[exchange.method], exchange.path), exchange.path
        assert set(exchange.query) <= options
        if exchange.path.endswith("/Post"):
            assert dict(exchange.query) == {"PostingModeOperational": "false"}
        if re.fullmatch(rf"{root}\w+", exchange.path) and exchange.method == "GET":
            assert exchange.query["$orderby"] == "Ref_Key"
            assert int(exchange.query["$top"]) > 0
        if exchange.method == "PATCH":
            assert exchange.request_headers["if-match"]
    for exchange in story:
        for literal in re.findall(r"datetime'([^']*)'", exchange.query.get("$filter", "")):
            assert re.fullmatch(MOMENT, literal)


def test_json_is_asked_for_and_the_metadata_is_not(story: list[Exchange]) -> None:
    for exchange in story:
        asked = exchange.request_headers["accept"]
        assert asked == (
            "application/xml" if exchange.path.endswith("$metadata") else "application/json;odata=nometadata"
        )


@pytest.mark.parametrize(
    "body",
    [
        {"Коментарий": ""},
        {"СуммаДокумента": "1"},
        {"Posted": 1},
        {"Date": "2026-06-15T09:50:09Z"},
        {"Партнер_Key": "ООО"},
        {"МаксимальныйКодСтроки": 1},
        {"Ref_Key": None},
        {"Товары": [{"Цена": "1"}]},
        {"Товары": [{"Товар": "1"}]},
    ],
)
def test_the_judge_sees_what_is_wrong(real: Judge, body: dict[str, Any]) -> None:
    assert list(real.faults(body, ORDER))


def _term(entry: ElementTree.Element) -> str:
    category = entry.find(f"{ATOM}category")
    return "" if category is None else category.get("term", "")
