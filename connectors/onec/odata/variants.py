"""Which characteristics a good is sold in: its own, or those that it shares with all goods of a kind.

Only what can be sold is a product: a good with characteristics is as many products as it has characteristics, and
is none itself; its Ид there is ``GUID#GUID``, as in CommerceML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Self

import msgspec

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.lists import Readable
from connectors.onec.odata.needs import CHARACTERISTICS, GOODS, KINDS
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.parts import Parts, decoded, encoded
from connectors.onec.odata.tables import of_set
from obmen.records import Native

UNUSED = "НеИспользовать"
OWN = "ИндивидуальныеДляНоменклатуры"
PRICED = "ХарактеристикаНоменклатурыДляЦенообразования_Key"
_VARIANT = "variant"
"""The kind of parts: a characteristic (reference, version, reference for prices) by its owner."""


class Owned(msgspec.Struct, rename={"ref": "Ref_Key", "owner": "Owner"}):
    """A characteristic of a good, or of all goods of a kind."""

    ref: str
    owner: str | None = None


class Priced(Owned, rename={"priced": PRICED}):
    """The same, and what prices call it."""

    priced: str | None = ""


class Characteristic(Priced, rename={"version": "DataVersion"}):
    """All that is listed of a characteristic."""

    version: str | None = ""


class Used(
    msgspec.Struct,
    rename={
        "ref": "Ref_Key",
        "use": "ИспользованиеХарактеристик",
        "kind": "ВидНоменклатуры_Key",
        "shared": "ВладелецХарактеристик_Key",
        "sort": "ТипНоменклатуры",
    },
):
    """How a good uses characteristics, and whether it is a thing at all."""

    ref: str
    use: str | None = UNUSED
    kind: str | None = NO_REF
    shared: str | None = NO_REF
    sort: str | None = ""

    @property
    def owner(self) -> str:
        """Who owns the characteristics that the good is sold in: itself, a kind of goods, or (empty) nobody."""
        if not self.use or self.use == UNUSED:
            return ""
        if self.use == OWN:
            return self.ref
        return self.shared if self.shared and self.shared != NO_REF else self.kind or ""


VARIANT_LIST = of_set(CHARACTERISTICS)
USES = f"IsFolder eq false and ИспользованиеХарактеристик ne '{UNUSED}'"
"""The condition of goods that use characteristics."""


class Variants:
    """The characteristics in lists that were read. To be used as a context manager.

    Those of a good stand in its share; those that it has from elsewhere are looked for in the whole list.
    """

    def __init__(self, lists: Readable) -> None:
        self._lists = lists
        self._parts: Parts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._parts is not None:
            self._parts.__exit__()

    def of(self, share: Readable, goods: Iterable[Used]) -> dict[str, list[Characteristic]]:
        """Return the characteristics of a share's goods by their owner."""
        owners = {row.owner: row.owner == row.ref for row in goods if row.owner}
        found: dict[str, list[Characteristic]] = {}
        if True in owners.values():
            for rows in share.rows(VARIANT_LIST, Characteristic):
                for row in rows:
                    if row.owner in owners:
                        found.setdefault(row.owner, []).append(row)
        if others := [owner for owner, is_good in owners.items() if not is_good]:
            for (owner, _), told in self._all().of(others).items():
                found[owner] = [
                    Characteristic(ref, owner, priced, version) for ref, version, priced in map(decoded, told)
                ]
        for rows in found.values():
            rows.sort(key=attrgetter("ref"))
        return found

    def _all(self) -> Parts:
        if self._parts is None:
            self._parts = Parts()
            for rows in self._lists.rows(VARIANT_LIST, Characteristic):
                told = ((row.owner or "", encoded(row.ref, row.version or "", row.priced or "")) for row in rows)
                self._parts.put(_VARIANT, told)
            self._parts.index()
        return self._parts


def item_id(good: str, variant: str | None) -> str:
    """Return a product's Ид: ``GUID``, or ``GUID#GUID`` of its characteristic."""
    return f"{good}#{variant}" if variant and variant != NO_REF else good


def split(item: str) -> tuple[str, str]:
    """Return the good and the characteristic of an Ид; empty where it has none."""
    good, _, variant = item.partition("#")
    return good.lower(), variant.lower()


def expand_ids(base: OData, ids: Iterable[str], goods: Mapping[str, Native]) -> list[tuple[str, str]]:
    """Return good and characteristic of every product that the ids name, each once.

    ``goods`` are those that the base has. The GUID of a good that is sold in characteristics names all of them.
    """
    found: dict[tuple[str, str], None] = {}
    for good, variant in map(split, ids):
        if good not in goods:
            continue
        used = msgspec.convert(goods[good], Used)
        every = [] if variant or not used.owner else list(_of_owner(base, used))
        found.update(((good, one), None) for one in every or [variant])
    return list(found)


def existing(base: OData, products: Iterable[tuple[str, str]]) -> dict[str, Native]:
    """Return the characteristics of products that the base has, by reference."""
    return by_refs(base, CHARACTERISTICS, {variant for _, variant in products if variant})


def _of_owner(base: OData, used: Used) -> Iterator[str]:
    owner_set = GOODS if used.owner == used.ref else KINDS
    where = f"Owner eq cast(guid'{used.owner}','{owner_set}')"
    for page in base.pages(CHARACTERISTICS, where=where, select=("Ref_Key",)):
        for row in page:
            yield str(row["Ref_Key"])
