"""Free stock by OData: of each product at each warehouse, from the register that this version of UT has for it.

Every product is told at every warehouse, with a zero where nothing lies: 1C leaves out what is sold out, and a
number that is left out would stay in the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial

import msgspec
import xxhash

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.lists import Lists
from connectors.onec.odata.naming import chosen, unambiguous
from connectors.onec.odata.needs import CHARACTERISTICS, GOODS, WAREHOUSES, demand, russian
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.shares import Good, Of, OfGood, OfOwner, Share, Shares
from connectors.onec.odata.stock_sources import RestRow, Rests, free, rests, source_of
from connectors.onec.odata.tables import Table, either, of_set
from connectors.onec.odata.variants import (
    VARIANT_LIST,
    Characteristic,
    Owned,
    Used,
    Variants,
    expand_ids,
    item_id,
    split,
)
from connectors.onec.options import OneCOptions
from obmen.connector import Memory
from obmen.records import Late, Native, Page

_MARKS = "odata.marks.stock"
_GOODS = of_set(GOODS)
_NO_THINGS = ("Услуга", "Работа")
_DECODING = "2"  # raised when records are made otherwise than before, so that unchanged ones are looked at again
_THOUSANDTHS = Decimal("0.001")
_NOTHING = 0 * _THOUSANDTHS
_Sums = dict[tuple[str, str], dict[str, list[int]]]
"""What is on hand, reserved and coming, by product and warehouse."""


class _Warehouse(
    msgspec.Struct,
    rename={"ref": "Ref_Key", "name": "Description", "is_group": "IsFolder", "deleted": "DeletionMark"},
):
    ref: str
    name: str | None = ""
    is_group: bool = False
    deleted: bool = False


class _Slice(msgspec.Struct, array_like=True):
    """A product's Ид, and (warehouse, free quantity, what is kept of it for others), where anything lies or is kept.

    Quantities are in thousandths.
    """

    item: str
    rests: list[tuple[str, int, int]]


class Stock:
    """The free stock of one base. ``memory`` outlives the process."""

    def __init__(self, base: OData, options: OneCOptions, memory: Callable[[], Memory]) -> None:
        self._base, self._options, self._memory = base, options, memory
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
        listed = rests(self._base, self._source)
        wanted: dict[Table, type[msgspec.Struct]] = {listed.table: listed.kind}
        dealt: dict[Table, type[Of]] = {listed.table: OfGood}
        if {GOODS, CHARACTERISTICS} <= self._base.metadata().sets:
            wanted = {_GOODS: Used, VARIANT_LIST: Owned, **wanted}
            dealt = {_GOODS: Good, VARIANT_LIST: OfOwner, **dealt}
        where = {_GOODS: "IsFolder eq false", listed.table: listed.where}
        with Lists(self._base, wanted, where) as lists, Variants(lists) as variants:
            digest = lists.read()
            with Shares(lists, dealt) as shares:
                for number, mark in enumerate(shares.marks(digest, self._memory(), _MARKS)):
                    share = shares.share(number)
                    late = Late(partial(_slices, share, listed, warehouses, variants if _GOODS in dealt else None))
                    yield Page(late, decode=decode, salt=salt, where=self._source, mark=mark)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the stock of the products with these ids at every warehouse, a zero where there is none.

        The GUID of a good that is sold in characteristics names all of them, where the base publishes goods.
        """
        warehouses = self._began()
        products = self._products(ids)
        sums: _Sums = {}
        for where in either("Номенклатура_Key", (good for good, _ in products)):
            listed = rests(self._base, self._source, where)
            for rows in self._base.rows(listed.table, listed.kind, where=listed.where):
                _add(sums, rows, warehouses)
        for good, variant in products:
            found = sums.get((good, variant or NO_REF), {})
            yield from _natives(warehouses, _slice(good, variant, found))

    def _began(self) -> Mapping[str, str]:
        """Return the names of the warehouses that are wanted, by reference."""
        published = self._base.metadata().sets
        demand("stock", published)
        self._source = source_of(published, self._options.stock_source)
        found = [one for rows in self._base.rows(of_set(WAREHOUSES), _Warehouse) for one in rows]
        names = unambiguous({one.ref: one.name or "" for one in found if not (one.is_group or one.deleted)})
        return chosen(names, self._options.warehouses, "warehouses", russian(WAREHOUSES))

    def _products(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        if not {GOODS, CHARACTERISTICS} <= self._base.metadata().sets:
            return [split(one) for one in ids]
        return expand_ids(self._base, ids, by_refs(self._base, GOODS, (split(one)[0] for one in ids)))


def _slices(share: Share, listed: Rests, warehouses: Collection[str], variants: Variants | None) -> Iterator[bytes]:
    """Yield what lies of each product. With ``variants``, had where goods are published, no product is left out."""
    sums: _Sums = {}
    for rows in share.rows(listed.table, listed.kind):
        _add(sums, rows, warehouses)
    if variants is not None:
        things = [row for rows in share.rows(_GOODS, Used) for row in rows if row.sort not in _NO_THINGS]
        owned = variants.of(share, things)
        for row in things:
            for one in owned.get(row.owner) or [Characteristic(NO_REF)]:
                sums.setdefault((row.ref, one.ref), {})
    for (good, variant), places in sums.items():
        yield msgspec.json.encode(_slice(good, variant, places))


def _add(sums: _Sums, rows: Iterable[RestRow], warehouses: Collection[str]) -> None:
    for good, variant, place, *numbers in (row.rest() for row in rows):
        if place in warehouses:
            places = sums.setdefault((good, variant), {})
            known = places.get(place)
            places[place] = [one + more for one, more in zip(known, numbers, strict=True)] if known else numbers


def _slice(good: str, variant: str, places: Mapping[str, Sequence[int]]) -> _Slice:
    rests = ((place, free(*numbers), numbers[0]) for place, numbers in places.items())
    return _Slice(item_id(good, variant), sorted((place, left, there - left) for place, left, there in rests))


def _decoded(warehouses: Mapping[str, str], raw: bytes) -> Iterator[Native]:
    return _natives(warehouses, msgspec.json.decode(raw, type=_Slice))


def _natives(warehouses: Mapping[str, str], one: _Slice) -> Iterator[Native]:
    known = {place: (left * _THOUSANDTHS, kept * _THOUSANDTHS) for place, left, kept in one.rests}
    for ref, name in warehouses.items():
        left, kept = known.get(ref, (_NOTHING, _NOTHING))
        yield {"Ид": one.item, "ИдСклада": ref, "Склад": name, "Количество": left, "Занято": kept}
