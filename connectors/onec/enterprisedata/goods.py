"""Reads the goods: one record for everything that can be sold, put together from what the format keeps apart.

A good, its characteristic, its barcodes and its groups are objects of their own and change on their own; the
slice of a record holds them all, so that a renamed group reaches its goods.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import xxhash

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.mirror import Mirror
from connectors.onec.enterprisedata.pages import SEPARATOR, Part, joined, pages, ranges, split
from connectors.onec.enterprisedata.values import attributes, vat
from connectors.onec.enterprisedata.variants import variants_of
from connectors.onec.enterprisedata.xml import Element, child, key, parsed, ref, text
from obmen.errors import Refused
from obmen.records import Native, Page

_SALT = "goods 1"
_MADE_OF = (keep.PRODUCT, keep.GROUP, keep.VARIANT, keep.BARCODES, keep.PRICES)
"""A price may name a characteristic that is sold."""
_DEEPEST = 64


def read_goods(mirror: Mirror) -> Iterator[Page]:
    """Yield the sellable variants.

    Natives: ``Ид`` (``GUID`` or ``GUID#GUID``), ``ИдТовара`` (of a variant), ``Наименование``,
    ``НаименованиеПолное``, ``Код``, ``Артикул`` (of a variant ``АртикулТовара``, for the format gives it none of
    its own), ``Описание``, ``ТипНоменклатуры``, ``ВидНоменклатуры``, ``ЕдиницаИзмерения`` (``Код``,
    ``Наименование``, ``НаименованиеПолное``), ``СтавкаНДС`` (percent, or ``БезНДС``), ``Марка``,
    ``Производитель``, ``ПутьГруппы`` (names from the root), ``Штрихкод`` (a list), ``Свойства`` (values by name),
    ``Удален``.
    """
    with mirror.reading() as database:
        units, groups = _units(database), _groups(database)
        salt = xxhash.xxh3_128_digest(msgspec.json.encode((_SALT, units), order="sorted"))
        decode = partial(decode_good, units)
        parts = (Part(one, partial(_slices, database, groups, *one)) for one in ranges(database, keep.PRODUCT))
        yield from pages(database, parts, decode, of=_MADE_OF, salt=salt, where=keep.PRODUCT)


def _slices(
    database: sqlite3.Connection, groups: Mapping[str, tuple[str, str]], after: int, last: int
) -> Iterator[bytes]:
    query = "SELECT ref, owner, xml, deleted FROM object WHERE type = ? AND number > ? AND number <= ? ORDER BY number"
    rows = database.execute(query, (keep.PRODUCT, after, last)).fetchall()
    products = [row[0] for row in rows]
    barcodes, sold = _barcodes(database, products), variants_of(database, products)
    for product, group, xml, deleted in rows:
        path = joined(_path(groups, group))
        for variant, (own, gone) in (sold.get(product) or {"": (b"", False)}).items():
            good = f"{product}#{variant}" if variant else product
            flag = b"1" if deleted or gone else b""
            yield SEPARATOR.join((xml, own, flag, path, joined(barcodes.get(good, ())), good.encode()))


def _barcodes(database: sqlite3.Connection, products: Sequence[str]) -> dict[str, list[str]]:
    query = "SELECT code, good FROM barcode WHERE product IN (SELECT value FROM json_each(?)) ORDER BY code"
    found: dict[str, list[str]] = {}
    for code, good in database.execute(query, (msgspec.json.encode(products).decode(),)):
        found.setdefault(good, []).append(code)
    return found


def _units(database: sqlite3.Connection) -> dict[str, str]:
    """Return the units' whole names by their references and codes."""
    found: dict[str, str] = {}
    for known, xml in database.execute("SELECT ref, xml FROM object WHERE type = ? ORDER BY number", (keep.UNIT,)):
        element = parsed(xml)
        if whole := text(element, "НаименованиеПолное"):
            found[known] = whole
            found.setdefault(text(key(element), "ДанныеКлассификатора", "Код"), whole)
    return found


def _groups(database: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Return each group's name and the reference of the group above it."""
    query = "SELECT ref, xml FROM object WHERE type = ? AND deleted = 0"
    found = {}
    for known, xml in database.execute(query, (keep.GROUP,)):
        named = key(parsed(xml))
        found[known] = text(named, "Наименование"), ref(named, "Группа")
    return found


def _path(groups: Mapping[str, tuple[str, str]], group: str) -> list[str]:
    """Return the names from the root down to a group; empty where the base has not sent them all."""
    names: list[str] = []
    while group:
        if group not in groups or len(names) > _DEEPEST:
            return []
        name, group = groups[group]
        names.insert(0, name)
    return names


def decode_good(units: Mapping[str, str], raw: bytes) -> Iterator[Native]:
    """Yield the record of a slice; ``units`` are their whole names. Raises Refused (not_xml, no_id, no_variant)."""
    product_xml, variant_xml, deleted, path, barcodes, id_ = raw.split(SEPARATOR)
    good = id_.decode()
    element = parsed(product_xml)
    named = key(element)
    if good.startswith(keep.NAMELESS):
        raise Refused(f"The good «{text(named, 'Наименование')}» has no Ссылка in the message.", code="no_id")
    native: Native = {"Ид": good, "Удален": bool(deleted)}
    _fill(native, element, named, units)
    names = split(path) or _nested(named)
    if names:
        native["ПутьГруппы"] = names
    if barcodes:
        native["Штрихкод"] = split(barcodes)
    properties = dict(attributes(element))
    if "#" in good:
        properties |= _make_variant(native, good, variant_xml)
    if properties:
        native["Свойства"] = properties
    yield native


def _fill(native: Native, element: Element, named: Element | None, units: Mapping[str, str]) -> None:
    fields: dict[str, Any] = {
        "Наименование": text(named, "Наименование"),
        "НаименованиеПолное": text(named, "НаименованиеПолное"),
        "Код": text(named, "КодВПрограмме"),
        "Артикул": text(named, "Артикул"),
        "Описание": text(element, "Описание"),
        "ТипНоменклатуры": text(element, "ТипНоменклатуры"),
        "ВидНоменклатуры": text(element, "ВидНоменклатуры", "Наименование"),
        "СтавкаНДС": vat(element),
        "Марка": text(element, "Марка", "Наименование"),
        "Производитель": text(element, "Производитель", "Наименование"),
        "ЕдиницаИзмерения": _unit(child(element, "ЕдиницаИзмерения"), units),
    }
    native.update({name: value for name, value in fields.items() if value})


def _unit(named: Element | None, units: Mapping[str, str]) -> dict[str, str]:
    classifier = child(named, "ДанныеКлассификатора")
    unit = {name: text(classifier, name) for name in ("Код", "Наименование")}
    unit["НаименованиеПолное"] = units.get(ref(named)) or units.get(unit["Код"], "")
    return {name: value for name, value in unit.items() if value}


def _nested(named: Element | None) -> list[str]:
    """Return the path that a good's own key properties tell."""
    names: list[str] = []
    group = child(named, "Группа")
    while group is not None and len(names) <= _DEEPEST:
        names.insert(0, text(group, "Наименование"))
        group = child(group, "Группа")
    return names


def _make_variant(native: Native, good: str, xml: bytes) -> dict[str, str]:
    """Make the record one of a variant; return the variant's own attributes."""
    product = good.partition("#")[0]
    native["ИдТовара"] = product
    if "Артикул" in native:
        native["АртикулТовара"] = native.pop("Артикул")
    if not xml:
        raise Refused(f"The characteristic of {good} was not sent by the base.", code="no_variant")
    element = parsed(xml)
    name = text(element, "Наименование") or text(key(element), "НаименованиеПолное")
    native["Наименование"] = f"{native.get('Наименование', '')} ({name})"
    native["Характеристика"] = name
    return dict(attributes(element))
