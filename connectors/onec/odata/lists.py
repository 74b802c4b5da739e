"""Long lists that are read to their end before anything can be said of one good, and that seldom change.

Whether anything in them is otherwise is told by one digest of the rows as they came, for a sixth of what decoding
them costs. They are kept on disk meanwhile, so that a change is looked at in just the state that the digest is of,
and 1C is not asked twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Protocol, Self

import msgspec
import xxhash

from connectors.onec.odata.client import OData
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.tables import Row, Table, read_rows


class Readable(Protocol):
    """What rows can be had from: a base, or lists of it that were read."""

    def metadata(self) -> Metadata:
        """Return what is published."""

    def rows(self, table: Table, kind: type[Row], *, where: str = "") -> Iterator[list[Row]]:
        """Yield the rows of a table, page by page."""


class Lists:
    """Whole lists of one base. To be used as a context manager. Whatever was not read is asked of the base."""

    def __init__(self, base: OData, wanted: Mapping[Table, type[msgspec.Struct]]) -> None:
        self._base, self._wanted = base, wanted
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the context manager that this is
        self._sizes: dict[Table, list[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def read(self) -> bytes:
        """Read those of the wanted lists that are published; return a digest of what they say."""
        digest = xxhash.xxh3_128()
        for table, kind in self._wanted.items():
            if table.type in self._base.metadata().sets:
                digest.update(table.type.encode())
                sizes = self._sizes[table] = []
                for rows in self._base.raw_rows(table, kind):
                    told = b",".join(rows)
                    digest.update(told)
                    digest.update(b",")  # so it is the same however the rows were cut into pages
                    sizes.append(self._file.write(told))
        return digest.digest()

    def metadata(self) -> Metadata:
        """Return what the base publishes."""
        return self._base.metadata()

    def rows(self, table: Table, kind: type[Row], *, where: str = "") -> Iterator[list[Row]]:
        """Yield the rows as they were read; those of a filter are asked of the base."""
        if where or table not in self._sizes:
            yield from self._base.rows(table, kind, where=where)
            return
        at = 0
        for known, sizes in self._sizes.items():
            for size in sizes:
                if known == table:
                    self._file.seek(at)
                    yield read_rows(self._file.read(size), kind)
                at += size
