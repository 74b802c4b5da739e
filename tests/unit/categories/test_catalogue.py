"""Cards against a vendor's description of their category: what is filled and refused, and how often he is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from obmen.categories import Catalogue, CategoryNode, Filled, Suggestions, find_nodes
from obmen.errors import Refused, Unavailable
from obmen.state import Ledger
from obmen.state.memory import LedgerMemory
from obmen.testing.clock import FakeClock

from .kit import BRAND, COLOUR, CUPS, KETTLES, TYPE, VOLUME, WHISTLE, Vendor, card, entry

GOOD = (entry("Тип", "Чайник"), entry("85", "Выдумкино"))


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor(clock=FakeClock())
    yield made
    made.close()


def refused(vendor: Vendor, *attributes: object, category: str = KETTLES) -> str:
    with pytest.raises(Refused) as caught:
        Catalogue(vendor).fill(card(category, *attributes))  # type: ignore[arg-type]  # entries of the kit
    assert caught.value.code == "bad_attributes"
    return str(caught.value)


def test_names_values_numbers_and_units_become_the_vendors(vendor: Vendor) -> None:
    filled = Catalogue(vendor).fill(
        card(
            KETTLES,
            entry("тип", "Чайник"),
            entry("Цвет товара", "красный", "синий"),
            entry("Объем", "1,5", unit="л"),
            entry("Со свистком", "Да"),
            entry("85", "Выдумкино"),
        )
    )
    assert filled == [
        Filled(TYPE, ("Чайник",), ("1",)),
        Filled(COLOUR, ("красный", "синий"), ("11", "12")),
        Filled(VOLUME, ("1500",), (None,)),
        Filled(WHISTLE, ("true",), (None,)),
        Filled(BRAND, ("Выдумкино",), (None,)),
    ]


def test_everything_that_is_wrong_is_told_at_once(vendor: Vendor) -> None:
    told = refused(
        vendor,
        entry("Цвет тавара", "красный"),
        entry("Тип", "Чайнек"),
        entry("Объем", "литра полтора"),
        entry("Со свистком", "наверное"),
    )
    for part in (
        "no attribute 'Цвет тавара' (is 'Цвет товара' meant?)",
        "the list of 'Тип' has no 'Чайнек' (is 'Чайник' meant?)",
        "'Объем' is a number, and 'литра полтора' is not",
        "'Со свистком' is yes or no, and 'наверное' is neither",
        "'Бренд' is required and has no value",
    ):
        assert part in told


def test_more_values_than_the_vendor_takes_are_refused(vendor: Vendor) -> None:
    told = refused(vendor, *GOOD, entry("Цвет товара", "красный", "синий", "зелёный"), entry("Объем", "1", "2"))
    assert "'Цвет товара' takes 2 values, not 3" in told
    assert "'Объем' takes one value, not 2" in told


def test_a_unit_that_does_not_fit_is_refused(vendor: Vendor) -> None:
    assert "'Объем' is taken in мл, and кг does not convert" in refused(vendor, *GOOD, entry("Объем", "2", unit="кг"))


def test_one_attribute_by_two_rules_is_refused(vendor: Vendor) -> None:
    assert "'Бренд' is given by two rules" in refused(vendor, *GOOD, entry("Бренд", "Другой"))


def test_a_rule_for_all_categories_is_left_out_where_there_is_no_such_attribute(vendor: Vendor) -> None:
    general = entry("9048", "Модель", general=True)
    assert [one.attribute.id for one in Catalogue(vendor).fill(card(CUPS, entry("85", "Б"), general))] == ["85"]
    assert "no attribute '9048'" in refused(vendor, entry("85", "Б"), entry("9048", "Модель"), category=CUPS)


def test_an_unknown_category_and_none_at_all_are_refused(vendor: Vendor) -> None:
    assert "there is no category 99" in refused(vendor, category="99")
    with pytest.raises(Refused, match="no category of the vendor's"):
        Catalogue(vendor).fill({"offer_id": "A-1"})


def test_the_vendor_is_asked_once_and_again_when_the_day_is_over(vendor: Vendor) -> None:
    catalogue = Catalogue(vendor)
    for _ in range(3):
        catalogue.fill(card(KETTLES, *GOOD))
    assert vendor.asked == [f"attributes {KETTLES}", "choices 8229 Чайник"]
    vendor.clock.sleep(86401)
    catalogue.fill(card(KETTLES, *GOOD))
    assert vendor.asked[2:] == [f"attributes {KETTLES}"]


def test_a_value_that_is_not_there_is_asked_for_again_after_an_hour(vendor: Vendor) -> None:
    catalogue = Catalogue(vendor)
    for _ in range(2):
        with pytest.raises(Refused):
            catalogue.fill(card(KETTLES, entry("Тип", "Самовар"), entry("85", "Б")))
    assert vendor.asked.count("choices 8229 Самовар") == 1
    vendor.clock.sleep(3601)
    with pytest.raises(Refused):
        catalogue.fill(card(KETTLES, entry("Тип", "Самовар"), entry("85", "Б")))
    assert vendor.asked.count("choices 8229 Самовар") == 2


def test_what_is_known_serves_while_the_vendor_cannot_be_reached(vendor: Vendor) -> None:
    catalogue = Catalogue(vendor)
    catalogue.fill(card(KETTLES, *GOOD))
    nodes = catalogue.nodes()
    vendor.clock.sleep(90000)
    vendor.down = True
    assert len(catalogue.fill(card(KETTLES, *GOOD))) == len(GOOD)
    assert catalogue.nodes() == nodes
    with pytest.raises(Unavailable):
        catalogue.attributes(CUPS)


def test_what_was_told_outlives_the_process(state_url: str, tmp_path: Path) -> None:
    ledger = Ledger(state_url)
    try:
        for asked in (4, 0):
            vendor = Vendor(clock=FakeClock())
            vendor.memory = LedgerMemory(ledger, "vendor")
            catalogue = Catalogue(vendor)
            catalogue.fill(card(KETTLES, *GOOD, entry("Цвет товара", "синий")))
            assert [node.id for node in catalogue.nodes()] == [KETTLES, CUPS]
            assert len(vendor.asked) == asked
            vendor.close()
    finally:
        ledger.close()


def test_a_memory_of_another_version_is_asked_for_anew(vendor: Vendor) -> None:
    vendor.memory.put(f"category_attributes/{KETTLES}", b'{"at": 1}')
    assert len(Catalogue(vendor).attributes(KETTLES)) == 6


NODES = [
    CategoryNode("1", ("Дом", "Посуда", "Чайник")),
    CategoryNode("2", ("Бытовая техника", "Чайник электрический")),
    CategoryNode("3", ("Дом", "Посуда", "Чашка")),
    CategoryNode("4", ("Продукты", "Чай")),
]


def test_a_category_is_suggested_by_the_beginnings_of_its_words() -> None:
    assert [node.id for node in Suggestions(NODES).of(("Посуда", "Чайники"))][:2] == ["1", "2"]
    assert [node.id for node in Suggestions(NODES).of(("Кухня", "Чашки"))] == ["3"]
    assert Suggestions(NODES).of(("Автошины",)) == []
    assert Suggestions(NODES).of(()) == []


def test_categories_are_found_by_words_and_by_id() -> None:
    assert [node.id for node in find_nodes(NODES, "чайник")] == ["2", "1"]
    assert [node.id for node in find_nodes(NODES, "посуда чайн")] == ["1"]
    assert [node.id for node in find_nodes(NODES, "3")] == ["3"]
    assert len(find_nodes(NODES, "")) == len(NODES)
