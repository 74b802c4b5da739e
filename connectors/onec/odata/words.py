"""What a base's classifiers call the things that goods refer to: groups, units, rates, brands, properties.

A renamed unit changes no good's version, so a reader that looked at versions alone would keep the old name for
ever. But new brands and values come every day and change no good that is known: only what is called otherwise
than before has everything read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec
import xxhash

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.needs import (
    BRANDS,
    CURRENCIES,
    FEATURES,
    GOODS,
    KINDS,
    MAKERS,
    PRICE_TYPES,
    UNITS,
    VALUES,
    VALUES_TREE,
    VAT_RATES,
)
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.tables import of_set
from obmen.connector import Memory
from obmen.records import Native

GROUPS = "groups"
"""Stands for the folders of Catalog_Номенклатура, which are kept apart from its goods."""
OF_GOODS = (GROUPS, UNITS, KINDS, BRANDS, MAKERS, VAT_RATES, FEATURES, VALUES, VALUES_TREE)
OF_PRICES = (PRICE_TYPES, CURRENCIES, UNITS)

_DECODING = "1"  # raised when records are made otherwise than before, so that unchanged ones are looked at again
_PACKAGE = "Упаковка"
_DEEPEST = 32
_CATALOG = "StandardODATA.Catalog_"
_REFERENCES = {
    "ЕдиницаИзмерения_Key": UNITS,
    "ВесЕдиницаИзмерения_Key": UNITS,
    "ДлинаЕдиницаИзмерения_Key": UNITS,
    "ПлощадьЕдиницаИзмерения_Key": UNITS,
    "ОбъемЕдиницаИзмерения_Key": UNITS,
    "ВидНоменклатуры_Key": KINDS,
    "Марка_Key": BRANDS,
    "Производитель_Key": MAKERS,
    "СтавкаНДС_Key": VAT_RATES,
    "Parent_Key": GROUPS,
}


class Word(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "ref": "Ref_Key",
        "name": "Description",
        "title": "Заголовок",
        "full": "НаименованиеПолное",
        "code": "Code",
        "short": "МеждународноеСокращение",
        "parent": "Parent_Key",
        "measures": "ТипИзмеряемойВеличины",
        "over": "Числитель",
        "under": "Знаменатель",
        "rate": "ПеречислениеСтавкаНДС",
        "currency": "ВалютаЦены_Key",
    },
):
    """An element of a classifier; what its catalog does not have is empty. ``over`` / ``under``: a unit's size."""

    ref: str
    name: str | None = ""
    title: str | None = ""
    full: str | None = ""
    code: str | None = ""
    short: str | None = ""
    parent: str | None = NO_REF
    measures: str | None = ""
    over: Decimal | None = None
    under: Decimal | None = None
    rate: str | None = ""
    currency: str | None = NO_REF

    @property
    def is_package(self) -> bool:
        """Whether it is a package of some good, rather than a unit of measure."""
        return self.measures in {"", None, _PACKAGE}

    @property
    def size(self) -> Decimal | None:
        """What one of it measures: base units in a package, kilograms or metres in a unit of measure."""
        return self.over / self.under if self.over and self.under else None


class Words:
    """The classifiers of one base as far as they were read."""

    def __init__(self, base: OData) -> None:
        self._base = base
        self._known: dict[str, dict[str, Word | None]] = {}

    def read(self, classifiers: Iterable[str]) -> None:
        """Read whole classifiers; packages of goods are left out, for there are as many as goods."""
        for classifier in classifiers:
            where = ""
            if classifier == GROUPS:
                where = "IsFolder eq true"
            elif classifier == UNITS and "ТипИзмеряемойВеличины" in self._base.metadata().properties(UNITS):
                where = f"ТипИзмеряемойВеличины ne '{_PACKAGE}'"
            known = self._known.setdefault(classifier, {})
            if self._published(classifier):
                for rows in self._base.rows(of_set(_set(classifier)), Word, where=where):
                    known.update((word.ref, word) for word in rows)

    def fill(self, objects: Iterable[Native]) -> None:
        """Look up what these goods and characteristics refer to and what is not known yet."""
        wanted: dict[str, set[str]] = {}
        for classifier, ref in _referred(objects):
            if ref not in self._known.get(classifier, {}):
                wanted.setdefault(classifier, set()).add(ref)
        for classifier, refs in wanted.items():
            self.look_up(classifier, refs)

    def look_up(self, classifier: str, refs: Iterable[str]) -> None:
        """Look up elements by reference; of groups also those that stand above them."""
        known = self._known.setdefault(classifier, {})
        for _ in range(_DEEPEST):
            refs = {ref for ref in refs if ref not in known and ref != NO_REF}
            if not refs or not self._published(classifier):
                return
            found = by_refs(self._base, _set(classifier), refs)
            for ref in refs:
                known[ref] = msgspec.convert(found[ref], Word) if ref in found else None
            refs = [str(row.get("Parent_Key") or NO_REF) for row in found.values()] if classifier == GROUPS else ()

    def word(self, classifier: str, ref: object) -> Word | None:
        """Return an element; None for the empty reference and for what the base does not tell."""
        return self._known.get(classifier, {}).get(str(ref))

    def name(self, classifier: str, ref: object) -> str:
        """Return what an element is called; empty where that is not told."""
        word = self.word(classifier, ref)
        return (word.name or "").strip() if word else ""

    def path(self, group: object) -> tuple[str, ...]:
        """Return a group's names from the root down to itself."""
        path: list[str] = []
        word = self.word(GROUPS, group)
        while word is not None and len(path) < _DEEPEST:
            path.append((word.name or "").strip())
            word = self.word(GROUPS, word.parent)
        return tuple(reversed(path))

    def of(self, classifier: str) -> Mapping[str, Word]:
        """Return a classifier as far as it is known."""
        return {ref: word for ref, word in self._known.get(classifier, {}).items() if word is not None}

    def digest(self, classifiers: Iterable[str]) -> bytes:
        """Return a digest of classifiers as far as they are known."""
        told = [list(self.of(classifier).values()) for classifier in classifiers]
        return xxhash.xxh3_128_digest(msgspec.json.encode(told))

    def epoch(self, memory: Memory, name: str) -> bytes:
        """Return a salt that changes when something is called otherwise than at any read before.

        What is new changes nothing: the good that refers to it has a new version itself. Groups are left out, for
        the slice of each good tells its path. A classifier that is published, or no longer, changes it too.
        """
        now = dict(self._digests())
        kept = memory.get(name) or b""
        count, before = int.from_bytes(kept[:8]), kept[8:]
        old = {before[at : at + 16]: before[at + 16 : at + 24] for at in range(0, len(before), 24)}
        renamed = any(old.get(ref, digest) != digest for ref, digest in now.items())
        if renamed or not now.keys() <= old.keys():
            count += renamed
            memory.put(name, count.to_bytes(8) + b"".join(ref + digest for ref, digest in (old | now).items()))
        published = sorted(name for name in self._known if self._published(name))
        return count.to_bytes(8) + xxhash.xxh3_128_digest(" ".join((_DECODING, *published)).encode())

    def _digests(self) -> Iterator[tuple[bytes, bytes]]:
        encode = msgspec.json.encode
        for classifier, known in self._known.items():
            if classifier != GROUPS:
                for word in known.values():
                    if word is not None:
                        yield xxhash.xxh3_128_digest(word.ref.encode()), xxhash.xxh3_64_digest(encode(word))

    def _published(self, classifier: str) -> bool:
        return _set(classifier) in self._base.metadata().sets


def _set(classifier: str) -> str:
    return GOODS if classifier == GROUPS else classifier


def _referred(objects: Iterable[Native]) -> Iterator[tuple[str, str]]:
    """Yield the classifier and the reference of all that the objects point to."""
    for one in objects:
        for name, classifier in _REFERENCES.items():
            if name in one and (ref := one[name]) != NO_REF:
                yield classifier, str(ref)
        for row in one.get("ДополнительныеРеквизиты") or ():
            yield FEATURES, str(row.get("Свойство_Key"))
            kind = str(row.get("Значение_Type") or "")
            if kind.startswith(_CATALOG):
                yield kind.removeprefix("StandardODATA."), str(row.get("Значение"))
