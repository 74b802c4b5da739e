"""A flow ready to run: connectors made, mappings compiled, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec
import xxhash

from obmen.connector import Connector
from obmen.entities import Product, Record, join_key
from obmen.mapping import BoundMapping
from obmen.records import Native
from obmen.rules.guards import Guards

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


@dataclass(frozen=True)
class Flow:
    """One entity from one connection into others.

    ``echo``: the source's own mapping, given when another flow writes this entity into the source, so that
    what was written there is recognised when it is read back. ``dependents``: flows whose records refer to
    this entity in the same source. ``where``: canonical field → the only value that passes.
    ``stock_flows``: target → the flow that tells it of stock, where this one carries what orders become, or goods.
    ``full_every``: seconds after which everything is read again from a source that tells its changes.
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

    @property
    def salt(self) -> bytes:
        """What besides its bytes decides what becomes of a record; any change of it makes all be read anew."""
        parts = [_SEMANTICS, self.pull.version, repr(sorted(self.where.items())).encode()]
        parts += [target.name.encode() + target.mapping.version for target in self.targets]
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
