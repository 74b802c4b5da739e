"""Records that a source said have changed, fetched anew by their ids.

The hint is not believed, only followed: what counts is what the source holds when it is asked, so hints that
come twice, late or out of order do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import xxhash

from obmen.errors import IncompleteSource, Refused
from obmen.records import Native, pick
from obmen.state import Ledger, Transaction, hints, seen
from obmen.state.seen import Known
from obmen.sync.examine import Changes
from obmen.sync.flow import Flow
from obmen.sync.slices import Slice

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(slots=True)
class Batch:
    """Some of them: what was found by id, and why others could not be fetched. ``heard``: the last hint's number."""

    flow: str
    ids: list[str]
    heard: int
    found: dict[str, list[Native]]
    faults: dict[str, Refused]

    def slices(self, tx: Transaction) -> list[Slice]:
        """Return what there is to examine.

        A record that is known keeps the fingerprint that a whole read gave it: the next one will still find it
        on its page, and so will not take it for gone.
        """
        known = seen.by_source(tx, self.flow, self.found)
        found = [
            Slice(_fingerprint(known.get(source), natives), b"", natives) for source, natives in self.found.items()
        ]
        return found + [Slice(b"", b"", fault=fault, source=source) for source, fault in self.faults.items()]

    def mark_gone(self, tx: Transaction, changes: Changes) -> None:
        """Note the records that the source no longer has."""
        absent = [one for one in self.ids if one not in self.found and one not in self.faults]
        for known in seen.by_source(tx, self.flow, absent).values():
            changes.gone += [record.key for record in known]
        changes.settled += absent


class Told:
    """Iterates over the batches of a flow's hints after the one that it heard last."""

    def __init__(self, ledger: Ledger, flow: Flow, heard: int) -> None:
        self._ledger, self._flow, self._heard = ledger, flow, heard
        self._entity = flow.entity.entity
        self._spec = flow.source.lookups[self._entity]
        self._key = flow.source.readers[self._entity].key

    def __iter__(self) -> Iterator[Batch]:
        """Fetch batch by batch, each only after the one before was taken in."""
        while True:
            with self._ledger.read() as tx:
                told = hints.after(tx, self._flow.source.name, self._entity, self._heard, self._spec.batch)
            if not told:
                return
            self._heard = told[-1].number
            ids = [hint.native_id for hint in told]
            yield Batch(self._flow.name, ids, self._heard, *self._fetched(ids))

    def _fetched(self, ids: Sequence[str]) -> tuple[dict[str, list[Native]], dict[str, Refused]]:
        try:
            return self._by_id(ids), {}
        except (Refused, IncompleteSource) as error:
            if len(ids) == 1:
                return {}, {ids[0]: error if isinstance(error, Refused) else Refused(str(error), code="unreadable")}
        found: dict[str, list[Native]] = {}
        faults: dict[str, Refused] = {}
        for one in ids:
            there, failed = self._fetched([one])
            found.update(there)
            faults.update(failed)
        return found, faults

    def _by_id(self, ids: Sequence[str]) -> dict[str, list[Native]]:
        found: dict[str, list[Native]] = {}
        for native in self._flow.source.look_up(self._entity, ids):
            found.setdefault(pick(native, self._key), []).append(native)
        return found


def _fingerprint(known: Sequence[Known] | None, natives: list[Native]) -> bytes:
    if known:
        return known[0].fingerprint
    return xxhash.xxh3_128_digest(_ENCODER.encode(natives))
