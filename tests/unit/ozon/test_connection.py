"""The connection: its options, the key, Ozon's refusals in words, and what ``check`` finds."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from connectors.ozon import Ozon, paths
from connectors.ozon.paths import Path
from connectors.ozon.sandbox import VENDOR, Limits, OzonSandbox
from obmen.connector import check
from obmen.errors import Denied, Refused, Unavailable
from obmen.http import Reply
from obmen.testing.sandbox import Fault, Response
from tests.unit.ozon.conftest import natives, sell


def options(**changes):
    return Ozon.Options(**{"client_id": "1", "api_key": "k", **changes})


def error(status, message, **headers):
    return Response(status, {"code": 3, "message": message, "details": []}, headers=headers)


# -- options -----------------------------------------------------------------------------------------------


def test_a_number_will_do_for_the_client_id_and_the_key_is_never_shown():
    made = options(client_id=123, api_key="very-secret")
    assert made.client_id == "123"
    assert "very-secret" not in repr(made)
    assert made.url == "https://api-seller.ozon.ru"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"api_key": ""}, "api_key"),
        ({"client_id": ""}, "client_id"),
        ({"url": "http://api-seller.ozon.ru"}, "https"),
        ({"warehouses": {"А": 1, "Б": 1}}, "each needs its own"),
        ({"warehouse": {"А": 1}}, "warehouse"),
        ({"lookback_days": 0}, "lookback_days"),
        ({"lookback_days": 400}, "lookback_days"),
        ({"cancel_reason": 402}, "cancel_message"),
        ({"category": {"description_category_id": 1}}, "type_id"),
    ],
)
def test_wrong_options_are_refused_by_name(changes, word):
    with pytest.raises(ValidationError, match=word):
        options(**changes)


# -- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "step"),
    [
        (403, "Invalid Api-Key, please check the key and try again", "Check client_id"),
        (403, "Api-key is deactivated, use another one or generate a new one", "Make a new key"),
        (403, "Api-Key is missing a required role for a method", "the role"),
        (403, "Api-Key is restricted to specific IP addresses", "address"),
        (403, "Offer not signed", "Accept the current offer"),
        (401, "something new", "Check the connection"),
    ],
)
def test_a_shut_door_says_how_to_open_it(canned, status, message, step):
    ozon = canned({paths.PRICES: [error(status, message)]})
    with pytest.raises(Denied, match=step) as caught:
        list(ozon.read("price", None))
    assert message in str(caught.value)
    assert ozon.options.api_key.get_secret_value() not in str(caught.value)


def test_an_open_circle_is_left_alone_for_minutes(canned, clock):
    ozon = canned({paths.PRICES: [error(500, "Circle is open")]})
    with pytest.raises(Unavailable) as caught:
        list(ozon.read("price", None))
    assert caught.value.after == 180.0
    assert clock.sleeps == []


def test_too_many_calls_a_second_are_waited_out(make_sandbox, connect, clock):
    sandbox = make_sandbox(limits=VENDOR)
    ozon, other = connect(sandbox), connect(sandbox)
    for _ in range(40):
        natives(other, "price")
    for _ in range(40):
        natives(ozon, "price")
    assert sum(clock.sleeps) >= 1.0


def test_a_wait_in_seconds_is_obeyed(canned, clock):
    page = {"cursor": "", "items": [], "total": 0}
    ozon = canned({paths.PRICES: [error(429, "slow down", **{"Retry-After": "7"}), page]})
    natives(ozon, "price")
    assert max(clock.sleeps) == 7.0


def test_an_answer_that_is_not_ozons_is_not_taken_for_one(ozon, sandbox):
    sell(ozon, "A-1")
    sandbox.faults.append(Fault(kind="html", times=None, match="prices"))
    with pytest.raises(Unavailable):
        natives(ozon, "price")


def test_a_refusal_keeps_ozons_code_where_it_has_one(canned):
    ozon = canned({paths.PRICES: [error(400, "rpc error: NOT_FOUND_ERROR: no such thing")]})
    with pytest.raises(Refused) as caught:
        natives(ozon, "price")
    assert caught.value.code == "NOT_FOUND_ERROR"
    ozon = canned({paths.PRICES: [error(400, "something is wrong")]})
    with pytest.raises(Refused) as caught:
        natives(ozon, "price")
    assert caught.value.code == "400"


@pytest.mark.parametrize("body", [b"[1]", b'{"message": 7}', b"{}"])
def test_a_refusal_without_words_is_left_to_its_status(body):
    explained = Ozon.transport(options()).explain(Reply(400, {}, body))
    assert explained is None


# -- check -------------------------------------------------------------------------------------------------


def levels(ozon, option):
    return [finding.level for finding in check(ozon) if finding.option == option]


@pytest.mark.field("N9")
@pytest.mark.parametrize(
    ("days", "level"), [(15, "ok"), (14.01, "ok"), (14, "warning"), (0.5, "warning"), (-1, "problem")]
)
def test_the_end_of_the_key_is_told_two_weeks_ahead(ozon, sandbox, clock, days, level):
    sandbox.key_expires_at = sandbox.now() + days * 86400
    if days < 0:
        (finding,) = check(ozon)
        assert finding.level == "problem"
        assert "Make a new key" in finding.message
    else:
        assert levels(ozon, "api_key") == [level]


def test_an_ended_key_that_still_opens_is_a_problem(canned):
    roles = {"expires_at": "2026-01-01T00:00:00Z", "roles": [{"name": "Admin", "methods": []}]}
    assert levels(canned({paths.ROLES: [roles]}), "api_key") == ["problem"]


def test_methods_that_the_key_does_not_allow_are_named(ozon, sandbox):
    allowed = [str(path) for path in paths.ALL if path not in {paths.SHIP, paths.CANCEL}]
    sandbox.roles = [{"name": "Own", "methods": allowed}]
    (warning,) = [finding for finding in check(ozon) if finding.level == "warning"]
    assert paths.SHIP in warning.message
    assert paths.CANCEL in warning.message
    assert paths.PRICES not in warning.message


def test_warehouses_are_compared_both_ways(connect, sandbox):
    ozon = connect(sandbox, warehouses={"Основной": 1020000000001, "Ростов": 99})
    told = {finding.option: finding for finding in check(ozon)}
    assert told["warehouses.Основной"].level == "ok"
    assert told["warehouses.Ростов"].level == "problem"
    assert "99" in told["warehouses.Ростов"].message
    assert told["warehouses"].level == "warning"
    assert "Запасной" in told["warehouses"].message


def test_more_warehouses_than_a_page_holds(make_sandbox, connect):
    warehouses = {f"Склад {n}": 10_000 + n for n in range(450)}
    ozon = connect(make_sandbox(warehouses=warehouses))
    found = [finding for finding in check(ozon) if finding.option.startswith("warehouses.")]
    assert [finding.level for finding in found] == ["ok"] * 450


def test_check_writes_nothing(ozon, sandbox):
    check(ozon)
    assert set(sandbox.calls) == {paths.ROLES, paths.WAREHOUSES, paths.PRODUCT_LIMITS, paths.PRICES}
    assert sandbox.written == {}


def told(ozon, word):
    return [(finding.level, finding.message) for finding in check(ozon) if word in finding.message]


def test_quotas_are_told_and_one_that_is_nearly_used_up_is_a_warning(make_sandbox, connect):
    sandbox = make_sandbox(limits=Limits(creates_per_day=10, products=5000, import_items_per_minute=100))
    ozon = connect(sandbox)
    sell(ozon, *(f"A-{n}" for n in range(8)))
    known = "Quotas: new cards today 8 of 10, cards in all 8 of 5000, 100 cards a minute."
    assert told(ozon, "uota") == [("ok", known)]
    sell(ozon, "B-1")
    assert told(ozon, "nearly used up") == [
        (
            "warning",
            "Ozon's quota is nearly used up: new cards today 9 of 10. It is counted anew at 03:00 in Moscow.",
        )
    ]


def test_a_cabinet_without_quotas_says_so(ozon):
    assert told(ozon, "quotas") == [("ok", "Ozon sets no quotas of cards.")]


def test_a_key_that_may_not_read_the_quotas_is_only_warned_of(canned, clock):
    roles = {"expires_at": "2099-01-01T00:00:00Z", "roles": [{"name": "Admin", "methods": []}]}
    answers = {paths.ROLES: [roles], paths.PRODUCT_LIMITS: [error(403, "Api-Key is missing a required role")]}
    assert [level for level, _ in told(canned(answers), "quotas")] == ["warning"]


@pytest.mark.parametrize(
    ("pair", "level", "word"),
    [
        ((17000001, 91000001), "ok", "Прочее / Разное / Товар"),
        ((17000011, 91000012), "warning", "requires 'Бренд', 'Материал'"),
        ((17000011, 91000001), "problem", "17000011:91000001"),
        ((17000013, 91000033), "problem", "no cards in it"),
    ],
)
def test_the_one_category_is_looked_at(connect, sandbox, pair, level, word):
    ozon = connect(sandbox, category=dict(zip(("description_category_id", "type_id"), pair, strict=True)))
    (finding,) = [one for one in check(ozon) if one.option == "category"]
    assert finding.level == level
    assert word in finding.message


def test_the_currency_of_the_cabinet_is_told(ozon):
    assert told(ozon, "sells in") == []
    sell(ozon, "A-1")
    assert told(ozon, "sells in") == [("ok", "The cabinet sells in RUB.")]


def test_a_path_that_ends_soon_is_told(ozon, monkeypatch):
    monkeypatch.setattr(paths, "ALL", (Path("/v9/x", date(2026, 6, 11), date(2026, 7, 1)), paths.ROLES))
    (warning,) = [finding for finding in check(ozon) if "/v9/x" in finding.message and not finding.option]
    assert warning.level == "warning"
    assert "2026-07-01" in warning.message


# -- paths -------------------------------------------------------------------------------------------------


def test_every_path_says_when_it_was_confirmed():
    assert len(set(paths.ALL)) == len(paths.ALL) >= 30
    assert {path.confirmed for path in paths.ALL} == {date(2026, 6, 11)}
    assert paths.ending(datetime.now(UTC).date(), 28) == []


def test_a_path_that_ends_is_found_in_time():
    path = Path("/v1/x", date(2026, 6, 11), date(2026, 7, 1))
    assert path == "/v1/x"
    assert (path.ends - date(2026, 6, 20)).days == 11


def test_the_sandbox_is_named_for_the_command_line():
    module, _, name = Ozon.sandbox.partition(":")
    assert (module, name) == (OzonSandbox.__module__, OzonSandbox.__name__)
