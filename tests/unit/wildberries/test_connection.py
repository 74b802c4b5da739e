"""The connection: options, the token, the hosts, the limits, and what refusals mean."""

from datetime import date

import pytest
from pydantic import ValidationError

from connectors.wildberries import Wildberries, paths
from connectors.wildberries.base import Base, split_id
from connectors.wildberries.errors import ManyRefused, VendorRefused, explain
from connectors.wildberries.rights import read_token
from connectors.wildberries.sandbox import VENDOR, WildberriesSandbox
from connectors.wildberries.sandbox.cabinet import Cabinet
from connectors.wildberries.sandbox.door import BASIC, TEST
from obmen.errors import Denied, Later, Refused, Unavailable
from obmen.http import Reply, encode_json
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.conftest import MAIN, natives


def levels(wb):
    return [(finding.level, finding.option) for finding in wb.check()]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://wb.example"},
        {"warehouses": {"A": 1, "B": 1}},
        {"rounding": "half"},
        {"token": ""},
        {"tokn": "x"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        Wildberries.Options(**{"token": "x", **wrong})


def test_each_method_goes_to_the_host_of_its_category():
    assert paths.CARDS.at() == "https://content-api.wildberries.ru/content/v2/get/cards/list"
    assert paths.STOCKS_SET.at(warehouseId=5) == "https://marketplace-api.wildberries.ru/api/v3/stocks/5"
    assert paths.PRICES.at("http://127.0.0.1:1") == "http://127.0.0.1:1/api/v2/list/goods/filter"


def test_a_path_that_ends_is_told_in_time(monkeypatch):
    going = paths.Path("GET", "/old", "content", "content", date(2026, 7, 23), date(2026, 12, 1))
    monkeypatch.setattr(paths, "ALL", (*paths.ALL, going))
    assert paths.ending(date(2026, 11, 10), 28) == [going]
    assert paths.ending(date(2026, 10, 10), 28) == []


def test_every_group_of_methods_has_a_budget():
    budgets = Wildberries.transport(Wildberries.Options(token="x")).budgets
    assert {path.group for path in paths.ALL} <= set(budgets)


@pytest.mark.parametrize(("whole", "base"), [(Wildberries, Base), (WildberriesSandbox, Cabinet)])
def test_no_two_parts_share_a_private_name(whole, base):
    owners: dict[str, type] = {}
    for part in whole.__mro__:
        own = [name for name in vars(part) if name.startswith("_") and not name.startswith("__")]
        for name in own if issubclass(part, base) else ():
            other = owners.setdefault(name, part)
            assert issubclass(other, part), f"{name} of {part.__name__} is hidden by that of {other.__name__}"


def test_a_native_id_names_card_and_size():
    assert split_id("100000001:500000002") == (100000001, 500000002)
    with pytest.raises(Refused, match="nmID:chrtID"):
        split_id("A-1")


# -- check --------------------------------------------------------------------------------------------------


def test_a_good_connection_is_all_right(wb):
    assert {finding.level for finding in wb.check()} == {"ok"}


@pytest.mark.field("N9")
@pytest.mark.parametrize(("days", "level"), [(15, "ok"), (13.5, "warning"), (-1, "problem")])
def test_a_token_is_told_before_it_ends(sandbox, connect, days, level):
    sandbox.issue_token(days=days)
    found = [(finding.level, finding.message) for finding in connect(sandbox).check()][:1]
    assert [one for one, _ in found] == [level]


def test_a_token_without_a_category_is_told(sandbox, connect):
    sandbox.issue_token(categories={"content", "prices"})
    messages = [finding.message for finding in connect(sandbox).check() if finding.level == "warning"]
    assert any("Маркетплейс" in message for message in messages)


@pytest.mark.parametrize(("how", "level", "word"), [
    ({"kind": BASIC}, "warning", "basic"),
    ({"kind": TEST}, "problem", "test contour"),
    ({"read_only": True}, "warning", "only read"),
])  # fmt: skip
def test_a_token_that_will_not_do_is_told(sandbox, connect, how, level, word):
    sandbox.issue_token(**how)
    told = {(finding.level, word in finding.message) for finding in connect(sandbox).check()}
    assert (level, True) in told


def test_what_is_no_token_is_told_without_a_call(sandbox, connect):
    wb = connect(sandbox, token="abc")
    assert levels(wb) == [("problem", "token")]
    assert not sandbox.calls


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "..", "a.e30.c", "a.eyJleHAiOiA5OTk5OTk5OTk5OTk5OTk5OX0.c"])
def test_what_is_no_token_is_read_as_none(text):
    assert read_token(text) is None


def test_warehouses_are_compared_both_ways(sandbox, connect):
    sandbox.processing.add(MAIN)
    found = levels(connect(sandbox, warehouses={"Основной": MAIN, "Нет": 99}))
    assert ("warning", "warehouses.Основной") in found
    assert ("problem", "warehouses.Нет") in found
    assert ("warning", "warehouses") in found


# -- refusals -----------------------------------------------------------------------------------------------


def said(status, body, headers=None):
    return explain(Reply(status, headers or {}, encode_json(body), what="wb: POST /x"))


def market(code, data=None):
    return {"code": code, "message": "words", "data": data}


@pytest.mark.parametrize(("status", "body", "kind"), [
    (200, {"data": [], "error": False, "errorText": ""}, type(None)),
    (200, {"data": None, "error": True, "errorText": "no", "additionalErrors": {}}, VendorRefused),
    (400, {"data": None, "error": True, "errorText": "no", "additionalErrors": {"A-1": "bad"}}, VendorRefused),
    (400, market("IncorrectRequest"), VendorRefused),
    (401, {"title": "unauthorized", "detail": "token problem; access token expired"}, Denied),
    (402, {"title": "payment required", "detail": "insufficient funds"}, Denied),
    (403, market("AccessDenied"), Denied),
    (406, market("WarehouseStocksUpdateBlock"), Later),
    (406, market("StatusNotAcceptable"), Denied),
    (409, [market("StoreIsProcessing")], Later),
    (409, [market("StoreIsProcessing"), market("NotFound", [{"chrtId": 1, "amount": 1}])], ManyRefused),
    (413, {"title": "request body too long", "detail": "10 MB"}, VendorRefused),
    (429, {"title": "too many requests", "detail": "limited"}, type(None)),
    (500, market("InternalError"), type(None)),
    (400, "words", type(None)),
])  # fmt: skip
def test_each_shape_of_refusal_is_understood(status, body, kind):
    assert type(said(status, body)) is kind


def test_a_refusal_keeps_the_vendors_words_and_details():
    error = said(400, {"data": None, "error": True, "errorText": "lacks", "additionalErrors": {"A-1": "ids: {1}"}})
    assert (error.said.partition(";")[0], error.details) == ("lacks", {"A-1": "ids: {1}"})
    assert "A-1: ids: {1}" in str(error)


@pytest.mark.parametrize(("fault", "word"), [("withdrawn_token", "withdrawn"), ("unpaid", "personal token")])
def test_who_is_shut_out_is_told_what_to_do(wb, sandbox, fault, word):
    sandbox.faults.append(Fault(kind="custom", name=fault, times=None))
    with pytest.raises(Denied, match=word):
        natives(wb, "price")


def test_a_token_of_another_category_is_denied(sandbox, connect):
    sandbox.issue_token(categories={"content"})
    with pytest.raises(Denied, match="Give the token this category"):
        natives(connect(sandbox), "price")


# -- limits -------------------------------------------------------------------------------------------------


def test_the_limits_are_kept_without_a_refusal(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=VENDOR)
    wb = connect(sandbox)
    for _ in range(60):
        wb.call(paths.CARDS, json={"settings": {"cursor": {"limit": 100}}}, safe=True)
        wb.call(paths.WAREHOUSES)
    assert sandbox.calls[f"POST {paths.CARDS}"] == 60
    assert 20 < sum(clock.sleeps) < 60


def test_a_refusal_of_the_marketplace_costs_ten_calls(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=VENDOR)
    wb = connect(sandbox)
    for _ in range(6):
        with pytest.raises(Refused):
            wb.call(paths.STOCKS_SET, parts={"warehouseId": 1}, json={"stocks": []}, safe=True)
    assert sandbox.calls["PUT /api/v3/stocks/1"] == 6
    assert sum(clock.sleeps) >= 6


def test_a_429_is_obeyed_as_it_says(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=VENDOR)
    wb, other = connect(sandbox), connect(sandbox)
    for _ in range(4):
        other.call(paths.PRICES, params={"limit": "10"})
        wb.call(paths.PRICES, params={"limit": "10"})
    assert max(clock.sleeps) >= 1.0
    assert sandbox.calls[f"GET {paths.PRICES}"] > 8


def test_a_wait_that_is_long_is_left_to_the_engine(wb, sandbox, clock):
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="3600", times=None))
    with pytest.raises(Unavailable) as caught:
        natives(wb, "price")
    assert caught.value.after == 3600
