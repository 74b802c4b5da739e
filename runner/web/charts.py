"""Charts, drawn on the server as figures without a script: stacked bars with an axis, readable in light and dark.

Colours are classes of the stylesheet, and each series has a pattern of its own beside its colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.web.reports import Table

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 12, 28
_LINES = 4
_COLOURS = 6
_LABELS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a bar; ``kind`` is the class of its series, ``title`` what it says."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their axes, in units of a figure ``WIDTH`` by ``HEIGHT``."""

    bars: Sequence[Bar]
    across: Sequence[Mark]
    up: Sequence[Mark]
    kinds: Sequence[tuple[str, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT


def bars(table: Table, labels: Sequence[str]) -> Chart:
    """Draw a table; ``labels`` name its rows."""
    sums = [sum(one.values[row] for one in table.series) for row in range(len(labels))]
    top = _round(max(sums, default=0.0))
    room, step = HEIGHT - _TOP - _BOTTOM, (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    drawn = []
    for row, label in enumerate(labels):
        y = float(HEIGHT - _BOTTOM)
        for number, one in enumerate(table.series):
            if not one.values[row]:
                continue
            height = one.values[row] / top * room
            y -= height
            x = _LEFT + row * step + step * 0.15
            title = f"{label}, {one.name}: {one.values[row]:.0f}"
            drawn.append(Bar(round(x, 1), round(y, 1), round(step * 0.7, 1), round(height, 1), _kind(number), title))
    every = max(len(labels) // _LABELS, 1)
    across = [
        Mark(round(_LEFT + (row + 0.5) * step, 1), HEIGHT - 8, label)
        for row, label in enumerate(labels)
        if (len(labels) - 1 - row) % every == 0
    ]
    up = [
        Mark(_LEFT - 8, round(HEIGHT - _BOTTOM - room * line / _LINES, 1), f"{top * line / _LINES:g}")
        for line in range(_LINES + 1)
    ]
    return Chart(drawn, across, up, [(one.name, _kind(number)) for number, one in enumerate(table.series)])


def _kind(number: int) -> str:
    return f"series-{number % _COLOURS}"


def _round(value: float) -> float:
    """Return the next number that is easily divided into the axis's parts."""
    size = float(_LINES)
    while size < value:
        for factor in (2, 2.5, 2):
            if size >= value:
                break
            size *= factor
    return size
