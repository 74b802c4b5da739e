"""Reads documents and what hangs on them: those that came since the last read, as the base sent them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.mirror import Mirror, Node, node_of
from connectors.onec.enterprisedata.pages import PAGE, Decode
from connectors.onec.enterprisedata.values import comment, vat
from connectors.onec.enterprisedata.xml import Element, child, good, key, parsed, ref, rows, text
from connectors.onec.odata.order_body import channel_of
from obmen.errors import Refused
from obmen.records import Native, Page

_LAST = 1 << 62
"""Above every object's number: what came with the message of the cursor is passed over."""


def read_since(mirror: Mirror, kind: str, cursor: str | None, decode: Decode, *, salt: bytes) -> Iterator[Page]:
    """Yield the objects of a kind that came since the cursor and are not deleted."""
    with mirror.reading() as database:
        node = node_of(database)
        after = _since(node, cursor), _LAST
        while found := _some(database, kind, after):
            after = found[-1][:2]
            yield Page([row[2] for row in found], decode=decode, salt=salt, partial=True, where=kind)
        yield Page((), cursor=f"{node.id}:{node.commits}", partial=True, where=kind)


def _some(database: sqlite3.Connection, kind: str, after: tuple[int, int]) -> list[tuple[int, int, bytes]]:
    query = """SELECT at, number, xml FROM object INDEXED BY object_at
        WHERE type = ? AND (at, number) > (?, ?) AND deleted = 0 ORDER BY at, number LIMIT ?"""
    return database.execute(query, (kind, *after, PAGE)).fetchall()


def _since(node: Node, cursor: str | None) -> int:
    """A cursor of another folder, or of one that was put back from a copy, means nothing here."""
    id_, _, commits = (cursor or "").partition(":")
    return int(commits) if id_ == node.id and commits.isdecimal() and int(commits) <= node.commits else 0


def read_orders(mirror: Mirror, cursor: str | None, connection: str) -> Iterator[Page]:
    """Yield the orders (Документ.ЗаказКлиента); an order that names no channel is the ``connection``'s own.

    Natives: ``Ref_Key``, ``Канал``, ``Номер`` (the channel's; of an order that was made in 1C its own with the
    year, for 1C numbers anew every year), ``Номер1С``, ``Дата`` and ``ДатаОтгрузки`` (naive, in the base's zone),
    ``Валюта`` (the classifier's code), ``Сумма``, ``СуммаВключаетНДС``, ``Склад`` and ``Контрагент``
    (``Ref_Key``, ``Наименование``), ``АдресДоставки``, ``Комментарий``, and ``Товары``: ``Товар`` (Ид),
    ``Наименование``, ``Количество``, ``Цена``, ``Сумма``, ``СтавкаНДС``, ``ИдентификаторСтроки``.
    """

    def decode(raw: bytes) -> Iterator[Native]:
        yield order(parsed(raw), connection)

    return read_since(mirror, keep.ORDER, cursor, decode, salt=b"order 1" + connection.encode())


def order(element: Element, connection: str) -> Native:
    """Return an order as a native record. Raises Refused (no_id)."""
    named = key(element)
    known = _known(named, element)
    channel, told = channel_of(comment(element))
    number = text(named, "ДанныеВходящегоДокумента", "НомерВходящегоДокумента")
    if not (channel and number):
        channel, told, number = connection, comment(element), _yearly(named)
    fields: dict[str, Any] = {
        "Ref_Key": known,
        "Канал": channel,
        "Номер": number,
        "Номер1С": text(named, "Номер"),
        "Дата": text(named, "Дата"),
        "ДатаОтгрузки": text(element, "ДатаДоставкиДоКлиента") or text(element, "ОжидаемаяДатаПоставки"),
        "Валюта": currency(element),
        "Сумма": text(element, "Сумма"),
        "СуммаВключаетНДС": text(element, "СуммаВключаетНДС") in {"true", "1"},
        "Склад": _named(child(element, "Склад")),
        "Контрагент": _named(child(element, "Контрагент")),
        "АдресДоставки": text(element, "АдресДоставки"),
        "Комментарий": told,
        "Товары": [*lines(element, "Товары"), *lines(element, "Услуги")],
    }
    return {name: value for name, value in fields.items() if value not in ("", {})}


def lines(element: Element, *path: str) -> Iterator[Native]:
    """Yield the rows of goods in a table of a document."""
    for row in rows(element, *path):
        goods = child(row, "ДанныеНоменклатуры")
        fields = {
            "Товар": good(goods),
            "Наименование": text(goods, "Номенклатура", "Наименование"),
            "Количество": text(row, "Количество") or text(row, "КоличествоУпаковок"),
            "Цена": text(row, "Цена"),
            "Сумма": text(row, "СуммаСУчетомСкидки") or text(row, "Сумма"),
            "СтавкаНДС": vat(row),
            "ИдентификаторСтроки": text(row, "ИдентификаторСтроки"),
        }
        yield {name: value for name, value in fields.items() if value}


def read_states(mirror: Mirror, cursor: str | None, connection: str) -> Iterator[Page]:
    """Yield what the orders became (Справочник.СостояниеЗаказа), where the base sends it.

    Natives: ``Ref_Key`` of the order, ``Состояние`` (Принят, Подтвержден, Комплектуется, ГотовКВыдаче,
    ПереданВДоставку, Выполнен, Отменен), ``ДатаСостояния``, ``Причина``; and ``Канал`` as ``read_orders`` tells it,
    where the base sent the order.
    """
    for page in read_since(mirror, keep.STATE, cursor, _state, salt=b"state 1"):
        yield replace(page, expand=partial(_states, mirror, connection))


def _states(mirror: Mirror, connection: str, raws: Sequence[bytes]) -> list[list[Native] | Refused]:
    with mirror.reading() as database:
        return [_of_channel(database, raw, connection) for raw in raws]


def _of_channel(database: sqlite3.Connection, raw: bytes, connection: str) -> list[Native] | Refused:
    query = "SELECT xml FROM object WHERE type = ? AND ref = ?"
    try:
        (native,) = _state(raw)
        found = database.execute(query, (keep.ORDER, native["Ref_Key"])).fetchone()
        return [{**native, "Канал": order(parsed(found[0]), connection)["Канал"]} if found else native]
    except Refused as refused:
        return refused


def _state(raw: bytes) -> Iterator[Native]:
    element = parsed(raw)
    known = ref(key(element), "Заказ")
    if not known:
        raise Refused("The state names no order.", code="no_id")
    fields = {
        "Ref_Key": known,
        "Состояние": text(element, "СостояниеЗаказа"),
        "ДатаСостояния": text(element, "ДатаСостояния"),
        "Причина": text(element, "СостояниеЗаказаСтрокой"),
    }
    yield {name: value for name, value in fields.items() if value}


def read_reports(mirror: Mirror, cursor: str | None) -> Iterator[Page]:
    """Yield the reports on retail sales (Документ.ОтчетОРозничныхПродажах), sales and returns apart.

    Natives: ``Ref_Key``, ``Вид`` (Продажа, Возврат), ``Номер`` (with the year), ``Дата``, ``Валюта``, ``Сумма``
    (of a sale, as the document says it), ``Склад`` and ``КассаККМ`` (their names), ``Товары`` as an order's.
    """
    return read_since(mirror, keep.REPORT, cursor, _report, salt=b"report 1")


def _report(raw: bytes) -> Iterator[Native]:
    element = parsed(raw)
    named = key(element)
    fields: dict[str, Any] = {
        "Ref_Key": _known(named, element),
        "Номер": _yearly(named),
        "Дата": text(named, "Дата"),
        "Валюта": currency(element),
        "Склад": text(element, "Склад", "Наименование"),
        "КассаККМ": text(element, "КассаККМ", "Наименование"),
    }
    common = {name: value for name, value in fields.items() if value}
    sold = [*lines(element, "ТоварыПродажа"), *lines(element, "Услуги")]
    total = text(element, "Сумма")
    yield {**common, "Вид": "Продажа", "Товары": sold, **({"Сумма": total} if total else {})}
    back = list(lines(element, "ТоварыВозвратПродажи"))
    if back:
        yield {**common, "Номер": f"{common['Номер']}/возврат", "Вид": "Возврат", "Товары": back}


def currency(element: Element) -> str:
    """Return the currency of a document: the classifier's code, or the name where there is none."""
    classifier = child(element, "Валюта", "ДанныеКлассификатора")
    return text(classifier, "Код") or text(classifier, "Наименование")


def _yearly(named: Element | None) -> str:
    return f"{text(named, 'Номер')}/{text(named, 'Дата')[:4]}"


def _known(named: Element | None, element: Element) -> str:
    known = ref(named)
    if not known:
        number = text(named, "Номер")
        raise Refused(f"The document {number} has no Ссылка in the message.", code="no_id", field=str(element.tag))
    return known


def _named(element: Element | None) -> Native:
    found = {"Ref_Key": ref(element), "Наименование": text(element, "Наименование")}
    return {name: value for name, value in found.items() if value}
