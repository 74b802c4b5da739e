"""What every command starts from: the project, the state, the flows ready to run, and where to print."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import typer

from obmen.connector import Connector
from obmen.errors import ConfigurationError, meant
from obmen.http.redact import Redactor
from obmen.project import Project, load_project
from obmen.state import Ledger, outbox
from obmen.sync.assemble import Assembly, equip
from obmen.sync.passes import Listener
from runner import logging
from runner.cli import remains
from runner.cli.call import Call
from runner.cli.remains import Known
from runner.observe.tracing import following
from runner.progress import progress
from runner.render import Screen


class Session:
    """A command at work. With it logging begins, from the level ``usual`` on unless the call says otherwise."""

    def __init__(self, call: Call, usual: int = logging.USUAL) -> None:
        self.call, self._usual = call, usual
        self.screen = call.screen
        self.mask(())

    @property
    def redact(self) -> Redactor:
        """Masks what nobody may see: from ``load`` on, the project's secrets too."""
        assert self.call.redact is not None  # noqa: S101 - it was made with the session
        return self.call.redact

    def mask(self, secrets: Collection[str]) -> None:
        """Show these nowhere from now on, in logs and errors."""
        self.call.redact = Redactor(secrets)
        level = logging.chosen(verbose=self.call.verbose, quiet=self.screen.quiet, usual=self._usual)
        logging.configure(level, secrets=secrets)

    def load(self) -> Project:
        """Read the project; from now on its secrets are masked in logs and errors."""
        project = load_project(self.call.project_file)
        self.mask(project.secrets)
        return project

    def known(self) -> Known:
        """Read the project, or if it is wrong say why and give what its state knows of it.

        Raises ConfigurationError if there is no state that knows anything.
        """
        try:
            project = self.load()
        except ConfigurationError as error:
            found = remains.of(self.call.project_file, error)
            self.mask(found.secrets)
            self.screen.warning(self.redact.secrets(found.warning))
            return found
        return Known(project, project.connections)

    @contextmanager
    def open(self) -> Iterator[Open]:
        """Give the project with its state, its connectors and its flows."""
        project = self.load()
        if not project.flows:
            message = "The project has no flows yet, so there is nothing to carry. Add one under 'flows:'."
            raise ConfigurationError(message, where=str(project.file))
        with (
            self.followed(project),
            self.ledger(project) as ledger,
            Assembly(project, ledger=ledger) as assembly,
        ):
            gc.freeze()  # what is loaded by now stays to the end: no use in looking through it for garbage
            yield Open(self.screen, project, ledger, assembly)

    def followed(self, project: Project) -> AbstractContextManager[None]:
        """Have what is done within the block traced, if somebody wants traces."""
        return following(project, self._masked)

    def _masked(self, text: str) -> str:
        return self.redact(text)  # of the project that was read last, for a service reads it again

    @contextmanager
    def connected(self, name: str) -> Iterator[Connector]:
        """Give the connector of one connection, with the memory that it has in the project's state."""
        project = self.load()
        if name not in project.connections:
            raise ConfigurationError(f"There is no connection '{name}'.{meant(name, project.connections)}")
        settings = project.connections[name]
        connector = settings.connector(name, settings.options)
        try:
            with self.ledger(project) as ledger:
                equip(connector, ledger)
                yield connector
        finally:
            connector.close()

    @contextmanager
    def ledger(self, project: Project) -> Iterator[Ledger]:
        """Give the project's state."""
        project.make_state_folder()
        ledger = Ledger(project.state_url)
        try:
            yield ledger
        finally:
            ledger.close()


@dataclass(frozen=True)
class Open:
    """A project that is ready to run."""

    screen: Screen
    project: Project
    ledger: Ledger
    assembly: Assembly

    @contextmanager
    def progress(self) -> Iterator[Listener]:
        """Give a listener that shows how the work goes on."""
        with progress(self.screen, remaining=self._remaining) as listener:
            yield listener

    def _remaining(self, flow: str, target: str) -> int:
        with self.ledger.read() as tx:
            counts = outbox.counts(tx, flow, target)
        return sum(counts.get(state, 0) for state in ("pending", "sent", "accepted"))


def session(context: typer.Context, usual: int = logging.USUAL) -> Session:
    """Begin a command: return what it works with, as the options before it say."""
    return Session(context.obj, usual)
