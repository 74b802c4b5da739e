"""``obmen run``: the service. Flows run by themselves, and a page shows how they are."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from logging import INFO
from typing import Annotated

import typer
from starlette.applications import Starlette

from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.project.service import Address
from obmen.state import Ledger
from runner import serve as hosting
from runner.cli.session import session
from runner.cli.stop import SIGNALS, answering
from runner.daemon.clock import ServiceClock
from runner.daemon.doors import Endpoints, opened
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

_LOCAL = ("127.0.0.1", "::1", "localhost")

Workers = Annotated[
    bool, typer.Option("--workers", metavar="", help="Only say whose turn it is; obmen worker runs the flows.")
]


class House:
    """What is made anew with each project that is taken up: who does its work, who answers calls, who watches it."""

    def __init__(self, ledger: Ledger, clock: ServiceClock, build: Build) -> None:
        self.endpoints, self.meter = Endpoints(ledger), Meter(ledger)
        self._ledger, self._clock, self._build = ledger, clock, build
        self._watchman: Watchman | None = None
        self._keys: KeyWatch | None = None

    def build(self, project: Project) -> Works:
        """Put a project to work. Raises ConfigurationError, and leaves all as it was, if it cannot run."""
        works = self._build(project)
        self.endpoints.take_up(project)
        if isinstance(works, Plant):
            self.meter.attach(works.connectors())
        self._relieve()
        channels = senders(project.alerts, self._clock)
        self._watchman = Watchman(self._ledger, project, self._clock, channels)
        self._keys = KeyWatch(self._ledger, project, self._clock)
        return works

    def look(self) -> None:
        """Let the watchmen look."""
        if self._keys is not None:
            self._keys.look()
        if self._watchman is not None:
            self._watchman.look()

    def close(self) -> None:
        """Let go of everything."""
        self.endpoints.close()
        self._relieve()

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
        house = House(ledger, clock, _by_workers(ledger, clock) if workers else _by_lanes(ledger, clock))
        stack.callback(house.close)
        service = Service(project, ledger, build=house.build, load=current.load, clock=clock, besides=house.look)
        screen = current.screen
        screen.line(f"Obmen runs {plural(len(project.flows), 'flow')} of {project.file}. Ctrl-C ends it.")
        _open_doors(stack, screen, service, house)
        screen.flush()
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


def _open_doors(stack: ExitStack, screen: Screen, service: Service, house: House) -> None:
    settings = service.project.service
    page = application(service, observed.routes(service, house.meter))
    stack.callback(page.state.jobs.stop)
    _open(stack, screen, page, settings.page.address, "The page is", believes_proxy=False)
    if house.endpoints.by_connection:
        names = ", ".join(f"/{name}" for name in house.endpoints.by_connection)
        calls = hosting.application(house.endpoints.by_connection)
        _open(stack, screen, calls, settings.endpoints, f"Systems that call are answered ({names})")


def _open(
    stack: ExitStack, screen: Screen, app: Starlette, address: Address | None, what: str, *, believes_proxy: bool = True
) -> None:
    if address is None:
        return
    url = stack.enter_context(opened(app, address, believes_proxy=believes_proxy))
    screen.line(f"{what} at {url}")
    if address.host not in _LOCAL:
        screen.note("Passwords travel openly by http: put a web server with https in front of it.")
