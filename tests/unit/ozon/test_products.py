"""Cards: an import is done when its task says so, and a list is whole when its numbers say so."""

import pytest

from connectors.ozon import paths, products
from connectors.ozon.sandbox import VENDOR, Limits
from obmen.errors import IncompleteSource, Refused, Unavailable
from obmen.records import Item
from obmen.testing.sandbox import Fault, Response
from tests.unit.ozon.conftest import batch, card, natives, put, sell, settled


def imported(ozon, items):
    (ticket,) = {outcome.ticket for outcome in ozon.write("product", items)}
    return ticket


def test_an_import_is_accepted_then_pending_then_done(ozon, make_sandbox, connect):
    ozon = connect(make_sandbox(import_polls=3))
    items = batch("offer_id", card("A-1"), card("A-2"))
    outcomes = list(ozon.write("product", items))
    assert [outcome.kind for outcome in outcomes] == ["accepted", "accepted"]
    polls = [list(ozon.poll("product", outcomes[0].ticket, items)) for _ in range(5)]
    assert polls[:3] == [[], [], []]
    assert [(outcome.id, outcome.kind, outcome.native_id) for outcome in polls[4]] == [
        ("A-1", "done", "300000001"),
        ("A-2", "done", "300000002"),
    ]


def test_an_item_refused_in_a_task_does_not_touch_the_others(ozon, sandbox):
    items = batch("offer_id", *(card(f"A-{n}", **({"vat": "0.18"} if n == 42 else {})) for n in range(100)))
    ticket = imported(ozon, items)
    list(ozon.poll("product", ticket, items))
    outcomes = {outcome.id: outcome for outcome in ozon.poll("product", ticket, items)}
    assert sorted(id_ for id_, outcome in outcomes.items() if outcome.kind == "refused") == ["A-42"]
    (error,) = outcomes["A-42"].errors
    assert (error.code, error.field) == ("vat_invalid", "vat")
    assert len(sandbox.products) == 99


def test_an_unchanged_card_is_skipped_and_counts_as_done(ozon, sandbox):
    ids = sell(ozon, "A-1")
    items = batch("offer_id", card("A-1"))
    ticket = imported(ozon, items)
    list(ozon.poll("product", ticket, items))
    (outcome,) = ozon.poll("product", ticket, items)
    assert (outcome.kind, outcome.native_id) == ("done", ids["A-1"])
    assert sandbox.written["products"] == 1


def test_what_nobody_speaks_of_stays_in_a_card_that_is_replaced(ozon, sandbox):
    sell(ozon, "A-1")
    before = dict(sandbox.products["A-1"].card)
    bare = {name: value for name, value in card("A-1", name="Новое").items() if name not in {"barcode", "images"}}
    assert put(ozon, bare) == {"A-1": "done"}
    (native,) = natives(ozon, "product")
    assert (native["name"], native["barcodes"], native["images"]) == ("Новое", ["4600000000015"], before["images"])


@pytest.mark.parametrize(("fault", "word"), [("task_gone", "is gone"), ("empty_task", "category and the VAT")])
def test_a_task_that_holds_nothing_is_asked_for_anew(ozon, sandbox, fault, word):
    items = batch("offer_id", card("A-1"))
    sandbox.faults.append(Fault(kind="custom", name=fault, times=None))
    ticket = imported(ozon, items)
    (outcome,) = ozon.poll("product", ticket, items)
    assert outcome.kind == "later"
    assert word in outcome.reason


def test_a_late_task_is_still_being_worked_on(ozon, sandbox):
    items = batch("offer_id", card("A-1"))
    ticket = imported(ozon, items)
    sandbox.faults.append(Fault(kind="custom", name="late_task", times=5))
    assert [list(ozon.poll("product", ticket, items)) for _ in range(6)] == [[]] * 6
    assert [outcome.kind for outcome in ozon.poll("product", ticket, items)] == ["done"]


def test_a_status_that_is_new_to_us_is_refused_with_its_name(canned):
    row = {"offer_id": "A-1", "product_id": 7, "status": "moderating", "errors": []}
    ozon = canned({paths.IMPORT_STATE: [{"result": {"items": [row], "total": 1}}]})
    (outcome,) = ozon.poll("product", "1", batch("offer_id", card("A-1")))
    assert outcome.kind == "refused"
    assert "moderating" in outcome.errors[0].message


def test_a_daily_quota_makes_an_item_wait_until_ozons_morning(make_sandbox, connect, clock):
    sandbox = make_sandbox(limits=Limits(creates_per_day=2))
    ozon = connect(sandbox)
    items = batch("offer_id", *(card(f"A-{n}", barcode="") for n in range(3)))
    outcomes = settled(ozon, items)
    assert {id_: outcome.kind for id_, outcome in outcomes.items()} == {"A-0": "done", "A-1": "done", "A-2": "later"}
    morning = clock.now().timestamp() + outcomes["A-2"].after
    assert 0 < morning % 86400 < 120
    clock.pass_by(seconds=outcomes["A-2"].after)
    assert put(ozon, card("A-2")) == {"A-2": "done"}


def test_what_is_left_of_a_minutes_quota_is_used_and_the_rest_waits(make_sandbox, connect, clock):
    sandbox = make_sandbox(limits=Limits(import_items_per_minute=3))
    ozon = connect(sandbox)
    items = batch("offer_id", *(card(f"A-{n}") for n in range(5)))
    outcomes = []
    with pytest.raises(Unavailable) as caught:
        outcomes.extend(ozon.write("product", items))
    assert caught.value.after == 60.0
    taken = ozon.write("product", items)
    clock.pass_by(seconds=61)
    assert [next(taken).id for _ in range(3)] == ["A-0", "A-1", "A-2"]
    assert clock.sleeps == []


def test_a_used_up_quota_of_a_minute_is_waited_for(make_sandbox, connect, clock):
    sandbox = make_sandbox(limits=Limits(import_items_per_minute=2))
    ozon = connect(sandbox)
    for number in (0, 2):
        list(ozon.write("product", batch("offer_id", card(f"A-{number}"), card(f"A-{number + 1}"))))
    assert max(clock.sleeps) == 60.0
    assert sandbox.calls[paths.PRODUCT_IMPORT] == 3


def test_a_quota_until_morning_is_left_to_the_engine(canned, clock):
    body = {"code": 8, "message": "You have reached operation items limits", "details": []}
    answer = Response(429, body, headers={"Item-Retry-After": "420"})
    ozon = canned({paths.PRODUCT_IMPORT: [answer]})
    with pytest.raises(Unavailable) as caught:
        list(ozon.write("product", batch("offer_id", card("A-1"))))
    assert caught.value.after == 420 * 60.0
    assert clock.sleeps == []


def test_all_cards_are_read_page_by_page_and_the_archive_too(ozon, sandbox, monkeypatch):
    monkeypatch.setattr(products, "LIST_LIMIT", 7)
    ids = sell(ozon, *(f"A-{n}" for n in range(20)), amount=0)
    gone = batch("offer_id", {"offer_id": "A-3"}, native_ids=ids)
    assert [outcome.kind for outcome in ozon.write("product", gone, "archive")] == ["done"]
    read = {native["offer_id"]: native for native in natives(ozon, "product")}
    assert len(read) == 20
    assert [offer_id for offer_id, native in read.items() if native["is_archived"]] == ["A-3"]
    assert {offer_id: str(native["id"]) for offer_id, native in read.items()} == ids


def test_a_page_with_missing_details_is_taken_for_partial(ozon, sandbox):
    sell(ozon, "A-1", "A-2")
    assert [page.partial for page in ozon.read("product", None)] == [False]
    sandbox.faults.append(Fault(kind="custom", name="missing_details", match="info/list"))
    (page,) = ozon.read("product", None)
    assert page.partial
    assert len(page.slices) == 1


@pytest.mark.parametrize(
    "second",
    [
        {"result": {"items": [], "total": 2, "last_id": ""}},
        {"result": {"items": [{"offer_id": "A-1", "product_id": 1}], "total": 9, "last_id": "x"}},
    ],
)
def test_a_list_that_stops_short_is_not_whole(canned, second):
    first = {"result": {"items": [{"offer_id": "A-1", "product_id": 1}], "total": 9, "last_id": "x"}}
    ozon = canned({paths.PRODUCT_LIST: [first, second], paths.PRODUCT_DETAILS: [{"items": []}]})
    with pytest.raises(IncompleteSource, match="stopped at"):
        list(ozon.read("product", None))


def test_find_takes_the_article_to_the_letter(canned):
    ozon = canned({paths.PRODUCT_DETAILS: [{"items": [{"id": 5, "offer_id": "a-1"}]}]})
    assert ozon.find("product", Item(id="A-1", payload={})) is None
    assert ozon.find("product", Item(id="a-1", payload={})) == "5"


def test_stock_is_taken_to_zero_before_a_card_goes_to_the_archive(ozon, sandbox):
    ids = sell(ozon, "A-1", "A-2", "A-3")
    sandbox.products["A-2"].stocks.clear()
    sandbox.place_order({"A-3": 1})
    items = batch("offer_id", *({"offer_id": f"A-{n}"} for n in (1, 2, 3, 4)), native_ids=ids)
    outcomes = {outcome.id: outcome.kind for outcome in ozon.write("product", items, "archive")}
    assert outcomes == {"A-1": "done", "A-2": "done", "A-3": "later", "A-4": "refused"}
    assert {offer: one["archived"] for offer, one in sandbox.state()["products"].items()} == {
        "A-1": True,
        "A-2": True,
        "A-3": False,
    }
    assert sandbox.state()["products"]["A-1"]["stocks"]["Основной"]["free"] == 0


def test_stock_that_was_set_a_moment_ago_keeps_only_its_own_card_from_the_archive(make_sandbox, connect, clock):
    sandbox = make_sandbox(limits=VENDOR)
    ozon = connect(sandbox)
    ids = sell(ozon, "A-1")
    clock.pass_by(seconds=40)
    ids |= sell(ozon, "A-2")
    items = batch("offer_id", {"offer_id": "A-1"}, {"offer_id": "A-2"}, native_ids=ids)
    outcomes = {outcome.id: (outcome.kind, outcome.after) for outcome in ozon.write("product", items, "archive")}
    assert outcomes == {"A-1": ("done", None), "A-2": ("later", 30.0)}
    clock.pass_by(seconds=30)
    again = batch("offer_id", {"offer_id": "A-2"}, native_ids=ids)
    assert [outcome.kind for outcome in ozon.write("product", again, "archive")] == ["done"]


def test_the_limit_of_restoring_makes_the_whole_batch_wait(ozon, sandbox):
    ids = sell(ozon, "A-1")
    sandbox.faults.append(Fault(kind="custom", name="restore_limit", times=None))
    items = batch("offer_id", {"offer_id": "A-1"}, native_ids=ids)
    (outcome,) = ozon.write("product", items, "restore")
    assert (outcome.kind, outcome.after) == ("later", 3600.0)


def test_ozon_refuses_what_its_schema_requires(ozon):
    for lacking in ("price", "description_category_id", "type_id"):
        bare = {name: value for name, value in card("A-1").items() if name != lacking}
        with pytest.raises(Refused, match=lacking):
            ozon.http.post(paths.PRODUCT_IMPORT, json={"items": [bare]}, safe=True)
