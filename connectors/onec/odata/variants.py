"""Which characteristics a good is sold in: its own, or those that it shares with all goods of a kind.

Only what can be sold is a product: a good with characteristics is as many products as it has characteristics, and
is none itself; its Ид there is ``GUID#GUID``, as in CommerceML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from connectors.onec.odata.client import NO_REF, OData
from connectors.onec.odata.lists import Readable
from connectors.onec.odata.needs import CHARACTERISTICS, GOODS, KINDS
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.parts import Parts, decoded, encoded
from connectors.onec.odata.tables import of_set
from obmen.records import Native

UNUSED = "НеИспользовать"
_NO_THINGS = ("Услуга", "Работа")
OWN = "ИндивидуальныеДляНоменклатуры"
PRICED = "ХарактеристикаНоменклатурыДляЦенообразования_Key"
VARIANT = "variant"
OWNER = "owner"
"""The kinds of parts: a characteristic (reference, version, reference for prices) by its owner, and the owner of
a good's characteristics by the good."""


class Characteristic(
    msgspec.Struct, rename={"ref": "Ref_Key", "version": "DataVersion", "owner": "Owner", "priced": PRICED}
):
    """A characteristic of a good, or of all goods of a kind."""

    ref: str
    owner: str | None = None
    version: str | None = ""
    priced: str | None = ""


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


def put_variants(base: Readable, parts: Parts) -> None:
    """Keep every characteristic by its owner."""
    for rows in base.rows(VARIANT_LIST, Characteristic):
        told = ((row.owner or "", encoded(row.ref, row.version or "", row.priced or "")) for row in rows)
        parts.put(VARIANT, told)


def put_owners(base: OData, parts: Parts) -> None:
    """Keep, for every good that uses characteristics, who owns them."""
    where = f"IsFolder eq false and ИспользованиеХарактеристик ne '{UNUSED}'"
    for rows in base.rows(of_set(GOODS), Used, where=where):
        parts.put(OWNER, ((row.ref, row.owner) for row in rows if row.owner))


def every_thing(base: OData, parts: Parts) -> Iterator[list[tuple[str, str]]]:
    """Yield good and characteristic (empty for none) of all that can lie in a warehouse, page by page.

    ``parts`` hold the characteristics.
    """
    for rows in base.rows(of_set(GOODS), Used, where="IsFolder eq false"):
        held = parts.of({row.owner for row in rows} - {""}, VARIANT)
        yield [
            (row.ref, decoded(said)[0] if said else "")
            for row in rows
            if row.sort not in _NO_THINGS
            for said in held.get((row.owner, VARIANT)) or [""]
        ]


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
