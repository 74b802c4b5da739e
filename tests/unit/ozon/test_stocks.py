"""Stock: pairs, reserves that Ozon keeps itself, and a pause of thirty seconds for each pair."""

import pytest

from connectors.ozon import paths, products, stocks
from connectors.ozon.sandbox import VENDOR
from obmen.errors import IncompleteSource, Refused, Unavailable
from obmen.records import Batch, Item
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import batch, natives, sell, stock

PAIR = ("offer_id", "warehouse_id")
MAIN, SPARE = 1020000000001, 1020000000002


def set_all(ozon, *rows):
    return list(ozon.write("stock", batch(PAIR, *rows)))


def test_one_product_in_two_warehouses_is_two_pairs(ozon, sandbox):
    ids = sell(ozon, "A-1")
    outcomes = set_all(ozon, stock("A-1", ids["A-1"], MAIN, 5), stock("A-1", ids["A-1"], SPARE, 6))
    assert [(outcome.id, outcome.kind) for outcome in outcomes] == [
        (f"A-1|{MAIN}", "done"),
        (f"A-1|{SPARE}", "done"),
    ]
    assert sandbox.state()["products"]["A-1"]["stocks"] == {
        "Основной": {"free": 5, "reserved": 0},
        "Запасной": {"free": 6, "reserved": 0},
    }


def test_what_is_set_is_free_of_what_is_reserved(ozon, sandbox):
    ids = sell(ozon, "A-1", amount=10)
    sandbox.place_order({"A-1": 3})
    set_all(ozon, stock("A-1", ids["A-1"], MAIN, 20))
    (native,) = natives(ozon, "stock")
    assert (native["free_stock"], native["reserved"], native["present"]) == (20, 3, 23)


def test_a_pair_set_twice_within_thirty_seconds_waits(make_sandbox, connect, clock):
    ozon = connect(make_sandbox(limits=VENDOR))
    ids = sell(ozon, "A-1")
    row = stock("A-1", ids["A-1"], MAIN, 5)
    (outcome,) = set_all(ozon, row)
    assert (outcome.kind, outcome.after) == ("later", 30.0)
    assert [o.kind for o in set_all(ozon, stock("A-1", ids["A-1"], SPARE, 5))] == ["done"]
    clock.pass_by(seconds=30)
    assert [o.kind for o in set_all(ozon, row)] == ["done"]
    assert ozon.writers["stock", "put"].every == 30.0


def test_the_budget_keeps_below_eighty_calls_a_minute(make_sandbox, connect, clock):
    sandbox = make_sandbox(limits=VENDOR)
    ozon = connect(sandbox)
    sell(ozon, "A-1")
    began = clock.monotonic()
    for _ in range(170):
        set_all(ozon, stock("A-1", 1, MAIN, 1))
    assert clock.monotonic() - began >= 120
    assert sandbox.calls[paths.STOCKS_SET] == 171


def test_the_sandbox_itself_refuses_the_eighty_first_call(make_sandbox, connect, clock):
    ozon = connect(make_sandbox(limits=VENDOR))
    body = {"stocks": [stock("A-1", 1, MAIN, 1)]}
    for _ in range(80):
        ozon.http.post(paths.STOCKS_SET, json=body, safe=True)
    began = clock.monotonic()
    with pytest.raises(Unavailable, match="429"):
        ozon.http.post(paths.STOCKS_SET, json=body, safe=True)
    assert clock.monotonic() - began <= 60


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (stock("нет", 1, MAIN, 5), "offer_id_not_found"),
        (stock("", 1, MAIN, 5), "NOT_FOUND_ERROR"),
        (stock("A-1", 300000001, 7, 5), "WAREHOUSE_NOT_FOUND"),
        (stock("A-1", 300000001, MAIN, 1_000_000), "STOCK_TOO_BIG"),
    ],
)
def test_what_ozon_refuses_is_refused_with_its_word(ozon, row, code):
    sell(ozon, "A-1")
    (outcome,) = set_all(ozon, row)
    assert (outcome.kind, outcome.errors[0].code) == ("refused", code)


def test_a_product_that_is_not_for_sale_yet_waits(ozon, sandbox):
    ids = sell(ozon, "A-1")
    sandbox.products["A-1"].archived = True
    (outcome,) = set_all(ozon, stock("A-1", ids["A-1"], MAIN, 5))
    assert (outcome.kind, outcome.after) == ("later", 300.0)


def test_no_stock_of_a_card_in_the_archive_is_true_already(ozon, sandbox):
    ids = sell(ozon, "A-1", "A-2", amount=0)
    sandbox.products["A-2"].stocks[MAIN].free = 3
    for product in sandbox.products.values():
        product.archived = True
    rows = [stock(offer_id, id_, warehouse, 0) for offer_id, id_ in ids.items() for warehouse in (MAIN, SPARE)]
    assert {outcome.id: outcome.kind for outcome in set_all(ozon, *rows)} == {
        f"A-1|{MAIN}": "done",
        f"A-1|{SPARE}": "done",
        f"A-2|{MAIN}": "later",
        f"A-2|{SPARE}": "done",
    }


def test_when_one_of_two_reasons_does_not_pass_the_row_is_refused(canned):
    errors = [{"code": "TOO_MANY_REQUESTS", "message": ""}, {"code": "STOCK_TOO_BIG", "message": ""}]
    row = {"offer_id": "A-1", "product_id": 1, "warehouse_id": MAIN, "updated": False, "errors": errors}
    ozon = canned({paths.STOCKS_SET: [{"result": [row]}]})
    (outcome,) = set_all(ozon, stock("A-1", 1, MAIN, 5))
    assert (outcome.kind, len(outcome.errors)) == ("refused", 2)


def test_a_row_that_ozon_does_not_mention_is_not_answered_for(ozon, sandbox):
    ids = sell(ozon, "A-1", "A-2")
    sandbox.faults.append(Fault(kind="custom", name="silent_row", match="stocks"))
    rows = [stock(offer_id, id_, MAIN, 5) for offer_id, id_ in ids.items()]
    assert [outcome.id for outcome in set_all(ozon, *rows)] == [f"A-2|{MAIN}"]


@pytest.mark.parametrize("lacking", ["product_id", "stock", "warehouse_id"])
def test_ozon_refuses_a_row_without_what_its_schema_requires(ozon, lacking):
    row = {name: value for name, value in stock("A-1", 1, MAIN, 5).items() if name != lacking}
    with pytest.raises(Refused, match=lacking):
        ozon.write("stock", Batch([Item(id="x", payload=row)])).__next__()


def test_all_pairs_are_read_page_by_page(ozon, monkeypatch):
    monkeypatch.setattr(products, "LIST_LIMIT", 6)
    monkeypatch.setattr(stocks, "READ_LIMIT", 4)
    ids = sell(ozon, *(f"A-{n}" for n in range(10)))
    set_all(ozon, *(stock(offer_id, id_, SPARE, 1) for offer_id, id_ in ids.items()))
    read = natives(ozon, "stock")
    assert len({(native["offer_id"], native["warehouse_id"]) for native in read}) == len(read) == 20


def test_a_pair_is_looked_up_even_when_the_article_holds_the_joining_sign(ozon):
    offer = "A|1"
    sell(ozon, offer, "A")
    found = list(ozon.look_up("stock", [f"{offer}|{MAIN}", f"A|{SPARE}"]))
    assert [(native["offer_id"], native["warehouse_id"]) for native in found] == [(offer, MAIN)]


def test_more_without_a_cursor_is_not_a_whole_list(canned):
    items = {"result": {"items": [{"offer_id": "A-1", "product_id": 1}], "total": 1, "last_id": "1"}}
    ozon = canned({paths.PRODUCT_LIST: [items], paths.STOCKS: [{"cursor": "", "has_next": True, "products": []}]})
    with pytest.raises(IncompleteSource, match="no cursor"):
        list(ozon.read("stock", None))


def test_a_cabinet_without_products_is_not_asked_for_stock(ozon, sandbox):
    assert list(ozon.read("stock", None)) == []
    assert sandbox.calls[paths.STOCKS] == 0


def test_stock_needs_a_price_first(ozon, sandbox):
    ids = sell(ozon, "A-1")
    sandbox.products["A-1"].price *= 0
    (outcome,) = set_all(ozon, stock("A-1", ids["A-1"], MAIN, 5))
    assert outcome.kind == "later"
