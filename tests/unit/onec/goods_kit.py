"""A base of each version, its goods by OData, and an engine's way of looking at pages."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.onec import OneC
from connectors.onec.odata.client import OData
from connectors.onec.odata.goods import Goods
from connectors.onec.odata.prices import Prices
from connectors.onec.odata.stock import Stock
from connectors.onec.sandbox import OneCSandbox, references
from obmen.connector import Memory, ShortMemory
from obmen.mapping import BoundMapping, Context, load_mapping
from obmen.records import Native, Page
from obmen.testing.clock import FakeClock
from tests.unit.onec.odata_support import connected

VERSIONS = ("11.4.2", "11.5.8", "11.5.20")
PRESETS = Path(__file__).resolve().parents[3] / "mappings" / "onec"
CONTEXT = Context(connection="ut", options={}, zone=ZoneInfo("Europe/Moscow"))


@dataclass
class Door:
    """A connection to a base, and the same base as its administrator and its people see it."""

    onec: OneC
    ut: OneCSandbox
    memory: Memory
    clock: FakeClock

    def base(self) -> OData:
        """Return a client as it is after a restart."""
        allowed_only = self.onec.options.allowed_only
        return OData(self.onec.http, memory=lambda: self.memory, clock=self.clock, allowed_only=allowed_only)

    def goods(self) -> Goods:
        return Goods(self.base(), lambda: self.memory)

    def prices(self) -> Prices:
        return Prices(self.base(), self.onec.options, lambda: self.memory, self.clock)

    def stock(self) -> Stock:
        return Stock(self.base(), self.onec.options, lambda: self.memory)

    def asked(self) -> list[str]:
        """Return the paths that were asked for since the last look."""
        paths = [exchange.path.rpartition("standard.odata/")[2] for exchange in self.ut.journal]
        self.ut.journal.clear()
        return paths


@contextmanager
def door(version: str = "11.5.20", sandbox: dict[str, Any] | None = None, **options: Any) -> Iterator[Door]:
    clock = FakeClock()
    order = options.pop("order", references.order_options(version))
    with connected(clock, sandbox={"version": version, **(sandbox or {})}, order=order, **options) as (onec, ut):
        yield Door(onec, ut, ShortMemory(), clock)


def natives(pages: Iterable[Page]) -> list[Native]:
    """Return all records of a read, each page expanded or decoded."""
    found: list[Native] = []
    for page in pages:
        if page.expand is None:
            given: Iterable[Any] = [page.decode(raw) for raw in page.slices]
        else:
            given = page.expand(page.slices)
        for several in given:
            found += several
    return found


def by_item(found: Iterable[Native]) -> dict[str, Native]:
    """Return records by their Ид, which each has alone."""
    known: dict[str, Native] = {}
    for native in found:
        assert native["Ид"] not in known
        known[native["Ид"]] = native
    return known


def natives_of(one: Door, *ids: str) -> dict[str, dict[str, object]]:
    return by_item(one.goods().look_up(ids))


def prints(read: Callable[[None], Iterable[Page]]) -> dict[bytes, bytes]:
    """Return salted slices as an engine tells them apart, by what they say first: the Ид."""
    return {raw.partition(b",")[0]: page.salt + raw for page in read(None) for raw in page.slices}


def changed(before: dict[bytes, bytes], after: dict[bytes, bytes]) -> set[str]:
    """Return the Ид of what is new or otherwise than before."""
    return {item.decode().strip('["') for item, said in after.items() if before.get(item) != said}


def bound(entity: str, folder: str = "odata") -> BoundMapping:
    return load_mapping(PRESETS / folder / f"{entity}.yaml").bind(CONTEXT)
