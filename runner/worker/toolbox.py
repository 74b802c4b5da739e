"""Connectors and flows for jobs: each set is used by one job at a time, for a connector is made for one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from obmen.clock import Clock
from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from runner.daemon.service import Load
from runner.daemon.watch import Watch
from runner.observe.meter import Meter

_LOG = structlog.get_logger("obmen.worker")
_LOOK_EVERY = 2.0


class Toolbox:
    """Makes sets when they are needed, and keeps them for the next job. A changed project is taken up between jobs."""

    def __init__(self, project: Project, ledger: Ledger, load: Load, clock: Clock, meter: Meter) -> None:
        self.project, self._ledger, self._load, self._clock = project, ledger, load, clock
        self._meter = meter
        self._watch = Watch(project.folder, project.files)
        self._looked = clock.monotonic()
        self._lock = threading.Lock()
        self._first = self._heard(Assembly(project, clock=clock, ledger=ledger))
        self._free = [self._first]

    @contextmanager
    def taken(self) -> Iterator[Assembly]:
        """Give a set to a job, alone."""
        with self._lock:
            self._look()
            found = self._free.pop() if self._free else None
            first = self._first
        if found is None:
            found = self._heard(Assembly(first.project, clock=self._clock, ledger=self._ledger, beside=first))
        try:
            yield found
        finally:
            with self._lock:
                current = found.project is self.project
                if current:
                    self._free.append(found)
            if not current:
                found.close()

    def close(self) -> None:
        """Let go of all that nobody uses."""
        with self._lock:
            for one in self._free:
                one.close()
            self._free.clear()

    def _look(self) -> None:
        """Take up the project as it is written now; a wrong one is refused whole, and the one before goes on."""
        if self._clock.monotonic() - self._looked < _LOOK_EVERY:
            return
        self._looked = self._clock.monotonic()
        if not self._watch.changed():
            return
        try:
            project = self._read()
            made = self._heard(Assembly(project, clock=self._clock, ledger=self._ledger))
        except ConfigurationError as error:
            _LOG.error("project.refused", error=str(error))
            return
        for one in self._free:
            one.close()
        self.project, self._first, self._free = project, made, [made]
        self._watch.follow(project.files)
        _LOG.info("project.taken_up", flows=len(project.flows), connections=len(project.connections))

    def _heard(self, made: Assembly) -> Assembly:
        self._meter.attach(made.connectors.values())
        return made

    def _read(self) -> Project:
        project = self._load()
        if project.state_url != self.project.state_url:
            raise ConfigurationError("'state:' has changed, which takes effect only when the worker starts anew.")
        return project
