"""How work goes on: a bar with rate and time left at a terminal, now and then a line elsewhere.

A log that fills with bars hides what matters, and a terminal that stays silent for minutes looks dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from obmen.clock import Clock, SystemClock
from obmen.errors import StateError
from obmen.sync.passes import Listener, Silent
from runner.render import Screen, number, span

EVERY = 5.0
"""Seconds between two plain lines."""
_COUNT_AGAIN = 1.0
_EARLY = 1.0
_CALM = 0.5
_SLOW = 10.0
Remaining = Callable[[str, str], int]
"""Returns how many records of a flow a target is still to be told."""


@dataclass(slots=True)
class Work:
    """One thing that goes on: so much done, of so much where that is known; times are of a monotonic clock.

    ``rate``: records per second, 0 while it is too early to say. Outcomes come in bursts, a whole batch within
    a moment and then nothing while the next one is under way. So what came in the first second is only where
    the measure begins, and the rate is reckoned anew at most twice a second, up to the end of the burst before.
    """

    title: str
    began: float
    done: int = 0
    total: int | None = None
    rate: float = 0.0
    counted_at: float = float("-inf")
    _first: tuple[float, int] = (0.0, 0)
    _last: tuple[float, int] = (0.0, 0)
    _looked_at: float = float("-inf")

    @property
    def left(self) -> float | None:
        """Seconds left, None while nobody can tell."""
        rest = (self.total or 0) - self.done
        return rest / self.rate if rest > 0 and self.rate else None

    def begin(self, now: float) -> None:
        """Measure from here on."""
        self.began, self.rate = now, 0.0
        self._first = self._last = (now, 0)

    def told(self, now: float, done: int) -> None:
        """So many are done by now."""
        if now - self._looked_at >= _CALM:
            self._looked_at = now
            seconds = self._last[0] - self._first[0]
            self.rate = (self._last[1] - self._first[1]) / seconds if seconds >= _EARLY else 0.0
        self.done = done
        self._last = (now, done)
        if now - self.began < _EARLY:
            self._first = self._last


class Tally:
    """Sums up what the engine tells, and hands it to ``show``. ``remaining`` asks the ledger for totals."""

    def __init__(
        self, show: Callable[[Work], None], *, remaining: Remaining | None = None, clock: Clock | None = None
    ) -> None:
        self._show, self._remaining, self._clock = show, remaining, clock or SystemClock()
        self._works: dict[tuple[str, str], Work] = {}

    def reading(self, flow: str, done: int, total: int | None) -> None:
        """So many records of a flow have been read."""
        work, now = self._work((flow, ""), f"{flow}: reading"), self._clock.monotonic()
        if done < work.done:
            work.begin(now)
        work.told(now, done)
        work.total = total
        self._show(work)

    def delivering(self, flow: str, target: str, count: int) -> None:
        """So many more records came to an outcome."""
        work = self._work((flow, target), f"{flow}: sending to {target}")
        now = self._clock.monotonic()
        if self._remaining is not None and now - work.counted_at >= _COUNT_AGAIN:
            work.counted_at = now
            with suppress(StateError):  # a bar may never stop the work
                work.total = work.done + self._remaining(flow, target)
        work.told(now, work.done + count)
        if work.total is not None:
            work.total = max(work.total, work.done)
        self._show(work)

    def _work(self, name: tuple[str, str], title: str) -> Work:
        if name not in self._works:
            self._works[name] = Work(title, self._clock.monotonic())
        return self._works[name]


class _Rate(ProgressColumn):
    """Records per second, and the time left; nothing while nobody can tell."""

    def render(self, task: Task) -> Text:
        return Text(_pace(task.fields["work"]).removeprefix(", "), style="cyan")


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
            screen.bars = bars
            try:
                yield Tally(_Bars(bars), remaining=remaining, clock=clock)
            finally:
                screen.bars = None
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
        console=console,
        transient=True,
    )


class _Bars:
    """Keeps one bar for each thing that goes on."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, work: Work) -> None:
        if work.title not in self._tasks:
            self._tasks[work.title] = self._bars.add_task(work.title, total=work.total, work=work)
        task = self._tasks[work.title]
        self._bars.update(task, completed=work.done, total=work.total)


class _Lines:
    """Prints a line every few seconds, of whatever goes on then."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self._screen, self._clock = screen, clock
        self._last = clock.monotonic()

    def __call__(self, work: Work) -> None:
        now = self._clock.monotonic()
        if now - self._last < EVERY:
            return
        self._last = now
        of = f" of {number(work.total)}" if work.total else ""
        self._screen.note(f"{work.title}: {number(work.done)}{of}{_pace(work)}")


def _pace(work: Work) -> str:
    if not work.rate:
        return ""
    rate = number(work.rate) if work.rate >= _SLOW else f"{work.rate:.1f}"
    left = f", about {span(work.left)} left" if work.left is not None else ""
    return f", {rate}/s{left}"
