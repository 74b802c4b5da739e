"""Documents by a window of dates: first their versions, then only those that are new.

A document may be entered late, dated days ago, and changed long after: a read that begins where the last one
ended would never see it. So the window reaches back, and what is known in just that version is not fetched again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from connectors.onec.odata.client import OData, moment
from connectors.onec.odata.objects import by_refs
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Page
from obmen.errors import ConfigurationError, Refused
from obmen.http import encode_json
from obmen.records import Native

STANDING = "Posted eq true and DeletionMark eq false"
Shaped = Sequence[Native] | Refused
Shape = Callable[[str, Sequence[Native]], Iterable[Shaped]]
"""Turns documents of one entity set into their natives, one result per document."""

_VERSION = ("Ref_Key", "DataVersion")


class Journal:
    """The documents of some entity sets of one base, each document by its version."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock, sets: Sequence[str], shape: Shape) -> None:
        self._base, self._options, self._clock = base, options, clock
        self._all, self._shape = tuple(sets), shape

    @property
    def sets(self) -> list[str]:
        """Those of the entity sets that the base publishes; raises ConfigurationError if it publishes none."""
        published = self._base.metadata().sets
        found = [name for name in self._all if name in published]
        if not found:
            names = " or ".join(name.replace("Document_", "Документ.") for name in self._all)
            message = (
                f"{names} must be in the composition of the standard OData interface: `obmen check` tells what the"
                " administrator of 1C adds."
            )
            raise ConfigurationError(message)
        return found

    def pages(self, cursor: str | None, where: str = STANDING) -> Iterator[Page]:
        """Yield the documents dated since the cursor less the look-back.

        The cursor is the naive local time at which the last whole read began.
        """
        now = self._local(self._clock.now())
        since = (datetime.fromisoformat(cursor) if cursor else now) - timedelta(days=self._options.lookback_days)
        yield from self._dated(f"Date ge {moment(since)} and {where}")
        yield Page((), cursor=now.isoformat())

    def of(self, since: datetime, until: datetime, where: str = STANDING) -> Iterator[Page]:
        """Yield the documents dated in a period, by 1C's own local time."""
        begin, end = moment(self._local(since)), moment(self._local(until))
        return self._dated(f"Date ge {begin} and Date lt {end} and {where}")

    def _dated(self, condition: str) -> Iterator[Page]:
        for name in self.sets:
            for rows in self._base.pages(name, where=condition, select=_VERSION):
                yield self._page(name, rows)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self._options.timezone)).replace(tzinfo=None, microsecond=0)

    def look_up(self, refs: Sequence[str]) -> Iterator[Native]:
        """Yield the natives of these documents as they are now, whatever their date."""
        left = list(refs)
        for name in self.sets:
            found = by_refs(self._base, name, left)
            standing = [row for row in found.values() if _stands(row)]
            for shaped in self._shape(name, standing):
                if isinstance(shaped, Refused):
                    raise shaped
                yield from shaped
            left = [ref for ref in left if ref not in found]

    def _page(self, name: str, rows: Sequence[Native]) -> Page:
        def expand(slices: Sequence[bytes]) -> Iterator[Shaped]:
            return self._expand(name, slices)

        slices = [encode_json({"Документ": name, **{key: row[key] for key in _VERSION}}) for row in rows]
        return Page(slices, ids=[str(row["Ref_Key"]) for row in rows], expand=expand, where=name)

    def _expand(self, name: str, slices: Sequence[bytes]) -> Iterator[Shaped]:
        refs = [str(msgspec.json.decode(raw)["Ref_Key"]) for raw in slices]
        found = by_refs(self._base, name, refs)
        there = [found[ref] for ref in refs if ref in found]
        shaped = dict(zip((str(row["Ref_Key"]) for row in there), self._shape(name, there), strict=True))
        for ref in refs:
            yield shaped.get(ref, [])


def _stands(row: Native) -> bool:
    return row.get("Posted") is not False and row.get("DeletionMark") is not True
