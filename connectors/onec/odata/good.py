"""Makes a product's native record of what 1C holds of its good and its characteristic: in 1C's words, made whole.

References become names, the two ways of telling VAT become one, numerators and denominators become a number in
kilograms or metres. Values themselves are left as they stand, so that the mapping refuses them where people see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.onec.odata.client import is_reference
from connectors.onec.odata.needs import BRANDS, FEATURES, KINDS, MAKERS, UNITS, VAT_RATES
from connectors.onec.odata.variants import item_id
from connectors.onec.odata.words import Word, Words
from obmen.records import Native

MEASURES = ("Вес", "Длина", "Площадь", "Объем")
"""What a good may tell of its unit: kilograms, metres, square and cubic metres."""
_EXACT = Decimal("0.000001")
_RATE = re.compile(r"НДС(\d+)(?:_\d+)?")
_NO_VAT = "БезНДС"
_CATALOG = "StandardODATA.Catalog_"
_MIDNIGHT = "00:00:00"


def native_of(
    good: Native, variant: Native | None, barcodes: Sequence[str], pictures: Sequence[Mapping[str, str]], words: Words
) -> Native:
    """Return a product's record; what is empty in 1C is absent. ``Вес`` is in kilograms, ``Длина`` in metres.

    Of a product with a characteristic, ``АртикулТовара`` and ``ИдТовара`` are those of the good that it shares
    with others.
    """
    ref = str(good["Ref_Key"])
    native: Native = {
        "Ид": item_id(ref, str(variant["Ref_Key"]) if variant else None),
        "ПометкаУдаления": bool(good.get("DeletionMark") or (variant or {}).get("DeletionMark")),
        "Код": _text(good.get("Code")),
        "Наименование": _text(good.get("Description")),
        "НаименованиеПолное": _text(good.get("НаименованиеПолное")),
        "Описание": _text(good.get("Описание")),
        "ТипНоменклатуры": _text(good.get("ТипНоменклатуры")),
        "ВидНоменклатуры": words.name(KINDS, good.get("ВидНоменклатуры_Key")),
        "ЕдиницаИзмерения": _unit(words.word(UNITS, good.get("ЕдиницаИзмерения_Key"))),
        "СтавкаНДС": vat_of(good, words),
        "Группы": list(words.path(good.get("Parent_Key"))),
        "Марка": words.name(BRANDS, good.get("Марка_Key")),
        "Производитель": words.name(MAKERS, good.get("Производитель_Key")),
        "ДополнительныеРеквизиты": {**_features(good, words), **_features(variant or {}, words)},
        "Штрихкоды": list(barcodes),
        "Картинки": [dict(picture) for picture in pictures],
        **{name: measure(good, name, words) for name in MEASURES},
    }
    article = _text(good.get("Артикул"))
    if variant is None:
        native["Артикул"] = article
    else:
        name = _text(variant.get("Description"))
        native |= {"ИдТовара": ref, "АртикулТовара": article, "Характеристика": name}
        native["Наименование"] = f"{native['Наименование']} ({name})" if name else native["Наименование"]
    return {name: value for name, value in native.items() if value not in ("", None, [], {})}


def vat_of(good: Native, words: Words) -> str:
    """Return the rate as ``20``, ``Без НДС`` or, where the base names it as it likes, by that name."""
    word = words.word(VAT_RATES, good.get("СтавкаНДС_Key"))
    said = str((word.rate or word.name if word else good.get("СтавкаНДС")) or "").strip()
    if said == _NO_VAT:
        return "Без НДС"
    rate = _RATE.fullmatch(said)
    return rate[1] if rate else said


def measure(good: Native, name: str, words: Words) -> Decimal | None:
    """Return what one base unit of a good measures; None where 1C is not told to use it, or not told its unit."""
    unit = words.word(UNITS, good.get(f"{name}ЕдиницаИзмерения_Key"))
    over, under = _number(good.get(f"{name}Числитель")), _number(good.get(f"{name}Знаменатель"))
    if not good.get(f"{name}Использовать") or unit is None or not unit.size or not over or not under:
        return None
    return (over / under * unit.size).quantize(_EXACT).normalize()


def _unit(word: Word | None) -> Native:
    if word is None:
        return {}
    told = {
        "Код": word.code,
        "Наименование": word.name,
        "НаименованиеПолное": word.full,
        "МеждународноеСокращение": word.short,
    }
    return {name: text.strip() for name, text in told.items() if text and text.strip()}


def _features(one: Native, words: Words) -> dict[str, str]:
    """Return additional attributes by name; several values of one stand one after the other."""
    found: dict[str, str] = {}
    for row in one.get("ДополнительныеРеквизиты") or ():
        word = words.word(FEATURES, row.get("Свойство_Key"))
        name = ((word.title or word.name) if word else "") or ""
        text = _said(row, words)
        if name.strip() and text and text not in found.get(name.strip(), "").split("; "):
            before = found.get(name.strip())
            found[name.strip()] = f"{before}; {text}" if before else text
    return found


def _said(row: Native, words: Words) -> str:
    """Return a value as 1C shows it to people: decimals with a comma, Да or Нет."""
    kind, value = str(row.get("Значение_Type") or ""), row.get("Значение")
    if kind.startswith(_CATALOG):
        return words.name(kind.removeprefix("StandardODATA."), value)
    if kind == "Edm.Boolean":
        return "Да" if str(value).lower() == "true" else "Нет"
    if kind == "Edm.DateTime":
        return _day(str(value))
    number = _number(value) if kind in {"Edm.Double", "Edm.Decimal", "Edm.Int64", "Edm.Int32", "Edm.Int16"} else None
    if number is not None:
        return format(number.normalize(), "f").replace(".", ",")
    if kind not in {"Edm.String", ""} or is_reference(value):
        return ""
    return _text(row.get("ТекстоваяСтрока")) or _text(value)


def _day(value: str) -> str:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return ""
    if at.year == 1:
        return ""
    return at.strftime("%d.%m.%Y") if value.endswith(_MIDNIGHT) else at.strftime("%d.%m.%Y %H:%M:%S")


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
