"""Which slices are new in a read, and whether any of the last read is gone without a trace.

Kept in a scratch database on disk, so that a shifted or wholly changed source of any size needs no memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

_HALF = 2


class Differences:
    """Compares a read with the last one, page by page. ``first``: no record is known yet, so none can be gone."""

    def __init__(self, *, first: bool = False) -> None:
        self._first = first
        self._scratch = sqlite3.connect("")
        self._scratch.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        for table in ("old", "left", "arrived"):
            self._scratch.execute(f"CREATE TABLE {table}(fingerprint BLOB PRIMARY KEY) WITHOUT ROWID")
        self._loaded = False
        self.found = False

    def page(self, before: Sequence[bytes], now: Sequence[bytes], old_pages: Iterator[Iterable[bytes]]) -> set[bytes]:
        """Note a page that differs; return which of its fingerprints were not seen in the last read.

        ``old_pages`` is walked only once, and only if the page shares less than half with its old self.
        """
        self.found = True
        old, new = set(before), set(now)
        unseen = new - old
        if not self._first:
            self._add("left", old - new)
            self._add("arrived", unseen)
        if before and len(unseen) * _HALF > len(new) and not self._loaded:
            for fingerprints in old_pages:
                self._add("old", fingerprints)
            self._loaded = True
        return unseen - self._among_old(unseen) if self._loaded else unseen

    def rest(self, old_pages: Iterator[Iterable[bytes]]) -> None:
        """Note that the read ended before these old pages."""
        for fingerprints in old_pages:
            self.found = True
            self._add("left", fingerprints)

    def explained(self, fingerprints: Iterable[bytes]) -> None:
        """Note that these old fingerprints belong to records that are still there, changed."""
        self._add("arrived", fingerprints)

    def unexplained(self) -> bool:
        """Whether something of the last read is gone, for all that is known."""
        query = "SELECT 1 FROM left WHERE fingerprint NOT IN (SELECT fingerprint FROM arrived) LIMIT 1"
        return self._scratch.execute(query).fetchone() is not None

    def __enter__(self) -> Differences:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.close()

    def _add(self, table: str, fingerprints: Iterable[bytes]) -> None:
        rows = ((one,) for one in sorted(fingerprints))
        self._scratch.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?)", rows)  # noqa: S608 - one of three names

    def _among_old(self, fingerprints: set[bytes]) -> set[bytes]:
        wanted = list(fingerprints)
        found: set[bytes] = set()
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            query = f"SELECT fingerprint FROM old WHERE fingerprint IN ({','.join('?' * len(part))})"  # noqa: S608 - only question marks
            found.update(row[0] for row in self._scratch.execute(query, part))
        return found
