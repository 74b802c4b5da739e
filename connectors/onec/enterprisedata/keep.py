"""Takes the objects of a message into the mirror: what each is known by, and what it belongs to.

Documents of prices are taken apart, since the next one replaces some of their rows and not others. Barcodes have
no reference in the format; each is known by its own digits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

import xxhash
from lxml import etree

from connectors.onec.enterprisedata.message import DELETION, Message
from connectors.onec.enterprisedata.xml import Element, child, good, key, local, ref, rows, text

PRODUCT = "Справочник.Номенклатура"
GROUP = "Справочник.НоменклатураГруппа"
VARIANT = "Справочник.ХарактеристикиНоменклатуры"
BARCODES = "Справочник.ШтрихкодыНоменклатуры"
PRICE_TYPE = "Справочник.ТипыЦен"
CONTRAGENT = "Справочник.Контрагенты"
PERSON = "Справочник.ФизическиеЛица"
CARD = "Справочник.ДисконтныеКарты"
CONTRACT = "Справочник.Договоры"
ORGANIZATION = "Справочник.Организации"
WAREHOUSE = "Справочник.Склады"
UNIT = "Справочник.ЕдиницыИзмерения"
STATE = "Справочник.СостояниеЗаказа"
ORDER = "Документ.ЗаказКлиента"
PRICES = "Документ.УстановкаЦенНоменклатуры"
REPORT = "Документ.ОтчетОРозничныхПродажах"
NAMELESS = "?"
"""Begins what an object without a reference is known by."""

_KEEP = """INSERT INTO object (type, ref, owner, xml, at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (type, ref) DO UPDATE SET owner = excluded.owner, xml = excluded.xml, at = excluded.at, deleted = 0"""
_PRICE = "INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def keep_message(database: sqlite3.Connection, message: Message) -> int:
    """Take over a message, in the caller's transaction; return how many objects it brought."""
    database.execute("UPDATE node SET commits = commits + 1")
    at: int = database.execute("SELECT commits FROM node").fetchone()[0]
    count = 0
    kinds = set()
    for element in message.objects():
        kind = local(element)
        _TAKE.get(kind, _object)(database, element, at)
        kinds.add(kind)
        count += 1
    database.executemany("INSERT OR REPLACE INTO arrival VALUES (?, randomblob(8))", ((kind,) for kind in kinds))
    _note(database, message, count, first=at == 1)
    return count


def _note(database: sqlite3.Connection, message: Message, count: int, *, first: bool) -> None:
    """Note the numbers. A first message is the first of all only if the base never heard of us before."""
    header = message.header
    database.execute(
        "UPDATE node SET peer = ?, header = ?, received = ?, owed = ?, heard = ?",
        (header.sender, header.encoded(), header.number, bool(count), header.received),
    )
    if first:
        database.execute("UPDATE node SET whole = ?", (header.received == 0,))
    database.execute("UPDATE outgoing SET received = 1 WHERE received = 0 AND number <= ?", (header.received,))
    database.execute("DELETE FROM outgoing WHERE received = 0 OR number > ?", (header.received,))
    database.execute("DELETE FROM outgoing_object WHERE number NOT IN (SELECT number FROM outgoing)")


def _object(database: sqlite3.Connection, element: Element, at: int) -> None:
    kind = local(element)
    raw = etree.tostring(element, encoding="utf-8", with_tail=False)
    owner = _OWNERS[kind](element) if kind in _OWNERS else ""
    known = ref(key(element)) or (owner if kind == STATE else "") or f"{NAMELESS}{xxhash.xxh3_128_hexdigest(raw)}"
    database.execute(_KEEP, (kind, known, owner, raw, at))


def _barcodes(database: sqlite3.Connection, element: Element, at: int) -> None:  # noqa: ARG001 - one of _TAKE
    code = text(element, "Штрихкод")
    database.execute("DELETE FROM barcode WHERE code = ?", (code,))
    for row in rows(element, "Записи"):
        goods = child(row, "ДанныеНоменклатуры", "Номенклатура")
        sold = good(goods)
        if sold and factor(child(goods, "Упаковка")) == "1":
            database.execute("INSERT OR IGNORE INTO barcode VALUES (?, ?, ?)", (code, sold, sold.partition("#")[0]))


def _price_type(database: sqlite3.Connection, element: Element, at: int) -> None:  # noqa: ARG001 - one of _TAKE
    _price_type_key(database, key(element))


def _price_type_key(database: sqlite3.Connection, named: Element | None) -> str:
    known, name = ref(named), text(named, "Наименование")
    classifier = child(named, "ВалютаЦены", "ДанныеКлассификатора")
    currency = text(classifier, "Код") or text(classifier, "Наименование")
    database.execute("INSERT OR REPLACE INTO price_type VALUES (?, ?, ?)", (known or name, name, currency))
    return known or name


def _prices(database: sqlite3.Connection, element: Element, at: int) -> None:
    """A document with several types of prices may come as several objects with one reference."""
    document, date = ref(key(element)), text(key(element), "Дата")
    type_ = _price_type_key(database, child(element, "ТипЦен"))
    database.execute("DELETE FROM price WHERE document = ? AND (type = ? OR at < ?)", (document, type_, at))
    lines = []
    for line, row in enumerate(rows(element, "Товары")):
        goods = child(row, "ДанныеНоменклатуры")
        sold, pack = good(goods), child(goods, "Упаковка")
        if sold:
            unit = text(pack, "Наименование")
            amount = text(row, "Цена")
            product = sold.partition("#")[0]
            lines.append((document, type_, line, sold, product, date, amount, factor(pack), unit, at))
    database.executemany(_PRICE, lines)


def factor(pack: Element | None) -> str:
    """Return how many base units a pack holds: ``1`` where there is no pack, nothing where that is not known."""
    if pack is None:
        return "1"
    try:
        number = Decimal(text(pack, "Коэффициент"))
    except InvalidOperation:
        return ""
    return format(number.normalize(), "f") if number > 0 else ""


def _deletion(database: sqlite3.Connection, element: Element, at: int) -> None:
    pointers = child(element, "СсылкаНаОбъект", "СсылкаНаОбъект")
    for pointer in () if pointers is None else pointers:
        known = (pointer.text or "").strip().lower()
        name = local(pointer).removesuffix("Ссылка")
        if f"Документ.{name}" == PRICES:
            database.execute("DELETE FROM price WHERE document = ?", (known,))
        else:
            kinds = (f"Справочник.{name}", f"Документ.{name}", known)
            database.execute(
                "UPDATE object SET deleted = 1, at = ? WHERE type IN (?, ?) AND ref = ? AND deleted = 0", (at, *kinds)
            )


def _card_owner(element: Element) -> str:
    owner = child(key(element), "ВладелецКарты")
    return ref(owner, "Контрагент") or ref(owner, "ФизическоеЛицо")


_OWNERS: Mapping[str, Callable[[Element], str]] = MappingProxyType(
    {
        VARIANT: lambda element: ref(key(element), "ВладелецХарактеристики", "Номенклатура"),
        STATE: lambda element: ref(key(element), "Заказ"),
        CARD: _card_owner,
        CONTRAGENT: lambda element: ref(element, "ФизическоеЛицо"),
        PRODUCT: lambda element: ref(key(element), "Группа"),
    }
)
_TAKE: Mapping[str, Callable[[sqlite3.Connection, Element, int], None]] = MappingProxyType(
    {BARCODES: _barcodes, PRICE_TYPE: _price_type, PRICES: _prices, DELETION: _deletion}
)
