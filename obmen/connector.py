"""What a connector's author imports.

A connector speaks its system's language and nothing else: it does not map, retry, limit, log or remember.
So it can be read like its vendor's page, and everything that can lose a record stands in one place, the
engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from obmen.clock import Clock, SystemClock
from obmen.errors import ConfigurationError, ObmenError, meant
from obmen.http import Http, Transport
from obmen.http.account import account_of
from obmen.memory import Memory, ShortMemory
from obmen.promotion import Promotion
from obmen.records import Batch, Document, Hints, Item, Native, Op, Outcome, Page, RecordError
from obmen.roles import (
    HistorySpec,
    LookupSpec,
    ReaderSpec,
    WriterSpec,
    acknowledge,
    document,
    feed,
    find,
    history,
    lookup,
    poll,
    reader,
    writer,
)
from obmen.rules.habits import PriceHabits

if TYPE_CHECKING:
    from obmen.categories import CategoryAttribute, CategoryNode
    from obmen.endpoint import Endpoint
    from obmen.usage import Usage

__all__ = [
    "Batch",
    "Connector",
    "Document",
    "Finding",
    "Hints",
    "Item",
    "Memory",
    "Native",
    "Options",
    "Outcome",
    "Page",
    "SecretStr",
    "ShortMemory",
    "Transport",
    "acknowledge",
    "check",
    "connectors",
    "document",
    "feed",
    "find",
    "history",
    "lookup",
    "poll",
    "reader",
    "writer",
]

ENTRY_POINTS = "obmen.connectors"


class Options(BaseModel):
    """A connection's settings. Unknown keys are refused, so that a misspelt one cannot be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Finding:
    """What ``check`` found: ``problem`` stops a run, ``warning`` does not, ``ok`` tells what was verified.

    ``option`` names the connection's option that it is about, dotted, so that the message can point to a
    line of the project.
    """

    level: Literal["ok", "warning", "problem"]
    message: str
    option: str = ""


class Connector:
    """One kind of external system. Subclass it, say its ``Options``, and mark its methods.

    ``title`` is its name for people. ``sandbox`` names its stand-in as ``package.module:Class``. ``presets``
    is a folder of mapping presets that a third-party connector brings itself (``<entity>.yaml``); Obmen's own
    stand in ``mappings/<name>/``. ``tell`` is called with entity → native ids when the system itself says that
    records changed; they are then read by their ids before the next usual read. ``price_habits``: what the system
    takes of prices, for those that take not every one.
    """

    title: ClassVar[str] = ""
    sandbox: ClassVar[str] = ""
    presets: ClassVar[Path | None] = None
    options_model: ClassVar[type[Options]] = Options
    readers: dict[str, ReaderSpec] = {}  # noqa: RUF012 - an instance may narrow what its class declares
    writers: dict[tuple[str, Op], WriterSpec] = {}  # noqa: RUF012 - an instance may narrow what its class declares
    finders: dict[str, str] = {}  # noqa: RUF012 - an instance may narrow what its class declares
    pollers: dict[str, str] = {}  # noqa: RUF012 - an instance may narrow what its class declares
    lookups: dict[str, LookupSpec] = {}  # noqa: RUF012 - an instance may narrow what its class declares
    histories: dict[str, HistorySpec] = {}  # noqa: RUF012 - an instance may narrow what its class declares
    documents: ClassVar[dict[str, LookupSpec]] = {}
    feeds: ClassVar[dict[str, str]] = {}
    acknowledger: ClassVar[str] = ""
    price_habits: PriceHabits = PriceHabits()  # an instance may narrow what its class declares

    def __init_subclass__(cls) -> None:
        """Gather what the class's methods are marked as."""
        super().__init_subclass__()
        own_options = cls.__dict__.get("Options")
        if own_options is not None:
            cls.options_model = own_options
        cls.readers, cls.writers = dict(cls.readers), dict(cls.writers)
        cls.finders, cls.pollers, cls.lookups = dict(cls.finders), dict(cls.pollers), dict(cls.lookups)
        cls.feeds, cls.documents, cls.histories = dict(cls.feeds), dict(cls.documents), dict(cls.histories)
        for base in reversed(cls.__mro__):
            for name, method in list(vars(base).items()):
                for role, spec in getattr(method, "_obmen_roles", ()):
                    cls._register(role, spec, name)

    @classmethod
    def _register(cls, role: str, spec: Any, name: str) -> None:
        if role == "reader":
            cls.readers[spec.entity] = spec
        elif role == "writer":
            cls.writers[spec.entity, spec.op] = spec
        elif role == "lookup":
            cls.lookups[spec.entity] = spec
        elif role == "document":
            cls.documents[spec.entity] = spec
        elif role == "history":
            cls.histories[spec.entity] = spec
        elif role == "feed":
            cls.feeds.update(dict.fromkeys(spec, name))
        elif role == "acknowledge":
            cls.acknowledger = name
        else:
            (cls.finders if role == "find" else cls.pollers)[spec] = name

    def __init__(self, name: str, options: Options, *, clock: Clock | None = None, http: Http | None = None) -> None:
        self.name = name
        self.options: Any = options
        self.clock: Clock = clock or SystemClock()
        self.memory: Memory = ShortMemory()
        self.tell: Callable[[Mapping[str, Sequence[str]]], None] = _nobody_listens
        self.http = http or Http(name, self.transport(options), clock=self.clock, secrets=secret_values(options))

    @classmethod
    def transport(cls, options: Any) -> Transport:  # noqa: ARG003 - subclasses read their own options
        """How the system is reached: address, credentials, budgets and the vendor's retry habits."""
        return Transport()

    @classmethod
    def preset(cls, options: Any, entity: str) -> str:  # noqa: ARG003 - for those who have several
        """Return the folder, within the connector's presets, of the mapping that fits these options; "" is the top."""
        return ""

    @classmethod
    def key_ends(cls, options: Any) -> datetime | None:  # noqa: ARG003 - for those whose keys tell it
        """Return when the connection's key ends, where the key itself tells it. No calls are made."""
        return None

    def ask_key_end(self) -> datetime | None:
        """Ask the system when the connection's key ends, where only it knows; see ``obmen.keys``."""
        return None

    def account(self) -> str:
        """Return the vendor's account that calls are counted for: connections with the same one share its budgets.

        It is a digest that gives no credential away. Another one is for vendors that count otherwise, by address, say.
        """
        return account_of(self.http.transport, secret_values(self.options))

    def way(self, entity: str) -> str:  # noqa: ARG002 - for those who have several
        """Say in a few words how an entity is read here, for people who look at the status."""
        return ""

    def listens(self, entity: str) -> bool:
        """Whether this account tells of changes of an entity; asked anew at every run."""
        return entity in self.feeds

    def changes(self, cursor: str | None) -> Iterator[Hints]:
        """Call the feed; there is one, whatever the number of its entities."""
        return iter(getattr(self, next(iter(self.feeds.values())))(cursor))

    def acknowledge(self, cursor: str) -> None:
        """Tell the source that the feed up to this cursor is kept, where it wants to know."""
        if self.acknowledger:
            getattr(self, self.acknowledger)(cursor)

    def endpoint(self) -> Endpoint | None:
        """Return what answers when the system itself calls, if this connection is set up for it."""
        return None

    def foresee(self, entity: str, payload: Native, before: Mapping[str, Any] | None) -> str:  # noqa: ARG002 - for those who know
        """Say why the system will hold back or refuse this update, if that is certain beforehand; "" if not.

        ``before``: the canonical values on which both sides last agreed, None for a new record. No calls are made.
        """
        return ""

    def papers(self, kind: str, orders: Sequence[str]) -> Iterator[Document]:
        """Call what makes papers of a kind."""
        return iter(getattr(self, self.documents[kind].method)(orders))

    def as_of(self, entity: str) -> float | None:  # noqa: ARG002 - for those who are read from what was written once
        """Return of what moment the records are that a read gives now, in Unix seconds; None: of now."""
        return None

    def read(self, entity: str, cursor: str | None) -> Iterator[Page]:
        """Call the entity's reader."""
        return iter(getattr(self, self.readers[entity].method)(cursor))

    def read_period(self, entity: str, since: datetime, until: datetime) -> Iterator[Page]:
        """Call what reads the entity's records of a period."""
        return iter(getattr(self, self.histories[entity].method)(since, until))

    def write(self, entity: str, batch: Batch, op: Op = "put") -> Iterator[Outcome]:
        """Call the entity's writer."""
        return iter(getattr(self, self.writers[entity, op].method)(batch))

    def find(self, entity: str, item: Item) -> str | None:
        """Call the entity's ``find``."""
        found: str | None = getattr(self, self.finders[entity])(item)
        return found

    def poll(self, entity: str, ticket: str, batch: Batch) -> Iterator[Outcome]:
        """Call the entity's ``poll``."""
        return iter(getattr(self, self.pollers[entity])(ticket, batch))

    def look_up(self, entity: str, ids: Sequence[str]) -> Iterator[Native]:
        """Call the entity's ``lookup``."""
        return iter(getattr(self, self.lookups[entity].method)(ids))

    def promotion(self, entity: str, native: Native) -> Promotion | None:  # noqa: ARG002 - for those who tell it
        """Say that a promotion makes another price of what was set, if what was read tells so. No calls are made."""
        return None

    def leave(self, promotions: Sequence[Promotion]) -> Iterator[str]:  # noqa: ARG002 - for those who can
        """Take prices out of the promotions that changed them; yield the ids of those that are out."""
        return iter(())

    def withheld(self, entity: str, ids: Sequence[str]) -> Mapping[str, RecordError | None]:  # noqa: ARG002 - see above
        """Return those of these records (by natural id) that the system took and holds back, each with why.

        None instead of a reason: the connection's options told to confirm it, and it was confirmed just now.
        """
        return {}

    def categories(self) -> Iterator[CategoryNode]:
        """Yield the categories in which the system makes cards; none for a system that has no such tree."""
        return iter(())

    def category_attributes(self, category: str) -> Sequence[CategoryAttribute]:  # noqa: ARG002 - for those who have them
        """Return the attributes of a category; ``obmen.categories.Catalogue`` asks and remembers."""
        return ()

    def attribute_choices(
        self,
        category: str,  # noqa: ARG002 - for those who have them
        attribute: CategoryAttribute,  # noqa: ARG002
        texts: Sequence[str],  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Return text → value id for those texts that the attribute's list has, in the spelling asked for.

        Others of the list may be told along; they serve as suggestions.
        """
        return {}

    def check(self) -> Iterable[Finding]:
        """Try the credentials and the live settings without writing anything."""
        return ()

    def check_usage(self, usage: Usage) -> Iterable[Finding]:  # noqa: ARG002 - for those whose needs hang on the flows
        """Check, as ``check`` does, what a project's flows need rather than all that can be carried."""
        return self.check()

    def close(self) -> None:
        """Let go of connections."""
        self.http.close()


def check(connector: Connector) -> list[Finding]:
    """Run a connector's ``check``; an error of the connection becomes a finding, so that others still run."""
    try:
        return list(connector.check())
    except ObmenError as error:
        return [Finding("problem", str(error))]


class Installed(Mapping[str, type["Connector"]]):
    """Connectors by name, each loaded when it is first asked for: a project need not wait for those it does not name.

    Raises ConfigurationError for one that cannot be loaded.
    """

    def __init__(self) -> None:
        self._points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}

    def __getitem__(self, name: str) -> type[Connector]:
        point = self._points[name]
        try:
            loaded = point.load()
        except Exception as error:
            message = f"The connector '{name}' ({point.value}) cannot be loaded: {error!r}."
            raise ConfigurationError(message) from error
        if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
            raise ConfigurationError(f"The entry point '{name}' ({point.value}) is not a Connector.")
        return loaded

    def __contains__(self, name: object) -> bool:
        return name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


def connectors() -> Mapping[str, type[Connector]]:
    """Return every installed connector by name, Obmen's own and third-party ones alike."""
    return Installed()


def connector_class(name: str, *, where: str = "") -> type[Connector]:
    """Return the connector of that name, or say which was meant."""
    known = connectors()
    if name not in known:
        raise ConfigurationError(f"There is no connector '{name}'.{meant(name, known)}", where=where)
    return known[name]


def secret_values(options: Any) -> Iterator[str]:
    """Yield every secret that stands in the options, at any depth, so that it can be masked."""
    if isinstance(options, SecretStr):
        yield options.get_secret_value()
    elif isinstance(options, BaseModel):
        for name in type(options).model_fields:
            yield from secret_values(getattr(options, name))
    elif isinstance(options, dict):
        for value in options.values():
            yield from secret_values(value)
    elif isinstance(options, list | tuple):
        for value in options:
            yield from secret_values(value)


def _nobody_listens(_ids: Mapping[str, Sequence[str]]) -> None:
    """Stand in for a host: what is told is found by the next read anyway."""
