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
from connectors.onec.odata.needs import GOODS, UNITS, demand
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.parts import Parts, batches, decoded
from connectors.onec.odata.pictures import PICTURE, PICTURE_LISTS, FileRow, pictures_of
from connectors.onec.odata.tables import Table, of_set, read_rows
from connectors.onec.odata.variants import (
    UNUSED,
    VARIANT,
    VARIANT_LIST,
    Characteristic,
    Used,
    existing,
    expand_ids,
    put_variants,
    split,
)
from connectors.onec.odata.words import GROUPS, OF_GOODS, Words
from obmen.connector import Memory
from obmen.errors import Refused
from obmen.records import Late, Native, Page

PAGE = 500
"""Goods of one page; it has as many slices as they are sold in."""
_EPOCH = "odata.words.product"
_LISTS: Mapping[Table, type[msgspec.Struct]] = {
    VARIANT_LIST: Characteristic,
    BARCODE_LIST: BarcodeRow,
    **dict.fromkeys(PICTURE_LISTS.values(), FileRow),
}


class _Version(Used, rename={"version": "DataVersion", "parent": "Parent_Key"}):
    version: str | None = ""
    parent: str | None = NO_REF


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
        with Lists(self._base, _LISTS) as lists, Parts() as parts, Belongings(self._base, lists, words) as belongings:
            seed = xxhash.xxh3_64_intdigest(lists.read() + words.digest((GROUPS, UNITS)))
            slices = _Slices(words, lists, parts, belongings)
            expand = partial(self._expanded, words, belongings)
            listed = self._base.raw_rows(of_set(GOODS), _Version, where="IsFolder eq false")
            for page in batches(chain.from_iterable(listed), PAGE):
                rows = b",".join(page)
                mark = xxhash.xxh3_128_digest(rows, seed=seed)
                yield Page(Late(partial(slices.of, rows)), expand=expand, salt=salt, where=GOODS, mark=mark)

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
        self, words: Words, belongings: Belongings, slices: Sequence[bytes]
    ) -> list[Iterable[Native] | Refused]:
        """Fetch what slices stand for; what was deleted meanwhile is nothing."""
        products = [split(msgspec.json.decode(raw)[0]) for raw in slices]
        goods = by_refs(self._base, GOODS, (good for good, _ in products))
        variants = existing(self._base, products)
        words.fill([*goods.values(), *variants.values()])
        held = belongings.of(goods, variants)
        found: list[Iterable[Native] | Refused] = []
        for good, variant in products:
            if good not in goods or (variant and variant not in variants):
                found.append(())
            else:
                found.append([_native(goods[good], variants.get(variant), held, words)])
        return found


class _Slices:
    """Makes slices of goods as a list tells them; the other lists are gone through once the first is made."""

    def __init__(self, words: Words, lists: Lists, parts: Parts, belongings: Belongings) -> None:
        self._words, self._lists, self._parts, self._belongings = words, lists, parts, belongings
        self._paths: dict[str | None, int] = {}
        self._ready = False

    def of(self, listed: bytes) -> list[bytes]:
        """Return, for each product of these goods, its Ид and all that changes when its record does."""
        self._prepare()
        rows = read_rows(listed, _Version)
        mark = self._belongings.mark
        varied = [row for row in rows if row.use != UNUSED]
        variants = self._parts.of({row.owner for row in varied} - {""}, VARIANT) if varied else {}
        slices: list[bytes] = []
        for row in rows:
            about = f'"{row.version}",{self._path(row.parent)},{mark(row.ref)}'
            told = variants.get((row.owner, VARIANT)) if row.use != UNUSED else None
            if not told:
                slices.append(f'["{row.ref}",{about}]'.encode())
                continue
            for variant, version, _ in map(decoded, told):
                slices.append(f'["{row.ref}#{variant}",{about},"{version}",{mark(variant)}]'.encode())
        return slices

    def _prepare(self) -> None:
        if not self._ready:
            put_variants(self._lists, self._parts)
            self._parts.index()
            self._ready = True

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
