"""Two invented systems and a project folder for the tests of projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any

from pydantic import Field, field_validator

from obmen.connector import Batch, Connector, Outcome, Page, SecretStr, reader, writer
from obmen.connector import Options as BaseOptions
from obmen.project import Project, load_project


class Party(BaseOptions):
    organization: str = Field(description="who sells")
    priority: int = 1


class Base(Connector):
    """An invented book-keeping system."""

    title = "Base"

    class Options(BaseOptions):
        folder: Path | None = None
        url: str = ""
        password: SecretStr = SecretStr("")
        retries: int = 3
        factor: float = 1.0
        strict: bool = True
        order: Party | None = None
        files: tuple[Path, ...] = ()

        @field_validator("password")
        @classmethod
        def _long_enough(cls, value: SecretStr) -> SecretStr:
            if value.get_secret_value() and len(value.get_secret_value()) < 4:
                raise ValueError(f"{value.get_secret_value()} is too short")
            return value

    @reader("product", key="id", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:
        yield Page([])

    @reader("price", key="id", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:
        yield Page([])

    @reader("stock", key="id", complete=True)
    def stocks(self, cursor: str | None) -> Iterator[Page]:
        yield Page([])

    @reader("order_status", key="id")
    def statuses(self, cursor: str | None) -> Iterator[Page]:
        yield Page([])

    @writer("order", key="id")
    def orders(self, batch: Batch) -> Iterator[Outcome]:
        yield from ()


class Shop(Connector):
    """An invented channel."""

    title = "Shop"

    class Options(BaseOptions):
        client_id: Annotated[str, Field(min_length=1)]
        api_key: SecretStr
        warehouses: dict[str, int] = Field(default_factory=dict)
        party: Party | None = None

    @reader("order", key="id")
    def orders(self, cursor: str | None) -> Iterator[Page]:
        yield Page([])

    @reader("product", key="id", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:
        yield Page([])

    @writer("product", key="id")
    def put(self, batch: Batch) -> Iterator[Outcome]:
        yield from ()

    @writer("product", key="id", op="archive")
    def archive(self, batch: Batch) -> Iterator[Outcome]:
        yield from ()

    @writer("price", key="id", absolute=True)
    def prices(self, batch: Batch) -> Iterator[Outcome]:
        yield from ()

    @writer("stock", key="id", absolute=True)
    def stocks(self, batch: Batch) -> Iterator[Outcome]:
        yield from ()

    @writer("order_status", key="id")
    def statuses(self, batch: Batch) -> Iterator[Outcome]:
        yield from ()


SYSTEMS: dict[str, type[Connector]] = {"base": Base, "shop": Shop}

CONNECTIONS = """\
connections:
  ut: { connector: base, password: long-password }
  shop: { connector: shop, client_id: "1", api_key: key-of-the-shop }
  second: { connector: shop, client_id: "2", api_key: key-of-the-second }
flows:
"""


def project(folder: Path, text: str, **environment: str) -> Project:
    """Write a project with exactly this text and load it."""
    (folder / "obmen.yaml").write_text(dedent(text), encoding="utf-8")
    return load_project(folder, connectors=SYSTEMS, environment=environment)


def flows(folder: Path, text: str, **environment: Any) -> Project:
    """Load a project with three connections and these flows; the first flow stands in line 6."""
    lines = dedent(text).strip("\n").splitlines()
    return project(folder, CONNECTIONS + "".join(f"  {line}\n" for line in lines), **environment)
