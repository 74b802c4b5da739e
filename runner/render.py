"""What commands print: rich tables at a terminal, plain aligned columns elsewhere, JSON on request.

Results go to stdout, everything about how it went to stderr, so that output can be piped and parsed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_FEW = 2
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a peer's text must not do to a terminal."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with the colour that it has at a terminal."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; ``right`` for numbers."""

    title: str
    right: bool = False


@dataclass(slots=True)
class Table:
    """Rows under headings; a cell is a text or a ``Cell``."""

    columns: Sequence[Column]
    rows: list[Sequence[str | Cell]] = field(default_factory=list)

    def add(self, *cells: str | Cell) -> None:
        """Add a row."""
        self.rows.append(cells)


class Screen:
    """Where a command prints. ``quiet`` leaves out the notes on stderr, never results or errors."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.out = Console(file=sys.stdout, markup=False, highlight=False, soft_wrap=True)
        self.err = Console(file=sys.stderr, markup=False, highlight=False, soft_wrap=True)

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal on which a progress bar may move."""
        return self.err.is_terminal and not self.quiet

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line of the result."""
        _print(self.out, text, style)

    def note(self, text: str, style: str = "") -> None:
        """Say how it goes, on stderr."""
        if not self.quiet:
            _print(self.err, text, style)

    def warning(self, text: str) -> None:
        """Say on stderr what a person should see even if they want quiet."""
        _print(self.err, text, "yellow")

    def error(self, text: str) -> None:
        """Say on stderr what went wrong."""
        line = Text("Error: ", style="bold red") + Text(safe(text))
        self.err.print(line if self.err.is_terminal else line.plain, soft_wrap=True)

    def table(self, table: Table) -> None:
        """Print a table."""
        if self.out.is_terminal:
            self.out.print(_rich(table))
        else:
            for line in _plain(table):
                self.out.print(line, soft_wrap=True)

    def json(self, value: Any) -> None:
        """Print a value as one JSON document."""
        self.raw(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())

    def raw(self, text: str) -> None:
        """Print a text as it stands."""
        self.out.file.write(text + "\n")

    def flush(self) -> None:
        """Hand everything over now: to a reader that waits, or that is gone."""
        self.out.file.flush()


def _print(console: Console, text: str, style: str) -> None:
    text = safe(text)
    console.print(Text(text, style=style) if console.is_terminal and style else text, soft_wrap=True)


def _rich(table: Table) -> RichTable:
    made = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.columns:
        made.add_column(Text(column.title), justify="right" if column.right else "left", overflow="fold")
    for row in table.rows:
        made.add_row(*(Text(_text(cell), style=cell.style if isinstance(cell, Cell) else "") for cell in row))
    return made


def _plain(table: Table) -> list[str]:
    lines = [[column.title for column in table.columns]]
    lines += [[" ".join(_text(cell).split()) for cell in row] for row in table.rows]
    widths = [max(cell_len(line[number]) for line in lines) for number in range(len(table.columns))]
    made = []
    for line in lines:
        cells = []
        for text, width, column in zip(line, widths, table.columns, strict=True):
            gap = " " * (width - cell_len(text))
            cells.append(gap + text if column.right else text + gap)
        made.append("  ".join(cells).rstrip())
    return made


def _text(cell: str | Cell) -> str:
    return safe(cell.text if isinstance(cell, Cell) else cell)


def safe(text: str) -> str:
    """Return a text without control characters but tabs and line ends."""
    return _CONTROLS.sub("\ufffd", text)


# -- words --------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Return a count with its thousands apart; nothing for zero would hide a fact, so zero is 0."""
    return f"{value:,.0f}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return ``1 record`` or ``1,200 records``."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """Return a length of time in the two words that people use: 40 s, 3 min, 2 h, 5 days."""
    if seconds < _FEW * _MINUTE:
        return f"{max(seconds, 0):.0f} s"
    if seconds < _FEW * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _FEW * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} days"


def ago(moment: float, now: float) -> str:
    """Return how long ago a time was, both in Unix seconds."""
    return f"{span(now - moment)} ago"


def iso(moment: float | None) -> str | None:
    """Return a time of Unix seconds as JSON holds it, in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds") if moment is not None else None


def clipped(text: str, most: int) -> str:
    """Return a text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
