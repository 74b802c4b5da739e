"""Free stock by OData: of each product at each warehouse, from the register that this version of UT has for it.

Every product is told at every warehouse, with a zero where nothing lies: 1C leaves out what is sold out, and a
number that is left out would stay in the channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import itemgetter

import msgspec
import xxhash

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.naming import chosen, unambiguous
from connectors.onec.odata.needs import CHARACTERISTICS, GOODS, WAREHOUSES, demand, russian
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.parts import Parts, batches
from connectors.onec.odata.stock_sources import Rest, free, rests, source_of
from connectors.onec.odata.tables import either, of_set
from connectors.onec.odata.variants import every_thing, expand_ids, item_id, put_variants, split
from connectors.onec.options import OneCOptions
from connectors.onec.scratch import scratch
from obmen.records import Native, Page

PAGE = 1000
_DECODING = "1"  # raised when records are made otherwise than before, so that unchanged ones are looked at again
_THOUSANDTHS = Decimal("0.001")
_SUMMED = "SELECT good, variant, place, sum(here), sum(held), sum(coming) FROM rest GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"


class _Warehouse(
    msgspec.Struct,
    rename={"ref": "Ref_Key", "name": "Description", "is_group": "IsFolder", "deleted": "DeletionMark"},
):
    ref: str
    name: str | None = ""
    is_group: bool = False
    deleted: bool = False


class _Slice(msgspec.Struct, array_like=True):
    """A product's Ид, and (warehouse, free quantity in thousandths) where anything lies or is reserved."""

    item: str
    rests: list[tuple[str, int]]


class Stock:
    """The free stock of one base."""

    def __init__(self, base: OData, options: OneCOptions) -> None:
        self._base, self._options = base, options
        self._source = ""

    def way(self) -> str:
        """Say where stock is read, once it was."""
        return f"OData, {russian(self._source)}" if self._source else "OData"

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the stock of all products, one slice each.

        Where goods are not published, only those of which anything lies or is reserved. Raises ConfigurationError
        where the base publishes no stock, not the wanted register, or no warehouse of a name in ``warehouses``.
        """
        del cursor
        warehouses = self._began()
        told = msgspec.json.encode((_DECODING, self._source, sorted(warehouses.items())))
        decode, salt = partial(_decoded, warehouses), xxhash.xxh3_128_digest(told)
        with closing(scratch()) as database:
            database.execute("CREATE TABLE rest (good TEXT, variant TEXT, place TEXT, here INT, held INT, coming INT)")
            for rows in self._rows(warehouses):
                database.execute("BEGIN")
                database.executemany("INSERT INTO rest VALUES (?, ?, ?, ?, ?, ?)", rows)
                database.execute("COMMIT")
            for page in batches(_slices(database.execute(_SUMMED)), PAGE):
                yield Page(page, decode=decode, salt=salt, where=self._source)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the stock of the products with these ids at every warehouse, a zero where there is none.

        The GUID of a good that is sold in characteristics names all of them, where the base publishes goods.
        """
        warehouses = self._began()
        products = self._products(ids)
        sums: dict[tuple[str, str], dict[str, list[int]]] = {}
        for where in either("Номенклатура_Key", (good for good, _ in products)):
            for rows in rests(self._base, self._source, where):
                for row in rows:
                    own = sums.setdefault((row.good, row.variant), {}).setdefault(row.place, [0, 0, 0])
                    own[:] = [own[0] + row.on_hand, own[1] + row.reserved, own[2] + row.coming]
        for good, variant in products:
            places = sums.get((good, variant or NO_REF), {})
            found = [(place, free(*numbers)) for place, numbers in places.items()]
            yield from _natives(warehouses, _Slice(item_id(good, variant), found))

    def _began(self) -> Mapping[str, str]:
        """Return the names of the warehouses that are wanted, by reference."""
        published = self._base.metadata().sets
        demand("stock", published)
        self._source = source_of(published, self._options.stock_source)
        found = [one for rows in self._base.rows(of_set(WAREHOUSES), _Warehouse) for one in rows]
        names = unambiguous({one.ref: one.name or "" for one in found if not (one.is_group or one.deleted)})
        return chosen(names, self._options.warehouses, "warehouses", russian(WAREHOUSES))

    def _rows(self, warehouses: Mapping[str, str]) -> Iterator[list[Rest]]:
        """Yield what lies where, then each product with nothing at no place, so that none is left out."""
        for rows in rests(self._base, self._source):
            yield [row for row in rows if row.place in warehouses]
        if {GOODS, CHARACTERISTICS} <= self._base.metadata().sets:
            with Parts() as parts:
                put_variants(self._base, parts)
                parts.index()
                for products in every_thing(self._base, parts):
                    yield [Rest(good, variant or NO_REF, "", 0, 0, 0) for good, variant in products]

    def _products(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        if not {GOODS, CHARACTERISTICS} <= self._base.metadata().sets:
            return [split(one) for one in ids]
        return expand_ids(self._base, ids, by_refs(self._base, GOODS, (split(one)[0] for one in ids)))


def _slices(summed: Iterator[tuple[str, str, str, int, int, int]]) -> Iterator[bytes]:
    for (good, variant), rows in groupby(summed, key=itemgetter(0, 1)):
        found = [(place, free(here, held, coming)) for _, _, place, here, held, coming in rows if place]
        yield msgspec.json.encode(_Slice(item_id(good, variant), found))


def _decoded(warehouses: Mapping[str, str], raw: bytes) -> Iterator[Native]:
    return _natives(warehouses, msgspec.json.decode(raw, type=_Slice))


def _natives(warehouses: Mapping[str, str], one: _Slice) -> Iterator[Native]:
    known = dict(one.rests)
    for ref, name in warehouses.items():
        yield {"Ид": one.item, "ИдСклада": ref, "Склад": name, "Количество": known.get(ref, 0) * _THOUSANDTHS}
