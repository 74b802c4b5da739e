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
from functools import partial
from itertools import groupby
from operator import itemgetter

import msgspec
import xxhash

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.mirror import Mirror
from connectors.onec.enterprisedata.pages import PAGE, SEPARATOR, Part, joined, pages, split
from connectors.onec.enterprisedata.variants import variants_of
from connectors.onec.odata.order_body import kopecks
from obmen.records import Native, Page

_LAST = """SELECT product, good, type, date, amount, factor, unit FROM (
    SELECT *, ROW_NUMBER() OVER (
        PARTITION BY good, type ORDER BY date DESC, document DESC, factor <> '1', line DESC) AS place
    FROM price WHERE product > ? AND product <= ? AND date <= ?) WHERE place = 1 ORDER BY product, good, type"""
_GOODS = """SELECT max(product) FROM (
    SELECT DISTINCT product FROM price WHERE product > ? ORDER BY product LIMIT ?)"""
_MADE_OF = (keep.PRICES, keep.VARIANT, keep.BARCODES)
"""A barcode may name a characteristic that is sold."""


def read_prices(mirror: Mirror, now: datetime) -> Iterator[Page]:
    """Yield the prices of what is sold; ``now`` is naive and in the base's zone, later documents do not count yet.

    A variant has the prices that were set for it, and of each other type the one that was set for its good.
    Natives: ``Ид``, ``ИдТипаЦены``, ``ТипЦены``, ``ЦенаЗаЕдиницу`` (of one base unit; where it is not known how many
    a pack holds, words that are no number), ``Валюта`` (the classifier's code), ``Упаковка`` and
    ``ЦенаЗаУпаковку`` (of a price for a pack), ``Дата`` from which it stands.
    """
    with mirror.reading() as database:
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

        yield from pages(database, _parts(database, now.isoformat()), decode, of=_MADE_OF, salt=salt, where=keep.PRICES)


def _parts(database: sqlite3.Connection, now: str) -> Iterator[Part]:
    (latest,) = database.execute("SELECT max(date) FROM price WHERE date <= ?", (now,)).fetchone()
    after = ""
    while last := database.execute(_GOODS, (after, PAGE)).fetchone()[0]:
        yield Part((after, last, latest), partial(_slices, database, now, after, last))
        after = last


def _slices(database: sqlite3.Connection, now: str, after: str, last: str) -> Iterator[bytes]:
    found = database.execute(_LAST, (after, last, now)).fetchall()
    sold = variants_of(database, sorted({row[0] for row in found}))
    for product, rows in groupby(found, key=itemgetter(0)):
        told: dict[str, dict[str, tuple[str, ...]]] = {}
        for _, good, *row in rows:
            told.setdefault(good, {})[row[0]] = tuple(row)
        for variant in sold.get(product) or ("",):
            good = f"{product}#{variant}" if variant else product
            prices = {**told.get(product, {}), **told.get(good, {})}
            if own := [joined(row) for _, row in sorted(prices.items()) if not _is_zero(row[2])]:
                yield SEPARATOR.join((good.encode(), *own))


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
