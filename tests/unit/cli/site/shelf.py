"""An invented system as a third party would bring it: a connector, its sandbox and its presets.

A shelf holds goods, prices, stock and orders as JSON; it is read from files or by HTTP, and written by HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from obmen.categories import CategoryAttribute, CategoryNode
from obmen.connector import (
    Batch,
    Connector,
    Finding,
    Item,
    Native,
    Options,
    Outcome,
    Page,
    SecretStr,
    Transport,
    find,
    lookup,
    reader,
    writer,
)
from obmen.errors import ConfigurationError, IncompleteSource
from obmen.http import Retry
from obmen.records import RecordError, natural_id
from obmen.testing.sandbox import Request, Response, Sandbox, route

KEY = "shelf-key-0001"
KEYS = {
    "product": ("id",),
    "price": ("id", "type"),
    "stock": ("id", "place"),
    "order": ("number",),
    "order_status": ("number",),
    "category": ("id",),
}


class Shelf(Connector):
    """An invented system."""

    title = "Shelf"
    sandbox = "shelf:ShelfSandbox"
    presets = Path(__file__).parent / "presets"

    class Options(Options):
        url: str = Field("", description="where the shelf is")
        key: SecretStr = Field(SecretStr(""), description="the key to it")
        folder: Path | None = Field(None, description="files instead: <entity>.jsonl, a record in each line")
        places: dict[str, str] = Field({"Main": "m"}, description="warehouse: place on the shelf")
        categories: Path | None = Field(None, description="which category of the shelf takes which goods")

    @classmethod
    def transport(cls, options: Any) -> Transport:
        headers = {"X-Key": options.key.get_secret_value()}
        return Transport(base_url=options.url, headers=headers, timeout=(1.0, 2.0), retry=Retry(attempts=1))

    def _pages(self, entity: str) -> Iterator[Page]:
        slices = self._lines(entity) if self.options.folder else self.http.get(f"/{entity}").slices("records")
        for start in range(0, len(slices), 50):
            yield Page(slices[start : start + 50], total=len(slices))

    def _lines(self, entity: str) -> list[bytes]:
        path = self.options.folder / f"{entity}.jsonl"
        if not self.options.folder.is_dir():
            raise ConfigurationError(f"There is no {self.options.folder}. Mend the folder of '{self.name}'.")
        lines = path.read_bytes().splitlines() if path.exists() else []
        if lines and not lines[-1].endswith(b"}"):
            raise IncompleteSource(f"{path}:{len(lines)}: the file breaks off. Export it again.")
        return lines

    @reader("product", key="id", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:
        return self._pages("product")

    @reader("price", key=("id", "type"), complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:
        return self._pages("price")

    @reader("stock", key=("id", "place"), complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:
        return self._pages("stock")

    @reader("order", key="number", complete=True)
    def orders(self, cursor: str | None) -> Iterator[Page]:
        return self._pages("order")

    @reader("order_status", key="number", complete=True)
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        return self._pages("order_status")

    def _put(self, entity: str, batch: Batch) -> Iterator[Outcome]:
        reply = self.http.post(f"/{entity}", json={"records": batch.payloads}, safe=entity != "order")
        for row in reply["results"]:
            yield (
                batch.done(row["key"], row["key"])
                if row["ok"]
                else batch.refused(row["key"], [RecordError("too_dear", row["why"], "amount")])
            )

    @writer("product", key="id", batch=50, absolute=True)
    def put_products(self, batch: Batch) -> Iterator[Outcome]:
        return self._put("product", batch)

    @writer("price", key=("id", "type"), batch=50, absolute=True)
    def put_prices(self, batch: Batch) -> Iterator[Outcome]:
        return self._put("price", batch)

    @writer("stock", key=("id", "place"), batch=50, absolute=True)
    def put_stocks(self, batch: Batch) -> Iterator[Outcome]:
        return self._put("stock", batch)

    @writer("order", key="number", updates=False)
    def put_order(self, batch: Batch) -> Iterator[Outcome]:
        return self._put("order", batch)

    @find("order")
    def find_order(self, item: Item) -> str | None:
        held = [row["number"] for row in self.http.get("/order").json()["records"]]
        return item.id if item.id in held else None

    @writer("order_status", key="number", absolute=True)
    def put_status(self, batch: Batch) -> Iterator[Outcome]:
        return self._put("order_status", batch)

    @lookup("price")
    def look_at_prices(self, ids: Sequence[str]) -> Iterator[Native]:
        for row in self.http.get("/price").json()["records"]:
            if natural_id((row["id"], row["type"])) in ids:
                yield row

    def categories(self) -> Iterator[CategoryNode]:
        for row in self.http.get("/category").json()["records"]:
            yield CategoryNode(row["id"], tuple(row["path"]))

    def category_attributes(self, category: str) -> Sequence[CategoryAttribute]:
        rows = self.http.get("/category").json()["records"]
        return [
            msgspec.convert({"choices": "list" in one, **one}, CategoryAttribute)
            for row in rows
            if row["id"] == category
            for one in row["attributes"]
        ]

    def attribute_choices(self, category: str, attribute: CategoryAttribute, texts: Sequence[str]) -> Mapping[str, str]:
        for row in self.http.get("/category").json()["records"]:
            for one in row["attributes"] if row["id"] == category else ():
                if one["id"] == attribute.id:
                    return {text: f"v-{text}" for text in one["list"]}
        return {}

    def check(self) -> Iterator[Finding]:
        if self.options.url:
            self.http.get("/hello")
            yield Finding("ok", "the shelf answers", "url")


class ShelfSandbox(Sandbox):
    """A shelf on loopback.

    ``dear``: it takes no price above; ``crooked``: it keeps prices otherwise than told; ``seen``: requests so
    far; ``writes``: entity and ids of each call that wrote.
    """

    dear: ClassVar[int] = 100_000

    seen = 0

    def reset(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {entity: {} for entity in KEYS}
        self.writes: list[tuple[str, list[str]]] = []
        self.key = KEY
        self.crooked = False

    def connection(self) -> dict[str, Any]:
        return {"url": self.url, "key": self.key}

    def state(self) -> Any:
        return {entity: list(rows.values()) for entity, rows in self.records.items()}

    def put(self, entity: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            self.records[entity][natural_id(tuple(row[name] for name in KEYS[entity]))] = row

    def before(self, request: Request) -> Response | None:
        self.seen += 1
        known = request.headers.get("x-key") == self.key
        return None if known else Response(401, {"message": "the key has expired"})

    @route("GET", r"/hello")
    def hello(self, request: Request) -> Response:
        return Response(json={"hello": "shelf"})

    @route("GET", r"/(?P<entity>\w+)")
    def all(self, request: Request, entity: str) -> Response:
        return Response(json={"records": list(self.records[entity].values())})

    @route("POST", r"/(?P<entity>\w+)")
    def take(self, request: Request, entity: str) -> Response:
        rows = msgspec.json.decode(request.body)["records"]
        self.writes.append((entity, [natural_id(tuple(row[name] for name in KEYS[entity])) for row in rows]))
        results = []
        for row in rows:
            key = natural_id(tuple(row[name] for name in KEYS[entity]))
            ok = entity != "price" or float(row["amount"]) <= self.dear
            if ok:
                self.put(entity, {**row, "amount": "1.00"} if self.crooked and entity == "price" else row)
            results.append({"key": key, "ok": ok, "why": "" if ok else "nobody pays that"})
        return Response(json={"results": results})
