"""Which slices are new in a read, whether any of the last read is gone without a trace, and which stand twice.

Kept in a scratch database on disk, so that a shifted or wholly changed source of any size needs no memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from obmen.state.seen import Known

_HALF = 2
_MOST = 500
"""Values in one statement."""
_UNEXPLAINED = """
SELECT 1 FROM left WHERE fingerprint NOT IN (SELECT fingerprint FROM arrived)
                     AND fingerprint NOT IN (SELECT fingerprint FROM explained) LIMIT 1
"""
_DOUBTFUL = """
CREATE TABLE doubtful AS SELECT fingerprint, source FROM replaced
 WHERE fingerprint NOT IN (SELECT fingerprint FROM left) OR fingerprint IN (SELECT fingerprint FROM arrived);
CREATE INDEX doubtful_fingerprint ON doubtful (fingerprint);
"""


class Differences:
    """Compares a read with the last one, page by page. ``first``: no record is known yet, so none can be gone."""

    def __init__(self, *, first: bool = False) -> None:
        self._first = first
        self._scratch = sqlite3.connect("")
        self._scratch.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        for table in ("old", "left", "arrived", "explained"):
            self._scratch.execute(f"CREATE TABLE {table}(fingerprint BLOB PRIMARY KEY) WITHOUT ROWID")
        self._scratch.execute("CREATE TABLE replaced(fingerprint BLOB, source TEXT, key TEXT)")
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
        self._add("explained", fingerprints)

    def unexplained(self) -> bool:
        """Whether something of the last read is gone, for all that is known."""
        return self._scratch.execute(_UNEXPLAINED).fetchone() is not None

    def replaced(self, known: Iterable[Known]) -> None:
        """Note that a slice was taken for a newer state of these records."""
        rows = ((one.fingerprint, one.source, one.key) for one in known)
        self._scratch.executemany("INSERT INTO replaced VALUES (?, ?, ?)", rows)

    def doubled(self, pages: Iterator[Iterable[bytes]]) -> set[str]:
        """Return the native ids whose replaced slice still stands on a page: two records claim one id.

        ``pages`` are all pages of this read; they are walked only if what left the differing ones does not
        rule it out.
        """
        self._scratch.executescript(_DOUBTFUL)
        if self._scratch.execute("SELECT 1 FROM doubtful LIMIT 1").fetchone() is None:
            return set()
        return {
            source
            for fingerprints in pages
            for (source,) in self._among("doubtful", "source", "fingerprint", fingerprints)
        }

    def replaced_by(self, sources: Sequence[str]) -> list[Known]:
        """Return the records with these native ids as they were before a newer state replaced them."""
        self._scratch.execute("CREATE INDEX IF NOT EXISTS replaced_source ON replaced (source)")
        rows = self._among("replaced", "key, source, fingerprint", "source", sources)
        return [Known(*row) for row in rows]

    def __enter__(self) -> Differences:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.close()

    def _add(self, table: str, fingerprints: Iterable[bytes]) -> None:
        rows = ((one,) for one in sorted(fingerprints))
        self._scratch.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?)", rows)  # noqa: S608 - one of four names

    def _among_old(self, fingerprints: set[bytes]) -> set[bytes]:
        return {row[0] for row in self._among("old", "fingerprint", "fingerprint", fingerprints)}

    def _among(self, table: str, columns: str, column: str, values: Iterable[object]) -> Iterator[tuple[Any, ...]]:
        wanted = list(values)
        for start in range(0, len(wanted), _MOST):
            part = wanted[start : start + _MOST]
            marks = ",".join("?" * len(part))
            query = f"SELECT {columns} FROM {table} WHERE {column} IN ({marks})"  # noqa: S608 - names from this module, and question marks
            yield from self._scratch.execute(query, part)
