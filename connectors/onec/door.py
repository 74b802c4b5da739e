"""What one door of 1C carries: the calls of the connector, entity by entity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from obmen.errors import Later, Refused
from obmen.records import Batch, Item, Native, Outcome, Page, RecordError


@dataclass(frozen=True)
class Door:
    """The entities that pass and how. ``whole``: those of which one read gives everything there is.

    ``batch``: how many records of an entity are written in one call; one, where it does not say. ``as_of``: see
    ``Connector.as_of``.
    """

    read: Mapping[str, Callable[[str | None], Iterator[Page]]]
    whole: frozenset[str]
    look_up: Mapping[str, Callable[[Sequence[str]], Iterator[Native]]] = field(default_factory=dict)
    write: Mapping[str, Callable[[Batch], Iterator[Outcome]]] = field(default_factory=dict)
    find: Mapping[str, Callable[[Item], str | None]] = field(default_factory=dict)
    poll: Mapping[str, Callable[[str, Batch], Iterator[Outcome]]] = field(default_factory=dict)
    history: Mapping[str, Callable[[datetime, datetime], Iterator[Page]]] = field(default_factory=dict)
    batch: Mapping[str, int] = field(default_factory=dict)
    way: Callable[[str], str] = lambda _entity: ""
    as_of: Callable[[], float | None] = lambda: None


def one_by_one(write: Callable[[Item], str]) -> Callable[[Batch], Iterator[Outcome]]:
    """Return a writer that writes the records of a batch one by one; what ails one of them stays with it."""

    def write_batch(batch: Batch) -> Iterator[Outcome]:
        for item in batch.items:
            try:
                ref = write(item)
            except Later as later:
                yield batch.later(item.id, str(later), later.after)
            except Refused as refused:
                yield batch.refused(item.id, [RecordError(refused.code, str(refused), refused.field)])
            else:
                yield batch.done(item.id, ref)

    return write_batch
