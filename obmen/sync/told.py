"""Records fetched anew by their ids: those that a source said have changed, and those that it told in wrong words.

The hint is not believed, only followed: what counts is what the source holds when it is asked, so hints that
come twice, late or out of order do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
import xxhash

from obmen.errors import Denied, IncompleteSource, InDoubt, Refused, Unavailable
from obmen.records import Native, pick
from obmen.state import Ledger, Transaction, hints, quarantine, seen
from obmen.state.seen import Known
from obmen.sync.examine import Changes
from obmen.sync.flow import Flow
from obmen.sync.slices import Slice, set_aside

_LOG = structlog.get_logger("obmen.sync")
_FIRST_AFTER = 60.0
_MOST_MISREAD = 500


@dataclass(slots=True)
class Batch:
    """Some of them: what was found by id, and why others could not be fetched. ``heard``: the last hint's number."""

    flow: str
    ids: list[str]
    heard: int | None
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


class _Fetcher:
    """Fetches records of a flow's source by their ids; what is refused together is asked for one by one."""

    def __init__(self, ledger: Ledger, flow: Flow) -> None:
        self._ledger, self._flow = ledger, flow
        self._entity = flow.entity.entity
        self._spec = flow.source.lookups[self._entity]
        self._key = flow.source.readers[self._entity].key

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


class Told(_Fetcher):
    """Iterates over the batches of a flow's hints after the one that it heard last."""

    def __init__(self, ledger: Ledger, flow: Flow, heard: int) -> None:
        super().__init__(ledger, flow)
        self._heard = heard

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


class Misread(_Fetcher):
    """Iterates over the batches of what could not be understood when it came, as the source has it now.

    A source that tells of changes may not tell of a record again, so one wrong word of it would keep the record in
    quarantine for ever. It is asked after one minute, two, four and so on, while runs last.
    ``asked_at``: when it last was, in Unix seconds. ``heard``: the flow's last hint, which this leaves as it is.
    """

    def __init__(self, ledger: Ledger, flow: Flow, asked_at: float, heard: int | None) -> None:
        super().__init__(ledger, flow)
        self._asked_at, self._heard = asked_at, heard

    def __iter__(self) -> Iterator[Batch]:
        """Fetch batch by batch; what is as it was, is there no longer or cannot be asked for stays as it lies."""
        kept = dict(self._due())
        ids = list(kept)
        for start in range(0, len(ids), self._spec.batch):
            try:
                found, _ = self._fetched(ids[start : start + self._spec.batch])
            except (Unavailable, InDoubt, Denied) as error:
                _LOG.info("misread.not_asked", flow=self._flow.name, records=len(ids) - start, reason=str(error))
                return
            changed = {source: natives for source, natives in found.items() if set_aside(natives) != kept.get(source)}
            yield Batch(self._flow.name, list(changed), self._heard, changed, {})

    def _due(self) -> Iterator[tuple[str, bytes | None]]:
        with self._ledger.read() as tx:
            for source, raw, since in quarantine.misread(tx, self._flow.name, _MOST_MISREAD):
                if _doublings(tx.now - since) > _doublings(self._asked_at - since):
                    yield source, raw


def _doublings(age: float) -> int:
    """Return how often a minute was doubled by an age in seconds: 0 up to one minute, 1 up to two, 2 up to four."""
    return max(int(age / _FIRST_AFTER), 0).bit_length()


def _fingerprint(known: Sequence[Known] | None, natives: list[Native]) -> bytes:
    if known:
        return known[0].fingerprint
    return xxhash.xxh3_128_digest(set_aside(natives))
