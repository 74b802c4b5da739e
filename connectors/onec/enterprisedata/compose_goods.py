"""Goods and prices of other systems as objects of the format: what is not carried is left out, so 1C keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid5

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.make import Composition, Content, Maker, Part, number, written
from connectors.onec.enterprisedata.xml import Element, child, text
from connectors.onec.odata.client import is_reference
from connectors.onec.odata.order_body import kopecks
from connectors.onec.odata.orders import NAMESPACE
from obmen.errors import Refused
from obmen.records import Item, Native

_PIECE: list[Part] = [("Код", "796"), ("Наименование", "шт")]


def good_ref(sku: str) -> str:
    """Return the reference that a good gets which was not 1C's before."""
    return str(uuid5(NAMESPACE, f"product:{sku}"))


def compose_goods(maker: Maker, items: Sequence[Item]) -> Composition:
    """Return the goods with their barcodes.

    Payloads: ``Ид`` (where the good is 1C's already), ``Артикул``, ``Наименование``, ``НаименованиеПолное``,
    ``Описание``, ``СтавкаНДС``, ``ЕдиницаИзмерения`` (``Наименование``), ``Штрихкод`` (a list).
    """
    made = Composition()
    for item in items:
        known = str(item.native_id or item.payload.get("Ид") or good_ref(item.id)).lower()
        try:
            _add_good(made, maker, item.payload, known)
        except Refused as refused:
            made.refused[item.id] = refused
        else:
            made.native_ids[item.id] = known
    return made


def _add_good(made: Composition, maker: Maker, payload: Native, known: str) -> None:
    if "#" in known or not is_reference(known):
        message = (
            f"'{known}' is a variant of a good, which only 1C changes." if "#" in known else f"'{known}' is no good."
        )
        raise Refused(message, code="bad_product", field="Ид")
    before = maker.known(keep.PRODUCT, known)
    element = maker.object(keep.PRODUCT, _good(maker, payload, known, before))
    barcodes = [(code, _barcode(maker, code, known, payload)) for code in payload.get("Штрихкод") or ()]
    made.add(keep.PRODUCT, known, element)
    for code, barcode in barcodes:
        made.add(keep.BARCODES, str(code), barcode)


def _good(maker: Maker, payload: Native, known: str, before: Element | None) -> list[Part]:
    named = child(before, "КлючевыеСвойства")
    name = str(payload.get("Наименование") or text(named, "Наименование"))
    if not name:
        raise Refused("The good has no name, and 1C takes none without.", code="no_name", field="Наименование")
    key: list[Part] = [
        ("Ссылка", known),
        ("НаименованиеПолное", str(payload.get("НаименованиеПолное") or text(named, "НаименованиеПолное") or name)),
        ("КодВПрограмме", text(named, "КодВПрограмме")),
        ("Артикул", str(payload.get("Артикул") or text(named, "Артикул"))),
        ("Наименование", name),
        ("Группа", child(named, "Группа")),
    ]
    return [
        ("КлючевыеСвойства", key),
        ("ТипНоменклатуры", text(before, "ТипНоменклатуры") or "Товар"),
        ("Описание", str(payload.get("Описание") or "")),
        ("ЕдиницаИзмерения", _unit(payload, before)),
        ("СтавкаНДС", maker.vat(str(payload.get("СтавкаНДС") or ""))),
    ]


def _unit(payload: Native, before: Element | None) -> Content:
    """The unit is obligatory in the format: the base's own one stays, a new good is counted in pieces."""
    kept = child(before, "ЕдиницаИзмерения")
    if kept is not None:
        return kept
    told: Any = (payload.get("ЕдиницаИзмерения") or {}).get("Наименование")
    return [("ДанныеКлассификатора", [("Наименование", str(told))] if told else _PIECE)]


def _barcode(maker: Maker, code: Any, known: str, payload: Native) -> Element:
    goods: list[Part] = [("Номенклатура", maker.good(known, str(payload.get("Наименование") or "")))]
    row: list[Part] = [("ДанныеНоменклатуры", goods)]
    return maker.object(keep.BARCODES, [("Штрихкод", str(code)), ("Записи", [("Строка", row)])])


def compose_prices(maker: Maker, items: Sequence[Item], date: str) -> Composition:
    """Return one document for each type of prices; ``date`` is naive, in the base's zone.

    Payloads: ``Ид``, ``ТипЦены`` (the type's name in 1C), ``ЦенаЗаЕдиницу``, ``Валюта`` (the classifier's code,
    which must be the type's). The document's reference follows
    from what is in it, so saying the same again makes no second one.
    """
    made = Composition()
    types: dict[tuple[str, str], list[tuple[Item, list[Part]]]] = {}
    for item in items:
        try:
            row = _price(maker, item.payload)
        except Refused as refused:
            made.refused[item.id] = refused
        else:
            type_ = str(item.payload.get("ТипЦены") or ""), str(item.payload.get("Валюта") or "")
            types.setdefault(type_, []).append((item, row))
    for (name, currency), rows in types.items():
        known = str(uuid5(NAMESPACE, "price:" + "|".join(sorted(f"{i.id} {i.idempotency_key}" for i, _ in rows))))
        try:
            element = maker.object(keep.PRICES, _prices(maker, (name, currency), rows, known, date))
        except Refused as refused:
            made.refused.update({item.id: refused for item, _ in rows})
            continue
        made.add(keep.PRICES, known, element)
        made.native_ids.update({item.id: str(item.payload["Ид"]) for item, _ in rows})
    return made


def _price(maker: Maker, payload: Native) -> list[Part]:
    goods = maker.good(str(payload.get("Ид") or ""), str(payload.get("Наименование") or ""))
    return [("ДанныеНоменклатуры", goods), ("Цена", written(kopecks(number(payload, "ЦенаЗаЕдиницу"))))]


def _prices(
    maker: Maker, told: tuple[str, str], rows: Sequence[tuple[Item, list[Part]]], known: str, date: str
) -> list[Part]:
    name, said = told
    found = maker.database.execute("SELECT ref, currency FROM price_type WHERE name = ?", (name,)).fetchall()
    if len(found) != 1:
        message = f"The base has sent {len(found) or 'no'} type(s) of prices named '{name}'; one is needed."
        raise Refused(message, code="no_price_type", field="ТипЦены")
    type_, currency = found[0]
    if said and currency and said != currency:
        message = f"The price is in the currency {said}, and the prices of the type '{name}' are in {currency}."
        raise Refused(message, code="other_currency", field="Валюта")
    return [
        ("КлючевыеСвойства", [("Ссылка", known), ("Дата", date), ("Номер", maker.element("Номер", ""))]),
        (
            "ТипЦен",
            [
                ("Ссылка", type_ if is_reference(type_) else ""),
                ("Наименование", name),
                ("ВалютаЦены", [("ДанныеКлассификатора", [("Код", currency)])]),
            ],
        ),
        ("Товары", [("Строка", [("НомерСтрокиДокумента", str(at)), *row]) for at, (_, row) in enumerate(rows, 1)]),
    ]
