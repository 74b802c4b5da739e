"""Makes pages of cut records, and says in which line of which file a record stands that cannot be decoded.

Pages hold a fixed number of records, so that a change in one of them leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connectors.onec.commerceml.classifier import Classifier
from connectors.onec.commerceml.decode import Decoder
from connectors.onec.commerceml.files import Source
from connectors.onec.commerceml.places import Place
from connectors.onec.commerceml.slicer import Batch
from obmen.errors import Refused
from obmen.records import Native, Page, decode_json

PAGE = 1000
PAGE_BYTES = 32 << 20
"""A page of giants ends earlier, so that it can be held."""
Decode = Callable[[bytes], Iterator[Native]]


@dataclass(slots=True)
class BatchPages:
    """Gathers the records of one container into pages."""

    source: Source
    decode: Decode
    salt: bytes
    partial: bool
    _waiting: list[Batch] = field(default_factory=list)
    _count: int = 0
    _bytes: int = 0

    def add(self, batch: Batch) -> Iterator[Page]:
        """Take records; yield the pages that became full."""
        while self._count + len(batch.slices) >= PAGE:
            room = PAGE - self._count
            self._waiting.append(batch.only(range(room)))
            yield from self.rest()
            batch = batch.only(range(room, len(batch.slices)))
        if batch.slices:
            self._waiting.append(batch)
            self._count += len(batch.slices)
            self._bytes += sum(map(len, batch.slices))
            if self._bytes >= PAGE_BYTES:
                yield from self.rest()

    def rest(self) -> Iterator[Page]:
        """Yield what is left."""
        if self._waiting:
            batches, self._waiting, self._count, self._bytes = self._waiting, [], 0, 0
            slices = [piece for batch in batches for piece in batch.slices]

            def places(raw: bytes) -> list[Place]:
                batch = next(batch for batch in batches if raw in batch.slices)
                return [Place(self.source, batch.place(batch.slices.index(raw)), batch.lines)]

            decode = _locating(self.decode, places, self.source.name)
            yield Page(slices, decode=decode, salt=self.salt, partial=self.partial, where=self.source.name)


@dataclass(slots=True)
class Pages:
    """Gathers products, put together from several places, into pages. ``count`` is how many it gave."""

    classifier: Classifier
    partial: bool
    count: int = 0
    _bytes: int = 0
    _slices: list[bytes] = field(default_factory=list)
    _places: list[list[Place]] = field(default_factory=list)
    _revision: int = -1
    _decode: Decode = decode_json
    _salt: bytes = b""

    def add(self, piece: bytes, places: list[Place]) -> Iterator[Page]:
        """Take a slice and where its parts come from; yield the page that became full."""
        self._slices.append(piece)
        self._places.append(places)
        self._bytes += len(piece)
        if len(self._slices) == PAGE or self._bytes >= PAGE_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[Page]:
        """Yield what is left."""
        if self._revision != self.classifier.revision:
            self._revision, self._salt = self.classifier.revision, self.classifier.product_salt()
            self._decode = Decoder(self.classifier).products
        if self._slices:
            slices, places, self._slices, self._places = self._slices, self._places, [], []
            self.count += len(slices)
            self._bytes = 0
            where = places[0][0].source.name
            decode = _locating(self._decode, lambda raw: places[slices.index(raw)], where)
            yield Page(slices, decode=decode, salt=self._salt, partial=self.partial, where=where)


def _locating(decode: Decode, places: Callable[[bytes], list[Place]], where: str) -> Decode:
    """Return a decoder whose refusals say where the record stands; ``places`` tells it for a slice."""

    def located(raw: bytes) -> Iterator[Native]:
        try:
            yield from decode(raw)
        except Refused as error:
            try:
                at = " with ".join(map(str, places(raw)))
            except (ValueError, StopIteration):  # not a slice of this page
                at = where
            raise Refused(f"{at}: {error}", code=error.code, field=error.field) from error

    return located
