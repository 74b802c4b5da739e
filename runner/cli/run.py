"""``obmen run``: the service. Flows run by themselves, and a page shows how they are."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from logging import INFO
from typing import Annotated

import structlog
import typer
from starlette.applications import Starlette

from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.state import Ledger
from runner import serve as hosting
from runner.cli.session import session
from runner.cli.stop import SIGNALS, answering
from runner.daemon.clock import ServiceClock
from runner.daemon.doors import Door, Endpoints, move
from runner.daemon.plant import Plant
from runner.daemon.service import Build, Service, Works
from runner.exit_codes import ExitCode
from runner.observe import routes as observed
from runner.observe.key_watch import KeyWatch
from runner.observe.meter import Meter
from runner.observe.senders import senders
from runner.observe.watchman import Watchman
from runner.render import Screen, plural
from runner.web.app import application

_LOG = structlog.get_logger("obmen.service")
_LOCAL = ("127.0.0.1", "::1", "localhost")

Workers = Annotated[
    bool, typer.Option("--workers", metavar="", help="Only say whose turn it is; obmen worker runs the flows.")
]


class House:
    """What goes with the project that runs: who does its work, who answers calls and where, who watches it."""

    def __init__(self, ledger: Ledger, clock: ServiceClock, build: Build, screen: Screen) -> None:
        self.endpoints, self.meter = Endpoints(ledger), Meter()
        self._ledger, self._clock, self._build, self._screen = ledger, clock, build, screen
        self._site: Starlette | None = None
        self._page: Door | None = None
        self._calls = Door(hosting.application(self.endpoints.by_connection))
        self._watchman: Watchman | None = None
        self._keys: KeyWatch | None = None

    def build(self, project: Project) -> Works:
        """Put a project to work. Raises ConfigurationError, and leaves all as it was, if it cannot run."""
        works = self._build(project)
        before = self.endpoints.project
        self.endpoints.take_up(project)
        try:
            self._move(project)
        except ConfigurationError:
            if before is not None:
                self.endpoints.take_up(before)
            works.stop(0.0, lambda _seconds: None)
            raise
        if before is not None and before.service.tracing != project.service.tracing:
            _LOG.warning("tracing.changed", hint="it takes effect when the service is started anew")
        if isinstance(works, Plant):
            self.meter.attach(works.connectors())
        self._relieve()
        channels = senders(project.alerts, self._clock)
        self._watchman = Watchman(self._ledger, project, self._clock, channels)
        self._keys = KeyWatch(self._ledger, project, self._clock)
        return works

    def open(self, page: Starlette, project: Project) -> None:
        """Open the doors; from now on they go with the project. Raises ConfigurationError if one cannot be."""
        self._site, self._page = page, Door(page, believes_proxy=False)
        self._move(project)

    def look(self) -> None:
        """Let the watchmen look."""
        if self._keys is not None:
            self._keys.look()
        if self._watchman is not None:
            self._watchman.look()

    def close(self) -> None:
        """Let go of everything."""
        for door in self._doors():
            door.close()
        if self._site is not None:
            self._site.state.jobs.stop()
        self.endpoints.close()
        self._relieve()

    def _doors(self) -> dict[Door, str]:
        if self._page is None:
            return {}
        names = ", ".join(f"/{name}" for name in self.endpoints.by_connection)
        return {self._page: "The page is", self._calls: f"Systems that call are answered ({names})"}

    def _move(self, project: Project) -> None:
        """Open and close the doors as a project says, and tell of it."""
        doors, asked = self._doors(), project.service
        addresses = (asked.page.address, asked.endpoints if self.endpoints.by_connection else None)
        for door in move(dict(zip(doors, addresses, strict=False))):
            if door.address is None:
                self._screen.line(f"{doors[door].partition(' (')[0]} nowhere any more.")
                continue
            self._screen.line(f"{doors[door]} at {door.url}")
            if door.address.host not in _LOCAL:
                self._screen.note("Passwords travel openly by http: put a web server with https in front of it.")
        self._screen.flush()

    def _relieve(self) -> None:
        if self._watchman is not None:
            self._watchman.close()
            self._watchman = None


def run(context: typer.Context, workers: Workers = False) -> int:
    """Run the project's flows by themselves, until stopped: the service.

    Each flow runs when its schedule says; a page shows how all stands, and the systems that call by themselves are
    answered. Ctrl-C or SIGTERM ends it: what is under way is brought to an end first. SIGHUP, or a change of the
    project's files, makes it take up the project as it is written then; a wrong one is refused, and the one before goes
    on.
    """
    current = session(context, INFO)
    project = current.load()
    if not project.flows:
        message = "The project has no flows yet, so there is nothing to run. Add one under 'flows:'."
        raise ConfigurationError(message, where=str(project.file))
    clock = ServiceClock()
    with current.followed(project), current.ledger(project) as ledger, ExitStack() as stack:
        screen = current.screen
        house = House(ledger, clock, (_by_workers if workers else _by_lanes)(ledger, clock), screen)
        stack.callback(house.close)
        service = Service(project, ledger, build=house.build, load=current.load, clock=clock, besides=house.look)
        screen.line(f"Obmen runs {plural(len(project.flows), 'flow')} of {project.file}. Ctrl-C ends it.")
        house.open(application(service, observed.routes(service, house.meter)), service.project)
        with answering({**dict.fromkeys(SIGNALS, service.stop), signal.SIGHUP: service.reload}):
            whole = service.run()
    if not whole:
        screen.warning("Something was still under way. Nothing is lost: the next start takes up what it left.")
    return ExitCode.DONE


def _by_lanes(ledger: Ledger, clock: ServiceClock) -> Build:
    return lambda project: Plant(project, ledger, clock)


def _by_workers(ledger: Ledger, clock: ServiceClock) -> Build:
    try:
        from runner.worker.scheduler import Scheduler  # noqa: PLC0415 - its library is an extra
    except ModuleNotFoundError as error:
        message = f"Workers need {error.name}, which is not installed: pip install 'obmen[workers]'."
        raise ConfigurationError(message) from error
    return lambda project: Scheduler(project, ledger, clock)
