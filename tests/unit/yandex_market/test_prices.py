"""Prices: both ways of keeping them, rules kept before the call, and prices that Market holds back."""

from decimal import Decimal

import pytest
from msgspec import structs

from connectors.yandex_market import paths, prices
from connectors.yandex_market.price_rules import HABITS, as_sent, fault, jump
from obmen.errors import Denied, IncompleteSource, Refused, Unavailable
from obmen.http import encode_json
from obmen.records import Batch
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.conftest import MAIN, batch, kinds, natives, price


def written(ym, items):
    """Write and then ask until nothing new is told."""
    outcomes = list(ym.write("price", items))
    for ticket in {outcome.ticket for outcome in outcomes if outcome.kind == "accepted"}:
        outcomes += ym.poll("price", ticket, items)
    return {outcome.id: outcome for outcome in outcomes}


def test_a_price_is_taken_then_seen(ym, market):
    market.sell("A-1")
    items = batch("price", price("A-1", Decimal("1990.5"), 2990))
    (accepted,) = ym.write("price", items)
    assert accepted.kind == "accepted"
    assert kinds(ym.poll("price", accepted.ticket, items)) == {"A-1": "done"}
    assert list(ym.look_up("price", ["A-1"])) == [price("A-1", Decimal("1990.5"), 2990)]


def test_a_price_that_is_not_seen_yet_is_waited_for_and_after_an_hour_said_again(make_sandbox, connect, clock):
    market = make_sandbox(settle=300)
    ym = connect(market)
    market.sell("A-1")
    items = batch("price", price("A-1", 990))
    (accepted,) = ym.write("price", items)
    assert list(ym.poll("price", accepted.ticket, items)) == []
    clock.pass_by(minutes=6)
    assert kinds(ym.poll("price", accepted.ticket, items)) == {"A-1": "done"}
    lost = batch("price", price("нет такого", 990))
    (accepted,) = ym.write("price", lost)
    clock.pass_by(hours=2)
    assert kinds(ym.poll("price", accepted.ticket, lost)) == {"нет такого": "later"}


def test_a_price_that_market_will_not_show_is_told_after_three_attempts(ym, market, clock):
    market.sell("A-1")
    written(ym, batch("price", price("A-1", 990)))
    (item,) = batch("price", price("A-1", 900)).items
    ticket = f"{clock.now().timestamp():.0f}"
    clock.pass_by(hours=2)
    outcomes = []
    for attempt in (1, 3):
        outcomes += ym.poll("price", ticket, Batch([structs.replace(item, attempt=attempt)]))
    assert [outcome.kind for outcome in outcomes] == ["later", "refused"]
    assert "value 990" in outcomes[1].errors[0].message


def test_a_crossed_out_price_that_is_not_sent_is_gone(ym, market):
    market.sell("A-1")
    written(ym, batch("price", price("A-1", 990, 1500)))
    written(ym, batch("price", price("A-1", 980)))
    assert market.state()["prices"]["A-1"] == {"value": "980", "base": None}


@pytest.mark.parametrize(
    ("value", "base", "code"),
    [
        ("950", "1000", None),
        ("950.01", "1000", "discount_out_of_range"),
        ("10", "1000", None),
        ("9.99", "1000", "discount_out_of_range"),
        ("1000", "1000", "discount_out_of_range"),
        ("1000", "900", "discount_out_of_range"),
        ("900", "1000.5", "discount_base_not_whole"),
        ("0", None, "price_not_positive"),
        ("0.5", None, None),
    ],
)
def test_the_rules_are_those_of_the_sandbox(ym, market, value, base, code):
    market.sell("A-1")
    row = price("A-1", Decimal(value), None if base is None else Decimal(base))
    found = fault(row)
    assert (found.code if found else None) == code
    body = encode_json({"offers": [row]})
    call = {"data": body, "headers": {"Content-Type": "application/json"}}
    if code is None:
        ym.call(paths.PRICES_SET, safe=True, **call)
    else:
        with pytest.raises(Refused):
            ym.call(paths.PRICES_SET, safe=True, **call)


@pytest.mark.field("C1")
@pytest.mark.parametrize(("rounding", "sent"), [("up", 1000), ("down", 999), ("refuse", Decimal("999.5"))])
def test_kopecks_of_a_crossed_out_price_are_refused_or_rounded_by_choice(rounding, sent):
    row = as_sent(price("A-1", 500, Decimal("999.5"), minimumForBestseller=400), rounding, shop=False)
    assert row["price"]["discountBase"] == sent
    assert (fault(row) is None) == (rounding != "refuse")
    assert "minimumForBestseller" not in as_sent(price("A-1", 5, minimumForBestseller=4), "up", shop=True)["price"]


def test_one_price_that_breaks_a_rule_does_not_keep_the_others(ym, market):
    market.sell(*(f"A-{n}" for n in range(100)))
    rows = [price(f"A-{n}", 990, 1000 if n == 42 else None) for n in range(100)]
    outcomes = written(ym, batch("price", *rows))
    assert [id_ for id_, outcome in outcomes.items() if outcome.kind != "done"] == ["A-42"]
    assert "1.0 %" in outcomes["A-42"].errors[0].message
    assert market.calls[paths.PRICES_SET.group] == 1


def test_in_a_shop_market_names_the_offer_that_it_refuses_and_the_others_go_again(make_sandbox, connect, monkeypatch):
    market = make_sandbox(only_default_price=False)
    ym = connect(market, price_campaign=MAIN)
    market.sell("A-1", "A-2", "A-3")
    monkeypatch.setattr(prices.price_rules, "fault", lambda row: None)
    rows = [price("A-1", 990), price("A-2", 990, 1000), price("A-3", 990)]
    outcomes = written(ym, batch("price", *rows))
    assert {id_: outcome.kind for id_, outcome in outcomes.items()} == {"A-1": "done", "A-2": "refused", "A-3": "done"}
    assert "between 5 and 99" in outcomes["A-2"].errors[0].message
    assert market.calls[paths.SHOP_PRICES_SET.group] == 2
    assert market.price("A-1", MAIN).value == 990
    assert market.price("A-1") is None


def test_where_market_names_an_offer_by_its_place_the_batch_is_refused_whole(ym, market, monkeypatch):
    market.sell("A-1", "A-2")
    monkeypatch.setattr(prices.price_rules, "fault", lambda row: None)
    with pytest.raises(Refused, match="Offer at index 1"):
        list(ym.write("price", batch("price", price("A-1", 990), price("A-2", 990, 1000))))


def test_a_price_of_a_shop_is_refused_where_the_cabinet_keeps_one_for_all(ym, market, connect):
    market.sell("A-1")
    with pytest.raises(Denied, match="price_campaign"):
        list(connect(market, price_campaign=MAIN).write("price", batch("price", price("A-1", 990))))


def test_shops_that_are_being_moved_are_waited_for(ym, market):
    market.sell("A-1")
    market.faults.append(Fault(kind="custom", name="moving", times=None))
    with pytest.raises(Unavailable) as caught:
        list(ym.write("price", batch("price", price("A-1", 990))))
    assert caught.value.after == 1800.0


@pytest.mark.field("C5")
def test_a_price_that_jumps_is_held_back_and_told_in_markets_words(ym, market):
    market.sell("A-1", "A-2")
    written(ym, batch("price", price("A-1", 1000), price("A-2", 1000)))
    outcomes = written(ym, batch("price", price("A-1", 100), price("A-2", 900)))
    assert (outcomes["A-1"].kind, outcomes["A-2"].kind) == ("refused", "done")
    (error,) = outcomes["A-1"].errors
    assert error.code == "PRICE_CHANGE"
    assert "LAST_VALID_PRICE 1000" in error.message
    assert market.held() == {"A-1": "100"}
    assert market.state()["prices"]["A-1"]["value"] == "1000"


@pytest.mark.field("C5")
def test_a_price_that_is_held_back_is_confirmed_only_where_the_option_says_so(make_sandbox, connect):
    market = make_sandbox(only_default_price=False)
    for shop in (None, MAIN):
        ym = connect(market, confirm_quarantine=True, price_campaign=shop)
        market.sell("A-1")
        written(ym, batch("price", price("A-1", 1000)))
        assert written(ym, batch("price", price("A-1", 100)))["A-1"].kind == "done"
        assert market.held() == {}
        assert market.price("A-1", shop).value == 100


@pytest.mark.parametrize(
    ("value", "before", "held"),
    [
        ("1000", "2000", True),
        ("1001", "2000", False),
        ("3000", "2000", True),
        ("2999", "2000", False),
        ("5", "0", False),
    ],
)
def test_a_jump_is_foreseen(value, before, held):
    assert bool(jump(Decimal(value), Decimal(before), HABITS)) == held


def test_what_is_foreseen_is_what_happens(ym, connect, market):
    before = {"amount": Decimal(1000)}
    assert "quarantine" in ym.foresee("price", price("A-1", 100), before)
    assert "will refuse" in ym.foresee("price", price("A-1", 990, 1000), before)
    assert ym.foresee("price", price("A-1", 900), before) == ""
    assert ym.foresee("price", price("A-1", 100), None) == ""
    assert connect(market, confirm_quarantine=True).foresee("price", price("A-1", 100), before) == ""
    assert ym.foresee("stock", {}, None) == ""


def test_every_page_of_prices_is_read_and_what_has_none_is_left_out(ym, market, monkeypatch):
    monkeypatch.setattr(prices, "PRICE_PAGE", 7)
    market.sell(*(f"A-{n}" for n in range(21)))
    written(ym, batch("price", *(price(f"A-{n}", 990) for n in range(20))))
    pages = list(ym.read("price", None))
    assert [len(page.slices) for page in pages] == [7, 7, 6]
    assert natives(ym, "price")[0] == price("A-0", 990)
    assert list(ym.look_up("price", ["A-20"])) == []


def test_a_list_that_goes_round_is_not_whole(canned):
    row = {"offerId": "A", "price": {"value": 1, "currencyId": "RUR", "updatedAt": "2026-06-15T06:00:00+00:00"}}
    page = {"status": "OK", "result": {"offers": [row], "paging": {"nextPageToken": "same"}}}
    answers = {f"POST {paths.PRICES.at(businessId=1001)}": [page]}
    with pytest.raises(IncompleteSource, match="goes round"):
        list(canned(answers).read("price", None))
