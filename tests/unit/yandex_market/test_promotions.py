"""Promotions: what they make of prices is told beside these, asked for seldom, and left by one call for each."""

from decimal import Decimal

import pytest

from connectors.yandex_market import checks, paths, promotions
from connectors.yandex_market.sandbox.promotions import Part
from obmen.errors import Refused
from obmen.testing.sandbox import Response
from tests.unit.yandex_market.conftest import MAIN, SPARE, batch, kinds, natives, price

SALE, FLASH = "Выдуманная распродажа", "Выдуманная вспышка"


@pytest.fixture
def priced(market, ym):
    """A cabinet with five goods at 990."""
    market.sell(*(f"A-{n}" for n in range(5)))
    list(ym.write("price", batch("price", *(price(f"A-{n}", 990) for n in range(5)))))
    market.calls.clear()
    return market


def found(ym, *ids):
    """Return article → what buyers pay, and the promotions that make it so."""
    told = [ym.promotion("price", native) for native in ym.look_up("price", ids)]
    return {one.id: (one.live, one.names) for one in told if one is not None}


@pytest.mark.field("C7")
@pytest.mark.parametrize("kind", ["DIRECT_DISCOUNT", "BLUE_FLASH"])
def test_c7_a_promotion_that_sells_cheaper_is_told_beside_the_price_that_was_set(ym, priced, kind):
    priced.promote(SALE, {"A-1": 790}, kind=kind)
    read = {native["offerId"]: native for native in natives(ym, "price")}
    assert read["A-1"] == {**price("A-1", 990), "promotions": [{"name": SALE, "price": 790}]}
    assert read["A-2"] == price("A-2", 990)
    assert found(ym, "A-1", "A-2") == {"A-1": (Decimal(790), (SALE,))}
    assert priced.live_price("A-1") == 790


def test_of_several_promotions_the_lowest_price_holds_and_one_that_is_dearer_is_none(ym, priced):
    priced.promote(SALE, {"A-1": 790, "A-2": 990})
    priced.promote(FLASH, {"A-1": 750, "A-2": 1000})
    assert found(ym, "A-1", "A-2") == {"A-1": (Decimal(750), (FLASH, SALE))}


def test_goods_that_market_added_by_itself_are_sold_at_the_sellers_price(ym, priced):
    priced.promote("Сами собой", {"A-1": 500}, "AUTO")
    number = priced.promote(SALE, {"A-2": 790, "A-3": 500})
    priced.promos[number].parts["A-3"].status = "PARTIALLY_AUTO"
    assert list(found(ym, "A-1", "A-2", "A-3")) == ["A-2"]
    assert priced.calls[paths.PROMOTION_OFFERS.group] == 1  # nobody was put into the other one


def test_what_does_not_run_or_is_a_promo_code_is_not_asked_for(ym, priced, clock):
    priced.promote("Промокод", {"A-1": 500}, kind="MARKET_PROMOCODE")
    priced.promote(SALE, {"A-1": 790}, begins_in=3600.0)
    assert found(ym, "A-1") == {}
    assert priced.calls[paths.PROMOTION_OFFERS.group] == 0
    clock.pass_by(hours=1)
    assert list(found(ym, "A-1")) == ["A-1"]
    clock.pass_by(days=30, seconds=-promotions.FRESH / 2)
    assert list(found(ym, "A-1")) == ["A-1"]
    clock.pass_by(seconds=promotions.FRESH / 2 + 1)
    assert found(ym, "A-1") == {}


def test_bestsellers_hold_what_a_least_price_brought_in_and_no_call_takes_that_out(ym, priced):
    number = priced.promote("Выдуманные бестселлеры", {"A-1": 850}, "MINIMUM_FOR_PROMOS", bestsellers=True)
    priced.promos[number].parts |= {"A-2": Part("RENEWED", 840), "A-3": Part("RENEW_FAILED", 0)}
    assert {id_: live for id_, (live, _) in found(ym, "A-1", "A-2", "A-3").items()} == {"A-1": 850, "A-2": 840}
    met = [ym.promotion("price", native) for native in ym.look_up("price", ["A-1", "A-2"])]
    assert list(ym.leave(met)) == ["A-2"]
    assert list(found(ym, "A-1", "A-2")) == ["A-1"]


def test_promotions_are_asked_for_once_however_many_prices_are_read(ym, priced, clock, monkeypatch):
    monkeypatch.setattr(promotions, "OFFERS_PAGE", 2)
    priced.promote(SALE, {f"A-{n}": 790 for n in range(5)})
    for _ in range(3):
        assert len(found(ym, *(f"A-{n}" for n in range(5)))) == 5
    assert len(natives(ym, "price")) == 5
    assert (priced.calls[paths.PROMOTIONS.group], priced.calls[paths.PROMOTION_OFFERS.group]) == (1, 3)
    clock.pass_by(seconds=promotions.FRESH + 1)
    assert len(found(ym, "A-0")) == 1
    assert priced.calls[paths.PROMOTIONS.group] == 2


def test_waiting_for_a_price_asks_for_no_promotions(ym, priced):
    items = batch("price", price("A-1", 900))
    (accepted,) = ym.write("price", items)
    assert kinds(ym.poll("price", accepted.ticket, items)) == {"A-1": "done"}
    assert priced.calls[paths.PROMOTIONS.group] == 0


def test_goods_leave_a_promotion_by_calls_of_five_hundred_and_are_out_hours_later(ym, priced, clock, monkeypatch):
    monkeypatch.setattr(promotions, "LEAVE_LIMIT", 2)
    priced.effect = 4 * 3600.0
    sale = priced.promote(SALE, {f"A-{n}": 790 for n in range(4)})
    priced.promote(FLASH, {"A-0": 780, "A-1": 995})
    met = [ym.promotion("price", native) for native in ym.look_up("price", ["A-0", "A-1", "A-2"])]
    assert sorted(set(ym.leave(met))) == ["A-0", "A-1", "A-2"]
    assert priced.calls[paths.PROMOTION_LEAVE.group] == 3  # two for the sale, one for the flash
    assert len(found(ym, "A-0", "A-1", "A-2", "A-3")) == 4
    clock.pass_by(hours=4)
    assert list(found(ym, "A-0", "A-1", "A-2", "A-3")) == ["A-3"]
    assert set(priced.promos[sale].parts) == {f"A-{n}" for n in range(4)}
    assert priced.state()["promotions"][FLASH] == {"A-0": "NOT_PARTICIPATING", "A-1": "MANUAL"}


def test_what_market_does_not_take_out_is_not_told_to_be_out(ym, priced):
    priced.promote(SALE, {"A-1": 790, "A-2": 790})
    met = [ym.promotion("price", native) for native in ym.look_up("price", ["A-1", "A-2"])]
    del priced.offers["A-2"]
    assert list(ym.leave(met)) == ["A-1"]


def test_a_promotion_that_ended_meanwhile_is_refused_and_asked_for_anew(ym, priced):
    priced.promote(SALE, {"A-1": 790})
    (met,) = (ym.promotion("price", native) for native in ym.look_up("price", ["A-1"]))
    priced.promos.clear()
    with pytest.raises(Refused, match="Promotion not found"):
        list(ym.leave([met]))
    assert found(ym, "A-1") == {}


def test_a_shops_own_price_is_compared_where_prices_are_the_shops(make_sandbox, connect):
    market = make_sandbox(only_default_price=False)
    market.sell("A-1")
    market.promote(SALE, {"A-1": 790})
    for campaign, own in ((MAIN, 990), (SPARE, 700)):
        ym = connect(market, price_campaign=campaign)
        list(ym.write("price", batch("price", price("A-1", own))))
        assert bool(found(ym, "A-1")) == (own > 790)


def test_promotions_in_rubles_say_nothing_of_prices_in_another_currency(ym):
    native = {"offerId": "A-1", "price": {"value": 990, "currencyId": "KZT"}, "promotions": [{"name": "", "price": 1}]}
    assert ym.promotion("price", native) is None
    assert ym.promotion("stock", {"offerId": "A-1", "available": 5}) is None


def test_whoever_may_not_ask_for_promotions_reads_prices_all_the_same_and_is_told(canned):
    refusal = {"status": "ERROR", "errors": [{"code": "FORBIDDEN", "message": "Access denied"}]}
    priced = {"status": "OK", "result": {"offers": [price("A-1", 990)], "paging": {}}}
    at = {"businessId": 1001}
    ym = canned(
        {f"POST {paths.PROMOTIONS.at(**at)}": [Response(403, refusal)], f"POST {paths.PRICES.at(**at)}": [priced]}
    )
    assert list(ym.look_up("price", ["A-1"])) == [price("A-1", 990)]
    (finding,) = checks.check_promotions(ym)
    assert finding.level == "warning"
    assert "not watched" in finding.message
