"""Reading: page by page from the source into the outbox, each page and its checkpoint in one transaction.

So neither can outlive the other: a page that is marked as seen has its changes in the outbox, and a change
that is not there will be seen again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import xxhash

from obmen import spans
from obmen.errors import IncompleteSource
from obmen.records import Page
from obmen.state import Lease, Ledger, Transaction, hints, quarantine, seen
from obmen.state.seen import Seen
from obmen.state.text import fault
from obmen.sync import doubled, emptied
from obmen.sync.before import Before
from obmen.sync.differences import Differences
from obmen.sync.examine import Examiner
from obmen.sync.flow import Flow
from obmen.sync.intake import Intake, Read
from obmen.sync.pausing import refuse, unpaused
from obmen.sync.slices import Slice, decoded, facts_of, fingerprints, seed_of_page, seed_of_read
from obmen.sync.steps import OnStep, ignore
from obmen.sync.told import Batch, Misread, Told

_KEEP_EVERY = 15.0
_GROUP_SLICES = 1000
_GROUP_PAGES = 64
_BEFORE = 0
"""The run of what was seen before this one, so that a record that was rung for may still come by itself."""
OnRead = Callable[[int, int | None], None]
"""Called with the slices read so far and, where known, how many there will be."""


@dataclass(slots=True)
class _Group:
    """Pages that are written together: their fingerprints, and the slices of them that were not seen before."""

    pages: list[tuple[int, Seen]] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    cursor: str | None = None

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return len(self.slices) >= _GROUP_SLICES or len(self.pages) >= _GROUP_PAGES


class Reader:
    """Reads one flow once, under its lease.

    ``forced``: a person says that what is found is right. ``began``: since when the source is asked, Unix seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        lease: Lease,
        flow: Flow,
        run: int,
        *,
        on_step: OnStep = ignore,
        on_read: OnRead | None = None,
        forced: bool = False,
        listening: bool = False,
        began: float | None = None,
    ) -> None:
        self.ledger, self.lease, self.flow, self.run = ledger, lease, flow, run
        self._forced, self._listening = forced, listening
        self.on_step = on_step
        self.on_read: OnRead = on_read or (lambda _done, _total: None)
        self._intake = Intake(flow, run, began)
        self.result = self._intake.result
        self._complete = flow.source.readers[flow.entity.entity].complete
        self._kept_at = ledger.clock.monotonic()
        with ledger.read() as tx:
            self._checkpoint = seen.checkpoint(tx, flow.name)
            self._first = not seen.any_record(tx, flow.name)
        self._was_whole = self._checkpoint.whole
        self._undecided = False
        self._before = Before(ledger, flow.name)
        self._examiner = Examiner(flow, run, self._checkpoint.pins)
        self._group = _Group()

    def read(self) -> Read:
        """Read to the end. What was read before an error, or a pause, stays read."""
        refuse(self.ledger, self.flow.source.name, self.flow.entity.entity)
        self._ask_again()
        if self._listening and self._heard_enough():
            return self._changed()
        self._answer_doorbell()
        self._begin_whole()
        seed = seed_of_read(self.flow.salt, self._checkpoint.epoch)
        number = slices = 0
        partial = False
        with Differences(first=self._first) as differences:
            try:
                for page in self._pages():
                    partial = partial or page.partial
                    slices += self._page(page, number, seed_of_page(page, seed), differences)
                    number += 1
                    self.on_read(slices, page.total)
                    self._keep_lease()
                    del page  # let go of before the next one is read
            finally:
                self._flush(differences)
                self.result.counts["read"] = slices
            with spans.begin("close the read"):
                self._end(number, partial, differences)
        return self.result

    def _heard_enough(self) -> bool:
        """Whether what the source tells of changes is all that can have changed since the last whole read."""
        state = self._checkpoint
        if state.heard is None or state.full_at is None or state.full_mark != self._mark:
            return False
        age = abs(self.ledger.clock.now().timestamp() - state.full_at)  # the clock may have been set back
        return age < self.flow.full_every and (state.whole or not self._complete)

    @property
    def _mark(self) -> str:
        """What decides the results beside the records; whatever changes it makes all be read anew."""
        return xxhash.xxh3_128_hexdigest(self.flow.salt + str(self._checkpoint.epoch).encode())

    def _how(self, mode: str) -> str:
        way = self.flow.source.way(self.flow.entity.entity)
        return f"{mode}: {way}" if way else mode

    def _begin_whole(self) -> None:
        """Note from which hint on changes will be new; until the end of the read nothing counts as whole."""
        heard = None
        if self._listening:
            with self.ledger.read() as tx:
                heard = hints.feed(tx, self.flow.source.name).number
        elif self._checkpoint.full_at is None:
            return
        self._checkpoint = replace(self._checkpoint, heard=heard, full_at=None, whole=False)
        with self.ledger.write(self.lease) as tx:
            seen.save_checkpoint(tx, self.flow.name, self._checkpoint)

    def _changed(self) -> Read:
        """Look at the records of which the source said that they changed, and at no other."""
        self.result.counts["read"] = self._follow(self._told(), self._examiner)
        self.on_step("read.ending")
        with self.ledger.write(self.lease) as tx:
            self._intake.decide(tx, self._examiner)
            self._checkpoint = replace(self._checkpoint, how=self._how("changes"))
            self._save(tx, cursor=self._checkpoint.cursor, whole=self._checkpoint.whole, ended=True)
        self.on_step("read.ended")
        return self.result

    def _answer_doorbell(self) -> None:
        """Look at the records that the system named by itself, before the usual read."""
        if not self._listening and self.flow.entity.entity in self.flow.source.lookups:
            self._follow(self._told(), Examiner(self.flow, _BEFORE, self._checkpoint.pins))

    def _ask_again(self) -> None:
        """Look anew at the records that could not be understood when they came."""
        state = self._checkpoint
        if state.read_at is not None and self.flow.entity.entity in self.flow.source.lookups:
            misread = Misread(self.ledger, self.flow, state.read_at, state.heard)
            self._follow(misread, Examiner(self.flow, _BEFORE, state.pins))

    def _told(self) -> Told:
        """Return the records that were named since this flow last heard."""
        return Told(self.ledger, self.flow, self._checkpoint.heard or 0)

    def _follow(self, batches: Iterable[Batch], examiner: Examiner) -> int:
        """Fetch and take in records by their ids; return how many."""
        done = 0
        source, entity = self.flow.source.name, self.flow.entity.entity
        for batch in unpaused(self.ledger, source, entity, batches):
            with self.ledger.read() as tx:
                changes = examiner.examine(tx, batch.slices(tx), again=True)
                if self._listening:
                    batch.mark_gone(tx, changes)
            self.on_step("read.examined")
            self._checkpoint = replace(self._checkpoint, heard=batch.heard)
            with self.ledger.write(self.lease) as tx:
                self._intake.write(tx, changes)
                self._save(tx, cursor=self._checkpoint.cursor, whole=self._checkpoint.whole)
            self.on_step("read.committed")
            done += len(batch.ids)
            self.on_read(done, None)
            self._keep_lease()
        return done

    def _pages(self) -> Iterator[Page]:
        cursor = None if self._complete else self._checkpoint.cursor
        source, entity = self.flow.source, self.flow.entity.entity
        pages = unpaused(self.ledger, source.name, entity, source.read(entity, cursor))
        return spans.each("page", pages, facts_of)

    def _page(self, page: Page, number: int, seed: int, differences: Differences) -> int:
        """Take in a page; return how many slices it has.

        A page whose records cannot be fetched counts as not seen, and so does what follows it.
        """
        if wrong := fault(page.cursor or ""):
            message = f"{self.flow.source.name}: the mark up to which it was read cannot be kept: {wrong}."
            raise IncompleteSource(f"{message} Nothing from there on was taken.")
        before = self._before.page(number) if self._complete else Seen()
        mark = xxhash.xxh3_128_digest(page.mark, seed=seed) if page.mark else b""
        if mark and mark == before.mark:
            self.result.counts["unchanged"] += len(before)
            return len(before)
        prints = fingerprints(page.slices, seed)
        now = Seen(b"".join(prints), mark)
        if self._complete:
            unseen = self._not_before(before, now, prints, differences)
        else:
            with self.ledger.read() as tx:
                unseen = seen.unknown(tx, self.flow.name, page.ids, prints) if page.ids else set(prints)
        pairs = zip(prints, page.slices, strict=True) if unseen else ()
        slices = decoded(page, [(one, raw) for one, raw in pairs if one in unseen])
        if page.ids and not self._complete:
            _name(slices, dict(zip(prints, page.ids, strict=True)))
        self.result.counts["unchanged"] += len(prints) - len(slices)
        self._group.slices += slices
        if not self._complete:
            self._group.cursor = page.cursor or self._group.cursor
        elif now != before:
            self._group.pages.append((number, now))
        if self._group.full:
            self._flush(differences)
        return len(prints)

    def _not_before(self, before: Seen, now: Seen, prints: Sequence[bytes], differences: Differences) -> set[bytes]:
        """Return what is new on a page."""
        if now.fingerprints == before.fingerprints:
            return set()
        with self.ledger.read() as tx:
            return differences.page(seen.split(before.fingerprints), prints, seen.pages(tx, self.flow.name))

    def _flush(self, differences: Differences) -> None:
        """Write the pages gathered so far, their changes, and the checkpoint that passed them."""
        group, self._group = self._group, _Group()
        if not (group.pages or group.slices or group.cursor):
            return
        with spans.begin("decide", {"obmen.records.total": len(group.slices)}):
            self._decide(group, differences)

    def _decide(self, group: _Group, differences: Differences) -> None:
        with self.ledger.read() as tx:
            changes = self._examiner.examine(tx, group.slices)
        group.slices.clear()  # they take the most room, and what follows takes some too
        differences.explained(changes.explained)
        differences.replaced(changes.replaced)
        self.on_step("read.examined")
        with self.ledger.write(self.lease) as tx:
            self._intake.write(tx, changes)
            seen.save_pages(tx, self.flow.name, group.pages)
            self._save(tx, cursor=group.cursor or self._checkpoint.cursor, whole=False)
        self.on_step("read.committed")

    def _end(self, pages: int, partial: bool, differences: Differences) -> None:
        with self.ledger.read() as tx:
            old_rest = seen.pages(tx, self.flow.name, pages) if self._complete else iter(())
            differences.rest(old_rest)
        self.on_step("read.ending")
        with self.ledger.write(self.lease) as tx:
            whole = self._complete and not partial
            kept = self._undecided = whole and self._kept_for_all_is_gone(tx)
            if self._complete:
                seen.cut_pages(tx, self.flow.name, pages)
                doubled.take_back(tx, self.flow, self.run, differences)
                if not kept and self._may_sweep(tx, partial, differences):
                    self._sweep(tx)
            self._intake.decide(tx, self._examiner)
            full_at = tx.now if self._listening else None
            mark, how = self._mark, self._how("complete" if self._complete else "since")
            self._checkpoint = replace(self._checkpoint, full_at=full_at, full_mark=mark, how=how)
            self._save(tx, cursor=self._checkpoint.cursor, whole=whole and not self._undecided, ended=True)
        self.on_step("read.ended")

    def _kept_for_all_is_gone(self, tx: Transaction) -> bool:
        """Warn of a source that gives nothing any more; return whether all stays as it was known to be."""
        if self._first or self._forced or self.result.counts["read"]:
            return False
        self.result.warnings.append(emptied.warning(tx, self.flow))
        return self.flow.missing == "ignore"

    def _may_sweep(self, tx: Transaction, partial: bool, differences: Differences) -> bool:
        """Whether something may be gone, and what is absent may be taken for gone."""
        if self._first or partial or quarantine.has_unreadable(tx, self.flow.name):
            return False
        return not self._was_whole or (differences.found and differences.unexplained())

    def _sweep(self, tx: Transaction) -> None:
        for batch in seen.gone(tx, self.flow.name):
            contested = quarantine.contested(tx, self.flow.name, [known.source for known in batch])
            keys = [known.key for known in batch if known.source not in contested]
            self._undecided = self._undecided or len(keys) < len(batch)
            seen.drop_records(tx, self.flow.name, keys)
            self._intake.vanish(tx, keys)

    def _save(
        self,
        tx: Transaction,
        *,
        cursor: str | None,
        whole: bool,
        ended: bool = False,
    ) -> None:
        self._checkpoint = replace(
            self._checkpoint,
            cursor=cursor,
            whole=whole,
            pins=self._examiner.pins,
            read_at=tx.now if ended else self._checkpoint.read_at,
        )
        seen.save_checkpoint(tx, self.flow.name, self._checkpoint)

    def _keep_lease(self) -> None:
        now = self.ledger.clock.monotonic()
        if now - self._kept_at > _KEEP_EVERY:
            self.ledger.keep(self.lease)
            self._kept_at = now


def _name(slices: Iterable[Slice], ids: Mapping[bytes, str]) -> None:
    """Tell whose slices these are, so that what cannot be fetched is one record's and closes when it can be."""
    for one in slices:
        one.source = ids[one.fingerprint]
