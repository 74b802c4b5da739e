"""Contact information: the section that every partner and contragent has, with one row per phone, e-mail, address.

A row says its value up to three times: for people (Представление), for searches (НомерТелефона, АдресЭП), and for
1C's own forms: as XML in ЗначенияПолей, and since 11.5 as JSON in Значение. A row that lacks what the forms read is
shown and then lost when a person saves the card, so a row is written whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.onec.odata.client import NO_DATE
from connectors.onec.odata.metadata import Property
from obmen.http import encode_json
from obmen.mapping.phones import e164
from obmen.records import Native

SECTION = "КонтактнаяИнформация"
PHONE, EMAIL, ADDRESS = "Телефон", "АдресЭлектроннойПочты", "Адрес"

_CONTACT = "http://www.v8.1c.ru/ssl/contactinfo"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XS = "http://www.w3.org/2001/XMLSchema"
_REGION = "RU"
_LOCAL_DIGITS = 7


def phones(rows: Iterable[Native]) -> list[str]:
    """Return the phone numbers as they are spelt, without repeats."""
    return _values(rows, PHONE, "НомерТелефона")


def emails(rows: Iterable[Native]) -> list[str]:
    """Return the e-mail addresses, without repeats and without what is none."""
    return [value for value in _values(rows, EMAIL, "АдресЭП") if value.count("@") == 1 and " " not in value]


def address(rows: Iterable[Native]) -> str | None:
    """Return the first address."""
    return next(iter(_values(rows, ADDRESS, "")), None)


def _values(rows: Iterable[Native], kind: str, other: str) -> list[str]:
    of_kind = [row for row in _current(rows) if row.get("Тип") == kind]
    said = (str(row.get("Представление") or row.get(other) or "").strip() for row in of_kind)
    return list(dict.fromkeys(value for value in said if value))


def _current(rows: Iterable[Native]) -> Iterator[Native]:
    """Leave out what was valid until something newer of the same kind came (kinds that keep their history)."""
    newest: dict[Any, Native] = {}
    for row in rows:
        since = str(row.get("ДействуетС") or NO_DATE)
        if since == NO_DATE:
            yield row
        elif since > str(newest.get(row.get("Вид_Key"), {}).get("ДействуетС") or NO_DATE):
            newest[row.get("Вид_Key")] = row
    yield from newest.values()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a section should hold of one type: ``values`` under the kind (Вид) that we own; None leaves it alone."""

    type: str
    kind: str
    values: Sequence[str] | None


def merged(rows: Sequence[Native], wanted: Iterable[Wanted], known: Mapping[str, Property]) -> list[Native] | None:
    """Return the section with what is wanted in it, None if it holds it already.

    Of the rows only those of our kinds change; what stands under another kind already is not written again.
    ``known``: the properties of a row in this base.
    """
    result = [{name: value for name, value in row.items() if name in known and name != "Ref_Key"} for row in rows]
    changed = False
    for one in wanted:
        if one.values is None:
            continue
        alike = _alike(one.type)
        same = {alike(value): value for value in one.values}
        others = {alike(_said(row)) for row in result if row.get("Тип") == one.type and row.get("Вид_Key") != one.kind}
        ours = [row for row in result if row.get("Тип") == one.type and row.get("Вид_Key") == one.kind]
        kept = {alike(_said(row)): row for row in ours if alike(_said(row)) in same}
        missing = [value for key, value in same.items() if key not in kept and key not in others]
        if missing or len(kept) < len(ours):
            changed = True
            gone = [row for row in ours if not any(row is one for one in kept.values())]
            result = [row for row in result if not any(row is one for one in gone)]
            result += [_row(one, value, known) for value in missing]
    return [{**row, "LineNumber": str(at)} for at, row in enumerate(result, 1)] if changed else None


def _said(row: Native) -> str:
    return str(row.get("Представление") or "")


def _alike(kind: str) -> Callable[[str], str]:
    """Return what makes two spellings of one value equal."""
    if kind == PHONE:
        return lambda value: e164(value, _REGION) or value.strip()
    return lambda value: value.strip().lower()


def _row(one: Wanted, value: str, known: Mapping[str, Property]) -> Native:
    row: Native = {
        "Тип": one.type,
        "Вид_Key": one.kind,
        "ВидДляСписка_Key": one.kind,
        "Представление": value,
        "ДействуетС": NO_DATE,
    }
    if one.type == PHONE:
        digits = "".join(char for char in value if char.isdigit())
        row |= {"НомерТелефона": digits, "НомерТелефонаБезКодов": digits[-_LOCAL_DIGITS:]}
    elif one.type == EMAIL:
        row |= {"АдресЭП": value, "ДоменноеИмяСервера": value.rpartition("@")[2]}
    row |= {"Значение": as_json(one.type, value)} if "Значение" in known else {"ЗначенияПолей": as_xml(one.type, value)}
    return {name: said for name, said in row.items() if name in known}


def as_json(kind: str, value: str) -> str:
    """Return a value as the forms of 11.5 read it."""
    body: dict[str, str] = {"value": value, "type": kind, "comment": ""}
    if kind == PHONE:
        country, area, local = _parts(value)
        body |= {"countryCode": country, "areaCode": area, "number": local, "extNumber": ""}
    elif kind == ADDRESS:
        body |= {"country": "РОССИЯ", "addressType": "ВСвободнойФорме"}
    return encode_json(body).decode()


def as_xml(kind: str, value: str) -> str:
    """Return a value as the forms of 11.4 read it."""
    from lxml import etree  # noqa: PLC0415 - OData speaks JSON, and most processes never meet XML

    root = etree.Element(f"{{{_CONTACT}}}КонтактнаяИнформация", nsmap={None: _CONTACT, "xs": _XS, "xsi": _XSI})
    root.set("Представление", value)
    etree.SubElement(root, f"{{{_CONTACT}}}Комментарий")
    inner = etree.SubElement(root, f"{{{_CONTACT}}}Состав")
    if kind == PHONE:
        country, area, local = _parts(value)
        inner.set(f"{{{_XSI}}}type", "НомерТелефона")
        inner.attrib.update({"КодСтраны": country, "КодГорода": area, "Номер": local, "Добавочный": ""})
    elif kind == EMAIL:
        inner.set(f"{{{_XSI}}}type", "ЭлектроннаяПочта")
        inner.set("Значение", value)
    else:
        inner.set(f"{{{_XSI}}}type", "Адрес")
        inner.set("Страна", "РОССИЯ")
        free = etree.SubElement(inner, f"{{{_CONTACT}}}Состав")
        free.set(f"{{{_XSI}}}type", "xs:string")
        free.text = value
    return etree.tostring(root, encoding="unicode")


def _parts(phone: str) -> tuple[str, str, str]:
    """Return country code, area code and number of a phone in E.164; a foreign one is not cut further."""
    digits = (e164(phone, _REGION) or phone).lstrip("+")
    if digits.startswith("7") and len(digits) == len("79161234567"):
        return "7", digits[1:4], digits[4:]
    return "", "", digits
