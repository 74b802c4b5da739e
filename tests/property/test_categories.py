"""Laws of categories: the longest entry decides, conversions lose nothing, what is filled is what the vendor takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from obmen import units
from obmen.categories.judge import Card
from obmen.categories.model import CategoryAttribute
from obmen.mapping.category_rules import CategoryRules, joined
from obmen.mapping.yaml import Document

NAMES = st.sampled_from(["Дом", "Посуда", "Посуда для кукол", "Чай/кофе", "Кружки"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)
UNITS = st.sampled_from([("мл", "л"), ("г", "кг"), ("мм", "м"), ("мм", "см"), ("Вт", "кВт"), ("мА·ч", "А·ч")])
NUMBERS = st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False, allow_infinity=False)


@given(st.dictionaries(PATHS, st.integers(1, 99), max_size=6), PATHS)
def test_the_longest_entry_that_holds_decides(entries: dict[tuple[str, ...], int], path: tuple[str, ...]) -> None:
    written = {joined(one): {"category": str(id_)} for one, id_ in entries.items()}
    found = CategoryRules(Document("categories.yaml", written), "vendor").of(path)
    name = joined(path)
    holding = [one for one in written if name == one or name.startswith(f"{one}/")]
    expected = written[max(holding, key=len)]["category"] if holding else None
    assert (found.category if found is not None else None) == expected


@given(NUMBERS, UNITS)
def test_a_conversion_there_and_back_is_the_same(value: Decimal, pair: tuple[str, str]) -> None:
    small, large = pair
    told = units.convert(value * 1000, small, large)
    assert told is not None
    assert units.convert(told, large, small) == value * 1000


@given(NUMBERS, st.sampled_from(["л", "мл", ""]))
def test_a_measure_reads_back_as_it_was_written(value: Decimal, unit: str) -> None:
    assert units.measured(f"{value} {unit}".replace(".", ",")) == (value, unit)


ATTRIBUTES = st.lists(
    st.builds(
        CategoryAttribute,
        id=st.integers(1, 5).map(str),
        name=st.sampled_from(["Тип", "Цвет", "Объем", "Вес", "Год"]),
        required=st.booleans(),
        kind=st.sampled_from(["text", "number", "boolean"]),
        choices=st.booleans(),
        many=st.booleans(),
        unit=st.sampled_from(["", "мл"]),
        most=st.none() | st.integers(1, 3),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "attribute": st.sampled_from(["Тип", "цвет", "Объем", "3", "Нет такого"]),
            "values": st.lists(st.sampled_from(["да", "1,5", "2 л", "красный", " ", "x"]), max_size=4),
            "unit": st.sampled_from(["", "л", "кг"]),
        },
        optional={"general": st.booleans()},
    ),
    max_size=5,
)


@given(ATTRIBUTES, ENTRIES, st.dictionaries(st.sampled_from(["красный", "x", "да"]), st.just("7")))
def test_what_has_no_fault_is_whole_and_fits(
    described: list[CategoryAttribute], entries: list[dict[str, Any]], known: dict[str, str]
) -> None:
    card = Card(described, entries)
    for attribute, _ in list(card.choosable()):
        card.choose(attribute, known)
    filled, faults = card.result()
    if faults:
        return
    assert {one.attribute.id for one in filled} >= {one.id for one in described if one.required}
    for one in filled:
        most = one.attribute.most if one.attribute.many else 1
        assert most is None or len(one.values) <= most
        assert len(one.ids) == len(one.values) > 0
        assert all((id_ is not None) == one.attribute.choices for id_ in one.ids)
        if one.attribute.kind == "number" and not one.attribute.choices:
            assert all(Decimal(value).is_finite() for value in one.values)
        if one.attribute.kind == "boolean" and not one.attribute.choices:
            assert set(one.values) <= {"true", "false"}
