"""The sandbox: what it must refuse, and what it must not change when it refuses."""

import pytest
import requests

from connectors.ozon import paths
from connectors.ozon.sandbox import OzonSandbox
from obmen.http import encode_json
from tests.unit.ozon.conftest import card, sell

MONTH = {"since": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}


def post(sandbox, path, body=None, **headers):
    known = {"Client-Id": sandbox.client_id, "Api-Key": sandbox.api_key, **headers}
    known = {name: value for name, value in known.items() if value}
    return requests.post(sandbox.url + path, data=encode_json(body or {}), headers=known, timeout=10)


@pytest.mark.parametrize(
    ("headers", "status", "word"),
    [
        ({"Api-Key": ""}, 401, "required"),
        ({"Client-Id": ""}, 401, "required"),
        ({"Api-Key": "wrong"}, 403, "Invalid Api-Key"),
        ({"Client-Id": "wrong"}, 403, "Invalid Api-Key"),
        ({}, 200, "expires_at"),
    ],
)
def test_who_is_let_in(sandbox, headers, status, word):
    answer = post(sandbox, paths.ROLES, **headers)
    assert answer.status_code == status
    assert word in answer.text


def test_a_key_that_has_ended_opens_nothing(sandbox, clock):
    clock.pass_by(days=181)
    answer = post(sandbox, paths.ROLES)
    assert answer.status_code == 403
    assert "deactivated" in answer.text


def test_a_retired_path_is_not_there(sandbox):
    assert post(sandbox, "/v3/posting/fbs/list").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (paths.PRODUCT_IMPORT, {"items": [card(f"A-{n}") for n in range(101)]}),
        (paths.PRICES_SET, {"prices": [{"offer_id": "A", "price": "1"}] * 1001}),
        (paths.STOCKS_SET, {"stocks": [{"product_id": 1, "warehouse_id": 1, "stock": 1}] * 101}),
        (paths.PRODUCT_LIST, {"limit": 1001}),
        (paths.PRICES, {"limit": 1001, "filter": {}}),
        (paths.POSTINGS, {"limit": 101, "filter": MONTH}),
        (paths.ARCHIVE, {"product_id": list(range(1, 102))}),
        (paths.WAREHOUSES, {"limit": 201}),
        (paths.PRODUCT_DETAILS, {"offer_id": [str(n) for n in range(1001)]}),
    ],
)
def test_batches_and_pages_have_an_end(sandbox, path, body):
    answer = post(sandbox, path, body)
    assert answer.status_code == 400
    assert sandbox.written == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "EMPTY_REQUIRED"),
        ({"name": "и" * 256}, "name_too_long"),
        ({"weight": 0}, "missing_dimension"),
        ({"depth": 0}, "missing_dimension"),
        ({"weight_unit": "pood"}, "missing_dimension"),
        ({"vat": "0.18"}, "vat_invalid"),
        ({"vat": ""}, "vat_invalid"),
        ({"description_category_id": 0}, "description_category_is_empty"),
        ({"type_id": 0}, "description_type_is_empty"),
        ({"price": "0"}, "price_is_negative"),
        ({"price": "100.001"}, "price_is_negative"),
        ({"old_price": "1000.00"}, "old_price_less_than_price"),
        ({"currency_code": "CNY"}, "currency_differs_from_cabinet"),
        ({"attributes": [{"id": 85, "values": []}]}, "error_attribute_values_empty"),
        ({"offer_id": "A" * 51}, "EMPTY_REQUIRED"),
    ],
)
def test_a_card_is_refused_for_its_faults(sandbox, changes, code):
    task = post(sandbox, paths.PRODUCT_IMPORT, {"items": [{**card("A-1"), **changes}]}).json()["result"]
    post(sandbox, paths.IMPORT_STATE, task)
    (row,) = post(sandbox, paths.IMPORT_STATE, task).json()["result"]["items"]
    assert (row["status"], row["errors"][0]["code"]) == ("failed", code)
    assert sandbox.products == {}


def test_a_refused_change_leaves_the_card_as_it_was(ozon, sandbox):
    sell(ozon, "A-1")
    before = dict(sandbox.products["A-1"].card)
    task = post(sandbox, paths.PRODUCT_IMPORT, {"items": [card("A-1", vat="1", name="Новое")]}).json()
    for _ in range(2):
        post(sandbox, paths.IMPORT_STATE, task["result"])
    assert sandbox.products["A-1"].card == before


def test_more_than_thirty_images_are_too_many(sandbox):
    images = [f"https://img.example/{n}.jpg" for n in range(31)]
    assert post(sandbox, paths.PRODUCT_IMPORT, {"items": [card("A-1", images=images)]}).status_code == 400


def test_an_older_task_never_overwrites_a_newer_one(sandbox):
    tasks = [
        post(sandbox, paths.PRODUCT_IMPORT, {"items": [card("A-1", name=name)]}).json()["result"]
        for name in ("Первое", "Второе")
    ]
    for _ in range(3):
        post(sandbox, paths.IMPORT_STATE, tasks[1])
    assert sandbox.products["A-1"].card["name"] == "Второе"
    assert sandbox.written["products"] == 2


def test_what_is_not_there_cannot_be_ordered(ozon, sandbox):
    sell(ozon, "A-1", amount=2)
    with pytest.raises(ValueError, match="not enough"):
        sandbox.place_order({"A-1": 3})
    with pytest.raises(ValueError, match="not enough"):
        sandbox.place_order({"A-1": 1}, warehouse="Запасной")
    assert sandbox.postings == {}


def test_reserves_follow_an_order_through_its_life(ozon, sandbox):
    sell(ozon, "A-1", amount=10)

    def level():
        row = sandbox.state()["products"]["A-1"]["stocks"]["Основной"]
        return row["free"], row["reserved"]

    first, second = sandbox.place_order({"A-1": 3}), sandbox.place_order({"A-1": 2})
    assert level() == (5, 5)
    sandbox.cancel_by_buyer(second)
    assert level() == (7, 3)
    sandbox.deliver(first)
    assert level() == (7, 0)
    for move in (sandbox.cancel_by_buyer, sandbox.deliver, sandbox.hand_over):
        with pytest.raises(ValueError, match="its life is over"):
            move(first)


def test_an_order_cancelled_on_its_way_does_not_bring_the_goods_back(ozon, sandbox):
    sell(ozon, "A-1", amount=10)
    number = sandbox.place_order({"A-1": 3})
    sandbox.hand_over(number)
    sandbox.cancel_by_buyer(number)
    assert sandbox.state()["products"]["A-1"]["stocks"]["Основной"] == {"free": 7, "reserved": 0}
    assert sandbox.postings[number].cancellation["cancelled_after_ship"]


def test_several_packages_become_several_postings(ozon, sandbox):
    sell(ozon, "A-1", amount=10)
    number = sandbox.place_order({"A-1": 3})
    sku = sandbox.products["A-1"].sku
    packages = [{"products": [{"product_id": sku, "quantity": n}]} for n in (1, 2)]
    answer = post(sandbox, paths.SHIP, {"posting_number": number, "packages": packages}).json()
    first, second = (sandbox.postings[name] for name in answer["result"])
    assert first.number == number
    assert (first.lines[0].quantity, second.lines[0].quantity) == (1, 2)
    assert second.parent == number
    sandbox.deliver(first.number)
    sandbox.deliver(second.number)
    assert sandbox.state()["products"]["A-1"]["stocks"]["Основной"] == {"free": 7, "reserved": 0}


def test_reset_empties_it_and_it_works_again(ozon, sandbox):
    sell(ozon, "A-1")
    sandbox.place_order({"A-1": 1})
    sandbox.reset()
    assert sandbox.state() == {"products": {}, "postings": {}, "calls": {}, "written": {}}
    sell(ozon, "A-1")
    assert sandbox.products["A-1"].product_id == 300000001


def test_equal_seeds_give_equal_numbers(make_sandbox, connect):
    numbers = []
    for _ in range(2):
        sandbox = make_sandbox(seed=7)
        sell(connect(sandbox), "A-1")
        numbers.append([sandbox.place_order({"A-1": 1}) for _ in range(3)])
    assert numbers[0] == numbers[1]


def test_its_state_is_json(ozon, sandbox):
    sell(ozon, "A-1")
    sandbox.place_order({"A-1": 1}, customer={"name": "Иван Образцов"})
    answer = requests.get(sandbox.url + "/__sandbox__/state", timeout=10).json()
    assert answer["products"]["A-1"]["price"] == "1990.00"
    assert answer["calls"][paths.PRODUCT_IMPORT] == 1
    assert isinstance(sandbox, OzonSandbox)
