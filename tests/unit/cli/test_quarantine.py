"""The records that were set aside: listed by reason, shown without personal data, tried again, let go."""

from __future__ import annotations

import pytest

from obmen.state import quarantine
from obmen.testing.sandbox import Fault
from runner.cli.advice import next_step
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import KEY, ORDERS, Place, Shelf, ShelfSandbox, fill, order, price


@pytest.fixture
def refused(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    """Three hundred goods, of which the shop takes none for their price, and one that has no name."""
    fill(erp, 300, amount="100001.00")
    erp.put("product", {"id": "A-1", "name": {"ru": "Rug"}})
    place.project(erp.url, shop.url)
    assert cli("sync").code == 3
    return place


def test_three_hundred_equal_refusals_are_one_line(refused: Place, cli: Cli) -> None:
    ran = cli("quarantine", "list")
    assert ran.code == 0
    lines = [line for line in ran.out.splitlines() if line.startswith("too_dear")]
    assert len(lines) == 1
    assert " 299 " in lines[0]
    assert "nobody pays that" in lines[0]
    groups = cli("quarantine", "list", "--json").data["groups"]
    assert {group["code"]: group["count"] for group in groups} == {
        "too_dear": 299,
        "bad_value": 1,
    }
    every = cli("quarantine", "list", "--all", "--code", "too_dear", "--json").data["records"]
    assert len(every) == 299


def test_the_causes_are_listed_without_reading_what_the_records_hold(
    refused: Place, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("every entry was read")

    monkeypatch.setattr(quarantine, "entries", read)
    ran = cli("quarantine", "list", "--flow", "prices", "--json")
    assert ran.code == 0, ran
    (group,) = ran.data["groups"]
    assert (group["entity"], group["state"]) == ("price", "open")
    assert group["since"] <= group["last"]
    assert group["example"]["message"] == "amount: nobody pays that (too_dear)"


def test_a_record_is_shown_with_reason_payload_and_next_step(refused: Place, cli: Cli) -> None:
    first = cli("quarantine", "list", "--all", "--json", "--code", "too_dear").data["records"][0]
    ran = cli("quarantine", "show", str(first["id"]))
    assert ran.code == 0
    assert "Reason: amount: nobody pays that (too_dear)" in ran.out
    assert f"obmen quarantine replay {first['id']}" in ran.out
    assert '"amount": "100001"' in ran.out
    data = cli("quarantine", "show", str(first["id"]), "--json").data
    assert data["payload"]["amount"] == "100001"
    pulled = cli("quarantine", "list", "--all", "--json", "--code", "bad_value").data["records"][0]
    assert cli("quarantine", "show", str(pulled["id"]), "--json").data["payload"] == [
        {"id": "A-1", "name": {"ru": "Rug"}}
    ]


def test_a_record_in_strange_bytes_is_shown_as_far_as_it_can_be(place: Place, cli: Cli, shop: ShelfSandbox) -> None:
    place.write("export/product.jsonl", '{"id": "A-1", "name": "Rug"}\n')
    with (place.folder / "export" / "product.jsonl").open("ab") as file:
        file.write('{"id": "A-2", "name": "Коврик"}'.encode("cp1251"))
    place.write(
        "obmen.yaml",
        "connections:\n  erp: { connector: shelf, folder: export }\n"
        f"  shop: {{ connector: shelf, url: {shop.url}, key: {KEY} }}\n"
        "flows:\n  products: { entity: product, from: erp, to: shop }\n",
    )
    assert cli("sync").code == 3
    assert list(shop.records["product"]) == ["A-1"]
    entry = cli("quarantine", "list", "--all", "--json").data["records"][0]
    ran = cli("quarantine", "show", str(entry["id"]))
    assert ran.code == 0, ran
    assert "utf-8" in ran.out
    assert '{"id": "A-2", ' in ran.out


def test_a_replay_is_tried_at_the_next_run(refused: Place, cli: Cli, shop: ShelfSandbox) -> None:
    shop.writes.clear()
    shop.dear = 200_000
    ran = cli("quarantine", "replay", "--code", "too_dear")
    assert ran.code == 0
    assert "299 records will be tried again" in ran.out
    assert "obmen sync prices" in ran.out
    assert shop.writes == []
    assert "tried again at the next run" in cli("status").out
    assert cli("sync", "prices", "--json").data["flows"][0]["written"] == 299
    assert "too_dear" not in cli("quarantine", "list").out


def test_a_replay_now_runs_the_flow(refused: Place, cli: Cli, shop: ShelfSandbox) -> None:
    entry = cli("quarantine", "list", "--all", "--json", "--code", "too_dear").data["records"][0]
    shop.dear = 200_000
    ran = cli("quarantine", "replay", str(entry["id"]), "--now")
    assert "1 record written." in ran.out
    assert list(shop.records["price"]) == [entry["key"]]


def test_a_dropped_record_is_not_tried_again_until_it_changes(
    refused: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    shop.writes.clear()
    ran = cli("quarantine", "drop", "--flow", "prices")
    assert ran.code == 0
    assert "let go" in ran.out
    cli("sync", "prices")
    assert shop.writes == []
    erp.put("price", price(7, "90.00"))
    cli("sync", "prices")
    assert shop.writes == [("price", ["A-7|base"])]


def test_quarantine_asks_which_and_refuses_what_is_not_there(refused: Place, cli: Cli) -> None:
    for command in ("replay", "drop"):
        assert "Say which" in cli("quarantine", command).err
        ran = cli("quarantine", command, "9999")
        assert ran.code == 2
        assert "There is no record 9999" in ran.err
        assert cli("quarantine", command, "1", "--flow", "prices").code == 2
    cli("quarantine", "drop", "1")
    assert "not open any more" in cli("quarantine", "drop", "1").err


def test_an_empty_quarantine_says_so(place: Place, cli: Cli) -> None:
    place.project("http://127.0.0.1:9", "http://127.0.0.1:9")
    assert "Nothing is set aside." in cli("quarantine", "list").out
    assert cli("quarantine", "list", "--json").data == {"groups": []}


def test_dropping_what_is_in_doubt_says_what_that_means(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(Shelf.finders, "order")
    place.project(erp.url, shop.url, flows=ORDERS)
    shop.put("order", order("N-1"))
    erp.faults.append(Fault(kind="drop_after", match="POST /order"))
    assert cli("sync", "--wait", "5").code == 3
    entry = cli("quarantine", "list", "--all", "--json").data["records"][0]
    assert entry["code"] == "in_doubt"
    shown = cli("quarantine", "show", str(entry["id"])).out
    assert "If it arrived: obmen quarantine drop" in shown
    assert "Ivan Primerov" not in shown
    assert "•••" in shown
    ran = cli("quarantine", "drop", str(entry["id"]))
    assert "takes your word" in ran.out


REFERRING = """\
flows:
  goods: { entity: product, from: erp, to: [] }
  orders: { entity: order, from: shop, to: erp, attempts: 3 }
"""
ORDER_OF_GOODS = """\
entity: order
only: push
fields:
  number: number
  lines: { path: lines, each: { sku: { path: good, ref: product }, quantity: { path: n, as: number } } }
"""


@pytest.mark.field("I3")
@pytest.mark.field("N6")
@pytest.mark.field("I2")
def test_one_order_of_unknown_goods_is_parked_with_one_ticket_and_replayed_once(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, 3)
    place.project(erp.url, shop.url, flows=REFERRING)
    place.write("mappings/erp/order.yaml", ORDER_OF_GOODS)
    for number in range(1, 51):
        shop.put("order", order(f"N-{number}", "B-1" if number == 20 else "A-1"))
    assert cli("sync", "--wait", "0").code == 0
    assert len(erp.records["order"]) == 49
    codes = [cli("sync", "--wait", "0").code for _ in range(4)]
    assert codes[-2:] == [3, 3]
    entries = cli("quarantine", "list", "--all", "--json").data["records"]
    assert [(entry["key"], entry["code"]) for entry in entries] == [("shop|N-20", "unresolved")]
    assert "erp/product/B-1" in entries[0]["message"]
    assert len(erp.writes) == 49

    erp.put("product", {"id": "B-1", "name": "Lamp"})
    assert cli("sync", "goods").code == 0
    assert "It is tried again at the next run" in cli("quarantine", "show", str(entries[0]["id"])).out
    ran = cli("quarantine", "replay", str(entries[0]["id"]), "--now")
    assert ran.code == 0, ran
    assert "1 record written." in ran.out
    assert erp.writes[49:] == [("order", ["N-20"])]
    assert cli("sync").code == 0
    assert len(erp.writes) == 50


def test_a_cause_that_is_known_is_not_followed_by_other_advice() -> None:
    about = ("products", "ozon", "product", "push", "open", "A-1", "", "no_category", "")
    entry = quarantine.Entry(7, *about, "put", None, None, None, None, 0, 1)
    assert "Correct the record in the source" in next_step(entry)
    assert "Correct" not in next_step(entry, explained=True)
    assert "obmen quarantine replay 7" in next_step(entry, explained=True)
