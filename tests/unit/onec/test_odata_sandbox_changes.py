"""Changes by exchange plan: a set of what changed, told again until it is confirmed."""

from typing import Any
from urllib.parse import quote

import pytest
from lxml import etree

from connectors.onec.sandbox import references
from connectors.onec.sandbox.model import EXCHANGE_PLAN, VERSIONS, model_of
from tests.unit.onec.sandbox_kit import MAIN, ON_HAND, Client, Dated, error, opened

GOODS = "Catalog_Номенклатура"
ORDER = "Document_ЗаказКлиента"
PLAN = model_of("11.5.20").names | {EXCHANGE_PLAN}
ATOM, TOMBSTONES = "{http://www.w3.org/2005/Atom}", "{http://purl.org/atompub/tombstones/1.0}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
NODE = f"{EXCHANGE_PLAN}(guid'{references.NODE}')"


def call(client: Client, what: str, number: int, node: str = NODE) -> Any:
    point = quote(f"'{client.root}{node}'".replace("guid'", "guid''").replace("')'", "'')'"))
    return client("POST", f"{what}?DataExchangePoint={point}&MessageNo={number}", Accept="application/atom+xml")


def select(client: Client, number: int) -> etree._Element:
    answer = call(client, "SelectChanges", number)
    assert answer.status_code == 200, answer.text
    return etree.fromstring(answer.content)


def confirm(client: Client, number: int) -> None:
    assert call(client, "NotifyChangesReceived", number).status_code == 200


def told(feed: etree._Element) -> list[str]:
    """Return the types of a feed's entries with their references, and what was deleted."""
    found = []
    for entry in feed:
        if entry.tag == f"{TOMBSTONES}deleted-entry":
            found.append("- " + str(entry.get("ref")).rpartition("/")[2])
            continue
        properties = entry.find(f".//{META}properties")
        assert properties is not None
        term = str(entry.find(f"{ATOM}category").get("term")).removeprefix("StandardODATA.")  # type: ignore[union-attr]
        found.append(f"{term} {properties.findtext(f'{DATA}Ref_Key') or properties.findtext(f'{DATA}Recorder')}")
    return found


def received(client: Client) -> str:
    number: str = client.one(NODE)["ReceivedNo"]
    return number


@pytest.mark.parametrize("version", VERSIONS)
def test_a_change_is_told_until_it_is_confirmed(version: str) -> None:
    with opened(version, exchange_plan=True) as (ut, client):
        assert received(client) == "0"
        good = ut.add_good("Чайник")
        assert told(select(client, 1)) == [f"{GOODS} {good}"]
        assert told(select(client, 1)) == [f"{GOODS} {good}"]
        confirm(client, 1)
        assert received(client) == "1"
        assert told(select(client, 2)) == []


def test_a_set_and_not_a_history() -> None:
    with opened(exchange_plan=True) as (ut, client):
        good = ut.add_good("Чайник")
        ut.change(good, Description="Чайник заварочный")
        feed = select(client, 1)
        assert told(feed) == [f"{GOODS} {good}"]
        assert feed.findtext(f".//{DATA}Description") == "Чайник заварочный"


def test_the_same_number_brings_old_and_new_and_confirming_drops_what_was_carried() -> None:
    with opened(exchange_plan=True) as (ut, client):
        first = ut.add_good("Чайник")
        select(client, 1)
        second = ut.add_good("Кружка")
        assert told(select(client, 1)) == [f"{GOODS} {first}", f"{GOODS} {second}"]
        third = ut.add_good("Ложка")
        ut.touch(first)
        confirm(client, 1)
        assert told(select(client, 2)) == [f"{GOODS} {third}", f"{GOODS} {first}"]
        ut.touch(third)
        assert told(select(client, 3)) == [f"{GOODS} {first}", f"{GOODS} {third}"]
        confirm(client, 2)
        assert told(select(client, 4)) == [f"{GOODS} {third}"]


def test_a_document_comes_with_what_it_recorded_and_without_when_it_is_not_posted() -> None:
    with opened("11.4.2", exchange_plan=True) as (ut, client):
        good = ut.add_good("Чайник", stock={MAIN: 5})
        select(client, 1)
        confirm(client, 1)
        order = ut.add_order([(good, 2, 100)])
        registers = ["AccumulationRegister_ЗаказыКлиентов", "AccumulationRegister_СвободныеОстатки"]
        feed = select(client, 2)
        assert told(feed) == [f"{ORDER} {order}", *(f"{name} {order}" for name in registers)]
        assert [len(rows) for rows in feed.iter(f"{DATA}RecordSet")] == [1, 1]
        ut.unpost(order)
        feed = select(client, 2)
        assert told(feed) == [f"{ORDER} {order}", *(f"{name} {order}" for name in registers)]
        assert [len(rows) for rows in feed.iter(f"{DATA}RecordSet")] == [0, 0]
        assert feed.findtext(f".//{DATA}Posted") == "false"


def test_what_is_deleted_leaves_a_trace() -> None:
    with opened(exchange_plan=True) as (ut, client):
        good = ut.add_good("Чайник")
        ut.delete_for_good(good)
        feed = select(client, 1)
        assert told(feed) == [f"- {GOODS}(guid'{good}')"]
        assert feed[0].get("ref") == f"{client.root}{GOODS}(guid'{good}')"
        assert feed[0].get("when") == "2026-06-15T12:00:00"
        confirm(client, 1)
        assert told(select(client, 2)) == []


def test_registers_that_no_document_records_are_not_told() -> None:
    with opened(exchange_plan=True) as (ut, client):
        good = ut.add_good("Чайник")
        confirm_all(client)
        ut.add_barcode(good, "1")
        assert told(select(client, 9)) == []


def test_what_is_not_published_waits_without_a_word() -> None:
    with opened(exchange_plan=True) as (ut, client):
        ut.published -= {ON_HAND, "Document_ОприходованиеИзлишковТоваров"}
        good = ut.add_good("Чайник")
        document = ut.move_stock(good, 1)
        seen = told(select(client, 1))
        assert f"{GOODS} {good}" in seen
        assert not any(name.startswith(("Document_Оприходование", ON_HAND)) for name in seen)
        confirm(client, 1)
        assert told(select(client, 2)) == []
        ut.published |= {ON_HAND}
        assert told(select(client, 3)) == [f"{ON_HAND} {document}"]


def test_one_bad_character_spoils_the_whole_packet_and_loses_nothing() -> None:
    with opened(exchange_plan=True) as (ut, client):
        good, bad = ut.add_good("Чайник"), ut.add_good("Кружка\x0b")
        refused = call(client, "SelectChanges", 1)
        assert (refused.status_code, etree.fromstring(refused.content).findtext("{*}code")) == (400, "2")
        confirm(client, 1)
        ut.change(bad, Description="Кружка", НаименованиеПолное="Кружка")
        assert told(select(client, 2)) == [f"{GOODS} {good}", f"{GOODS} {bad}"]


def test_options_of_a_query_change_nothing() -> None:
    with opened(exchange_plan=True) as (ut, client):
        for at in range(3):
            ut.add_good(str(at))
        point = quote(f"'{client.root}{NODE}'")
        path = f"SelectChanges?DataExchangePoint={point}&MessageNo=1&$top=1&$filter=Code eq '1'"
        assert len(etree.fromstring(client("POST", path, Accept="*/*").content)) == 3


def test_what_a_client_writes_comes_back_to_it() -> None:
    with opened(exchange_plan=True) as (_, client):
        ref = client("POST", "Catalog_Марки", {"Description": "Рубин"}).json()["Ref_Key"]
        assert told(select(client, 1)) == [f"Catalog_Марки {ref}"]


def test_the_seed_of_the_base_is_not_a_change_and_nodes_are_none() -> None:
    with opened(exchange_plan=True) as (ut, client):
        assert told(select(client, 1)) == []
        client("PATCH", NODE, {"Description": "Другое имя"})
        assert told(select(client, 1)) == []
        assert {row["Ref_Key"] for row in client.rows(EXCHANGE_PLAN)} == {references.NODE, references.THIS_NODE}
        ut.reset()
        assert received(client) == "0"


def test_nodes_have_queues_of_their_own() -> None:
    with opened(exchange_plan=True) as (ut, client):
        other = client("POST", EXCHANGE_PLAN, {"Description": "Второй", "Code": "2"}).json()["Ref_Key"]
        ut.add_good("Чайник")
        select(client, 1)
        confirm(client, 1)
        answer = call(client, "SelectChanges", 1, f"{EXCHANGE_PLAN}(guid'{other}')")
        assert len(etree.fromstring(answer.content)) == 1


@pytest.mark.parametrize(
    ("node", "number", "refused"),
    [
        (f"{EXCHANGE_PLAN}(guid'{references.THIS_NODE}')", 1, (400, "4")),
        (f"{EXCHANGE_PLAN}(guid'{references.PARTNER}')", 1, (404, "9")),
        (f"ExchangePlan_Нет(guid'{references.NODE}')", 1, (404, "8")),
        ("Catalog_Марки", 1, (400, "4")),
        (NODE, -1, (400, "4")),
    ],
)
def test_a_node_or_a_number_that_is_none(node: str, number: int, refused: tuple[int, str]) -> None:
    with opened(exchange_plan=True) as (_, client):
        for what in ("SelectChanges", "NotifyChangesReceived"):
            answer = call(client, what, number, node)
            told = etree.fromstring(answer.content).findtext("{*}code")
            assert (answer.status_code, told) == refused


def test_a_base_without_the_plan_has_no_changes_to_tell() -> None:
    with opened() as (_, client):
        answer = client("POST", f"SelectChanges?DataExchangePoint={quote(NODE)}&MessageNo=1")
        assert error(answer) == (404, "8")


def test_json_has_no_place_for_what_was_deleted() -> None:
    with opened(exchange_plan=True) as (ut, client):
        ut.delete_for_good(ut.add_good("Чайник"))
        good = ut.add_good("Кружка")
        point = quote(f"'{client.root}{NODE}'")
        answer = client("POST", f"SelectChanges?DataExchangePoint={point}&MessageNo=1&$format=json").json()
        assert [(row["odata.type"], row["Ref_Key"]) for row in answer["value"]] == [(f"StandardODATA.{GOODS}", good)]


def confirm_all(client: Client) -> None:
    select(client, 1)
    confirm(client, 1)


def test_queues_can_be_looked_into() -> None:
    with opened(exchange_plan=True) as (ut, _):
        assert isinstance(ut, Dated)
        good = ut.add_good("Чайник")
        assert ut.changes is not None
        assert {change.ref: number for change, number in ut.changes.queue(references.NODE).items()} == {good: None}
