"""What commands print: rich tables at a terminal, plain aligned columns elsewhere, JSON on request.

Results go to stdout, everything about how it went to stderr, so that output can be piped and parsed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from runner.streams import json_for

if TYPE_CHECKING:
    from rich.progress import Progress

_GAPS = (2, 1)
_WORD = 36
"""A word that is longer, such as two GUIDs in one, may be broken."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_FEW = 2
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a peer's text must not do to a terminal, and what no terminal shows."""


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
        self.bars: Progress | None = None
        self.out = Console(file=sys.stdout, markup=False, highlight=False, soft_wrap=True)
        self.err = Console(file=sys.stderr, markup=False, highlight=False, soft_wrap=True)

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal on which a progress bar may move."""
        return self.err.is_terminal and not self.quiet

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line of the result."""
        with self._above():
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
        """Print a table; at a terminal that is too narrow for it, a block of lines for each row."""
        with self._above():
            if self.out.is_terminal:
                for part in _rich(table, self.out.width):
                    self.out.print(part)
            else:
                for line in _plain(table):
                    self.out.print(line, soft_wrap=True)

    def json(self, value: Any) -> None:
        """Print a value as one JSON document."""
        self.raw(msgspec.json.format(as_json(value), indent=2).decode())

    def raw(self, text: str) -> None:
        """Print JSON as it stands."""
        with self._above():
            self.out.file.write(json_for(self.out.file, text) + "\n")

    def flush(self) -> None:
        """Hand everything over now: to a reader that waits, or that is gone."""
        self.out.file.flush()

    @contextmanager
    def _above(self) -> Iterator[None]:
        """Take the bars away while a result is printed: they are on its terminal, but in another stream."""
        if self.bars is None or not self.out.is_terminal:
            yield
            return
        self.bars.stop()
        try:
            yield
            self.flush()
        finally:
            self.bars.start()


def _print(console: Console, text: str, style: str) -> None:
    text = safe(text)
    console.print(Text(text, style=style) if console.is_terminal and style else text, soft_wrap=True)


def _rich(table: Table, width: int) -> Iterator[RichTable | str]:
    """Yield the table as wide as the terminal at most; words are broken only where one has no place at all."""
    rows = [
        [Text(_text(cell), style=cell.style if isinstance(cell, Cell) else "") for cell in row] for row in table.rows
    ]
    titles = [Text(column.title) for column in table.columns]
    for gap in _GAPS:
        widths = _widths([titles, *rows], width - gap * (len(titles) - 1))
        if widths:
            yield _grid(table.columns, rows, widths, gap)
            return
    longest = max(cell_len(title.plain) for title in titles)
    for number, row in enumerate(rows):
        if number:
            yield ""
        block = RichTable(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        block.add_column(width=longest, style="bold", overflow="fold")
        block.add_column(overflow="fold")
        for title, text in zip(titles, row, strict=True):
            if text.plain:
                block.add_row(title, text)
        yield block


def _grid(columns: Sequence[Column], rows: Sequence[Sequence[Text]], widths: Sequence[int], gap: int) -> RichTable:
    made = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        made.add_column(Text(column.title), justify=justify, overflow="fold", width=width)
    for row in rows:
        made.add_row(*row)
    return made


def _widths(lines: Sequence[Sequence[Text]], room: int) -> list[int]:
    """Return each column's width: at least its longest word, and more where there is room; none if there is not."""
    columns = [[text.plain for text in column] for column in zip(*lines, strict=True)]
    widths = [
        max(min(_WORD, cell_len(word)) for text in column for word in (text.split() or [""])) for column in columns
    ]
    wanted = [max(map(cell_len, column)) for column in columns]
    spare = room - sum(widths)
    while spare > 0 and (narrow := [number for number, width in enumerate(widths) if width < wanted[number]]):
        share = max(spare // len(narrow), 1)
        for number in narrow[:spare]:
            more = min(share, wanted[number] - widths[number])
            widths[number] += more
            spare -= more
    return widths if spare >= 0 else []


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


def as_json(value: Any) -> bytes:
    """Encode a value as JSON, also if a text in it is a file's name that is no text."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", json.dumps(msgspec.to_builtins(value), ensure_ascii=False)).encode()


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
