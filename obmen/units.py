"""Units of measure, converted exactly: a volume told in litres goes out in the millilitres that the vendor takes.

Without it 1.5 would be sent where 1500 is meant, which no vendor refuses and every buyer sees. A unit that is
not in the table is never guessed at.
"""

from __future__ import annotations

import re
from decimal import Decimal

from obmen.entities.base import plain

_PLACES = Decimal("0.000001")
_MEASURE = re.compile(r"([+-]?\d[\d \u00a0\u202f]*(?:[.,]\d+)?)(?![.,])\s*(\D*(?:[23]\D*)?)")
_NAMES: dict[str, dict[str, str]] = {
    "length": {"мкм": "0.001", "мм mm": "1", "см cm": "10", "дм dm": "100", "м m": "1000", "км km": "1000000"},
    "area": {"мм2 mm2": "1", "см2 cm2": "100", "дм2": "10000", "м2 m2 кв.м": "1000000"},
    "volume": {"мл ml см3 cm3": "1", "сл": "10", "л l дм3": "1000", "м3 m3 куб.м": "1000000"},
    "mass": {"мкг": "0.001", "мг mg": "1", "г гр g": "1000", "кг kg": "1000000", "т": "1000000000"},
    "power": {"вт w": "1", "квт kw": "1000"},
    "voltage": {"в v": "1", "кв kv": "1000"},
    "current": {"ма ma": "1", "а a": "1000"},
    "charge": {"ма·ч мач mah": "1", "а·ч ач ah": "1000"},
    "frequency": {"гц hz": "1", "кгц khz": "1000", "мгц mhz": "1000000", "ггц ghz": "1000000000"},
    "time": {"с сек s": "1", "мин min": "60", "ч час h": "3600"},
    "pressure": {"па pa": "1", "кпа kpa": "1000", "бар bar": "100000", "мпа mpa": "1000000"},
}
_UNITS = {
    name: (kind, Decimal(size))
    for kind, sizes in _NAMES.items()
    for names, size in sizes.items()
    for name in names.split()
}


def known(unit: str) -> bool:
    """Whether the unit can be converted."""
    return _folded(unit) in _UNITS


def same(one: str, other: str) -> bool:
    """Whether two spellings name one unit."""
    one, other = _folded(one), _folded(other)
    return one == other or (one in _UNITS and _UNITS[one] == _UNITS.get(other))


def convert(value: Decimal, unit: str, into: str) -> Decimal | None:
    """Return the value in another unit, to six places; None where the table has no way between the two."""
    if same(unit, into):
        return plain(value)
    one, other = _UNITS.get(_folded(unit)), _UNITS.get(_folded(into))
    if one is None or other is None or one[0] != other[0]:
        return None
    converted = value * one[1] / other[1]
    return plain(converted if converted == converted.quantize(_PLACES) else converted.quantize(_PLACES))


def measured(text: str) -> tuple[Decimal, str] | None:
    """Return the number and the unit ("" if there is none) of a text such as "1,5 л"; None if it is not one number."""
    found = _MEASURE.fullmatch(text.strip())
    if found is None:
        return None
    number = re.sub(r"\s", "", found[1]).replace(",", ".")
    return Decimal(number), found[2].strip()


def _folded(unit: str) -> str:
    return unit.strip().rstrip(".").casefold().replace("²", "2").replace("³", "3").replace("*", "·").replace(" ", "")
