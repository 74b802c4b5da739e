"""Says in which line of which file a record stands, without counting lines for those nobody asks about."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from connectors.onec.commerceml.files import Source
from obmen.errors import IncompleteSource


class Place(NamedTuple):
    """Where a record begins: at a position of ``Source.chunks``, or in a line if ``is_line`` is true."""

    source: Source
    at: int
    is_line: bool

    def __str__(self) -> str:
        try:
            return f"{self.source.name}:{self.at if self.is_line else _line_at(self.source, self.at)}"
        except (OSError, IncompleteSource):  # the file is gone, or is another one since it was read
            return self.source.name


def _line_at(source: Source, position: int) -> int:
    starts, lines = _marks(source)
    number = bisect_right(starts, position) - 1
    return lines[number] + source.chunk(number).count(b"\n", 0, position - starts[number])


@lru_cache(maxsize=16)
def _marks(source: Source) -> tuple[list[int], list[int]]:
    """Return for each chunk of a file its position and the line, from 1, in which it begins."""
    starts, lines = [0], [1]
    for chunk in source.chunks():
        starts.append(starts[-1] + len(chunk))
        lines.append(lines[-1] + chunk.count(b"\n"))
    return starts, lines
