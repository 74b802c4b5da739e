"""Looks whether the exchange can work, before a run depends on it, and names what the administrator must change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.exchange import Exchange
from connectors.onec.enterprisedata.header import Header
from connectors.onec.enterprisedata.mirror import node_of
from connectors.onec.enterprisedata.options import VERSIONS, EnterpriseDataOptions, EnterpriseDataOrderOptions
from connectors.onec.enterprisedata.service import Service
from obmen.connector import Finding
from obmen.errors import ConfigurationError, Denied, ObmenError, Unavailable
from obmen.usage import Usage, named

READS: dict[str, tuple[str, ...]] = {
    "product": (keep.PRODUCT, keep.GROUP, keep.VARIANT, keep.BARCODES, keep.UNIT),
    "price": (keep.PRICES, keep.PRICE_TYPE),
    "customer": (keep.CONTRAGENT, keep.PERSON, keep.CARD),
    "order": (keep.ORDER,),
    "order_status": (keep.STATE,),
    "receipt": (keep.REPORT,),
}
"""Entity → the objects that its reading needs; without the first there is nothing to read."""
WRITES: dict[str, tuple[str, ...]] = {
    "product": (keep.PRODUCT, keep.BARCODES),
    "price": (keep.PRICES,),
    "customer": (keep.CONTRAGENT,),
    "order": (keep.ORDER,),
}
_OPTION = "enterprisedata"


def check_exchange(
    service: Service, exchange: Exchange, options: EnterpriseDataOptions, used: Usage | None = None
) -> Iterator[Finding]:
    """Yield what is right and wrong with the service, the node, the versions, the objects and the folder.

    ``used``: what flows carry through this door: what that cannot do without is a problem, and of the rest nothing is
    said. Where that is not known (None), it is a warning.
    """
    try:
        service.choose()
        service.test()
    except Denied as error:
        yield Finding("problem", str(error), f"{_OPTION}.username")
        return
    except ObmenError as error:
        yield Finding("problem", str(error), f"{_OPTION}.url")
        return
    yield Finding("ok", f"The base knows the node '{options.node}' and lets this user exchange.", f"{_OPTION}.node")
    try:
        base = _base(exchange)
    except ObmenError as error:
        yield Finding("problem", str(error), _OPTION)
        return
    yield from _format(base, options)
    yield from _objects(base, base.writable(options.versions), used)
    yield from _mirror(exchange, options)


def _base(exchange: Exchange) -> Header:
    """Return the base's header: of the message that it would send now, else of the last one."""
    try:
        return exchange.look()
    except Unavailable:
        with exchange.mirror.reading() as database:
            header = node_of(database).header
        if header is None:
            raise
        return header


def _format(base: Header, options: EnterpriseDataOptions) -> Iterator[Finding]:
    known = ", ".join(base.versions) or "none"
    if not base.version:
        message = (
            "The setting of the synchronization is not finished in 1C: the base sends its settings alone. The first"
            " run answers with Obmen's; then open the setting in 1C and finish it."
        )
        yield Finding("problem", message, f"{_OPTION}.node")
    version = base.writable(options.versions)
    if version:
        yield Finding(
            "ok", f"Messages to the base go in version {version} of EnterpriseData (it knows {known}).", _OPTION
        )
    else:
        message = f"The base knows the versions {known} of EnterpriseData, Obmen writes {', '.join(options.versions)}."
        yield Finding("problem", f"{message} Nothing can be written.", f"{_OPTION}.versions")
    if base.version and base.version not in VERSIONS:
        message = (
            f"The base sends in version {base.version}, which Obmen is not tested against; it is read all the same."
        )
        yield Finding("warning", message, _OPTION)


def _objects(base: Header, version: str, used: Usage | None) -> Iterator[Finding]:
    level: Literal["warning", "problem"] = "warning" if used is None else "problem"
    for entity, kinds in READS.items():
        if used is not None and entity not in used.reads:
            continue
        name = entity if used is None else f"{entity} ({named(used.reads[entity])})"
        missing = [kind for kind in kinds if not base.can_send(kind)]
        if not missing:
            yield Finding("ok", f"{name} can be read.", _OPTION)
        elif missing[0] == kinds[0]:
            yield Finding(level, f"{name} cannot be read: the base does not send {kinds[0]}.", _OPTION)
        else:
            message = f"{name} is read without {', '.join(missing)}, which the base does not send."
            yield Finding("warning", message, _OPTION)
    for entity, kinds in WRITES.items():
        if used is not None and entity not in used.writes:
            continue
        name = entity if used is None else f"{entity} ({named(used.writes[entity])})"
        missing = [kind for kind in kinds if not version or not base.can_receive(kind, version)]
        if missing:
            yield Finding(level, f"{name} cannot be written: the base does not load {', '.join(missing)}.", _OPTION)
        else:
            yield Finding("ok", f"{name} can be written.", _OPTION)
    yield Finding("ok", "Stock is not read by this door: UT sends no balances in EnterpriseData.", _OPTION)


def _mirror(exchange: Exchange, options: EnterpriseDataOptions) -> Iterator[Finding]:
    with exchange.mirror.reading() as database:
        node = node_of(database)
        if node.commits and not node.whole:
            message = (
                f"The folder {options.folder} began after the base had already sent to this node, so it does not hold"
                " everything: what is absent is not taken for gone. To begin anew, make a new node in 1C and an empty"
                " folder for it; or register all objects for the node again in 1C."
            )
            yield Finding("warning", message, f"{_OPTION}.folder")
        if options.order is not None and node.commits:
            for option, kind, known in _pointed_to(options.order):
                query = "SELECT 1 FROM object WHERE type = ? AND ref = ? AND deleted = 0"
                if database.execute(query, (kind, known)).fetchone() is None:
                    message = (
                        f"The base has not sent {kind} {known}, so orders cannot name it. Register it for the node."
                    )
                    yield Finding("problem", message, f"{_OPTION}.order.{option}")


def _pointed_to(order: EnterpriseDataOrderOptions) -> Iterator[tuple[str, str, str]]:
    yield "organization", keep.ORGANIZATION, order.organization
    yield "contragent", keep.CONTRAGENT, order.contragent
    if order.contract is not None:
        yield "contract", keep.CONTRACT, order.contract
    for name, known in order.warehouses.items():
        yield f"warehouses.{name}", keep.WAREHOUSE, known


def offered(exchange: Exchange, entity: str) -> bool:
    """Whether the base is known to send what an entity's reading needs; unknown counts as yes."""
    if entity not in READS:
        return False
    try:
        with exchange.mirror.reading() as database:
            base = node_of(database).header
    except ConfigurationError:
        return True
    return base is None or base.can_send(READS[entity][0])
