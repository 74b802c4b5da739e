"""The door: keys, rights, shops, limits; and what ``check`` finds."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.yandex_market import YandexMarket, limits, paths
from connectors.yandex_market.sandbox import Shop
from connectors.yandex_market.sandbox.cabinet import Window
from obmen.connector import check
from obmen.errors import Denied, Refused, Unavailable
from obmen.http import Rate
from obmen.testing.sandbox import Fault, Response
from tests.unit.yandex_market.conftest import MAIN, SPARE, batch, card, price, stock

KEY = {"api_key": "ACMA:x", "business_id": 1}


def found(ym, option):
    return {finding.level: finding.message for finding in ym.check() if finding.option == option}


# -- options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://market.example"}, "unprotected"),
        ({"warehouses": {"А": 5, "Б": 5}}, "each needs its own"),
        ({"warehouses": {"А": 0}}, "greater than or equal to 1"),
        ({"campaign": 5}, "Extra inputs"),
        ({"rounding": "nearest"}, "rounding"),
    ],
)
def test_options_that_cannot_work_are_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        YandexMarket.Options(**KEY, **options)


def test_the_key_is_not_shown():
    options = YandexMarket.Options(**KEY)
    assert "ACMA" not in repr(options)
    assert "ACMA" not in repr(YandexMarket.transport(options))


# -- the door ---------------------------------------------------------------------------------------------


def test_a_wrong_key_is_told_from_a_missing_right_and_from_a_foreign_cabinet(market, connect):
    market.sell("A-1")
    wrong = connect(market, api_key="ACMA:wrong")
    with pytest.raises(Denied, match=r"Api-Key token is invalid.*Check api_key"):
        list(wrong.read("product", None))
    market.scopes = ["PRICING"]
    with pytest.raises(Denied, match=r"scopes.*Check the key's rights"):
        list(connect(market).read("product", None))
    assert list(connect(market).read("price", None))
    market.scopes = ["OFFERS_AND_CARDS_MANAGEMENT_READ_ONLY"]
    assert list(connect(market).read("product", None))
    with pytest.raises(Denied, match="scopes"):
        list(connect(market).write("product", batch("product", card("A-1"))))
    market.scopes = ["ALL_METHODS_READ_ONLY"]
    assert list(connect(market).read("stock", None))
    market.scopes = ["ALL_METHODS"]
    with pytest.raises(Denied, match="business_id"):
        list(connect(market, business_id=MAIN).read("product", None))


def test_a_campaign_is_not_a_cabinet(market, connect):
    ym = connect(market, warehouses={"Основной": market.business_id})
    with pytest.raises(Denied, match=r"No access to campaigns: 1001.*campaign ids"):
        list(ym.write("stock", batch("stock", stock("A-1", 5, market.business_id))))


def test_a_body_that_is_too_large_is_refused(ym):
    with pytest.raises(Refused, match="512 KB"):
        ym.call(paths.OFFERS, safe=True, json={"offerIds": ["я" * 255] * 1200})


# -- limits -----------------------------------------------------------------------------------------------


def test_goods_are_counted_and_not_calls(make_sandbox, connect, clock):
    market = make_sandbox(limited=True)
    ym = connect(market)
    market.sell(*(f"A-{n}" for n in range(500)))
    rows = [price(f"A-{n}", 990) for n in range(500)]
    for _ in range(21):
        list(ym.write("price", batch("price", *rows)))
    assert market.calls[paths.PRICES_SET.group] == 21
    assert sum(clock.sleeps) == pytest.approx(60.0, abs=1.0)


def test_a_limit_that_is_spent_elsewhere_is_waited_for_as_market_says(ym, market, clock):
    market.faults.append(Fault(kind="custom", name="calm_down"))
    market.sell("A-1")
    assert next(iter(ym.look_up("price", ["A-1"])), None) is None
    assert clock.sleeps
    assert sum(clock.sleeps) == pytest.approx(60.0, abs=1.0)


def test_what_a_limit_says_counts_only_where_it_is_spent(ym, market, clock):
    market.faults.append(Fault(kind="status", status=500))
    ym.call(paths.SETTINGS, safe=True)
    assert sum(clock.sleeps) < 10


def test_too_many_calls_at_once_are_a_matter_of_a_moment(canned, clock):
    error = {"code": "ENHANCE_YOUR_CALM", "message": "Hit rate limit of 4 parallel requests for businessId 1001"}
    told = {limits.UNTIL: "Mon, 15 Jun 2026 23:00:00 GMT"}
    busy = Response(420, {"status": "ERROR", "errors": [error]}, headers=told)
    good = {"status": "OK", "result": {"settings": {}}}
    canned({f"POST {paths.SETTINGS.at(businessId=1001)}": [busy, good]}).call(paths.SETTINGS, safe=True)
    assert sum(clock.sleeps) < 10


def test_a_limit_of_an_hour_is_left_to_the_engine(ym, market):
    market.faults.append(Fault(kind="custom", name="calm_down", times=None))
    with pytest.raises(Unavailable) as caught:
        list(ym.check())
    assert caught.value.after == pytest.approx(3600.0, abs=1.0)


def test_what_is_left_is_learnt_from_every_answer(make_sandbox, connect, clock):
    market = make_sandbox(limited=True)
    ym = connect(market)
    market._windows[paths.SETTINGS.group] = Window(market.now(), 999)
    ym.call(paths.SETTINGS, safe=True)
    with pytest.raises(Unavailable, match="asked for it"):
        ym.call(paths.SETTINGS, safe=True)
    assert market.calls[paths.SETTINGS.group] == 1
    clock.pass_by(hours=1, seconds=1)
    ym.call(paths.SETTINGS, safe=True)


SLOWED = {paths.PAYMENTS_REPORT, paths.PROMOTION_OFFERS, paths.PROMOTION_LEAVE}
"""Slowed down since that table was made."""
_TOLD = re.compile(r"([\d ]+) (запрос|товар|заказ|категори)\w* в (час|минуту)")


def test_every_limit_is_the_vendors(specs: Path):
    table = (specs / "specs" / "yandex-market" / "method-limits.official-text.2026-02-12.tsv").read_text("utf-8")
    told = {}
    for line in table.splitlines()[1:]:
        method, path, _, _, text = line.split("\t")
        if match := _TOLD.match(text):
            told[f"{method} {path}"] = match.groups()
    for operation in paths.ALL:
        amount, what, period = told[operation.group.replace("{", "").replace("}", "")]
        theirs = Rate(int(amount.replace(" ", "")), {"час": 3600.0, "минуту": 60.0}[period])
        if operation in SLOWED:
            assert operation.rate.calls / operation.rate.seconds < theirs.calls / theirs.seconds
        else:
            assert operation.rate == theirs, operation.group
        assert operation.goods == (what in {"товар", "заказ"}), operation.group


def test_every_method_has_a_budget():
    assert set(limits.budgets()) == {operation.group for operation in paths.ALL}
    assert len({operation.group for operation in paths.ALL}) == len(paths.ALL)


# -- check ------------------------------------------------------------------------------------------------


def test_a_good_connection_has_nothing_to_mend(ym):
    assert {finding.level for finding in ym.check()} == {"ok"}


def test_a_key_that_lacks_a_right_is_told(ym, market):
    market.scopes = ["PRICING", "OFFERS_AND_CARDS_MANAGEMENT"]
    assert "INVENTORY_AND_ORDER_PROCESSING" in found(ym, "api_key")["warning"]


def test_shops_are_compared_both_ways(market, connect):
    market.shops[3] = Shop(3, "Новый", 30)
    market.shops[MAIN].availability = "DISABLED_BY_NO_ACTIVE_CONTRACT"
    market.shops[SPARE].placement = "FBY"
    ym = connect(market, warehouses={"Основной": MAIN, "Запасной": SPARE, "Чужой": 77})
    assert "no active contract" in found(ym, "warehouses.Основной")["problem"]
    assert "Market's stock (FBY)" in found(ym, "warehouses.Запасной")["problem"]
    assert "2001 'Магазин «Основной»'" in found(ym, "warehouses.Чужой")["problem"]
    assert "The shop 3" in found(ym, "warehouses")["warning"]


def test_a_foreign_cabinet_is_named(market, connect):
    ym = connect(market, business_id=5)
    findings = check(ym)
    assert any("1001" in finding.message or "denied" in finding.message for finding in findings)
    assert any(finding.level == "problem" for finding in findings)


@pytest.mark.parametrize(
    ("only_default", "campaign", "level"),
    [(True, None, "ok"), (True, MAIN, "problem"), (False, None, "warning"), (False, MAIN, "ok")],
)
def test_the_way_of_prices_is_compared_with_the_cabinets(make_sandbox, connect, only_default, campaign, level):
    ym = connect(make_sandbox(only_default_price=only_default), price_campaign=campaign)
    levels = {finding.level for finding in ym.check()}
    assert max(levels, key=["ok", "warning", "problem"].index) == level


def test_a_shop_for_prices_that_is_not_there_is_told(make_sandbox, connect):
    ym = connect(make_sandbox(only_default_price=False), price_campaign=99)
    assert "no shop 99" in found(ym, "price_campaign")["problem"]


def test_a_method_that_ends_is_told_in_time(ym, monkeypatch, clock):
    going = replace(paths.STOCKS, ends=clock.now().date())
    monkeypatch.setattr(paths, "ALL", (*paths.ALL, going))
    assert any("switches POST" in finding.message for finding in ym.check())


def test_a_clock_that_differs_from_markets_is_told(ym, market):
    market.skew = 900.0
    assert any("differs from Market's by 900 s" in finding.message for finding in ym.check())
