"""Long lists dealt into shares by the good that each row is of: a share holds all rows of some goods, and makes a page.

Were pages cut by counting, a row that comes or goes would move all that follow. So a good has its share by its
reference, and a change of one good leaves the other pages as they were. That costs more than to compare the lists
whole, so it is done only once they are otherwise than at the last read.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec
import xxhash

from connectors.onec.odata.lists import Lists
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.tables import Row, Table, cut_rows, read_rows
from connectors.onec.odata.variants import OWN, UNUSED, VARIANT_LIST
from obmen.connector import Memory

ROWS = 500
"""Of the first list; a share has at most so many, and about half as many at least, where shares are not too many."""
_MOST = 1024
_FORMAT = b"1"
_HELD = 4 << 20
_CHUNK = 1 << 16
_DIGEST = 16
_KEEPING = (UNUSED, OWN)
"""How goods use characteristics that have none, or have them for themselves."""


class Of(msgspec.Struct):
    """Which good a row is of, and in a list of goods how it uses characteristics. To be renamed to what 1C says."""

    good: str | None = ""
    use: str | None = UNUSED


class OfGood(Of, rename={"good": "Номенклатура_Key"}):
    """A row of a register."""

    good: str | None = ""


class OfOwner(Of, rename={"good": "Owner"}):
    """A characteristic; it may be owned by a kind of goods too."""

    good: str | None = ""


class OfFile(Of, rename={"good": "ВладелецФайла_Key"}):
    """An attached file."""

    good: str | None = ""


class Good(Of, rename={"good": "Ref_Key", "use": "ИспользованиеХарактеристик"}):
    """A good itself."""

    good: str | None = ""
    use: str | None = UNUSED


@dataclass(slots=True)
class _Dealt:
    """A list in shares: a digest of each, and where its pieces lie, as pairs of a place and a size."""

    digests: list[xxhash.xxh3_128]
    places: list[array[int]]


class Shares:
    """Lists that were read, in shares. To be used as a context manager.

    ``of`` says by what each list is dealt, and the first of them how many shares there are. ``beside``: lists that
    are not dealt, and that matter to goods with characteristics alone.
    """

    def __init__(self, lists: Lists, of: Mapping[Table, type[Of]], beside: Collection[Table] = ()) -> None:
        self.lists, self._of, self._beside = lists, of, beside
        self._count = min(1 << (lists.count(next(iter(of))) // ROWS).bit_length(), _MOST)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the context manager that this is
        self._end = 0
        self._dealt: dict[Table, _Dealt] = {}
        self._sharing: set[int] = set()
        """The shares with goods that have their characteristics from elsewhere."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def marks(self, digest: bytes, memory: Memory, name: str) -> list[bytes]:
        """Return for each share what changes with any of its rows; ``digest`` is that of the lists.

        Kept in the memory under that name, so that the same lists need not be dealt again.
        """
        about = xxhash.xxh3_128_digest(_FORMAT + digest)
        kept = memory.get(name) or b""
        if kept[:_DIGEST] != about or len(kept) != _DIGEST * (1 + self._count):
            kept = about + b"".join(map(self._mark, range(self._count)))
            memory.put(name, kept)
        return [kept[at : at + _DIGEST] for at in range(_DIGEST, len(kept), _DIGEST)]

    def share(self, number: int) -> Share:
        """Return a share, to be read like a base."""
        return Share(self, number)

    def told(self, table: Table, number: int) -> bytes | None:
        """Return a share's rows of a list, with commas between them; None if the list is not dealt."""
        if table not in self._of:
            return None
        places = self._ready()[table].places[number]
        pieces = []
        for place, size in zip(places[::2], places[1::2], strict=True):
            self._file.seek(place)
            pieces.append(self._file.read(size))
        return b"".join(pieces)[:-1]

    def _mark(self, number: int) -> bytes:
        dealt = self._ready()
        told = [one.digests[number].digest() for one in dealt.values()]
        is_sharing = number in self._sharing
        if is_sharing:
            told.append(self.lists.digest(VARIANT_LIST))
        if is_sharing or (VARIANT_LIST in dealt and dealt[VARIANT_LIST].places[number]):
            told += [self.lists.digest(table) for table in self._beside]
        return xxhash.xxh3_128_digest(b"".join(told))

    def _ready(self) -> Mapping[Table, _Dealt]:
        if not self._dealt:
            self._dealt = {table: self._deal(table, kind) for table, kind in self._of.items()}
        return self._dealt

    def _deal(self, table: Table, kind: type[Of]) -> _Dealt:
        number_of, last, limit = xxhash.xxh3_64_intdigest, self._count - 1, min(_HELD // self._count, _CHUNK)
        dealt = _Dealt([xxhash.xxh3_128() for _ in range(self._count)], [array("Q") for _ in range(self._count)])
        hands = [bytearray() for _ in range(self._count)]
        for told in self.lists.told(table):
            rows = read_rows(told, kind)
            numbers = [number_of((row.good or "").encode()) & last for row in rows]
            self._sharing.update(number for number, row in zip(numbers, rows, strict=True) if row.use not in _KEEPING)
            fresh: dict[int, list[msgspec.Raw]] = {}
            for number, raw in zip(numbers, cut_rows(told), strict=True):
                fresh.setdefault(number, []).append(raw)
            for number, raws in fresh.items():
                hand = hands[number]
                hand += b",".join([*raws, b""])
                if len(hand) > limit:
                    self._put(hand, number, dealt)
        for number, hand in enumerate(hands):
            if hand:
                self._put(hand, number, dealt)
        return dealt

    def _put(self, hand: bytearray, number: int, dealt: _Dealt) -> None:
        dealt.digests[number].update(hand)
        dealt.places[number].extend((self._end, self._file.write(hand)))
        self._end += len(hand)
        hand.clear()


@dataclass(frozen=True, slots=True)
class Share:
    """All rows of some goods. Lists that are not dealt are there whole."""

    shares: Shares
    number: int

    def metadata(self) -> Metadata:
        """Return what the base publishes."""
        return self.shares.lists.metadata()

    def rows(self, table: Table, kind: type[Row], *, where: str = "") -> Iterator[list[Row]]:
        """Yield the rows of a table; those of a filter are asked of the base."""
        told = None if where else self.shares.told(table, self.number)
        if told is None:
            yield from self.shares.lists.rows(table, kind, where=where)
        elif told:
            yield read_rows(told, kind)
