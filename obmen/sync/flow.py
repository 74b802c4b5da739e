"""A flow ready to run: connectors made, mappings compiled, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

import msgspec
import xxhash

from obmen.connector import Connector
from obmen.entities import Product, Record, Stock, join_key
from obmen.errors import Refused
from obmen.mapping import BoundMapping, NotCarried
from obmen.records import Native
from obmen.rules.allocation import Allocation
from obmen.rules.guards import Guards
from obmen.rules.pricing import Pricing

Missing = Literal["ignore", "zero", "archive"]
_SEMANTICS = b"1"
"""Raise it when the engine itself would decide differently on the same record, so that all are looked at anew."""


class _AnyId(Mapping[tuple[str, str], str]):
    """Stands for every native id when a payload is only hashed: the key itself, as digits."""

    def __getitem__(self, reference: tuple[str, str]) -> str:
        return str(xxhash.xxh64_intdigest("\n".join(reference).encode()) >> 1)

    def __contains__(self, reference: object) -> bool:
        return True

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def __len__(self) -> int:
        return 0


_ANY_ID = _AnyId()


def payload_hash(mapping: BoundMapping, record: Record) -> bytes:
    """Hash what a record maps to, with ids that only the target knows left out.

    Raises Refused for a record that cannot be mapped and NotCarried for one that is deliberately left out.
    """
    return hash_payload(payload_of(mapping, record), record)


def payload_of(mapping: BoundMapping, record: Record) -> Native:
    """Return what a record maps to, with ids that only the target knows replaced; raises as ``payload_hash``."""
    return mapping.push(record, _ANY_ID, None)


def hash_payload(payload: Native, record: Record) -> bytes:
    """Hash a payload; whether a product is archived counts, though it is no field of the payload."""
    archived = b"archived" if isinstance(record, Product) and record.archived else b""
    return xxhash.xxh3_128_digest(msgspec.json.encode(payload, order="deterministic") + archived)


@dataclass(frozen=True)
class Target:
    """A connection that a flow writes to; ``back`` maps what it shows, where that can be read back."""

    name: str
    connector: Connector
    mapping: BoundMapping
    back: BoundMapping | None = None


@dataclass(frozen=True)
class Companion:
    """The flow that writes an entity which another flow's payload must carry too (a card its price).

    ``known``: values of its key fields that stand fast in that flow, such as the one price type it carries.
    """

    flow: str
    entity: type[Record]
    known: Mapping[str, str]

    def pinned(self, pins: Mapping[str, str]) -> Companion:
        """Return it with what that flow's reading has fixed since."""
        return replace(self, known={**self.known, **pins})

    def key_for(self, record: Record) -> str:
        """Return the companion's key beside a record; a field that nothing fixes yet is left empty."""
        return join_key([str(getattr(record, name, self.known.get(name, ""))) for name in self.entity.key_fields])


class Selling:
    """Which flows have rules, for whoever hears that some stock was sold, or that goods changed."""

    def __init__(self) -> None:
        self._flows: list[Flow] = []

    def add(self, flow: Flow) -> None:
        """Note a flow that has rules."""
        self._flows.append(flow)

    def of(self, source: str) -> tuple[Flow, ...]:
        """Return the flows that tell of a source's stock."""
        return tuple(one for one in self._flows if one.allocate is not None and one.source.name == source)

    def priced(self, source: str) -> tuple[Flow, ...]:
        """Return the flows that tell of a source's prices."""
        return tuple(one for one in self._flows if one.pricing is not None and one.source.name == source)


@dataclass(frozen=True)
class Flow:
    """One entity from one connection into others.

    ``echo``: the source's own mapping, given when another flow writes this entity into the source, so that
    what was written there is recognised when it is read back. ``dependents``: flows whose records refer to
    this entity in the same source. ``where``: canonical field → the only value that passes.
    ``stock_flows``: target → the flow that tells it of stock, where this one carries what orders become, or goods.
    ``full_every``: seconds after which everything is read again from a source that tells its changes.
    ``allocate``, ``pricing``: the seller's rules between what the source tells and what each target is told.
    ``selling``: all flows that have rules. ``keeps``: rules of other flows need these records.
    ``channels``: the connections that orders are read from; none of them is told of another's orders.
    ``orders_of``: the channels whose orders the source may come to have from our flows; None: any.
    """

    name: str
    entity: type[Record]
    source: Connector
    pull: BoundMapping
    targets: tuple[Target, ...]
    where: Mapping[str, str] = field(default_factory=dict)
    missing: Missing = "ignore"
    guards: Guards = field(default_factory=Guards)
    attempts: int = 10
    echo: BoundMapping | None = None
    dependents: tuple[str, ...] = ()
    companions: Mapping[str, Companion] = field(default_factory=dict)
    stock_flows: Mapping[str, str] = field(default_factory=dict)
    where_line: str = ""
    full_every: float = 86400.0
    allocate: Allocation | None = None
    pricing: Pricing | None = None
    selling: Selling = field(default_factory=Selling, compare=False, repr=False)
    keeps: bool = False
    channels: frozenset[str] = frozenset()
    orders_of: frozenset[str] | None = None
    _sellers: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def reckoned(self) -> bool:
        """Whether rules decide what each target is told."""
        return self.allocate is not None or self.pricing is not None

    def passes(self, name: str, value: str) -> bool:
        """Whether the flow takes in a record by one of its fields: what it carries, and what its rules look at."""
        if name not in self.where or self.where[name] == value:
            return True
        return name == "price_type" and self.pricing is not None and value in self.pricing.price_types

    def elsewhere(self, target: Target, record: Record) -> bool:
        """Whether a record is about an order of another channel than the target, which knows nothing of it."""
        channel = getattr(record, "channel", None)
        return channel is not None and channel != target.name and {channel, target.name} <= self.channels

    def sellers(self, warehouse: str) -> tuple[str, ...]:
        """Return the targets that sell from a warehouse: those whose mapping can say it."""
        if warehouse not in self._sellers:
            self._sellers[warehouse] = tuple(one.name for one in self.targets if _says(one.mapping, warehouse))
        return self._sellers[warehouse]

    @property
    def salt(self) -> bytes:
        """What besides its bytes decides what becomes of a record; any change of it makes all be read anew."""
        parts = [_SEMANTICS, self.pull.version, repr(sorted(self.where.items())).encode()]
        parts += [target.name.encode() + target.mapping.version for target in self.targets]
        parts += [b"rules" + rules.version for rules in (self.allocate, self.pricing) if rules is not None]
        parts += [b"kept"] if self.keeps else []
        return b"\0".join(parts)

    @property
    def loose(self) -> tuple[str, ...]:
        """Key fields that a target does not carry: of each there may be only one value in this flow."""
        about = set(self.entity.subject[1]) if self.entity.subject else set()
        return tuple(
            name
            for name in self.entity.key_fields
            if name not in self.where
            and name not in about
            and any(name not in target.mapping.carries for target in self.targets)
        )


def _says(mapping: BoundMapping, warehouse: str) -> bool:
    try:
        payload_of(mapping, Stock(sku="0", warehouse=warehouse, available=Decimal(0)))
    except (NotCarried, Refused):
        return False
    return True
