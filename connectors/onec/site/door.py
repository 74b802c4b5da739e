"""What a connection of 1C does through the exchange: the readers' and writers' side of the folder, and checks.

The server that answers 1C is another process; all that both share is the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from connectors.onec.commerceml import CommerceML
from connectors.onec.commerceml.live import read_index
from connectors.onec.site.database import Database
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.options import SiteOptions
from connectors.onec.site.orders import SiteOrders
from connectors.onec.site.pictures import with_addresses
from obmen.clock import Clock
from obmen.connector import Finding
from obmen.records import Page

PATIENCE = timedelta(hours=6)
"""How long an order may wait for 1C before it is told."""
MANY = 300
"""So many files are read quickly enough; more should be replaced by one whole export."""


class SiteDoor:
    """One connection's exchange."""

    def __init__(self, folder: Path, options: SiteOptions, clock: Clock) -> None:
        self.folder, self.options, self.clock = folder, options, clock
        self.orders = SiteOrders(folder, options, clock)

    def endpoint(self) -> SiteEndpoint:
        """Return what answers 1C."""
        return SiteEndpoint(self.folder, self.options, self.clock)

    @property
    def awaits_goods(self) -> bool:
        """Whether 1C has pushed nothing yet, and no files stand there from before."""
        index = read_index(self.folder)
        return not index.files if index is not None else not any(self.folder.rglob("*.xml"))

    def products(self) -> Iterator[Page]:
        """Yield the goods; where the exchange has a public address, with those of their pictures."""
        pages = self._read(CommerceML.products)
        if self.options.public_url is None or self.awaits_goods:
            return pages
        return with_addresses(pages, Database(self.folder), self.options.public_url)

    def prices(self) -> Iterator[Page]:
        """Yield the prices."""
        return self._read(CommerceML.prices)

    def stocks(self) -> Iterator[Page]:
        """Yield the rests."""
        return self._read(CommerceML.stocks)

    def _read(self, read: Callable[[CommerceML], Iterator[Page]]) -> Iterator[Page]:
        """Read what 1C has pushed; before its first push there is nothing, and nothing is taken for gone."""
        if self.awaits_goods:
            return iter((Page((), partial=True, where=str(self.folder)),))
        return read(CommerceML(self.folder))

    def check(self) -> Iterator[Finding]:
        """Tell whether 1C comes, takes its orders, and sends a whole export now and then."""
        index = read_index(self.folder)
        if self.awaits_goods:
            message = f"1C has pushed nothing into {self.folder} yet. Run obmen serve, then the exchange in 1C."
            yield Finding("warning", message, "exchange")
        elif index is not None and len(index.files) > MANY:
            message = (
                f"{len(index.files)} files of changes lie one upon the other in {self.folder}, and each is read every"
                " time. Run a full export in 1C, and have it run once a week."
            )
            yield Finding("warning", message, "exchange")
        count, oldest = self.orders.waiting()
        if oldest is not None and self.clock.now() - oldest > PATIENCE:
            message = f"Orders wait for 1C ({count}), the oldest since {oldest:%Y-%m-%d %H:%M} UTC. Does 1C still come?"
            yield Finding("warning", message, "exchange")
        else:
            yield Finding("ok", f"Orders that wait for 1C to fetch them: {count}.", "exchange")
