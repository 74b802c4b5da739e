"""What ``check`` tells of a base's composition: what it lacks for each entity, by its names in 1C.

Also who else is at work there: a UT that exchanges with a marketplace itself would take each order a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from connectors.onec.odata.client import OData
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.naming import chosen
from connectors.onec.odata.needs import (
    GOODS,
    MARKETPLACES,
    NEEDS,
    PRICE_TYPES,
    PUBLISH,
    WAREHOUSES,
    Need,
    missing,
    russian,
    told,
)
from connectors.onec.odata.price_rows import register_of
from connectors.onec.odata.stock_sources import source_of
from connectors.onec.odata.version import vat_is_catalog, version_of
from connectors.onec.options import OneCOptions
from obmen.connector import Finding
from obmen.errors import ConfigurationError, Denied
from obmen.usage import Usage

_RESTRICTED = (
    "If the user is meant to see a part of them alone, allowed_only: true reads that part; what is hidden is then"
    " not there for Obmen."
)


def describe(metadata: Metadata, url: str) -> Finding:
    """Say which version answers and how much it publishes."""
    version = version_of(metadata)
    shape = f"UT {version}" if version else "its version cannot be told from what is published"
    return Finding("ok", f"{url} answers: {shape}; {len(metadata.sets)} objects are published.", "url")


def check_composition(
    base: OData, options: OneCOptions, entities: Sequence[str], *, used: Usage | None = None
) -> Iterator[Finding]:
    """Say what the base lacks for these entities, and look at the options that name something in it.

    ``used``: what flows carry: what that cannot do without is a problem, with the flows' names, and of the rest nothing
    is said. Where that is not known (None), it is a warning of goods, and of the others only told.
    """
    unused: list[str] = []
    for entity in entities:
        if entity not in NEEDS or (used is not None and entity not in used):
            continue
        lacking = list(missing(entity, base.metadata().sets, vat_is_catalog=vat_is_catalog(base.metadata())))
        vital = [need for need in lacking if not need.without]
        name = entity if used is None else f"{entity} ({used.flows(entity)})"
        if vital and used is None and entity not in _DETAILS:
            unused.append(f"{entity}: {_listed(vital)}")
        elif vital:
            message = f"{name} cannot pass by OData: the base does not publish {_listed(vital)}. {PUBLISH}"
            yield Finding("warning" if used is None else "problem", message, "url")
        else:
            yield from (_without(name, need) for need in lacking if used is not None or entity in _DETAILS)
            yield from _looked_at(entity, partial(_DETAILS.get(entity, _nothing), base, options))
    if unused:
        yield Finding("ok", f"Not published, and needed only where a flow carries it: {'; '.join(unused)}.", "url")
    yield from _marketplaces(base)


def _listed(needs: Sequence[Need]) -> str:
    return ", ".join(told(need) for need in needs)


def _without(entity: str, need: Need) -> Finding:
    return Finding("warning", f"{entity}: the base does not publish {told(need)}, so {need.without}. {PUBLISH}", "url")


def _looked_at(entity: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Denied as error:
        yield Finding("problem", f"{entity}: {error} {_RESTRICTED}", "username")
    except ConfigurationError as error:
        yield Finding("problem", f"{entity}: {error}", str(error).partition(":")[0])


def _goods(base: OData, options: OneCOptions) -> Iterator[Finding]:
    seen = "that the user may see " if options.allowed_only else ""
    yield Finding("ok", f"product: {base.count(GOODS)} elements {seen}in {russian(GOODS)}.", "url")


def _prices(base: OData, options: OneCOptions) -> Iterator[Finding]:
    names = chosen(_names(base, PRICE_TYPES), options.price_types, "price_types", russian(PRICE_TYPES))
    types = ", ".join(sorted(names.values()))
    yield Finding("ok", f"price: {russian(register_of(base))}; types {types or 'none'}.", "url")


def _stock(base: OData, options: OneCOptions) -> Iterator[Finding]:
    source = source_of(base.metadata().sets, options.stock_source)
    names = chosen(_names(base, WAREHOUSES), options.warehouses, "warehouses", russian(WAREHOUSES))
    places = ", ".join(sorted(names.values()))
    yield Finding("ok", f"stock: {russian(source)}; warehouses {places or 'none'}.", "url")


def _nothing(_base: OData, _options: OneCOptions) -> Iterator[Finding]:
    return iter(())


_DETAILS: Mapping[str, Callable[[OData, OneCOptions], Iterator[Finding]]] = {
    "product": _goods,
    "price": _prices,
    "stock": _stock,
}


def _names(base: OData, catalog: str) -> dict[str, str]:
    """Return the elements of a catalog by reference, without folders and what is marked for deletion."""
    rows = (row for page in base.pages(catalog, where="DeletionMark eq false") for row in page)
    return {row["Ref_Key"]: str(row.get("Description") or "").strip() for row in rows if not row.get("IsFolder")}


def _marketplaces(base: OData) -> Iterator[Finding]:
    """Warn of accounts at marketplaces by which UT itself exchanges goods and orders."""
    if MARKETPLACES not in base.metadata().sets:
        return
    try:
        names = sorted(_names(base, MARKETPLACES).values())
    except Denied as error:
        yield Finding("warning", f"Whether UT exchanges with marketplaces itself cannot be told: {error}", "username")
        return
    if names:
        message = (
            f"UT itself exchanges with marketplaces ({russian(MARKETPLACES)}: {', '.join(names)}). An order that both"
            " take comes into 1C twice: leave each of these shops either to UT or to Obmen."
        )
        yield Finding("warning", message, "url")
