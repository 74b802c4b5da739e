"""Reads the prices that stand now: of each good and each type the last one that a document set.

1C sends the documents that set prices, not the prices. One is worth what it says from its date on, until a
later one names the same good and type again; a document that is deleted lets the earlier one stand again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from operator import itemgetter

import msgspec
import xxhash

from connectors.onec.enterprisedata.mirror import Mirror, node_of
from connectors.onec.enterprisedata.pages import PAGE, SEPARATOR, joined, pages, split
from connectors.onec.enterprisedata.variants import variants_of
from connectors.onec.odata.order_body import kopecks
from obmen.records import Native, Page

_LAST = """SELECT product, good, type, date, amount, factor, unit FROM (
    SELECT *, ROW_NUMBER() OVER (
        PARTITION BY good, type ORDER BY date DESC, document DESC, factor <> '1', line DESC) AS place
    FROM price WHERE product > ? AND product <= ? AND date <= ?) WHERE place = 1 ORDER BY product, good, type"""
_GOODS = "SELECT DISTINCT product FROM price WHERE product > ? ORDER BY product LIMIT ?"


def read_prices(mirror: Mirror, now: datetime) -> Iterator[Page]:
    """Yield the prices of what is sold; ``now`` is naive and in the base's zone, later documents do not count yet.

    A variant has the prices that were set for it, and of each other type the one that was set for its good.
    Natives: ``Ид``, ``ИдТипаЦены``, ``ТипЦены``, ``ЦенаЗаЕдиницу`` (of one base unit; where it is not known how many
    a pack holds, words that are no number), ``Валюта`` (the classifier's code), ``Упаковка`` and
    ``ЦенаЗаУпаковку`` (of a price for a pack), ``Дата`` from which it stands.
    """
    with mirror.reading() as database:
        node = node_of(database)
        types = _types(database)
        salt = xxhash.xxh3_128_digest(msgspec.json.encode(("prices 1", types), order="sorted"))
        names = _unambiguous(types)

        def decode(raw: bytes) -> Iterator[Native]:
            good, *rows = raw.split(SEPARATOR)
            for row in rows:
                type_, date, amount, factor, unit = split(row)
                native = {"Ид": good.decode(), "ИдТипаЦены": type_, "ТипЦены": names.get(type_, type_), "Дата": date}
                currency = types.get(type_, ("", ""))[1]
                yield {**native, **_per_unit(amount, factor, unit), **({"Валюта": currency} if currency else {})}

        where = "Документ.УстановкаЦенНоменклатуры"
        yield from pages(_slices(database, now.isoformat()), decode, salt=salt, partial=not node.whole, where=where)


def _slices(database: sqlite3.Connection, now: str) -> Iterator[bytes]:
    after = ""
    while goods := [row[0] for row in database.execute(_GOODS, (after, PAGE))]:
        sold = variants_of(database, goods)
        found = database.execute(_LAST, (after, goods[-1], now)).fetchall()
        for product, rows in groupby(found, key=itemgetter(0)):
            told: dict[str, dict[str, tuple[str, ...]]] = {}
            for _, good, *row in rows:
                told.setdefault(good, {})[row[0]] = tuple(row)
            for variant in sold.get(product) or ("",):
                good = f"{product}#{variant}" if variant else product
                prices = {**told.get(product, {}), **told.get(good, {})}
                if own := [joined(row) for _, row in sorted(prices.items()) if not _is_zero(row[2])]:
                    yield SEPARATOR.join((good.encode(), *own))
        after = goods[-1]


def _per_unit(amount: str, factor: str, unit: str) -> Native:
    if factor == "1":
        return {"ЦенаЗаЕдиницу": amount}
    try:
        one = kopecks(Decimal(amount) / Decimal(factor))
    except InvalidOperation:
        return {"ЦенаЗаЕдиницу": f"{amount} / {unit}", "Упаковка": unit}
    return {"ЦенаЗаЕдиницу": format(one, "f"), "Упаковка": unit, "ЦенаЗаУпаковку": amount}


def _is_zero(amount: str) -> bool:
    """A price of zero is how 1C takes a price away."""
    try:
        return not Decimal(amount)
    except InvalidOperation:
        return False


def _types(database: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    return {known: (name, currency) for known, name, currency in database.execute("SELECT * FROM price_type")}


def _unambiguous(types: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return what each type is called: its name, or its reference where the name is not its alone."""
    counts = Counter(name for name, _ in types.values())
    return {known: name if counts[name] == 1 else known for known, (name, _) in types.items()}
