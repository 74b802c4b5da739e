"""1C's own metadata judges what is sent to the sandbox and what the sandbox answers.

The judge reads the recording of a real base by itself, with none of the connector's code.
"""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import TYPES
from obmen.connector import check
from obmen.testing.sandbox import Exchange, Fault
from tests.contract.edmx_judge import GUID, MOMENT, Judge
from tests.unit.onec.odata_support import connected, deliver, item, payload, set_status, states, write

DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
ATOM = "{http://www.w3.org/2005/Atom}"
ORDER = "Document_ЗаказКлиента"


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
        if exchange.status < 400 and kind in ours.types and not exchange.path.endswith("/$count"):
            body = decoded(exchange.response_body)
            for record in body.get("value", [body]):
                assert list(ours.faults(record, kind, answer=True)) == []
            kinds.add(kind)
    assert len(kinds) > 5


def test_an_order_has_everything_that_a_real_one_has(real: Judge, ours: Judge) -> None:
    for kind in (name for name in real.types if name.startswith(ORDER)):
        assert ours.types[kind] == real.types[kind]


def test_what_is_scanned_into_a_shipment_stands_there_as_in_a_real_one(real: Judge, ours: Judge) -> None:
    section = "Document_РеализацияТоваровУслуг_ШтрихкодыУпаковок"
    assert ours.types[section] == real.types[section]


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
        "GET": rf"{root}\$metadata|{root}\w+(/\$count)?|{one}",
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
            assert int(exchange.query["$top"]) > 0
            assert "$orderby" in exchange.query or exchange.query["$top"] == "1"
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
