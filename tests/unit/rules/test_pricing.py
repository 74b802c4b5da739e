"""Rules of prices: each kind of rule by a table that was reckoned by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.ozon import Ozon
from connectors.ozon import price_rules as ozon_rules
from connectors.wildberries import Wildberries
from connectors.wildberries.discount import say
from connectors.yandex_market import YandexMarket
from obmen.entities import Product
from obmen.entities.product import Vat
from obmen.errors import Refused
from obmen.rules.pricing import margin, price
from obmen.rules.rounding import Rounding

from .pricing_kit import ANY, cost, names, priced, rules

FEES = "fees: { commission: 15%, logistics: 80, acquiring: 1.5%, vat: 20% }"
COSTED = f"{{ cost: {{ price_type: Закупочная }}, {FEES}, "
D = Decimal


# -- C2: markup and rounding ------------------------------------------------------------------------------------


@pytest.mark.field("C2")
@pytest.mark.parametrize(
    ("said", "amount", "told"),
    [
        ("{}", "1990.50", "1990.5"),
        ("{ markup: 12% }", "1000", "1120"),
        ("{ markup: -10% }", "1000", "900"),
        ("{ markup: 12.5% }", "0.01", "0.01"),
        ("{ markup: 33% }", "0.50", "0.67"),
        ("{ round: { to: 10, up: true, less: 1 } }", "1983", "1989"),
        ("{ round: { to: 10, up: true, less: 1 } }", "1989", "1989"),
        ("{ round: { to: 10, up: true, less: 1 } }", "1989.01", "1999"),
        ("{ round: { to: 10, up: true, less: 1 } }", "1990", "1999"),
        ("{ round: { to: 10, down: true, less: 1 } }", "1983", "1979"),
        ("{ round: { to: 10, down: true, less: 1 } }", "3", "9"),
        ("{ round: { to: 10 } }", "1985", "1990"),
        ("{ round: { to: 10 } }", "1984.99", "1980"),
        ("{ round: { to: 0.5, less: 0.01 } }", "7.30", "7.49"),
        ("{ markup: 12%, round: { to: 10, up: true, less: 1 } }", "1770.54", "1989"),
        ("{ markup: 20%, round: { to: 100, less: 10 } }", "1000", "1190"),
    ],
)
def test_c2_markup_and_rounding(said, amount, told):
    assert f"{priced(said, amount).record.amount:f}" == told


@pytest.mark.field("C2")
def test_c2_the_first_rule_that_fits_holds_instead_of_the_usual_markup():
    said = rules(
        """
        markup: 12%
        rules:
          - { sku: [A-2, A-3], amount: 990 }
          - { brand: Образец, category: Сапоги, markup: 7% }
          - { category: [Шапки, обувь], markup: 20% }
          - { brand: Образец, markup: 5% }
        """
    )
    boots = Product(sku="A-1", brand="ОБРАЗЕЦ", category=("Одежда", "Обувь", "Сапоги"))
    shoes = Product(sku="A-1", brand="Образец", category=("Одежда", "Обувь"))
    plain = Product(sku="A-1", brand="Образец")
    other = Product(sku="A-1", brand="Другой", category=("Одежда",))
    assert [priced(said, "100", product=one).record.amount for one in (boots, shoes, plain, other)] == [
        107,
        120,
        105,
        112,
    ]


@pytest.mark.field("C2")
def test_c2_a_fixed_amount_is_not_rounded_by_the_sellers_rule():
    said = "{ rules: [{ sku: A-1, amount: 995 }], round: { to: 10, up: true, less: 1 }, min: { markup: -5% } }"
    told = priced(said, "1200")
    assert (told.record.amount, told.record.min_amount) == (995, D("945.25"))
    assert names(told) == [("price", "1200"), ("rule", "995"), ("min", "945.25")]


@pytest.mark.field("C2")
def test_c2_a_channel_has_its_own_words_and_keeps_the_others():
    said = rules(
        """
        markup: 12%
        round: { to: 10, up: true, less: 1 }
        fees: { commission: 15%, logistics: 80 }
        channels:
          wb: { markup: 20%, fees: { commission: 25% } }
          market: { round: { to: 1 }, price_type: Маркет }
        """
    )
    assert {
        channel: f"{priced(said, '1000', channel=channel, Маркет='800').record.amount:f}"
        for channel in ("ozon", "wb", "market")
    } == {"ozon": "1129", "wb": "1209", "market": "896"}
    assert said.price_types == {"Маркет"}
    fees = {channel: said.of(channel).fees for channel in ("ozon", "wb")}
    assert {channel: (one.commission, one.logistics) for channel, one in fees.items()} == {
        "ozon": (D("0.15"), 80),
        "wb": (D("0.25"), 80),
    }


def test_a_rule_by_brand_holds_a_price_whose_product_is_not_known():
    said = rules("{ markup: 12%, rules: [{ sku: B-1, markup: 1% }, { brand: Образец, markup: 5% }] }")
    assert said.needs_product
    assert "rule 2 (brand Образец)" in priced(said, "100").held
    assert priced(said, "100", product=Product(sku="A-1")).held == ""
    assert not rules("{ rules: [{ sku: A-1, markup: 5% }] }").needs_product


# -- C1: price types, kopecks and whole rubles --------------------------------------------------------------------


@pytest.mark.field("C1")
@pytest.mark.parametrize(
    ("habits", "said", "told"),
    [
        (Ozon.price_habits, "{ markup: 10% }", "219.99"),
        (YandexMarket.price_habits, "{ markup: 10% }", "219.99"),
        (Wildberries.price_habits, "{ markup: 10% }", "220"),
        (Wildberries.price_habits, "{ markup: 10%, round: { to: 0.5, down: true } }", "219"),
        (Wildberries.price_habits, "{ markup: 10%, round: { to: 0.5, up: true } }", "220"),
    ],
)
def test_c1_kopecks_and_whole_rubles(habits, said, told):
    assert f"{priced(said, '199.99', habits=habits).record.amount:f}" == told


@pytest.mark.field("C1")
def test_c1_price_types_become_the_crossed_out_price_the_minimum_and_the_price_of_a_channel():
    said = "{ old: { price_type: РРЦ }, min: { price_type: Минимальная }, channels: { b2b: { price_type: Опт } } }"
    told = priced(said, "1000", РРЦ="1500", Минимальная="900").record
    assert (told.price_type, told.amount, told.old_amount, told.min_amount) == ("Розничная", 1000, 1500, 900)
    other = priced(said, "1000", channel="b2b", Опт="950").record
    assert (other.price_type, other.amount) == ("Розничная", 950)
    assert not other.model_fields_set & {"old_amount", "min_amount"}
    with pytest.raises(Refused, match="no price of the type 'Опт', at which 'b2b' sells") as caught:
        priced(said, "1000", channel="b2b")
    assert caught.value.code == "price_type"


@pytest.mark.field("C1")
def test_c1_what_the_source_tells_beside_its_price_stays():
    told = priced("{}", "1000", source={"old_amount": D(1500), "min_amount": D(900)}).record
    assert (told.old_amount, told.min_amount) == (1500, 900)


def test_a_crossed_out_price_is_left_out_when_it_is_not_above_and_that_is_told():
    told = priced("{ markup: 50%, old: { price_type: РРЦ } }", "1000", РРЦ="1500")
    assert told.record.old_amount is None
    assert told.steps[-1].note == "left out: it is not above the price"
    assert "no price of the type 'РРЦ'" in priced("{ old: { price_type: РРЦ } }", "1000").steps[-1].note


def test_a_price_below_the_minimum_is_held():
    told = priced("{ min: { price_type: Минимальная } }", "100", Минимальная="900")
    assert told.held == "the price 100 is below the minimum price 900"
    assert told.record.min_amount == told.record.amount == 100


def test_a_price_of_zero_is_held_and_never_rounded_to_something():
    told = priced("{ round: { to: 10, up: true, less: 1 }, old: { markup: 10% } }", "0")
    assert (told.held, told.record.amount, told.record.old_amount) == ("the price is 0", 0, None)


# -- the channel's own rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "old", "told"),
    [
        ("400", "420", None),
        ("400", "420.01", "420.01"),
        ("950", "1000", None),
        ("949.99", "1000", "1000"),
        ("20000", "20500", None),
        ("20000", "20500.01", "20500.01"),
        ("100", "1000", None),
        ("100.01", "1000", "1000"),
    ],
)
def test_a_crossed_out_price_that_ozon_would_refuse_is_left_out(amount, old, told):
    record = priced("{ old: { price_type: РРЦ } }", amount, habits=Ozon.price_habits, РРЦ=old).record
    assert record.old_amount == (None if told is None else D(told))
    row = {"price": f"{record.amount:f}", "old_price": f"{record.old_amount or 0:f}"}
    assert ozon_rules.fault(row) == ""


def test_a_minimum_below_what_ozon_takes_is_raised():
    told = priced("{ min: { price_type: Минимальная } }", "999", habits=Ozon.price_habits, Минимальная="1")
    assert told.record.min_amount == D("499.5")
    assert told.steps[-1].note == "shop takes no minimum below 50 % of the price"


@pytest.mark.parametrize(
    ("amount", "old", "sold", "crossed"),
    [
        ("990", "1500", "990", "1500"),
        ("1990", "2500", "1990.4", "2488"),
        ("1000", "1001", "1000", None),
        ("1", "1000", "1", "100"),
    ],
)
def test_what_wildberries_cannot_say_becomes_the_next_price_that_it_can(amount, old, sold, crossed):
    told = priced("{ old: { price_type: РРЦ } }", amount, habits=Wildberries.price_habits, РРЦ=old).record
    assert (told.amount, told.old_amount) == (D(sold), None if crossed is None else D(crossed))
    assert say(told.amount, told.old_amount, "refuse").sold == told.amount


def test_market_gets_a_whole_crossed_out_price_of_five_percent_or_more():
    habits = YandexMarket.price_habits
    said = "{ old: { price_type: РРЦ } }"
    assert priced(said, "950", habits=habits, РРЦ="999.5").record.old_amount == 1000
    assert priced(said, "950.01", habits=habits, РРЦ="1000").record.old_amount is None


@pytest.mark.parametrize(
    ("connector", "before", "after", "held"),
    [
        (Wildberries, "3000", "1000", True),
        (Wildberries, "3000", "1000.01", False),
        (Wildberries, "1000", "3000", False),
        (YandexMarket, "1000", "500", True),
        (YandexMarket, "1000", "1500", True),
        (YandexMarket, "1000", "1499.99", False),
        (YandexMarket, "0", "10", False),
        (Ozon, "1000", "1", False),
    ],
)
def test_what_a_channel_holds_back_is_known(connector, before, after, held):
    assert connector.price_habits.holds_back(D(before), D(after)) == held


# -- C3: margin ----------------------------------------------------------------------------------------------------


@pytest.mark.field("C3")
@pytest.mark.field("F3")
def test_c3_the_margin_counts_commission_acquiring_logistics_vat_and_cost():
    left = margin(rules(f"{{ {FEES} }}"), "shop", D(1200), D(600), None)
    assert left.revenue == 1200
    assert (left.commission, left.acquiring, left.logistics, left.vat, left.cost) == (180, 18, 80, 200, 600)
    assert (left.profit, left.share) == (122, D("0.1017"))


@pytest.mark.field("C3")
@pytest.mark.field("F3")
def test_c3_a_loss_is_told_and_the_parts_add_up_to_the_kopeck():
    said = rules(f"{{ {FEES}, channels: {{ wb: {{ fees: {{ commission: 33.33% }} }} }} }}")
    left = margin(said, "wb", D("999.99"), D("901.37"), Product(sku="A-1", vat="7"))
    assert (left.commission, left.acquiring, left.vat) == (D("333.30"), D("15.00"), D("65.42"))
    spent = left.commission + left.acquiring + left.logistics + left.vat + left.cost
    assert left.profit == left.revenue - spent == D("-395.10")
    assert left.share == D("-0.3951")
    assert margin(said, "wb", D(0), D(0), None).share == 0


# -- C4: the floor --------------------------------------------------------------------------------------------------


@pytest.mark.field("C4")
@pytest.mark.field("N1")
def test_c4_a_price_that_leaves_too_little_is_held_however_small_the_slip():
    said = COSTED + "floor: { margin: 5% } }"
    assert priced(said, "1099.74", Закупочная="600").held == ""
    told = priced(said, "1099.73", Закупочная="600")
    assert told.held == "the price 1099.73 is below 1099.74, the least that covers the cost, the fees and the margin"
    assert told.record.amount == D("1099.73")
    assert priced(said, "199", Закупочная="600").held


@pytest.mark.field("C4")
@pytest.mark.parametrize(
    ("habits", "rounding", "told"),
    [
        (ANY, "{ to: 0.01 }", "1099.74"),
        (ANY, "{ to: 10, up: true, less: 1 }", "1109"),
        (ANY, "{ to: 100, down: true }", "1100"),
        (Wildberries.price_habits, "{ to: 10, less: 0.5 }", "1110"),
    ],
)
def test_c4_a_price_below_is_raised_to_the_next_that_fits_all_rules(habits, rounding, told):
    said = COSTED + f"floor: {{ margin: 5%, below: raise }}, round: {rounding} }}"
    raised = priced(said, "500", habits=habits, Закупочная="600")
    assert (f"{raised.record.amount:f}", raised.held) == (told, "")
    assert "raised" in [step.name for step in raised.steps]


@pytest.mark.field("C4")
def test_c4_without_a_cost_nobody_knows_the_floor_and_the_price_is_held():
    said = COSTED + "floor: { below: raise } }"
    assert "no price of the type 'Закупочная'" in priced(said, "5000").held
    assert "or it is 0" in priced(said, "5000", Закупочная="0").held


@pytest.mark.field("C4")
def test_c4_the_minimum_goes_no_lower_than_the_floor():
    said = COSTED + "floor: { margin: 5% }, min: { markup: -50% } }"
    told = priced(said, "1500", Закупочная="600")
    assert told.record.min_amount == D("1099.74")
    assert [step.name for step in told.steps] == ["price", "floor", "min", "min"]


@pytest.mark.field("C4")
def test_c4_vat_that_leaves_nothing_of_any_price_is_held():
    said = rules("{ cost: { price_type: Закупочная }, fees: { commission: 80% }, floor: { margin: 5% } }")
    assert priced(said, "1000", Закупочная="1").held == ""
    told = priced(said, "1000", Закупочная="1", product=Product(sku="A-1", vat="20"))
    assert told.held == "commission, acquiring, VAT and margin take all of any price"


# -- C6: currency and VAT --------------------------------------------------------------------------------------------


@pytest.mark.field("C6")
@pytest.mark.parametrize(
    ("vat", "floor", "part"),
    [
        ("none", "500", "0"),
        ("0", "500", "0"),
        ("5", "525", "25"),
        ("7", "535", "35"),
        ("10", "550", "50"),
        ("20", "600", "100"),
        ("22", "610", "110"),
    ],
)
@pytest.mark.parametrize("told_by_the_product", [True, False])
def test_c6_vat_is_within_the_price_at_the_products_rate(
    vat: Vat, floor: str, part: str, told_by_the_product: bool
) -> None:
    written, product = ("22%", Product(sku="A-1", vat=vat)) if told_by_the_product else (f"{vat}%", None)
    written = written.replace("none%", "none")
    said = rules(f"{{ cost: {{ price_type: Закупочная }}, fees: {{ vat: {written} }}, floor: {{ margin: 0% }} }}")
    told = priced(said, "5000", product=product, Закупочная="500")
    assert {step.name: step.amount for step in told.steps}["floor"] == D(floor)
    left = margin(said, "shop", D(floor), D(500), product)
    assert (left.vat, left.profit) == (D(part), 0)


@pytest.mark.field("C6")
@pytest.mark.parametrize("foreign", ["Розничная", "РРЦ", "Минимальная", "Закупочная"])
def test_c6_a_price_in_another_currency_is_refused(foreign):
    said = rules(
        "{ old: { price_type: РРЦ }, min: { price_type: Минимальная }, cost: { price_type: Закупочная }, markup: 1% }"
    )
    kinds = {"Розничная": "1000", "РРЦ": "1500", "Минимальная": "900", "Закупочная": "600", "Другая": "1"}
    prices = {name: cost(amount, name) for name, amount in kinds.items()}
    prices["Другая"] = cost("1", "Другая", currency="CNY")
    assert price(said, "shop", prices["Розничная"], prices, None, ANY).held == ""
    prices[foreign] = cost("10", foreign, currency="USD")
    with pytest.raises(Refused, match=f"type '{foreign}' is in USD, and the rules of prices are in RUB") as caught:
        price(said, "shop", prices["Розничная"], prices, None, ANY)
    assert caught.value.code == "currency"
    tenge = rules("{ currency: KZT, markup: 1% }")
    assert price(tenge, "shop", cost("100", currency="KZT"), {}, None, ANY).record.currency == "KZT"


# -- how it came about -------------------------------------------------------------------------------------------------


@pytest.mark.field("N5")
def test_n5_the_steps_tell_each_number_and_what_made_it():
    said = (
        COSTED + "markup: 12%, round: { to: 10, up: true, less: 1 }, old: { price_type: РРЦ }, min: { markup: -10% }, "
        "floor: { margin: 5% } }"
    )
    told = priced(said, "1770.54", channel="wb", habits=Wildberries.price_habits, Закупочная="1000", РРЦ="2500")
    assert [(step.name, f"{step.amount:f}", step.note) for step in told.steps] == [
        ("price", "1770.54", "Розничная"),
        ("markup", "1983.0048", "+12 %"),
        ("round", "1989", "up to 10, less 1"),
        (
            "floor",
            "1747",
            "cost 1000, logistics 80, commission 15 %, acquiring 1.5 %, VAT 20 % within the price, margin 5 %",
        ),
        ("old", "2487", ""),
        ("channel", "1989.6", "wb takes a whole percent: 2487 − 20 %"),
        ("min", "1799", ""),
    ]
    assert (told.record.amount, told.record.old_amount, told.record.min_amount) == (D("1989.6"), 2487, 1799)


def test_the_version_changes_with_what_decides_and_only_then():
    one, same, other = (rules(text) for text in ("{ markup: 12% }", "{ markup: 12 % }", "{ markup: 13% }"))
    assert one.version == same.version != other.version


@pytest.mark.parametrize(("amount", "part", "least"), [("10", "3", "3.34"), ("9.99", "3", "3.33"), ("0", "1", "0.01")])
def test_the_least_allowed_amount_of_which_a_part_is_enough(amount, part, least):
    assert Rounding().least(D(amount), D(part)) == D(least)
