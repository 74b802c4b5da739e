"""Goods by OData: a list of versions tells what changed, and only that is fetched.

A good's version does not change with its characteristics, barcodes or pictures, so each slice names theirs too,
and the path of its group. A slice stands for one thing that can be sold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import msgspec
import xxhash

from connectors.onec.odata.barcodes import BARCODE, barcodes, barcodes_among, codes_of
from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.good import native_of
from connectors.onec.odata.needs import GOODS, demand
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.parts import Parts, batches, decoded
from connectors.onec.odata.pictures import PICTURE, pictures, pictures_among, pictures_of
from connectors.onec.odata.tables import of_set
from connectors.onec.odata.variants import VARIANT, Used, existing, expand_ids, item_id, put_variants, split
from connectors.onec.odata.words import OF_GOODS, Words
from obmen.connector import Memory
from obmen.errors import Refused
from obmen.records import Native, Page

PAGE = 1000
_EPOCH = "odata.words.product"


class _Version(Used, rename={"version": "DataVersion", "parent": "Parent_Key"}):
    version: str | None = ""
    parent: str | None = NO_REF


class _Slice(msgspec.Struct, array_like=True):
    """A product as far as the lists tell it: its Ид, what may change, and the parts that its record needs."""

    item: str
    version: str
    path: int
    variant_version: str
    barcodes: list[str]
    pictures: list[str]


class Goods:
    """The goods of one base, one record for each thing that can be sold. ``memory`` outlives the process."""

    def __init__(self, base: OData, memory: Callable[[], Memory]) -> None:
        self._base, self._memory = base, memory

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield all products; what one of them is called and holds is fetched for new slices alone.

        Raises ConfigurationError where the base does not publish goods or characteristics.
        """
        del cursor
        demand("product", self._base.metadata().sets)
        words = Words(self._base)
        words.read(OF_GOODS)
        salt = words.epoch(self._memory(), _EPOCH)
        with Parts() as parts:
            put_variants(self._base, parts)
            for rows in barcodes(self._base, words):
                parts.put(BARCODE, rows)
            for rows in pictures(self._base):
                parts.put(PICTURE, rows)
            parts.index()
            expand = partial(self._expanded, words)
            for page in batches(self._slices(words, parts), PAGE):
                yield Page(page, expand=expand, salt=salt, where=GOODS)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the products with these ids; the GUID of a good with characteristics names all of them."""
        demand("product", self._base.metadata().sets)
        goods = by_refs(self._base, GOODS, (split(one)[0] for one in ids))
        products = expand_ids(self._base, ids, goods)
        variants = existing(self._base, products)
        words = Words(self._base)
        words.fill([*goods.values(), *variants.values()])
        owners = {ref for product in products for ref in product if ref}
        codes = _gathered(barcodes_among(self._base, words, goods))
        files = _gathered(pictures_among(self._base, owners))
        for good, variant in products:
            if variant and variant not in variants:
                continue
            said = files.get(variant) or files.get(good, [])
            yield self._native(goods[good], variants.get(variant), codes.get(good, []), said, words)

    def _slices(self, words: Words, parts: Parts) -> Iterator[bytes]:
        paths: dict[str | None, int] = {}
        encode = msgspec.json.encode
        for rows in self._base.rows(of_set(GOODS), _Version, where="IsFolder eq false"):
            for start in range(0, len(rows), PAGE):
                chunk = rows[start : start + PAGE]
                for row in chunk:
                    if row.parent not in paths:
                        paths[row.parent] = xxhash.xxh3_64_intdigest("\0".join(words.path(row.parent)).encode())
                for row, variant, version, codes, files in _joined(chunk, parts):
                    item = item_id(row.ref, variant)
                    yield encode(_Slice(item, row.version or "", paths[row.parent], version, codes, files))

    def _expanded(self, words: Words, slices: Sequence[bytes]) -> list[Iterable[Native] | Refused]:
        told = [msgspec.json.decode(raw, type=_Slice) for raw in slices]
        products = [split(one.item) for one in told]
        goods = by_refs(self._base, GOODS, (good for good, _ in products))
        variants = existing(self._base, products)
        words.fill([*goods.values(), *variants.values()])
        found: list[Iterable[Native] | Refused] = []
        for one, (good, variant) in zip(told, products, strict=True):
            if good not in goods or (variant and variant not in variants):
                found.append(())
                continue
            found.append([self._native(goods[good], variants.get(variant), one.barcodes, one.pictures, words)])
        return found

    def _native(
        self, good: Native, variant: Native | None, codes: Iterable[str], files: Iterable[str], words: Words
    ) -> Native:
        main = (variant or {}).get("ФайлКартинки_Key") or good.get("ФайлКартинки_Key")
        ref = str(variant["Ref_Key"]) if variant else ""
        return native_of(good, variant, codes_of(ref, codes), pictures_of(files, main), words)


def _joined(rows: Sequence[_Version], parts: Parts) -> Iterator[tuple[_Version, str, str, list[str], list[str]]]:
    """Yield each good with each of its characteristics (empty where it is sold without), and what belongs to it."""
    owners = {row.owner for row in rows} - {""}
    held = parts.of({row.ref for row in rows} | owners)
    told = [decoded(said) for owner in owners for said in held.get((owner, VARIANT), ())]
    shown = parts.of(ref for ref, *_ in told) if told else {}
    for row in rows:
        codes, files = held.get((row.ref, BARCODE), []), held.get((row.ref, PICTURE), [])
        variants = [decoded(said) for said in held.get((row.owner, VARIANT), ())] if row.owner else []
        if not variants:
            yield row, "", "", codes, files
        for ref, version, _ in variants:
            yield row, ref, version, [one for one in codes if ref in one], shown.get((ref, PICTURE)) or files


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for owner, said in pairs:
        found.setdefault(owner, []).append(said)
    return found
