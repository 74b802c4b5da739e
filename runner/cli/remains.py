"""What is still known of a project whose file is wrong: where its state is, and what the service told there.

A slip in a file must not take away the commands that stop a service and tell how it is: the service goes on meanwhile
with the project before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from obmen.errors import ConfigurationError
from obmen.mapping.yaml import Document, parse_yaml, read_text
from obmen.project import FlowSettings, Project
from obmen.project.environment import Filler, read_env
from obmen.project.load import FILE, state_url
from obmen.project.problems import Problems
from obmen.project.settings import Schedule, default_state
from obmen.rules.guards import Guards
from obmen.state import Ledger, tables
from obmen.state.trouble import shown
from runner.daemon import pulse as pulses
from runner.daemon.pulse import Carried

_STATE = re.compile(r"""^(?:\{\s*)?["']?state["']?\s*:\s*["']?((?:\$\{[^}]*\}|[^\s"',}])+)""", re.MULTILINE)
_SQLITE, _POSTGRES = "sqlite:///", "postgresql+psycopg://"


@dataclass(frozen=True)
class Known:
    """A project as far as it is known, and the names of its connections.

    ``wrong``: why it could not be read, empty if it could. If it could not, its flows are those of the service's last
    sign, without schedules and rules, and there are no settings of its connections. ``secrets`` are to be masked.
    """

    project: Project
    connections: Collection[str]
    wrong: str = ""
    secrets: Collection[str] = ()

    @property
    def warning(self) -> str:
        """Say why it could not be read, and what is gone by instead."""
        state = shown(self.project.state_url)
        return f"{self.wrong}\nThe project cannot be read, so this goes by what the state knows of it: {state}"


def of(path: Path, error: ConfigurationError) -> Known:
    """Return what is known of a project that cannot be read.

    Raises that error if it is not known where the state is, or nothing is there; StateError if that cannot be used.
    """
    project, secrets = without_service(path, error)
    ledger = Ledger(project.state_url)
    try:
        pulse, names = pulses.found(ledger), _connections(ledger)
    finally:
        ledger.close()
    flows = {one.flow: _flow(one) for one in pulse.carried} if pulse is not None else {}
    for flow in flows.values():
        names |= {flow.source, *flow.targets}
    return Known(replace(project, flows=flows), names, str(error), secrets)


def without_service(path: Path, error: ConfigurationError) -> tuple[Project, set[str]]:
    """Return an empty project with the state of one that cannot be read, and its secrets; nothing is opened.

    Raises that error if it is not known where the state is, or nothing is there.
    """
    file = path / FILE if path.is_dir() else path
    url, secrets = _state(file)
    if not _is_there(url):
        raise error
    project = Project(file=file, state_url=url, connections={}, flows={})
    return project, {*secrets, *project.secrets}


def _state(file: Path) -> tuple[str, set[str]]:
    """Return the state's address, empty if it cannot be told, and the secrets that the file has from elsewhere."""
    folder = file.parent.absolute()
    try:
        text = read_text(file)
    except ConfigurationError:
        return default_state(folder), set()
    document = _document(text, file)
    problems = Problems(document)
    filler = Filler(document, _variables(folder), problems)
    found = filler.fill(document.data.get("state")) if isinstance(document.data, dict) else None
    wrong = bool(problems)
    filler.fill(text)
    if found is None:
        return default_state(folder), filler.used
    return "" if wrong else state_url(str(found), folder), filler.used


def _document(text: str, file: Path) -> Document:
    """Read the file; where it is no YAML, as much of it as says where the state is."""
    try:
        return parse_yaml(text, str(file))
    except ConfigurationError:
        found = _STATE.search(text)
        return Document(str(file), {"state": found[1]} if found else {})


def _variables(folder: Path) -> dict[str, str]:
    try:
        return {**read_env(folder), **os.environ}
    except ConfigurationError:
        return dict(os.environ)


def _is_there(url: str) -> bool:
    """Whether a state may be there; none is made by looking for it."""
    if url.startswith(_SQLITE):
        return Path(url.removeprefix(_SQLITE)).is_file()
    return url.startswith(_POSTGRES)


def _connections(ledger: Ledger) -> set[str]:
    known = (tables.binding.c.connection, tables.peer.c.connection, tables.pause.c.connection)
    with ledger.read() as tx:
        return {str(row[0]) for row in tx.rows(sa.union(*(sa.select(one).distinct() for one in known)))}


def _flow(one: Carried) -> FlowSettings:
    return FlowSettings(
        name=one.flow,
        entity=one.entity,
        source=one.source,
        targets=one.targets,
        where={},
        missing="ignore",
        guards=Guards(),
        schedule=Schedule(),
        attempts=1,
        full=timedelta(0),
        mappings={},
        line=1,
    )
