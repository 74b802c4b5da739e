"""A base of any version, what the connector reads from it, and what the presets make of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.onec import OneC
from connectors.onec.odata.client import OData
from connectors.onec.options import OneCOptions
from connectors.onec.sandbox import OneCSandbox, references
from obmen.entities import ENTITIES
from obmen.errors import Refused
from obmen.mapping import BoundMapping, Context, load_mapping
from obmen.records import Item, Native, Page
from obmen.testing.clock import FakeClock
from tests.clocked import by

VERSIONS = ("11.4.2", "11.5.8", "11.5.20")
PRESETS = Path(__file__).resolve().parents[3] / "mappings" / "onec" / "odata"
CUSTOMER = {
    "phone": references.PHONE_KIND,
    "email": references.EMAIL_KIND,
    "address": references.ADDRESS_KIND,
}


@dataclass(frozen=True)
class Opened:
    """A running base, a client of it, and the options of the connection."""

    ut: OneCSandbox
    base: OData
    options: OneCOptions
    clock: FakeClock


@contextmanager
def opened(
    version: str = "11.5.20", *, sandbox: Any = None, clock: FakeClock | None = None, **more: Any
) -> Iterator[Opened]:
    """Open a base; ``sandbox`` holds the sandbox's own options, ``more`` the connection's."""
    moving = clock or FakeClock()

    with (
        by(moving, OneCSandbox)(version=version, journal=True, **(sandbox or {})) as ut,
        client(ut, moving, **more) as one,
    ):
        yield one


@contextmanager
def client(ut: OneCSandbox, clock: FakeClock, **more: Any) -> Iterator[Opened]:
    """Connect to a base that runs; another client is another Obmen."""
    options = OneC.Options(**{**ut.connection(), "customer": CUSTOMER, **more})
    onec = OneC("ut", options, clock=clock)
    try:
        yield Opened(ut, OData(onec.http), options, clock)
    finally:
        onec.close()


def natives(pages: Iterable[Page]) -> list[Native]:
    """Return all that pages hold; what a reader refuses is raised."""
    found: list[Native] = []
    for page in pages:
        expanded = page.expand(page.slices) if page.expand else [page.decode(raw) for raw in page.slices]
        for one in expanded:
            if isinstance(one, Refused):
                raise one
            found += one
    return found


def bound(entity: str, options: OneCOptions, zone: str = "Europe/Moscow") -> BoundMapping:
    """Return the preset of an entity, bound to a connection named ``ut``."""
    context = Context(connection="ut", options=options.model_dump(mode="json"), zone=ZoneInfo(zone))
    return load_mapping(PRESETS / f"{entity}.yaml").bind(context)


def canonical(entity: str, native: Native, options: OneCOptions, products: dict[str, str] | None = None) -> Any:
    """Return a native record as the canonical one; ``products``: Ид → SKU."""
    mapping = bound(entity, options)
    known = {("product", id_): sku for id_, sku in (products or {}).items()}
    return ENTITIES[entity].model_validate(mapping.pull(native, known))


def pushed(entity: str, record: Any, options: OneCOptions, products: dict[str, str] | None = None) -> Native:
    """Return a canonical record as the payload; ``products``: Ид → SKU."""
    mapping = bound(entity, options)
    known = {("product", sku): id_ for id_, sku in (products or {}).items()}
    payload: Native = mapping.push(record, known, {})
    return payload


def item(payload: Native, key: str | Sequence[str], native_id: str | None = None, attempt: int = 1) -> Item:
    """Return what the engine hands to a writer."""
    names = [key] if isinstance(key, str) else key
    return Item(
        id="|".join(str(payload[name]) for name in names), payload=payload, native_id=native_id, attempt=attempt
    )


def writes(ut: OneCSandbox) -> list[str]:
    """Return what was written, as method and the end of the address."""
    return [f"{one.method} {one.path.rpartition('/')[2]}" for one in ut.journal if one.method != "GET"]
