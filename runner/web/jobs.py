"""Work that takes longer than a page may: a plan, a check of a connection. One of a kind at a time, on its own thread.

A page never waits for another system; it asks for the work here and shows how far it is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from obmen.clock import Clock
from obmen.errors import ObmenError

_MOST_KEPT = 20
_LOG = structlog.get_logger("obmen.page")


class TooLong(ObmenError):  # noqa: N818 - like the others, it is named by what happened
    """The work took longer than it may."""


@dataclass(slots=True)
class Job:
    """One piece of work. Times are Unix seconds; ``result`` is there once it is ``done``, ``error`` if it failed."""

    kind: str
    about: str
    by: str
    began: float
    state: Literal["running", "done", "failed"] = "running"
    ended: float | None = None
    done: int = 0
    result: Any = None
    error: str = ""


class Watch:
    """What work tells of itself, and how it learns that it has to end."""

    def __init__(self, job: Job, clock: Clock, seconds: float) -> None:
        self._job, self._clock = job, clock
        self._until = clock.monotonic() + seconds
        self.stopped = threading.Event()

    def progress(self, done: int) -> None:
        """So much is done; raises TooLong when the time is over."""
        self._job.done = done
        self.alive()

    def alive(self) -> None:
        """Raise TooLong when the time is over."""
        if self.stopped.is_set() or self._clock.monotonic() > self._until:
            raise TooLong("It took longer than the page lets it. Do it by the command line.")


class Jobs:
    """The work that is under way, and what came of the last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Job] = OrderedDict()
        self._running: dict[str, tuple[threading.Thread, Watch]] = {}

    def begin(self, kind: str, about: str, by: str, seconds: float, work: Callable[[Watch], Any]) -> bool:
        """Begin work for ``seconds`` at most; False if work of this kind is under way already."""
        job = Job(kind, about, by, self._clock.now().timestamp())
        watch = Watch(job, self._clock, seconds)
        with self._lock:
            if kind in self._running:
                return False
            self._kept[kind, about] = job
            self._kept.move_to_end((kind, about))
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            thread = threading.Thread(target=self._do, args=(job, watch, work), name=f"page-{kind}", daemon=True)
            self._running[kind] = (thread, watch)
        thread.start()
        return True

    def last(self, kind: str, about: str) -> Job | None:
        """Return the newest work of a kind about something."""
        with self._lock:
            return self._kept.get((kind, about))

    def busy(self, kind: str) -> bool:
        """Whether work of a kind is under way."""
        with self._lock:
            return kind in self._running

    def stop(self, patience: float = 5.0) -> None:
        """Let all work end at its next step, and wait so many seconds for it."""
        with self._lock:
            running = list(self._running.values())
        for _, watch in running:
            watch.stopped.set()
        for thread, _ in running:
            thread.join(patience)

    def _do(self, job: Job, watch: Watch, work: Callable[[Watch], Any]) -> None:
        try:
            result, error = work(watch), ""
        except ObmenError as trouble:
            result, error = None, str(trouble)
        except Exception as trouble:
            _LOG.exception("page.job_failed", kind=job.kind, about=job.about)
            result, error = None, f"This is a bug in Obmen: {type(trouble).__name__}. Its log says where."
        with self._lock:
            job.result, job.error = result, error
            job.ended = self._clock.now().timestamp()
            job.state = "failed" if error else "done"
            self._running.pop(job.kind, None)
