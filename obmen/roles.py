"""What a connector's author marks his methods as: the reader of an entity, its writer, and so on.

The marks are data, gathered when the class is made, so the engine learns what a connector can do without calling it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from obmen.records import Op

Method = TypeVar("Method", bound=Callable[..., Any])
Path_ = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """How an entity is read. ``key`` is the dotted path of a native record's own id.

    ``complete``: one pass gives everything there is, so what is absent is gone; otherwise the pages bring
    changes since the cursor. ``channel``: where a record about an order tells that order's channel, so that one of
    another channel is not waited for.
    """

    entity: str
    key: Path_
    complete: bool
    method: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class WriterSpec:
    """How an entity is written.

    ``key``: the dotted path of the natural id in a payload (a tuple for a composite one). ``batch``: records
    in one call at most. ``absolute``: saying it twice does no harm. ``updates``: it can change a record that
    exists; where it cannot, an existing record counts as written. ``every``: the same record may be written
    again only after so many seconds.
    """

    entity: str
    key: Path_
    batch: int
    absolute: bool
    op: Op
    updates: bool
    every: float
    method: str


@dataclass(frozen=True, slots=True)
class LookupSpec:
    """How records are read back by their natural ids, ``batch`` at a time."""

    entity: str
    batch: int
    method: str


@dataclass(frozen=True, slots=True)
class HistorySpec:
    """How what happened in a period is read (see ``history``)."""

    entity: str
    step: timedelta
    parallel: int
    reach: timedelta | None
    method: str


def reader(entity: str, *, key: Path_, complete: bool = False, channel: str = "") -> Callable[[Method], Method]:
    """Mark ``def name(self, cursor: str | None) -> Iterator[Page]`` as the reader of an entity."""

    def mark(method: Method) -> Method:
        _roles(method).append(("reader", ReaderSpec(entity, key, complete, method.__name__, channel)))
        return method

    return mark


def writer(
    entity: str,
    *,
    key: Path_,
    batch: int = 1,
    absolute: bool = False,
    op: Op = "put",
    updates: bool = True,
    every: float = 0.0,
) -> Callable[[Method], Method]:
    """Mark ``def name(self, batch: Batch) -> Iterator[Outcome]`` as an entity's writer (see WriterSpec)."""

    def mark(method: Method) -> Method:
        spec = WriterSpec(entity, key, batch, absolute, op, updates, every, method.__name__)
        _roles(method).append(("writer", spec))
        return method

    return mark


def find(entity: str) -> Callable[[Method], Method]:
    """Mark ``def name(self, item: Item) -> str | None``: the native id under which the effect already stands.

    Asked before anything in doubt is said again, so it must see what a call did that was never answered.
    """

    def mark(method: Method) -> Method:
        _roles(method).append(("find", entity))
        return method

    return mark


def poll(entity: str) -> Callable[[Method], Method]:
    """Mark ``def name(self, ticket: str, batch: Batch) -> Iterator[Outcome]``.

    It tells what became of accepted records; one that is not mentioned is still being worked on.
    """

    def mark(method: Method) -> Method:
        _roles(method).append(("poll", entity))
        return method

    return mark


def lookup(entity: str, *, batch: int = 100) -> Callable[[Method], Method]:
    """Mark ``def name(self, ids: Sequence[str]) -> Iterator[Native]``: what the system holds now.

    ``ids`` are natural ids as in the writer's key; what the system does not hold is left out. The native
    records are of the shape that the entity's reader gives.
    """

    def mark(method: Method) -> Method:
        _roles(method).append(("lookup", LookupSpec(entity, batch, method.__name__)))
        return method

    return mark


def history(
    entity: str, *, step: timedelta, parallel: int = 1, reach: timedelta | None = None
) -> Callable[[Method], Method]:
    """Mark ``def name(self, since: datetime, until: datetime) -> Iterator[Page]``: what happened in a period.

    It gives every record whose own time lies in [``since``, ``until``), both aware; one at the very edge may come with
    the next period as well. The method says which time that is: when an order was placed, when money was accrued.
    That never changes, so a record stays in its period; the record itself is given as it is now. Slices, their
    decoding and ``salt`` are those of the entity's reader, so that what one of both has read is known to the other. A
    page's cursor is not looked at.

    ``step``: the longest period that is read at once, which the system must take in one query; what was cut off
    begins anew with such a step. ``parallel``: how many periods may be read at
    once, each by a connector of its own within the connection's budgets; 1 unless the system bears more. ``reach``:
    how far back it tells anything at all; None where it knows no end.
    """

    def mark(method: Method) -> Method:
        _roles(method).append(("history", HistorySpec(entity, step, parallel, reach, method.__name__)))
        return method

    return mark


def document(kind: str, *, batch: int = 1) -> Callable[[Method], Method]:
    """Mark ``def name(self, orders: Sequence[str]) -> Iterator[Document]``: papers of orders, by native ids.

    ``kind`` is what people ask for, such as ``label``. A call answers for all of its orders: it raises Later
    while one is not ready and Refused where there is none for one, and is then repeated for fewer of them.
    """

    def mark(method: Method) -> Method:
        _roles(method).append(("document", LookupSpec(kind, batch, method.__name__)))
        return method

    return mark


def feed(*entities: str) -> Callable[[Method], Method]:
    """Mark ``def name(self, cursor: str | None) -> Iterator[Hints]``: which records of these entities changed.

    Each named record is then read through the entity's ``lookup``; one that this leaves out is gone. What a
    ``Hints`` brings is safe once the connector is asked to acknowledge its cursor, and not before.
    """

    def mark(method: Method) -> Method:
        _roles(method).append(("feed", entities))
        return method

    return mark


def acknowledge(method: Method) -> Method:
    """Mark ``def name(self, cursor: str) -> None``: the feed up to this cursor is kept, the source may forget it.

    It may be called twice with one cursor.
    """
    _roles(method).append(("acknowledge", None))
    return method


def _roles(method: Any) -> list[tuple[str, Any]]:
    if not hasattr(method, "_obmen_roles"):
        method._obmen_roles = []  # noqa: SLF001 - our own mark on the author's function
    roles: list[tuple[str, Any]] = method._obmen_roles  # noqa: SLF001
    return roles
