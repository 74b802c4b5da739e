"""Stock: one shop, one warehouse; exact articles; delays; groups; shops that sleep."""

import pytest

from connectors.yandex_market import limits, paths, stocks
from connectors.yandex_market.sandbox import Shop
from obmen.errors import Denied, Refused
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.conftest import MAIN, SPARE, batch, kinds, natives, stock


def set_all(ym, *rows):
    return kinds(ym.write("stock", batch("stock", *rows)))


def test_what_is_set_is_read_in_each_warehouse(ym, market):
    market.sell("A-1", "A-2")
    rows = [stock("A-1", 5), stock("A-2", 0), stock("A-1", 7, SPARE)]
    assert set_all(ym, *rows) == {"A-1|2001": "done", "A-2|2001": "done", "A-1|2002": "done"}
    market.reserve("A-1", MAIN, 2)
    read = {(native["offerId"], native["campaignId"]): native for native in natives(ym, "stock")}
    assert read["A-1", MAIN] == {"offerId": "A-1", "campaignId": MAIN, "available": 3, "reserved": 2}
    assert (read["A-1", SPARE]["available"], read["A-2", MAIN]["available"]) == (7, 0)
    assert market.calls[paths.STOCKS_SET.group] == 2


def test_an_article_is_taken_to_the_letter_and_a_stranger_is_passed_over_in_silence(ym, market):
    market.sell("0557722")
    assert set_all(ym, stock("557722", 5)) == {"557722|2001": "done"}
    assert market.stock("0557722", MAIN)["free"] == 0
    assert list(ym.look_up("stock", ["557722|2001"])) == []


def test_an_article_may_hold_the_sign_that_joins_a_pair(ym, market):
    market.sell("A|1")
    set_all(ym, stock("A|1", 4))
    (native,) = ym.look_up("stock", ["A|1|2001"])
    assert native["available"] == 4


def test_stock_is_seen_after_a_while(make_sandbox, connect, clock):
    market = make_sandbox(settle=120)
    ym = connect(market)
    market.sell("A-1")
    set_all(ym, stock("A-1", 5))
    assert next(ym.look_up("stock", ["A-1|2001"]))["available"] == 0
    clock.pass_by(minutes=3)
    assert next(ym.look_up("stock", ["A-1|2001"]))["available"] == 5


def test_the_warehouse_of_returns_is_not_ours(ym, market):
    market.sell("A-1")
    set_all(ym, stock("A-1", 5))
    market.forgotten_return("A-1", 3)
    assert [native["available"] for native in natives(ym, "stock") if native["campaignId"] == MAIN] == [5]


def test_warehouses_of_a_group_share_what_is_sent_to_one(make_sandbox, connect):
    shops = [Shop(MAIN, "Основной", 3001, group=7), Shop(SPARE, "Запасной", 3002, group=7)]
    market = make_sandbox(shops=shops)
    ym = connect(market)
    market.sell("A-1")
    set_all(ym, stock("A-1", 5))
    assert [native["available"] for native in natives(ym, "stock")] == [5, 5]
    (problem,) = [finding for finding in ym.check() if finding.level == "problem"]
    assert "one group" in problem.message


def test_the_time_is_told_by_markets_clock_however_wrong_ours_is(make_sandbox, connect, clock):
    market = make_sandbox(journal=True)
    market.skew = -600.0
    ym = connect(market)
    market.sell("A-1")
    set_all(ym, stock("A-1", 5))
    set_all(ym, stock("A-1", 6))
    first, second = [exchange.request_body for exchange in market.journal if exchange.method == "PUT"]
    assert b"updatedAt" not in first
    assert b'"updatedAt":"2026-06-15T05:50:00+00:00"' in second
    assert market.stock("A-1", MAIN)["free"] == 6


@pytest.mark.parametrize("jump", [-5400.0, 5400.0])
def test_a_clock_of_ours_that_is_set_between_two_calls_makes_no_stock_look_old(make_sandbox, connect, clock, jump):
    market = make_sandbox()
    ym = connect(market)
    market.sell("A-1")
    set_all(ym, stock("A-1", 5))
    clock.pass_by(minutes=10)
    set_all(ym, stock("A-1", 6))
    clock.jump(jump)
    market.skew -= jump
    set_all(ym, stock("A-1", 7))
    assert market.stock("A-1", MAIN)["free"] == 7


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{"count": 1}, {"count": 2}], "length <= 1"),
        ([{"count": 1, "updatedAt": "2026-06-15T06:00:01+00:00"}], "in the future"),
        ([{"count": 1, "updatedAt": "2026-06-14T05:59:59+00:00"}], "older than a day"),
        ([{"count": -1}], ">= 0"),
    ],
)
def test_market_refuses_a_whole_batch_for_one_row(ym, market, items, said):
    market.sell("A-1")
    with pytest.raises(Refused, match=said):
        ym.call(paths.STOCKS_SET, safe=True, campaign=MAIN, json={"skus": [{"sku": "A-1", "items": items}]})


def test_an_article_twice_in_a_call_is_refused(ym, market):
    rows = [{"sku": "A-1", "items": [{"count": 1}]}] * 2
    with pytest.raises(Refused, match="Duplicate shop-sku"):
        ym.call(paths.STOCKS_SET, safe=True, campaign=MAIN, json={"skus": rows})


def test_what_is_older_than_the_last_known_is_passed_over(ym, market, clock):
    market.sell("A-1")
    set_all(ym, stock("A-1", 5))
    late = {"sku": "A-1", "items": [{"count": 9, "updatedAt": "2026-06-15T05:00:00+00:00"}]}
    ym.call(paths.STOCKS_SET, safe=True, campaign=MAIN, json={"skus": [late]})
    assert market.stock("A-1", MAIN)["free"] == 5


def test_a_shop_that_sleeps_does_not_keep_the_others(ym, market):
    market.sell("A-1")
    market.shops[MAIN].availability = "DISABLED_BY_INACTIVITY"
    outcomes = {o.id: o for o in ym.write("stock", batch("stock", stock("A-1", 5), stock("A-1", 6, SPARE)))}
    assert (outcomes["A-1|2001"].kind, outcomes["A-1|2002"].kind) == ("later", "done")
    assert "disabled due to inactivity" in outcomes["A-1|2001"].reason
    assert market.stock("A-1", SPARE)["free"] == 6


def test_a_key_that_ended_stops_all(ym, market):
    market.faults.append(Fault(kind="custom", name="expired_key", times=None))
    with pytest.raises(Denied, match="Check api_key"):
        list(ym.write("stock", batch("stock", stock("A-1", 5))))


def test_stock_is_sent_in_calls_that_market_can_take(ym, market, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_BODY", 2000)
    market.sell(*(f"A-{n}" for n in range(50)))
    assert set(set_all(ym, *(stock(f"A-{n}", n) for n in range(50))).values()) == {"done"}
    assert market.stock("A-49", MAIN)["free"] == 49
    assert market.calls[paths.STOCKS_SET.group] > 1


def test_every_page_is_read(ym, market, monkeypatch):
    monkeypatch.setattr(stocks, "STOCK_PAGE", 7)
    market.sell(*(f"A-{n}" for n in range(20)))
    pages = [page for page in ym.read("stock", None) if page.salt == b"2001"]
    assert [len(page.slices) for page in pages] == [7, 7, 6]
    assert ym.writers["stock", "put"].batch == 2000
