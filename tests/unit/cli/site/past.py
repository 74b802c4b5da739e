"""The invented system once more, as one whose orders are read by time: what changed, or a period of the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from shelf import Shelf

from obmen.connector import Page, history, reader


class PastShelf(Shelf):
    """Its usual read tells no order at all, so whatever arrives was read by a period."""

    @reader("order", key="number")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        yield Page(())

    @history("order", step=timedelta(days=1), parallel=2)
    def orders_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Read the orders placed in a period."""
        rows: list[dict[str, Any]] = self.http.get("/order").json()["records"]
        found = [row for row in rows if since <= datetime.fromisoformat(row["at"]) < until]
        yield Page([msgspec.json.encode(row) for row in found])
