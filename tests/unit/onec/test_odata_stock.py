"""Free stock of a base in its three versions: from which register, less which reserves, at which warehouses."""

from decimal import Decimal

import pytest

from connectors.onec.odata.needs import CHARACTERISTICS, GOODS, ON_HAND, STOCK_SOURCES
from connectors.onec.odata.stock_sources import free
from connectors.onec.sandbox.hands.goods import Variant
from obmen.entities import Stock
from obmen.errors import ConfigurationError
from obmen.records import Native
from tests.unit.onec.goods_kit import VERSIONS, Door, bound, changed, door, natives, prints
from tests.unit.onec.odata_support import deliver, payload

every_version = pytest.mark.parametrize("version", VERSIONS)
MAIN, SECOND = "Основной склад", "Второй склад"
SOURCES = {
    "11.4.2": "РегистрНакопления.СвободныеОстатки",
    "11.5.8": "РегистрСведений.РаспределениеЗапасов",
    "11.5.20": "РегистрНакопления.ЗапасыИПотребности",
}
Told = dict[tuple[str, str], Decimal]


def told(found: list[Native]) -> Told:
    """Return quantity by Ид and warehouse, each once."""
    rests = {(native["Ид"], native["Склад"]): native["Количество"] for native in found}
    assert len(rests) == len(found)
    return rests


def read(one: Door) -> Told:
    return told(natives(one.stock().read(None)))


@pytest.mark.field("D1")
@every_version
def test_each_warehouse_is_told_by_its_name_and_nothing_is_a_zero(version: str) -> None:
    with door(version) as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        empty = one.ut.add_good("Кружка")
        coat = one.ut.add_good("Куртка", characteristics=["S", Variant("XL", stock={SECOND: Decimal("2.5")})])
        small, large = (one.ut.characteristic(coat, name) for name in ("S", "XL"))
        stock = one.stock()
        found = told(natives(stock.read(None)))
    assert found == {
        (good, MAIN): 5,
        (good, SECOND): 0,
        (empty, MAIN): 0,
        (empty, SECOND): 0,
        (small, MAIN): 0,
        (small, SECOND): 0,
        (large, MAIN): 0,
        (large, SECOND): Decimal("2.5"),
    }
    assert stock.way() == f"OData, {SOURCES[version]}"


@pytest.mark.field("D1")
@every_version
def test_150_warehouses_pass_each_with_its_own_number(version: str) -> None:
    with door(version) as one:
        places = {name: number for number in range(1, 149) if one.ut.add_warehouse(name := f"Склад {number:03d}")}
        good = one.ut.add_good("Чайник", stock=places)
        found = read(one)
    assert found == {(good, name): number for name, number in {**places, MAIN: 0, SECOND: 0}.items()}
    assert len(found) == 150


@pytest.mark.field("D2")
@every_version
def test_what_an_order_reserves_is_not_free(version: str) -> None:
    with door(version) as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        coat = one.ut.add_good("Куртка", characteristics=[Variant("XL", stock={MAIN: 3})])
        large = one.ut.characteristic(coat, "XL")
        lines = [{"Товар": item, "Количество": 2, "Цена": 10} for item in (good, large)]
        assert deliver(one.onec, payload(Товары=lines)).kind == "done"
        found = read(one)
        assert (found[good, MAIN], found[large, MAIN]) == (3, 1)
        assert [one.ut.free_stock(item) for item in (good, large)] == [3, 1]
        assert told(list(one.stock().look_up([good, large]))) == found


@pytest.mark.field("D2")
@every_version
@pytest.mark.parametrize("source", [name.partition("_")[2] for name in STOCK_SOURCES])
def test_a_source_may_be_chosen_and_one_that_the_version_lacks_is_named(version: str, source: str) -> None:
    there = {
        "11.4.2": {"СвободныеОстатки", "ТоварыНаСкладах"},
        "11.5.8": {"РаспределениеЗапасов", "ТоварыНаСкладах"},
        "11.5.20": {"ЗапасыИПотребности", "РаспределениеЗапасов", "ТоварыНаСкладах"},
    }
    with door(version, stock_source=source) as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5, SECOND: 1})
        if source in there[version]:
            assert read(one) == {(good, MAIN): 5, (good, SECOND): 1}
        else:
            with pytest.raises(ConfigurationError, match=rf"stock_source: .*\.{source} is not published"):
                read(one)


@every_version
def test_the_next_source_is_taken_where_the_best_is_not_published(version: str) -> None:
    with door(version) as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        one.ut.published -= set(STOCK_SOURCES) - {ON_HAND}
        stock = one.stock()
        assert told(natives(stock.read(None)))[good, MAIN] == 5
        assert stock.way() == "OData, РегистрНакопления.ТоварыНаСкладах"


@every_version
def test_goods_kept_for_a_purpose_and_goods_in_a_department_are_not_free(version: str) -> None:
    purpose, department = (f"bbbbbbbb-0000-4000-8000-00000000000{number}" for number in (1, 2))
    with door(version) as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        if version != "11.4.2":
            one.ut.move_stock(good, 7, department=department)
        one.ut.move_stock(good, 9, purpose=purpose)
        assert read(one)[good, MAIN] == one.ut.free_stock(good) == 5
        for source in ("ТоварыНаСкладах", *({"РаспределениеЗапасов"} if version == "11.5.20" else ())):
            with_source = one.onec.options.model_copy(update={"stock_source": source})
            one.onec.options = with_source
            assert read(one)[good, MAIN] == 5


@every_version
def test_every_source_tells_what_the_base_itself_holds_free(version: str) -> None:
    with door(version) as one:
        one.ut.fill(80)
        found = read(one)
        expected = {
            (item, place): own["free"]
            for item, places in one.ut.state()["stock"].items()
            for place, own in places.items()
        }
    assert {key: number for key, number in found.items() if number} == {k: v for k, v in expected.items() if v}
    assert len(found) == 2 * len({item for item, _ in found})


@pytest.mark.parametrize(
    ("on_hand", "reserved", "coming", "left"),
    [(10, 3, 0, 7), (10, 3, 4, 3), (10, 3, 9, 0), (10, 10, 5, 0), (3, 10, 0, -7), (3, 10, 5, -7), (0, 0, 4, 0)],
)
def test_the_formula(on_hand: int, reserved: int, coming: int, left: int) -> None:
    assert free(on_hand, reserved, coming) == left


def test_more_reserved_than_is_there_is_told_and_is_nothing_to_a_channel() -> None:
    with door("11.4.2") as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 2})
        lines = [{"Товар": good, "Количество": 5, "Цена": 10}]
        assert deliver(one.onec, payload(Товары=lines)).kind == "done"
        found = natives(one.stock().read(None))
        assert told(found)[good, MAIN] == -3
    pull = bound("stock").pull
    records = [Stock.model_validate(pull(native, {("product", good): "A-1"})) for native in found]
    assert {record.warehouse: record.available for record in records} == {MAIN: 0, SECOND: 0}


def test_only_the_wanted_warehouses_are_read_and_one_that_is_not_there_is_named() -> None:
    with door(warehouses=(SECOND,)) as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5, SECOND: 1})
        assert read(one) == {(good, SECOND): 1}
        assert told(list(one.stock().look_up([good]))) == {(good, SECOND): 1}
    with door(warehouses=("Втрой склад",)) as one, pytest.raises(ConfigurationError, match="Did you mean 'Второй"):
        read(one)


def test_a_warehouse_that_is_marked_for_deletion_holds_nothing_to_sell() -> None:
    with door() as one:
        old = one.ut.add_warehouse("Старый")
        good = one.ut.add_good("Чайник", stock={MAIN: 5, "Старый": 4})
        one.ut.mark_deleted(old)
        assert read(one) == {(good, MAIN): 5, (good, SECOND): 0}


def test_services_lie_in_no_warehouse() -> None:
    with door() as one:
        one.ut.add_good("Доставка", ТипНоменклатуры="Услуга")
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        assert {item for item, _ in read(one)} == {good}


@every_version
def test_looking_up_gives_the_same_stock_as_reading(version: str) -> None:
    with door(version) as one:
        one.ut.fill(60)
        found = natives(one.stock().read(None))
        ids = list(dict.fromkeys(native["Ид"] for native in found))
        by_id = told(list(one.stock().look_up(ids)))
        assert by_id == told(found)
        assert told(list(one.stock().look_up([item.partition("#")[0] for item in ids]))) == by_id


def test_a_sale_changes_its_product_alone_and_what_is_sold_out_is_told_as_zero() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        other = one.ut.add_good("Кружка", stock={MAIN: 5})
        before = prints(one.stock().read)
        assert prints(one.stock().read) == before
        one.ut.move_stock(good, -5)
        assert changed(before, prints(one.stock().read)) == {good}
        assert read(one) == {(good, MAIN): 0, (good, SECOND): 0, (other, MAIN): 5, (other, SECOND): 0}


def test_a_new_warehouse_and_a_renamed_one_reach_every_product() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        before = prints(one.stock().read)
        place = one.ut.add_warehouse("Третий")
        after = prints(one.stock().read)
        assert changed(before, after) == {good}
        one.ut.change(place, Description="Дальний")
        assert changed(after, prints(one.stock().read)) == {good}
        assert read(one) == {(good, MAIN): 5, (good, SECOND): 0, (good, "Дальний"): 0}


def test_without_goods_only_what_lies_somewhere_is_told() -> None:
    with door() as one:
        good = one.ut.add_good("Чайник", stock={MAIN: 5})
        one.ut.add_good("Кружка")
        one.ut.published -= {GOODS, CHARACTERISTICS}
        assert read(one) == {(good, MAIN): 5, (good, SECOND): 0}
        assert told(list(one.stock().look_up([good]))) == {(good, MAIN): 5, (good, SECOND): 0}


def test_a_base_without_stock_says_which_registers_would_do() -> None:
    with door() as one:
        one.ut.published -= set(STOCK_SOURCES)
        with pytest.raises(ConfigurationError) as error:
            read(one)
    for name in ("ЗапасыИПотребности", "РаспределениеЗапасов", "СвободныеОстатки", "ТоварыНаСкладах"):
        assert name in str(error.value)
