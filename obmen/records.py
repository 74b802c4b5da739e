"""What passes between a connector and the engine: pages of raw records in, batches and outcomes out.

A connector never learns what became of a record last time, and the engine never learns what a system's
record looks like; these few shapes are all that they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, overload

import msgspec

from obmen.errors import IncompleteSource, Refused

Native = dict[str, Any]
"""A record in its system's own words: JSON-like, decimals as Decimal."""

Op = Literal["put", "archive", "restore"]
OutcomeKind = Literal["done", "refused", "later", "accepted"]

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def decode_json(raw: bytes) -> Iterator[Native]:
    """Decode one JSON slice into one native record, numbers with a fraction as Decimal."""
    try:
        yield _DECODER.decode(raw)
    except msgspec.DecodeError as error:
        raise Refused(f"The record is not a JSON object: {error}.", code="not_json") from error


@dataclass(frozen=True, slots=True)
class Page:
    """A page of native records, each as the bytes in which the peer sent it.

    ``cursor``: where the next read may begin once this page is kept; None leaves the checkpoint as it is.
    ``decode``: turns one slice into native records (one slice may hold several, such as the stocks of one
    offer in three warehouses). ``salt``: what besides the bytes decides the decoding, such as the names of a
    classifier. ``expand``: instead of ``decode``, for slices that only tell a record's version: fetches many
    records at once, and gives for each slice in turn its natives, or why there are none. ``ids``: the native
    id of each slice, so that a reader since a cursor is not made to fetch again what is known in just this
    version. ``partial``: the source says itself that it holds only changes, so what is absent is not gone.
    ``total``: how many slices the whole read will bring, where known. ``where``: the file or call, for people.
    ``mark``: what decides the slices, where it is had for less than they are: while it is as at the last read,
    ``slices`` are not asked for, so they may be ``Late``.
    """

    slices: Sequence[bytes]
    cursor: str | None = None
    decode: Callable[[bytes], Iterable[Native]] = decode_json
    expand: Callable[[Sequence[bytes]], Iterable[Iterable[Native] | Refused]] | None = None
    ids: Sequence[str] = ()
    salt: bytes = b""
    partial: bool = False
    total: int | None = None
    where: str = ""
    mark: bytes = b""


class Late(Sequence[bytes]):
    """Slices that are made only once somebody asks for them; to be asked for before the next page is read."""

    def __init__(self, make: Callable[[], Iterable[bytes]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> list[bytes]:
        return list(self._make())

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        return self._made[at]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._made)


class Hints(msgspec.Struct, frozen=True):
    """Which records changed: entity → natural ids, as at the reader's key.

    ``cursor``: up to where this tells, to be acknowledged once it is kept. ``lost``: the source no longer
    knows what it told before, so everything must be read anew.
    """

    ids: Mapping[str, Sequence[str]]
    cursor: str
    lost: bool = False


class Item(msgspec.Struct, frozen=True):
    """One record to be written.

    ``id`` is the record's natural id, the payload's value at the writer's key (a tuple's parts joined by
    ``|``); ``native_id`` what the peer calls it, None if it is not known to exist there;
    ``idempotency_key`` is the same for every retry of this content. ``before``: of a record with an identity of
    its own that is known to exist there, the payload that was last confirmed, so that what people have changed
    there since can be told from what is to be changed; None where it is not known.
    """

    id: str
    payload: Native
    key: str = ""
    op: Op = "put"
    native_id: str | None = None
    idempotency_key: str = ""
    attempt: int = 1
    before: Native | None = None


class RecordError(msgspec.Struct, frozen=True):
    """Why the peer refused a record, in its own words."""

    code: str
    message: str
    field: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one record. ``after`` is in seconds; ``ticket`` is what to ask an accepted one by."""

    id: str
    kind: OutcomeKind
    native_id: str | None = None
    errors: tuple[RecordError, ...] = ()
    reason: str = ""
    after: float | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A paper as a file, such as a label: ``name`` with its extension, and the orders that it is for."""

    name: str
    media_type: str
    content: bytes
    orders: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """The records of one call. A writer answers for each; one that it does not mention is asked again."""

    items: Sequence[Item]
    _by_id: Mapping[str, Item] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Index the items by their natural id."""
        object.__setattr__(self, "_by_id", {item.id: item for item in self.items})

    def __len__(self) -> int:
        return len(self.items)

    @property
    def payloads(self) -> list[Native]:
        """The native records, in order."""
        return [item.payload for item in self.items]

    def __contains__(self, id: object) -> bool:  # noqa: A002 - the peer's word
        return natural_id(id) in self._by_id

    def item(self, id: object) -> Item:  # noqa: A002 - the peer's word
        """Return the item that the peer calls ``id``; a tuple names a composite id."""
        try:
            return self._by_id[natural_id(id)]
        except KeyError:
            raise IncompleteSource(f"The peer answered for {id!r}, which was not in the batch.") from None

    def done(self, id: object, native_id: object = None) -> Outcome:  # noqa: A002
        """The peer holds the record as sent; ``native_id`` is what it calls it from now on."""
        item = self.item(id)
        return Outcome(item.id, "done", native_id=None if native_id is None else str(native_id))

    def refused(self, id: object, errors: Iterable[RecordError]) -> Outcome:  # noqa: A002
        """The peer will never take the record as it is."""
        return Outcome(self.item(id).id, "refused", errors=tuple(errors))

    def later(self, id: object, reason: str, after: float | None = None) -> Outcome:  # noqa: A002
        """The record may be sent again after so many seconds."""
        return Outcome(self.item(id).id, "later", reason=reason, after=after)

    def accepted(self, id: object, ticket: object, after: float | None = None) -> Outcome:  # noqa: A002
        """The peer works on it; ask by ``ticket`` after so many seconds."""
        return Outcome(self.item(id).id, "accepted", ticket=str(ticket), after=after)


def natural_id(value: object) -> str:
    """Return one string for a natural id: a tuple's parts are joined by ``|``."""
    return "|".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def pick(native: Native, path: str | tuple[str, ...]) -> str:
    """Return the natural id that stands at ``path`` (dotted, or a tuple of paths) in a native record."""
    if isinstance(path, tuple):
        return natural_id(tuple(pick(native, part) for part in path))
    value: Any = native
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            raise IncompleteSource(f"The record has no {path}.")
    return str(value)
