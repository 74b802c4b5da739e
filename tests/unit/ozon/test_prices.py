"""Prices: strings with a dot and two decimals, gaps as Ozon's table has them, and every row for itself."""

from decimal import Decimal
from itertools import product

import pytest

from connectors.ozon import paths, price_rules, prices
from connectors.ozon.prices import as_set, money
from connectors.ozon.sandbox import VENDOR
from connectors.ozon.sandbox.offers import price_faults
from obmen.errors import IncompleteSource, Refused
from obmen.http import encode_json
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import batch, natives, sell


def price(offer_id, amount, old="0", **more):
    return {"offer_id": offer_id, "price": amount, "old_price": old, "currency_code": "RUB", **more}


def set_one(ozon, row):
    (outcome,) = ozon.write("price", batch("offer_id", row))
    return outcome.kind if outcome.kind != "refused" else outcome.errors[0].code


@pytest.mark.parametrize(
    ("amount", "old", "told"),
    [
        ("400.00", "420.00", "discount_for_low_price_is_too_small"),
        ("400.00", "420.01", "done"),
        ("400.01", "421.06", "discount_for_average_price_is_too_small"),
        ("950.00", "1000.00", "discount_for_average_price_is_too_small"),
        ("949.99", "1000.00", "done"),
        ("10000.01", "10500.01", "discount_for_top_price_is_too_small"),
        ("10000.01", "10500.02", "done"),
        ("100.00", "1000.00", "discount_too_big"),
        ("100.01", "1000.00", "done"),
        ("1000.00", "1000.00", "old_price_less_than_price"),
        ("1000.00", "900.00", "old_price_less_than_price"),
        ("-1.00", "0", "price_negative"),
        ("990.001", "0", "invalid_price"),
        ("990,00", "0", "invalid_price"),
        ("990", "", "done"),
    ],
)
def test_the_gaps_of_ozons_table(ozon, amount, old, told):
    sell(ozon, "A-1")
    assert set_one(ozon, price("A-1", amount, old)) == told


def test_one_bad_row_harms_only_itself(ozon, sandbox):
    sell(ozon, *(f"A-{n}" for n in range(50)))
    rows = [price(f"A-{n}", "-5.00" if n == 7 else f"{1000 + n}.00") for n in range(50)]
    outcomes = {outcome.id: outcome.kind for outcome in ozon.write("price", batch("offer_id", *rows))}
    assert [id_ for id_, kind in outcomes.items() if kind != "done"] == ["A-7"]
    assert sandbox.state()["products"]["A-8"]["price"] == "1008.00"


def test_a_row_that_ozon_does_not_mention_is_not_answered_for(ozon, sandbox):
    sell(ozon, "A-1", "A-2")
    sandbox.faults.append(Fault(kind="custom", name="silent_row", match="prices"))
    outcomes = list(ozon.write("price", batch("offer_id", price("A-1", "900.00"), price("A-2", "900.00"))))
    assert [outcome.id for outcome in outcomes] == ["A-2"]


def test_a_row_that_was_not_sent_is_passed_over(canned):
    rows = [
        {"offer_id": "stranger", "product_id": 1, "updated": True, "errors": []},
        {"offer_id": "A-1", "product_id": 2, "updated": True, "errors": []},
    ]
    ozon = canned({paths.PRICES_SET: [{"result": rows}]})
    (outcome,) = ozon.write("price", batch("offer_id", price("A-1", "900.00")))
    assert (outcome.id, outcome.native_id) == ("A-1", "2")


def test_a_refusal_without_a_reason_is_asked_again(canned):
    row = {"offer_id": "A-1", "product_id": 2, "updated": False, "errors": []}
    ozon = canned({paths.PRICES_SET: [{"result": [row]}]})
    (outcome,) = ozon.write("price", batch("offer_id", price("A-1", "900.00")))
    assert (outcome.kind, outcome.reason) == ("later", "not taken, no reason given")


def test_the_eleventh_update_within_an_hour_waits(make_sandbox, connect, clock):
    ozon = connect(make_sandbox(limits=VENDOR))
    sell(ozon, "A-1")
    assert [set_one(ozon, price("A-1", f"{900 + n}.00")) for n in range(11)] == ["done"] * 10 + ["later"]
    clock.pass_by(hours=1)
    assert set_one(ozon, price("A-1", "800.00")) == "done"


def test_a_price_that_is_a_number_is_refused_whole(ozon):
    sell(ozon, "A-1")
    with pytest.raises(Refused, match="price"):
        list(ozon.write("price", batch("offer_id", price("A-1", 990))))


def test_a_zero_resets_the_old_price_and_its_absence_leaves_it(ozon, sandbox):
    sell(ozon, "A-1")
    set_one(ozon, price("A-1", "900.00", "1500.00"))
    set_one(ozon, {"offer_id": "A-1", "price": "950.00", "currency_code": "RUB"})
    assert sandbox.products["A-1"].old_price == Decimal(1500)
    set_one(ozon, price("A-1", "950.00", "0"))
    assert sandbox.products["A-1"].old_price == 0


def test_a_lowest_price_stays_and_counts_until_a_zero_takes_it_away(ozon, sandbox):
    sell(ozon, "A-1")
    set_one(ozon, price("A-1", "900.00", min_price="800.00"))
    assert set_one(ozon, price("A-1", "700.00")) == "price_less_than_min_auto_price"
    assert sandbox.products["A-1"].min_price == Decimal(800)
    assert set_one(ozon, price("A-1", "700.00", min_price="0")) == "done"
    assert sandbox.products["A-1"].min_price == 0


def test_another_currency_than_the_cabinets_is_refused(ozon):
    sell(ozon, "A-1")
    assert set_one(ozon, price("A-1", "900.00", currency_code="CNY")) == "currency_differs_from_cabinet"


def test_what_is_read_has_the_shape_of_what_is_set(ozon):
    sell(ozon, "A-1", "A-2")
    set_one(ozon, price("A-1", "1990.50", "2500.00", min_price="1500.00"))
    read = {native["offer_id"]: native for native in natives(ozon, "price")}
    assert read["A-1"] == price("A-1", "1990.50", "2500.00", min_price="1500.00", product_id=300000001)
    assert read["A-2"] == price("A-2", "1990.00", min_price="0", product_id=300000002)
    assert list(ozon.look_up("price", ["A-2"])) == [read["A-2"]]


@pytest.mark.parametrize(
    ("number", "text"),
    [("2999.99", "2999.99"), ("1990", "1990.00"), ("0.1", "0.10"), ("0", "0"), ("0.00", "0")],
)
def test_money_is_exact(number, text):
    raw = b'{"offer_id":"A","product_id":1,"price":{"price":%s,"currency_code":"RUB"}}' % number.encode()
    (native,) = as_set(raw)
    assert native["price"] == text == money(Decimal(number))


def test_every_page_of_prices_is_read(ozon, monkeypatch):
    monkeypatch.setattr(prices, "PRICE_LIMIT", 7)
    sell(ozon, *(f"A-{n}" for n in range(20)))
    pages = list(ozon.read("price", None))
    assert [len(page.slices) for page in pages] == [7, 7, 6]
    assert {page.total for page in pages} == {20}


def test_a_list_of_prices_that_stops_short_is_not_whole(canned):
    item = {"offer_id": "A", "product_id": 1, "price": {"price": 1, "currency_code": "RUB"}}
    ozon = canned({paths.PRICES: [{"cursor": "", "items": [item], "total": 2}]})
    with pytest.raises(IncompleteSource, match="stopped at 1 of 2"):
        list(ozon.read("price", None))


def test_a_batch_of_more_than_a_thousand_is_refused(ozon):
    rows = [price(f"A-{n}", "900.00") for n in range(1001)]
    with pytest.raises(Refused):
        ozon.http.post(paths.PRICES_SET, data=encode_json({"prices": rows}), safe=True)
    assert ozon.writers["price", "put"].batch == 1000


# -- what moves a price by itself ----------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "left"), [({}, set()), ({"automatic_prices": "unchanged"}, set(prices.AUTOMATIC))])
def test_what_moves_a_price_by_itself_is_off_unless_the_connection_says_otherwise(connect, sandbox, option, left):
    ozon = connect(sandbox, **option)
    sell(ozon, "A-1")
    sandbox.products["A-1"].automatic = set(prices.AUTOMATIC)
    assert set_one(ozon, price("A-1", "900.00")) == "done"
    assert sandbox.products["A-1"].automatic == left


def test_a_new_floor_is_taken_although_promotions_joined_by_themselves(connect, sandbox):
    row = price("A-1", "900.00", min_price="700.00")
    sell(connect(sandbox), "A-1")
    sandbox.products["A-1"].automatic = set(prices.AUTOMATIC)
    loose = connect(sandbox, automatic_prices="unchanged")
    assert set_one(loose, row) == "action_price_enabled_min_price_missing"
    assert set_one(connect(sandbox), row) == "done"


@pytest.mark.field("C7")
def test_c7_what_buyers_pay_in_a_promotion_is_told_beside_the_price(ozon, sandbox):
    sell(ozon, "A-1", "A-2")
    sandbox.promoted["A-1"] = Decimal(790)
    read = {native["offer_id"]: native for native in natives(ozon, "price")}
    assert (read["A-1"]["price"], read["A-1"]["marketing_seller_price"]) == ("1990.00", "790.00")
    assert "marketing_seller_price" not in read["A-2"]


# -- what is foreseen ----------------------------------------------------------------------------------------


def test_what_is_foreseen_is_what_ozon_does():
    amounts = ("0.00", "19.00", "400.00", "400.01", "949.99", "950.00", "9500.00", "10000.00", "10000.01", "50000.00")
    olds = ("0", "400.00", "420.00", "420.01", "421.06", "1000.00", "10000.00", "10500.01", "10526.32", "500000.00")
    for amount, old, least in product(amounts, olds, ("0", "200.00", "9999.00")):
        refused = list(price_faults(*map(Decimal, (amount, old, least))))
        row = price("A-1", amount, old, min_price=least)
        assert bool(price_rules.fault(row)) == bool(refused), (row, refused)


def test_a_gap_is_foreseen_in_words(ozon):
    said = ozon.foresee("price", price("A-1", "950.00", "1000.00"), None)
    assert said == (
        "Ozon will refuse this price: between the price 950.00 and the crossed-out 1000.00 there are 50.00, and up to "
        "10000 Ozon wants more than 5 %."
    )


@pytest.mark.field("C6")
def test_c6_a_price_in_another_currency_is_foreseen_once_the_cabinets_is_known(ozon):
    row = price("A-1", "900.00", currency_code="CNY")
    assert ozon.foresee("price", row, None) == ""
    sell(ozon, "A-1")
    assert ozon.currency() == "RUB"
    assert "the cabinet sells in RUB" in ozon.foresee("price", row, None)
    assert ozon.foresee("price", price("A-1", "900.00"), None) == ""
