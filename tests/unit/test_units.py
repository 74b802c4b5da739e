from __future__ import annotations

from decimal import Decimal

import pytest

from obmen import units


@pytest.mark.parametrize(
    ("value", "unit", "into", "expected"),
    [
        ("1.5", "л", "мл", "1500"),
        ("250", "мл", "л", "0.25"),
        ("0.95", "кг", "г", "950"),
        ("120", "см", "м", "1.2"),
        ("2.2", "кВт", "Вт", "2200"),
        ("20", "мин", "ч", "0.333333"),
        ("1", "м²", "см2", "10000"),
        ("5", "шт.", "ШТ", "5"),
    ],
)
def test_a_number_keeps_its_worth(value: str, unit: str, into: str, expected: str) -> None:
    assert units.convert(Decimal(value), unit, into) == Decimal(expected)


@pytest.mark.parametrize(("unit", "into"), [("л", "кг"), ("шт", "мл"), ("мл", "упаковка")])
def test_what_does_not_convert_is_not_guessed_at(unit: str, into: str) -> None:
    assert units.convert(Decimal(1), unit, into) is None


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [("1,5 л", "1.5", "л"), ("1 500мл", "1500", "мл"), ("7", "7", ""), ("-3 см", "-3", "см"), ("2 м2", "2", "м2")],
)
def test_a_measure_is_read(text: str, number: str, unit: str) -> None:
    assert units.measured(text) == (Decimal(number), unit)


@pytest.mark.parametrize("text", ["", "около 5", "10-15 см", "1.5.2", "мл"])
def test_what_is_not_one_number_is_not_read(text: str) -> None:
    assert units.measured(text) is None
