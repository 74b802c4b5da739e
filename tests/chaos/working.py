"""Shops that note which calls overlap, and a worker as a process of its own that runs flows into them."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog

from obmen.connector import Connector, Options, Transport, find, reader, writer
from obmen.project import Project, load_project
from obmen.records import Batch, Item, Outcome, Page
from obmen.state import Ledger, ledger
from obmen.testing.exchange import Fault
from obmen.testing.sandbox import Request, Response, Sandbox, route
from runner.daemon.clock import ServiceClock
from runner.worker import worker
from runner.worker.worker import Worker

LEASE, HEARTBEAT, STALLED = 3.0, 0.5, 2.0
"""Seconds, as short as a slow machine bears, so that what takes minutes in life takes seconds here."""
PAGE, BATCH = 20, 3


class Shops(Sandbox):
    """Sources that grow, and shops in which every record may be made once. ``slow``: seconds that each call takes."""

    slow = 0.02

    def reset(self) -> None:
        self.goods: dict[str, int] = {}
        self.made: dict[str, Counter[str]] = {}
        self.under_way: Counter[str] = Counter()
        self.overlapping: list[str] = []
        self.counting = threading.Lock()

    def handle(self, request: Request) -> tuple[Response | None, Fault | None]:
        """Note calls of one flow that are under way at the same time."""
        shop = request.path.split("/")[1]
        with self.counting:
            self.under_way[shop] += 1
            if self.under_way[shop] > 1:
                self.overlapping.append(f"{request.method} {request.path}")
        try:
            time.sleep(self.slow)
            return super().handle(request)
        finally:
            with self.counting:
                self.under_way[shop] -= 1

    @route("GET", "/(?P<shop>shop\\d+)/source")
    def source(self, request: Request, shop: str) -> Response:
        start = int(request.query.get("from", "0"))
        end = min(start + PAGE, self.goods.get(shop, 0))
        items = [{"id": str(number), "name": f"Товар {number}"} for number in range(start, end)]
        return Response(json={"items": items, "total": self.goods.get(shop, 0)})

    @route("POST", "/(?P<shop>shop\\d+)/records")
    def make(self, request: Request, shop: str) -> Response:
        for one in request.json()["records"]:
            self.made.setdefault(shop, Counter())[one["id"]] += 1
        return Response(json={})

    @route("GET", "/(?P<shop>shop\\d+)/records/(?P<id>\\d+)")
    def known(self, request: Request, shop: str, id: str) -> Response:  # noqa: A002 - the path's own word
        return Response(json={"known": id in self.made.get(shop, {})})


class ShopConnector(Connector):
    """One shop: its source, and what is made of it; a record said twice would be there twice."""

    presets = Path(__file__).parent / "presets"

    class Options(Options):
        url: str

    @classmethod
    def transport(cls, options: Any) -> Transport:
        return Transport(base_url=options.url, timeout=(5.0, 5.0))

    @reader("product", key="id", complete=True)
    def products(self, _cursor: str | None) -> Iterator[Page]:
        start, total = 0, 1
        while start < total:
            reply = self.http.get("/source", params={"from": str(start)})
            total = int(reply["total"])
            yield Page(reply.slices("items"), total=total)
            start += PAGE

    @writer("product", key="id", batch=BATCH, updates=False)
    def make_products(self, batch: Batch) -> Iterator[Outcome]:
        self.http.post("/records", json={"records": batch.payloads})
        for item in batch.items:
            yield batch.done(item.id, item.id)

    @find("product")
    def known(self, item: Item) -> str | None:
        return item.id if self.http.get(f"/records/{item.id}")["known"] else None


def project(file: Path) -> Project:
    return load_project(file, connectors={"shop": ShopConnector}, environment={})


def main(file: str, jobs: str) -> None:
    """Work until told to stop."""
    ledger.LEASE_SECONDS, worker.HEARTBEAT, worker.STALLED = LEASE, HEARTBEAT, STALLED
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    loaded = project(Path(file))
    opened = Ledger(loaded.state_url)
    made = Worker(loaded, opened, lambda: project(Path(file)), jobs=int(jobs), clock=ServiceClock())
    signal.signal(signal.SIGTERM, lambda *_: made.stop())
    print("ready", os.getpid(), flush=True)
    made.run()
    opened.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
