"""Goods by OData: a list of versions tells what changed, and only that is fetched.

A good's version does not change with its characteristics, barcodes or pictures, so each slice tells of theirs too,
and of the path of its group. A slice stands for one thing that can be sold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

import msgspec
import xxhash

from connectors.onec.odata.barcodes import BARCODE, BARCODE_LIST, BarcodeRow, codes_of
from connectors.onec.odata.belongings import Belonging, Belongings, among
from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.good import native_of
from connectors.onec.odata.lists import Lists
from connectors.onec.odata.needs import GOODS, PICTURES, UNITS, demand
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.pictures import PICTURE, PICTURE_LISTS, FileRow, pictures_of
from connectors.onec.odata.shares import Good, OfFile, OfGood, OfOwner, Share, Shares
from connectors.onec.odata.tables import Table, of_set
from connectors.onec.odata.variants import (
    UNUSED,
    VARIANT_LIST,
    Characteristic,
    Used,
    Variants,
    existing,
    expand_ids,
    split,
)
from connectors.onec.odata.words import GROUPS, OF_GOODS, Words
from obmen.connector import Memory
from obmen.errors import Refused
from obmen.records import Late, Native, Page

_EPOCH, _MARKS = "odata.words.product", "odata.marks.product"
_GOODS = of_set(GOODS)


class _Version(Used, rename={"version": "DataVersion", "parent": "Parent_Key"}):
    version: str | None = ""
    parent: str | None = NO_REF


_LISTS: Mapping[Table, type[msgspec.Struct]] = {
    _GOODS: _Version,
    VARIANT_LIST: Characteristic,
    BARCODE_LIST: BarcodeRow,
    **dict.fromkeys(PICTURE_LISTS.values(), FileRow),
}
_DEALT = {_GOODS: Good, VARIANT_LIST: OfOwner, BARCODE_LIST: OfGood, PICTURE_LISTS[PICTURES]: OfFile}
"""The pictures of characteristics say nothing of the good."""


class Goods:
    """The goods of one base, one record for each thing that can be sold. ``memory`` outlives the process."""

    def __init__(self, base: OData, memory: Callable[[], Memory]) -> None:
        self._base, self._memory = base, memory

    def way(self) -> str:
        """Say how goods are read."""
        return "OData, lists of versions"

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield all products; what one of them is called and holds is fetched for new slices alone.

        Raises ConfigurationError where the base does not publish goods or characteristics.
        """
        del cursor
        demand("product", self._base.metadata().sets)
        words = Words(self._base)
        words.read(OF_GOODS)
        salt = words.epoch(self._memory(), _EPOCH)
        published = self._base.metadata().sets
        wanted = {table: kind for table, kind in _LISTS.items() if table.type in published}
        dealt = {table: _DEALT[table] for table in wanted if table in _DEALT}
        with (
            Lists(self._base, wanted, {_GOODS: "IsFolder eq false"}) as lists,
            Belongings(self._base, lists, words) as belongings,
            Variants(lists) as variants,
        ):
            digest, about = lists.read(), words.digest((GROUPS, UNITS))
            slices = _Slices(words, variants, belongings)
            with Shares(lists, dealt, wanted.keys() - dealt.keys()) as shares:
                for number, mark in enumerate(shares.marks(digest, self._memory(), _MARKS)):
                    share = shares.share(number)
                    expand = partial(self._expanded, words, belongings, share)
                    late = Late(partial(slices.of, share))
                    yield Page(late, expand=expand, salt=salt, where=GOODS, mark=mark + about)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the products with these ids; the GUID of a good with characteristics names all of them."""
        demand("product", self._base.metadata().sets)
        goods = by_refs(self._base, GOODS, (split(one)[0] for one in ids))
        products = expand_ids(self._base, ids, goods)
        variants = existing(self._base, products)
        words = Words(self._base)
        words.fill([*goods.values(), *variants.values()])
        held = among(self._base, words, goods, variants)
        for good, variant in products:
            if not variant or variant in variants:
                yield _native(goods[good], variants.get(variant), held, words)

    def _expanded(
        self, words: Words, belongings: Belongings, share: Share, slices: Sequence[bytes]
    ) -> list[Iterable[Native] | Refused]:
        """Fetch what slices stand for; what was deleted meanwhile is nothing."""
        products = [split(msgspec.json.decode(raw)[0]) for raw in slices]
        goods = by_refs(self._base, GOODS, (good for good, _ in products))
        variants = existing(self._base, products)
        words.fill([*goods.values(), *variants.values()])
        held = belongings.of(share, goods, variants)
        found: list[Iterable[Native] | Refused] = []
        for good, variant in products:
            if good not in goods or (variant and variant not in variants):
                found.append(())
            else:
                found.append([_native(goods[good], variants.get(variant), held, words)])
        return found


class _Slices:
    """Makes the slices of a share of the goods."""

    def __init__(self, words: Words, variants: Variants, belongings: Belongings) -> None:
        self._words, self._variants, self._belongings = words, variants, belongings
        self._paths: dict[str | None, int] = {}

    def of(self, share: Share) -> list[bytes]:
        """Return, for each product of these goods, its Ид and all that changes when its record does."""
        goods = [row for rows in share.rows(_GOODS, _Version) for row in rows]
        variants = self._variants.of(share, [row for row in goods if row.use != UNUSED])
        owners = chain((row.ref for row in goods), (one.ref for told in variants.values() for one in told))
        mark = self._belongings.marks(share, owners).get
        paths = {parent: self._path(parent) for parent in {row.parent for row in goods}}
        slices: list[bytes] = []
        for row in goods:
            ref = row.ref
            about = f'"{row.version}",{paths[row.parent]},{mark(ref, 0)}'
            told = variants.get(row.owner) if row.use != UNUSED else None
            if not told:
                slices.append(f'["{ref}",{about}]'.encode())
                continue
            slices += [f'["{ref}#{one.ref}",{about},"{one.version}",{mark(one.ref, 0)}]'.encode() for one in told]
        return slices

    def _path(self, group: str | None) -> int:
        if group not in self._paths:
            self._paths[group] = xxhash.xxh3_64_intdigest("\0".join(self._words.path(group)).encode())
        return self._paths[group]


def _native(good: Native, variant: Native | None, held: Belonging, words: Words) -> Native:
    ref, own = str(good["Ref_Key"]), str(variant["Ref_Key"]) if variant else ""
    codes = codes_of(own, held.get((ref, BARCODE), []))
    files = held.get((own, PICTURE)) or held.get((ref, PICTURE), [])
    main = (variant or {}).get("ФайлКартинки_Key") or good.get("ФайлКартинки_Key")
    return native_of(good, variant, codes, pictures_of(files, main), words)
