"""What can be told of a connection before a run: what is published, and what the options point to.

An object that the administrator did not publish, or a reference to nothing, would otherwise show itself at
the first order, in 1C's words, in the night.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.onec.commerceml import CommerceML
from connectors.onec.doors import door_of
from connectors.onec.odata.client import OData
from connectors.onec.odata.composition import check_composition, describe
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.needs import NEEDS, PUBLISH, russian
from connectors.onec.odata.order_body import DOCUMENT, REFERENCES, ROW, has_vat_catalog
from connectors.onec.options import OneCOptions, OrderOptions
from obmen.connector import Finding
from obmen.errors import Denied, ObmenError, Refused
from obmen.usage import Usage

_ORDERS = ("order", "order_status")
_NEEDED = (
    "Ref_Key",
    "Number",
    "Date",
    "Posted",
    "DeletionMark",
    "DataVersion",
    "Статус",
    "Комментарий",
    "НомерПоДаннымКлиента",
    "ДатаПоДаннымКлиента",
    "СкидкиРассчитаны",
    "СуммаДокумента",
    "Товары",
)


def check_files(options: OneCOptions) -> Iterator[Finding]:
    """Look at the CommerceML folder or file."""
    if options.commerceml is None:
        return
    source = CommerceML(options.commerceml)
    for problem in source.problems():
        yield Finding("problem" if problem.code == "doubled_good" else "warning", str(problem), "commerceml")
    prices, warehouses = (", ".join(names.values()) for names in (source.price_types(), source.warehouses()))
    message = f"{options.commerceml}: price types {prices or 'none'}; warehouses {warehouses or 'none'}."
    yield Finding("ok", message, "commerceml")


def check_base(base: OData, options: OneCOptions, used: Usage | None = None) -> Iterator[Finding]:
    """Reach the base, and hold its metadata and its references against what is read and written there.

    ``used``: what flows carry to or from this connection; None where that is not known.
    """
    metadata = base.metadata()
    yield describe(metadata, str(options.url))
    here = [entity for entity in NEEDS if door_of(options, entity) == "odata"]
    yield from check_composition(base, options, [one for one in here if one not in _ORDERS], used=used)
    carried = [entity for entity in _ORDERS if entity in here and (used is None or entity in used)]
    if carried:
        yield from _orders(base, metadata, options, "" if used is None else used.flows(*carried))


def _orders(base: OData, metadata: Metadata, options: OneCOptions, flows: str) -> Iterator[Finding]:
    if DOCUMENT not in metadata.sets:
        told = f" ({flows})" if flows else ""
        message = f"{russian(DOCUMENT)} is not published, so no order can be written or read{told}. {PUBLISH}"
        yield Finding("problem", message, "url")
        return
    missing = [name for name in _NEEDED if name not in metadata.properties(DOCUMENT)]
    if missing:
        message = f"{russian(DOCUMENT)} of this base lacks {', '.join(missing)}: is it UT 11.4 or 11.5?"
        yield Finding("problem", message, "url")
        return
    version = "11.5 (VAT rates are a catalog)" if has_vat_catalog(metadata) else "11.4 (VAT rates are an enumeration)"
    yield Finding("ok", f"{russian(DOCUMENT)} is published, in the shape of UT {version}.", "url")
    base.some(DOCUMENT, where="Posted eq true", top=1, select=("Ref_Key",))
    if options.order is None:
        yield Finding("warning", "No `order:` section, so orders cannot be written into this base.", "order")
        return
    if "Отменено" not in metadata.properties(ROW):
        yield Finding("warning", "Lines have no Отменено: a cancelled order will only be closed.", "url")
    yield from _references(base, metadata, options.order)


def _references(base: OData, metadata: Metadata, options: OrderOptions) -> Iterator[Finding]:
    found = 0
    for option, entity_set, ref in _pointed_to(options, metadata):
        where = f"order.{option}"
        if entity_set not in metadata.sets:
            message = f"{russian(entity_set)} is not published, so {where} cannot be verified. {PUBLISH}"
            yield Finding("warning", message, where)
            continue
        try:
            known = base.get(entity_set, ref, ("Ref_Key", "DeletionMark"))
        except Denied as error:
            yield Finding("warning", f"{where} cannot be verified: {error}", where)
            continue
        except Refused as error:
            yield Finding("problem", f"{where}: {error}", where)
            continue
        if known is None:
            yield Finding("problem", f"{russian(entity_set)} has no {ref}: {where} points to nothing.", where)
        elif known.get("DeletionMark") is True:
            yield Finding("warning", f"{russian(entity_set)} {ref} ({where}) is marked for deletion.", where)
        else:
            found += 1
    yield Finding("ok", f"{found} references of `order:` exist in the base.", "order")


def _pointed_to(options: OrderOptions, metadata: Metadata) -> Iterable[tuple[str, str, str]]:
    """Yield (option, catalog, reference) for everything that the section points to."""
    for option, (_, entity_set) in REFERENCES.items():
        if (ref := getattr(options, option)) is not None:
            yield option, entity_set, ref
    if options.cancel_reason is not None:
        yield "cancel_reason", "Catalog_ПричиныОтменыЗаказовКлиентов", options.cancel_reason
    for code, ref in options.currencies.items():
        yield f"currencies.{code}", "Catalog_Валюты", ref
    for name, ref in options.warehouses.items():
        yield f"warehouses.{name}", "Catalog_Склады", ref
    if has_vat_catalog(metadata):
        for rate, ref in options.vat_rates.items():
            yield f"vat_rates.{rate}", "Catalog_СтавкиНДС", ref


def check_connection(
    base: OData | None, options: OneCOptions, used: Usage | None = None, *, awaits_goods: bool = False
) -> Iterator[Finding]:
    """Check all that the connection names; trouble with one part does not hide the other. See ``check_base``.

    ``awaits_goods``: 1C is still to push its first files, so there is nothing to look at.
    """
    if options.commerceml is None and options.url is None and options.enterprisedata is None:
        message = "None of commerceml, url and enterprisedata is set: no door of 1C is open, so there is nothing to do."
        yield Finding("problem", message)
    try:
        if not awaits_goods:
            yield from check_files(options)
    except ObmenError as error:
        yield Finding("problem", str(error), "commerceml")
    if base is None:
        return
    try:
        yield from check_base(base, options, used)
    except Denied as error:
        yield Finding("problem", str(error), "username")
    except ObmenError as error:
        yield Finding("problem", str(error), "url")
