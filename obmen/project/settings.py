"""A project as the engine and the command line use it: validated, frozen, and with the lines for messages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from obmen.connector import Connector, secret_values
from obmen.entities import ENTITIES
from obmen.errors import ConfigurationError
from obmen.mapping import Mapping as RecordMapping
from obmen.mapping import load_mapping
from obmen.project.alerts import AlertsModel
from obmen.project.model import Missing
from obmen.project.money_model import MoneyModel
from obmen.project.presets import find_mapping, mapping_places, preset_places
from obmen.project.service import ServiceModel
from obmen.project.times import Hours
from obmen.project.verify_model import Verify
from obmen.rules.allocation import Allocation
from obmen.rules.guards import Guards
from obmen.rules.pricing import Pricing

_REFERS = {"order": "product"}  # an order's lines name goods


@dataclass(frozen=True)
class ConnectionSettings:
    """One account in a system.

    ``kind`` is the name of its connector; ``options`` an instance of the connector's Options. ``lines``: the
    dotted path of an option → its line in the project; ``line``: the connection's own.
    """

    name: str
    kind: str
    connector: type[Connector]
    options: Any
    line: int
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Schedule:
    """When the service runs a flow: ``every`` so often, or by ``cron``, or (neither) when somebody asks.

    ``jitter``: by how much at most a run begins later. ``quiet``: hours in which none begins.
    """

    every: timedelta | None = None
    cron: str | None = None
    jitter: timedelta = timedelta(0)
    quiet: tuple[Hours, ...] = ()


@dataclass(frozen=True)
class FlowSettings:
    """One entity from one connection into others. ``targets`` is empty for a flow that only reads.

    ``where``: canonical field → the only value that passes; ``where_line``: ``file:line`` of it, or of the
    flow. ``mappings``: connection → this flow's own mapping file. ``lines``: the dotted path of a key → its
    line in the project; ``line``: the flow's own. ``allocate``, ``pricing``: the seller's rules. ``verify``: when it is
    checked.
    """

    name: str
    entity: str
    source: str
    targets: tuple[str, ...]
    where: Mapping[str, str]
    missing: Missing
    guards: Guards
    schedule: Schedule
    attempts: int
    full: timedelta
    mappings: Mapping[str, Path]
    line: int
    where_line: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    allocate: Allocation | None = None
    pricing: Pricing | None = None
    verify: Verify = field(default_factory=Verify)


@dataclass(frozen=True)
class Project:
    """An integrator's project. ``state_url`` is an SQLAlchemy URL and may hold a password.

    ``files``: what else its rules were read from, such as lists of kits.
    """

    file: Path
    state_url: str = field(repr=False)
    connections: Mapping[str, ConnectionSettings]
    flows: Mapping[str, FlowSettings]
    service: ServiceModel = field(default_factory=ServiceModel)
    alerts: AlertsModel = field(default_factory=AlertsModel)
    money: MoneyModel = field(default_factory=MoneyModel)
    files: tuple[Path, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that stands in it, so that it can be masked wherever it turns up."""
        return tuple(self._secrets())

    def _secrets(self) -> Iterator[str]:
        for connection in self.connections.values():
            yield from secret_values(connection.options)
        yield from secret_values(self.alerts)
        yield from secret_values(self.service)
        password = urlsplit(self.state_url).password
        if password:
            yield from {password, unquote(password)}

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.file.parent.absolute()

    def where(self, line: int) -> str:
        """Return ``file:line`` for messages."""
        return f"{self.file}:{line}"

    def make_state_folder(self) -> None:
        """Make the folder of the default state file; what was set by ``state:`` is left to the person."""
        folder = self.folder / ".obmen"
        if self.state_url == default_state(self.folder):
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                place = os.environ.get("STATE_DIRECTORY", "/var/lib/obmen").partition(":")[0]
                message = (
                    f"The state would be in {folder}, which cannot be made ({error.strerror}). Say where else, with "
                    f"a folder that this user may write to: state: sqlite:///{place}/state.db"
                )
                raise ConfigurationError(message, where=str(self.file)) from error

    def ordered_flows(self) -> list[FlowSettings]:
        """Return the flows so that each comes after those whose records it needs: goods before their prices.

        Of equals, those that only read come first, since they bind what exists; else the file's order holds.
        """
        return sorted(self.flows.values(), key=lambda flow: (_rank(flow.entity), bool(flow.targets)))

    def mapping(self, connection: str, entity: str, flow: FlowSettings | None = None) -> RecordMapping:
        """Load the mapping of an entity for a connection; ``flow`` may bring its own.

        Raises ConfigurationError where there is none, saying where it was looked for, or where it is wrong.
        """
        if flow is not None and connection in flow.mappings:
            line = flow.lines[f"mappings.{connection}"]
            return find_mapping([flow.mappings[connection]], entity, connection, self.where(line))
        settings = self.connections[connection]
        preset = settings.connector.preset(settings.options, entity)
        places = mapping_places(settings.connector, settings.kind, connection, entity, self.folder, preset)
        line = flow.line if flow else settings.line
        return find_mapping(places, entity, connection, self.where(line))

    def preset(self, connection: str, entity: str) -> RecordMapping | None:
        """Load the mapping that comes with the connector, whatever the project has of its own; None without one."""
        settings = self.connections[connection]
        folder = settings.connector.preset(settings.options, entity)
        places = preset_places(settings.connector, settings.kind, entity, folder)
        found = next((place for place in places if place.is_file()), None)
        return None if found is None else load_mapping(found)


def default_state(folder: Path) -> str:
    """Return the URL of a project's state where it says nothing about it."""
    return f"sqlite:///{(folder / '.obmen' / 'state.db').as_posix()}"


def _rank(entity: str) -> int:
    subject = ENTITIES[entity].subject
    before = subject[0] if subject else _REFERS.get(entity)
    return 0 if before is None else 1 + _rank(before)
