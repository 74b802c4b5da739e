"""Long lists that are read to their end before anything is said of one good, and that seldom change.

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
    """What rows can be had from: a base, lists of it that were read, or a share of these."""

    def metadata(self) -> Metadata:
        """Return what is published."""

    def rows(self, table: Table, kind: type[Row], *, where: str = "") -> Iterator[list[Row]]:
        """Yield the rows of a table, page by page."""


class Lists:
    """Whole lists of one base. To be used as a context manager. Whatever is not wanted is asked of the base.

    ``where``: conditions of some of them.
    """

    def __init__(
        self, base: OData, wanted: Mapping[Table, type[msgspec.Struct]], where: Mapping[Table, str] | None = None
    ) -> None:
        self._base, self._wanted, self._where = base, wanted, where or {}
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the context manager that this is
        self._sizes: dict[Table, list[int]] = {}
        self._counts: dict[Table, int] = {}
        self._digests: dict[Table, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def read(self) -> bytes:
        """Read the wanted lists; return a digest of what they say."""
        for table, kind in self._wanted.items():
            self._read(table, kind)
        told = b"".join(table.type.encode() + digest for table, digest in self._digests.items())
        return xxhash.xxh3_128_digest(told)

    def _read(self, table: Table, kind: type[msgspec.Struct]) -> None:
        digest, sizes, count = xxhash.xxh3_128(), [], 0
        for told in self._base.raw_rows(table, kind, where=self._where.get(table, "")):
            digest.update(told.rows)
            digest.update(b",")  # so it is the same however the rows were cut into pages
            sizes.append(self._file.write(told.rows))
            count += told.number
        self._sizes[table], self._counts[table], self._digests[table] = sizes, count, digest.digest()

    def digest(self, table: Table) -> bytes:
        """Return a digest of one list; empty for one that is not wanted."""
        return self._digests.get(table, b"")

    def count(self, table: Table) -> int:
        """Return how many rows a list has; none if it is not wanted."""
        return self._counts.get(table, 0)

    def metadata(self) -> Metadata:
        """Return what the base publishes."""
        return self._base.metadata()

    def rows(self, table: Table, kind: type[Row], *, where: str = "") -> Iterator[list[Row]]:
        """Yield the rows as they were read; those of a filter are asked of the base."""
        if where or table not in self._sizes:
            yield from self._base.rows(table, kind, where=where)
            return
        for told in self.told(table):
            yield read_rows(told, kind)

    def told(self, table: Table) -> Iterator[bytes]:
        """Yield the rows of a list that was read as they came, with commas between them."""
        at = 0
        for known, sizes in self._sizes.items():
            for size in sizes:
                if known is table:
                    self._file.seek(at)
                    yield self._file.read(size)
                at += size
