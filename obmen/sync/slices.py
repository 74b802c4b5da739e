"""One record on its way from a page to a decision, with its natives or the reason why there are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec
import xxhash

from obmen import spans
from obmen.errors import IncompleteSource, Refused
from obmen.records import Native, Page
from obmen.state.quarantine import Entry

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(list[dict[str, object]], float_hook=Decimal)


class Slice(msgspec.Struct):
    """One record on its way: its natives, or its bytes and why it has none, and the id that its system knows it by."""

    fingerprint: bytes
    raw: bytes
    natives: list[Native] = []
    fault: Refused | None = None
    source: str = ""

    @classmethod
    def expanded(cls, fingerprint: bytes, raw: bytes, natives: Iterable[Native] | Refused) -> Slice:
        """Take what was fetched for a slice that told only its version."""
        if isinstance(natives, Refused):
            return cls(fingerprint, raw, fault=natives)
        return cls(fingerprint, raw, list(natives))

    @classmethod
    def of(cls, fingerprint: bytes, raw: bytes, decode: Callable[[bytes], Iterable[Native]]) -> Slice:
        """Decode a slice at once, so that nothing of its page need be kept until it is examined."""
        try:
            return cls(fingerprint, b"", list(decode(raw)))
        except (Refused, IncompleteSource, UnicodeError) as error:
            return cls(fingerprint, raw, fault=unreadable(error))


def seed_of_read(salt: bytes, epoch: int) -> int:
    """Return what the fingerprints of a read begin with: what decides its results, how often all was forgotten."""
    return xxhash.xxh3_64_intdigest(salt + str(epoch).encode())


def seed_of_page(page: Page, seed: int) -> int:
    """Return what the fingerprints of a page begin with."""
    return xxhash.xxh3_64_intdigest(page.salt, seed=seed) if page.salt else seed


def facts_of(page: Page) -> dict[str, spans.Fact]:
    """Return what is told of a page to who follows; the slices of one with a mark are not made for that."""
    return {} if page.mark else {"obmen.records.total": len(page.slices)}


def fingerprints(slices: Iterable[bytes], seed: int) -> list[bytes]:
    """Return the fingerprints of slices."""
    return [xxhash.xxh3_128_digest(raw, seed=seed) for raw in slices]


def unreadable(error: Refused | IncompleteSource | UnicodeError) -> Refused:
    """Return the refusal of a record that cannot be read."""
    return error if isinstance(error, Refused) else Refused(str(error), code="unreadable")


def decoded(page: Page, fresh: list[tuple[bytes, bytes]]) -> list[Slice]:
    """Decode some of a page's slices, each given as its fingerprint and its bytes."""
    if page.expand is None:
        return [Slice.of(one, raw, page.decode) for one, raw in fresh]
    natives = page.expand([raw for _, raw in fresh]) if fresh else ()
    return [Slice.expanded(one, raw, given) for (one, raw), given in zip(fresh, natives, strict=True)]


def set_aside(natives: list[Native]) -> bytes:
    """Encode what is set aside; what no JSON decoder takes back is kept all the same, to be looked at."""
    try:
        return _ENCODER.encode(natives)
    except UnicodeEncodeError:
        return json.dumps(natives, default=str).encode()


def natives_of(entry: Entry) -> list[Native]:
    """Return what an entry of the quarantine holds; nothing, if only the source can tell it again."""
    if not (entry.source and entry.raw):
        return []
    try:
        return _DECODER.decode(entry.raw)
    except msgspec.DecodeError:
        return []
