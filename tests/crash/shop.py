"""A shop over real HTTP that takes records two at a time, refuses some, and never forgets what came twice."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from obmen.connector import Connector, Options, Transport, find, reader, writer
from obmen.entities import Product
from obmen.mapping import Context, parse_mapping
from obmen.records import Batch, Item, Outcome, Page
from obmen.state import Ledger
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.testing.sandbox import Request, Response, Sandbox, route

RECORDS = 10
MAPPING = "entity: product\nfields: { sku: id, name: name }\n"


class Shop(Sandbox):
    """``refused``: records that it answers with 400. ``kill_after``: it kills the sender after so many."""

    def reset(self) -> None:
        self.got: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.kill_after: int | None = None

    @route("GET", "/source")
    def source(self, request: Request) -> Response:
        return Response(json={"items": [{"id": str(n), "name": f"Запись {n}"} for n in range(1, RECORDS + 1)]})

    @route("POST", "/records")
    def take(self, request: Request) -> Response:
        body = request.json()
        if self.refused & {one["id"] for one in body["records"]}:
            return Response(400, {"message": "bad record"})
        for one in body["records"]:
            self.got[one["id"]] += 1
            if self.kill_after is not None and self.got.total() == self.kill_after:
                self.kill_after = None
                os.kill(body["pid"], signal.SIGKILL)
                break
        return Response(json={})

    @route("GET", "/records/(?P<id>\\d+)")
    def show(self, request: Request, id: str) -> Response:  # noqa: A002 - the path's own word
        return Response(json={"known": id in self.got})


class ShopConnector(Connector):
    """Both ends of the flow: the source's list, and the shop's records."""

    class Options(Options):
        url: str

    @classmethod
    def transport(cls, options: Any) -> Transport:
        return Transport(base_url=options.url, timeout=(5.0, 5.0))

    @reader("product", key="id", complete=True)
    def records(self, _cursor: str | None) -> Iterator[Page]:
        yield Page(self.http.get("/source").slices("items"))

    @writer("product", key="id", batch=2)
    def send(self, batch: Batch) -> Iterator[Outcome]:
        self.http.post("/records", json={"records": batch.payloads, "pid": os.getpid()})
        for item in batch.items:
            yield batch.done(item.id, item.id)

    @find("product")
    def known(self, item: Item) -> str | None:
        return item.id if self.http.get(f"/records/{item.id}")["known"] else None


def main(url: str, state: str) -> None:
    """Sync as a process of its own."""
    bound = parse_mapping(MAPPING).bind(Context(connection="shop"))
    source = ShopConnector("source", ShopConnector.Options(url=url))
    shop = ShopConnector("shop", ShopConnector.Options(url=url))
    ledger = Ledger(state)
    Engine(ledger, [Flow("records", Product, source, bound, (Target("shop", shop, bound),))]).sync(patience=20.0)
    for one in (source, shop, ledger):
        one.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
