"""Values that the versions of the format spell in different ways, brought to one spelling and back.

VAT is a word in 1.8 and an object of its own from 1.17 on; comments and additional attributes moved into common
properties; a contact's value is XML, JSON or plain text, by the age of the base.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from connectors.onec.enterprisedata.xml import Element, child, local, parsed, rows, text
from obmen.errors import Refused

_COMMON = "ОбщиеСвойстваОбъектовФормата"
_WORD = re.compile(r"НДС(\d+)(?:_(\d+))?")
_MOST = 20_000
WITHOUT_VAT = "БезНДС"

PHONES = frozenset({"Телефон", "ТелефонДомашний", "ТелефонРабочий", "ПользовательскаяКИТелефон"})
EMAILS = frozenset({"АдресЭлектроннойПочты", "ПользовательскаяКИАдресЭлектроннойПочты"})
ADDRESSES = ("ФактическийАдрес", "ПочтовыйАдрес", "ЮридическийАдрес", "ПользовательскаяКИАдрес")


def vat(parent: Element) -> str:
    """Return the rate that СтавкаНДС below an element tells.

    ``20``, ``20/120`` for one that is reckoned out of the sum, ``БезНДС``, or the format's own word; empty if it
    tells none.
    """
    element = child(parent, "СтавкаНДС")
    if element is None:
        return ""
    word = (element.text or "").strip()
    match = _WORD.fullmatch(word)
    if match is not None:
        return f"{match[1]}/{match[2]}" if match[2] else match[1]
    if not len(element):
        return word
    if text(element, "НеОблагается") in {"true", "1"} or text(element, "ВидСтавки") == WITHOUT_VAT:
        return WITHOUT_VAT
    rate = _plain(text(element, "Ставка") or "0")
    return f"{rate}/{100 + Decimal(rate)}" if text(element, "РасчетнаяСтавка") in {"true", "1"} else rate


def _plain(number: str) -> str:
    try:
        return format(Decimal(number).normalize(), "f")
    except InvalidOperation:
        raise Refused(f"The VAT rate '{number[:20]}' is no number.", code="bad_value", field="СтавкаНДС") from None


def comment(element: Element) -> str:
    """Return an object's comment, wherever its version keeps it."""
    return text(element, _COMMON, "Комментарий") or text(element, "Комментарий")


def attributes(element: Element) -> Iterator[tuple[str, str]]:
    """Yield the names and values of an object's additional attributes."""
    table = child(element, _COMMON) if child(element, _COMMON) is not None else element
    for row in rows(table, "ДополнительныеРеквизиты"):
        name = text(row, "Свойство", "Наименование")
        held = child(row, "ЗначениеСвойства")
        values = [] if held is None else [_attribute(value) for value in held]
        said = "; ".join(value for value in values if value)
        if name and said:
            yield name, said


def _attribute(value: Element) -> str:
    if local(value) == "Булево":
        return "Да" if (value.text or "").strip() in {"true", "1"} else "Нет"
    if not len(value):
        return (value.text or "").strip()
    classifier = child(value, "ДанныеКлассификатора")
    return text(value, "Наименование") or text(value, "ФИО") or text(classifier, "Наименование")


def contacts(element: Element) -> dict[str, Any]:
    """Return an object's contacts: ``Телефоны`` and ``АдресаЭлектроннойПочты`` as lists, ``Адрес`` as a text."""
    found: dict[str, Any] = {}
    addresses: dict[str, str] = {}
    for row in rows(element, "КонтактнаяИнформация"):
        kind = text(row, "ВидКонтактнойИнформации")
        said = _contact(text(row, "Значение")) or _contact(text(row, "ЗначенияПолей"))
        if not said:
            continue
        if kind in PHONES:
            found.setdefault("Телефоны", []).append(said)
        elif kind in EMAILS:
            found.setdefault("АдресаЭлектроннойПочты", []).append(said)
        elif kind in ADDRESSES:
            addresses.setdefault(kind, said)
    address = next((addresses[kind] for kind in ADDRESSES if kind in addresses), "")
    return {**found, "Адрес": address} if address else found


def _contact(said: str) -> str:
    if said.startswith("<") and len(said) <= _MOST:
        try:
            return parsed(said.encode()).get("Представление", "").strip()
        except Refused:
            return ""
    if said.startswith("{") and len(said) <= _MOST:
        try:
            value = msgspec.json.decode(said)
        except msgspec.DecodeError:
            return ""
        return str(value.get("value") or "").strip()
    return said
