"""The service as a whole: a project at work until it is told to stop, its changes taken up as they come.

What runs for a year meets everything once: a project saved half-way, a machine clock that is set, a database that
restarts. None of it may end the service, or make it work with half a project.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from obmen.errors import Busy, ConfigurationError, LeaseLost, StateError
from obmen.project import Project
from obmen.state import Lease, Ledger, clocks, retention
from obmen.state.clocks import ClockWatch
from runner.daemon.clock import ServiceClock
from runner.daemon.pulse import Doing, Pulse, beat, save
from runner.daemon.watch import Watch

_LOG = structlog.get_logger("obmen.service")
TICK = 1.0
_LOOK_EVERY = 2.0
_BEAT_EVERY = 10.0
_SWEEP_EVERY = 3600.0
_JUMP = 30.0
"""Seconds by which the two clocks may differ between two ticks before the wall clock counts as set."""
_KEEP_EVERY = 15.0
SERVICE = ":service"
"""The lease of whoever serves; no flow can have this name."""
Load = Callable[[], Project]


class Works(Protocol):
    """A project at work: by lanes of this process, or by workers elsewhere."""

    project: Project

    def start(self) -> None:
        """Begin."""
        ...

    def tick(self) -> None:
        """Do what is to be done every second."""
        ...

    def jumped(self) -> None:
        """The wall clock was set."""
        ...

    def hold(self, on: bool) -> None:
        """Take nothing on for a while; or go on."""
        ...

    def stop(self, patience: float, wait: Callable[[float], object]) -> bool:
        """Let what is under way end, for so many seconds; return whether all did."""
        ...

    def doing(self) -> Doing:
        """Return what is done at the moment, and what comes next."""
        ...


Build = Callable[[Project], Works]


@dataclass(slots=True)
class _Times:
    """When something was last done, on the monotonic clock."""

    looked: float = 0.0
    beat: float = 0.0
    swept: float = 0.0
    kept: float = 0.0


@dataclass(slots=True)
class Standing:
    """What is told of the service: since when it runs, and why a changed project was not taken up.

    ``serving``: it is the one that serves this state.
    """

    since: float
    serving: bool = False
    refused: str = ""
    trouble: str = ""
    times: _Times = field(default_factory=_Times)


class Service:
    """Runs a project. ``build`` puts it to work, ``load`` reads it anew.

    ``besides``: what is done every second besides.
    """

    def __init__(
        self,
        project: Project,
        ledger: Ledger,
        *,
        build: Build,
        load: Load,
        clock: ServiceClock,
        besides: Callable[[], None] = lambda: None,
    ) -> None:
        clocks.check(ledger)
        self.clock, self.ledger = clock, ledger
        self.standing = Standing(self.clock.now().timestamp())
        self._build, self._load, self._besides = build, load, besides
        self._watch = Watch(project.folder, project.files)
        self._anew = threading.Event()
        self._clocks = ClockWatch(ledger)
        self._wall, self._seconds = self.clock.now().timestamp(), self.clock.monotonic()
        self._set_by = 0.0
        """By how many seconds the wall clock was set, as long as what waits by it has not followed."""
        self.works = build(project)

    @property
    def project(self) -> Project:
        """The project that runs."""
        return self.works.project

    def reload(self) -> None:
        """Read the project anew at the next tick."""
        self._anew.set()

    def stop(self) -> None:
        """Be told to stop."""
        self.clock.stop.set()

    def run(self) -> bool:
        """Run until told to stop; return whether everything under way came to its end.

        Raises Busy if another one serves this state, and LeaseLost if it had to take this one for dead.
        """
        with self._alone() as lease:
            return self._run(lease)

    @contextmanager
    def _alone(self) -> Iterator[Lease]:
        try:
            with self.ledger.lease(SERVICE) as lease:
                yield lease
        except Busy as error:
            message = (
                "The service already runs on this state, so a second one would only be in its way. End that one first"
            )
            raise Busy(f"{message} ({error}).") from error

    def _run(self, lease: Lease) -> bool:
        self.standing.serving = True
        self.works.start()
        _LOG.info("service.started", flows=len(self.project.flows), connections=len(self.project.connections))
        lost: LeaseLost | None = None
        while lost is None and not self.clock.stop.wait(TICK):
            self.tick()
            lost = self._keep(lease)
        _LOG.info("service.stopping")
        ended = self.works.stop(self.project.service.stop_within.total_seconds(), time.sleep)
        _LOG.info("service.stopped", whole=ended)
        if lost is not None:
            raise lost
        return ended

    def _keep(self, lease: Lease) -> LeaseLost | None:
        """Go on being the one that serves; return the error if another one has taken this place meanwhile."""
        if self.clock.monotonic() - self.standing.times.kept < _KEEP_EVERY:
            return None
        self.standing.times.kept = self.clock.monotonic()
        try:
            self.ledger.keep(lease)
        except LeaseLost as error:
            return error
        except StateError as error:
            self._troubled(str(error))
        return None

    def tick(self) -> None:
        """Do what is to be done every second; a state that fails for a while stops nothing."""
        times, now = self.standing.times, self.clock.monotonic()
        self._mind_the_clock()
        try:
            self._compare()
            self.works.tick()
            if self._anew.is_set() or now - times.looked >= _LOOK_EVERY:
                times.looked = now
                self._look()
            self._beat()
            if now - times.swept >= _SWEEP_EVERY:
                times.swept = now
                self._sweep()
            self._besides()
        except StateError as error:
            self._troubled(str(error))
        else:
            self._troubled("")

    def pulse(self) -> Pulse:
        """Return what the service does at the moment."""
        standing, trouble = self.standing, self._clocks.trouble
        flows = self.project.flows.values()
        return beat(self.works.doing(), self.clock, standing.since, standing.refused, trouble, flows)

    def _beat(self) -> None:
        now = self.clock.monotonic()
        if now - self.standing.times.beat >= _BEAT_EVERY:
            self.standing.times.beat = now
            save(self.ledger, self.pulse())

    def _wait(self, seconds: float) -> None:
        """Wait for what is under way, and go on giving a sign of life."""
        time.sleep(seconds)
        self._beat()

    def _mind_the_clock(self) -> None:
        wall, seconds = self.clock.now().timestamp(), self.clock.monotonic()
        jump = (wall - self._wall) - (seconds - self._seconds)
        self._wall, self._seconds = wall, seconds
        if abs(jump) > _JUMP:
            _LOG.warning("clock.jumped", seconds=round(jump))
            self._set_by += jump
            self.works.jumped()

    def _compare(self) -> None:
        """Let nothing be taken on while this machine's clock is not the database's.

        If it was set together with that one, what waits by it follows.
        """
        before = self._clocks.trouble
        self._clocks.look(anew=self._set_by != 0)
        if bool(before) != bool(self._clocks.trouble):
            self.works.hold(bool(self._clocks.trouble))
        if self._set_by and not (before or self._clocks.trouble):
            with self.ledger.write() as tx:
                clocks.follow(tx, self._set_by)
        self._set_by = 0.0

    def _look(self) -> None:
        if self._watch.changed() or self._anew.is_set():
            self._anew.clear()
            self._take_up()

    def _take_up(self) -> None:
        """Run the project as it is written now; a wrong one is refused whole, and the one before goes on."""
        try:
            works = self._built(self._load())
        except ConfigurationError as error:
            self.standing.refused = str(error)
            _LOG.error("project.refused", error=str(error))
            return
        self.standing.refused = ""
        self._exchange(works)
        self._watch.follow(self.project.files)
        _LOG.info("project.taken_up", flows=len(self.project.flows), connections=len(self.project.connections))

    def _built(self, project: Project) -> Works:
        if project.state_url != self.project.state_url:
            message = "'state:' has changed, which takes effect only when the service is started anew."
            raise ConfigurationError(message, where=str(project.file))
        return self._build(project)

    def _exchange(self, works: Works) -> None:
        if not self.works.stop(self.project.service.stop_within.total_seconds(), self._wait):
            _LOG.warning("lane.slow", hint="a task of the project before is still under way; its flow waits for it")
        self.works = works
        works.hold(bool(self._clocks.trouble))
        works.start()

    def _sweep(self) -> None:
        """Forget what is old and decides nothing, a few rows at a time."""
        retention.sweep(self.ledger, self.project.service.keep_runs.total_seconds())

    def _troubled(self, words: str) -> None:
        if words != self.standing.trouble:
            self.standing.trouble = words
            if words:
                _LOG.error("state.failed", error=words)
            else:
                _LOG.info("state.works")
