"""1C:Управление торговлей 11, by whichever of its doors the administrator opened.

CommerceML (files, or pushed by 1C itself), the standard OData interface, EnterpriseData over SOAP: each needs
nothing that is not in a stock UT 11.4 or 11.5. This class opens the doors that the options name; each entity goes
through its own (``entities``), and a folder holds each door. See README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from requests.auth import HTTPBasicAuth

from connectors.onec.door import Door
from connectors.onec.doors import ENTITIES, DoorName, door_of
from connectors.onec.entities import Entities
from connectors.onec.odata.changes import Changes
from connectors.onec.odata.client import OData
from connectors.onec.odata.errors import explain
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Finding, Transport, acknowledge, feed
from obmen.endpoint import Endpoint
from obmen.http import Http
from obmen.records import Hints
from obmen.usage import Usage

if TYPE_CHECKING:
    from connectors.onec.enterprisedata.door import EnterpriseData
    from connectors.onec.site.door import SiteDoor


class OneC(Entities):
    """1C:Управление торговлей 11."""

    title: ClassVar[str] = "1C:Управление торговлей"
    sandbox: ClassVar[str] = "connectors.onec.sandbox:OneCSandbox"

    class Options(OneCOptions):
        """See OneCOptions."""

    def __init__(self, name: str, options: Options, *, clock: Clock | None = None, http: Http | None = None) -> None:
        super().__init__(name, options, clock=clock, http=http)
        self._base = OData(self.http, memory=lambda: self.memory, clock=self.clock, allowed_only=options.allowed_only)
        self._changes = Changes(self._base, options)
        named = {entity: door for entity in ENTITIES if (door := door_of(options, entity))}
        opened = {door: self._opened(door) for door in set(named.values())}
        self._of = doors = {str(entity): opened[door] for entity, door in named.items()}
        self.readers = {
            entity: replace(spec, complete=entity in doors[entity].whole) if entity in doors else spec
            for entity, spec in self.readers.items()
        }
        self.writers = {
            (entity, op): replace(spec, batch=doors[entity].batch.get(entity, 1)) if entity in doors else spec
            for (entity, op), spec in self.writers.items()
        }
        self.finders = {entity: name for entity, name in self.finders.items() if self._has(entity, "find")}
        self.pollers = {entity: name for entity, name in self.pollers.items() if self._has(entity, "poll")}
        self.lookups = {entity: spec for entity, spec in self.lookups.items() if self._has(entity, "look_up")}
        self.histories = {entity: spec for entity, spec in self.histories.items() if self._has(entity, "history")}

    @classmethod
    def transport(cls, options: Options) -> Transport:
        """Basic authentication in UTF-8, the encoding that 1C expects of Cyrillic logins."""
        password = options.password.get_secret_value()
        return Transport(
            base_url=options.url or "",
            headers={"Accept": "application/json;odata=nometadata"},
            auth=HTTPBasicAuth(options.username.encode(), password.encode()) if options.username else None,
            timeout=(min(10.0, options.timeout), options.timeout),
            explain=explain,
        )

    @classmethod
    def preset(cls, options: Options, entity: str) -> str:
        """Each door has mappings of its own."""
        return door_of(options, entity) or ""

    def way(self, entity: str) -> str:
        """Name the door, and how changes are found behind it."""
        return self._door(entity).way(entity)

    def as_of(self, entity: str) -> float | None:
        """Return when 1C wrote the files that are read; of the other doors what they tell holds now."""
        return self._door(entity).as_of()

    # -- changes and calls from outside --------------------------------------------------------------------------

    @feed(*ENTITIES)
    def told(self, cursor: str | None) -> Iterator[Hints]:
        """Ask the exchange plan what has changed."""
        return self._changes.read(cursor)

    @acknowledge
    def keep_no_longer(self, cursor: str) -> None:
        """Let the exchange plan forget what it told."""
        self._changes.acknowledge(cursor)

    def listens(self, entity: str) -> bool:
        """Whether the entity goes by OData and the base's exchange plan tells of it."""
        return door_of(self.options, entity) == "odata" and self._changes.listens(entity)

    def endpoint(self) -> Endpoint | None:
        """Return the site that 1C's «Обмен с сайтом» calls."""
        return self._site.endpoint() if self._site is not None else None

    def check(self) -> Iterable[Finding]:
        """Look at each door: what is there, what is missing, and what the options point to."""
        return self._check(None)

    def check_usage(self, usage: Usage) -> Iterable[Finding]:
        """Do the same for what these flows carry, and say for which of them something is missing."""
        return self._check(usage)

    def _check(self, usage: Usage | None) -> Iterator[Finding]:
        from connectors.onec.checks import check_connection  # noqa: PLC0415 - see _opened

        awaits = self._site is not None and self._site.awaits_goods
        yield from check_connection(self._base if self.options.url else None, self.options, usage, awaits_goods=awaits)
        if self.options.url is not None:
            yield from self._changes.check()
        if self._site is not None:
            yield from self._site.check()
        if self.options.enterprisedata is not None:
            yield from self._node.check(_through(self.options, "enterprisedata", usage))

    def close(self) -> None:
        """Let go of connections."""
        super().close()
        if "_node" in vars(self):
            self._node.close()

    # -- doors -----------------------------------------------------------------------------------------------------

    def _opened(self, name: DoorName) -> Door:
        """Return a door; what serves it is loaded only if it is open."""
        if name == "odata":
            from connectors.onec.odata.door import odata_door  # noqa: PLC0415 - see above

            return odata_door(self.name, self._base, self.options, lambda: self.memory, self.clock, self._changes)
        if name == "commerceml":
            from connectors.onec.commerceml.door import commerceml_door  # noqa: PLC0415 - see above

            return commerceml_door(self.options, self._site)
        from connectors.onec.enterprisedata.door import enterprisedata_door  # noqa: PLC0415 - see above

        return enterprisedata_door(self._node)

    @cached_property
    def _site(self) -> SiteDoor | None:
        options: OneCOptions = self.options
        if options.exchange is None or options.commerceml is None:
            return None
        from connectors.onec.site.door import SiteDoor  # noqa: PLC0415 - only where that door is open

        return SiteDoor(options.commerceml, options.exchange, self.clock)

    @cached_property
    def _node(self) -> EnterpriseData:
        options: OneCOptions = self.options
        assert options.enterprisedata is not None  # noqa: S101 - doors.is_open asks
        from connectors.onec.enterprisedata.door import EnterpriseData  # noqa: PLC0415 - only where that door is open

        return EnterpriseData(self.name, options.enterprisedata, ZoneInfo(options.timezone), self.clock)


def _through(options: OneCOptions, door: DoorName, usage: Usage | None) -> Usage | None:
    """Return what of the flows goes through a door."""
    if usage is None:
        return None
    reads = {entity: flows for entity, flows in usage.reads.items() if door_of(options, entity) == door}
    writes = {entity: flows for entity, flows in usage.writes.items() if door_of(options, entity) == door}
    return Usage(reads, writes)
