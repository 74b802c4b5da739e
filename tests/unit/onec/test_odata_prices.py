"""Prices of a base in its three versions: by type, by characteristic, for one unit, as they hold now."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from connectors.onec.odata.needs import PRICES, PRICES_25
from connectors.onec.sandbox import references
from connectors.onec.sandbox.hands.goods import Variant
from obmen.entities import Price
from obmen.errors import ConfigurationError, Refused
from obmen.records import Native
from tests.unit.onec.goods_kit import VERSIONS, Door, bound, changed, door, natives, prints

every_version = pytest.mark.parametrize("version", VERSIONS)
Told = dict[tuple[str, str], Decimal]


def told(found: list[Native]) -> Told:
    """Return price by Ид and type, each once."""
    prices = {(native["Ид"], native["ТипЦены"]): native["ЦенаЗаЕдиницу"] for native in found}
    assert len(prices) == len(found)
    return prices


def read(one: Door) -> Told:
    return told(natives(one.prices().read(None)))


@pytest.mark.field("C1")
@every_version
def test_each_price_type_is_told_by_its_name_with_its_currency(version: str) -> None:
    with door(version) as one:
        good = one.ut.add_good("Чайник", prices={"Розничная": Decimal("1990.5"), "Оптовая": 1500})
        found = natives(one.prices().read(None))
        way = one.prices()
        list(way.read(None))
    assert told(found) == {(good, "Розничная"): Decimal("1990.50"), (good, "Оптовая"): Decimal(1500)}
    assert found[0] == {
        "Ид": good,
        "ИдТипаЦены": references.RETAIL,
        "ТипЦены": "Розничная",
        "ЦенаЗаЕдиницу": Decimal("1990.50"),
        "Валюта": "RUB",
        "КодВалюты": "643",
    }
    register = "ЦеныНоменклатуры" if version == "11.4.2" else "ЦеныНоменклатуры25"
    assert way.way() == f"OData, РегистрСведений.{register}"


@pytest.mark.parametrize("version", ["11.5.8", "11.5.20"])
def test_a_base_that_still_prices_in_the_old_way_is_read_by_the_old_register(version: str) -> None:
    with door(version) as one:
        one.ut.base.pricing_25 = False
        good = one.ut.add_good("Куртка", characteristics=[Variant("S", prices={"Розничная": 10})])
        prices = one.prices()
        found = told(natives(prices.read(None)))
        assert prices.way() == "OData, РегистрСведений.ЦеныНоменклатуры"
        assert found == {(one.ut.characteristic(good, "S"), "Розничная"): Decimal(10)}


@pytest.mark.parametrize("register", [PRICES, PRICES_25])
def test_where_one_register_is_published_it_is_read(register: str) -> None:
    with door() as one:
        one.ut.base.pricing_25 = register == PRICES_25
        good = one.ut.add_good("Чайник", prices={"Розничная": 10})
        one.ut.published -= {PRICES, PRICES_25} - {register}
        assert read(one) == {(good, "Розничная"): Decimal(10)}


@every_version
def test_a_goods_price_is_that_of_each_characteristic_without_one_of_its_own(version: str) -> None:
    with door(version) as one:
        prices = {"Розничная": 90, "Оптовая": 50}
        coat = one.ut.add_good("Куртка", characteristics=["S", Variant("XL", prices={"Розничная": 100})], prices=prices)
        kind = one.ut.add_kind("Обувь", ["40"])
        boots = one.ut.add_good("Ботинки", kind=kind, prices={"Розничная": 5})
        small, large = (one.ut.characteristic(coat, name) for name in ("S", "XL"))
        assert read(one) == {
            (small, "Розничная"): Decimal(90),
            (small, "Оптовая"): Decimal(50),
            (large, "Розничная"): Decimal(100),
            (large, "Оптовая"): Decimal(50),
            (one.ut.characteristic(boots, "40"), "Розничная"): Decimal(5),
        }


@every_version
def test_a_price_of_tomorrow_is_not_yet_one(version: str) -> None:
    with door(version) as one:
        good = one.ut.add_good("Чайник", prices={"Розничная": 10})
        tomorrow = one.clock.now() + timedelta(days=1)
        one.ut.set_price(good, "Розничная", 99, at=tomorrow.replace(tzinfo=None).isoformat(timespec="seconds"))
        assert read(one) == {(good, "Розничная"): Decimal(10)}
        assert told(list(one.prices().look_up([good]))) == {(good, "Розничная"): Decimal(10)}
        one.clock.advance(timedelta(days=2).total_seconds())
        assert read(one) == {(good, "Розничная"): Decimal(99)}


def test_a_price_of_zero_is_how_1c_says_that_there_is_none() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", prices={"Розничная": 10, "Оптовая": 5})
        one.ut.set_price(good, "Розничная", 0)
        assert read(one) == {(good, "Оптовая"): Decimal(5)}


@every_version
def test_a_price_for_a_package_is_brought_to_the_unit(version: str) -> None:
    with door(version) as one:
        good = one.ut.add_good("Чайник")
        box = one.ut.add_unit(good, "Коробка", 12)
        one.ut.set_price(good, "Розничная", 1000, package=box)
        one.ut.set_price(good, "Оптовая", 90, package=references.PIECE)
        found = natives(one.prices().read(None))
        assert told(found) == {(good, "Розничная"): Decimal("83.33"), (good, "Оптовая"): Decimal(90)}
        (retail,) = (native for native in found if native["ТипЦены"] == "Розничная")
        assert (retail["Упаковка"], retail["ЦенаЗаУпаковку"]) == ("Коробка", Decimal(1000))
        assert list(one.prices().look_up([good])) == found


def test_a_price_by_weight_is_brought_to_the_piece_by_what_a_piece_weighs() -> None:
    with door() as one:
        cheese = one.ut.add_good("Сыр", weight=Decimal("0.25"))
        grain = one.ut.add_good("Крупа", unit=references.KILOGRAM)
        cable = one.ut.add_good("Гвозди", unit=references.GRAM)
        for good in (cheese, grain, cable):
            one.ut.set_price(good, "Розничная", 800, package=references.KILOGRAM)
        found = read(one)
    assert found == {
        (cheese, "Розничная"): Decimal(200),
        (grain, "Розничная"): Decimal(800),
        (cable, "Розничная"): Decimal("0.80"),
    }


def test_a_price_for_a_package_of_unknown_size_is_refused_in_words_that_people_understand() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник")
        one.ut.set_price(good, "Розничная", 800, package=references.KILOGRAM)
        (native,) = natives(one.prices().read(None))
    assert native["ЦенаЗаЕдиницу"] == "800 / кг"
    with pytest.raises(Refused) as refused:
        bound("price").pull(native, {("product", good): "A-1"})
    assert refused.value.field == "amount"


def test_of_prices_for_several_packages_that_of_the_unit_counts() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник")
        box = one.ut.add_unit(good, "Коробка", 12)
        one.ut.set_price(good, "Розничная", 1000, package=box)
        pages = one.prices().read(None)
        page = next(pages)
        assert page.expand is not None
        (boxed,) = msgspec.json.decode(page.slices[0])[1]
        single = [*boxed[:2], "99", "", boxed[4]]
        for rows in ([boxed, single], [single, boxed]):
            (found,) = page.expand([msgspec.json.encode([good, rows])])
            assert told(list(found)) == {(good, "Розничная"): Decimal(99)}
        assert next(pages, None) is None


def test_only_the_wanted_types_are_read_and_one_that_is_not_there_is_named() -> None:
    with door(price_types=("Оптовая",)) as one:
        good = one.ut.add_good("Чайник", prices={"Розничная": 10, "Оптовая": 5})
        assert read(one) == {(good, "Оптовая"): Decimal(5)}
        assert told(list(one.prices().look_up([good]))) == {(good, "Оптовая"): Decimal(5)}
    with door(price_types=("Оптвая",)) as one, pytest.raises(ConfigurationError, match="Did you mean 'Оптовая'"):
        read(one)


def test_two_types_of_one_name_are_told_apart() -> None:
    with door() as one:
        twin = one.ut.add_price_type("Розничная")
        good = one.ut.add_good("Чайник", prices={references.RETAIL: 10, twin: 5})
        assert read(one) == {(good, references.RETAIL): Decimal(10), (good, twin): Decimal(5)}


@every_version
def test_looking_up_gives_the_same_prices_as_reading(version: str) -> None:
    with door(version) as one:
        one.ut.fill(60)
        found = natives(one.prices().read(None))
        ids = list(dict.fromkeys(native["Ид"] for native in found))
        by_id = sorted(one.prices().look_up(ids), key=str)
        assert by_id == sorted(found, key=str)
        goods = {item.partition("#")[0] for item in ids}
        assert sorted(one.prices().look_up(list(goods)), key=str) == by_id
        expected = {
            (item, name): amount for item, own in one.ut.state()["prices"].items() for name, amount in own.items()
        }
    assert told(found) == expected


def test_a_changed_price_changes_its_product_alone() -> None:
    with door() as one:
        coat = one.ut.add_good("Куртка", characteristics=["S", "L"], prices={"Розничная": 90})
        one.ut.add_good("Чайник", prices={"Розничная": 10})
        small, large = (one.ut.characteristic(coat, name) for name in ("S", "L"))
        before = prints(one.prices().read)
        assert prints(one.prices().read) == before
        one.ut.set_price(small, "Розничная", 95)
        after = prints(one.prices().read)
        assert changed(before, after) == {small}
        one.ut.set_price(coat, "Розничная", 80)
        assert changed(after, prints(one.prices().read)) == {large}


def test_a_renamed_type_reaches_every_price() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", prices={"Розничная": 10})
        before = prints(one.prices().read)
        one.ut.change(references.RETAIL, Description="Для сайта")
        assert changed(before, prints(one.prices().read)) == {good}
        assert read(one) == {(good, "Для сайта"): Decimal(10)}


@pytest.mark.field("C1")
def test_kopecks_arrive_as_they_are_and_never_as_binary_fractions() -> None:
    amounts = [Decimal("0.01"), Decimal("1990.10"), Decimal("99999999.99"), Decimal("0.07")]
    with door() as one:
        goods = [one.ut.add_good(str(amount), prices={"Розничная": amount}) for amount in amounts]
        found = natives(one.prices().read(None))
    pull = bound("price").pull
    records = [Price.model_validate(pull(native, {("product", native["Ид"]): native["Ид"]})) for native in found]
    assert {record.sku: record.amount for record in records} == dict(zip(goods, amounts, strict=True))
    assert {record.currency for record in records} == {"RUB"}


def test_a_base_without_prices_says_which_registers_would_do() -> None:
    with door() as one:
        one.ut.published -= {PRICES, PRICES_25, "Catalog_Валюты"}
        with pytest.raises(ConfigurationError) as error:
            read(one)
    text = "РегистрСведений.ЦеныНоменклатуры25 or РегистрСведений.ЦеныНоменклатуры; Справочник.Валюты"
    assert text in str(error.value)
