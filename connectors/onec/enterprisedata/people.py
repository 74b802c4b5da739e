"""Reads the customers: contragents with their contacts, the person behind one, and the cards given to either.

The format has no partners (Партнеры); a contragent is who buys.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.mirror import Mirror
from connectors.onec.enterprisedata.pages import SEPARATOR, Part, joined, pages, ranges, split
from connectors.onec.enterprisedata.values import comment, contacts
from connectors.onec.enterprisedata.xml import Element, child, key, parsed, ref, text
from obmen.errors import Refused
from obmen.records import Native, Page

_SALT = b"people 1"
_MADE_OF = (keep.CONTRAGENT, keep.PERSON, keep.CARD)
_PERSON = ("ФИО", "Фамилия", "Имя", "Отчество", "ДатаРождения")
_CONTRAGENT = ("Наименование", "НаименованиеПолное", "ИНН", "КПП", "ЮридическоеФизическоеЛицо")


def read_people(mirror: Mirror) -> Iterator[Page]:
    """Yield the customers (Справочник.Контрагенты).

    Natives: ``Ref_Key``, ``Наименование``, ``НаименованиеПолное``, ``ИНН``, ``КПП``,
    ``ЮридическоеФизическоеЛицо``, ``Телефоны`` and ``АдресаЭлектроннойПочты`` (lists), ``Адрес``,
    ``ДополнительнаяИнформация``, ``ФизическоеЛицо`` (``ФИО``, ``Фамилия``, ``Имя``, ``Отчество``,
    ``ДатаРождения``, ``Пол``), ``Карты`` (numbers), ``Удален``.
    """
    with mirror.reading() as database:
        parts = (Part(one, partial(_slices, database, *one)) for one in ranges(database, keep.CONTRAGENT))
        yield from pages(database, parts, decode_customer, of=_MADE_OF, salt=_SALT, where=keep.CONTRAGENT)


def _slices(database: sqlite3.Connection, after: int, last: int) -> Iterator[bytes]:
    query = "SELECT ref, owner, xml, deleted FROM object WHERE type = ? AND number > ? AND number <= ? ORDER BY number"
    rows = database.execute(query, (keep.CONTRAGENT, after, last)).fetchall()
    people = {row[1] for row in rows if row[1]}
    persons = _by_ref(database, keep.PERSON, people)
    cards = _cards(database, {row[0] for row in rows} | people)
    for known, person, xml, deleted in rows:
        numbers = sorted({*cards.get(known, ()), *cards.get(person, ())})
        yield SEPARATOR.join((xml, persons.get(person, b""), b"1" if deleted else b"", joined(numbers)))


def _by_ref(database: sqlite3.Connection, kind: str, refs: set[str]) -> dict[str, bytes]:
    query = "SELECT ref, xml FROM object WHERE type = ? AND ref IN (SELECT value FROM json_each(?)) AND deleted = 0"
    return dict(database.execute(query, (kind, msgspec.json.encode(sorted(refs)).decode())).fetchall())


def _cards(database: sqlite3.Connection, owners: set[str]) -> dict[str, list[str]]:
    query = """SELECT owner, xml FROM object INDEXED BY object_owner
        WHERE type = ? AND owner IN (SELECT value FROM json_each(?)) AND deleted = 0"""
    found: dict[str, list[str]] = {}
    for owner, xml in database.execute(query, (keep.CARD, msgspec.json.encode(sorted(owners)).decode())):
        if number := text(key(parsed(xml)), "НомерКарты"):
            found.setdefault(owner, []).append(number)
    return found


def decode_customer(raw: bytes) -> Iterator[Native]:
    """Yield the record of a slice. Raises Refused (not_xml, no_id)."""
    xml, person_xml, deleted, cards = raw.split(SEPARATOR)
    element = parsed(xml)
    named = key(element)
    known = ref(named)
    if not known:
        raise Refused("The contragent has no Ссылка in the message.", code="no_id")
    person = parsed(person_xml) if person_xml else None
    fields: dict[str, Any] = {
        "Ref_Key": known,
        **{name: text(named, name) for name in _CONTRAGENT},
        **(contacts(person) if person is not None else {}),
        **contacts(element),
        "ДополнительнаяИнформация": comment(element) or text(element, "ДополнительнаяИнформация"),
        "ФизическоеЛицо": _person(person, child(element, "ФизическоеЛицо")),
        "Карты": split(cards),
    }
    yield {**{name: value for name, value in fields.items() if value}, "Удален": bool(deleted)}


def _person(person: Element | None, pointed: Element | None) -> Native:
    """Return what is known of a person: from its own object, else from the key that the contragent holds."""
    named = key(person) if person is not None else pointed
    found = {name: text(named, name) for name in _PERSON}
    found["Пол"] = text(person, "Пол")
    return {name: value for name, value in found.items() if value}
