"""How work goes on: a bar with rate and time left at a terminal, now and then a line elsewhere.

A log that fills with bars hides what matters, and a terminal that stays silent for minutes looks dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from obmen.clock import Clock, SystemClock
from obmen.errors import StateError
from obmen.sync.engine import Listener, Silent
from runner.render import Screen, number, span

EVERY = 5.0
"""Seconds between two plain lines."""
_COUNT_AGAIN = 1.0
_EARLY = 1.0
Remaining = Callable[[str, str], int]
"""Returns how many records of a flow a target is still to be told."""


@dataclass(slots=True)
class _Work:
    """One thing that goes on: so much done, of so much where that is known, since when."""

    title: str
    began: float
    done: int = 0
    total: int | None = None
    counted_at: float = float("-inf")

    def rate(self, now: float) -> float:
        """Records per second; 0 as long as it is too early to say."""
        seconds = now - self.began
        return self.done / seconds if seconds >= _EARLY else 0.0


class Tally:
    """Sums up what the engine tells, and hands it to ``show``. ``remaining`` asks the ledger for totals."""

    def __init__(
        self, show: Callable[[_Work], None], *, remaining: Remaining | None = None, clock: Clock | None = None
    ) -> None:
        self._show, self._remaining, self._clock = show, remaining, clock or SystemClock()
        self._works: dict[tuple[str, str], _Work] = {}

    def reading(self, flow: str, done: int, total: int | None) -> None:
        """So many records of a flow have been read."""
        work = self._work((flow, ""), f"{flow}: reading")
        if done < work.done:
            work.began = self._clock.monotonic()
        work.done, work.total = done, total
        self._show(work)

    def delivering(self, flow: str, target: str, count: int) -> None:
        """So many more records came to an outcome."""
        work = self._work((flow, target), f"{flow}: sending to {target}")
        now = self._clock.monotonic()
        if self._remaining is not None and now - work.counted_at >= _COUNT_AGAIN:
            work.counted_at = now
            with suppress(StateError):  # a bar may never stop the work
                work.total = work.done + self._remaining(flow, target)
        work.done += count
        if work.total is not None:
            work.total = max(work.total, work.done)
        self._show(work)

    def _work(self, name: tuple[str, str], title: str) -> _Work:
        if name not in self._works:
            self._works[name] = _Work(title, self._clock.monotonic())
        return self._works[name]


class _Rate(ProgressColumn):
    """Records per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{number(speed)}/s" if speed else "", style="cyan")


class _Count(ProgressColumn):
    """So many, of so many where that is known."""

    def render(self, task: Task) -> Text:
        of = f" of {number(task.total)}" if task.total else ""
        return Text(number(task.completed) + of)


@contextmanager
def progress(screen: Screen, *, remaining: Remaining | None = None, clock: Clock | None = None) -> Iterator[Listener]:
    """Give a listener that shows how the engine's work goes on, until the block ends."""
    if screen.quiet:
        yield Silent()
    elif screen.live:
        with _bars(screen.err) as bars:
            yield Tally(_Bars(bars), remaining=remaining, clock=clock)
    else:
        clock = clock or SystemClock()
        yield Tally(_Lines(screen, clock), remaining=remaining, clock=clock)


def _bars(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Count(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


class _Bars:
    """Keeps one bar for each thing that goes on."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, work: _Work) -> None:
        if work.title not in self._tasks:
            self._tasks[work.title] = self._bars.add_task(work.title, total=work.total)
        task = self._tasks[work.title]
        self._bars.update(task, completed=work.done, total=work.total)


class _Lines:
    """Prints a line every few seconds, of whatever goes on then."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen, self._clock = screen, clock
        self._last = clock.monotonic()

    def __call__(self, work: _Work) -> None:
        now = self._clock.monotonic()
        if now - self._last < EVERY:
            return
        self._last = now
        rate = work.rate(now)
        of = f" of {number(work.total)}" if work.total else ""
        speed = f", {number(rate)}/s" if rate else ""
        left = f", about {span((work.total - work.done) / rate)} left" if work.total and rate else ""
        self._screen.note(f"{work.title}: {number(work.done)}{of}{speed}{left}")
